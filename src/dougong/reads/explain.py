"""Reads what explains an order or a line: frozen facts, their rules, booked transfers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK
from dougong.orders.rules import LineMoney
from dougong.reads.explain_case import explain_cases, explain_premium
from dougong.reads.explain_facts import moves_of, rules_used
from dougong.reads.explain_referral import explain_referral, referral_creators
from dougong.reads.explain_task import explain_task, task_parties
from dougong.reads.explain_tree import (
    LineFacts,
    Node,
    OrderFacts,
    RuleUsed,
    order_tree,
)

RATES = ("service_fee", "commission", "commission_cut", "payment_cost")

ORDER = text("""
    SELECT o.store_id, o.id, o.number, o.state, o.currency, o.buyer_id, o.paid_at, s.org_id
    FROM orders o JOIN stores s ON s.id = o.store_id
    WHERE o.store_id = :store_id AND o.id = :order_id
""")

LINES = text("""
    SELECT * FROM order_lines WHERE store_id = :store_id AND order_id = :order_id ORDER BY line_no
""")


class OrderParties(msgspec.Struct, frozen=True):
    """Who may ask about an order, each for their own part of it."""

    store_id: UUID
    order_id: UUID
    buyer_id: UUID | None
    creator_ids: frozenset[UUID]
    brand_id: UUID | None = None  # of a task


async def explain_order(conn: AsyncConnection, *, store_id: UUID, order_id: UUID) -> Node:
    """The tree of one order; in the platform's book: of a task, or an order at another platform.

    Raises NotFound.
    """
    if store_id == PLATFORM_BOOK:
        if await task_parties(conn, task_id=order_id):
            return await explain_task(conn, task_id=order_id)
        return await explain_referral(conn, order_id=order_id)
    where = {"store_id": store_id, "order_id": order_id}
    order = (await conn.execute(ORDER, where)).one_or_none()
    if order is None:
        raise NotFound
    rows = (await conn.execute(LINES, where)).mappings().all()
    rules = await rules_used(conn, {row[f"{rate}_rule_id"] for row in rows for rate in RATES})
    moves = await moves_of(conn, store_id=store_id, order_id=order_id)
    facts = OrderFacts(
        store_id=order.store_id,
        order_id=order.id,
        number=order.number,
        state=order.state,
        phase=_phase(order),
        currency=order.currency,
        merchant_id=order.org_id,
        lines=[_line_facts(row, rules) for row in rows],
    )
    tree = order_tree(facts, moves)
    tree.cases = await explain_premium(conn, store_id=store_id, order_id=order_id)
    tree.cases += await explain_cases(conn, store_id=store_id, order_id=order_id)
    tree.residual_minor += sum(case.residual_minor for case in tree.cases)
    return tree


async def explain_line(
    conn: AsyncConnection, *, store_id: UUID, order_id: UUID, line_no: int
) -> Node:
    """The tree of one line. Raises NotFound."""
    tree = await explain_order(conn, store_id=store_id, order_id=order_id)
    found = next((line for line in tree.children if line.line_no == line_no), None)
    if found is None:
        raise NotFound
    return found


async def find_order(conn: AsyncConnection, *, order_id: UUID) -> UUID:
    """The book of an order that is known by its id alone: its store's, or the platform's for one
    at another platform or a task. Raises NotFound."""
    store_id = await conn.scalar(
        text("""
            SELECT store_id FROM orders WHERE id = :order_id
            UNION ALL
            SELECT CAST(:platform AS uuid) FROM referral_orders WHERE id = :order_id
            UNION ALL
            SELECT CAST(:platform AS uuid) FROM task_works WHERE task_id = :order_id
        """),
        {"order_id": order_id, "platform": PLATFORM_BOOK},
    )
    if not isinstance(store_id, UUID):
        raise NotFound
    return store_id


async def parties_of(conn: AsyncConnection, *, store_id: UUID, order_id: UUID) -> OrderParties:
    """Raises NotFound."""
    if store_id == PLATFORM_BOOK:
        if task := await task_parties(conn, task_id=order_id):
            return OrderParties(store_id, order_id, None, task.creator_ids, task.brand_id)
        creators = await referral_creators(conn, order_id=order_id)
        return OrderParties(store_id, order_id, None, creators)
    found = await conn.execute(
        text("""
            SELECT o.buyer_id, array_agg(DISTINCT l.creator_id)
              FILTER (WHERE l.creator_id IS NOT NULL) AS creators
            FROM orders o
            LEFT JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
            WHERE o.store_id = :store_id AND o.id = :order_id GROUP BY o.buyer_id
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return OrderParties(store_id, order_id, row.buyer_id, frozenset(row.creators or ()))


def _phase(order: Any) -> str:
    if order.state == "final":
        return "final"
    return "held" if order.paid_at else "unpaid"


def _line_facts(row: RowMapping, rules: Mapping[UUID, RuleUsed]) -> LineFacts:
    return LineFacts(
        line_no=row["line_no"],
        kind=row["kind"],
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        money=LineMoney(**{name: row[name] for name in LineMoney.__struct_fields__}),
        refunded_minor=row["refunded_minor"],
        creator_id=row["creator_id"],
        discount_creator_id=row["discount_creator_id"],
        rules={rate: _rule_used(row, rate, rules) for rate in RATES if _has_rate(row, rate)},
    )


def _has_rate(row: RowMapping, rate: str) -> bool:
    return bool(row[f"{rate}_bp"] or row[f"{rate}_rule_id"])


def _rule_used(row: RowMapping, rate: str, rules: Mapping[UUID, RuleUsed]) -> RuleUsed:
    """The rule with the rate that was frozen, which a cap may have made smaller."""
    rate_bp, rule = row[f"{rate}_bp"], rules.get(row[f"{rate}_rule_id"])
    if rule is None:
        return RuleUsed(row[f"{rate}_rule_id"], rate_bp)
    return msgspec.structs.replace(rule, rate_bp=rate_bp)


# views --------------------------------------------------------------------------------------


def for_buyer(tree: Node) -> Node:
    """What a buyer may see: what was paid, by whom, and what came back."""
    lines = [_bought(line) for line in tree.children]
    cases = [_asked(case) for case in tree.cases if case.label == "case"]
    return msgspec.structs.replace(tree, children=lines, cases=cases)


def _asked(case: Node) -> Node:
    """A case, with what freight insurance pays its buyer."""
    claims = [_closed(one) for one in case.cases if one.label == "insurance_claim"]
    return msgspec.structs.replace(case, transfers=[], cases=claims)


def _bought(line: Node) -> Node:
    shown = [c for c in line.children if c.label not in ("shared_out", "in_escrow")]
    kept = [_closed(c) for c in line.children if c.label in ("shared_out", "in_escrow")]
    return msgspec.structs.replace(line, children=[*map(_closed, shown), *kept])


def _closed(node: Node) -> Node:
    return msgspec.structs.replace(node, children=[], transfers=[])


def for_creator(tree: Node, *, creator_ids: frozenset[UUID]) -> Node:
    """What a creator may see: the commission of its own lines, with base, rates and rules."""
    lines = []
    for line in tree.children:
        commissions = [
            node
            for part in line.children
            for node in part.children
            if node.label == "commission" and node.owner_id in creator_ids
        ]
        for node in commissions:
            lines.append(
                msgspec.structs.replace(
                    line,
                    amount_minor=node.amount_minor,
                    status=node.status,
                    sources=[],
                    children=[node],
                )
            )
    return msgspec.structs.replace(
        tree,
        label="creator_order",
        amount_minor=sum(line.amount_minor for line in lines),
        sources=[],
        children=lines,
        cases=[],
    )
