"""Tables of the accounts area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    FetchedValue,
    Identity,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from dougong.infra.db import metadata

people = Table(
    "people",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("is_demo", Boolean, server_default=FetchedValue(), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

organisations = Table(
    "organisations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("handle", Text, nullable=False),
    Column("bio_zh", Text, server_default=FetchedValue(), nullable=False),
    Column("bio_en", Text, server_default=FetchedValue(), nullable=False),
    Column("name_en", Text, server_default=FetchedValue(), nullable=False),
    Column("avatar_file", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("org_id", Uuid, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("granted_at", DateTime(timezone=True), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("user_agent", Text, server_default=FetchedValue(), nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("org_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("invited_by", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("used_by", Uuid),
)

addresses = Table(
    "addresses",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("country", Text, server_default=FetchedValue(), nullable=False),
    Column("province", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("district", Text, server_default=FetchedValue(), nullable=False),
    Column("line", Text, nullable=False),
    Column("postcode", Text, server_default=FetchedValue(), nullable=False),
    Column("is_default", Boolean, server_default=FetchedValue(), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("person_id", Uuid),
    Column("action", Text, nullable=False),
    Column("owner_id", Uuid),
    Column("subject", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("request_id", Text, server_default=FetchedValue(), nullable=False),
)
