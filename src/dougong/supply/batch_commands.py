"""Writes batches: units of one lot that expire on one day. First expired, first out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId, new_ids
from dougong.base.time import local_day
from dougong.infra.db import fetch
from dougong.infra.settings import settings
from dougong.supply.expiry_rules import TooCloseToExpiry
from dougong.supply.stock_rules import Move, Received

BatchKey = tuple[SkuId, str, date | None]


class Batch(msgspec.Struct):
    """One that is held, and what is `taken` of it; see `HOLD`."""

    id: UUID
    warehouse_id: UUID
    sku_id: SkuId
    on_hand: int
    there: int = 0
    is_late: bool = False
    taken: int = 0

    def left(self) -> int:
        return self.on_hand - self.taken


ADD = """
    INSERT INTO stock_batches AS b (store_id, id, warehouse_id, sku_id, lot, expires_on,
      received_at, on_hand)
    SELECT %(store_id)s, id, %(warehouse_id)s, sku_id, lot, expires_on, %(at)s, quantity
    FROM unnest(%(ids)s::uuid[], %(skus)s::uuid[], %(lots)s::text[], %(days)s::date[],
      %(quantities)s::int[]) AS n (id, sku_id, lot, expires_on, quantity)
    ON CONFLICT (store_id, warehouse_id, sku_id, lot, expires_on)
      DO UPDATE SET on_hand = b.on_hand + excluded.on_hand
    RETURNING sku_id, lot, expires_on, id
"""

# `is_late`: too close to its expiry to be sold that day; `there`: units of all batches and of none.
HOLD = """
    SELECT b.id, b.warehouse_id, b.sku_id, b.on_hand, l.on_hand AS there, COALESCE(b.expires_on
      < %(day)s::date + sell_until_days(p.category, %(at)s::timestamptz), false) AS is_late
    FROM stock_batches b
    JOIN stock_levels l USING (store_id, warehouse_id, sku_id)
    JOIN skus k ON k.store_id = b.store_id AND k.id = b.sku_id
    JOIN products p ON p.store_id = k.store_id AND p.id = k.product_id
    WHERE b.store_id = %(store_id)s AND b.on_hand > 0
      AND (b.warehouse_id, b.sku_id) IN (
        SELECT * FROM unnest(%(warehouses)s::uuid[], %(skus)s::uuid[]))
    ORDER BY b.expires_on NULLS LAST, b.received_at, b.id FOR UPDATE OF b
"""

TAKE = """
    UPDATE stock_batches b SET on_hand = b.on_hand - t.units
    FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS t (id, units)
    WHERE b.store_id = %(store_id)s AND b.id = t.id
"""


def selling_day(at: datetime) -> date:
    """The day by which goods are sold and expire."""
    return local_day(at, ZoneInfo(settings().timezone))


async def batches_in(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    lines: Sequence[Received],
    at: datetime,
) -> Mapping[BatchKey, UUID]:
    """Add what came to its batches; lines without lot and expiry are in none."""
    units: dict[BatchKey, int] = {}
    for line in lines:
        if line.lot or line.expires_on:
            key = (line.sku_id, line.lot, line.expires_on)
            units[key] = units.get(key, 0) + line.quantity
    if not units:
        return {}
    rows = await fetch(
        conn,
        ADD,
        {
            "store_id": store_id,
            "warehouse_id": warehouse_id,
            "ids": new_ids(len(units)),
            "skus": [sku_id for sku_id, _, _ in units],
            "lots": [lot for _, lot, _ in units],
            "days": [day for _, _, day in units],
            "quantities": list(units.values()),
            "at": at,
        },
    )
    return {(SkuId(sku_id), lot, day): batch_id for sku_id, lot, day, batch_id in rows}


async def take_batches(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    moves: Sequence[Move],
    sold_at: datetime | None = None,
) -> list[Move]:
    """Moves out of warehouses, each split over the batches that its units are of: those that
    expire first. Units of no batch stay a move of their own.

    sold_at: they go to a buyer at that instant, and batches too close to their expiry stay.
    Raises TooCloseToExpiry (409) when without those there are too few.
    """
    places = {(m.src.warehouse_id, m.sku_id) for m in moves if m.src.warehouse_id is not None}
    if not places:
        return list(moves)
    asked = {
        "store_id": store_id,
        "warehouses": [place for place, _ in places],
        "skus": [sku_id for _, sku_id in places],
        "day": selling_day(sold_at) if sold_at else None,
        "at": sold_at,
    }
    batches = [Batch(*row) for row in await fetch(conn, HOLD, asked)]
    loose = _loose(batches)
    by_place: dict[tuple[UUID | None, SkuId], list[Batch]] = {}
    for batch in batches:
        if not batch.is_late:
            by_place.setdefault((batch.warehouse_id, batch.sku_id), []).append(batch)
    split = []
    for move in moves:
        place, units = (move.src.warehouse_id, move.sku_id), move.quantity
        for one in by_place.get(place, ()):
            if part := min(units, one.left()):
                one.taken += part
                units -= part
                split.append(_part(move, part, one.id))
        if units and place in loose:
            loose[place] -= units
            if loose[place] < 0:
                raise TooCloseToExpiry(field="lines", sku_id=str(move.sku_id))
        if units:
            split.append(move if units == move.quantity else _part(move, units, None))
    await take_out(conn, store_id=store_id, batches=batches)
    return split


def _loose(batches: Sequence[Batch]) -> dict[tuple[UUID | None, UUID], int]:
    """Units of no batch, where there are batches that may not be sold."""
    loose: dict[tuple[UUID | None, UUID], int] = {}
    for place in {(one.warehouse_id, one.sku_id) for one in batches if one.is_late}:
        here = [one for one in batches if (one.warehouse_id, one.sku_id) == place]
        loose[place] = here[0].there - sum(one.on_hand for one in here)
    return loose


async def take_out(conn: AsyncConnection, *, store_id: StoreId, batches: Iterable[Batch]) -> None:
    """Write what was taken of batches that are held."""
    if some := [one for one in batches if one.taken]:
        units = [one.taken for one in some]
        values = {"store_id": store_id, "ids": [one.id for one in some], "units": units}
        await fetch(conn, TAKE, values)


def _part(move: Move, quantity: int, batch_id: UUID | None) -> Move:
    key = f"{move.key}:{batch_id or 'rest'}"
    return msgspec.structs.replace(move, quantity=quantity, key=key, batch_id=batch_id)
