"""Tables of the live area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import CHAR

from dougong.infra.db import metadata

live_rooms = Table(
    "live_rooms",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("creator_id", Uuid, nullable=False),
    Column("title_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("title_en", Text, server_default=FetchedValue(), nullable=False),
    Column("cover_file", Text),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("announced_for", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("paused_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_reason", Text),
    Column("slow_mode_s", Integer, server_default=FetchedValue(), nullable=False),
    Column("chat", Text, server_default=FetchedValue(), nullable=False),
    Column("keep_until", DateTime(timezone=True), nullable=False),
    Column("forgotten_at", DateTime(timezone=True)),
    Column("replay_video_id", Uuid),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

live_stream_keys = Table(
    "live_stream_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
)

live_publishers = Table(
    "live_publishers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("key_id", Uuid, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("client", Text, server_default=FetchedValue(), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_reason", Text),
    Column("bitrate_bps", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("frames", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("dropped", BigInteger, server_default=FetchedValue(), nullable=False),
)

live_reminders = Table(
    "live_reminders",
    metadata,
    Column("room_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("told_at", DateTime(timezone=True)),
)

live_moderators = Table(
    "live_moderators",
    metadata,
    Column("creator_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False),
)

live_keywords = Table(
    "live_keywords",
    metadata,
    Column("creator_id", Uuid, primary_key=True),
    Column("word", Text, primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False),
)

live_mutes = Table(
    "live_mutes",
    metadata,
    Column("room_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("until_at", DateTime(timezone=True)),
)

live_messages = Table(
    "live_messages",
    metadata,
    Column("room_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
    Column("removed_by", Uuid),
    Column("removed_why", Text),
)

live_visits = Table(
    "live_visits",
    metadata,
    Column("room_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("visitor", Text, nullable=False),
    Column("person_id", Uuid),
    Column("came_from", Text, nullable=False),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("left_at", DateTime(timezone=True)),
)

live_minutes = Table(
    "live_minutes",
    metadata,
    Column("room_id", Uuid, primary_key=True),
    Column("minute", DateTime(timezone=True), primary_key=True),
    Column("viewers", Integer, server_default=FetchedValue(), nullable=False),
    Column("joined", Integer, server_default=FetchedValue(), nullable=False),
    Column("messages", Integer, server_default=FetchedValue(), nullable=False),
    Column("likes", Integer, server_default=FetchedValue(), nullable=False),
)

live_explanations = Table(
    "live_explanations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("store_id", Uuid),
    Column("product_id", Uuid),
    Column("outside_product_id", Uuid),
    Column("route", Text, nullable=False),
    Column("task_id", Uuid),
    Column("verdict_rule_id", Uuid),
    Column("price_minor", BigInteger),
    Column("currency", CHAR(3)),
    Column("stock", Integer),
    Column("viewers", Integer, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_reason", Text),
)

live_shelf_facts = Table(
    "live_shelf_facts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("verdict_rule_id", Uuid),
    Column("price_minor", BigInteger),
    Column("currency", CHAR(3)),
    Column("stock", Integer),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

live_offers = Table(
    "live_offers",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("quota", Integer, nullable=False),
    Column("sold", Integer, server_default=FetchedValue(), nullable=False),
    Column("per_buyer", Integer, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("stopped_at", DateTime(timezone=True)),
)

live_offer_uses = Table(
    "live_offer_uses",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("offer_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("buyer_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("released_at", DateTime(timezone=True)),
)

live_coupon_drops = Table(
    "live_coupon_drops",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("store_id", Uuid, nullable=False),
    Column("coupon_id", Uuid, nullable=False),
    Column("quota", Integer, nullable=False),
    Column("taken", Integer, server_default=FetchedValue(), nullable=False),
    Column("dropped_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
)

live_coupon_claims = Table(
    "live_coupon_claims",
    metadata,
    Column("drop_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
)

live_draws = Table(
    "live_draws",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("prize_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("prize_en", Text, server_default=FetchedValue(), nullable=False),
    Column("winners", Integer, nullable=False),
    Column("seed_hash", LargeBinary, nullable=False),
    Column("seed", LargeBinary),
    Column("entropy", LargeBinary),
    Column("opens_at", DateTime(timezone=True), nullable=False),
    Column("closes_at", DateTime(timezone=True), nullable=False),
    Column("drawn_at", DateTime(timezone=True)),
    Column("entrants", Integer),
)

live_draw_entries = Table(
    "live_draw_entries",
    metadata,
    Column("draw_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("won", Boolean, server_default=FetchedValue(), nullable=False),
)

live_seals = Table(
    "live_seals",
    metadata,
    Column("room_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
    Column("upto", DateTime(timezone=True), nullable=False),
    Column("facts", Integer, nullable=False),
    Column("contents", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
