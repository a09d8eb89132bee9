"""Tables of the policy area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TSTZRANGE

from dougong.infra.db import metadata

fee_rules = Table(
    "fee_rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("surface", Text, server_default=FetchedValue(), nullable=False),
    Column("category", Text, server_default=FetchedValue(), nullable=False),
    Column("route", Text, server_default=FetchedValue(), nullable=False),
    Column("party_class", Text, server_default=FetchedValue(), nullable=False),
    Column("party", Text, server_default=FetchedValue(), nullable=False),
    Column("merchant_class", Text, server_default=FetchedValue(), nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("rollout_bp", Integer, server_default=FetchedValue(), nullable=False),
    Column("rate_bp", Integer, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("citation", Text, server_default=FetchedValue(), nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("approver_id", Uuid),
    Column("approved_at", DateTime(timezone=True)),
)

term_rules = Table(
    "term_rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("source", Text, server_default=FetchedValue(), nullable=False),
    Column("surface", Text, server_default=FetchedValue(), nullable=False),
    Column("category", Text, server_default=FetchedValue(), nullable=False),
    Column("route", Text, server_default=FetchedValue(), nullable=False),
    Column("party_class", Text, server_default=FetchedValue(), nullable=False),
    Column("party", Text, server_default=FetchedValue(), nullable=False),
    Column("merchant_class", Text, server_default=FetchedValue(), nullable=False),
    Column("announced_at", DateTime(timezone=True), nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("rollout_bp", Integer, server_default=FetchedValue(), nullable=False),
    Column("seconds", BigInteger, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    Column("citation", Text, server_default=FetchedValue(), nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("approver_id", Uuid),
    Column("approved_at", DateTime(timezone=True)),
)
