"""Sixty days of orders in every state, through the flows of live orders, at their own dates."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, derived_id
from dougong.cli.demo import story
from dougong.cli.demo.acts import Plan, give_back, pay, place, ship, the_shopper
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import orders_lived
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.place_orders import Placed
from dougong.flows.price_orders import WantedLine
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.infra.db import transaction
from dougong.links.click_commands import keep_click
from dougong.links.rules import Validity
from dougong.reads.order_books import lines_of

ORDERS = 1_400
DAYS = 60
REST_AFTER = timedelta(days=4)
# The demo shopper's own orders, so that every state has one: how many days ago, and the fate that
# `live` reads (0.33 is partly refunded once received, 0.05 never paid, 0.12 refunded whole).
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
CHANGED_MIND = ("买家改变主意，尚未发货", "The buyer changed their mind before it was shipped")
NOT_AS_SHOWN = ("商品与描述有差异，协商部分退款", "Not quite as shown: part of it back, as agreed")
GOODWILL = ("售后回访，补偿一部分", "A part back as a gesture after the sale")


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
        coupons = coupons_of(store_code)
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
        me = the_shopper(market)
        at = now - timedelta(days=days)
        mine = random.Random(f"me {number}")
        found.append(Plan(number, me, base.store_id, base.lines, None, at, mine, fate))
    return sorted(found, key=lambda plan: plan.at)


def coupons_of(store_code: str) -> list[str]:
    """Codes of every funder that this store takes."""
    shown_by = {creator.handle for creator in story.CREATORS if store_code in creator.stores}
    owners = {store_code, "platform"} | shown_by
    return [coupon.code for coupon in story.COUPONS if coupon.owner in owners]


async def write_history(market: Market, *, now: datetime, done: Callable[[], None]) -> None:
    """Each order's whole life is one transaction: what an earlier run has lived is passed over."""
    async with transaction() as conn:
        lived = await orders_lived(conn)
    for plan in plans(market, now=now):
        if plan.key not in lived:
            async with transaction() as conn:
                await live(conn, plan, now=now)
        done()


async def live(conn: AsyncConnection, plan: Plan, *, now: datetime) -> None:
    placed = await place(conn, plan)
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
    await pay(conn, plan, placed, at=paid_at)
    lines = await lines_of(conn, store_id=store_id, order_id=order_id)
    goods = [line for line in lines if line.kind == "goods"]
    if fate < 0.14:  # changed their mind before it was shipped
        if paid_at + timedelta(hours=3) < now:
            amounts = {line.line_no: line.paid_minor for line in lines}
            why = plan.chance.choice(CHANGED_MIND)
            back_at = paid_at + timedelta(hours=3)
            await give_back(conn, plan, placed, amounts, reason=why, at=back_at)
        return
    shipped_at = paid_at + timedelta(hours=chance.randrange(3, 60))
    if shipped_at > now:
        return
    is_part = len(goods) > 1 and fate < 0.24
    in_package = goods[:1] if is_part else goods
    quantities = {line.line_no: line.quantity for line in in_package}
    await ship(conn, placed, quantities, chance=chance, at=shipped_at)
    if is_part:  # the rest follows
        shipped_at += REST_AFTER
        if shipped_at > now:
            return
        rest = {line.line_no: line.quantity for line in goods[1:]}
        await ship(conn, placed, rest, chance=chance, at=shipped_at)
    await _arrive(conn, plan, placed, goods, fate=fate, shipped_at=shipped_at, now=now)


async def _clicks(conn: AsyncConnection, plan: Plan) -> None:
    """Who bought by a link tapped it first, and others tapped it and did not buy."""
    chance = random.Random(f"taps {plan.number}")
    for link_id in {line.link_id for line in plan.lines if line.link_id}:
        for nth in range(1 + chance.randrange(4)):
            await keep_click(
                conn,
                link_id=link_id,
                click_id=derived_id(plan.shopper.person_id, f"tap {plan.number} {nth}"),
                person_id=None if nth else plan.shopper.person_id,
                validity=Validity.VALID,
                visitor="",
                source="own",
                sub_id=None,
                share_code="",
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
        why = chance.choice(NOT_AS_SHOWN)
        await give_back(conn, plan, placed, part, reason=why, at=complained_at)
    final_at = received_at + timedelta(days=7)
    if final_at > now:
        return
    await finalise_order(conn, store_id=store_id, order_id=order_id, at=final_at)
    goodwill_at = final_at + timedelta(days=1)
    if 0.36 < fate < 0.40 and goodwill_at < now:
        why = chance.choice(GOODWILL)
        await give_back(conn, plan, placed, part, reason=why, at=goodwill_at)
