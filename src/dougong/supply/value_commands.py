"""Writes corrections of what the stock of a SKU is worth. What was booked stays; it is changed by
another correction only. Locks: the correction, then the cost of its SKU."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra.db import constraint_of, fetch
from dougong.supply.stock_rules import Cost
from dougong.supply.value_rules import (
    MOST_EVIDENCE,
    MOST_REASON,
    AnotherMustDecide,
    CorrectionClosed,
    CorrectionStale,
    CorrectionState,
    CorrectionThere,
    Wish,
    check_wish,
    corrected,
    said,
)

KNOWN_SKU = "SELECT code FROM skus WHERE store_id = %(store_id)s AND id = %(sku_id)s"

COST = """
    SELECT quantity, cost_minor FROM stock_costs
    WHERE store_id = %(store_id)s AND sku_id = %(sku_id)s FOR UPDATE
"""

PROPOSE = """
    INSERT INTO stock_value_corrections (store_id, id, sku_id, unit_cost_minor, value_minor, reason,
      evidence, units, before_minor, proposed_by, proposed_at)
    VALUES (%(store_id)s, %(id)s, %(sku_id)s, %(unit_cost)s, %(value)s, %(reason)s, %(evidence)s,
      %(units)s, %(before)s, %(by)s, %(at)s)
"""

HOLD = """
    SELECT sku_id, state, unit_cost_minor, value_minor, units, before_minor, proposed_by
    FROM stock_value_corrections WHERE store_id = %(store_id)s AND id = %(id)s FOR UPDATE
"""

DECIDE = """
    UPDATE stock_value_corrections SET state = %(state)s, decided_by = %(by)s, decided_at = %(at)s,
      decided_why = %(why)s, units = %(units)s, before_minor = %(before)s, after_minor = %(after)s
    WHERE store_id = %(store_id)s AND id = %(id)s
"""

REVALUE = """
    WITH changed AS (
      INSERT INTO stock_revaluations (store_id, id, sku_id, value_minor, about_kind, about_id, at,
        key)
      VALUES (%(store_id)s, %(new_id)s, %(sku_id)s, %(change)s, 'correction', %(id)s, %(at)s,
        'correction:' || %(id)s)
    )
    UPDATE stock_costs SET cost_minor = %(after)s, at = %(at)s
    WHERE store_id = %(store_id)s AND sku_id = %(sku_id)s
"""


class Held(msgspec.Struct, frozen=True):
    """A correction that waits; `units`, `before_minor`: as they were when it was proposed."""

    sku_id: SkuId
    wish: Wish
    units: int
    before_minor: int
    proposed_by: UUID


class Corrected(msgspec.Struct, frozen=True):
    """What was booked: `units` that were worth `before_minor` are worth `after_minor`."""

    sku_id: SkuId
    units: int
    before_minor: int
    after_minor: int

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


async def _cost(conn: AsyncConnection, store_id: StoreId, sku_id: SkuId) -> Cost:
    found = await fetch(conn, COST, {"store_id": store_id, "sku_id": sku_id})
    return Cost(*found[0]) if found else Cost()


async def propose_correction(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    sku_id: SkuId,
    wish: Wish,
    reason: str,
    evidence: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Nothing is booked before another person approves it.

    Raises NotFound, BadInput, NothingValued, ValueUnchanged, CorrectionThere (409).
    """
    check_wish(wish)
    correction_id = new_id()
    values: dict[str, Any] = {"store_id": store_id, "sku_id": sku_id, "id": correction_id}
    values |= {"by": by_id, "at": at}
    values |= {"reason": said(reason, field="reason", most=MOST_REASON)}
    values |= {"evidence": said(evidence, field="evidence", most=MOST_EVIDENCE)}
    if not await fetch(conn, KNOWN_SKU, values):
        raise NotFound
    cost = await _cost(conn, store_id, sku_id)
    corrected(cost, wish)
    values |= {"unit_cost": wish.unit_cost_minor, "value": wish.value_minor}
    values |= {"units": cost.quantity, "before": cost.cost_minor}
    try:
        async with conn.begin_nested():
            await fetch(conn, PROPOSE, values)
    except IntegrityError as error:
        if constraint_of(error) == "stock_value_corrections_one_open":
            raise CorrectionThere(field="sku_id") from error
        raise
    return correction_id


async def _held(conn: AsyncConnection, store_id: StoreId, correction_id: UUID) -> Held:
    found = await fetch(conn, HOLD, {"store_id": store_id, "id": correction_id})
    if not found:
        raise NotFound
    sku_id, state, unit_cost, value, units, before, proposed_by = found[0]
    if state != CorrectionState.PROPOSED:
        raise CorrectionClosed
    return Held(SkuId(sku_id), Wish(unit_cost, value), units, before, proposed_by)


async def book_correction(
    conn: AsyncConnection, *, store_id: StoreId, correction_id: UUID, by_id: PersonId, at: datetime
) -> Corrected:
    """Approve it: the stock is worth that from now on. A unit cost is of the units of this moment;
    a value in all only of those that were there when it was proposed.

    Raises NotFound, CorrectionClosed, AnotherMustDecide (403), NothingValued, ValueUnchanged,
    CorrectionStale (409).
    """
    held = await _held(conn, store_id, correction_id)
    if held.proposed_by == by_id:
        raise AnotherMustDecide
    cost = await _cost(conn, store_id, held.sku_id)
    now = (cost.quantity, cost.cost_minor)
    if held.wish.value_minor is not None and now != (held.units, held.before_minor):
        raise CorrectionStale(units=cost.quantity, value_minor=cost.cost_minor)
    after = corrected(cost, held.wish)
    done = Corrected(held.sku_id, cost.quantity, cost.cost_minor, after)
    values: dict[str, Any] = {"store_id": store_id, "id": correction_id, "by": by_id}
    values["sku_id"] = held.sku_id
    values |= {"at": at, "new_id": new_id(), "after": after, "change": done.change_minor}
    values |= {"units": done.units, "before": done.before_minor, "why": ""}
    await fetch(conn, REVALUE, values)
    await fetch(conn, DECIDE, values | {"state": CorrectionState.APPROVED})
    return done


async def close_correction(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    correction_id: UUID,
    why: str,
    by_id: PersonId,
    at: datetime,
) -> CorrectionState:
    """Nothing of it is booked: who proposed it takes it back, anybody else refuses it.

    Raises NotFound, CorrectionClosed, BadInput.
    """
    held = await _held(conn, store_id, correction_id)
    is_own = held.proposed_by == by_id
    state = CorrectionState.WITHDRAWN if is_own else CorrectionState.REFUSED
    plain = why.strip()[:MOST_REASON] if is_own else said(why, field="why", most=MOST_REASON)
    values = {"store_id": store_id, "id": correction_id, "by": by_id, "at": at, "state": state}
    values |= {"why": plain, "units": held.units, "before": held.before_minor, "after": None}
    await fetch(conn, DECIDE, values)
    return state
