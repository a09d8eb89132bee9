"""Tables of payouts, as the migrations make them."""

from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.dialects.postgresql import CHAR, TSTZRANGE

from dougong.infra.db import metadata

payout_terms = Table(
    "payout_terms",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("weekday", SmallInteger),
    Column("minimum_minor", BigInteger, nullable=False),
    Column("hold_days", Integer, nullable=False),
    Column("change_wait_days", Integer, nullable=False),
    Column("approve_above_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

payout_accounts = Table(
    "payout_accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payee_id", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("holder", Text, nullable=False),
    Column("bank", Text, nullable=False),
    Column("number_sealed", LargeBinary, nullable=False),
    Column("number_tail", Text, nullable=False),
    Column("replaces", Uuid),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("verified_by", Uuid),
    Column("verified_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    Column("why", Text, server_default=FetchedValue(), nullable=False),
)

payout_runs = Table(
    "payout_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("day", Date, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("terms_id", Uuid, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("after_store", Uuid, server_default=FetchedValue(), nullable=False),
    Column("after_account", Uuid, server_default=FetchedValue(), nullable=False),
    Column("payouts", Integer, server_default=FetchedValue(), nullable=False),
    Column("total_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("unpaid", Integer, server_default=FetchedValue(), nullable=False),
    Column("unpaid_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("started_by", Uuid),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("made_at", DateTime(timezone=True)),
    Column("checked_by", Uuid),
    Column("checked_at", DateTime(timezone=True)),
    Column("approved_by", Uuid),
    Column("approved_at", DateTime(timezone=True)),
)

payout_files = Table(
    "payout_files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_taken", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_repeated", Integer, server_default=FetchedValue(), nullable=False),
    Column("rows_refused", Integer, server_default=FetchedValue(), nullable=False),
    Column("failure", Text, server_default=FetchedValue(), nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

payout_file_problems = Table(
    "payout_file_problems",
    metadata,
    Column("file_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("value", Text, server_default=FetchedValue(), nullable=False),
)

payouts = Table(
    "payouts",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("run_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("retry_of", Uuid),
    Column("payee_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("day", Date, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("file_id", Uuid),
    Column("bank_ref", Text),
    Column("why", Text, server_default=FetchedValue(), nullable=False),
    Column("booked_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("asked_at", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
)

payout_moves = Table(
    "payout_moves",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("payout_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("to_state", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("person_id", Uuid),
    Column("why", Text, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
