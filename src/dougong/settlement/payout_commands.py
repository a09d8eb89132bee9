"""Writes payouts: one a payee, account and day in each book, and what the bank says of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.settlement.rules import PayoutClosed


async def insert_payout(
    conn: AsyncConnection,
    *,
    payout_id: UUID,
    store_id: StoreId,
    payee_id: UUID,
    purpose: str,
    currency: str,
    day: date,
    amount_minor: int,
    at: datetime,
) -> bool:
    """False when this payee was paid out of this book on that day already."""
    made = await conn.execute(
        text("""
            INSERT INTO payouts (store_id, id, payee_id, purpose, currency, day, amount_minor,
              booked_at)
            VALUES (:store_id, :id, :payee_id, :purpose, :currency, :day, :amount, :at)
            ON CONFLICT (store_id, payee_id, purpose, currency, day) DO NOTHING
        """),
        {"store_id": store_id, "id": payout_id, "payee_id": payee_id, "purpose": purpose,
         "currency": currency, "day": day, "amount": amount_minor, "at": at},
    )  # fmt: skip
    return made.rowcount == 1


async def mark_payout(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    payout_id: UUID,
    state: str,
    bank_ref: str | None,
    why: str,
    at: datetime,
) -> Any | None:
    """The bank has paid it (`confirmed`) or sent it back (`returned`): once; the same news again
    answers None. Raises PayoutClosed when it said the other thing before, or there is none."""
    row = (
        await conn.execute(
            text("""
                UPDATE payouts SET state = :state, bank_ref = :ref, why = :why, done_at = :at
                WHERE store_id = :store_id AND id = :id AND done_at IS NULL RETURNING *
            """),
            {"store_id": store_id, "id": payout_id, "state": state, "ref": bank_ref,
             "why": why[:200], "at": at},
        )
    ).one_or_none()  # fmt: skip
    if row is not None:
        return row
    known = await conn.scalar(
        text("SELECT state FROM payouts WHERE store_id = :store_id AND id = :id"),
        {"store_id": store_id, "id": payout_id},
    )
    if known != state:
        raise PayoutClosed(field="payout_id", state=known)
    return None
