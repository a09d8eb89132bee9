"""Ways to spoil one answer of a shop, for ucp_hostilities.py."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.links.ucp_shop import HANDLER, Shop

Body = dict[str, Any]
Change = Callable[[Shop, Body], None]


def put(*path: str | int, value: Any) -> Change:
    """Replace one value of an answer."""

    def change(shop: Shop, body: Body) -> None:
        at: Any = body
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    def change(shop: Shop, body: Body) -> None:
        at: Any = body
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]

    return change


def add(kind: str, minor: int = 1, *, with_total: bool = False) -> Change:
    """Make one row of the totals more than it is."""

    def change(shop: Shop, body: Body) -> None:
        for row in body["totals"]:
            if row["type"] == kind or (with_total and row["type"] == "total"):
                row["amount"] += minor

    return change


def line(change: Callable[[Body], None]) -> Change:
    return lambda shop, body: change(body["line_items"][0])


def raise_all(minor: int) -> Change:
    """A higher price, with every sum right."""

    def change(shop: Shop, body: Body) -> None:
        one = body["line_items"][0]
        one["item"]["price"] += minor
        for row in one["totals"] + body["totals"]:
            if row["type"] in ("subtotal", "total"):
                row["amount"] += minor * one["quantity"]

    return change


def more_pieces(shop: Shop, body: Body) -> None:
    """Two pieces where one was asked for, with every sum right."""
    one = body["line_items"][0]
    one["quantity"] *= 2
    for row in one["totals"] + body["totals"]:
        row["amount"] *= 2


def another_line(shop: Shop, body: Body) -> None:
    item = {"id": "insurance", "title": "Insurance", "price": 500}
    totals = [{"type": "subtotal", "amount": 500}, {"type": "total", "amount": 500}]
    body["line_items"].append({"id": "li_x", "item": item, "quantity": 1, "totals": totals})
    for row in body["totals"]:
        if row["type"] in ("subtotal", "total"):
            row["amount"] += 500


def more_at_the_end(kind: str) -> Change:
    def change(shop: Shop, body: Body) -> None:
        body["totals"][-1:-1] = [{"type": kind, "display_text": "More", "amount": 300}]
        body["totals"][-1]["amount"] += 300

    return change


def double(kind: str) -> Change:
    def change(shop: Shop, body: Body) -> None:
        body["totals"].append(next(x for x in body["totals"] if x["type"] == kind).copy())

    return change


def signing(**how: Any) -> Change:
    return lambda shop, body: body.update(SIGNING=how)


def other_key(shop: Shop, body: Body) -> None:
    body["SIGNING"] = {"key": shop.other_key}


def stale(shop: Shop, body: Body) -> None:
    body["SIGNING"] = {"created": int(time.time()) - 3600}


def after_signing(shop: Shop, body: Body) -> None:
    """The body that was signed is not the one that is sent."""
    signed = json.dumps(body).encode()
    body["links"] = []
    body["SIGNING"] = {"body": signed}


def wrong_handler(shop: Shop, body: Body) -> None:
    body["ucp"]["payment_handlers"] = {"com.evil.pay": [{"id": "evil", "version": "2026-04-08"}]}


def other_type(shop: Shop, body: Body) -> None:
    found = body["ucp"]["payment_handlers"][HANDLER][0]
    found["available_instruments"] = [{"type": "gift_card"}]


def named(**instrument: Any) -> Change:
    found = {"id": "pi_1", "handler_id": "tokenizer_1", "type": "card", "selected": True}
    return lambda shop, body: body.update(payment={"instruments": [found | instrument]})


def redirect(where: str) -> Change:
    return lambda shop, body: body.update(STATUS=302, HEADERS={"Location": where})


def escalating(url: str) -> Change:
    """Send the shopper on, to this address."""

    def change(shop: Shop, body: Body) -> None:
        body["status"] = "requires_escalation"
        note = {"type": "error", "code": "review", "content": "Please look at it yourself."}
        body["messages"] = [note | {"severity": "requires_buyer_review"}]
        body["continue_url"] = url

    return change


def only_version(version: str) -> Change:
    return put("ucp", "version", value=version)


def deep(shop: Shop, body: Body) -> None:
    body["RAW"] = b'{"ucp":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
