"""Writes how merchants stand: rules, scores of a day, penalties, appeals and their answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.infra import events
from dougong.infra.db import constraint_of
from dougong.standing.defaults import CITATION, FIRST_DAY, default_rules
from dougong.standing.rules import (
    KINDS,
    AppealedAlready,
    AppealTooLate,
    OtherPersonNeeded,
    PenaltyReversed,
    Score,
    StandingRuleInPast,
    StandingRuleNotOpen,
    StandingRuleOverlaps,
    Terms,
    check_terms,
)
from dougong.standing.tables import (
    penalties,
    penalty_appeals,
    penalty_orders,
    standing_rules,
    store_scores,
)


async def draft_rule(
    conn: AsyncConnection,
    *,
    subject: str,
    terms: Terms,
    starts: datetime,
    reason_zh: str,
    reason_en: str,
    citation: str,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    """Propose a row; it decides nothing until a second person approves it. It ends what is in force
    about the same subject when it is approved. Raises BadInput, StandingRuleInPast."""
    check_terms(terms)
    if starts < at:
        raise StandingRuleInPast(field="starts")
    rule_id = new_id()
    await conn.execute(
        insert(standing_rules).values(
            id=rule_id,
            kind=KINDS[type(terms)].value,
            subject=subject,
            announced_at=at,
            in_force=Range(starts, None),
            terms=msgspec.to_builtins(terms),
            reason_zh=reason_zh,
            reason_en=reason_en,
            citation=citation,
            author_id=author_id,
        )
    )
    facts = {"kind": KINDS[type(terms)].value, "subject": subject, "starts": starts.isoformat()}
    await events.record(conn, "standing.rule_drafted", subject_id=rule_id, at=at, facts=facts)
    return rule_id


async def approve_rule(
    conn: AsyncConnection, *, rule_id: UUID, approver_id: PersonId, at: datetime
) -> None:
    """Put a draft into force from its start on, and end there what it replaces.

    Raises NotFound, OtherPersonNeeded, StandingRuleNotOpen when it is approved already,
    StandingRuleInPast when its start has passed meanwhile, StandingRuleOverlaps.
    """
    t = standing_rules
    row = (await conn.execute(select(t).where(t.c.id == rule_id).with_for_update())).one_or_none()
    if row is None:
        raise NotFound
    if row.approver_id is not None:
        raise StandingRuleNotOpen
    if row.author_id == approver_id:
        raise OtherPersonNeeded
    if row.in_force.lower < at:
        raise StandingRuleInPast(field="starts")
    starts = row.in_force.lower
    same = t.c.kind == row.kind, t.c.subject == row.subject, t.c.approver_id.is_not(None)
    before = (await conn.execute(select(t).where(*same, t.c.in_force.contains(starts)))).all()
    try:
        async with conn.begin_nested():
            for old in before:
                kept = Range(old.in_force.lower, starts)
                await conn.execute(update(t).where(t.c.id == old.id).values(in_force=kept))
            await conn.execute(
                update(t).where(t.c.id == rule_id).values(approver_id=approver_id, approved_at=at)
            )
    except IntegrityError as error:
        if constraint_of(error) == "standing_rules_no_overlap":
            raise StandingRuleOverlaps from error
        raise
    facts = {"kind": row.kind, "subject": row.subject}
    await events.record(conn, "standing.rule_approved", subject_id=rule_id, at=at, facts=facts)


async def install_default_rules(
    conn: AsyncConnection, *, author_id: PersonId, approver_id: PersonId
) -> int:
    """Those of a new platform that are not there yet; answers how many were written."""
    written = 0
    for rule in default_rules():
        made = await conn.execute(
            upsert(standing_rules)
            .values(
                id=rule.id,
                kind=rule.kind,
                subject=rule.subject,
                announced_at=FIRST_DAY,
                in_force=Range(FIRST_DAY, None),
                terms=msgspec.to_builtins(rule.terms),
                reason_zh=rule.reason_zh,
                reason_en=rule.reason_en,
                citation=CITATION,
                author_id=author_id,
                approver_id=approver_id,
                approved_at=FIRST_DAY,
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )
        written += made.rowcount
    return written


async def keep_score(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    day: date,
    rule_id: UUID,
    score: Score,
    at: datetime,
) -> None:
    """The score of a day, once: what was counted first stays."""
    row = {
        "store_id": store_id,
        "day": day,
        "rule_id": rule_id,
        "score_bp": score.score_bp,
        "facts": msgspec.to_builtins(score.parts),
        "counted_at": at,
    }
    await conn.execute(upsert(store_scores).values(**row).on_conflict_do_nothing())


async def write_penalty(
    conn: AsyncConnection,
    *,
    row: Mapping[str, Any],
    orders: Sequence[tuple[UUID, Mapping[str, Any]]],
) -> None:
    """With the orders that it is about, as they stand."""
    await conn.execute(insert(penalties).values(**row))
    about = [
        {"store_id": row["store_id"], "penalty_id": row["id"], "order_id": order_id,
         "facts": dict(facts)}
        for order_id, facts in orders
    ]  # fmt: skip
    if about:
        await conn.execute(insert(penalty_orders), about)


async def lock_penalty(conn: AsyncConnection, *, store_id: StoreId, penalty_id: UUID) -> Any:
    """Raises NotFound."""
    mine = penalties.c.store_id == store_id, penalties.c.id == penalty_id
    found = await conn.execute(select(penalties).where(*mine).with_for_update())
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def appeal(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    penalty_id: UUID,
    words: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Once, in time. Raises NotFound, PenaltyReversed, AppealTooLate, AppealedAlready."""
    row = await lock_penalty(conn, store_id=store_id, penalty_id=penalty_id)
    if row.reversed_at is not None:
        raise PenaltyReversed
    if at >= row.appeal_until:
        raise AppealTooLate(until=row.appeal_until.isoformat())
    made = await conn.execute(
        upsert(penalty_appeals)
        .values(
            store_id=store_id,
            penalty_id=penalty_id,
            words=words,
            appealed_by=person_id,
            appealed_at=at,
        )
        .on_conflict_do_nothing()
    )
    if made.rowcount != 1:
        raise AppealedAlready
    await events.record(
        conn,
        "standing.appealed",
        store_id=store_id,
        subject_id=penalty_id,
        at=at,
        facts={"violation": row.violation},
    )


async def answer_appeal(
    conn: AsyncConnection,
    *,
    penalty: Any,
    outcome: str,
    answer: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Of a locked penalty, by somebody else than who decided it. Raises NotFound where no appeal
    waits for an answer, OtherPersonNeeded."""
    if penalty.decided_by == person_id:
        raise OtherPersonNeeded
    a = penalty_appeals
    done = await conn.execute(
        update(a)
        .where(a.c.store_id == penalty.store_id, a.c.penalty_id == penalty.id)
        .where(a.c.answered_at.is_(None))
        .values(answered_by=person_id, answered_at=at, outcome=outcome, answer=answer)
    )
    if done.rowcount != 1:
        raise NotFound


async def mark_reversed(
    conn: AsyncConnection, *, penalty: Any, why: str, person_id: PersonId, at: datetime
) -> None:
    """A locked penalty. Raises PenaltyReversed."""
    if penalty.reversed_at is not None:
        raise PenaltyReversed
    await conn.execute(
        update(penalties)
        .where(penalties.c.store_id == penalty.store_id, penalties.c.id == penalty.id)
        .values(reversed_at=at, reversed_by=person_id, reversed_why=why)
    )
