"""Writes the lists of what a driver takes along."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import Conflict, NotFound
from dougong.base.ids import PersonId, StoreId, new_id


class HandOverClosed(Conflict):
    """The list is closed already."""

    code = "hand_over_closed"


async def begin_list(
    conn: AsyncConnection, *, store_id: StoreId, carrier: str, by_id: PersonId, at: datetime
) -> UUID:
    """A new open list of a carrier, by its name on the parcels."""
    list_id = new_id()
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('hand_over:' || :s, 0))"),
        {"s": str(store_id)},
    )
    await conn.execute(
        text("""
            INSERT INTO hand_overs (store_id, id, number, carrier, made_by, made_at)
            SELECT :s, :id, 1 + COALESCE(max(number), 0), :carrier, :by, :at
            FROM hand_overs WHERE store_id = :s
        """),
        {"s": store_id, "id": list_id, "carrier": carrier, "by": by_id, "at": at},
    )
    return list_id


async def lock_list(conn: AsyncConnection, *, store_id: StoreId, list_id: UUID) -> Any:
    """An open list, locked. Raises NotFound, HandOverClosed."""
    row = (
        await conn.execute(
            text("SELECT * FROM hand_overs WHERE store_id = :s AND id = :id FOR UPDATE"),
            {"s": store_id, "id": list_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.state == "closed":
        raise HandOverClosed
    return row


async def list_packages(
    conn: AsyncConnection, *, store_id: StoreId, list_id: UUID, package_ids: Sequence[UUID]
) -> None:
    """Put packages on a list. Raises Conflict when one is on a list already."""
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    INSERT INTO hand_over_packages (store_id, hand_over_id, package_id)
                    SELECT :s, :list, id FROM unnest(CAST(:ids AS uuid[])) AS u (id)
                """),
                {"s": store_id, "list": list_id, "ids": list(package_ids)},
            )
    except IntegrityError as error:
        raise Conflict(field="package") from error


async def listed(conn: AsyncConnection, *, store_id: StoreId, list_id: UUID) -> list[UUID]:
    """Packages of a list that have neither gone nor been held back."""
    found = await conn.execute(
        text("""
            SELECT package_id FROM hand_over_packages
            WHERE store_id = :s AND hand_over_id = :list AND outcome = 'listed' ORDER BY package_id
        """),
        {"s": store_id, "list": list_id},
    )
    return list(found.scalars())


async def note_outcome(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    list_id: UUID,
    package_id: UUID,
    outcome: str,
    reason: str = "",
) -> None:
    await conn.execute(
        text("""
            UPDATE hand_over_packages SET outcome = :outcome, reason = :reason
            WHERE store_id = :s AND hand_over_id = :list AND package_id = :p
        """),
        {
            "s": store_id,
            "list": list_id,
            "p": package_id,
            "outcome": outcome,
            "reason": reason[:200],
        },
    )


async def close_list(
    conn: AsyncConnection, *, store_id: StoreId, list_id: UUID, taken_by: str, at: datetime
) -> None:
    await conn.execute(
        text("""
            UPDATE hand_overs SET state = 'closed', closed_at = :at, taken_by = :by
            WHERE store_id = :s AND id = :list AND state = 'open'
        """),
        {"s": store_id, "list": list_id, "by": taken_by.strip()[:80], "at": at},
    )
