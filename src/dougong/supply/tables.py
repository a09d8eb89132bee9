"""Tables of the supply area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import Column, DateTime, FetchedValue, Integer, SmallInteger, Table, Text, Uuid

from dougong.infra.db import metadata

stock = Table(
    "stock",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("reserved", Integer, server_default=FetchedValue(), nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tracking_no", Text, nullable=False),
    Column("shipped_at", DateTime(timezone=True), nullable=False),
)

package_lines = Table(
    "package_lines",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("package_id", Uuid, primary_key=True),
    Column("line_no", SmallInteger, primary_key=True),
    Column("quantity", Integer, nullable=False),
)
