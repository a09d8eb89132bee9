"""Explanations for programs: the same trees as the page, money as {minor, currency}."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.money import Money
from dougong.reads.explain_payee import explain_payee
from dougong.reads.explain_tree import Moved, Node, RuleUsed
from dougong.web.deps import Conn, Who
from dougong.web.explain import line_of, tree_for


class Explanation(msgspec.Struct):
    """An amount and what it is made of; the children's amounts sum to it.

    `status`: `booked`, or `expected` for what moves when the order is final. Where there is a
    rule, the amount is `base` × `rule.rate_bp` / 10 000, rounded as said. `cases`: what after-sales
    cases ask of an order, beside its parts. `residual` is what is
    not explained, here and below: always 0.
    """

    label: str
    amount: Money
    status: str
    residual: Money
    name_zh: str
    name_en: str
    line_no: int | None
    owner_id: UUID | None
    order_id: UUID | None
    base: Money | None
    rule: RuleUsed | None
    rounding: str | None
    transfers: list[Moved]
    sources: list["Explanation"]
    children: list["Explanation"]
    cases: list["Explanation"]


def explanation(node: Node) -> Explanation:
    currency = node.currency
    return Explanation(
        label=node.label,
        amount=Money(node.amount_minor, currency),
        status=node.status,
        residual=Money(node.residual_minor, currency),
        name_zh=node.name_zh,
        name_en=node.name_en,
        line_no=node.line_no,
        owner_id=node.owner_id,
        order_id=node.order_id,
        base=None if node.base_minor is None else Money(node.base_minor, currency),
        rule=node.rule,
        rounding=node.rounding,
        transfers=node.transfers,
        sources=[explanation(source) for source in node.sources],
        children=[explanation(child) for child in node.children],
        cases=[explanation(case) for case in node.cases],
    )


@get(
    "/api/v1/stores/{book_id:uuid}/orders/{order_id:uuid}/explanation",
    permission=Permission.ORDER_READ_OWN,
    tags=["explanations"],
    summary="Where the money of an order came from and went",
)
async def explain_one_order(
    book_id: FromPath[UUID],
    order_id: FromPath[UUID],
    conn: Conn,
    who: Who,
    line_no: FromQuery[int | None] = None,
) -> Explanation:
    """`book_id` is the store. A buyer sees what was paid, a creator its own commission, the
    merchant and the operator everything. `line_no` asks for one line only."""
    tree = await tree_for(conn, access=who, store_id=book_id, order_id=order_id)
    return explanation(tree if line_no is None else line_of(tree, line_no))


async def _payee(
    conn: Conn, *, owner_id: UUID, currency: str, since: datetime, until: datetime
) -> Explanation:
    if since.tzinfo is None or until.tzinfo is None or since >= until:
        raise BadInput(field="since", reason="window")
    tree = await explain_payee(conn, owner_id=owner_id, currency=currency, since=since, until=until)
    return explanation(tree)


@get(
    "/api/v1/creators/{creator_id:uuid}/explanation",
    permission=Permission.EARNINGS_READ,
    tags=["explanations"],
    summary="What a creator gained in a window, order by order",
)
async def explain_creator(
    creator_id: FromPath[UUID],
    conn: Conn,
    since: FromQuery[datetime],
    until: FromQuery[datetime],
    currency: FromQuery[str] = "CNY",
) -> Explanation:
    """By the instant from which each booking counts, in [since, until)."""
    return await _payee(conn, owner_id=creator_id, currency=currency, since=since, until=until)


@get(
    "/api/v1/merchants/{org_id:uuid}/explanation",
    permission=Permission.MONEY_READ,
    tags=["explanations"],
    summary="What a merchant gained in a window, order by order",
)
async def explain_merchant(
    org_id: FromPath[UUID],
    conn: Conn,
    since: FromQuery[datetime],
    until: FromQuery[datetime],
    currency: FromQuery[str] = "CNY",
) -> Explanation:
    """By the instant from which each booking counts, in [since, until)."""
    return await _payee(conn, owner_id=org_id, currency=currency, since=since, until=until)


HANDLERS: list[HTTPRouteHandler] = [explain_one_order, explain_creator, explain_merchant]
