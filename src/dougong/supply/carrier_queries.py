"""Reads carriers and their rates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.supply.carrier_rules import CarrierUnknown, Rate
from dougong.supply.fulfilment_tables import carrier_rates, carriers


async def carriers_of(
    conn: AsyncConnection, *, store_id: StoreId, is_open: bool = False
) -> Sequence[Any]:
    """By name; `is_open`: only those that are offered."""
    asked = select(carriers).where(carriers.c.store_id == store_id).order_by(carriers.c.name)
    if is_open:
        asked = asked.where(carriers.c.closed_at.is_(None))
    return (await conn.execute(asked)).all()


async def carrier_of(conn: AsyncConnection, *, store_id: StoreId, code: str) -> Any:
    """Raises CarrierUnknown."""
    asked = select(carriers).where(carriers.c.store_id == store_id, carriers.c.code == code)
    row = (await conn.execute(asked)).one_or_none()
    if row is None:
        raise CarrierUnknown(field="carrier")
    return row


async def sends_from(conn: AsyncConnection, *, store_id: StoreId, warehouse_id: UUID | None) -> Any:
    """The warehouse that a parcel leaves, else the store's default; None where it has none."""
    asked = text("""
        SELECT province, city, line, phone FROM warehouses
        WHERE store_id = :s AND (id = :w OR CAST(:w AS uuid) IS NULL AND is_default)
    """)
    return (await conn.execute(asked, {"s": store_id, "w": warehouse_id})).one_or_none()


async def rates_of(conn: AsyncConnection, *, store_id: StoreId, carrier: str) -> list[Rate]:
    """Every row of a carrier, of any date, by zone and way."""
    rows = await conn.execute(
        select(
            carrier_rates,
            func.lower(carrier_rates.c.in_force).label("starts"),
            func.upper(carrier_rates.c.in_force).label("ends"),
        )
        .where(carrier_rates.c.store_id == store_id, carrier_rates.c.carrier == carrier)
        .order_by(carrier_rates.c.zone, carrier_rates.c.to_province, "starts")
    )
    return [Rate(**{name: getattr(r, name) for name in Rate.__struct_fields__}) for r in rows]
