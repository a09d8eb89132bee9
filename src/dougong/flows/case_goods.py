"""Goods of a case: what came back goes to stock, to damage or to be looked at, worth what it left
with; what is sent again leaves stock, at a cost and without revenue."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import CaseKind, Inspection
from dougong.aftersales.sending_commands import Resent
from dougong.base.ids import PersonId, SkuId
from dougong.base.money import split
from dougong.flows.serve_waiting import units_came
from dougong.infra import clock, pause
from dougong.ledger.commands import book
from dougong.ledger.rules import (
    AccountName,
    Entry,
    EntryKind,
    Part,
    Purpose,
    Transfer,
    moved,
)
from dougong.reads.case_costs import came_back_worth, left_with
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
            sku_id = SkuId(line.sku_id)
            left = await left_with(
                conn, store_id=case.store_id, order_id=case.order_id, sku_id=sku_id
            )
            await return_units(
                conn,
                store_id=case.store_id,
                warehouse_id=warehouse_id,
                sku_id=sku_id,
                quantity=line.quantity,
                into=INTO[inspection],
                about_kind="case",
                about_id=case.id,
                key=f"{case.id}:{line.line_no}",
                at=at,
                by_id=person_id,
                worth_minor=left.back_again(line.quantity) if left else None,
            )
    if INTO[inspection] is Place.FREE:
        skus = {SkuId(line.sku_id) for line in case.lines if line.sku_id is not None}
        await units_came(conn, store_id=case.store_id, sku_ids=skus)


async def goods_out(
    conn: AsyncConnection, case: Case, *, at: datetime, person_id: PersonId | None
) -> dict[int, Resent]:
    """The same units once more: what they cost is booked, less what came back for them, and
    answered by line. Raises SoldOut, StockBelowReserved."""
    by_sku: dict[SkuId, dict[int, int]] = {}
    for line in case.lines:
        if line.sku_id is not None:
            by_sku.setdefault(SkuId(line.sku_id), {})[line.line_no] = line.quantity
    if not by_sku or case.kind is CaseKind.REPAIR:
        return {}
    costs = await send_free_units(
        conn,
        store_id=case.store_id,
        units={sku_id: sum(lines.values()) for sku_id, lines in by_sku.items()},
        about_id=case.id,
        key=str(case.id),
        at=at,
        by_id=person_id,
    )
    back = await came_back_worth(conn, store_id=case.store_id, case_id=case.id)
    resent: dict[int, Resent] = {}
    for sku_id, lines in by_sku.items():
        shares = split(costs[sku_id], list(lines.values()))
        for line_no, share in zip(lines, shares, strict=True):
            resent[line_no] = Resent(share, back.get(line_no, 0))
    await pause.point("case: sent again")
    if entry := resent_entry(case, resent, at=at):
        await book(
            conn,
            store_id=case.store_id,
            currency=case.currency,
            entries=[entry],
            written_at=clock.wall_now(),
        )
    return resent


def resent_entry(case: Case, resent: Mapping[int, Resent], *, at: datetime) -> Entry | None:
    """Goods went out once more for what was paid once. None where nobody knows their cost."""
    cost = AccountName(case.store_id, Purpose.RESEND_COST)
    stock = AccountName(case.store_id, Purpose.STOCK_VALUE)
    transfers: list[Transfer] = []
    for line_no, one in sorted(resent.items()):
        transfers += moved(cost, stock, one.cost_minor, Part.RESENT, line_no)
        transfers += moved(stock, cost, one.back_minor, Part.SENT_BACK, line_no)
    if not transfers:
        return None
    return Entry(
        kind=EntryKind.CASE_RESENT,
        key=f"case_resent:{case.id}",
        order_id=case.order_id,
        counts_at=at,
        transfers=tuple(transfers),
    )
