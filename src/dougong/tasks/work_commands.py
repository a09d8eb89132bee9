"""Writes agreed tasks as they are worked on. Their money moves in flows/settle_task.py."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_id
from dougong.infra import events
from dougong.tasks.brief_queries import terms_from
from dougong.tasks.brief_rules import Terms
from dougong.tasks.evidence_rules import Evidence
from dougong.tasks.rules import MOVES, TaskState
from dougong.tasks.tables import (
    task_agreements,
    task_deliveries,
    task_notes,
    task_purses,
    task_ratings,
    task_works,
)
from dougong.tasks.work_rules import (
    ENDED,
    BadWork,
    RatedAlready,
    Reached,
    Shares,
    Side,
    WorkClosed,
    WorkGone,
    WorkState,
    check_move,
)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """An agreed task with what is frozen on it."""

    task_id: UUID
    brief_id: UUID
    application_id: UUID
    brand_id: UUID
    creator_id: UUID
    state: WorkState
    terms: Terms
    currency: str
    funded_minor: int
    service_fee_bp: int
    contract_id: UUID | None
    agency_id: UUID | None
    agency_bp: int
    agreed_at: datetime
    samples_sent_at: datetime | None = None
    samples_received_at: datetime | None = None
    delivery_no: int = 0
    offered_bp: int | None = None
    why: str = ""

    def side_of(self, party_id: UUID) -> Side:
        """Raises WorkGone for who has no part in it."""
        if party_id not in (self.brand_id, self.creator_id):
            raise WorkGone(field="task_id")
        return Side.BRAND if party_id == self.brand_id else Side.CREATOR


async def write_work(conn: AsyncConnection, *, work: Work) -> None:
    row = {name: getattr(work, name) for name in Work.__struct_fields__}
    row["terms"] = msgspec.to_builtins(work.terms)
    await conn.execute(insert(task_works).values(row))


async def lock_work(conn: AsyncConnection, *, task_id: UUID) -> Work:
    """Kept for this transaction: who changes a task or its money locks it first.

    Raises WorkGone.
    """
    asked = select(task_works).where(task_works.c.task_id == task_id).with_for_update()
    return _found((await conn.execute(asked)).one_or_none())


async def work_of(conn: AsyncConnection, *, task_id: UUID) -> Work:
    """To be looked at only. Raises WorkGone."""
    asked = select(task_works).where(task_works.c.task_id == task_id)
    return _found((await conn.execute(asked)).one_or_none())


def _found(row: Row[Any] | None) -> Work:
    if row is None:
        raise WorkGone(field="task_id")
    return work_from(row)


def work_from(row: Row[Any]) -> Work:
    values = {name: getattr(row, name) for name in Work.__struct_fields__}
    values |= {"terms": terms_from(row.terms), "state": WorkState(row.state)}
    return Work(**values)


async def lock_work_of_deadline(conn: AsyncConnection, *, subject_id: UUID) -> bool:
    """Keep the task that a deadline is about, by its own id or that of a delivery; False while
    another has it in hand."""
    found = await conn.scalar(
        text("""
            SELECT task_id FROM task_works
            WHERE task_id = coalesce(
              (SELECT d.task_id FROM task_deliveries d WHERE d.id = :id), :id)
            FOR UPDATE SKIP LOCKED
        """),
        {"id": subject_id},
    )
    return found is not None


async def lock_purse(conn: AsyncConnection, *, brand_id: UUID, currency: str) -> None:
    """Whoever spends of a brand's funds waits here for whoever does already."""
    name = {"brand_id": brand_id, "currency": currency}
    await conn.execute(upsert(task_purses).values(name).on_conflict_do_nothing())
    asked = select(task_purses.c.brand_id).where(
        task_purses.c.brand_id == brand_id, task_purses.c.currency == currency
    )
    await conn.execute(asked.with_for_update())


async def move_work(
    conn: AsyncConnection, *, work: Work, state: WorkState, side: Side, **values: Any
) -> None:
    """To a state that is not an end; `work` is locked. Raises WorkClosed."""
    check_move(work.state, state, side)
    part = {"offered_bp": values.pop("offered_bp", None)}
    change = (
        update(task_works)
        .where(task_works.c.task_id == work.task_id, task_works.c.state == work.state)
        .values(state=state, **part, **values)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise WorkClosed(field="task_id")


async def end_work(
    conn: AsyncConnection,
    *,
    work: Work,
    state: WorkState,
    side: Side,
    basis_minor: int,
    share_bp: int,
    shares: Shares,
    measured: int | None,
    reached: Reached | None,
    why: str,
    at: datetime,
) -> None:
    """To an end, with what becomes of the money; the agreement ends with it. Raises WorkClosed."""
    check_move(work.state, state, side)
    money = {
        "basis_minor": basis_minor,
        "share_bp": share_bp,
        "fee_minor": shares.fee,
        "agency_minor": shares.agency,
        "creator_minor": shares.creator,
        "back_minor": shares.back,
        "measured": measured,
        "reached_minor": reached.minor if reached else None,
        "reached_bp": reached.share_bp if reached else None,
    }
    change = (
        update(task_works)
        .where(task_works.c.task_id == work.task_id, task_works.c.state == work.state)
        .values(state=state, offered_bp=None, closed_at=at, why=why, **money)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise WorkClosed(field="task_id")
    is_off = state in (WorkState.CANCELLED, WorkState.LAPSED)
    closed = TaskState.CANCELLED if is_off else TaskState.DONE
    agreement = (
        update(task_agreements)
        .where(task_agreements.c.id == work.task_id)
        .where(task_agreements.c.state.in_([one for one in TaskState if closed in MOVES[one]]))
        .values(state=closed, closed_at=at)
    )
    await conn.execute(agreement)
    facts = {"state": state.value, "currency": work.currency}
    facts |= {"brand_id": str(work.brand_id), "creator_id": str(work.creator_id)}
    money = {"earned_minor": shares.earned, "creator_minor": shares.creator}
    await events.record(conn, "tasks.ended", subject_id=work.task_id, at=at, facts=facts | money)


async def write_delivery(
    conn: AsyncConnection,
    *,
    work: Work,
    video_id: UUID | None,
    note: str,
    evidence: Evidence,
    person_id: PersonId,
    at: datetime,
) -> UUID:
    """The next delivery of a task. Raises BadWork."""
    if len(note) > 2_000:
        raise BadWork(field="note", reason="too_long")
    delivery_id, number = new_id(), work.delivery_no + 1
    row = {"id": delivery_id, "task_id": work.task_id, "number": number, "video_id": video_id}
    said = {"note": note.strip(), "evidence": msgspec.to_builtins(evidence)}
    await conn.execute(insert(task_deliveries).values(**row, **said, at=at, by_id=person_id))
    facts = {"number": number, "enough": evidence.is_enough, "share_bp": evidence.share_bp}
    await events.record(conn, "tasks.delivered", subject_id=work.task_id, at=at, facts=facts)
    return delivery_id


async def write_note(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    side: Side,
    kind: str,
    body: str,
    person_id: PersonId | None,
    at: datetime,
    share_bp: int | None = None,
    evidence: Evidence | None = None,
) -> None:
    """What was said or done: `kind` is samples, received, redo, part, dispute, statement, ruling,
    cancel or checked."""
    row: dict[str, Any] = {"id": new_id(), "task_id": task_id, "side": side, "kind": kind}
    row |= {"body": body, "person_id": person_id, "at": at, "share_bp": share_bp}
    row["evidence"] = msgspec.to_builtins(evidence) if evidence else None
    await conn.execute(insert(task_notes).values(row))
    facts: dict[str, Any] = {"side": side.value, "kind": kind}
    if share_bp is not None:
        facts["share_bp"] = share_bp
    await events.record(conn, "tasks.noted", subject_id=task_id, at=at, facts=facts)


async def note_samples(conn: AsyncConnection, *, work: Work, at: datetime) -> None:
    """The brand has sent them. Raises WorkClosed where none were agreed, or twice."""
    change = (
        update(task_works)
        .where(task_works.c.task_id == work.task_id, task_works.c.samples_sent_at.is_(None))
        .where(task_works.c.state == WorkState.AGREED)
        .values(samples_sent_at=at)
    )
    if work.terms.samples_by is None or (await conn.execute(change)).rowcount != 1:
        raise WorkClosed(field="task_id", state=work.state.value)


async def note_samples_received(conn: AsyncConnection, *, work: Work, at: datetime) -> None:
    """The creator has them. Raises WorkClosed where none were sent, twice, or after the end."""
    change = (
        update(task_works)
        .where(task_works.c.task_id == work.task_id, task_works.c.state.not_in(list(ENDED)))
        .where(task_works.c.samples_sent_at <= at, task_works.c.samples_received_at.is_(None))
        .values(samples_received_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise WorkClosed(field="task_id", state=work.state.value)


async def latest_delivery(conn: AsyncConnection, *, task_id: UUID) -> Row[Any] | None:
    asked = select(task_deliveries).where(task_deliveries.c.task_id == task_id)
    asked = asked.order_by(task_deliveries.c.number.desc()).limit(1)
    return (await conn.execute(asked)).one_or_none()


async def task_of_delivery(conn: AsyncConnection, *, delivery_id: UUID) -> UUID:
    """Raises WorkGone."""
    asked = select(task_deliveries.c.task_id).where(task_deliveries.c.id == delivery_id)
    found = await conn.scalar(asked)
    if not isinstance(found, UUID):
        raise WorkGone(field="task_id")
    return found


async def rate(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    party_id: UUID,
    stars: int,
    words: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """What one side thinks of the other, once, when the task has ended.

    Raises WorkGone, WorkClosed, BadWork, RatedAlready.
    """
    work = await lock_work(conn, task_id=task_id)
    side = work.side_of(party_id)
    if work.state not in ENDED:
        raise WorkClosed(field="task_id", state=work.state.value)
    if not 1 <= stars <= 5 or len(words) > 500:
        raise BadWork(field="stars" if not 1 <= stars <= 5 else "words", reason="out_of_range")
    row = {"task_id": task_id, "side": side, "stars": stars, "words": words.strip()}
    write = upsert(task_ratings).values(**row, at=at, person_id=person_id)
    write = write.on_conflict_do_nothing()
    if await conn.scalar(write.returning(task_ratings.c.stars)) is None:
        raise RatedAlready(field="task_id")
    facts = {"side": side.value, "stars": stars}
    await events.record(conn, "tasks.rated", subject_id=task_id, at=at, facts=facts)


async def stars_of(conn: AsyncConnection, *, org_id: UUID) -> tuple[int, int]:
    """How many have rated an organisation, and the sum of their stars."""
    found = await conn.execute(
        select(func.count(), func.coalesce(func.sum(task_ratings.c.stars), 0))
        .select_from(task_ratings.join(task_works, task_works.c.task_id == task_ratings.c.task_id))
        .where(
            ((task_works.c.brand_id == org_id) & (task_ratings.c.side == Side.CREATOR))
            | ((task_works.c.creator_id == org_id) & (task_ratings.c.side == Side.BRAND))
        )
    )
    count, stars = found.one()
    return int(count), int(stars)
