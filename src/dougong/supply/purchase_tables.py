"""Tables of purchasing, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import (
    CHAR,
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
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE

from dougong.infra.db import metadata

purchase_terms = Table(
    "purchase_terms",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("approve_above_minor", BigInteger, nullable=False),
    Column("price_tolerance_bp", Integer, nullable=False),
    Column("amount_tolerance_minor", BigInteger, nullable=False),
    Column("over_bp", Integer, nullable=False),
    Column("service_level_bp", Integer, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
)

purchase_numbers = Table(
    "purchase_numbers",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("last", Integer, nullable=False),
)

suppliers = Table(
    "suppliers",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("contact", Text, server_default=FetchedValue(), nullable=False),
    Column("email", Text, server_default=FetchedValue(), nullable=False),
    Column("phone", Text, server_default=FetchedValue(), nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("payment_days", SmallInteger, nullable=False),
    Column("lead_days", SmallInteger, nullable=False),
    Column("notes", Text, server_default=FetchedValue(), nullable=False),
    Column("token_hash", LargeBinary),
    Column("token_at", DateTime(timezone=True)),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

supplier_items = Table(
    "supplier_items",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("supplier_sku", Text, server_default=FetchedValue(), nullable=False),
    Column("pack_size", Integer, server_default=FetchedValue(), nullable=False),
    Column("min_quantity", Integer, server_default=FetchedValue(), nullable=False),
    Column("lead_days", SmallInteger),
    Column("is_dropship", Boolean, server_default=FetchedValue(), nullable=False),
)

supplier_prices = Table(
    "supplier_prices",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("from_quantity", Integer, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("made_by", Uuid, nullable=False),
)

purchase_orders = Table(
    "purchase_orders",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("warehouse_id", Uuid),
    Column("state", Text, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("goods_minor", BigInteger, nullable=False),
    Column("limit_minor", BigInteger),
    Column("expected_on", Date, nullable=False),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Uuid),
    Column("approved_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_reason", Text, server_default=FetchedValue(), nullable=False),
)

purchase_lines = Table(
    "purchase_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("supplier_sku", Text, server_default=FetchedValue(), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("price_id", Uuid),
    Column("most", Integer, nullable=False),
    Column("received", Integer, server_default=FetchedValue(), nullable=False),
    Column("returned", Integer, server_default=FetchedValue(), nullable=False),
    Column("billed", Integer, server_default=FetchedValue(), nullable=False),
)

goods_receipts = Table(
    "goods_receipts",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("warehouse_id", Uuid, nullable=False),
    Column("delivery_note", Text, server_default=FetchedValue(), nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

goods_receipt_lines = Table(
    "goods_receipt_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("receipt_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("accepted", Integer, nullable=False),
    Column("damaged", Integer, server_default=FetchedValue(), nullable=False),
    Column("short", Integer, server_default=FetchedValue(), nullable=False),
    Column("over", Integer, server_default=FetchedValue(), nullable=False),
    Column("lot", Text, server_default=FetchedValue(), nullable=False),
    Column("expires_on", Date),
)

landed_costs = Table(
    "landed_costs",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("receipt_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("spread_by", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

landed_cost_shares = Table(
    "landed_cost_shares",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("landed_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("to_stock_minor", BigInteger, nullable=False),
)

supplier_bills = Table(
    "supplier_bills",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("billed_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("goods_minor", BigInteger, nullable=False),
    Column("extra_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("differs", Boolean, nullable=False),
    Column("entered_by", Uuid, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", Uuid),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
)

supplier_bill_lines = Table(
    "supplier_bill_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("bill_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
)

supplier_returns = Table(
    "supplier_returns",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("warehouse_id", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("credit_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

supplier_return_lines = Table(
    "supplier_return_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("return_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("credited", Integer, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
)

supplier_payments = Table(
    "supplier_payments",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

dropship_statements = Table(
    "dropship_statements",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("supplier_id", Uuid, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("lines", Integer, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

dropship_lines = Table(
    "dropship_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("supplier_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("accepted_at", DateTime(timezone=True)),
    Column("answered_at", DateTime(timezone=True)),
    Column("package_id", Uuid),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("statement_id", Uuid),
)

reorder_suggestions = Table(
    "reorder_suggestions",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("supplier_id", Uuid),
    Column("quantity", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("on_order", Integer, nullable=False),
    Column("figures", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
