"""A gateway says that money has moved.

The event is kept first (so that nothing is lost, and a repeat is a repeat), then acted on, store by
store. A stop in between is picked up by a job. Money that no order waits for is never lost: it is
booked as unallocated and shown to the operator.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, OrderId, PaymentId, StoreId
from dougong.flows.allocate_order import allocate_locked
from dougong.flows.book_orders import CLEARING, capture_entry
from dougong.flows.dropship import give_to_suppliers
from dougong.flows.insure_freight import freeze_policy
from dougong.flows.order_for_books import booked_order
from dougong.flows.pay_in import book_pay_in
from dougong.flows.send_refunds import note_refund
from dougong.flows.ship_promise import promise_shipping
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import drop_deadline, record
from dougong.infra.inbox import finish, keep, waiting
from dougong.infra.jobs import task
from dougong.ledger.commands import book
from dougong.ledger.rules import Entry, EntryKind, Part, Purpose, moved, platform
from dougong.orders.commands import lock_order, mark_paid
from dougong.orders.rules import OrderState
from dougong.payments.adapters.registry import gateway
from dougong.payments.adapters.sandbox import late_answers, note_answered
from dougong.payments.commands import (
    abandon,
    claim_part,
    lock_payment,
    mark_captured,
    mark_declined,
    note_unallocated,
    parts_to_book,
)
from dougong.payments.pay_in_commands import pay_in_of
from dougong.payments.rules import EventKind, GatewayEvent, Unallocated, judge_capture

GIVE_UP_AFTER = timedelta(seconds=5)


async def receive(*, code: str, body: bytes, headers: Mapping[str, str]) -> None:
    """A webhook as it came. Raises BadSignature, NotFound for a gateway not in use."""
    event = gateway(code).read_event(body=body, headers=headers)
    if event is None:
        return
    async with transaction() as conn:
        at = await clock.refresh(conn)
        kept = msgspec.to_builtins(event)
        await keep(conn, source=code, event_id=event.event_id, body=kept, at=at)
    await act(code=code, event=event)


async def act(*, code: str, event: GatewayEvent) -> None:
    """Do what an event asks for; doing it again changes nothing."""
    if event.kind is EventKind.CAPTURED:
        outcome = await _captured(code, event)
    else:
        async with transaction() as conn:
            outcome = await _noted(conn, code, event, at=await clock.refresh(conn))
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await finish(conn, source=code, event_id=event.event_id, outcome=outcome, at=at)


async def _noted(conn: AsyncConnection, code: str, event: GatewayEvent, *, at: datetime) -> str:
    """What moves no money of ours: a payment declined, a refund on its way. Answers the outcome."""
    payment = await lock_payment(
        conn, gateway=code, gateway_ref=event.gateway_ref, payment_id=event.payment_id
    )
    if payment is None:
        return "unknown_payment"
    if event.kind is EventKind.DECLINED:
        if not await mark_declined(conn, payment_id=payment.id):
            return "no_news"
        facts = {"amount_minor": payment.amount_minor}
        await record(conn, "payment.declined", subject_id=payment.id, at=at, facts=facts)
        return "declined"
    return await note_refund(conn, payment=payment, event=event, at=at)


async def _captured(code: str, event: GatewayEvent) -> str:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        payment = await lock_payment(
            conn, gateway=code, gateway_ref=event.gateway_ref, payment_id=event.payment_id
        )
        refused: Unallocated | None = Unallocated.UNKNOWN_PAYMENT
        if payment is not None:
            refused = judge_capture(
                amount_minor=payment.amount_minor, currency=payment.currency, event=event
            )
        if payment is None or refused:
            reason = refused or Unallocated.UNKNOWN_PAYMENT
            if payment is not None:
                await abandon(conn, payment_id=payment.id)
            await keep_unallocated(conn, code, event, payment, None, event.amount_minor, reason, at)
            return str(reason)
        if await mark_captured(conn, payment_id=payment.id, gateway_ref=event.gateway_ref, at=at):
            facts = {"amount_minor": payment.amount_minor, "currency": payment.currency}
            await record(conn, "payment.captured", subject_id=payment.id, at=at, facts=facts)
        parts = await parts_to_book(conn, payment_id=payment.id)
        pay_in = await pay_in_of(conn, checkout_id=payment.checkout_id)
    await pause.point("pay: captured")
    if pay_in is not None:
        await _paid_in(code, event, payment, pay_in.id)
    for part in parts:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await book_part(conn, code=code, event=event, payment=payment, part=part, at=at)
    return "captured"


async def _paid_in(code: str, event: GatewayEvent, payment: Any, pay_in_id: UUID) -> None:
    """What was paid in goes to its owner; what was paid twice, to the operator."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        pay_in = await pay_in_of(conn, checkout_id=pay_in_id)
        if not await book_pay_in(conn, pay_in=pay_in, payment_id=payment.id, at=at):
            reason = Unallocated.PAID_TWICE
            await keep_unallocated(conn, code, event, payment, None, event.amount_minor, reason, at)


async def book_part(
    conn: AsyncConnection,
    *,
    code: str,
    event: GatewayEvent,
    payment: Any,
    part: Any,
    at: datetime,
) -> None:
    """One order gets its money; or, when it no longer waits for it, the operator does."""
    store_id, order_id = StoreId(part.store_id), OrderId(part.order_id)
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    await pause.point("pay: read the order")
    is_waited_for = order.state == OrderState.PLACED
    claimed = await claim_part(
        conn,
        store_id=store_id,
        order_id=order_id,
        payment_id=payment.id,
        outcome="allocated" if is_waited_for else "unallocated",
        at=at,
    )
    if not claimed:
        return
    if not is_waited_for:
        closed = order.state == OrderState.CANCELLED
        reason = Unallocated.ORDER_CLOSED if closed else Unallocated.PAID_TWICE
        await keep_unallocated(conn, code, event, payment, order_id, part.amount_minor, reason, at)
        return
    await book_paid(conn, order=order, currency=payment.currency, at=at)


async def book_paid(conn: AsyncConnection, *, order: Any, currency: str, at: datetime) -> None:
    """A locked order that waits for its money has it: booked, and not to be closed any more."""
    store_id, order_id = StoreId(order.store_id), OrderId(order.id)
    await mark_paid(conn, store_id=store_id, order_id=order_id, at=at)
    await drop_deadline(
        conn, store_id=store_id, kind="pay_by", subject_id=order_id, at=at, why="paid"
    )
    booked, lines = await booked_order(conn, store_id=store_id, order_id=order_id)
    await book(
        conn,
        store_id=store_id,
        currency=currency,
        entries=[capture_entry(booked, at=at)],
        written_at=clock.wall_now(),
    )
    await give_to_suppliers(conn, store_id=store_id, order_id=order_id, at=at)
    await allocate_locked(conn, order=order, lines=lines, at=at)
    await promise_shipping(conn, order=order, lines=lines, at=at)
    await freeze_policy(conn, order=order, at=at)
    facts = {"number": order.number, "total_minor": order.total_minor, "currency": order.currency}
    await record(conn, "order.paid", store_id=store_id, subject_id=order_id, at=at, facts=facts)


async def keep_unallocated(
    conn: AsyncConnection,
    code: str,
    event: GatewayEvent,
    payment: Any | None,
    order_id: OrderId | None,
    amount_minor: int,
    reason: Unallocated,
    at: datetime,
) -> None:
    """Book what nobody waits for into the platform's own book, once."""
    payment_id = PaymentId(payment.id) if payment is not None else None
    noted = await note_unallocated(
        conn,
        gateway=code,
        event=event,
        payment_id=payment_id,
        order_id=order_id,
        amount_minor=amount_minor,
        reason=reason,
        at=at,
    )
    if noted is None:
        return
    entry = Entry(
        kind=EntryKind.UNALLOCATED,
        key=f"unallocated:{noted}",
        counts_at=at,
        transfers=tuple(
            moved(CLEARING, platform(Purpose.UNALLOCATED), amount_minor, Part.UNALLOCATED)
        ),
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=event.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )
    facts = {"amount_minor": amount_minor, "reason": str(reason)}
    await record(conn, "payment.unallocated", subject_id=noted, at=at, facts=facts)


@task("payments.act_on_inbox", every="* * * * * */5")
async def act_on_inbox() -> None:
    """Events that a stop left half done. One that fails holds up no other: it is tried again."""
    async with transaction() as conn:
        left = await waiting(conn, before=await clock.refresh(conn) - GIVE_UP_AFTER, most=200)
    failed: list[Exception] = []
    for source, body in left:
        try:
            await act(code=source, event=msgspec.convert(body, GatewayEvent))
        except Exception as error:
            error.add_note(f"event {body.get('event_id')} of {source}")
            failed.append(error)
    if failed:
        raise ExceptionGroup("events that could not be acted on", failed)


@task("payments.sandbox_late_answers", every="* * * * * *")
async def send_late_answers() -> None:
    """The sandbox answers late: as late as its payer chose, by the business clock."""
    async with transaction() as conn:
        late = await late_answers(conn, at=await clock.refresh(conn), most=100)
    for charge_id, signed in late:
        await receive(code="sandbox", body=signed.body, headers=signed.headers)
        async with transaction() as conn:
            await note_answered(conn, charge_id=charge_id)
