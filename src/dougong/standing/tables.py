"""Tables of the standing area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE

from dougong.infra.db import metadata

standing_rules = Table(
    "standing_rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("citation", Text, server_default=FetchedValue(), nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("approver_id", Uuid),
    Column("approved_at", DateTime(timezone=True)),
)

store_scores = Table(
    "store_scores",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("rule_id", Uuid, nullable=False),
    Column("score_bp", Integer),
    Column("facts", JSONB, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False),
)

penalties = Table(
    "penalties",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("rule_id", Uuid, nullable=False),
    Column("violation", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("words", Text, nullable=False),
    Column("fine_minor", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("measure", Text, nullable=False),
    Column("measure_until", DateTime(timezone=True)),
    Column("appeal_until", DateTime(timezone=True), nullable=False),
    Column("decided_by", Uuid, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("reversed_at", DateTime(timezone=True)),
    Column("reversed_by", Uuid),
    Column("reversed_why", Text),
)

penalty_orders = Table(
    "penalty_orders",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("penalty_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("facts", JSONB, nullable=False),
)

penalty_appeals = Table(
    "penalty_appeals",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("penalty_id", Uuid, primary_key=True),
    Column("words", Text, nullable=False),
    Column("appealed_by", Uuid, nullable=False),
    Column("appealed_at", DateTime(timezone=True), nullable=False),
    Column("answered_by", Uuid),
    Column("answered_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("answer", Text),
)
