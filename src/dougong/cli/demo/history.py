"""Sixty days of orders in every state, through the flows of live orders, at their own dates."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId, derived_id
from dougong.cli.demo import story
from dougong.cli.demo.market import Market, Shopper
from dougong.cli.demo.marks import ORDER_KEY, orders_lived
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.payment_arrived import book_part
from dougong.flows.place_orders import Placed, PlaceOrder, place_in
from dougong.flows.price_orders import Wanted, WantedLine, price_for
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra.db import transaction
from dougong.links.commands import record_click
from dougong.payments.commands import (
    Part,
    mark_captured,
    name_at_gateway,
    open_payment,
    parts_to_book,
)
from dougong.payments.rules import EventKind, GatewayEvent, Started
from dougong.reads.order_books import lines_of

ORDERS = 1_400
DAYS = 60
# The demo shopper's own orders, so that every state has one: how many days ago, and the fate that
# `_live` reads (0.33 is partly refunded once received, 0.05 never paid, 0.12 refunded whole).
MINE = (
    (0.001, 0.05),
    (0.02, 0.5),
    (0.4, 0.5),
    (1.5, 0.5),
    (6, 0.5),
    (14, 0.33),
    (20, 0.05),
    (30, 0.5),
    (45, 0.12),
)
CARRIERS = ("顺丰速运", "中通快递", "京东物流", "圆通速递")


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


def plans(market: Market, *, now: datetime) -> list[Plan]:
    """The same plans for the same market; more in the evening, more of late."""
    chance = random.Random(60)
    found = []
    for number in range(ORDERS):
        ago = timedelta(days=DAYS * (1 - chance.random() ** 0.7), minutes=chance.randrange(2, 50))
        at = now - ago
        link_id, code, published = chance.choice(market.links)
        store_id, _, skus = market.products[code]
        lines = [
            WantedLine(
                SkuId(chance.choice(list(skus.values()))),
                chance.choice((1, 1, 1, 2)),
                link_id if published < at and chance.random() < 0.85 else None,
            )
        ]
        store_code = next(s for s, i in market.stores.items() if i == store_id)
        others = [p.code for p in story.PRODUCTS if p.store_code == store_code and p.code != code]
        if chance.random() < 0.3:
            more = market.products[chance.choice(others)][2]
            lines.append(WantedLine(SkuId(chance.choice(list(more.values()))), 1, None))
        coupons = [c.code for c in story.COUPONS if c.owner in (store_code, "platform")]
        found.append(
            Plan(
                number,
                chance.choice(market.shoppers),
                store_id,
                tuple(lines),
                chance.choice(coupons) if chance.random() < 0.3 else None,
                at,
                random.Random(f"order {number}"),
            )
        )
    for number, (days, fate) in enumerate(MINE, start=ORDERS):
        base = found[number % 7]
        me = Shopper(market.people["shopper"], derived_id(market.people["shopper"], "home"))
        at = now - timedelta(days=days)
        mine = random.Random(f"me {number}")
        found.append(Plan(number, me, base.store_id, base.lines, None, at, mine, fate))
    return sorted(found, key=lambda plan: plan.at)


async def write_history(market: Market, *, now: datetime, done: Callable[[], None]) -> None:
    """Each order's whole life is one transaction: what an earlier run has lived is passed over."""
    async with transaction() as conn:
        lived = await orders_lived(conn)
    for plan in plans(market, now=now):
        if plan.key not in lived:
            async with transaction() as conn:
                await _live(conn, plan, now=now)
        done()


async def _live(conn: AsyncConnection, plan: Plan, *, now: datetime) -> None:
    placed = await _place(conn, plan)
    if placed is None:
        return
    order_id, store_id, at = placed.order_id, placed.store_id, plan.at
    drawn, chance = plan.chance.random(), plan.chance
    fate = drawn if plan.fate is None else plan.fate
    await _clicks(conn, plan)
    if fate < 0.10:  # never paid
        if placed.pay_by <= now:
            reason = "not_paid_in_time" if fate < 0.07 else "by_buyer"
            ended = placed.pay_by if fate < 0.07 else at + timedelta(minutes=4)
            await cancel_unpaid(conn, store_id=store_id, order_id=order_id, reason=reason, at=ended)
        return
    paid_at = min(at + timedelta(seconds=chance.randrange(20, 700)), now)
    await _pay(conn, plan, placed, at=paid_at)
    lines = await lines_of(conn, store_id=store_id, order_id=order_id)
    goods = [line for line in lines if line.kind == "goods"]
    if fate < 0.14:  # changed their mind before it was shipped
        if paid_at + timedelta(hours=3) < now:
            amounts = {line.line_no: line.paid_minor for line in lines}
            await _refund(conn, plan, placed, amounts, at=paid_at + timedelta(hours=3))
        return
    shipped_at = paid_at + timedelta(hours=chance.randrange(3, 60))
    if shipped_at > now:
        return
    is_part = len(goods) > 1 and fate < 0.24
    in_package = goods[:1] if is_part else goods
    quantities = {line.line_no: line.quantity for line in in_package}
    await _ship(conn, placed, quantities, chance=chance, at=shipped_at)
    if is_part:
        return
    await _arrive(conn, plan, placed, goods, fate=fate, shipped_at=shipped_at, now=now)


async def _clicks(conn: AsyncConnection, plan: Plan) -> None:
    """Who bought by a link tapped it first, and others tapped it and did not buy."""
    chance = random.Random(f"taps {plan.number}")
    for link_id in {line.link_id for line in plan.lines if line.link_id}:
        for nth in range(1 + chance.randrange(4)):
            await record_click(
                conn,
                link_id=link_id,
                click_id=derived_id(plan.shopper.person_id, f"tap {plan.number} {nth}"),
                person_id=None if nth else plan.shopper.person_id,
                at=plan.at - timedelta(seconds=chance.randrange(20, 600)),
            )


async def _arrive(
    conn: AsyncConnection,
    plan: Plan,
    placed: Placed,
    goods: list[Any],
    *,
    fate: float,
    shipped_at: datetime,
    now: datetime,
) -> None:
    order_id, store_id, chance = placed.order_id, placed.store_id, plan.chance
    received_at = shipped_at + timedelta(hours=chance.randrange(30, 140))
    if received_at > now:
        return
    await receive_order(conn, store_id=store_id, order_id=order_id, why="by_buyer", at=received_at)
    part = {goods[0].line_no: max(1, goods[0].paid_minor * chance.randrange(10, 60) // 100)}
    complained_at = received_at + timedelta(hours=20)
    if 0.30 < fate < 0.36 and complained_at < now:
        await _refund(conn, plan, placed, part, at=complained_at)
    final_at = received_at + timedelta(days=7)
    if final_at > now:
        return
    await finalise_order(conn, store_id=store_id, order_id=order_id, at=final_at)
    goodwill_at = final_at + timedelta(days=1)
    if 0.36 < fate < 0.40 and goodwill_at < now:
        await _refund(conn, plan, placed, part, at=goodwill_at)


async def _place(conn: AsyncConnection, plan: Plan) -> Placed | None:
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


async def _pay(conn: AsyncConnection, plan: Plan, placed: Placed, *, at: datetime) -> None:
    payment = await open_payment(
        conn,
        checkout_id=placed.checkout_id,
        payer_id=plan.shopper.person_id,
        gateway="sandbox",
        currency=placed.currency,
        parts=[Part(placed.store_id, placed.order_id, placed.total_minor)],
        at=at,
    )
    started = Started(f"sb_demo_{payment.id.hex}", "/orders")
    await name_at_gateway(
        conn, payment_id=payment.id, payer_id=plan.shopper.person_id, started=started
    )
    event = GatewayEvent(
        f"evt_demo_{payment.id.hex}",
        EventKind.CAPTURED,
        started.gateway_ref,
        placed.total_minor,
        placed.currency,
        at,
    )
    await mark_captured(conn, payment_id=payment.id, gateway_ref=started.gateway_ref, at=at)
    for part in await parts_to_book(conn, payment_id=payment.id):
        await book_part(conn, code="sandbox", event=event, payment=payment, part=part, at=at)


async def _ship(
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


async def _refund(
    conn: AsyncConnection, plan: Plan, placed: Placed, amounts: dict[int, int], *, at: datetime
) -> None:
    await refund_lines(
        conn,
        store_id=placed.store_id,
        order_id=OrderId(placed.order_id),
        amounts=amounts,
        reason="商品与描述有差异",
        asked_by=None,
        key=f"demo-refund-{plan.number:05}-{UUID(int=at.microsecond).hex[:8]}",
        at=at,
    )
