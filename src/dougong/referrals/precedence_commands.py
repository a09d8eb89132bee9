"""Writes rows of precedence: drafted by one person, approved by a second, ended by time only."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, new_id
from dougong.infra.db import constraint_of
from dougong.referrals.rules import (
    ClaimKind,
    PrecedenceApprover,
    PrecedencePast,
    PrecedenceTaken,
)
from dougong.referrals.tables import claim_rules

MOST_REASON = 200


async def draft_precedence(
    conn: AsyncConnection,
    *,
    source: str,
    claim: ClaimKind,
    rank: int,
    window_days: int,
    starts: datetime,
    reason_zh: str,
    reason_en: str,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    """A row that decides nothing until a second person approves it. Raises BadInput."""
    if claim is ClaimKind.OPERATOR or not 1 <= rank <= 99 or not 0 <= window_days <= 365:
        field = "claim" if claim is ClaimKind.OPERATOR else "rank"
        raise BadInput(field=field if not 1 <= rank <= 99 else "window_days", reason="out_of_range")
    for name, words in (("reason_zh", reason_zh), ("reason_en", reason_en)):
        if not words.strip() or len(words) > MOST_REASON:
            raise BadInput(field=name, reason="missing" if not words.strip() else "too_long")
    if starts <= at:
        raise PrecedencePast(field="starts")
    half_open: Literal["[)"] = "[)"
    rule_id = new_id()
    row = {
        "id": rule_id,
        "source": source,
        "claim": claim.value,
        "rank": rank,
        "window_days": window_days,
        "announced_at": at,
        "in_force": Range(starts, None, bounds=half_open),
        "reason_zh": reason_zh.strip(),
        "reason_en": reason_en.strip(),
        "author_id": author_id,
    }
    await conn.execute(insert(claim_rules).values(row))
    return rule_id


async def approve_precedence(
    conn: AsyncConnection, *, rule_id: UUID, approver_id: PersonId, at: datetime
) -> None:
    """In force from its start; the row of the same source and claim that holds then ends there.

    Raises NotFound, PrecedenceApprover (the author), PrecedencePast, PrecedenceTaken (the rank).
    """
    found = await conn.execute(
        select(
            claim_rules.c.source,
            claim_rules.c.claim,
            claim_rules.c.author_id,
            func.lower(claim_rules.c.in_force).label("starts"),
        )
        .where(claim_rules.c.id == rule_id, claim_rules.c.approver_id.is_(None))
        .with_for_update()
    )
    draft = found.one_or_none()
    if draft is None:
        raise NotFound
    if draft.author_id == approver_id:
        raise PrecedenceApprover
    if draft.starts <= at:
        raise PrecedencePast(field="starts")
    await conn.execute(
        text("""
            UPDATE claim_rules SET in_force = tstzrange(lower(in_force), :starts, '[)')
            WHERE source = :source AND claim = :claim AND approver_id IS NOT NULL
              AND lower(in_force) < :starts AND in_force @> CAST(:starts AS timestamptz)
        """),
        {"source": draft.source, "claim": draft.claim, "starts": draft.starts},
    )
    change = update(claim_rules).where(claim_rules.c.id == rule_id)
    try:
        async with conn.begin_nested():
            await conn.execute(change.values(approver_id=approver_id, approved_at=at))
    except IntegrityError as error:
        if constraint_of(error) in ("claim_rules_no_tie", "claim_rules_no_overlap"):
            raise PrecedenceTaken(field="rank") from error
        raise
