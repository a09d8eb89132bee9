"""Tables of the tasks area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import CHAR, JSONB, TSTZRANGE

from dougong.infra.db import metadata

task_agreements = Table(
    "task_agreements",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("brand_id", Uuid, nullable=False),
    Column("creator_id", Uuid, nullable=False),
    Column("surface", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("price_model", Text, server_default=FetchedValue(), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("service_fee_bp", Integer, nullable=False),
    Column("service_fee_rule_id", Uuid, nullable=False),
    Column("verdict_rule_id", Uuid),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("agreed_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

agency_contracts = Table(
    "agency_contracts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("agency_id", Uuid, nullable=False),
    Column("creator_id", Uuid, nullable=False),
    Column("share_bp", Integer, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("offered_by", Uuid, nullable=False),
    Column("offered_at", DateTime(timezone=True), nullable=False),
    Column("answered_by", Uuid),
    Column("answered_at", DateTime(timezone=True)),
)

task_briefs = Table(
    "task_briefs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("brand_id", Uuid, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("way", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, server_default=FetchedValue(), nullable=False),
    Column("body_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("body_en", Text, server_default=FetchedValue(), nullable=False),
    Column("surface", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("price_model", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("most_minor", BigInteger, nullable=False),
    Column("budget_minor", BigInteger, nullable=False),
    Column("taken_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("places", Integer, nullable=False),
    Column("taken", Integer, server_default=FetchedValue(), nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("apply_until", DateTime(timezone=True), nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("posted_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
)

task_applications = Table(
    "task_applications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("brief_id", Uuid, nullable=False),
    Column("creator_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("seen", JSONB(none_as_null=True)),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Uuid),
)

task_works = Table(
    "task_works",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("brief_id", Uuid, nullable=False),
    Column("application_id", Uuid, nullable=False),
    Column("brand_id", Uuid, nullable=False),
    Column("creator_id", Uuid, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("terms", JSONB, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("funded_minor", BigInteger, nullable=False),
    Column("service_fee_bp", Integer, nullable=False),
    Column("contract_id", Uuid),
    Column("agency_id", Uuid),
    Column("agency_bp", Integer, server_default=FetchedValue(), nullable=False),
    Column("agreed_at", DateTime(timezone=True), nullable=False),
    Column("samples_sent_at", DateTime(timezone=True)),
    Column("samples_received_at", DateTime(timezone=True)),
    Column("delivery_no", Integer, server_default=FetchedValue(), nullable=False),
    Column("offered_bp", Integer),
    Column("measured", BigInteger),
    Column("reached_minor", BigInteger),
    Column("reached_bp", Integer),
    Column("basis_minor", BigInteger),
    Column("share_bp", Integer),
    Column("fee_minor", BigInteger),
    Column("agency_minor", BigInteger),
    Column("creator_minor", BigInteger),
    Column("back_minor", BigInteger),
    Column("why", Text, server_default=FetchedValue(), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

task_deliveries = Table(
    "task_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("video_id", Uuid),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Uuid, nullable=False),
)

task_notes = Table(
    "task_notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("side", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, server_default=FetchedValue(), nullable=False),
    Column("share_bp", Integer),
    Column("evidence", JSONB(none_as_null=True)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person_id", Uuid),
)

task_ratings = Table(
    "task_ratings",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("stars", SmallInteger, nullable=False),
    Column("words", Text, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person_id", Uuid, nullable=False),
)

task_purses = Table(
    "task_purses",
    metadata,
    Column("brand_id", Uuid, primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
)
