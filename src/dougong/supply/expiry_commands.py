"""Takes units out of sale before they expire: out of their batch, from free to damaged."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra.db import fetch
from dougong.supply.batch_commands import Batch, selling_day, take_out
from dougong.supply.expiry_rules import check_expiry
from dougong.supply.ledger_commands import About, hold_levels, hold_stock, post
from dougong.supply.stock_rules import Move, MoveKind, NotEnoughThere, Place, Received, Spot

TERMS = """
    SELECT k.id, sell_until_days(p.category, %(at)s)
    FROM skus k JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    WHERE k.store_id = %(store_id)s AND k.id = ANY(%(skus)s::uuid[])
"""

# What is promised or set aside in whole is not due: it could not be moved.
DUE = """
    SELECT b.store_id, b.sku_id
    FROM stock_batches b
    JOIN skus k ON k.store_id = b.store_id AND k.id = b.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    JOIN stock s ON s.store_id = b.store_id AND s.sku_id = b.sku_id AND s.on_hand > s.reserved
    JOIN stock_levels l ON l.store_id = b.store_id AND l.sku_id = b.sku_id
      AND l.warehouse_id = b.warehouse_id AND l.on_hand > l.allocated
    WHERE b.on_hand > 0
      AND b.expires_on < %(day)s::date + sell_until_days(p.category, %(at)s::timestamptz)
    GROUP BY b.store_id, b.sku_id ORDER BY b.store_id, b.sku_id LIMIT %(most)s
"""

HOLD_LATE = """
    SELECT b.id, b.warehouse_id, b.sku_id, b.on_hand
    FROM stock_batches b
    JOIN skus k ON k.store_id = b.store_id AND k.id = b.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    WHERE b.store_id = %(store_id)s AND b.sku_id = ANY(%(skus)s::uuid[]) AND b.on_hand > 0
      AND b.expires_on < %(day)s::date + sell_until_days(p.category, %(at)s::timestamptz)
    ORDER BY b.expires_on, b.received_at, b.id FOR UPDATE OF b
"""

SKU_OF = """
    SELECT sku_id FROM stock_batches WHERE store_id = %(store_id)s AND id = %(id)s
"""

HOLD_ONE = """
    SELECT id, warehouse_id, sku_id, on_hand FROM stock_batches
    WHERE store_id = %(store_id)s AND id = %(id)s FOR UPDATE
"""


class Withdrawn(msgspec.Struct, frozen=True):
    """Units of a batch that are not for sale any more."""

    batch_id: UUID
    sku_id: SkuId
    units: int


async def check_lines(
    conn: AsyncConnection, *, store_id: StoreId, lines: Sequence[Received], at: datetime
) -> None:
    """Raises ExpiryMissing, ExpiresTooSoon (409) at the first line that its category's terms
    refuse."""
    asked = {"store_id": store_id, "skus": [line.sku_id for line in lines], "at": at}
    terms = dict(await fetch(conn, TERMS, asked))
    for line in lines:
        days = terms.get(line.sku_id)
        if days is not None:
            check_expiry(line, sell_until_days=days, today=selling_day(at))


async def expired_skus(
    conn: AsyncConnection, *, at: datetime, most: int
) -> list[tuple[StoreId, SkuId]]:
    """SKUs with free units that may not be sold any more."""
    asked = {"day": selling_day(at), "at": at, "most": most}
    return [(StoreId(store), SkuId(sku)) for store, sku in await fetch(conn, DUE, asked)]


async def withdraw_expired(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId], at: datetime
) -> list[Withdrawn]:
    """All free units of batches past their last day of sale; what is promised to orders stays."""
    asked = {"store_id": store_id, "skus": sorted(sku_ids), "day": selling_day(at), "at": at}
    free = await _hold_free(conn, store_id, sku_ids)
    batches = [Batch(*row) for row in await fetch(conn, HOLD_LATE, asked)]
    return await _withdraw(conn, store_id, batches, free, About("expiry", None, at))


async def withdraw_batch(
    conn: AsyncConnection, *, store_id: StoreId, batch_id: UUID, by_id: PersonId, at: datetime
) -> Withdrawn:
    """All free units of one batch, whenever it expires. Raises NotFound, NotEnoughThere (409) when
    every unit is promised, or none is left."""
    named = {"store_id": store_id, "id": batch_id}
    skus = [SkuId(sku_id) for (sku_id,) in await fetch(conn, SKU_OF, named)]
    if not skus:
        raise NotFound
    free = await _hold_free(conn, store_id, skus)
    batches = [Batch(*row) for row in await fetch(conn, HOLD_ONE, named)]
    about = About("expiry", batch_id, at, by_id)
    done = await _withdraw(conn, store_id, batches, free, about)
    if not done:
        raise NotEnoughThere(field="units")
    return done[0]


class _Free(msgspec.Struct):
    """Units that may leave: of a SKU, by what is promised; in a warehouse, by what is set aside."""

    of_sku: dict[SkuId, int]
    here: dict[tuple[SkuId, UUID], int]


async def _hold_free(conn: AsyncConnection, store_id: StoreId, skus: Collection[SkuId]) -> _Free:
    totals = await hold_stock(conn, store_id=store_id, sku_ids=skus)
    levels = await hold_levels(conn, store_id=store_id, sku_ids=skus)
    return _Free(
        {sku_id: one.on_hand - one.reserved for sku_id, one in totals.items()},
        {place: one.on_hand - one.allocated for place, one in levels.items()},
    )


async def _withdraw(
    conn: AsyncConnection,
    store_id: StoreId,
    batches: Sequence[Batch],
    free: _Free,
    about: About,
) -> list[Withdrawn]:
    for one in batches:
        place = (one.sku_id, one.warehouse_id)
        one.taken = min(one.on_hand, free.of_sku[one.sku_id], free.here[place])
        free.of_sku[one.sku_id] -= one.taken
        free.here[place] -= one.taken
    moved = [one for one in batches if one.taken]
    moves = [
        Move(
            sku_id=one.sku_id,
            quantity=one.taken,
            kind=MoveKind.DAMAGED,
            src=Spot(Place.FREE, one.warehouse_id),
            dst=Spot(Place.DAMAGED, one.warehouse_id),
            key=f"expired:{new_id()}",
            batch_id=one.id,
        )
        for one in moved
    ]
    await take_out(conn, store_id=store_id, batches=moved)
    await post(conn, store_id=store_id, moves=moves, about=about)
    return [Withdrawn(one.id, one.sku_id, one.taken) for one in moved]
