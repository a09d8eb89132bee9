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
from dougong.policy.rules import (
    PRECEDENCE,
    Facts,
    Rule,
    Verdict,
    decide,
    in_rollout,
    matches,
    specificity,
)

FRESH_S = 1.0
MOST_REMEMBERED = 20_000


class RuleBook:
    """All approved rules at one version. Deciding needs no database."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.by_id: Mapping[RuleId, Rule] = {rule.id: rule for rule in rules}
        self._candidates: dict[tuple[str, ...], tuple[Rule, ...]] = {}

    def decide(self, facts: Facts) -> Verdict:
        """The row that decides; the same as `rules.decide`, remembering which rows can match.
        Why the others lost is not worked out here: ask `explain`."""
        for rule in self._matching(facts):
            if rule.starts <= facts.at and (rule.ends is None or facts.at < rule.ends):
                return Verdict(rule)
        return Verdict(None)

    def explain(self, facts: Facts) -> Verdict:
        """The verdict with every row of the kind that lost, and why."""
        return decide(self.rules, facts)

    def _matching(self, facts: Facts) -> tuple[Rule, ...]:
        """The rows that fit at some time, the most specific first."""
        key = (facts.kind, *(getattr(facts, column) for column in PRECEDENCE))
        found = self._candidates.get(key)
        if found is None:
            fitting = [r for r in self.rules if matches(r, facts) and in_rollout(r, facts.party)]
            found = tuple(sorted(fitting, key=specificity, reverse=True))
            if len(self._candidates) >= MOST_REMEMBERED:
                self._candidates.clear()
            self._candidates[key] = found
        return found


RULES = text("""
    SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
      announced_at, lower(in_force) AS starts, upper(in_force) AS ends, rollout_bp,
      rate_bp::bigint AS value, reason_zh, reason_en, citation
    FROM fee_rules WHERE approver_id IS NOT NULL
    UNION ALL
    SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
      announced_at, lower(in_force), upper(in_force), rollout_bp,
      seconds, reason_zh, reason_en, citation
    FROM term_rules WHERE approver_id IS NOT NULL
    ORDER BY kind, starts, id
""")

# A row changes only by being approved, or by ending earlier: both show here.
VERSION = text("""
    SELECT count(*), max(approved_at), sum(hashtextextended(id::text || in_force::text, 0))
    FROM (SELECT id, approved_at, in_force FROM fee_rules WHERE approver_id IS NOT NULL
          UNION ALL
          SELECT id, approved_at, in_force FROM term_rules WHERE approver_id IS NOT NULL
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


DECIDE_MANY = text("""
    WITH rules AS (
      SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
        in_force, rollout_bp
      FROM fee_rules WHERE approver_id IS NOT NULL
      UNION ALL
      SELECT id, kind, source, surface, category, route, party_class, party, merchant_class,
        in_force, rollout_bp
      FROM term_rules WHERE approver_id IS NOT NULL
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
      AND r.source IN ('*', f.source)
      AND r.in_force @> f.at
    CROSS JOIN LATERAL (
      SELECT sha256(convert_to(concat_ws('|', r.kind, r.party, r.merchant_class, r.party_class,
        r.category, r.route, r.surface, r.source, f.party), 'UTF8')) AS hash) AS h
    WHERE r.rollout_bp > (('x' || encode(substr(h.hash, 1, 6), 'hex'))::bit(48)::bigint % 10000)
    ORDER BY f.n, r.party <> '*' DESC, r.merchant_class <> '*' DESC, r.party_class <> '*' DESC,
      CASE r.category WHEN '*' THEN 0
        ELSE array_length(string_to_array(r.category, '/'), 1) END DESC,
      r.route <> '*' DESC, r.surface <> '*' DESC, r.source <> '*' DESC
""")


async def decide_many(conn: AsyncConnection, facts: Sequence[Facts]) -> list[UUID | None]:
    """The id of the winning row of each case, in one join: what replay uses, and the same as
    `decide` case by case (held equal by a property test)."""
    rows = [{"n": n, **msgspec.to_builtins(one)} for n, one in enumerate(facts)]
    found = await conn.execute(DECIDE_MANY, {"facts": msgspec.json.encode(rows).decode()})
    winners = {row.n: row.id for row in found}
    return [winners.get(n) for n in range(len(facts))]
