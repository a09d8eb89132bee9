"""What a drafted fee rule would have taken of orders at other platforms that creators here brought.

As a ruling freezes its rates: the creator's case, the claim's columns, and for a task the service
fee of its agreement, which no rule touches. On what was received so far: settled and not refunded,
or else estimated. Rounded down on each order, as it is booked.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.policy.queries import RuleBook
from dougong.policy.rules import Facts, RuleKind

KINDS = (RuleKind.PLATFORM_SERVICE_FEE, RuleKind.COMMISSION_CUT)


class FeesElsewhere(msgspec.Struct, frozen=True):
    """One creator's orders of one local day under another rate, and the fees by both books."""

    creator_id: UUID
    day: date
    orders: int
    paid_minor: int
    before_minor: int
    after_minor: int


CASES = text("""
    SELECT o.source, r.creator_id, c.surface, c.category, c.route, t.service_fee_bp AS agreed_bp,
      count(*) AS orders
    FROM referral_orders o
    JOIN referral_rulings r ON r.id = o.ruling_id AND r.creator_id IS NOT NULL
    JOIN referral_claims c ON c.id = r.claim_id
    LEFT JOIN task_agreements t ON t.id = c.task_id
    WHERE o.paid_at >= :since AND o.state <> 'closed' AND o.currency = :currency
    GROUP BY 1, 2, 3, 4, 5, 6
""")

FEES = text("""
    WITH base AS (
      SELECT r.creator_id, (o.paid_at AT TIME ZONE :zone)::date AS day, o.paid_minor,
        m.before_bp, m.after_bp, got.minor - got.minor * m.first_bp / 10000 AS minor
      FROM referral_orders o
      JOIN referral_rulings r ON r.id = o.ruling_id
      JOIN referral_claims c ON c.id = r.claim_id
      LEFT JOIN task_agreements t ON t.id = c.task_id
      JOIN json_to_recordset(CAST(:cases AS json)) AS m (source text, creator_id uuid,
        surface text, category text, route text, agreed_bp integer, first_bp integer,
        before_bp integer, after_bp integer)
        ON m.source = o.source AND m.creator_id = r.creator_id AND m.surface = c.surface
        AND m.category = c.category AND m.route = c.route
        AND m.agreed_bp IS NOT DISTINCT FROM t.service_fee_bp
      CROSS JOIN LATERAL (SELECT CASE o.state WHEN 'settled' THEN o.settled_minor - o.refunded_minor
        ELSE o.estimated_minor END AS minor) AS got
      WHERE o.paid_at >= :since AND o.state <> 'closed' AND o.currency = :currency
    )
    SELECT creator_id, day, count(*) AS orders, sum(paid_minor)::bigint,
      sum(minor * before_bp / 10000)::bigint, sum(minor * after_bp / 10000)::bigint
    FROM base GROUP BY 1, 2 ORDER BY 1, 2
""")


async def fees_elsewhere(
    conn: AsyncConnection,
    *,
    kind: RuleKind,
    book: RuleBook,
    drafted: RuleBook,
    at: datetime,
    asked: dict[str, Any],
) -> tuple[int, Sequence[FeesElsewhere]]:
    """How many orders were looked at, and those under another rate. `asked`: since, zone and
    currency; `at`: the instant as of which both books are asked."""
    if kind not in KINDS:
        return 0, []
    looked, changed = 0, []
    for case in (await conn.execute(CASES, asked)).mappings():
        looked += case["orders"]
        if kind is RuleKind.PLATFORM_SERVICE_FEE and case["agreed_bp"] is not None:
            continue
        before, after = (_rate(one, kind, case, at) for one in (book, drafted))
        if before != after:
            first = _first_fee(book, kind, case, at)
            rates = {"first_bp": first, "before_bp": before, "after_bp": after}
            changed.append({**case, **rates})
    if not changed:
        return looked, []
    cases = msgspec.json.encode(changed).decode()
    rows = await conn.execute(FEES, asked | {"cases": cases})
    return looked, [FeesElsewhere(*row) for row in rows]


def _first_fee(book: RuleBook, kind: RuleKind, case: Any, at: datetime) -> int:
    """The service fee, which is taken before the cut; nothing is taken before itself."""
    if kind is RuleKind.PLATFORM_SERVICE_FEE:
        return 0
    agreed: int | None = case["agreed_bp"]
    return _rate(book, RuleKind.PLATFORM_SERVICE_FEE, case, at) if agreed is None else agreed


def _rate(book: RuleBook, kind: RuleKind, case: Any, at: datetime) -> int:
    facts = Facts(
        kind=kind.value, source=case["source"], surface=case["surface"],
        category=case["category"], route=case["route"], party_class="creator",
        party=str(case["creator_id"]), merchant_class="", at=at,
    )  # fmt: skip
    rule = book.decide(facts).rule
    return rule.value if rule else 0
