"""The pages that answer "why have I earned this?": a payee's tree over a window of local days."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import StoreId
from dougong.base.time import local_day, start_of_day
from dougong.catalog.queries import store_of
from dougong.infra.settings import settings
from dougong.ledger.rules import PLATFORM
from dougong.reads.explain_payee import (
    PayeeFlow,
    explain_payee,
    payee_currencies,
    payee_flows,
    payee_order_count,
    purposes_of,
)
from dougong.reads.explain_tree import Moved, Node
from dougong.reads.operator_money import names_of
from dougong.web.creator.common import creator_page
from dougong.web.deps import Conn, Now
from dougong.web.explain import ENTRIES, SANKEY, words_for
from dougong.web.i18n import gettext, mark
from dougong.web.merchant.common import STORE, merchant_page
from dougong.web.operator.common import csv_file, day_from, zone
from dougong.web.operator.ledger import PARTS
from dougong.web.render import page

PAGE_ORDERS = 25
MOST_ORDERS_IN_FILE = 10_000
SHORTCUTS = (7, 30, 90, 365)  # days
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2200, 1, 1)
GAIN, LOSS, NET = "#5b8c3e", "#a4574a", "#1b1512"
OWED = mark("Owed back")
YOURS = {"merchant": mark("Your part"), "creator": mark("Your commission")}
CSV_HEAD = ("counts_at", "order", "store", "line_no", "part", "kind", "amount_minor", "currency",
            "order_id", "entry_id")  # fmt: skip


class Asked(msgspec.Struct, frozen=True):
    """Whose account, which local days (both included), and which page of orders, from 1."""

    owner_id: UUID
    since: date
    until: date
    currency: str
    number: int
    currencies: list[str]

    def window(self) -> tuple[datetime, datetime]:
        """Half-open, in UTC."""
        return (
            start_of_day(self.since, zone()),
            start_of_day(self.until + timedelta(days=1), zone()),
        )

    def query(self, **changes: Any) -> str:
        asked = {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "currency": self.currency if len(self.currencies) > 1 else "",
        }
        return "?" + urlencode({k: v for k, v in (asked | changes).items() if v})


async def _asked(
    conn: AsyncConnection, *, owner_id: UUID, now: datetime, since: str, until: str,
    currency: str, number: int,
) -> Asked:  # fmt: skip
    """What a query asks for: the last 30 days where it says nothing. Raises BadInput."""
    last = day_from(until, field="until", default=local_day(now, zone()))
    if not FIRST_DAY <= last <= LAST_DAY:
        raise BadInput(field="until", reason="out_of_range")
    first = day_from(since, field="since", default=last - timedelta(days=SHORTCUTS[1] - 1))
    if not FIRST_DAY <= first <= last:
        raise BadInput(field="since", reason="out_of_range")
    if not 1 <= number <= 10_000:
        raise BadInput(field="number", reason="out_of_range")
    known = await payee_currencies(conn, owner_id=owner_id) or [settings().currency]
    usual = settings().currency if settings().currency in known else known[0]
    if currency and currency not in known:
        raise BadInput(field="currency", reason="unknown_value")
    return Asked(owner_id, first, last, currency or usual, number, known)


def gained(move: Moved, owner_id: UUID) -> int:
    """A transfer as its payee sees it: below zero for what was taken."""
    purposes = purposes_of(owner_id)
    got = move.dst_owner_id == owner_id and move.dst_purpose in purposes
    gave = move.src_owner_id == owner_id and move.src_purpose in purposes
    return move.amount_minor * (got - gave)


def sankey_of(flows: Sequence[PayeeFlow], parts: Mapping[str, str]) -> dict[str, Any]:
    """An ECharts option: what came in on the left; what was taken, and what is left, right."""
    earned, net = words_for("payee"), sum(flow.gained_minor for flow in flows)
    middle = gettext("Booked to the account")
    nodes: list[dict[str, Any]] = [{"name": middle, "itemStyle": {"color": "#2f7f86"}}]
    links: list[dict[str, Any]] = []

    def flow_of(name: str, minor: int, colour: str) -> None:
        ends = (name, middle) if minor > 0 else (middle, name)
        nodes.append({"name": name, "value": abs(minor), "itemStyle": {"color": colour}})
        links.append({"source": ends[0], "target": ends[1], "value": abs(minor)})

    for one in flows:
        if one.gained_minor:
            name = f"{parts.get(one.part, one.part)}\n{gettext(ENTRIES.get(one.kind, one.kind))}"
            flow_of(name, one.gained_minor, GAIN if one.gained_minor > 0 else LOSS)
    if net > 0:
        flow_of(earned, -net, NET)
    elif net < 0:
        flow_of(gettext(OWED), -net, LOSS)
    return {
        "tooltip": {"trigger": "item"},
        "series": [SANKEY | {"nodeGap": 44, "data": nodes, "links": links}],
    }


def _csv_rows(tree: Node, names: dict[UUID, Any]) -> Iterator[list[Any]]:
    for order in tree.children:
        store = names.get(order.owner_id) if order.owner_id else None
        for part in order.children:
            for move in part.transfers:
                yield [
                    move.counts_at.isoformat(),
                    order.name_en,
                    store.name_zh if store else "",
                    move.line_no,
                    part.label,
                    move.kind,
                    gained(move, tree.owner_id or PLATFORM),
                    tree.currency,
                    order.order_id,
                    move.entry_id,
                ]


async def _file(conn: AsyncConnection, asked: Asked) -> Response[bytes]:
    """Every booking of the window. Raises BadInput where that is more than a file takes."""
    first, end = asked.window()
    tree = await explain_payee(
        conn,
        owner_id=asked.owner_id,
        currency=asked.currency,
        since=first,
        until=end,
        most=MOST_ORDERS_IN_FILE,
    )
    if any(order.label == "other_orders" for order in tree.children):
        raise BadInput(field="since", reason="too_many")
    names = await names_of(conn, {order.owner_id for order in tree.children if order.owner_id})
    name = f"explained-{asked.since}-{asked.until}"
    return csv_file(name, CSV_HEAD, _csv_rows(tree, names))


async def _context(
    conn: AsyncConnection, asked: Asked, now: datetime, own: Mapping[str, str]
) -> dict[str, Any]:
    """What all three pages show. `own`: what a payee calls its own share."""
    parts = {part: gettext(words) for part, words in {**PARTS, **own}.items()}
    skip = (asked.number - 1) * PAGE_ORDERS
    first, end = asked.window()
    owner_id, currency = asked.owner_id, asked.currency
    flows = await payee_flows(conn, owner_id=owner_id, currency=currency, since=first, until=end)
    count = await payee_order_count(
        conn, owner_id=owner_id, currency=currency, since=first, until=end
    )
    tree = await explain_payee(
        conn,
        owner_id=owner_id,
        currency=currency,
        since=first,
        until=end,
        skip=skip,
        most=PAGE_ORDERS,
    )
    told = [order for order in tree.children if order.label == "payee_order"]
    names = await names_of(conn, {order.owner_id for order in told if order.owner_id})
    today = local_day(now, zone())
    return {
        "asked": asked,
        "tree": tree,
        "orders": told,
        "others": next((o for o in tree.children if o.label == "other_orders"), None),
        "skip": skip,
        "page_orders": PAGE_ORDERS,
        "flows": flows,
        "gained": lambda move: gained(move, asked.owner_id),
        "chart": sankey_of(flows, parts),
        "chart_height": max(280, 90 * sum(flow.gained_minor < 0 for flow in flows) + 150),
        "names": names,
        "parts": parts,
        "entry_words": {kind: gettext(words) for kind, words in ENTRIES.items()},
        "shortcuts": [(days, today - timedelta(days=days - 1), today) for days in SHORTCUTS],
        "count": count,
    }


@get(STORE + "/money/explained", permission=Permission.MONEY_READ, include_in_schema=False)
async def merchant_explained(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    currency: FromQuery[str] = "",
    number: FromQuery[int] = 1,
    file: FromQuery[str] = "",
) -> Response[Any]:
    """Of the store's organisation: what it earned in all its stores."""
    store = await store_of(conn, store_id=StoreId(store_id))
    asked = await _asked(conn, owner_id=store.org_id, now=now, since=since, until=until,
                         currency=currency, number=number)  # fmt: skip
    if file == "csv":
        return await _file(conn, asked)
    context = await _context(conn, asked, now, {"merchant": YOURS["merchant"]})
    back = f"/merchant/stores/{store_id}/money"
    return await merchant_page(
        request, conn, "explain/payee.html", store_id=store_id, back=back, **context
    )


@get(
    "/creator/{creator_id:uuid}/earnings/explained",
    permission=Permission.EARNINGS_READ,
    include_in_schema=False,
)
async def creator_explained(
    creator_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    currency: FromQuery[str] = "",
    number: FromQuery[int] = 1,
    file: FromQuery[str] = "",
) -> Response[Any]:
    asked = await _asked(conn, owner_id=creator_id, now=now, since=since, until=until,
                         currency=currency, number=number)  # fmt: skip
    if file == "csv":
        return await _file(conn, asked)
    context = await _context(conn, asked, now, {"creator": YOURS["creator"]})
    back = f"/creator/{creator_id}/earnings"
    return await creator_page(
        request, conn, "explain/payee.html", creator_id=creator_id, back=back, **context
    )


@get(
    "/operator/explained/{org_id:uuid}",
    permission=Permission.LEDGER_READ,
    include_in_schema=False,
)
async def operator_explained(
    org_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    currency: FromQuery[str] = "",
    number: FromQuery[int] = 1,
    file: FromQuery[str] = "",
) -> Response[Any]:
    """Of any payee; the platform is the owner of its own book."""
    owner = (await names_of(conn, [org_id])).get(org_id)
    if owner is None and org_id != PLATFORM:
        raise NotFound
    asked = await _asked(conn, owner_id=org_id, now=now, since=since, until=until,
                         currency=currency, number=number)  # fmt: skip
    if file == "csv":
        return await _file(conn, asked)
    context = await _context(conn, asked, now, {})
    return page(
        request, "explain/payee.html", owner=owner, back="/operator/ledger#accounts", **context
    )


HANDLERS: list[HTTPRouteHandler] = [merchant_explained, creator_explained, operator_explained]
