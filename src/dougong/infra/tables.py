"""Tables of the infra area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    FetchedValue,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from dougong.infra.db import metadata

business_clock = Table(
    "business_clock",
    metadata,
    Column("only_row", Boolean, server_default=FetchedValue(), primary_key=True),
    Column("offset_s", Double, server_default=FetchedValue(), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("store_id", Uuid),
    Column("subject_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("fanned_out_at", DateTime(timezone=True)),
)

deadlines = Table(
    "deadlines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("outcome", Text),
)

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("body", JSONB, nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("outcome", Text),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner_id", Uuid, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

rate_windows = Table(
    "rate_windows",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("window_at", DateTime(timezone=True), primary_key=True),
    Column("hits", Integer, nullable=False),
)
