"""Reads what explains a payee: what was booked to it in a window, by order, by part."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.ledger.rules import PLATFORM, REVENUE, Purpose
from dougong.reads.explain_tree import Moved, Node, with_residual

MOST_ORDERS = 200  # shown one by one; the rest are summed
# What is frozen by cases is a payee's still: frozen and given back it moves within its own.
PAYABLES = (
    Purpose.MERCHANT_PAYABLE,
    Purpose.CREATOR_PAYABLE,
    Purpose.AGENCY_PAYABLE,
    Purpose.CASE_HOLD,
)

# Orders by when they last moved something of the payee's, the newest first; the last row (without
# a place) is of all the others together.
PAYEE_ORDERS = text("""
    WITH mine AS (
      SELECT e.store_id, e.order_id, e.counts_at,
        CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END AS gained
      FROM ledger_accounts a
      JOIN ledger_entries e ON e.store_id = a.store_id
        AND e.counts_at >= :since AND e.counts_at < :until
        AND e.kind NOT IN ('payout', 'payout_returned')
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
        AND a.id IN (t.src, t.dst)
      WHERE a.owner_id = :owner_id AND a.currency = :currency
        AND a.purpose = ANY(CAST(:purposes AS text[]))
    ), by_order AS (
      SELECT store_id, order_id, sum(gained) AS gained,
        row_number() OVER (ORDER BY max(counts_at) DESC, store_id, order_id) AS place
      FROM mine GROUP BY store_id, order_id
    )
    SELECT b.place, b.store_id, b.order_id, b.gained::bigint AS gained_minor,
      coalesce(
        (SELECT number FROM orders o WHERE o.store_id = b.store_id AND o.id = b.order_id),
        (SELECT order_ref FROM referral_orders r WHERE r.id = b.order_id),
        (SELECT f.title_zh FROM task_works w JOIN task_briefs f ON f.id = w.brief_id
          WHERE w.task_id = b.order_id)) AS number
    FROM by_order b WHERE b.place > :skip AND b.place <= :last
    UNION ALL
    SELECT NULL, NULL, NULL, sum(gained)::bigint, NULL
    FROM by_order WHERE place <= :skip OR place > :last
    HAVING count(*) > 0
    ORDER BY 1 NULLS LAST
""")

# Every transfer of those orders, by order and not by account: another way to the same sums.
PAYEE_MOVES = text("""
    SELECT e.store_id, e.order_id, e.counts_at, e.kind, e.id AS entry_id,
      t.n, t.part, t.line_no, src.purpose AS src_purpose, src.owner_id AS src_owner_id,
      dst.purpose AS dst_purpose, dst.owner_id AS dst_owner_id, t.amount_minor,
      CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END AS gained_minor
    FROM unnest(CAST(:stores AS uuid[]), CAST(:orders AS uuid[])) AS w (store_id, order_id)
    JOIN ledger_entries e ON e.store_id = w.store_id AND e.order_id = w.order_id
      AND e.counts_at >= :since AND e.counts_at < :until
    JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
    JOIN ledger_accounts src ON src.store_id = t.store_id AND src.id = t.src
    JOIN ledger_accounts dst ON dst.store_id = t.store_id AND dst.id = t.dst
    JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id IN (t.src, t.dst)
    WHERE a.owner_id = :owner_id AND a.currency = :currency
      AND a.purpose = ANY(CAST(:purposes AS text[]))
    ORDER BY e.counts_at, e.id, t.n
""")

# What orders moved, by part and kind: what moved without an order is in the sum of an account only.
PAYEE_FLOWS = text("""
    SELECT t.part, e.kind, count(DISTINCT (e.store_id, e.order_id)) AS orders,
      sum(CASE WHEN t.dst = a.id THEN t.amount_minor ELSE -t.amount_minor END)::bigint
        AS gained_minor
    FROM ledger_accounts a
    JOIN ledger_entries e ON e.store_id = a.store_id AND e.order_id IS NOT NULL
      AND e.counts_at >= :since AND e.counts_at < :until
    JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      AND a.id IN (t.src, t.dst)
    WHERE a.owner_id = :owner_id AND a.currency = :currency
      AND a.purpose = ANY(CAST(:purposes AS text[]))
    GROUP BY t.part, e.kind ORDER BY abs(sum(t.amount_minor)) DESC, t.part, e.kind
""")


class PayeeFlow(msgspec.Struct, frozen=True):
    """What one part, booked by one kind of entry, has come to; below zero when it was taken."""

    part: str
    kind: str
    orders: int
    gained_minor: int


def purposes_of(owner_id: UUID) -> list[Purpose]:
    """The accounts that say what a payee has earned; the platform pays for its own coupons."""
    return [*REVENUE, Purpose.COUPON_COST] if owner_id == PLATFORM else list(PAYABLES)


async def payee_currencies(conn: AsyncConnection, *, owner_id: UUID) -> list[str]:
    """The currencies in which something was ever booked to a payee."""
    found = await conn.execute(
        text("""
            SELECT DISTINCT currency::text FROM ledger_accounts
            WHERE owner_id = :owner_id AND purpose = ANY(CAST(:purposes AS text[])) ORDER BY 1
        """),
        {"owner_id": owner_id, "purposes": purposes_of(owner_id)},
    )
    return list(found.scalars())


async def payee_flows(
    conn: AsyncConnection, *, owner_id: UUID, currency: str, since: datetime, until: datetime
) -> list[PayeeFlow]:
    """What a payee gained in [since, until) in sum, the largest first."""
    where = {"owner_id": owner_id, "currency": currency, "since": since, "until": until}
    found = await conn.execute(PAYEE_FLOWS, where | {"purposes": purposes_of(owner_id)})
    return [PayeeFlow(**row) for row in found.mappings()]


async def payee_order_count(
    conn: AsyncConnection, *, owner_id: UUID, currency: str, since: datetime, until: datetime
) -> int:
    """Of how many orders something counts for a payee in [since, until)."""
    found = await conn.scalar(
        text("""
            SELECT count(DISTINCT (e.store_id, e.order_id)) FROM ledger_accounts a
            JOIN ledger_entries e ON e.store_id = a.store_id AND e.order_id IS NOT NULL
              AND e.counts_at >= :since AND e.counts_at < :until
            JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
              AND a.id IN (t.src, t.dst)
            WHERE a.owner_id = :owner_id AND a.currency = :currency
              AND a.purpose = ANY(CAST(:purposes AS text[]))
        """),
        {
            "owner_id": owner_id,
            "currency": currency,
            "since": since,
            "until": until,
            "purposes": purposes_of(owner_id),
        },
    )
    return int(found or 0)


async def explain_payee(
    conn: AsyncConnection,
    *,
    owner_id: UUID,
    currency: str,
    since: datetime,
    until: datetime,
    skip: int = 0,
    most: int = MOST_ORDERS,
) -> Node:
    """What one payee gained in [since, until) by what counts then: by order, by part.

    Each order's own tree tells the rules. Of the orders, the newest first, `skip` are passed over
    and `most` told one by one; all the others are summed up by part.
    """
    where = {
        "owner_id": owner_id,
        "currency": currency,
        "since": since,
        "until": until,
        "purposes": purposes_of(owner_id),
    }
    pages = {"skip": skip, "last": skip + most}
    found = (await conn.execute(PAYEE_ORDERS, where | pages)).all()
    told = [row for row in found if row.place is not None]
    orders = {(row.store_id, row.order_id): _told(row, currency) for row in told}
    named = {"stores": [row.store_id for row in told], "orders": [row.order_id for row in told]}
    for move in (await conn.execute(PAYEE_MOVES, where | named)).mappings():
        _gain(orders[(move["store_id"], move["order_id"])], move)
    rest = [
        Node(label="other_orders", amount_minor=row.gained_minor, currency=currency)
        for row in found
        if row.place is None
    ]
    if rest:
        flows = await payee_flows(
            conn, owner_id=owner_id, currency=currency, since=since, until=until
        )
        rest[0].children = _others(flows, list(orders.values()), currency)
    return with_residual(
        Node(
            label="payee",
            amount_minor=sum(row.gained_minor for row in found),
            currency=currency,
            owner_id=owner_id,
            children=[*orders.values(), *rest],
        )
    )


def _told(row: Any, currency: str) -> Node:
    """An order before its parts are known."""
    return Node(
        label="payee_order",
        amount_minor=row.gained_minor,
        currency=currency,
        name_zh=row.number or "",
        name_en=row.number or "",
        owner_id=row.store_id,
        order_id=row.order_id,
    )


def _others(flows: Sequence[PayeeFlow], told: Sequence[Node], currency: str) -> list[Node]:
    """What the parts come to without those of the orders that are told."""
    sums: dict[str, int] = {}
    for flow in flows:
        sums[flow.part] = sums.get(flow.part, 0) + flow.gained_minor
    for part in (part for order in told for part in order.children):
        sums[part.label] = sums.get(part.label, 0) - part.amount_minor
    return [
        Node(label=part, amount_minor=left, currency=currency)
        for part, left in sums.items()
        if left
    ]


def _gain(order: Node, row: RowMapping) -> None:
    """Add one transfer to its order, under the part that it is of."""
    part = next((c for c in order.children if c.label == row["part"]), None)
    if part is None:
        part = Node(label=row["part"], amount_minor=0, currency=order.currency)
        order.children.append(part)
    part.amount_minor += row["gained_minor"]
    move = {name: row[name] for name in Moved.__struct_fields__}
    part.transfers = [*part.transfers, Moved(**move)]
