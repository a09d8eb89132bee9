"""Writes counts of what lies in a warehouse. What is sold while people count stays right: each
line keeps what the books said at its own moment, and only the difference is booked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra.db import fetch
from dougong.supply.batch_commands import take_batches
from dougong.supply.ledger_commands import (
    About,
    hold_levels,
    hold_stock,
    make_rows,
    post_or_refuse,
)
from dougong.supply.stock_rules import (
    AnotherMustApprove,
    CountClosed,
    Move,
    MoveKind,
    NothingToUndo,
    Place,
    Spot,
)
from dougong.supply.warehouse_commands import open_warehouse

MOST_LINES = 5_000
LIMIT_UNITS = 5  # what may differ in all before somebody else has to look
LOST_FOUND = Spot(Place.LOST_FOUND)

START = """
    INSERT INTO stock_counts (store_id, id, warehouse_id, scope, limit_units, started_by,
      started_at)
    VALUES (%(store_id)s, %(id)s, %(warehouse_id)s, %(scope)s, %(limit)s, %(by)s, %(at)s)
"""

START_LINES = """
    INSERT INTO stock_count_lines (store_id, count_id, sku_id)
    SELECT l.store_id, %(id)s, l.sku_id FROM stock_levels l
    WHERE l.store_id = %(store_id)s AND l.warehouse_id = %(warehouse_id)s
    ORDER BY l.sku_id LIMIT %(most)s
"""

START_CHOSEN = """
    INSERT INTO stock_count_lines (store_id, count_id, sku_id)
    SELECT k.store_id, %(id)s, k.id FROM skus k
    WHERE k.store_id = %(store_id)s AND k.id = ANY(%(skus)s::uuid[])
    RETURNING 1
"""

HOLD = """
    SELECT warehouse_id, state, started_by, limit_units FROM stock_counts
    WHERE store_id = %(store_id)s AND id = %(id)s FOR UPDATE
"""

NOTE = """
    INSERT INTO stock_count_lines (store_id, count_id, sku_id, expected, counted, reason,
      counted_by, counted_at)
    VALUES (%(store_id)s, %(id)s, %(sku_id)s, %(expected)s, %(counted)s, %(reason)s, %(by)s, %(at)s)
    ON CONFLICT (store_id, count_id, sku_id) DO UPDATE SET expected = excluded.expected,
      counted = excluded.counted, reason = excluded.reason, counted_by = excluded.counted_by,
      counted_at = excluded.counted_at
"""

COUNTED = """
    SELECT sku_id, difference, counted_by FROM stock_count_lines
    WHERE store_id = %(store_id)s AND count_id = %(id)s AND counted IS NOT NULL
    ORDER BY sku_id
"""

SCAN = """
    INSERT INTO stock_count_scans (store_id, count_id, n, key, sku_id, expected, counted, reason,
      by_id, at)
    SELECT %(store_id)s, %(id)s, 1 + COALESCE(max(n), 0), %(key)s, %(sku_id)s, %(expected)s,
      %(counted)s, %(reason)s, %(by)s, %(at)s
    FROM stock_count_scans WHERE store_id = %(store_id)s AND count_id = %(id)s
"""

SCANNED = """
    SELECT n, sku_id, by_id, undone_at,
      EXISTS (SELECT FROM stock_count_scans l WHERE l.store_id = s.store_id
        AND l.count_id = s.count_id AND l.sku_id = s.sku_id AND l.n > s.n AND l.undone_at IS NULL)
    FROM stock_count_scans s
    WHERE store_id = %(store_id)s AND count_id = %(id)s AND key = %(key)s
"""

UNDO = """
    UPDATE stock_count_scans SET undone_at = %(at)s
    WHERE store_id = %(store_id)s AND count_id = %(id)s AND key = %(key)s
"""

BEFORE = """
    UPDATE stock_count_lines l SET expected = s.expected, counted = s.counted,
      reason = COALESCE(s.reason, ''), counted_by = s.by_id, counted_at = s.at
    FROM (SELECT 1) one LEFT JOIN (
      SELECT expected, counted, reason, by_id, at FROM stock_count_scans
      WHERE store_id = %(store_id)s AND count_id = %(id)s AND sku_id = %(sku_id)s
        AND undone_at IS NULL ORDER BY n DESC LIMIT 1) s ON true
    WHERE l.store_id = %(store_id)s AND l.count_id = %(id)s AND l.sku_id = %(sku_id)s
"""

SO_FAR = """
    SELECT COALESCE(counted, 0) FROM stock_count_lines
    WHERE store_id = %(store_id)s AND count_id = %(id)s AND sku_id = %(sku_id)s
"""

FINISH = """
    UPDATE stock_counts SET state = 'counted', counted_by = %(by)s, counted_at = %(at)s
    WHERE store_id = %(store_id)s AND id = %(id)s
"""

CLOSE = """
    UPDATE stock_counts SET state = %(state)s, closed_by = %(by)s, closed_at = %(at)s
    WHERE store_id = %(store_id)s AND id = %(id)s
"""


async def start_count(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    scope: str,
    sku_ids: Sequence[SkuId] | None,
    limit_units: int,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """A count of some SKUs, or (None) of all that the warehouse has rows of. Raises NotFound,
    WarehouseClosed."""
    await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)
    values = {
        "store_id": store_id, "id": new_id(), "warehouse_id": warehouse_id, "scope": scope[:100],
        "limit": limit_units, "by": by_id, "at": at, "most": MOST_LINES,
    }  # fmt: skip
    await fetch(conn, START, values)
    if sku_ids is None:
        await fetch(conn, START_LINES, values)
    elif len(await fetch(conn, START_CHOSEN, values | {"skus": list(sku_ids)})) < len(sku_ids):
        raise NotFound(field="sku_ids")
    count_id: UUID = values["id"]  # type: ignore[assignment]
    return count_id


async def _held(
    conn: AsyncConnection, store_id: StoreId, count_id: UUID, *states: str
) -> tuple[UUID, str, UUID, int]:
    found = await fetch(conn, HOLD, {"store_id": store_id, "id": count_id})
    if not found:
        raise NotFound
    warehouse_id, state, started_by, limit_units = found[0]
    if state not in states:
        raise CountClosed
    return warehouse_id, state, started_by, limit_units


async def note_count(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    count_id: UUID,
    sku_id: SkuId,
    counted: int | None,
    reason: str,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> None:
    """So many lie there now (None: one more than noted so far); said again, it is counted again.
    The same key again notes nothing. Raises NotFound, CountClosed, BadInput."""
    if not 8 <= len(key) <= 80:
        raise BadInput(field="key", reason="missing")
    warehouse_id, *_ = await _held(conn, store_id, count_id, "open", "counted")
    values: dict[str, Any] = {"store_id": store_id, "id": count_id, "sku_id": sku_id, "key": key}
    if await fetch(conn, SCANNED, values):
        return
    if counted is None:
        counted = 1 + sum(units for (units,) in await fetch(conn, SO_FAR, values))
    if not 0 <= counted <= 10_000_000:
        raise BadInput(field="counted", reason="out_of_range")
    await make_rows(conn, store_id=store_id, pairs=[(sku_id, warehouse_id)])
    there = await hold_levels(conn, store_id=store_id, sku_ids=[sku_id])
    values |= {
        "counted": counted, "expected": there[sku_id, warehouse_id].on_hand,
        "reason": reason[:200], "by": by_id, "at": at,
    }  # fmt: skip
    await fetch(conn, NOTE, values)
    await fetch(conn, SCAN, values)


async def undo_note(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    count_id: UUID,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> SkuId:
    """What was noted under this key was a mistake: what was noted before it stands; answers its
    SKU. Said again, nothing more is undone.

    Raises NothingToUndo when this person noted nothing under it or somebody noted another number
    since, NotFound, CountClosed.
    """
    await _held(conn, store_id, count_id, "open", "counted")
    values: dict[str, Any] = {"store_id": store_id, "id": count_id, "key": key, "at": at}
    found = await fetch(conn, SCANNED, values)
    if not found:
        raise NothingToUndo(field="key")
    _, sku_id, noted_by, undone_at, is_noted_since = found[0]
    if noted_by != by_id or (is_noted_since and undone_at is None):
        raise NothingToUndo(field="key")
    if undone_at is None:
        await fetch(conn, UNDO, values)
        await fetch(conn, BEFORE, values | {"sku_id": sku_id})
    return SkuId(sku_id)


async def finish_count(
    conn: AsyncConnection, *, store_id: StoreId, count_id: UUID, by_id: PersonId, at: datetime
) -> None:
    """Counted: somebody may look at the differences. Raises CountClosed, NotFound."""
    await _held(conn, store_id, count_id, "open")
    values = {"store_id": store_id, "id": count_id, "by": by_id, "at": at}
    if not await fetch(conn, COUNTED, values):
        raise CountClosed
    await fetch(conn, FINISH, values)


async def drop_count(
    conn: AsyncConnection, *, store_id: StoreId, count_id: UUID, by_id: PersonId, at: datetime
) -> None:
    """Nothing of it is booked. Raises CountClosed, NotFound."""
    await _held(conn, store_id, count_id, "open", "counted")
    values = {"store_id": store_id, "id": count_id, "by": by_id, "at": at, "state": "dropped"}
    await fetch(conn, CLOSE, values)


async def approve_count(
    conn: AsyncConnection, *, store_id: StoreId, count_id: UUID, by_id: PersonId, at: datetime
) -> int:
    """Book the differences; answers how many units they are in all.

    Raises AnotherMustApprove (403) when they are more than the limit and the approver has counted
    or started it, CountClosed, NotFound, NotEnoughThere or StockBelowReserved (409) when what is
    missing is promised to orders.
    """
    warehouse_id, _, started_by, limit_units = await _held(conn, store_id, count_id, "counted")
    values: dict[str, Any] = {"store_id": store_id, "id": count_id, "by": by_id, "at": at}
    lines = await fetch(conn, COUNTED, values)
    units: int = sum(abs(difference) for _, difference, _ in lines)
    if units > limit_units and by_id in {started_by, *(person for _, _, person in lines)}:
        raise AnotherMustApprove(limit_units=limit_units, units=units)
    skus = [SkuId(sku_id) for sku_id, difference, _ in lines if difference]
    await hold_stock(conn, store_id=store_id, sku_ids=skus)
    await hold_levels(conn, store_id=store_id, sku_ids=skus)
    free = Spot(Place.FREE, warehouse_id)
    moves = [
        Move(
            sku_id=SkuId(sku_id),
            quantity=abs(difference),
            kind=MoveKind.COUNTED,
            src=LOST_FOUND if difference > 0 else free,
            dst=free if difference > 0 else LOST_FOUND,
            key=f"counted:{count_id}:{sku_id}",
        )
        for sku_id, difference, _ in lines
        if difference
    ]
    moves = await take_batches(conn, store_id=store_id, moves=moves)
    about = About("count", count_id, at, by_id)
    await post_or_refuse(conn, store_id=store_id, moves=moves, about=about)
    await fetch(conn, CLOSE, values | {"state": "approved"})
    return units
