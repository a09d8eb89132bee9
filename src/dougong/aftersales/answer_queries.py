"""Reads a store's rows that answer cases, and what rows would have answered: set-based."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.answer_rules import Answer, CaseRule, CaseRuleGone
from dougong.base.ids import StoreId


class KeptRule(msgspec.Struct, frozen=True, kw_only=True):
    """A row with who wrote it, and who ended it early."""

    rule: CaseRule
    made_by: str
    made_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    withdrawn: bool
    buyer_name: str | None
    answered: int  # cases that it has decided

    def state(self, at: datetime) -> str:
        if self.withdrawn:
            return "withdrawn"
        if self.rule.ends is not None and self.rule.ends <= at:
            return "over"
        return "in_force" if self.rule.starts <= at else "upcoming"


async def rules_in_force(
    conn: AsyncConnection, *, store_id: StoreId, at: datetime
) -> list[CaseRule]:
    """The rows that can answer a case that is opened at that instant."""
    found = await conn.execute(
        text("""
            SELECT * FROM case_rules
            WHERE store_id = :store_id AND NOT withdrawn AND in_force @> CAST(:at AS timestamptz)
            ORDER BY id
        """),
        {"store_id": store_id, "at": at},
    )
    return [_rule(row) for row in found]


def _rule(row: Row[Any]) -> CaseRule:
    return CaseRule(
        id=row.id, buyer=row.buyer, kind=row.kind, reason=row.reason, category=row.category,
        order_state=row.order_state, up_to_minor=row.up_to_minor, outcome=Answer(row.outcome),
        says_zh=row.says_zh, says_en=row.says_en, starts=row.in_force.lower,
        ends=row.in_force.upper,
    )  # fmt: skip


KEPT = text("""
    SELECT r.*, m.name AS maker, e.name AS ender, b.name AS buyer_name,
      (SELECT count(*) FROM cases c WHERE c.store_id = r.store_id AND c.rule_id = r.id) AS answered
    FROM case_rules r JOIN people m ON m.id = r.made_by
    LEFT JOIN people e ON e.id = r.ended_by
    LEFT JOIN people b ON b.id::text = r.buyer
    WHERE r.store_id = :store_id AND (CAST(:id AS uuid) IS NULL OR r.id = :id)
      AND (CAST(:is_open AS boolean) IS NULL OR CAST(:is_open AS boolean) =
        (NOT r.withdrawn AND coalesce(upper(r.in_force), 'infinity') > :at))
      AND (CAST(:made AS timestamptz) IS NULL OR (r.made_at, r.id) < (:made, :before))
    ORDER BY r.made_at DESC, r.id DESC LIMIT :most
""")


async def kept_rules(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    at: datetime,
    is_open: bool | None = None,
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> list[KeptRule]:
    """Rows of a store, the newest first: those that answer now or later, the others, or all."""
    made, rule_id = before or (None, None)
    found = await conn.execute(
        KEPT,
        {"store_id": store_id, "id": None, "at": at, "is_open": is_open, "made": made,
         "before": rule_id, "most": most},
    )  # fmt: skip
    return [_kept(row) for row in found]


async def kept_rule(
    conn: AsyncConnection, *, store_id: StoreId, rule_id: UUID, at: datetime
) -> KeptRule:
    """Raises CaseRuleGone."""
    found = await conn.execute(
        KEPT,
        {"store_id": store_id, "id": rule_id, "at": at, "is_open": None, "made": None,
         "before": None, "most": 1},
    )  # fmt: skip
    row = found.one_or_none()
    if row is None:
        raise CaseRuleGone(field="rule_id")
    return _kept(row)


def _kept(row: Row[Any]) -> KeptRule:
    return KeptRule(
        rule=_rule(row), made_by=row.maker, made_at=row.made_at, ended_by=row.ender,
        ended_at=row.ended_at, withdrawn=row.withdrawn, buyer_name=row.buyer_name,
        answered=row.answered,
    )  # fmt: skip


# The same as answer_rules.decide, for all cases of a span at once; the facts are those that were
# frozen when each case was opened.
WON = text("""
    WITH r AS (
      SELECT *, CASE WHEN category = '*' THEN 0
          ELSE 1 + length(category) - length(replace(category, '/', '')) END AS depth
      FROM json_to_recordset(CAST(:rules AS json)) AS r (id uuid, buyer text, kind text,
        reason text, category text, order_state text, up_to_minor bigint, starts timestamptz,
        ends timestamptz)
    ), won AS (
      SELECT c.id, c.number, c.kind, c.reason, c.state, c.outcome, c.currency::text,
        c.asked_minor, c.granted_minor, c.opened_at, c.closed_at
      FROM cases c
      JOIN case_moves m ON m.store_id = c.store_id AND m.case_id = c.id AND m.n = 1
      CROSS JOIN LATERAL (
        SELECT r.id FROM r
        WHERE r.buyer IN ('*', c.buyer_id::text) AND r.kind IN ('*', c.kind)
          AND r.reason IN ('*', c.reason) AND r.order_state IN ('*', m.facts ->> 'order_state')
          AND c.asked_minor <= r.up_to_minor AND c.opened_at >= r.starts
          AND (r.ends IS NULL OR c.opened_at < r.ends)
          AND (r.category = '*' OR NOT EXISTS (
            SELECT FROM jsonb_array_elements_text(m.facts -> 'categories') AS g
            WHERE g <> r.category AND NOT starts_with(g, r.category || '/')))
        ORDER BY r.buyer = '*', r.kind = '*', r.reason = '*', r.depth DESC, r.order_state = '*',
          r.up_to_minor LIMIT 1
      ) w
      WHERE c.store_id = :store_id AND c.opened_at >= :since AND c.opened_at < :until
        AND m.facts ? 'order_state' AND w.id = :rule_id
    )
    SELECT *, count(*) OVER () AS cases, sum(asked_minor) OVER () AS asked_sum,
      coalesce(sum(granted_minor) OVER (), 0) AS granted_sum,
      count(*) FILTER (WHERE outcome IN ('refunded', 'exchanged', 'resent', 'repaired'))
        OVER () AS granted_cases,
      count(*) FILTER (WHERE outcome = 'refused') OVER () AS refused_cases,
      count(*) FILTER (WHERE closed_at IS NULL) OVER () AS open_cases
    FROM won ORDER BY opened_at DESC, id DESC LIMIT :most
""")


async def won_by(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    rules: Sequence[CaseRule],
    rule_id: UUID,
    since: datetime,
    until: datetime,
    most: int,
) -> Sequence[Any]:
    """Cases opened in [since, until) that one of `rules` decides among them all, the newest first;
    each row carries the sums over all of them."""
    found = await conn.execute(
        WON,
        {"store_id": store_id, "rules": msgspec.json.encode(list(rules)).decode(),
         "rule_id": rule_id, "since": since, "until": until, "most": most},
    )  # fmt: skip
    return found.all()
