"""The day's payouts: a run for each kind of payee and currency that has terms, made in steps over
all books. A stop in the middle goes on where it was; twice the same day pays nothing more."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.ids import PersonId, StoreId
from dougong.base.time import local_day
from dougong.flows.pay_out import is_usable, pay_out, since_of, to_pay
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.payouts import run_of, runs_of_day
from dougong.reads.payouts_owed import Name, Owed, next_payables, owed
from dougong.settlement.payout_rules import NoPayoutTerms, RunState, due_day
from dougong.settlement.payout_run_commands import (
    advance_run,
    approve_run,
    begin_run,
    finish_run,
    lock_run,
)
from dougong.settlement.payout_terms_commands import DatedTerms, terms_by_id, terms_in_force

STEP_ACCOUNTS = 1_000
BOOK_AT_ONCE = 500


@task("settlement.make_payouts", every="*/10 * * * * 20")
async def make_payouts() -> None:
    """Every ten minutes: the runs that are due and not made, also after a stop over their day."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await queue_runs(conn, await begin_due(conn, at=at))


@task("settlement.make_run", retries=5)
async def run_in_steps(run_id: str) -> None:
    await make_run(UUID(run_id))


async def begin_due(conn: AsyncConnection, *, at: datetime) -> list[UUID]:
    """Runs that are due by the terms in force and not made yet, begun where they were not."""
    zone = ZoneInfo(settings().timezone)
    today = local_day(at, zone)
    found = []
    for (purpose, currency), dated in sorted((await terms_in_force(conn, at=at)).items()):
        day = due_day(dated.terms.weekday, today=today)
        if day < local_day(dated.starts, zone):
            continue  # the terms began after the last day that they name
        known = await runs_of_day(conn, day=day, currency=currency, purpose=purpose)
        if known and known[0].state != RunState.MAKING:
            continue
        found.append(
            await begin_run(
                conn,
                day=day,
                currency=currency,
                purpose=purpose,
                terms_id=dated.id,
                started_by=None,
                at=at,
            )
        )
    return found


async def start_day(
    conn: AsyncConnection, *, day: date, started_by: PersonId | None, at: datetime
) -> list[UUID]:
    """Begin a day's runs by hand, whatever weekday the terms name. Raises NoPayoutTerms."""
    terms: dict[tuple[str, str], DatedTerms] = await terms_in_force(conn, at=at)
    if not terms:
        raise NoPayoutTerms
    begun = []
    for (purpose, currency), dated in sorted(terms.items()):
        run_id = await begin_run(
            conn, day=day, currency=currency, purpose=purpose, terms_id=dated.id,
            started_by=started_by, at=at,
        )  # fmt: skip
        begun.append(run_id)
    await audit(
        conn, at=at, person_id=started_by, action="settlement.payouts_started",
        subject=day.isoformat(), facts={},
    )  # fmt: skip
    return begun


async def queue_runs(conn: AsyncConnection, runs: Sequence[UUID]) -> None:
    for run_id in runs:
        await defer(
            conn, "settlement.make_run", lock=f"payouts:{run_id}",
            queueing_lock=f"payouts:{run_id}", run_id=str(run_id),
        )  # fmt: skip


async def make_run(run_id: UUID, *, at: datetime | None = None) -> RunState:
    """Go through all payable accounts from where the run stands; answers where it stands then.

    Each book is paid out of in transactions of its own, so a stop loses at most a step, and what
    the step had booked is not booked again. `at`: when that is, for a market that plays history.
    """
    while await _step(run_id, at):
        await pause.point("payout: step done")
    async with transaction() as conn:
        at = at or await clock.refresh(conn)
        run = await run_of(conn, run_id=run_id)
        terms = (await terms_by_id(conn, terms_id=run.terms_id)).terms
        state = await finish_run(conn, run_id=run_id, limit_minor=terms.approve_above_minor, at=at)
        if run.state == RunState.MAKING:
            facts = {"day": run.day.isoformat(), "state": str(state)}
            await record(conn, "payout.run_made", subject_id=run_id, at=at, facts=facts)
            if state is RunState.APPROVED:
                await tell_bank_soon(conn)
    return state


async def _step(run_id: UUID, then: datetime | None) -> bool:
    """One step; False when nothing is left to look at."""
    async with transaction() as conn:
        at = then or await clock.refresh(conn)
        run = await run_of(conn, run_id=run_id)
        if run.state != RunState.MAKING:
            return False
        terms = (await terms_by_id(conn, terms_id=run.terms_id)).terms
        names = await next_payables(
            conn, purpose=run.purpose, currency=run.currency,
            after=(run.after_store, run.after_account), most=STEP_ACCOUNTS,
        )  # fmt: skip
        found = await owed(conn, accounts=names, since=since_of(terms, at))
    if not names:
        return False
    ripe = [one for one in found if to_pay(one, terms=terms)]
    good = [one for one in ripe if is_usable(one, terms=terms, at=at)]
    for store_id, accounts in _by_book(good):
        async with transaction() as conn:
            await pay_out(conn, run=run, terms=terms, store_id=store_id, accounts=accounts, at=at)
        await pause.point("payout: book done")
    left = [one for one in ripe if not is_usable(one, terms=terms, at=at)]
    async with transaction() as conn:
        await advance_run(
            conn, run=run, to=names[-1], unpaid=len(left),
            unpaid_minor=sum(to_pay(one, terms=terms) for one in left),
        )  # fmt: skip
    return True


def _by_book(rows: Sequence[Owed]) -> Iterator[tuple[StoreId, list[Name]]]:
    for store_id, group in groupby(rows, key=lambda one: one.store_id):
        names: list[Name] = [(one.store_id, one.ledger_id) for one in group]
        for start in range(0, len(names), BOOK_AT_ONCE):
            yield store_id, names[start : start + BOOK_AT_ONCE]


async def approve(
    conn: AsyncConnection, *, run_id: UUID, person_id: PersonId, at: datetime
) -> RunState:
    """Check a run above the limit, or let it go as the second person. Raises PayoutNotFound,
    RunWrongState, SecondPerson."""
    state = await approve_run(conn, run_id=run_id, person_id=person_id, at=at)
    run = await lock_run(conn, run_id=run_id)
    is_done = state is RunState.APPROVED
    action = "settlement.payouts_approved" if is_done else "settlement.payouts_checked"
    facts = {"amount_minor": run.total_minor, "currency": run.currency, "payouts": run.payouts}
    await audit(
        conn, at=at, person_id=person_id, action=action, subject=str(run_id),
        facts=facts | {"day": run.day.isoformat()},
    )  # fmt: skip
    if is_done:
        facts = {"day": run.day.isoformat(), "state": str(state)}
        await record(conn, "payout.run_approved", subject_id=run_id, at=at, facts=facts)
        await tell_bank_soon(conn)
    return state


async def tell_bank_soon(conn: AsyncConnection) -> None:
    """What may go to the bank goes now, not at the next minute."""
    await defer(conn, "settlement.tell_bank")
