"""Tables of the partners area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import CHAR

from dougong.infra.db import metadata

partner_rounds = Table(
    "partner_rounds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("previous_id", Uuid),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("opened_by", Uuid, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("signed_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("notice_by", Text),
    Column("notice_at", DateTime(timezone=True)),
    Column("notice_reason", Text, server_default=FetchedValue(), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

partner_proposals = Table(
    "partner_proposals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("side", Text, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("document", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("message", Text, server_default=FetchedValue(), nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("offered_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("accepted_by", Uuid),
    Column("accepted_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Uuid),
    Column("close_reason", Text, server_default=FetchedValue(), nullable=False),
)

partner_signatures = Table(
    "partner_signatures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("proposal_id", Uuid, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("side", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("signer", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

partner_comments = Table(
    "partner_comments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("number", Integer),
    Column("term", Text, server_default=FetchedValue(), nullable=False),
    Column("side", Text, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

partner_amounts = Table(
    "partner_amounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("component", Text, server_default=FetchedValue(), nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("is_about", Boolean, nullable=False),
    Column("times_last_bp", Integer),
    Column("source", Text, nullable=False),
    Column("citation", Text, server_default=FetchedValue(), nullable=False),
    Column("said_at", DateTime(timezone=True), nullable=False),
    Column("side", Text),
    Column("author_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("replaces", Uuid),
)

partner_deliveries = Table(
    "partner_deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("origin", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("author_id", Uuid),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

partner_accruals = Table(
    "partner_accruals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

partner_alarms = Table(
    "partner_alarms",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("component", Text, nullable=False),
    Column("committed", BigInteger, nullable=False),
    Column("forecast", BigInteger, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("cleared_at", DateTime(timezone=True)),
)

partner_statements = Table(
    "partner_statements",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

partner_statement_lines = Table(
    "partner_statement_lines",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("statement_id", Uuid, nullable=False),
    Column("line_no", SmallInteger, nullable=False),
    Column("component", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("committed", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("base_minor", BigInteger, nullable=False),
    Column("rate_bp", Integer, nullable=False),
    Column("owed_by", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
)

partner_disputes = Table(
    "partner_disputes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("round_id", Uuid, nullable=False),
    Column("component", Text, server_default=FetchedValue(), nullable=False),
    Column("subject", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("opened_by", Uuid, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Uuid),
    Column("resolution", Text, server_default=FetchedValue(), nullable=False),
)

partner_dispute_notes = Table(
    "partner_dispute_notes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dispute_id", Uuid, nullable=False),
    Column("side", Text, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
