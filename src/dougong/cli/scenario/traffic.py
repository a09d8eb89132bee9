"""Shoppers between two days of the story: they tap links, and some buy, here and elsewhere.

All of it goes the way of real days: a tap is handed over by its code, another platform reports in
its own file format, an own order is placed, paid, shipped and received.
"""

import csv
import io
import os
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import sign_up
from dougong.base.ids import LinkId, SkuId, derived_id
from dougong.base.money import part_of
from dougong.cli.demo.acts import Plan, pay, place, ship
from dougong.cli.demo.market import Shopper
from dougong.cli.scenario.cast import (
    ALLIANCE_BP,
    COMMISSION_BP,
    GOODS,
    MEDIA_BP,
    ZONE,
    Cast,
)
from dougong.flows.hand_off import hand_off
from dougong.flows.price_orders import WantedLine
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.flows.report_arrived import import_report
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.rules import NONCE_BYTES, Visit, shelf_token
from dougong.reads.order_books import lines_of
from dougong.reads.story_figures import ShownLink, StoryClick, clicks_between, shown_links

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
A_TAP = Visit("GET", PHONE, "text/html", "navigate", "document", "?1")
A_BOT = Visit("GET", "Mozilla/5.0 (compatible; bingbot/2.0)", "text/html")
TAPS_A_LINK, BOTS_A_LINK = 9, 1
BUYS_OF_TAPS = 0.22
SETTLED_AFTER = timedelta(days=12)
COLUMNS = ("trade_id", "trade_parent_id", "tk_status", "item_id", "item_title", "item_num",
           "alipay_total_price", "pay_price", "total_commission_rate", "pub_share_pre_fee",
           "pub_share_fee", "alimama_rate", "alimama_share_fee",
           "tk_commission_rate_for_media_platform", "tk_commission_fee_for_media_platform",
           "tk_paid_time", "tk_earning_time", "sub_id")  # fmt: skip
REFUND_COLUMNS = ("tb_trade_id", "refund_status", "refund_fee", "tk_commission_fee_refund_pub",
                  "tk_refund_suit_time")  # fmt: skip


class Bought(msgspec.Struct):
    """An order at another platform, from its first report to its last."""

    row: dict[str, str]
    source: str
    paid_at: datetime
    net_minor: int
    is_closed: bool
    is_refunded: bool
    is_settled: bool = False


async def live_between(
    cast: Cast, waiting: list[Bought], *, since: datetime, until: datetime, name: str
) -> None:
    """Taps and orders of the time in between, then the reports that have come by its end."""
    chance = random.Random(f"{name} {since.isoformat()}")
    async with transaction() as conn:
        shown = await shown_links(conn)
        for link in shown:
            await _taps(conn, link, chance, since=since, until=until)
    async with transaction() as conn:
        clicks = await clicks_between(conn, since=since, until=until)
    waiting += [_bought(c, chance, n, name) for n, c in enumerate(clicks)
                if chance.random() < BUYS_OF_TAPS]  # fmt: skip
    await report(waiting, until=until)
    own = [link for link in shown if link.product_id is not None and link.source == "own"]
    if own:
        await _own_orders(cast, own, chance, since=since, until=until, name=name)


async def _taps(
    conn: AsyncConnection, link: ShownLink, chance: random.Random, *, since: datetime,
    until: datetime,
) -> None:  # fmt: skip
    for n in range(chance.randrange(TAPS_A_LINK) + BOTS_A_LINK):
        visit = A_BOT if n < BOTS_A_LINK else A_TAP
        visitor = f"{chance.randrange(16**24):024x}"
        at = since + (until - since) * chance.random()
        nonce, secret = os.urandom(NONCE_BYTES), settings().secret()
        token = shelf_token(code=link.code, visitor=visitor, at=at, nonce=nonce, secret=secret)
        await hand_off(
            conn,
            code=link.code,
            visit=visit,
            visitor=visitor,
            person_id=None,
            acts_for=(),
            share_code="",
            goes_on=True,
            token=token,
            at=at,
        )


def _bought(click: StoryClick, chance: random.Random, number: int, name: str) -> Bought:
    """One order of 20 % commission, of which the alliance keeps its parts when it settles."""
    title, price_minor = GOODS[click.category]
    gross = part_of(price_minor, COMMISSION_BP)
    alliance, media = part_of(gross, ALLIANCE_BP), part_of(price_minor, MEDIA_BP)
    paid_at = click.at + timedelta(minutes=chance.randrange(1, 90))
    trade_id = f"{derived_id(click.link_id, f'{name} {number}').int % 10**18:018}"
    row = dict.fromkeys(COLUMNS, "") | {
        "trade_id": trade_id, "trade_parent_id": trade_id, "tk_status": "12",
        "item_id": click.item_id, "item_title": title, "item_num": "1",
        "alipay_total_price": _yuan(price_minor), "total_commission_rate": "20.00",
        "pub_share_pre_fee": _yuan(gross), "alimama_rate": "10.00",
        "alimama_share_fee": _yuan(alliance), "tk_commission_rate_for_media_platform": "1.00",
        "tk_commission_fee_for_media_platform": _yuan(media),
        "tk_paid_time": local_text(paid_at), "sub_id": click.sub_id,
    }  # fmt: skip
    drawn = chance.random()
    return Bought(
        row, click.source, paid_at, gross - alliance - media, is_closed=drawn < 0.12,
        is_refunded=0.12 <= drawn < 0.20,
    )  # fmt: skip


def local_text(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


async def report(waiting: list[Bought], *, until: datetime) -> None:
    """What the sources tell by now: new orders, what settled or fell through, what came back."""
    for source in sorted({one.source for one in waiting}):
        rows, refunds = [], []
        for one in [w for w in waiting if w.source == source and w.paid_at <= until]:
            rows.append(_told(one, until=until))
            if one.is_settled and one.is_refunded:
                refunds.append(_refund(one, until=until))
        for name, found, columns in (("orders", rows, COLUMNS), ("refunds", refunds,
                                                                 REFUND_COLUMNS)):  # fmt: skip
            if found:
                await import_report(
                    source=source, mapping="taobao_alliance",
                    file_name=f"{source}-{name}-{until:%Y%m%d}.csv", data=_csv(found, columns),
                )  # fmt: skip
    waiting[:] = [w for w in waiting if w.paid_at > until or not (w.is_settled or w.is_closed)]


def _told(one: Bought, *, until: datetime) -> dict[str, str]:
    if one.is_closed:
        return one.row | {"tk_status": "13", "pub_share_fee": "", "pay_price": ""}
    if until - one.paid_at < SETTLED_AFTER:
        return one.row
    one.is_settled = True
    return one.row | {
        "tk_status": "3", "pay_price": one.row["alipay_total_price"],
        "pub_share_fee": one.row["pub_share_pre_fee"],
        "tk_earning_time": local_text(one.paid_at + SETTLED_AFTER),
    }  # fmt: skip


def _refund(one: Bought, *, until: datetime) -> dict[str, str]:
    """Half of what reached us goes back: case 13, taken from the publisher."""
    return {
        "tb_trade_id": one.row["trade_id"], "refund_status": "13",
        "refund_fee": one.row["alipay_total_price"],
        "tk_commission_fee_refund_pub": _yuan(one.net_minor // 2),
        "tk_refund_suit_time": local_text(until),
    }  # fmt: skip


def _csv(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("gb18030")


async def _own_orders(
    cast: Cast, links: Sequence[ShownLink], chance: random.Random, *, since: datetime,
    until: datetime, name: str,
) -> None:  # fmt: skip
    """Orders of the mini-stores: paid, shipped, received; final when their window is over."""
    for number, link in enumerate([*links, *links, *links]):
        goods = next(g for g in cast.goods if g.product_id == link.product_id)
        at = since + (until - since) * chance.random() * 0.5
        person_id, address_id = cast.shoppers[chance.randrange(len(cast.shoppers))]
        seed = f"{name} {number}"
        plan = Plan(
            derived_id(link.link_id, seed).int % 10**9, Shopper(person_id, address_id),
            goods.store_id, (WantedLine(SkuId(goods.sku_id), 1, LinkId(link.link_id)),), None, at,
            random.Random(seed),
        )  # fmt: skip
        async with transaction() as conn:
            await _live(conn, plan, until=until)


async def _live(conn: AsyncConnection, plan: Plan, *, until: datetime) -> None:
    placed = await place(conn, plan)
    if placed is None:
        return
    steps: list[Any] = [plan.at + timedelta(minutes=4), plan.at + timedelta(days=1)]
    steps += [plan.at + timedelta(days=4), plan.at + timedelta(days=12)]
    await pay(conn, plan, placed, at=steps[0])
    if steps[1] > until:
        return
    lines = await lines_of(conn, store_id=placed.store_id, order_id=placed.order_id)
    quantities = {line.line_no: line.quantity for line in lines if line.kind == "goods"}
    await ship(conn, placed, quantities, chance=plan.chance, at=steps[1])
    order: dict[str, Any] = {"store_id": placed.store_id, "order_id": placed.order_id}
    if steps[2] <= until:
        await receive_order(conn, **order, why="by_buyer", at=steps[2])
    if steps[3] <= until:
        await finalise_order(conn, **order, at=steps[3])


async def shoppers(conn: AsyncConnection, cast: Cast) -> None:
    """A few people with an address each."""
    for n in range(12):
        person_id = await sign_up(
            conn, email=f"shopper{n}@story.dougong.example", password=None, name=f"顾客{n}",
            locale="zh", at=datetime.fromisoformat("2018-03-20T00:00:00+08:00"),
        )  # fmt: skip
        address_id = derived_id(person_id, "home")
        await conn.execute(
            text("""
                INSERT INTO addresses (person_id, id, recipient, phone, province, city, line,
                  is_default)
                VALUES (:person, :id, :name, '13800000000', '上海', '上海', '南京东路 1 号', true)
            """),
            {"person": person_id, "id": address_id, "name": f"顾客{n}"},
        )
        cast.shoppers.append((person_id, address_id))
