"""Tables of the gifts area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE

from dougong.infra.db import metadata

coin_packs = Table(
    "coin_packs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("coins", Integer, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

coin_lots = Table(
    "coin_lots",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("pay_in_id", Uuid, primary_key=True),
    Column("pack_id", Uuid, nullable=False),
    Column("coins", Integer, nullable=False),
    Column("used", Integer, server_default=FetchedValue(), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("used_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("market", Text, nullable=False),
    Column("bought_at", DateTime(timezone=True), nullable=False),
)

gift_kinds = Table(
    "gift_kinds",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("coins", Integer, nullable=False),
    Column("animation", Text, server_default=FetchedValue(), nullable=False),
    Column("icon", Text, server_default=FetchedValue(), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

gift_limits = Table(
    "gift_limits",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("from_age", SmallInteger, nullable=False),
    Column("coins_per_day", Integer, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("citation", Text, server_default=FetchedValue(), nullable=False),
)

gift_people = Table(
    "gift_people",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("born_on", Date, nullable=False),
    Column("said_at", DateTime(timezone=True), nullable=False),
)

gifts = Table(
    "gifts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("room_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("creator_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("count", SmallInteger, nullable=False),
    Column("coins", Integer, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("platform_minor", BigInteger, nullable=False),
    Column("creator_minor", BigInteger, nullable=False),
    Column("fee_bp", Integer, nullable=False),
    Column("fee_rule_id", Uuid),
    Column("idempotency_key", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("reversed_at", DateTime(timezone=True)),
    Column("reversed_by", Uuid),
    Column("reversal_reason", Text),
)

gift_uses = Table(
    "gift_uses",
    metadata,
    Column("gift_id", Uuid, primary_key=True),
    Column("pay_in_id", Uuid, primary_key=True),
    Column("coins", Integer, nullable=False),
    Column("value_minor", BigInteger, nullable=False),
)

app_revenue_rows = Table(
    "app_revenue_rows",
    metadata,
    Column("month", Date, primary_key=True),
    Column("market", Text, primary_key=True),
    Column("app", Text, primary_key=True),
    Column("currency", CHAR(3), nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("read_at", DateTime(timezone=True), nullable=False),
)
