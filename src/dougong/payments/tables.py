"""Tables of the payments area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from dougong.infra.db import metadata

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("checkout_id", Uuid, nullable=False),
    Column("payer_id", Uuid),
    Column("gateway", Text, nullable=False),
    Column("gateway_ref", Text),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("pay_url", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("captured_at", DateTime(timezone=True)),
)

payment_parts = Table(
    "payment_parts",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("payment_id", Uuid, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("booked_at", DateTime(timezone=True)),
    Column("outcome", Text),
)

unallocated_money = Table(
    "unallocated_money",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("gateway_ref", Text, nullable=False),
    Column("payment_id", Uuid),
    Column("order_id", Uuid),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", Uuid),
    Column("resolution", Text),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
)

foreign_refunds = Table(
    "foreign_refunds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, nullable=False),
    Column("gateway_ref", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("failed_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("settled_by", Uuid),
    Column("store_id", Uuid),
    Column("refund_id", Uuid),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
)

refunds = Table(
    "refunds",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", SmallInteger, server_default=FetchedValue(), nullable=False),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("asked_by", Uuid),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("gateway_ref", Text),
    Column("failure", Text),
    Column("failed_at", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
)

refund_lines = Table(
    "refund_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("refund_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("quantity", Integer, server_default=FetchedValue(), nullable=False),
)

pay_ins = Table(
    "pay_ins",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("subject_id", Uuid),
    Column("payer_id", Uuid, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("payment_id", Uuid),
    Column("booked_at", DateTime(timezone=True)),
)

sandbox_charges = Table(
    "sandbox_charges",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger),
    Column("state", Text, nullable=False),
    Column("answer_at", DateTime(timezone=True)),
    Column("return_url", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
