"""A refund on its way: the gateway is told by a job, and tells us how far it has come.

The books are not touched here: they changed when the refund was asked for. A refund that the
gateway fails is in sight (of the buyer, the merchant and by an event), and is tried again once a
day as a new attempt, a few times.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, StoreId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer, task
from dougong.payments.adapters.registry import gateway
from dougong.payments.foreign_commands import is_sent_back, note_foreign
from dougong.payments.refund_commands import begin_next_attempt, mark_refund, store_of_refund
from dougong.payments.rules import (
    MOST_REFUND_ATTEMPTS,
    MOST_REFUND_ATTEMPTS_BY_HAND,
    REFUND_AGAIN_AFTER,
    EventKind,
    GatewayEvent,
    GatewayRefused,
    RefundNotFailed,
    RefundState,
    SentRefund,
)
from dougong.reads.order_books import failed_refunds, refund_by_id, refund_to_send

MOST_AT_ONCE = 200


@task("payments.send_refund", retries=12)
async def send_refund(store_id: str, refund_id: str) -> None:
    """Tell the gateway; it knows the attempt by our id, so a repeat sends nothing twice."""
    async with transaction() as conn:
        refund = await refund_to_send(
            conn, store_id=StoreId(UUID(store_id)), refund_id=UUID(refund_id)
        )
    if refund is None:
        return
    if refund.payment_ref is None:
        raise ValueError(f"payment of refund {refund_id} has no name at its gateway")
    failure = None
    try:
        sent = await gateway(refund.gateway).refund(
            gateway_ref=refund.payment_ref,
            refund_id=refund.id,
            attempt=refund.attempt,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
        )
    except GatewayRefused as refused:
        sent, failure = None, str(refused.facts.get("reason", ""))
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await _note(
            conn,
            store_id=refund.store_id,
            refund_id=refund.id,
            attempt=refund.attempt,
            sent=sent or SentRefund("", RefundState.FAILED),
            failure=failure,
            at=at,
        )


async def note_refund(
    conn: AsyncConnection, *, payment: Any, event: GatewayEvent, at: datetime
) -> str:
    """The gateway tells of a refund of this payment; answers the event's outcome.

    One that we did not ask for (made by hand at the gateway) is kept for the operator to decide
    about; once it is booked as a refund of ours, its news is that refund's.
    """
    store_id, refund_id = None, event.refund_id
    if refund_id:
        if await is_sent_back(conn, unallocated_id=refund_id):
            return "sent_back"
        store_id = await store_of_refund(conn, refund_id=refund_id, payment_id=payment.id)
    if store_id is None or refund_id is None:
        booked = await note_foreign(conn, payment_id=payment.id, event=event, at=at)
        if booked is None:
            return "foreign_refund"
        store_id, refund_id = booked
    is_done = event.kind is EventKind.REFUNDED
    is_news = await _note(
        conn,
        store_id=store_id,
        refund_id=refund_id,
        attempt=event.attempt,
        sent=SentRefund("", RefundState.DONE if is_done else RefundState.FAILED),
        failure=None if is_done else "refused_by_gateway",
        at=at,
    )
    return str(event.kind) if is_news else "no_news"


async def _note(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    refund_id: UUID,
    attempt: int,
    sent: SentRefund,
    failure: str | None,
    at: datetime,
) -> bool:
    """Write how far an attempt has come, and say so when it has failed."""
    if sent.state is RefundState.FAILED and failure is None:
        failure = "refused_by_gateway"
    row = await mark_refund(
        conn,
        store_id=store_id,
        refund_id=refund_id,
        attempt=attempt,
        state=sent.state,
        gateway_ref=sent.gateway_ref or None,
        failure=failure,
        at=at,
    )
    if row is not None and row.state == RefundState.FAILED:
        facts = {
            "refund_id": str(refund_id),
            "amount_minor": row.amount_minor,
            "failure": failure,
            "attempt": attempt,
            "is_last": attempt >= MOST_REFUND_ATTEMPTS,
        }
        await record(
            conn,
            "order.refund_failed",
            store_id=store_id,
            subject_id=row.order_id,
            at=at,
            facts=facts,
        )
    return row is not None


@task("payments.send_refunds_again", every="*/10 * * * * 0")
async def send_refunds_again() -> None:
    """Failed refunds get their next attempt a day later."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        failed = await failed_refunds(
            conn, before=at - REFUND_AGAIN_AFTER, attempts=MOST_REFUND_ATTEMPTS, most=MOST_AT_ONCE
        )
    for refund in failed:
        async with transaction() as conn:
            await send_again(conn, refund)


async def try_again_now(
    conn: AsyncConnection, *, refund_id: UUID, attempt: int, person_id: PersonId, at: datetime
) -> None:
    """An operator sends a failed refund again, also after the tries that go by themselves.

    `attempt`: the failed one that the operator saw. Raises NotFound, and RefundNotFailed when
    another attempt has begun since or none is left.
    """
    refund = await refund_by_id(conn, refund_id=refund_id)
    if refund is None:
        raise NotFound
    seen = msgspec.structs.replace(refund, attempt=attempt)
    if not await send_again(conn, seen, most=MOST_REFUND_ATTEMPTS_BY_HAND):
        raise RefundNotFailed(refund_id=str(refund_id))
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="payments.refund_sent_again",
        subject=str(refund.order_id),
        facts={"refund_id": str(refund_id), "attempt": attempt + 1},
    )


async def send_again(
    conn: AsyncConnection, refund: Any, *, most: int = MOST_REFUND_ATTEMPTS
) -> bool:
    """Begin the next attempt of a failed refund; False when it has begun already."""
    begun = await begin_next_attempt(
        conn, store_id=refund.store_id, refund_id=refund.id, attempt=refund.attempt, most=most
    )
    if begun:
        store_id, refund_id = str(refund.store_id), str(refund.id)
        await defer(conn, "payments.send_refund", store_id=store_id, refund_id=refund_id)
    return begun
