"""Tables of the supply area, as the migrations make them (SQL first; drift is tested)."""

from sqlalchemy import Column, FetchedValue, Integer, Table, Uuid

from dougong.infra.db import metadata

stock = Table(
    "stock",
    metadata,
    Column("store_id", Uuid, primary_key=True),
    Column("sku_id", Uuid, primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("reserved", Integer, server_default=FetchedValue(), nullable=False),
    Column("quotas", Integer, server_default=FetchedValue(), nullable=False),
)
