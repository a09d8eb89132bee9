"""Money that needs somebody's look: arrived for no order, or on its way back and not there yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, derived_id
from dougong.cli.demo.acts import (
    answer_refund,
    captured,
    charge,
    pay,
    place_one,
    refund,
    send_refund,
    ship,
    the_shopper,
)
from dougong.cli.demo.market import Market, Shopper
from dougong.cli.demo.marks import begin_piece
from dougong.flows.adopt_refund import book_foreign
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.payment_arrived import keep_unallocated
from dougong.flows.place_orders import Placed
from dougong.flows.receive_order import receive_order
from dougong.flows.resolve_unallocated import resolve
from dougong.flows.send_refunds import note_refund
from dougong.infra.db import transaction
from dougong.payments.commands import abandon, paying_payment
from dougong.payments.refund_commands import begin_next_attempt
from dougong.payments.rules import MOST_REFUND_ATTEMPTS, EventKind, GatewayEvent, Unallocated
from dougong.reads.operator_money import unallocated_money
from dougong.reads.operator_refunds import foreign_refund_rows
from dougong.reads.order_books import lines_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIRST_NUMBER = 3_000


async def write_unallocated(market: Market, *, now: datetime) -> None:
    """Late payments, one paid twice, one of a wrong amount, one that nobody knows."""
    me, others = the_shopper(market), market.shoppers
    async with transaction() as conn:
        if not await begin_piece(conn, "unallocated", at=now):
            return
        at = now - 14 * 24 * HOUR
        await _late(conn, market, "soft-nest", others[11], number=0, at=at)
        why = "订单已超时取消，买家电话确认原路退回 / The buyer asked for it back by phone"
        await _resolve(conn, market, "operator", "sent_back", why, at=at + 20 * HOUR)
        at = now - 12 * 24 * HOUR
        await _unknown(conn, market, at=at)
        why = "查不到付款人，留待认领 / Nobody known has paid this: kept for its owner"
        await _resolve(conn, market, "second-operator", "kept_for_claim", why, at=at + 26 * HOUR)
        await _late(conn, market, "mist-tea", me, number=1, at=now - 53 * HOUR)
        await _twice(conn, market, "pocket-lab", others[23], number=2, at=now - 26 * HOUR)
        await _wrong(conn, market, "warm-volt", others[37], number=3, at=now - 5 * HOUR)


async def _late(
    conn: AsyncConnection,
    market: Market,
    store: str,
    shopper: Shopper,
    *,
    number: int,
    at: datetime,
) -> None:
    """Paid five minutes after the order's time was over."""
    plan, placed = await place_one(
        conn, market, store=store, number=FIRST_NUMBER + number, shopper=shopper, at=at
    )
    await _run_out(conn, placed)
    await pay(conn, plan, placed, at=placed.pay_by + 5 * MINUTE)


async def _run_out(conn: AsyncConnection, placed: Placed) -> None:
    await cancel_unpaid(
        conn,
        store_id=placed.store_id,
        order_id=placed.order_id,
        reason="not_paid_in_time",
        at=placed.pay_by,
    )


async def _twice(
    conn: AsyncConnection,
    market: Market,
    store: str,
    shopper: Shopper,
    *,
    number: int,
    at: datetime,
) -> None:
    plan, placed = await place_one(
        conn, market, store=store, number=FIRST_NUMBER + number, shopper=shopper, at=at
    )
    await pay(conn, plan, placed, at=at + MINUTE)
    await pay(conn, plan, placed, at=at + 3 * MINUTE)


async def _wrong(
    conn: AsyncConnection,
    market: Market,
    store: str,
    shopper: Shopper,
    *,
    number: int,
    at: datetime,
) -> None:
    """A transfer of which a bank has kept eight yuan; the order then runs out of time."""
    plan, placed = await place_one(
        conn, market, store=store, number=FIRST_NUMBER + number, shopper=shopper, at=at
    )
    payment = await charge(conn, plan, placed, at=at + MINUTE)
    arrived, at = placed.total_minor - 800, at + 4 * MINUTE
    event = captured(payment, amount_minor=arrived, at=at)
    await abandon(conn, payment_id=payment.id)
    reason = Unallocated.WRONG_AMOUNT
    await keep_unallocated(conn, "sandbox", event, payment, None, arrived, reason, at)
    await _run_out(conn, placed)


async def _unknown(conn: AsyncConnection, market: Market, *, at: datetime) -> None:
    name = derived_id(market.people["operator"], "unknown payment").hex
    event = GatewayEvent(f"evt_{name}", EventKind.CAPTURED, f"sb_{name}", 12_800, "CNY", at)
    reason = Unallocated.UNKNOWN_PAYMENT
    await keep_unallocated(conn, "sandbox", event, None, None, event.amount_minor, reason, at)


async def _resolve(
    conn: AsyncConnection, market: Market, who: str, resolution: str, note: str, *, at: datetime
) -> None:
    """What has come last is decided about."""
    newest = (await unallocated_money(conn, is_open=True, before=None, most=1))[0]
    await resolve(
        conn,
        unallocated_id=newest.id,
        person_id=market.people[who],
        resolution=resolution,
        note=note,
        at=at,
    )


# refunds that are not done -------------------------------------------------------------------


async def write_refunds(market: Market, *, now: datetime) -> None:
    """One under way, one that failed and is tried again tomorrow, one that failed for good; and two
    that somebody made at the gateway by hand."""
    me, others = the_shopper(market), market.shoppers
    async with transaction() as conn:
        if not await begin_piece(conn, "refunds", at=now):
            return
        why = "杯口有磕碰，退一半 / A chip at the rim: half of it back"
        placed, part = await _received(conn, market, me, number=10, at=now - 90 * HOUR, why=why)
        await send_refund(conn, placed, part, at=now - 2 * HOUR)
        why = "少发一件，差额退回 / One piece was missing: the difference back"
        at = now - 96 * HOUR
        placed, part = await _received(conn, market, others[41], number=11, at=at, why=why)
        await _fail(conn, placed, part, attempt=1, at=now - 3 * HOUR)
        why = "茶罐压坏，退一半 / The tin came crushed: half of it back"
        at = now - 260 * HOUR
        placed, part = await _received(conn, market, others[42], number=12, at=at, why=why)
        for attempt in range(1, MOST_REFUND_ATTEMPTS + 1):
            days = MOST_REFUND_ATTEMPTS - attempt
            await _fail(conn, placed, part, attempt=attempt, at=now - (24 * days + 20) * HOUR)
            if attempt < MOST_REFUND_ATTEMPTS:
                store_id = placed.store_id
                await begin_next_attempt(conn, store_id=store_id, refund_id=part, attempt=attempt)
        at = now - 258 * HOUR
        foreign_id, placed = await _by_hand(conn, market, others[43], number=13, share=1, at=at)
        await book_foreign(
            conn,
            foreign_id=foreign_id,
            store_id=placed.store_id,
            order_id=placed.order_id,
            person_id=PersonId(market.people["operator"]),
            note="客服在网关直接退的 / Refunded at the gateway by customer service",
            at=at + 6 * HOUR,
        )
        await _by_hand(conn, market, others[44], number=14, share=3, at=now - 4 * HOUR)


async def _by_hand(
    conn: AsyncConnection,
    market: Market,
    shopper: Shopper,
    *,
    number: int,
    share: int,
    at: datetime,
) -> tuple[UUID, Placed]:
    """A paid order of which the gateway tells, two hours later, that its total divided by `share`
    has gone back."""
    plan, placed = await place_one(
        conn, market, store="mist-tea", number=FIRST_NUMBER + number, shopper=shopper, at=at
    )
    await pay(conn, plan, placed, at=at + 2 * MINUTE)
    payment = await paying_payment(conn, store_id=placed.store_id, order_id=placed.order_id)
    name = derived_id(payment.id, "by hand").hex
    told_at = at + 2 * HOUR
    event = GatewayEvent(
        f"evt_{name}",
        EventKind.REFUNDED,
        payment.gateway_ref,
        placed.total_minor // share,
        payment.currency,
        told_at,
        refund_ref=f"sbr_{name}",
    )
    await note_refund(conn, payment=payment, event=event, at=told_at)
    (told,) = [
        row
        for row in await foreign_refund_rows(conn, is_open=True, before=None, most=50)
        if row.refund_ref == event.refund_ref
    ]
    return told.id, placed


async def _received(
    conn: AsyncConnection, market: Market, shopper: Shopper, *, number: int, at: datetime, why: str
) -> tuple[Placed, UUID]:
    """An order of the first store that has arrived, of which half is to go back."""
    plan, placed = await place_one(
        conn, market, store="mist-tea", number=FIRST_NUMBER + number, shopper=shopper, at=at
    )
    await pay(conn, plan, placed, at=at + 2 * MINUTE)
    goods = [
        line
        for line in await lines_of(conn, store_id=placed.store_id, order_id=placed.order_id)
        if line.kind == "goods"
    ]
    units: Mapping[int, int] = {line.line_no: line.quantity for line in goods}
    await ship(conn, placed, dict(units), chance=plan.chance, at=at + 6 * HOUR)
    received_at = at + 60 * HOUR
    await receive_order(
        conn,
        store_id=placed.store_id,
        order_id=placed.order_id,
        why="by_buyer",
        at=received_at,
    )
    half = {goods[0].line_no: goods[0].paid_minor // 2}
    part = await refund(conn, plan, placed, half, reason=why, at=received_at + 5 * HOUR)
    return placed, part


async def _fail(
    conn: AsyncConnection, placed: Placed, refund_id: UUID, *, attempt: int, at: datetime
) -> None:
    await send_refund(conn, placed, refund_id, at=at, attempt=attempt)
    kind = EventKind.REFUND_FAILED
    await answer_refund(
        conn, placed, refund_id, kind=kind, at=at + timedelta(minutes=1), attempt=attempt
    )
