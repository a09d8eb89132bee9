"""Goods of a case: what came back goes to stock, to damage or to be looked at; what is sent again
leaves stock, at a cost and without revenue."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import CaseKind, Inspection
from dougong.base.ids import PersonId, SkuId
from dougong.supply.resend_commands import send_free_units
from dougong.supply.stock_commands import return_units
from dougong.supply.stock_rules import Place
from dougong.supply.warehouse_commands import default_warehouse

# Where goods go by what was found; nobody has looked: they wait to be inspected.
INTO = {
    Inspection.AS_NEW: Place.FREE,
    Inspection.DAMAGED: Place.DAMAGED,
    None: Place.INSPECTING,
}


async def goods_back(
    conn: AsyncConnection,
    case: Case,
    inspection: Inspection | None,
    *,
    at: datetime,
    person_id: PersonId | None,
) -> None:
    """What came back is the store's again; a repair stays the buyer's own."""
    if case.kind is CaseKind.REPAIR:
        return
    warehouse_id = await default_warehouse(conn, store_id=case.store_id, at=at)
    for line in case.lines:
        if line.sku_id is not None:
            await return_units(
                conn,
                store_id=case.store_id,
                warehouse_id=warehouse_id,
                sku_id=SkuId(line.sku_id),
                quantity=line.quantity,
                into=INTO[inspection],
                about_kind="case",
                about_id=case.id,
                key=f"{case.id}:{line.line_no}",
                at=at,
                by_id=person_id,
            )


async def goods_out(
    conn: AsyncConnection, case: Case, *, at: datetime, person_id: PersonId | None
) -> None:
    """The same units once more. Raises SoldOut, StockBelowReserved."""
    units: dict[SkuId, int] = {}
    for line in case.lines:
        if line.sku_id is not None:
            sku_id = SkuId(line.sku_id)
            units[sku_id] = units.get(sku_id, 0) + line.quantity
    if units and case.kind is not CaseKind.REPAIR:
        await send_free_units(
            conn,
            store_id=case.store_id,
            units=units,
            about_id=case.id,
            key=str(case.id),
            at=at,
            by_id=person_id,
        )
