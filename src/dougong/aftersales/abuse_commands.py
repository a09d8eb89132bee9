"""Writes the scores of buyers, and the dated formulas that they are made by."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.abuse_rules import (
    FIRST_FORMULA,
    AbuseFormula,
    AbuseFormulaInPast,
    AbuseFormulaOverlaps,
    AbuseScore,
    DatedFormula,
    check_formula,
)
from dougong.base.ids import PersonId, new_id
from dougong.infra.db import constraint_of
from dougong.infra.events import record


async def formula_at(conn: AsyncConnection, *, at: datetime) -> DatedFormula:
    """What scores are made by at that instant."""
    found = await conn.execute(
        text("SELECT * FROM buyer_score_formulas WHERE in_force @> CAST(:at AS timestamptz)"),
        {"at": at},
    )
    row = found.one_or_none()
    if row is None:
        return DatedFormula(id=None, starts=None, formula=FIRST_FORMULA)
    formula = msgspec.convert(row.formula, AbuseFormula)
    return DatedFormula(id=row.id, starts=row.in_force.lower, formula=formula)


async def set_formula(
    conn: AsyncConnection,
    *,
    formula: AbuseFormula,
    starts: datetime,
    reason: str,
    by: PersonId,
    at: datetime,
) -> UUID:
    """In force from `starts` until further notice; it ends what is in force then.

    Raises BadInput, AbuseFormulaInPast, AbuseFormulaOverlaps.
    """
    check_formula(formula)
    if starts < at:
        raise AbuseFormulaInPast(field="starts")
    formula_id = new_id()
    try:
        async with conn.begin_nested():
            await conn.execute(
                text("""
                    UPDATE buyer_score_formulas SET in_force = tstzrange(lower(in_force), :starts)
                    WHERE in_force @> CAST(:starts AS timestamptz) AND lower(in_force) < :starts
                """),
                {"starts": starts},
            )
            await conn.execute(
                text("""
                    INSERT INTO buyer_score_formulas (id, formula, in_force, reason, made_by,
                      made_at)
                    VALUES (:id, CAST(:formula AS jsonb), tstzrange(:starts, NULL), :reason, :by,
                      :at)
                """),
                {"id": formula_id, "formula": msgspec.json.encode(formula).decode(),
                 "starts": starts, "reason": reason, "by": by, "at": at},
            )  # fmt: skip
    except IntegrityError as error:
        if constraint_of(error) == "buyer_score_formulas_no_overlap":
            raise AbuseFormulaOverlaps(field="starts") from error
        raise
    facts = {"starts": starts.isoformat(), "days": formula.days}
    await record(conn, "buyer_score.formula_set", subject_id=formula_id, at=at, facts=facts)
    return formula_id


KEEP = text("""
    INSERT INTO buyer_scores AS b (person_id, score, facts, since, formula_id, counted_at)
    SELECT person_id, score, facts, :since, :formula_id, :at
    FROM json_to_recordset(CAST(:rows AS json)) AS r (person_id uuid, score int, facts jsonb)
    ON CONFLICT (person_id) DO UPDATE SET score = excluded.score, facts = excluded.facts,
      since = excluded.since, formula_id = excluded.formula_id, counted_at = excluded.counted_at
""")


async def keep_scores(
    conn: AsyncConnection,
    *,
    scores: Mapping[PersonId, AbuseScore],
    since: datetime,
    formula_id: UUID | None,
    at: datetime,
) -> None:
    """Those that were counted now, in place of what was there."""
    rows: list[Mapping[str, Any]] = [
        {"person_id": person_id, "score": one.score, "facts": one}
        for person_id, one in scores.items()
    ]
    values = {"rows": msgspec.json.encode(rows).decode(), "since": since, "at": at}
    await conn.execute(KEEP, {**values, "formula_id": formula_id})


async def forget_scores(conn: AsyncConnection, *, before: datetime) -> int:
    """Of those who had no case in the period when it was counted last; answers how many."""
    gone = await conn.execute(
        text("DELETE FROM buyer_scores WHERE counted_at < :before"), {"before": before}
    )
    return gone.rowcount
