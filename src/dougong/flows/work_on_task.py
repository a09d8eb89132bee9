"""What both sides do with an agreed task: samples, delivery, acceptance, a part of the price, doing
it again, a dispute and its ruling, cancelling. Each act locks the task, and moves it once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.flows.settle_task import evidence_now, leaving_now, settle_task
from dougong.flows.take_brief import DELIVER_BY, SAMPLES_BY
from dougong.infra import events, pause
from dougong.reads.task_evidence import evidence_of
from dougong.tasks.work_commands import (
    Work,
    latest_delivery,
    lock_work,
    move_work,
    note_samples,
    note_samples_received,
    write_delivery,
    write_note,
)
from dougong.tasks.work_rules import (
    BadWork,
    NoEvidence,
    Side,
    Stage,
    TermsMoved,
    TooEarly,
    WorkClosed,
    WorkGone,
    WorkState,
    check_move,
    check_share,
    check_words,
)

ACCEPT_BY, PART_BY, REDO_BY = "task_accept_by", "task_part_by", "task_redo_by"


async def send_samples(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    brand_id: UUID,
    note: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The brand has sent samples; `note` says how. Raises WorkGone, WorkClosed, BadWork."""
    work = await _of(conn, task_id, brand_id, Side.BRAND)
    await note_samples(conn, work=work, at=at)
    await _note(conn, work, Side.BRAND, "samples", note, person_id, at)
    await _drop(conn, SAMPLES_BY, work.task_id, at, "sent")


async def receive_samples(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    creator_id: UUID,
    note: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The creator has the samples; `note` says in which state. Raises WorkGone, WorkClosed."""
    work = await _of(conn, task_id, creator_id, Side.CREATOR)
    await note_samples_received(conn, work=work, at=at)
    await _note(conn, work, Side.CREATOR, "received", note, person_id, at)


async def deliver(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    creator_id: UUID,
    video_id: UUID | None,
    note: str,
    person_id: PersonId,
    at: datetime,
) -> UUID:
    """The creator says that it is done; what is on record goes with it. Answers the delivery.

    Raises WorkGone, WorkClosed, TooEarly, NoEvidence, BadWork.
    """
    work = await _of(conn, task_id, creator_id, Side.CREATOR)
    check_move(work.state, WorkState.DELIVERED, Side.CREATOR)
    if at < work.terms.starts_at:
        raise TooEarly(field="task_id", starts_at=work.terms.starts_at.isoformat())
    if work.terms.surface == "video" and video_id is None:
        raise BadWork(field="video", reason="missing")
    before = await latest_delivery(conn, task_id=task_id)
    found = await evidence_of(
        conn,
        task_id=task_id,
        creator_id=creator_id,
        terms=work.terms,
        agreed_at=work.agreed_at,
        video_id=video_id,
        at=at,
    )
    if not found.rooms and (found.video is None or found.video.public_from is None):
        raise NoEvidence(field="video" if work.terms.surface == "video" else "task_id")
    delivery_id = await write_delivery(
        conn, work=work, video_id=found.video.video_id if found.video else None, note=note,
        evidence=found, person_id=person_id, at=at,
    )  # fmt: skip
    await pause.point("task: delivered")
    await move_work(
        conn, work=work, state=WorkState.DELIVERED, side=Side.CREATOR,
        delivery_no=work.delivery_no + 1,
    )  # fmt: skip
    if before is None:
        await _drop(conn, DELIVER_BY, task_id, at, "delivered")
    else:
        await _drop(conn, REDO_BY, before.id, at, "delivered")
    await _due(conn, ACCEPT_BY, delivery_id, at + timedelta(days=work.terms.review_days))
    return delivery_id


async def accept(
    conn: AsyncConnection, *, task_id: UUID, brand_id: UUID, person_id: PersonId, at: datetime
) -> None:
    """The brand is content: the whole price is paid. Said twice, it is paid once.

    Raises WorkGone, WorkClosed.
    """
    work = await _of(conn, task_id, brand_id, Side.BRAND)
    if work.state is WorkState.ACCEPTED:
        return
    await pause.point("task: found it delivered")
    await settle_task(
        conn, work=work, state=WorkState.ACCEPTED, side=Side.BRAND, share_bp=10_000,
        why="by_brand", at=at,
    )  # fmt: skip
    await _drop_review(conn, work, at, "accepted")


async def ask_again(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    brand_id: UUID,
    reason: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The brand wants it done again, and says why. Raises WorkGone, WorkClosed, BadWork."""
    work = await _of(conn, task_id, brand_id, Side.BRAND)
    body = check_words(reason, field="reason")
    await move_work(conn, work=work, state=WorkState.REDO, side=Side.BRAND)
    await _note(conn, work, Side.BRAND, "redo", body, person_id, at)
    await _drop_review(conn, work, at, "redo")
    delivery = await latest_delivery(conn, task_id=task_id)
    if delivery is None:
        raise WorkClosed(field="task_id", state=work.state.value)
    due = max(at, work.terms.ends_at) + timedelta(days=work.terms.deliver_within_days)
    await _due(conn, REDO_BY, delivery.id, due)


async def offer_part(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    brand_id: UUID,
    share_bp: int,
    reason: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The brand offers a part of the price for what was delivered.

    Raises WorkGone, WorkClosed, BadWork.
    """
    work = await _of(conn, task_id, brand_id, Side.BRAND)
    check_share(share_bp, most=9_999)
    body = check_words(reason, field="reason")
    await put_part(conn, work=work, side=Side.BRAND, share_bp=share_bp, at=at)
    await _note(conn, work, Side.BRAND, "part", body, person_id, at, share_bp=share_bp)
    await _drop_review(conn, work, at, "part_offered", but=PART_BY)


async def put_part(
    conn: AsyncConnection, *, work: Work, side: Side, share_bp: int, at: datetime
) -> None:
    """A part is on the table; what the creator does not dispute in time counts as taken."""
    await move_work(conn, work=work, state=WorkState.PART_OFFERED, side=side, offered_bp=share_bp)
    delivery = await latest_delivery(conn, task_id=work.task_id)
    if delivery is None:
        raise WorkClosed(field="task_id", state=work.state.value)
    await _due(conn, PART_BY, delivery.id, at + timedelta(days=work.terms.review_days))


async def take_part(
    conn: AsyncConnection, *, task_id: UUID, creator_id: UUID, person_id: PersonId, at: datetime
) -> None:
    """The creator takes the part that is offered. Said twice, it is paid once.

    Raises WorkGone, WorkClosed.
    """
    work = await _of(conn, task_id, creator_id, Side.CREATOR)
    if work.state is WorkState.PART_ACCEPTED:
        return
    await end_in_part(conn, work=work, side=Side.CREATOR, why="by_creator", at=at)
    await _drop_review(conn, work, at, "taken")


async def end_in_part(
    conn: AsyncConnection, *, work: Work, side: Side, why: str, at: datetime
) -> None:
    if work.offered_bp is None:
        raise WorkClosed(field="task_id", state=work.state.value)
    await settle_task(
        conn, work=work, state=WorkState.PART_ACCEPTED, side=side, share_bp=work.offered_bp,
        why=why, at=at,
    )  # fmt: skip


async def dispute(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    party_id: UUID,
    statement: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """One side will not have it: the operator rules. What is on record is kept with its word.

    Raises WorkGone, WorkClosed, BadWork.
    """
    work = await lock_work(conn, task_id=task_id)
    side = work.side_of(party_id)
    body = check_words(statement, field="statement")
    await move_work(conn, work=work, state=WorkState.DISPUTED, side=side)
    await _note(conn, work, side, "dispute", body, person_id, at, with_evidence=True)
    await _drop_review(conn, work, at, "disputed")


async def state(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    party_id: UUID,
    statement: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """A side says more of a dispute. Raises WorkGone, WorkClosed, BadWork."""
    work = await lock_work(conn, task_id=task_id)
    side = work.side_of(party_id)
    if work.state is not WorkState.DISPUTED:
        raise WorkClosed(field="task_id", state=work.state.value)
    body = check_words(statement, field="statement")
    await _note(conn, work, side, "statement", body, person_id, at)


async def rule(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    share_bp: int,
    reason: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The operator decides which part of the price was earned, and says why.

    Raises WorkGone, WorkClosed, BadWork.
    """
    work = await lock_work(conn, task_id=task_id)
    check_share(share_bp)
    body = check_words(reason, field="reason")
    await settle_task(
        conn, work=work, state=WorkState.RULED, side=Side.OPERATOR, share_bp=share_bp,
        why="ruled", at=at,
    )  # fmt: skip
    await _note(conn, work, Side.OPERATOR, "ruling", body, person_id, at, share_bp=share_bp)


async def cancel(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    party_id: UUID,
    reason: str,
    person_id: PersonId,
    at: datetime,
    seen: Stage | None = None,
) -> None:
    """Either side withdraws from what is not delivered, by the terms of that day. `seen`: the
    stage whose cost was shown before.

    Raises WorkGone, WorkClosed, BadWork, TermsMoved.
    """
    work = await lock_work(conn, task_id=task_id)
    side = work.side_of(party_id)
    body = check_words(reason, field="reason")
    await pause.point("task: about to cancel")
    check_move(work.state, WorkState.CANCELLED, side)
    cost = await leaving_now(conn, work=work, side=side, at=at)
    if seen is not None and seen is not cost.stage:
        raise TermsMoved(field="stage", stage=cost.stage.value)
    await _note(
        conn, work, side, "cancel", body, person_id, at, share_bp=cost.share_bp, with_evidence=True
    )
    await settle_task(
        conn, work=work, state=WorkState.CANCELLED, side=side, share_bp=cost.share_bp,
        why=f"by_{side}", at=at, reached=cost.reached,
    )  # fmt: skip
    await _drop_review(conn, work, at, "cancelled")
    for kind in (DELIVER_BY, SAMPLES_BY):
        await _drop(conn, kind, task_id, at, "cancelled")


async def _of(conn: AsyncConnection, task_id: UUID, party_id: UUID, side: Side) -> Work:
    """Locked, and this side's. Raises WorkGone."""
    work = await lock_work(conn, task_id=task_id)
    if work.side_of(party_id) is not side:
        raise WorkGone(field="task_id")
    return work


async def _note(
    conn: AsyncConnection,
    work: Work,
    side: Side,
    kind: str,
    body: str,
    person_id: PersonId,
    at: datetime,
    *,
    share_bp: int | None = None,
    with_evidence: bool = False,
) -> None:
    found = await evidence_now(conn, work=work, at=at) if with_evidence else None
    await write_note(
        conn, task_id=work.task_id, side=side, kind=kind, body=body.strip()[:4_000],
        person_id=person_id, at=at, share_bp=share_bp, evidence=found,
    )  # fmt: skip


async def _due(conn: AsyncConnection, kind: str, subject_id: UUID, due_at: datetime) -> None:
    await events.set_deadline(
        conn, store_id=PLATFORM_BOOK, kind=kind, subject_id=subject_id, due_at=due_at
    )


async def _drop(conn: AsyncConnection, kind: str, subject_id: UUID, at: datetime, why: str) -> None:
    await events.drop_deadline(
        conn, store_id=PLATFORM_BOOK, kind=kind, subject_id=subject_id, at=at, why=why
    )


async def _drop_review(
    conn: AsyncConnection, work: Work, at: datetime, why: str, *, but: str = ""
) -> None:
    """Nothing waits any more for the latest delivery."""
    delivery = await latest_delivery(conn, task_id=work.task_id)
    for kind in (ACCEPT_BY, PART_BY, REDO_BY):
        if delivery is not None and kind != but:
            await _drop(conn, kind, delivery.id, at, why)
