"""Drafting, approving and ending rules. A row is never edited: it is approved once by a second
person, and may end earlier than planned; the trigger `keep_rule` holds that."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Table, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RuleId
from dougong.infra import events
from dougong.infra.db import constraint_of
from dougong.policy.defaults import default_rules
from dougong.policy.queries import forget_book
from dougong.policy.rules import (
    FEE_KINDS,
    LINK_KINDS,
    Rule,
    RuleInPast,
    RuleNotOpen,
    RuleOverlaps,
    SecondPersonNeeded,
    check_draft,
)
from dougong.policy.tables import fee_rules, link_rules, term_rules

TABLES = (fee_rules, term_rules, link_rules)
NO_OVERLAP = {f"{table.name}_no_overlap" for table in TABLES}
SECOND_PERSON = {f"{table.name}_second_person" for table in TABLES}
MICROSECOND = timedelta(microseconds=1)


async def draft_rule(
    conn: AsyncConnection, *, rule: Rule, author_id: PersonId, at: datetime
) -> RuleId:
    """Propose a row; it decides nothing until a second person approves it.

    Raises BadRule, and RuleInPast when it would start before `at`.
    """
    check_draft(rule)
    if rule.starts < at:
        raise RuleInPast(field="starts")
    await conn.execute(insert(_table_of(rule)).values(_row(rule, author_id)))
    await _said(conn, "policy.rule_drafted", rule.id, at=at, rule_kind=rule.kind)
    return rule.id


async def approve_rule(
    conn: AsyncConnection, *, rule_id: RuleId, approver_id: PersonId, at: datetime
) -> None:
    """Put a draft into force from its start on.

    Raises RuleOverlaps, SecondPersonNeeded, RuleInPast when its start has passed meanwhile,
    RuleNotOpen when it is approved already, NotFound.
    """
    for table in TABLES:
        change = (
            update(table)
            .where(table.c.id == rule_id, table.c.approver_id.is_(None))
            .where(table.c.author_id != approver_id, func.lower(table.c.in_force) >= at)
            .values(approver_id=approver_id, approved_at=at)
        )
        try:
            async with conn.begin_nested():
                done = (await conn.execute(change)).rowcount
        except IntegrityError as error:
            raise _refusal(error) from error
        if done:
            forget_book()
            await _said(conn, "policy.rule_approved", rule_id, at=at)
            return
    await _refuse_approval(conn, rule_id, approver_id)


async def _refuse_approval(conn: AsyncConnection, rule_id: RuleId, approver_id: PersonId) -> None:
    for table in TABLES:
        columns = select(table.c.author_id, table.c.approver_id).where(table.c.id == rule_id)
        if found := (await conn.execute(columns)).one_or_none():
            if found.approver_id is not None:
                raise RuleNotOpen(rule_id=rule_id)
            if found.author_id == approver_id:
                raise SecondPersonNeeded(rule_id=rule_id)
            raise RuleInPast(rule_id=rule_id)
    raise NotFound


async def end_rule(conn: AsyncConnection, *, rule_id: RuleId, ends: datetime, at: datetime) -> None:
    """End a row earlier than planned, at an instant after `at`; what replaces it is a new row.

    Raises RuleInPast, RuleNotOpen when it is not approved or ends before that anyway, NotFound.
    """
    if ends <= at:
        raise RuleInPast(field="ends")
    for table in TABLES:
        window = func.tstzrange(func.lower(table.c.in_force), ends)
        change = (
            update(table)
            .where(table.c.id == rule_id, table.c.approver_id.is_not(None))
            .where(func.lower(table.c.in_force) < ends)
            .where(or_(func.upper_inf(table.c.in_force), func.upper(table.c.in_force) > ends))
            .values(in_force=window)
        )
        if (await conn.execute(change)).rowcount:
            forget_book()
            await _said(conn, "policy.rule_ended", rule_id, at=at, ends=ends.isoformat())
            return
        if await conn.scalar(select(table.c.id).where(table.c.id == rule_id)):
            raise RuleNotOpen(rule_id=rule_id)
    raise NotFound


async def end_rules_of_round(
    conn: AsyncConnection, *, round_id: UUID, ends: datetime, at: datetime
) -> list[RuleId]:
    """End what a signed round has announced, at an instant after `at`; answers which rows.

    A row that would begin later only is left its first microsecond: a window is never empty.
    Rows that end before that anyway stay as they are. Raises RuleInPast.
    """
    if ends <= at:
        raise RuleInPast(field="ends")
    ended: list[RuleId] = []
    for table in (fee_rules, link_rules):
        starts, upper = func.lower(table.c.in_force), func.upper(table.c.in_force)
        until = func.greatest(ends, starts + MICROSECOND)
        change = (
            update(table)
            .where(table.c.round_id == round_id, table.c.approver_id.is_not(None))
            .where(or_(upper.is_(None), upper > until))
            .values(in_force=func.tstzrange(starts, until))
        )
        ended += (await conn.scalars(change.returning(table.c.id))).all()
    forget_book()
    for rule_id in ended:
        await _said(conn, "policy.rule_ended", rule_id, at=at, ends=ends.isoformat())
    return ended


async def install_rules(
    conn: AsyncConnection,
    *,
    rules: Sequence[Rule],
    at: datetime,
    author_id: PersonId,
    approver_id: PersonId,
) -> int:
    """Write approved rows as they are, also with starts in the past: for a new platform and for
    history. A row whose id is there is left alone. Answers how many are new.

    Raises BadRule, RuleOverlaps, SecondPersonNeeded; nothing is written then.
    """
    made = 0
    try:
        async with conn.begin_nested():
            for rule in rules:
                row = _row(check_draft(rule), author_id)
                row |= {"approver_id": approver_id, "approved_at": at}
                table = _table_of(rule)
                write = (
                    upsert(table).values(row).on_conflict_do_nothing(constraint=table.primary_key)
                )
                made += len((await conn.execute(write.returning(table.c.id))).all())
    except IntegrityError as error:
        raise _refusal(error) from error
    forget_book()
    return made


async def install_default_rules(
    conn: AsyncConnection, *, at: datetime, author_id: PersonId, approver_id: PersonId
) -> int:
    """The rules that a new platform starts with (policy/defaults.py); a repeat adds nothing."""
    return await install_rules(
        conn, rules=default_rules(), at=at, author_id=author_id, approver_id=approver_id
    )


def _table_of(rule: Rule) -> Table:
    if rule.kind in LINK_KINDS:
        return link_rules
    return fee_rules if rule.kind in FEE_KINDS else term_rules


def _row(rule: Rule, author_id: PersonId) -> dict[str, Any]:
    half_open: Literal["[)"] = "[)"
    row = {
        "id": rule.id,
        "kind": rule.kind,
        "source": rule.source,
        "surface": rule.surface,
        "category": rule.category,
        "route": rule.route,
        "party_class": rule.party_class,
        "party": rule.party,
        "merchant_class": rule.merchant_class,
        "announced_at": rule.announced_at,
        "in_force": Range(rule.starts, rule.ends, bounds=half_open),
        "rollout_bp": rule.rollout_bp,
        "reason_zh": rule.reason_zh,
        "reason_en": rule.reason_en,
        "citation": rule.citation,
        "author_id": author_id,
    }
    if rule.kind in LINK_KINDS:
        return row | {"allowed": bool(rule.value), "round_id": rule.round_id}
    if rule.kind in FEE_KINDS:
        return row | {"rate_bp": rule.value, "round_id": rule.round_id}
    return row | {"seconds": rule.value}


def _refusal(error: IntegrityError) -> Exception:
    constraint = constraint_of(error)
    if constraint in NO_OVERLAP:
        return RuleOverlaps(field="starts")
    if constraint in SECOND_PERSON:
        return SecondPersonNeeded()
    return error


async def _said(
    conn: AsyncConnection, kind: str, rule_id: RuleId, *, at: datetime, **facts: str
) -> None:
    await events.record(conn, kind, subject_id=rule_id, at=at, facts=facts)
