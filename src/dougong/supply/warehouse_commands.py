"""Opens, changes and closes warehouses. Every store has one from the start: its default."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId, new_id
from dougong.infra.db import fetch
from dougong.supply.stock_rules import WarehouseClosed

DEFAULT = "SELECT id FROM warehouses WHERE store_id = %(store_id)s AND is_default"

MAKE_DEFAULT = """
    INSERT INTO warehouses (store_id, id, code, name_zh, name_en, is_default, made_at)
    VALUES (%(store_id)s, %(id)s, 'MAIN', '默认仓', 'Main warehouse', true, %(at)s)
    ON CONFLICT DO NOTHING
"""

CLOSED = """
    SELECT closed_at IS NOT NULL FROM warehouses WHERE store_id = %(store_id)s AND id = %(id)s
"""


async def default_warehouse(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> UUID:
    """The store's default warehouse; made with the first goods, if the store has none."""
    values = {"store_id": store_id, "id": new_id(), "at": at}
    found = await fetch(conn, DEFAULT, values)
    if not found:
        await fetch(conn, MAKE_DEFAULT, values)
        found = await fetch(conn, DEFAULT, values)
    warehouse_id: UUID = found[0][0]
    return warehouse_id


async def open_warehouse(conn: AsyncConnection, *, store_id: StoreId, warehouse_id: UUID) -> None:
    """Raises NotFound unless it is this store's, WarehouseClosed (409) when it is closed."""
    found = await fetch(conn, CLOSED, {"store_id": store_id, "id": warehouse_id})
    if not found:
        raise NotFound(field="warehouse_id")
    if found[0][0]:
        raise WarehouseClosed(field="warehouse_id")
