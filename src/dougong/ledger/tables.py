"""Tables of the ledger area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from dougong.infra.db import metadata

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("order_id", Uuid),
    Column("reverses", Uuid),
    Column("counts_at", DateTime(timezone=True), nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
)

ledger_transfers = Table(
    "ledger_transfers",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("n", SmallInteger, primary_key=True),
    Column("src", Uuid, nullable=False),
    Column("dst", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("part", Text, nullable=False),
    Column("line_no", SmallInteger),
)

ledger_unsealed = Table(
    "ledger_unsealed",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
)

ledger_unsealed_ranges = Table(
    "ledger_unsealed_ranges",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("first_id", Uuid, primary_key=True),
    Column("last_id", Uuid, nullable=False),
)

ledger_seals = Table(
    "ledger_seals",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

ledger_sealed_entries = Table(
    "ledger_sealed_entries",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True),
    Column("seal_number", BigInteger, nullable=False),
)

ledger_rollups = Table(
    "ledger_rollups",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("account_id", Uuid, primary_key=True),
    Column("seal_number", BigInteger, primary_key=True),
    Column("balance_minor", BigInteger, nullable=False),
)

ledger_days = Table(
    "ledger_days",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("account_id", Uuid, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("gained_minor", BigInteger, nullable=False),
    Column("lost_minor", BigInteger, nullable=False),
)
