"""What a buyer can ask of an order now, and why not the rest: by the rules that open a case."""

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.rules import CaseKind, CaseTooLate
from dougong.base.ids import OrderId, StoreId
from dougong.flows.open_case import most_of, refuse_late, refuse_unprotected, units_left
from dougong.reads.case_facts import CaseStore, asked_by_line, case_store, prices_now
from dougong.reads.order_books import lines_of


class Possible(msgspec.Struct, frozen=True):
    """What can be asked of one line of an order: so many units, at most so much money."""

    kind: CaseKind
    line_no: int
    units: int
    most_minor: int


class NotPossible(msgspec.Struct, frozen=True):
    """What cannot be asked of a line now. `why`: not_paid, over, not_protected, not_shipped,
    shipped, in_case, refunded or not_cheaper."""

    kind: CaseKind
    line_no: int
    why: str


class Freight(msgspec.Struct, frozen=True):
    """The order's shipping fee, what is left of it: it is asked back with goods only."""

    line_no: int
    left_minor: int


class CaseOptions(msgspec.Struct, frozen=True):
    """Each kind with each line of goods is in one of the two lists."""

    possible: list[Possible]
    not_possible: list[NotPossible]
    freight: Freight | None


async def case_options(conn: AsyncConnection, *, order: Any, at: datetime) -> CaseOptions:
    """What a buyer can ask of its order now, by the same rules by which a case is opened.
    `order`: its row."""
    store_id, order_id = StoreId(order.store_id), OrderId(order.id)
    store = await case_store(conn, store_id=store_id)
    lines = await lines_of(conn, store_id=store_id, order_id=order_id)
    goods = [row for row in lines if row.sku_id]
    used = await asked_by_line(conn, store_id=store_id, order_id=order_id)
    prices = await prices_now(conn, store_id=store_id, sku_ids=[row.sku_id for row in goods])
    found, refused = [], []
    for kind, row in product(CaseKind, goods):
        before = used.get(row.line_no, (0, 0))
        units = units_left(kind, row, before[1])
        most = most_of(kind, row, units, before, prices) if units else 0
        why = _too_late(kind, order, store, at=at)
        if why or most < 1:
            refused.append(NotPossible(kind, row.line_no, why or _why(kind, row, before, units)))
        else:
            found.append(Possible(kind, row.line_no, units, most))
    return CaseOptions(found, refused, _freight(lines, used) if found else None)


def _too_late(kind: CaseKind, order: Any, store: CaseStore, *, at: datetime) -> str:
    try:
        refuse_late(order, store, at=at)
        if kind is CaseKind.PRICE_PROTECTION:
            refuse_unprotected(order, store, at=at)
    except CaseTooLate as late:
        names = {"over": "over", "price_not_protected_any_more": "not_protected"}
        return names.get(str(late.facts["why"]), "not_paid")
    return ""


def _why(kind: CaseKind, row: Any, used: tuple[int, int], units: int) -> str:
    """In words why nothing is left to ask for. `used`: money and units that cases have."""
    asked, gone = used
    if row.returned_quantity + gone >= row.quantity:
        return "in_case" if gone else "refunded"
    if kind is CaseKind.REFUND_UNSHIPPED and row.shipped_quantity + row.returned_quantity >= (
        row.quantity
    ):
        return "shipped"
    if row.shipped_quantity == 0 and units == 0:
        return "not_shipped"
    if units == 0:
        return "in_case"
    is_left = row.paid_minor - row.refunded_minor - asked > 0
    return "not_cheaper" if kind is CaseKind.PRICE_PROTECTION and is_left else "refunded"


def _freight(lines: list[Any], used: Mapping[int, tuple[int, int]]) -> Freight | None:
    for row in lines:
        if row.kind == "shipping":
            before = used.get(row.line_no, (0, 0))
            no_prices: dict[UUID, int] = {}
            left = most_of(CaseKind.REFUND_ONLY, row, 1, before, no_prices)
            return Freight(row.line_no, left) if left > 0 else None
    return None
