"""A creator takes a brief: applies, is chosen, and the task is agreed. What holds that day is
frozen on it, and the brand's money is held for all that it can come to."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, derived_id
from dougong.base.money import Money
from dougong.flows.agree_task import agree_task
from dougong.flows.book_tasks import agreed_entry
from dougong.flows.price_task import prices_for
from dougong.infra import clock, events, pause
from dougong.ledger.commands import book
from dougong.ledger.queries import balances
from dougong.ledger.rules import AccountName, Purpose, account_id
from dougong.tasks.agency_commands import contract_at
from dougong.tasks.brief_commands import (
    apply_for,
    decide_application,
    lock_application,
    lock_brief,
    take_place,
)
from dougong.tasks.brief_queries import KeptBrief, application_of, brief_of, kept_brief
from dougong.tasks.brief_rules import (
    ApplicationClosed,
    ApplicationState,
    BriefClosed,
    BriefState,
    FundsShort,
    NotInvited,
    WaitForMoney,
    Way,
    funded_minor,
)
from dougong.tasks.work_commands import Work, lock_purse, write_work
from dougong.tasks.work_rules import WorkState

DELIVER_BY, SAMPLES_BY = "task_deliver_by", "task_samples_by"


class Taken(msgspec.Struct, frozen=True):
    """`task_id` None: the brand has yet to choose."""

    application_id: UUID
    task_id: UUID | None


async def take_brief(
    conn: AsyncConnection,
    *,
    brief_id: UUID,
    creator_id: OrgId,
    note: str,
    person_id: PersonId,
    at: datetime,
) -> Taken:
    """A creator says yes. Open: it applies. Assigned to it, or recruiting: the task is agreed.

    Raises BriefGone, BriefClosed, NotInvited, AppliedAlready, PlacesTaken, WaitForMoney,
    SourceBarred, TaskFeeMissing.
    """
    kept = kept_brief(await lock_brief(conn, brief_id=brief_id))
    _check_open(kept, at=at)
    mine = await application_of(conn, brief_id=brief_id, creator_id=creator_id)
    if mine is not None and mine.state == ApplicationState.AGREED:
        return Taken(mine.id, task_of(mine.id))  # said yes twice: agreed once
    invited = mine is not None and mine.state == ApplicationState.INVITED
    if kept.brief.way is Way.ASSIGNED and not invited:
        raise NotInvited(field="brief_id", why="assigned")
    if not invited:
        await _check_followers(conn, kept, creator_id)
    seen = await seen_by(conn, kept=kept, creator_id=creator_id, at=at)
    if mine is not None and invited:
        application_id = mine.id
    else:
        application_id = await apply_for(
            conn, brief_id=brief_id, creator_id=creator_id, note=note, seen=seen, at=at
        )
    if kept.brief.way is Way.OPEN:
        return Taken(application_id, None)
    try:
        task_id = await _agree(
            conn, kept, application_id=application_id, creator_id=creator_id,
            person_id=person_id, seen=seen, at=at,
        )  # fmt: skip
    except FundsShort as error:
        raise WaitForMoney(field="brief_id") from error
    return Taken(application_id, task_id)


async def choose(
    conn: AsyncConnection,
    *,
    application_id: UUID,
    brand_id: UUID,
    person_id: PersonId,
    at: datetime,
) -> UUID:
    """The brand takes a creator that has applied; again, it finds the same task.

    Raises NotFound, ApplicationClosed, BriefClosed, PlacesTaken, FundsShort, SourceBarred,
    TaskFeeMissing.
    """
    kept, found = await _locked(conn, application_id, brand_id)
    if found.state == ApplicationState.AGREED:
        return task_of(application_id)
    if found.state != ApplicationState.APPLIED:
        raise ApplicationClosed(field="application_id", state=found.state)
    if kept.state is not BriefState.POSTED:
        raise BriefClosed(field="brief_id", state=kept.state.value)
    await pause.point("task: read the application")
    return await _agree(
        conn, kept, application_id=application_id, creator_id=OrgId(found.creator_id),
        person_id=person_id, seen=None, at=at,
    )  # fmt: skip


async def decline(
    conn: AsyncConnection,
    *,
    application_id: UUID,
    party_id: UUID,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The brand says no to who applied; a creator to being named, or it takes its word back.

    Raises NotFound, ApplicationClosed.
    """
    found = await lock_application(conn, application_id=application_id)
    brief = await brief_of(conn, brief_id=found.brief_id)
    if party_id not in (brief.brief.brand_id, found.creator_id):
        raise NotFound
    invited = found.state == ApplicationState.INVITED
    by_creator = party_id == found.creator_id
    is_back = by_creator and not invited
    await decide_application(
        conn,
        application_id=application_id,
        state=ApplicationState.WITHDRAWN if is_back else ApplicationState.DECLINED,
        person_id=person_id,
        at=at,
    )


def task_of(application_id: UUID) -> UUID:
    """One application makes one task, however often it is agreed."""
    return derived_id(application_id, "task")


async def seen_by(
    conn: AsyncConnection, *, kept: KeptBrief, creator_id: UUID, at: datetime
) -> dict[str, Any]:
    """What a creator is shown before it applies, kept with its application."""
    brief = kept.brief
    prices = await prices_for(conn, creator_id)
    offer = prices.offer(terms=brief.terms, at=at, until=brief.apply_until)
    found: dict[str, Any] = msgspec.to_builtins(offer)
    return found


async def available_minor(conn: AsyncConnection, *, brand_id: UUID, currency: str) -> int:
    """What a brand has paid in and not spent or set aside."""
    name = AccountName(brand_id, Purpose.ADVERTISER_FUNDS)
    asked = account_id(PLATFORM_BOOK, name, currency)
    found = await balances(conn, store_id=PLATFORM_BOOK, account_id=asked)
    return found[0].balance_minor if found else 0


async def _locked(
    conn: AsyncConnection, application_id: UUID, brand_id: UUID
) -> tuple[KeptBrief, Any]:
    """The brief, then the application, as everybody locks them. Raises NotFound."""
    brief_id = await conn.scalar(
        text("SELECT brief_id FROM task_applications WHERE id = :id"), {"id": application_id}
    )
    if not isinstance(brief_id, UUID):
        raise NotFound
    kept = kept_brief(await lock_brief(conn, brief_id=brief_id))
    if kept.brief.brand_id != brand_id:
        raise NotFound
    return kept, await lock_application(conn, application_id=application_id)


async def _agree(
    conn: AsyncConnection,
    kept: KeptBrief,
    *,
    application_id: UUID,
    creator_id: OrgId,
    person_id: PersonId,
    seen: dict[str, Any] | None,
    at: datetime,
) -> UUID:
    brief, terms = kept.brief, kept.brief.terms
    await take_place(conn, brief_id=brief.id)
    await decide_application(
        conn, application_id=application_id, state=ApplicationState.AGREED, person_id=person_id,
        seen=seen, at=at,
    )  # fmt: skip
    task = await agree_task(
        conn,
        task_id=task_of(application_id),
        brand_id=OrgId(brief.brand_id),
        creator_id=creator_id,
        surface=terms.surface,
        source=terms.source,
        category=terms.category,
        price=Money(funded_minor(terms), terms.currency),
        price_model=terms.model,
        agreed_at=at,
        ends_at=terms.ends_at,
    )
    contract = await contract_at(conn, creator_id=creator_id, at=at)
    work = Work(
        task_id=task.id,
        brief_id=brief.id,
        application_id=application_id,
        brand_id=brief.brand_id,
        creator_id=creator_id,
        state=WorkState.AGREED,
        terms=terms,
        currency=terms.currency,
        funded_minor=funded_minor(terms),
        service_fee_bp=task.frozen.service_fee_bp,
        contract_id=contract.id if contract else None,
        agency_id=contract.agency_id if contract else None,
        agency_bp=contract.share_bp if contract else 0,
        agreed_at=at,
    )
    await write_work(conn, work=work)
    await _hold(conn, work)
    await _set_deadlines(conn, work)
    return task.id


async def _hold(conn: AsyncConnection, work: Work) -> None:
    """Set the money aside; nobody else spends of the same funds meanwhile. Raises FundsShort."""
    entry = agreed_entry(work)
    if entry is None:
        return
    await lock_purse(conn, brand_id=work.brand_id, currency=work.currency)
    available = await available_minor(conn, brand_id=work.brand_id, currency=work.currency)
    await pause.point("task: read the funds")
    if available < work.funded_minor:
        raise FundsShort(
            field="budget", needed_minor=work.funded_minor, available_minor=available,
            currency=work.currency,
        )  # fmt: skip
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=work.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


async def _set_deadlines(conn: AsyncConnection, work: Work) -> None:
    terms = work.terms
    due = {DELIVER_BY: terms.ends_at + timedelta(days=terms.deliver_within_days)}
    if terms.samples_by is not None:
        due[SAMPLES_BY] = max(terms.samples_by, work.agreed_at)
    for kind, due_at in due.items():
        await events.set_deadline(
            conn, store_id=PLATFORM_BOOK, kind=kind, subject_id=work.task_id, due_at=due_at
        )


def _check_open(kept: KeptBrief, *, at: datetime) -> None:
    if kept.state is not BriefState.POSTED or at >= kept.brief.apply_until:
        raise BriefClosed(field="brief_id", state=kept.state.value)


async def _check_followers(conn: AsyncConnection, kept: KeptBrief, creator_id: UUID) -> None:
    least = kept.brief.terms.least_followers
    if least:
        found = await conn.scalar(
            text("SELECT count(*) FROM follows WHERE creator_id = :id"), {"id": creator_id}
        )
        if int(found or 0) < least:
            raise NotInvited(field="brief_id", why="followers", least=least, has=int(found or 0))
