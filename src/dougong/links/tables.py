"""Tables of the links area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB, TSTZRANGE

from dougong.infra.db import metadata

sources = Table(
    "sources",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("hosts", ARRAY(Text), nullable=False),
    Column("adapter", Text, nullable=False),
    Column("settings", JSONB, server_default=FetchedValue(), nullable=False),
    Column("partner_id", Uuid),
    Column("asks_before_leaving", Boolean, server_default=FetchedValue(), nullable=False),
    Column("when_denied", Text, server_default=FetchedValue(), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

source_states = Table(
    "source_states",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
)

outside_products = Table(
    "outside_products",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, server_default=FetchedValue(), nullable=False),
    Column("image_url", Text),
    Column("image_file", Text),
    Column("gtin", Text),
    Column("category", Text, server_default=FetchedValue(), nullable=False),
    Column("price_minor", BigInteger),
    Column("currency", CHAR(3)),
    Column("commission_bp", Integer),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("checked_at", DateTime(timezone=True), nullable=False),
    Column("check_after", DateTime(timezone=True), nullable=False),
    Column("failures", SmallInteger, server_default=FetchedValue(), nullable=False),
)

product_links = Table(
    "product_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("video_id", Uuid),
    Column("creator_id", Uuid, nullable=False),
    Column("store_id", Uuid),
    Column("product_id", Uuid),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("surface", Text, server_default=FetchedValue(), nullable=False),
    Column("route", Text, server_default=FetchedValue(), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
    Column("outside_product_id", Uuid),
    Column("code", Text, server_default=FetchedValue(), nullable=False),
    Column("category", Text, server_default=FetchedValue(), nullable=False),
    Column("task_id", Uuid),
    Column("asked_url", Text),
    Column("hops", JSONB, server_default=FetchedValue(), nullable=False),
    Column("verdict_rule_id", Uuid),
    Column("terms", JSONB, server_default=FetchedValue(), nullable=False),
    Column("hidden_at", DateTime(timezone=True)),
    Column("hidden_rule_id", Uuid),
    Column("when_denied", Text, server_default=FetchedValue(), nullable=False),
    Column("instead_store_id", Uuid),
    Column("instead_product_id", Uuid),
    Column("converts_link", Uuid),
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("link_id", Uuid, nullable=False),
    Column("person_id", Uuid),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("validity", Text, server_default=FetchedValue(), nullable=False),
    Column("visitor", Text, server_default=FetchedValue(), nullable=False),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("sub_id", Text),
    Column("share_code", Text),
    Column("shelf_token", Text),
)

share_channels = Table(
    "share_channels",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

share_channel_states = Table(
    "share_channel_states",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
)

share_codes = Table(
    "share_codes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("video_id", Uuid, nullable=False),
    Column("link_id", Uuid),
    Column("channel", Text, nullable=False),
    Column("person_id", Uuid),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

link_sweeps = Table(
    "link_sweeps",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("looked", Integer, server_default=FetchedValue(), nullable=False),
    Column("hidden", Integer, server_default=FetchedValue(), nullable=False),
    Column("shown", Integer, server_default=FetchedValue(), nullable=False),
    Column("converted", Integer, server_default=FetchedValue(), nullable=False),
    Column("after_link", Uuid),
    Column("done_at", DateTime(timezone=True)),
)
