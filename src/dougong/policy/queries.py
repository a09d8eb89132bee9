"""The book of approved rules: cached for a second, checked by version; and decided in SQL."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RuleId
from dougong.policy.rule_index import RuleIndex
from dougong.policy.rules import (
    Facts,
    LinkVerdict,
    Rule,
    Verdict,
    decide,
    link_verdict,
)

FRESH_S = 1.0


class RuleBook:
    """All approved rules at one version. Deciding needs no database. Raises AmbiguousRules when
    two rows with the same columns overlap in time."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.by_id: Mapping[RuleId, Rule] = {rule.id: rule for rule in rules}
        self._index = RuleIndex(self.rules)

    def decide(self, facts: Facts) -> Verdict:
        """The row that decides; the same as `rules.decide`, from an index of the rows. Why the
        others lost is not worked out here: ask `explain`."""
        return Verdict(self._index.find(facts))

    def judge(self, facts: Facts) -> LinkVerdict:
        """Whether a link may stand (facts from `link_case`)."""
        return link_verdict(facts, self._index.find(facts))

    def explain(self, facts: Facts) -> Verdict:
        """The verdict with every row of the kind that lost, and why."""
        return decide(self.rules, facts)


RULES = text("""
    SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
      announced_at, lower(in_force) AS starts, upper(in_force) AS ends, rollout_bp,
      rate_bp::bigint AS value, reason_zh, reason_en, citation, round_id
    FROM fee_rules WHERE approver_id IS NOT NULL
    UNION ALL
    SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
      announced_at, lower(in_force), upper(in_force), rollout_bp,
      seconds, reason_zh, reason_en, citation, NULL::uuid
    FROM term_rules WHERE approver_id IS NOT NULL
    UNION ALL
    SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
      announced_at, lower(in_force), upper(in_force), rollout_bp,
      allowed::int, reason_zh, reason_en, citation, round_id
    FROM link_rules WHERE approver_id IS NOT NULL
    ORDER BY kind, starts, id
""")

# A row changes only by being approved, or by ending earlier: both show here.
VERSION = text("""
    SELECT count(*), max(approved_at), sum(hashtextextended(id::text || in_force::text, 0))
    FROM (SELECT id, approved_at, in_force FROM fee_rules WHERE approver_id IS NOT NULL
          UNION ALL
          SELECT id, approved_at, in_force FROM term_rules WHERE approver_id IS NOT NULL
          UNION ALL
          SELECT id, approved_at, in_force FROM link_rules WHERE approver_id IS NOT NULL
         ) AS approved
""")

_book: tuple[tuple[Any, ...], RuleBook] | None = None
_checked_at = float("-inf")


async def rules_book(conn: AsyncConnection, *, fresh: bool = False) -> RuleBook:
    """The approved rules, at most a second old in this process (`fresh`: as they are now)."""
    global _book, _checked_at
    if _book and not fresh and time.monotonic() - _checked_at < FRESH_S:
        return _book[1]
    version = tuple((await conn.execute(VERSION)).one())
    if _book is None or _book[0] != version:
        _book = (version, RuleBook(await _all_rules(conn)))
    _checked_at = time.monotonic()
    return _book[1]


def forget_book() -> None:
    """Read the rules anew on the next question: this process has just changed them."""
    global _checked_at
    _checked_at = float("-inf")


async def _all_rules(conn: AsyncConnection) -> list[Rule]:
    return [Rule(**row) for row in (await conn.execute(RULES)).mappings()]


async def rules_in_force(conn: AsyncConnection, *, at: datetime) -> list[Rule]:
    """The approved rows of every kind whose window holds the instant."""
    rules = await _all_rules(conn)
    return [r for r in rules if r.starts <= at and (r.ends is None or at < r.ends)]


async def draft_ids(conn: AsyncConnection) -> set[RuleId]:
    """The rows that wait for approval."""
    found = await conn.scalars(
        text("""
            SELECT id FROM fee_rules WHERE approver_id IS NULL
            UNION ALL SELECT id FROM term_rules WHERE approver_id IS NULL
            UNION ALL SELECT id FROM link_rules WHERE approver_id IS NULL
        """)
    )
    return {RuleId(one) for one in found}


DECIDE_MANY = text("""
    WITH rules AS (
      SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
        in_force, rollout_bp
      FROM fee_rules WHERE approver_id IS NOT NULL
      UNION ALL
      SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
        in_force, rollout_bp
      FROM term_rules WHERE approver_id IS NOT NULL
      UNION ALL
      SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
        in_force, rollout_bp
      FROM link_rules WHERE approver_id IS NOT NULL
    )
    SELECT DISTINCT ON (f.n) f.n, r.id
    FROM json_to_recordset(CAST(:facts AS json)) AS f (n integer, kind text, source text,
      surface text, category text, route text, party_class text, party text, merchant_class text,
      at timestamptz)
    JOIN rules r ON r.kind = f.kind
      AND r.party IN ('*', f.party)
      AND r.merchant_class IN ('*', f.merchant_class)
      AND r.party_class IN ('*', f.party_class)
      AND (r.category IN ('*', f.category) OR starts_with(f.category, r.category || '/'))
      AND r.route IN ('*', f.route)
      AND r.surface IN ('*', f.surface)
      AND (r.source IN ('*', f.source) OR (r.source = 'outside' AND f.source <> 'own'))
      AND r.in_force @> f.at
    CROSS JOIN LATERAL (
      SELECT sha256(convert_to(concat_ws('|', r.kind, r.party, r.merchant_class, r.party_class,
        r.category, r.route, r.surface, r.source, f.party), 'UTF8')) AS hash) AS h
    WHERE r.rollout_bp > (('x' || encode(substr(h.hash, 1, 6), 'hex'))::bit(48)::bigint % 10000)
    ORDER BY f.n, r.party <> '*' DESC, r.merchant_class <> '*' DESC, r.party_class <> '*' DESC,
      CASE r.category WHEN '*' THEN 0
        ELSE array_length(string_to_array(r.category, '/'), 1) END DESC,
      r.route <> '*' DESC, r.surface <> '*' DESC,
      CASE r.source WHEN '*' THEN 0 WHEN 'outside' THEN 1 ELSE 2 END DESC
""")


async def decide_many(conn: AsyncConnection, facts: Sequence[Facts]) -> list[UUID | None]:
    """The id of the winning row of each case, in one join, cases of fees, terms and links mixed as
    they come: what replay uses, and the same as `decide` case by case (a property test)."""
    rows = [{"n": n, **msgspec.to_builtins(one)} for n, one in enumerate(facts)]
    found = await conn.execute(DECIDE_MANY, {"facts": msgspec.json.encode(rows).decode()})
    winners = {row.n: row.id for row in found}
    return [winners.get(n) for n in range(len(facts))]
