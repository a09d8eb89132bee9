"""Writes refunds: booked with their order's lines, then sent to the gateway by a job."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import KeyReused
from dougong.base.ids import OrderId, PaymentId, PersonId, StoreId
from dougong.payments.rules import MOST_REFUND_ATTEMPTS, REFUND_MOVES, RefundState


async def refund_before(
    conn: AsyncConnection, *, store_id: StoreId, key: str, request_hash: bytes
) -> Any | None:
    """The refund that this key has made. Raises KeyReused when it was for something else."""
    row = (
        await conn.execute(
            text("SELECT * FROM refunds WHERE store_id = :store_id AND idempotency_key = :key"),
            {"store_id": store_id, "key": key},
        )
    ).one_or_none()
    if row is not None and bytes(row.request_hash) != request_hash:
        raise KeyReused(field="idempotency_key")
    return row


class RefundDraft(msgspec.Struct, frozen=True):
    """A refund as it is booked: `amounts` in minor units and `units` taken back, by line."""

    store_id: StoreId
    id: UUID
    order_id: OrderId
    payment_id: PaymentId
    currency: str
    amounts: Mapping[int, int]
    units: Mapping[int, int]
    reason: str
    asked_by: PersonId | None
    key: str
    request_hash: bytes
    at: datetime
    done_as: str | None = None  # its name at the gateway, where it was made there already


INSERT_REFUND = text("""
    INSERT INTO refunds (store_id, id, order_id, payment_id, currency, amount_minor, state, reason,
      asked_by, asked_at, idempotency_key, request_hash, gateway_ref, done_at)
    VALUES (:store_id, :id, :order_id, :payment_id, :currency, :amount,
      CASE WHEN CAST(:done_as AS text) IS NULL THEN 'booked' ELSE 'done' END, :reason,
      :asked_by, :at, :key, :request_hash, :done_as,
      CASE WHEN CAST(:done_as AS text) IS NOT NULL THEN CAST(:at AS timestamptz) END)
    ON CONFLICT (store_id, idempotency_key) DO NOTHING
    RETURNING *
""")

INSERT_REFUND_LINES = text("""
    INSERT INTO refund_lines (store_id, refund_id, line_no, amount_minor, quantity)
    SELECT :store_id, :id, line_no, amount, units
    FROM unnest(CAST(:lines AS int[]), CAST(:amounts AS bigint[]), CAST(:units AS int[]))
      AS r (line_no, amount, units)
""")


async def insert_refund(conn: AsyncConnection, draft: RefundDraft) -> Any:
    """Write a booked refund with its lines; a job sends it to the gateway, unless it was made
    there already. Answers its row.

    Raises KeyReused when the key has just made a refund of another order.
    """
    facts = {name: getattr(draft, name) for name in draft.__struct_fields__}
    amount = sum(draft.amounts.values())
    row = (await conn.execute(INSERT_REFUND, {**facts, "amount": amount})).one_or_none()
    if row is None:
        raise KeyReused(field="idempotency_key")
    numbers = sorted(draft.amounts)
    await conn.execute(
        INSERT_REFUND_LINES,
        {
            "store_id": draft.store_id,
            "id": draft.id,
            "lines": numbers,
            "amounts": [draft.amounts[n] for n in numbers],
            "units": [draft.units.get(n, 0) for n in numbers],
        },
    )
    return row


async def mark_refund(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    refund_id: UUID,
    attempt: int,
    state: RefundState,
    gateway_ref: str | None,
    failure: str | None,
    at: datetime,
) -> Any | None:
    """Note how far one attempt has come at its gateway; None where that is no news.

    News may come in any order, and of an attempt that is over: see REFUND_MOVES.
    """
    before = [old for old, new in REFUND_MOVES.items() if state in new]
    found = await conn.execute(
        text("""
            UPDATE refunds SET state = :state, gateway_ref = COALESCE(:ref, gateway_ref),
              failure = :failure,
              done_at = CASE WHEN :state = 'done' THEN CAST(:at AS timestamptz) END,
              failed_at = CASE WHEN :state = 'failed' THEN CAST(:at AS timestamptz) END
            WHERE store_id = :store_id AND id = :id AND attempt = :attempt
              AND state = ANY(CAST(:before AS text[]))
            RETURNING *
        """),
        {
            "store_id": store_id,
            "id": refund_id,
            "attempt": attempt,
            "state": state,
            "before": before,
            "ref": gateway_ref,
            "failure": failure,
            "at": at,
        },
    )
    return found.one_or_none()


async def begin_next_attempt(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    refund_id: UUID,
    attempt: int,
    most: int = MOST_REFUND_ATTEMPTS,
) -> bool:
    """Let a refund whose attempt has failed be sent again; False when it is not so.

    `most`: how many attempts there may be in all.
    """
    done = await conn.execute(
        text("""
            UPDATE refunds SET state = 'booked', attempt = attempt + 1, gateway_ref = NULL
            WHERE store_id = :store_id AND id = :id AND attempt = :attempt AND state = 'failed'
              AND attempt < :most
        """),
        {"store_id": store_id, "id": refund_id, "attempt": attempt, "most": most},
    )
    return done.rowcount == 1


async def store_of_refund(
    conn: AsyncConnection, *, refund_id: UUID, payment_id: PaymentId
) -> StoreId | None:
    """The store of a refund of this payment."""
    found: StoreId | None = await conn.scalar(
        text("SELECT store_id FROM refunds WHERE id = :id AND payment_id = :payment_id"),
        {"id": refund_id, "payment_id": payment_id},
    )
    return found
