"""Tables of warehouses and of stock as a ledger, as the migrations make them (SQL first)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    FetchedValue,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE

from dougong.infra.db import metadata

warehouses = Table(
    "warehouses",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, server_default=FetchedValue(), nullable=False),
    Column("province", Text, server_default=FetchedValue(), nullable=False),
    Column("city", Text, server_default=FetchedValue(), nullable=False),
    Column("line", Text, server_default=FetchedValue(), nullable=False),
    Column("phone", Text, server_default=FetchedValue(), nullable=False),
    Column("is_default", Boolean, server_default=FetchedValue(), nullable=False),
    Column("ships", Boolean, server_default=FetchedValue(), nullable=False),
    Column("unit_cost_minor", BigInteger, server_default=FetchedValue(), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

stock_levels = Table(
    "stock_levels",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("warehouse_id", Uuid, primary_key=True),
    Column("on_hand", Integer, server_default=FetchedValue(), nullable=False),
    Column("allocated", Integer, server_default=FetchedValue(), nullable=False),
    Column("damaged", Integer, server_default=FetchedValue(), nullable=False),
    Column("inspecting", Integer, server_default=FetchedValue(), nullable=False),
    Column("transit", Integer, server_default=FetchedValue(), nullable=False),
)

stock_moves = Table(
    "stock_moves",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("src", Text, nullable=False),
    Column("src_warehouse", Uuid),
    Column("dst", Text, nullable=False),
    Column("dst_warehouse", Uuid),
    Column("batch_id", Uuid),
    Column("unit_cost_minor", BigInteger),
    Column("value_minor", BigInteger),
    Column("about_kind", Text, server_default=FetchedValue(), nullable=False),
    Column("about_id", Uuid),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by_id", Uuid),
    Column("key", Text, nullable=False),
)

stock_allocations = Table(
    "stock_allocations",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("warehouse_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("shipped", Integer, server_default=FetchedValue(), nullable=False),
    Column("released", Integer, server_default=FetchedValue(), nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("reasons", JSONB, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

allocation_policies = Table(
    "allocation_policies",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("criteria", ARRAY(Text), nullable=False),
    Column("most_parcels", SmallInteger, nullable=False),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

expiry_terms = Table(
    "expiry_terms",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("category", Text, nullable=False),
    Column("sell_until_days", Integer, nullable=False),
    Column("in_force", TSTZRANGE, nullable=False),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
)

stock_batches = Table(
    "stock_batches",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("warehouse_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("lot", Text, server_default=FetchedValue(), nullable=False),
    Column("expires_on", Date),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("on_hand", Integer, nullable=False),
)

stock_counts = Table(
    "stock_counts",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("warehouse_id", Uuid, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("scope", Text, server_default=FetchedValue(), nullable=False),
    Column("limit_units", Integer, nullable=False),
    Column("started_by", Uuid, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("counted_by", Uuid),
    Column("counted_at", DateTime(timezone=True)),
    Column("closed_by", Uuid),
    Column("closed_at", DateTime(timezone=True)),
)

stock_count_lines = Table(
    "stock_count_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("count_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("expected", Integer),
    Column("counted", Integer),
    Column("difference", Integer, Computed("counted - expected", persisted=True)),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("counted_by", Uuid),
    Column("counted_at", DateTime(timezone=True)),
)

stock_count_scans = Table(
    "stock_count_scans",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("count_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("expected", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("reason", Text, server_default=FetchedValue(), nullable=False),
    Column("by_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("undone_at", DateTime(timezone=True)),
)

stock_transfers = Table(
    "stock_transfers",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("src_warehouse", Uuid, nullable=False),
    Column("dst_warehouse", Uuid, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("note", Text, server_default=FetchedValue(), nullable=False),
    Column("sent_by", Uuid, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Column("received_by", Uuid),
    Column("received_at", DateTime(timezone=True)),
    Column("key", Text, nullable=False),
)

stock_transfer_lines = Table(
    "stock_transfer_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("transfer_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("arrived", Integer),
    Column("damaged", Integer, server_default=FetchedValue(), nullable=False),
)

stock_quotas = Table(
    "stock_quotas",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("room_id", Uuid),
    Column("host_id", Uuid),
    Column("units", Integer, nullable=False),
    Column("used", Integer, server_default=FetchedValue(), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Column("made_by", Uuid, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

stock_quota_uses = Table(
    "stock_quota_uses",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("order_id", Uuid, primary_key=True),
    Column("quota_id", Uuid, primary_key=True),
    Column("units", Integer, nullable=False),
    Column("released", Integer, server_default=FetchedValue(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

stock_costs = Table(
    "stock_costs",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

stock_revaluations = Table(
    "stock_revaluations",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("about_kind", Text, nullable=False),
    Column("about_id", Uuid),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("key", Text, nullable=False),
)

stock_value_corrections = Table(
    "stock_value_corrections",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("sku_id", Uuid, nullable=False),
    Column("state", Text, server_default=FetchedValue(), nullable=False),
    Column("unit_cost_minor", BigInteger),
    Column("value_minor", BigInteger),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("before_minor", BigInteger, nullable=False),
    Column("after_minor", BigInteger),
    Column("proposed_by", Uuid, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", Uuid),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_why", Text, server_default=FetchedValue(), nullable=False),
)
