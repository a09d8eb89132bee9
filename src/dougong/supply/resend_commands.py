"""Units that go to a buyer without a promise: an exchange, or what was missing, sent again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.supply.batch_commands import take_batches
from dougong.supply.ledger_commands import (
    About,
    hold_levels,
    hold_stock,
    new_moves,
    post_or_refuse,
)
from dougong.supply.rules import SoldOut
from dougong.supply.stock_rules import Move, MoveKind, Place, Spot


async def send_free_units(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    units: Mapping[SkuId, int],
    about_id: UUID,
    key: str,
    at: datetime,
    by_id: PersonId | None,
) -> dict[SkuId, int]:
    """Free units leave, each SKU from the warehouse that has most of it; the same key changes
    nothing. Answers what those of each SKU cost (0: not known).

    Raises SoldOut when no warehouse has that many free, StockBelowReserved when orders have been
    promised them, TooCloseToExpiry when that warehouse's units may not be sold any more.
    """
    skus = sorted(units)
    await hold_stock(conn, store_id=store_id, sku_ids=skus)
    there = await hold_levels(conn, store_id=store_id, sku_ids=skus)
    moves: Sequence[Move] = [
        Move(
            sku_id=sku_id,
            quantity=units[sku_id],
            kind=MoveKind.SHIPPED,
            src=Spot(Place.FREE, _fullest(there, sku_id, units[sku_id])),
            dst=Spot(Place.BUYER),
            key=f"resent:{key}:{sku_id}",
        )
        for sku_id in skus
    ]
    fresh = await new_moves(conn, store_id=store_id, moves=moves)
    placed = await take_batches(conn, store_id=store_id, moves=fresh, sold_at=at)
    about = About("case", about_id, at, by_id)
    values = await post_or_refuse(conn, store_id=store_id, moves=placed, about=about)
    costs = dict.fromkeys(skus, 0)
    for move, value in zip(placed, values, strict=True):
        costs[move.sku_id] -= value or 0
    return costs


def _fullest(there: Mapping[tuple[SkuId, UUID], object], sku_id: SkuId, wanted: int) -> UUID:
    free = {
        warehouse_id: level.on_hand - level.allocated  # type: ignore[attr-defined]
        for (one, warehouse_id), level in there.items()
        if one == sku_id
    }
    best = max(free, key=lambda one: (free[one], str(one)), default=None)
    if best is None or free[best] < wanted:
        raise SoldOut(field="quantity", sku_id=str(sku_id))
    return best
