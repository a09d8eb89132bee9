"""Reads how merchants stand: rules in force, scores, penalties."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.standing.rules import (
    ANY,
    Deposit,
    Formula,
    Measure,
    NoStandingRule,
    Restrained,
    RuleOfKind,
    Tariff,
    Terms,
)
from dougong.standing.tables import penalties, penalty_appeals, standing_rules


class StandingRule(msgspec.Struct, frozen=True):
    """A dated rule with its terms read."""

    id: UUID
    kind: RuleOfKind
    subject: str
    terms: Terms
    starts: datetime
    ends: datetime | None
    announced_at: datetime
    reason_zh: str
    reason_en: str
    citation: str
    author_id: UUID
    approver_id: UUID | None


def _read(row: Any) -> StandingRule:
    return StandingRule(
        id=row.id,
        kind=RuleOfKind(row.kind),
        subject=row.subject,
        terms=msgspec.convert(row.terms, Terms),
        starts=row.in_force.lower,
        ends=row.in_force.upper,
        announced_at=row.announced_at,
        reason_zh=row.reason_zh,
        reason_en=row.reason_en,
        citation=row.citation,
        author_id=row.author_id,
        approver_id=row.approver_id,
    )


async def all_rules(conn: AsyncConnection) -> list[StandingRule]:
    """Drafts too, the latest start first."""
    t = standing_rules
    found = await conn.execute(
        select(t).order_by(t.c.kind, t.c.subject, func.lower(t.c.in_force).desc(), t.c.id)
    )
    return [_read(row) for row in found]


async def rule_of(conn: AsyncConnection, *, rule_id: UUID) -> StandingRule:
    """One row, in force or not. Raises NotFound."""
    t = standing_rules
    row = (await conn.execute(select(t).where(t.c.id == rule_id))).one_or_none()
    if row is None:
        raise NotFound
    return _read(row)


async def rules_in_force(
    conn: AsyncConnection, *, kind: RuleOfKind, at: datetime
) -> list[StandingRule]:
    t = standing_rules
    found = await conn.execute(
        select(t)
        .where(t.c.kind == kind.value, t.c.approver_id.is_not(None), t.c.in_force.contains(at))
        .order_by(t.c.subject)
    )
    return [_read(row) for row in found]


async def formula_at(conn: AsyncConnection, *, at: datetime) -> tuple[StandingRule, Formula]:
    """Raises NoStandingRule."""
    for rule in await rules_in_force(conn, kind=RuleOfKind.SCORE, at=at):
        if rule.subject == ANY and isinstance(rule.terms, Formula):
            return rule, rule.terms
    raise NoStandingRule(kind=RuleOfKind.SCORE.value, subject=ANY)


async def tariff_at(
    conn: AsyncConnection, *, violation: str, at: datetime
) -> tuple[StandingRule, Tariff]:
    """Raises NoStandingRule."""
    for rule in await rules_in_force(conn, kind=RuleOfKind.PENALTY, at=at):
        if rule.subject == violation and isinstance(rule.terms, Tariff):
            return rule, rule.terms
    raise NoStandingRule(field="violation", kind=RuleOfKind.PENALTY.value, subject=violation)


async def deposits_at(
    conn: AsyncConnection, *, currency: str, at: datetime
) -> list[tuple[str, Deposit]]:
    """Category to deposit, of those in this currency."""
    rules = await rules_in_force(conn, kind=RuleOfKind.DEPOSIT, at=at)
    return [
        (rule.subject, rule.terms)
        for rule in rules
        if isinstance(rule.terms, Deposit) and rule.terms.currency == currency
    ]


async def refuse_restrained(
    conn: AsyncConnection, *, store_id: StoreId, measure: Measure, at: datetime
) -> None:
    """Raises Restrained while a penalty that was not taken back keeps the store from this."""
    until = await conn.scalar(
        select(func.max(penalties.c.measure_until)).where(
            penalties.c.store_id == store_id,
            penalties.c.measure == measure.value,
            penalties.c.measure_until > at,
            penalties.c.reversed_at.is_(None),
        )
    )
    if until is not None:
        raise Restrained(measure=measure.value, until=until.isoformat())


async def penalty_of(conn: AsyncConnection, *, store_id: StoreId, penalty_id: UUID) -> Any:
    """With its appeal, if there is one. Raises NotFound."""
    p, a = penalties, penalty_appeals
    found = await conn.execute(
        select(
            p, a.c.words.label("appeal_words"), a.c.appealed_at, a.c.appealed_by,
            a.c.answered_at, a.c.answered_by, a.c.outcome, a.c.answer,
        )
        .outerjoin(a, (a.c.store_id == p.c.store_id) & (a.c.penalty_id == p.c.id))
        .where(p.c.store_id == store_id, p.c.id == penalty_id)
    )  # fmt: skip
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def penalty_before(conn: AsyncConnection, *, store_id: StoreId, key: str) -> Any | None:
    """The penalty that this key has decided."""
    same = penalties.c.store_id == store_id, penalties.c.idempotency_key == key
    return (await conn.execute(select(penalties).where(*same))).one_or_none()
