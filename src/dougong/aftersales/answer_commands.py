"""Writes a store's rows that answer cases by themselves: made, ended early, never changed."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.answer_rules import (
    MOST_RULES,
    CaseRule,
    CaseRuleGone,
    CaseRuleInPast,
    CaseRuleOver,
    CaseRuleOverlaps,
    check_rule,
)
from dougong.aftersales.rules import BadCase
from dougong.aftersales.tables import case_rules
from dougong.base.ids import PersonId, StoreId
from dougong.infra.db import constraint_of
from dougong.infra.events import record


async def add_rule(
    conn: AsyncConnection, *, store_id: StoreId, rule: CaseRule, by: PersonId, at: datetime
) -> None:
    """In force from its start on. Raises BadCase, CaseRuleInPast, CaseRuleOverlaps."""
    check_rule(rule)
    if rule.starts < at:
        raise CaseRuleInPast(field="starts")
    t = case_rules
    going_on = select(func.count()).where(
        t.c.store_id == store_id,
        ~t.c.withdrawn,
        or_(func.upper(t.c.in_force).is_(None), func.upper(t.c.in_force) > at),
    )
    if int(await conn.scalar(going_on) or 0) >= MOST_RULES:
        raise BadCase(field="kind", reason="too_many")
    row = msgspec.structs.asdict(rule)
    row |= {"in_force": Range(row.pop("starts"), row.pop("ends"))}
    row |= {"store_id": store_id, "made_by": by, "made_at": at}
    try:
        async with conn.begin_nested():
            await conn.execute(insert(t).values(row))
    except IntegrityError as error:
        if constraint_of(error) == "case_rules_no_overlap":
            raise CaseRuleOverlaps(field="starts") from error
        raise
    facts = {**rule.columns, "outcome": rule.outcome.value, "starts": rule.starts.isoformat()}
    await record(conn, "case_rule.made", store_id=store_id, subject_id=rule.id, at=at, facts=facts)


async def end_rule(
    conn: AsyncConnection, *, store_id: StoreId, rule_id: UUID, by: PersonId, at: datetime
) -> None:
    """It answers no case that is opened from now on; one that has not started is withdrawn.

    Raises CaseRuleGone, CaseRuleOver.
    """
    t = case_rules
    here = t.c.store_id == store_id, t.c.id == rule_id
    row = (await conn.execute(select(t).where(*here).with_for_update())).one_or_none()
    if row is None:
        raise CaseRuleGone(field="rule_id")
    ends = row.in_force.upper
    if row.withdrawn or (ends is not None and ends <= at):
        raise CaseRuleOver(field="rule_id")
    has_started = row.in_force.lower < at
    values = {"ended_by": by, "ended_at": at, "withdrawn": not has_started}
    if has_started:
        values["in_force"] = Range(row.in_force.lower, at)
    await conn.execute(update(t).where(*here).values(values))
    facts = {"withdrawn": not has_started}
    await record(conn, "case_rule.ended", store_id=store_id, subject_id=rule_id, at=at, facts=facts)
