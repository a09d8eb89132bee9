"""Tables of the tasks area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import BigInteger, Column, DateTime, FetchedValue, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import CHAR

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
