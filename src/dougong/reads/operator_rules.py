"""Rules as the operator sees them: in force at an instant, drafts, what is to come and what was."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_ROWS = 500
MOST_PARTIES = 500


class RuleRow(msgspec.Struct, frozen=True):
    """One row with its people. `value`: basis points, seconds, or 1 for allowed, by the family."""

    id: UUID
    kind: str
    source: str
    surface: str
    category: str
    route: str
    party_class: str
    party: str
    merchant_class: str
    announced_at: datetime
    starts: datetime
    ends: datetime | None
    rollout_bp: int
    value: int
    reason_zh: str
    reason_en: str
    citation: str
    author_id: UUID
    author: str
    approver: str | None
    approved_at: datetime | None

    def state_at(self, at: datetime) -> str:
        """draft, upcoming, in_force or over."""
        if self.approved_at is None:
            return "draft"
        if at < self.starts:
            return "upcoming"
        return "over" if self.ends is not None and at >= self.ends else "in_force"


RULES = {
    "fee": text("""
        SELECT r.id, r.kind, r.source, r.surface, r.category, r.route, r.party_class, r.party,
          r.merchant_class, r.announced_at, lower(r.in_force) AS starts,
          upper(r.in_force) AS ends, r.rollout_bp, r.rate_bp AS value, r.reason_zh, r.reason_en,
          r.citation, r.author_id, coalesce(author.name, '') AS author, approver.name AS approver,
          r.approved_at
        FROM fee_rules r
        LEFT JOIN people author ON author.id = r.author_id
        LEFT JOIN people approver ON approver.id = r.approver_id
        ORDER BY r.kind, r.category, lower(r.in_force) DESC, r.id LIMIT :most
    """),
    "term": text("""
        SELECT r.id, r.kind, r.source, r.surface, r.category, r.route, r.party_class, r.party,
          r.merchant_class, r.announced_at, lower(r.in_force) AS starts,
          upper(r.in_force) AS ends, r.rollout_bp, r.seconds AS value, r.reason_zh, r.reason_en,
          r.citation, r.author_id, coalesce(author.name, '') AS author, approver.name AS approver,
          r.approved_at
        FROM term_rules r
        LEFT JOIN people author ON author.id = r.author_id
        LEFT JOIN people approver ON approver.id = r.approver_id
        ORDER BY r.kind, r.category, lower(r.in_force) DESC, r.id LIMIT :most
    """),
    "link": text("""
        SELECT r.id, r.kind, r.source, r.surface, r.category, r.route, r.party_class, r.party,
          r.merchant_class, r.announced_at, lower(r.in_force) AS starts,
          upper(r.in_force) AS ends, r.rollout_bp, r.allowed::int AS value, r.reason_zh,
          r.reason_en, r.citation, r.author_id, coalesce(author.name, '') AS author,
          approver.name AS approver, r.approved_at
        FROM link_rules r
        LEFT JOIN people author ON author.id = r.author_id
        LEFT JOIN people approver ON approver.id = r.approver_id
        ORDER BY r.source, r.category, lower(r.in_force) DESC, r.id LIMIT :most
    """),
}


async def rule_rows(conn: AsyncConnection, *, family: str) -> list[RuleRow]:
    """Every row of the fee, term or link rules, drafts included."""
    found = await conn.execute(RULES[family], {"most": MOST_ROWS})
    return [RuleRow(**row) for row in found.mappings()]


async def sources_named(conn: AsyncConnection) -> Sequence[Any]:
    """`code`, `name_zh`, `name_en` of every third-party source that a rule may name."""
    found = await conn.execute(text("SELECT code, name_zh, name_en FROM sources ORDER BY code"))
    return found.all()


async def categories_named(conn: AsyncConnection) -> Sequence[Any]:
    """`path`, `name_zh`, `name_en`, `depth` of every category that a rule may name, as a tree."""
    found = await conn.execute(
        text("""
            SELECT path, name_zh, name_en,
              length(path) - length(replace(path, '/', '')) AS depth
            FROM categories ORDER BY path
        """)
    )
    return found.all()


async def stores_for_rules(conn: AsyncConnection) -> Sequence[Any]:
    """Stores with what rules match on: `org_id` (the party) and `merchant_class`."""
    found = await conn.execute(
        text("SELECT id, org_id, merchant_class, name_zh, name_en FROM stores ORDER BY code")
    )
    return found.all()


async def parties_named(conn: AsyncConnection) -> Sequence[Any]:
    """Merchants and creators, whom a rule may name: `id`, `kind`, `name_zh`, `name_en`."""
    found = await conn.execute(
        text("""
            SELECT id, kind, name AS name_zh, name_en FROM organisations
            WHERE kind IN ('merchant', 'creator') ORDER BY kind DESC, name LIMIT :most
        """),
        {"most": MOST_PARTIES},
    )
    return found.all()
