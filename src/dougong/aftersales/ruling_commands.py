"""Writes and reads rulings: kept as they were made, two a case at most."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import Bearer, CaseGone, RulingOutcome
from dougong.aftersales.tables import case_rulings
from dougong.base.ids import PersonId, StoreId


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator was asked, what it found, and who bears it; the amount in minor units."""

    question: str
    outcome: RulingOutcome
    granted_minor: int
    bearer: Bearer
    reason: str


async def write_ruling(
    conn: AsyncConnection,
    *,
    case: Case,
    instance: int,
    ruling: Ruling,
    person_id: PersonId,
    at: datetime,
) -> None:
    row = msgspec.to_builtins(ruling) | {"question": ruling.question.strip()}
    row |= {"store_id": case.store_id, "case_id": case.id, "instance": instance}
    row |= {"reason": ruling.reason.strip(), "person_id": person_id, "at": at}
    await conn.execute(insert(case_rulings).values(row))


async def ruling_of(
    conn: AsyncConnection, *, store_id: StoreId, case_id: UUID, instance: int
) -> Ruling:
    """Raises CaseGone."""
    c = case_rulings.c
    asked = select(c.question, c.outcome, c.granted_minor, c.bearer, c.reason).where(
        c.store_id == store_id, c.case_id == case_id, c.instance == instance
    )
    row = (await conn.execute(asked)).one_or_none()
    if row is None:
        raise CaseGone(field="case_id")
    return Ruling(
        question=row.question,
        outcome=RulingOutcome(row.outcome),
        granted_minor=row.granted_minor,
        bearer=Bearer(row.bearer),
        reason=row.reason,
    )
