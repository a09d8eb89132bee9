"""What happens to one order of the story, through the flows of live orders, at its own date."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId, derived_id
from dougong.cli.demo.market import Market, Shopper
from dougong.cli.demo.marks import ORDER_KEY
from dougong.flows.payment_arrived import book_part
from dougong.flows.place_orders import Placed, PlaceOrder, place_in
from dougong.flows.price_orders import Wanted, WantedLine, price_for
from dougong.flows.refund_lines import refund_lines
from dougong.flows.send_refunds import note_refund
from dougong.flows.ship_order import ship_order
from dougong.payments.commands import (
    Part,
    mark_captured,
    name_at_gateway,
    open_payment,
    parts_to_book,
    paying_payment,
)
from dougong.payments.refund_commands import mark_refund
from dougong.payments.rules import EventKind, GatewayEvent, RefundState, Started

CARRIERS = ("顺丰速运", "中通快递", "京东物流", "圆通速递")
ANSWERED_AFTER = timedelta(minutes=3)


class Plan(msgspec.Struct):
    """One order of the story: who buys what, when, and how far it gets."""

    number: int
    shopper: Shopper
    store_id: StoreId
    lines: tuple[WantedLine, ...]
    coupon_code: str | None
    at: datetime
    chance: random.Random
    fate: float | None = None

    @property
    def key(self) -> str:
        return f"{ORDER_KEY}{self.number:05}"


def the_shopper(market: Market) -> Shopper:
    """Whom `/enter` offers as the shopper."""
    person_id = market.people["shopper"]
    return Shopper(person_id, derived_id(person_id, "home"))


async def place(conn: AsyncConnection, plan: Plan) -> Placed | None:
    """None where the story's wish cannot be had: sold out, or a coupon that does not fit."""
    wanted = Wanted(plan.shopper.person_id, plan.lines, plan.coupon_code, plan.shopper.address_id)
    priced = await price_for(conn, store_id=plan.store_id, wanted=wanted, at=plan.at)
    if isinstance(priced, Exception):
        wanted = Wanted(plan.shopper.person_id, plan.lines, None, plan.shopper.address_id)
        priced = await price_for(conn, store_id=plan.store_id, wanted=wanted, at=plan.at)
    if isinstance(priced, Exception):
        return None
    request = PlaceOrder(
        store_id=plan.store_id,
        checkout_id=derived_id(plan.shopper.person_id, plan.key),
        key=plan.key,
        wanted=wanted,
        expected_total_minor=priced.quote.total_minor,
    )
    (answer,) = await place_in(conn, requests=[request], at=plan.at)
    return answer if isinstance(answer, Placed) else None


async def place_one(
    conn: AsyncConnection,
    market: Market,
    *,
    store: str,
    number: int,
    shopper: Shopper,
    at: datetime,
) -> tuple[Plan, Placed]:
    """One order of one unit in this store, of the first of its goods that is there."""
    codes = [code for code in market.products if code.startswith(f"{store}-")]
    for code in codes[number % len(codes) :] + codes:
        store_id, _, skus = market.products[code]
        for sku_id in skus.values():
            lines = (WantedLine(sku_id, 1, None),)
            chance = random.Random(f"one {number}")
            plan = Plan(number, shopper, store_id, lines, None, at, chance)
            if placed := await place(conn, plan):
                return plan, placed
    raise LookupError(f"nothing left in {store}")


async def charge(conn: AsyncConnection, plan: Plan, placed: Placed, *, at: datetime) -> Any:
    """A payment that the gateway waits for: the row of `payments`, with its name there."""
    payment = await open_payment(
        conn,
        checkout_id=placed.checkout_id,
        payer_id=plan.shopper.person_id,
        gateway="sandbox",
        currency=placed.currency,
        parts=[Part(placed.store_id, placed.order_id, placed.total_minor)],
        at=at,
    )
    await name_at_gateway(
        conn,
        payment_id=payment.id,
        payer_id=plan.shopper.person_id,
        started=Started(gateway_ref(payment), "/orders"),
    )
    return payment


def gateway_ref(payment: Any) -> str:
    return f"sb_demo_{payment.id.hex}"


def captured(payment: Any, *, amount_minor: int, at: datetime) -> GatewayEvent:
    """What the gateway says when it has taken so much."""
    event_id, ref = f"evt_demo_{payment.id.hex}", gateway_ref(payment)
    return GatewayEvent(event_id, EventKind.CAPTURED, ref, amount_minor, payment.currency, at)


async def pay(conn: AsyncConnection, plan: Plan, placed: Placed, *, at: datetime) -> None:
    """The money arrives; whether the order still waits for it is the flow's question."""
    payment = await charge(conn, plan, placed, at=at)
    event = captured(payment, amount_minor=placed.total_minor, at=at)
    await mark_captured(conn, payment_id=payment.id, gateway_ref=event.gateway_ref, at=at)
    for part in await parts_to_book(conn, payment_id=payment.id):
        await book_part(conn, code="sandbox", event=event, payment=payment, part=part, at=at)


async def ship(
    conn: AsyncConnection,
    placed: Placed,
    lines: dict[int, int],
    *,
    chance: random.Random,
    at: datetime,
) -> None:
    await ship_order(
        conn,
        store_id=placed.store_id,
        order_id=placed.order_id,
        carrier=chance.choice(CARRIERS),
        tracking_no=f"{chance.randrange(10**12, 10**13)}",
        lines=lines,
        at=at,
    )


async def refund(
    conn: AsyncConnection,
    plan: Plan,
    placed: Placed,
    amounts: dict[int, int],
    *,
    reason: str,
    at: datetime,
) -> UUID:
    """Booked; nobody has told the gateway yet."""
    row = await refund_lines(
        conn,
        store_id=placed.store_id,
        order_id=OrderId(placed.order_id),
        amounts=amounts,
        reason=reason,
        asked_by=None,
        key=f"demo-refund-{plan.number:05}-{UUID(int=at.microsecond).hex[:8]}",
        at=at,
    )
    return UUID(str(row.id))


async def send_refund(
    conn: AsyncConnection, placed: Placed, refund_id: UUID, *, at: datetime, attempt: int = 1
) -> None:
    """The gateway has taken the refund, and will say what came of it."""
    await mark_refund(
        conn,
        store_id=placed.store_id,
        refund_id=refund_id,
        attempt=attempt,
        state=RefundState.SENT,
        gateway_ref=f"sbr_{refund_id.hex}_{attempt}",
        failure=None,
        at=at,
    )


async def answer_refund(
    conn: AsyncConnection,
    placed: Placed,
    refund_id: UUID,
    *,
    kind: EventKind,
    at: datetime,
    attempt: int = 1,
) -> None:
    """The gateway says what came of it: REFUNDED or REFUND_FAILED."""
    payment = await paying_payment(conn, store_id=placed.store_id, order_id=placed.order_id)
    event = GatewayEvent(
        f"evt_demo_{refund_id.hex}_{attempt}",
        kind,
        payment.gateway_ref,
        payment.amount_minor,
        payment.currency,
        at,
        refund_id=refund_id,
        attempt=attempt,
    )
    await note_refund(conn, payment=payment, event=event, at=at)


async def give_back(
    conn: AsyncConnection,
    plan: Plan,
    placed: Placed,
    amounts: dict[int, int],
    *,
    reason: str,
    at: datetime,
) -> None:
    """A refund that went well: booked, sent, and minutes later the buyer has it."""
    refund_id = await refund(conn, plan, placed, amounts, reason=reason, at=at)
    await send_refund(conn, placed, refund_id, at=at)
    done_at = at + ANSWERED_AFTER
    await answer_refund(conn, placed, refund_id, kind=EventKind.REFUNDED, at=done_at)
