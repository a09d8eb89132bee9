"""Writes waybills. What is asked of a carrier is a row first: the job that asks may run again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.supply.carrier_rules import WAYBILL_MOVES, WaybillState
from dougong.supply.fulfilment_rules import WaybillWrongState

ONE = text("SELECT * FROM waybills WHERE store_id = :s AND id = :id FOR UPDATE")
LIVE = text("""
    SELECT * FROM waybills WHERE store_id = :s AND package_id = :p
      AND state IN ('asked', 'made', 'cancel_asked', 'intercept_asked') FOR UPDATE
""")


async def ask_waybill(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    package_id: UUID,
    carrier: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """One live waybill a package. Raises WaybillWrongState when it has one."""
    waybill_id = new_id()
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO waybills (store_id, id, package_id, carrier, asked_by, asked_at)
                    VALUES (:s, :id, :p, :c, :by, :at)
                """),
                {
                    "s": store_id,
                    "id": waybill_id,
                    "p": package_id,
                    "c": carrier,
                    "by": by_id,
                    "at": at,
                },
            )
    except IntegrityError as error:
        raise WaybillWrongState(waybill_state="asked") from error
    return waybill_id


async def lock_waybill(conn: AsyncConnection, *, store_id: StoreId, waybill_id: UUID) -> Any:
    """Raises NotFound."""
    row = (await conn.execute(ONE, {"s": store_id, "id": waybill_id})).one_or_none()
    if row is None:
        raise NotFound
    return row


async def live_waybill(conn: AsyncConnection, *, store_id: StoreId, package_id: UUID) -> Any:
    """The package's waybill that is asked for or in force, locked. Raises NotFound."""
    row = (await conn.execute(LIVE, {"s": store_id, "p": package_id})).one_or_none()
    if row is None:
        raise NotFound
    return row


async def move_waybill(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    waybill_id: UUID,
    to: WaybillState,
    number: str | None = None,
    cost_minor: int | None = None,
    reason: str = "",
    at: datetime,
) -> None:
    """Raises WaybillWrongState when its state does not permit it, NotFound."""
    before = [state for state, after in WAYBILL_MOVES.items() if to in after]
    done = await conn.execute(
        text("""
            UPDATE waybills SET state = :to, number = COALESCE(CAST(:no AS text), number),
              cost_minor = COALESCE(CAST(:cost AS bigint), cost_minor), reason = :reason,
              answered_at = :at
            WHERE store_id = :s AND id = :id AND state = ANY(CAST(:before AS text[]))
        """),
        {
            "s": store_id,
            "id": waybill_id,
            "to": str(to),
            "no": number,
            "cost": cost_minor,
            "reason": reason[:200],
            "at": at,
            "before": [str(state) for state in before],
        },
    )
    if done.rowcount != 1:
        row = await lock_waybill(conn, store_id=store_id, waybill_id=waybill_id)
        raise WaybillWrongState(waybill_state=row.state)


async def waiting_waybills(
    conn: AsyncConnection, *, before: datetime, most: int
) -> Sequence[tuple[UUID, UUID]]:
    """(store, waybill) of what was asked before an instant and has no answer yet."""
    found = await conn.execute(
        text("""
            SELECT store_id, id FROM waybills
            WHERE state IN ('asked', 'cancel_asked', 'intercept_asked') AND asked_at < :before
            ORDER BY asked_at LIMIT :most
        """),
        {"before": before, "most": most},
    )
    return [(row.store_id, row.id) for row in found]
