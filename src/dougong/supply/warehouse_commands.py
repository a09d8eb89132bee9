"""Opens, changes and closes warehouses. Every store has one from the start: its default."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.infra.db import constraint_of, fetch
from dougong.supply.allocation_rules import CRITERIA, Policy
from dougong.supply.stock_rules import CodeTaken, WarehouseClosed, WarehouseInUse

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


class WarehouseFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant says of a warehouse. unit_cost_minor: of sending a unit from it."""

    code: str
    name_zh: str
    name_en: str = ""
    province: str = ""
    city: str = ""
    line: str = ""
    phone: str = ""
    ships: bool = True
    unit_cost_minor: int = 0


INSERT = """
    INSERT INTO warehouses (store_id, id, code, name_zh, name_en, province, city, line, phone,
      ships, unit_cost_minor, made_at)
    VALUES (%(store_id)s, %(id)s, %(code)s, %(name_zh)s, %(name_en)s, %(province)s, %(city)s,
      %(line)s, %(phone)s, %(ships)s, %(unit_cost_minor)s, %(at)s)
"""

CHANGE = """
    UPDATE warehouses SET code = %(code)s, name_zh = %(name_zh)s, name_en = %(name_en)s,
      province = %(province)s, city = %(city)s, line = %(line)s, phone = %(phone)s,
      ships = %(ships)s, unit_cost_minor = %(unit_cost_minor)s
    WHERE store_id = %(store_id)s AND id = %(id)s RETURNING 1
"""

TAKE_DEFAULT = """
    UPDATE warehouses SET is_default = false
    WHERE store_id = %(store_id)s AND is_default AND id <> %(id)s
"""

GIVE_DEFAULT = """
    UPDATE warehouses SET is_default = true
    WHERE store_id = %(store_id)s AND id = %(id)s AND closed_at IS NULL RETURNING 1
"""

CLOSE = """
    UPDATE warehouses w SET closed_at = %(at)s
    WHERE w.store_id = %(store_id)s AND w.id = %(id)s AND NOT w.is_default AND w.closed_at IS NULL
      AND NOT EXISTS (SELECT FROM stock_levels l WHERE l.store_id = w.store_id
        AND l.warehouse_id = w.id
        AND l.on_hand + l.damaged + l.inspecting + l.transit > 0)
    RETURNING 1
"""


async def add_warehouse(
    conn: AsyncConnection, *, store_id: StoreId, fields: WarehouseFields, at: datetime
) -> UUID:
    """Raises BadInput, or CodeTaken (409) for a code that another warehouse has."""
    await default_warehouse(conn, store_id=store_id, at=at)
    warehouse_id = new_id()
    await _write(conn, INSERT, store_id, warehouse_id, fields, at)
    return warehouse_id


async def change_warehouse(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    fields: WarehouseFields,
    at: datetime,
) -> None:
    """Raises NotFound, BadInput or CodeTaken (409)."""
    if not await _write(conn, CHANGE, store_id, warehouse_id, fields, at):
        raise NotFound


async def _write(
    conn: AsyncConnection,
    statement: LiteralString,
    store_id: StoreId,
    warehouse_id: UUID,
    fields: WarehouseFields,
    at: datetime,
) -> list[Any]:
    if not fields.name_zh:
        raise BadInput(field="name_zh", reason="missing")
    values = msgspec.structs.asdict(fields)
    try:
        async with conn.begin_nested():
            return await fetch(
                conn, statement, {"store_id": store_id, "id": warehouse_id, "at": at, **values}
            )
    except IntegrityError as error:
        name = constraint_of(error) or ""
        if name == "warehouses_store_id_code_key":
            raise CodeTaken(field="code") from error
        field = name.removeprefix("warehouses_").removesuffix("_check")
        raise BadInput(field=field, reason="does_not_fit") from error


async def make_default(conn: AsyncConnection, *, store_id: StoreId, warehouse_id: UUID) -> None:
    """What names no warehouse goes to this one from now on. Raises NotFound."""
    values = {"store_id": store_id, "id": warehouse_id}
    await fetch(conn, TAKE_DEFAULT, values)
    if not await fetch(conn, GIVE_DEFAULT, values):
        raise NotFound


async def close_warehouse(
    conn: AsyncConnection, *, store_id: StoreId, warehouse_id: UUID, at: datetime
) -> None:
    """Raises WarehouseInUse (409) for the default one, or one in which something still lies."""
    values = {"store_id": store_id, "id": warehouse_id, "at": at}
    await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)
    if not await fetch(conn, CLOSE, values):
        raise WarehouseInUse


SET_POLICY = """
    WITH ended AS (
      UPDATE allocation_policies SET in_force = tstzrange(lower(in_force), %(at)s)
      WHERE store_id = %(store_id)s AND in_force @> %(at)s::timestamptz
        AND lower(in_force) < %(at)s RETURNING 1
    ), replaced AS (
      UPDATE allocation_policies SET criteria = %(criteria)s, most_parcels = %(most)s,
        reason = %(reason)s, made_by = %(by)s, made_at = %(at)s
      WHERE store_id = %(store_id)s AND lower(in_force) = %(at)s RETURNING 1
    )
    SELECT (SELECT count(*) FROM ended), (SELECT count(*) FROM replaced)
"""

ADD_POLICY = """
    INSERT INTO allocation_policies (store_id, id, in_force, criteria, most_parcels, reason,
      made_by, made_at)
    VALUES (%(store_id)s, %(id)s, tstzrange(%(at)s, NULL), %(criteria)s, %(most)s, %(reason)s,
      %(by)s, %(at)s)
"""


async def set_policy(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    policy: Policy,
    reason: str,
    by_id: PersonId,
    at: datetime,
) -> None:
    """From now on the store's warehouses are asked in this order. Raises BadInput."""
    if not policy.criteria or len(set(policy.criteria)) < len(policy.criteria):
        raise BadInput(field="criteria", reason="missing")
    if not set(policy.criteria) <= set(CRITERIA):
        raise BadInput(field="criteria", reason="unknown_value")
    if not 1 <= policy.most_parcels <= 20:
        raise BadInput(field="most_parcels", reason="out_of_range")
    values = {"store_id": store_id, "id": new_id(), "criteria": list(policy.criteria),
              "most": policy.most_parcels, "reason": reason[:200], "by": by_id,
              "at": at}  # fmt: skip
    ((_, replaced),) = await fetch(conn, SET_POLICY, values)
    if not replaced:
        await fetch(conn, ADD_POLICY, values)
