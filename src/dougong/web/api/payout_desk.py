"""API v1: the platform's payouts; runs that two people let go, and each payout's course."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput
from dougong.base.time import local_day
from dougong.flows import pay_out as flow
from dougong.flows.payout_files import note_answer
from dougong.flows.payout_runs import approve, queue_runs, start_day
from dougong.flows.tell_bank import ask_again
from dougong.infra.settings import settings
from dougong.reads.payouts import (
    PayoutFilter,
    payout_of,
    payout_rows,
    run_of,
    run_rows,
    state_sums,
    store_of_payout,
)
from dougong.settlement.payout_rules import BankAnswer, PayoutState
from dougong.web.api.common import After, Limit, MaybeKey, Search, once_if, plain
from dougong.web.api.payout_types import (
    ConfirmedInput,
    DeskPayout,
    DeskPayoutDetail,
    DeskPayoutPage,
    OfPurpose,
    PayoutRun,
    PayoutRunDetail,
    PayoutRuns,
    ReturnedInput,
    RunInput,
    RunsStarted,
    State,
    WhyInput,
    desk_detail,
    sums_shown,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

PAYOUTS, RUNS = "/api/v1/payouts", "/api/v1/payout-runs"
ONE, RUN = PAYOUTS + "/{payout_id:uuid}", RUNS + "/{run_id:uuid}"
TAGS = ["payout desk"]
READ: dict[str, Any] = {"permission": Permission.PAYOUT_READ, "tags": TAGS}
ACT: dict[str, Any] = {"permission": Permission.PAYOUT_MANAGE, "tags": TAGS}


class PayoutDeed(NamedTuple):
    """Somebody does something with one payout."""

    conn: AsyncConnection
    payout_id: UUID
    who: Access
    at: datetime

    async def named(self) -> dict[str, Any]:
        """Which payout, as the flows ask for it. Raises PayoutNotFound."""
        store_id = await store_of_payout(self.conn, payout_id=self.payout_id)
        return {"store_id": store_id, "payout_id": self.payout_id}

    async def named_by(self) -> dict[str, Any]:
        """And by whom, when."""
        return await self.named() | {"by": self.who.person_id, "at": self.at}

    async def once(
        self, name: str, key: str | None, request: Any, do: Callable[[], Awaitable[object]]
    ) -> DeskPayoutDetail:
        """Do it, for the first request with this key; the payout as it is then, or the one whose
        id `do` answers."""

        async def make() -> DeskPayoutDetail:
            other = await do()
            shown = other if isinstance(other, UUID) else self.payout_id
            return await desk_detail(self.conn, await payout_of(self.conn, payout_id=shown))

        return await once_if(
            self.conn, key=key, owner_id=self.who.person_id, route=f"payout.{name}",
            request=(self.payout_id, request), answer=DeskPayoutDetail, at=self.at, make=make,
        )  # fmt: skip


async def provide_payout_deed(
    payout_id: FromPath[UUID], conn: Conn, who: Who, now: Now
) -> PayoutDeed:
    return PayoutDeed(conn, payout_id, who, now)


Deed: TypeAlias = NamedDependency[PayoutDeed]
ON_ONE: dict[str, Any] = {
    "permission": Permission.PAYOUT_MANAGE,
    "tags": TAGS,
    "status_code": 200,
    "dependencies": {"deed": Provide(provide_payout_deed)},
}


@get(RUNS, summary="Runs, the newest day first", **READ)
async def list_runs(
    conn: Conn,
    status: FromQuery[Literal["", "making", "waiting", "approved"]] = "",
    purpose: FromQuery[OfPurpose] = "",
    after: After = "",
    limit: Limit = 50,
) -> PayoutRuns:
    """A run is one day, currency and kind of payee."""
    start = cursor_values(after, tuple[date, UUID])
    found = await run_rows(conn, state=status, purpose=purpose, before=start, most=limit + 1)
    rows, following = cut(found, lambda row: (row.day, row.id), limit)
    return PayoutRuns([PayoutRun.of(row) for row in rows], following or None)


async def _run(conn: AsyncConnection, run_id: UUID) -> PayoutRunDetail:
    """Raises PayoutNotFound."""
    run = PayoutRun.of(await run_of(conn, run_id=run_id))
    return PayoutRunDetail(run, sums_shown(await state_sums(conn, run_id=run_id)))


@get(RUN, summary="One run", **READ)
async def read_run(run_id: FromPath[UUID], conn: Conn) -> PayoutRunDetail:
    """Its payouts: `payouts?run_id=`."""
    return await _run(conn, run_id)


@post(RUNS, summary="Make a day's payouts", status_code=202, **ACT)
async def start_runs(
    data: JSONBody[RunInput], conn: Conn, who: Who, now: Now, key: MaybeKey = None
) -> RunsStarted:
    """Begun now, whatever weekday the terms name, and made by jobs; runs of that day that are there
    stay as they are. Who starts a run has checked it: above its limit somebody else lets it go.
    409 `payout_no_terms` when no terms are in force."""
    today = local_day(now, ZoneInfo(settings().timezone))
    day = data.day or today
    if day > today:
        raise BadInput(field="day", reason="in_future")

    async def make() -> RunsStarted:
        begun = await start_day(conn, day=day, started_by=who.person_id, at=now)
        await queue_runs(conn, begun)
        return RunsStarted([PayoutRun.of(await run_of(conn, run_id=one)) for one in begun])

    return await once_if(
        conn, key=key, owner_id=who.person_id, route="payout_runs", request=data,
        answer=RunsStarted, at=now, make=make,
    )  # fmt: skip


@post(RUN + "/approve", summary="Check a run, or let it go", status_code=200, **ACT)
async def approve_run(
    run_id: FromPath[UUID], conn: Conn, who: Who, now: Now, key: MaybeKey = None
) -> PayoutRunDetail:
    """Of a run that waits: the first person checks it, the second lets it go to the bank. 409
    `payout_second_person` for who has started or checked it, `payout_run_wrong_state` for one that
    is not made yet or was let go."""

    async def make() -> PayoutRunDetail:
        await approve(conn, run_id=run_id, person_id=who.person_id, at=now)
        return await _run(conn, run_id)

    return await once_if(
        conn, key=key, owner_id=who.person_id, route="payout_runs.approve", request=run_id,
        answer=PayoutRunDetail, at=now, make=make,
    )  # fmt: skip


@get(PAYOUTS, summary="Payouts of all payees, the newest day first", **READ)
async def list_payouts(
    conn: Conn,
    q: Search = "",
    status: FromQuery[State] = "",
    purpose: FromQuery[OfPurpose] = "",
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    run_id: FromQuery[UUID | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> DeskPayoutPage:
    """`q`: a part of a payee's or holder's name, the bank's reference, or an id. `since` and
    `until`: days, both counted in."""
    chosen = PayoutFilter(
        words=plain(q), state=status, purpose=purpose, since=since, until=until, run_id=run_id
    )
    start = cursor_values(after, tuple[date, UUID])
    found = await payout_rows(conn, chosen, before=start, most=limit + 1)
    rows, following = cut(found, lambda row: (row.day, row.id), limit)
    return DeskPayoutPage([DeskPayout.of(row) for row in rows], following or None)


@get(ONE, summary="A payout, its course and what it is made of", **READ)
async def read_payout(payout_id: FromPath[UUID], conn: Conn) -> DeskPayoutDetail:
    """With who did what of it."""
    return await desk_detail(conn, await payout_of(conn, payout_id=payout_id))


@post(ONE + "/hold", summary="Keep a payout from the bank", **ON_ONE)
async def hold(data: JSONBody[WhyInput], deed: Deed, key: MaybeKey = None) -> DeskPayoutDetail:
    """Until somebody has looked. 409 `payout_wrong_state` unless it is booked."""

    async def do() -> None:
        await flow.hold(deed.conn, why=data.why.strip(), **await deed.named_by())

    return await deed.once("hold", key, data, do)


@post(ONE + "/release", summary="Let a held payout go on", **ON_ONE)
async def release(deed: Deed, key: MaybeKey = None) -> DeskPayoutDetail:
    """To the account that its payee has now: 409 `payout_no_account` where there is none."""

    async def do() -> None:
        await flow.release(deed.conn, **await deed.named_by())

    return await deed.once("release", key, None, do)


@post(ONE + "/give-up", summary="Do not make a held payout", **ON_ONE)
async def give_up(data: JSONBody[WhyInput], deed: Deed, key: MaybeKey = None) -> DeskPayoutDetail:
    """The payee is owed it again. 409 `payout_wrong_state` unless it is held."""

    async def do() -> None:
        await flow.give_up(deed.conn, why=data.why.strip(), **await deed.named_by())

    return await deed.once("give_up", key, data, do)


@post(ONE + "/retry", summary="Pay at once what came back", **ON_ONE)
async def retry(deed: Deed, key: MaybeKey = None) -> DeskPayoutDetail:
    """As far as it is still owed, once; answers the new payout. 409 `payout_no_account`,
    `payout_nothing_owed`, `payout_wrong_state` unless it has come back."""

    async def do() -> UUID:
        return await flow.retry(deed.conn, **await deed.named_by())

    return await deed.once("retry", key, None, do)


@post(ONE + "/ask", summary="Ask the bank about a payout", **ON_ONE)
async def ask(deed: Deed, key: MaybeKey = None) -> DeskPayoutDetail:
    """At the next minute, where the bank is called; it pays nothing twice. 409 `payout_wrong_state`
    unless it is at the bank."""

    async def do() -> None:
        await ask_again(deed.conn, **await deed.named())

    return await deed.once("ask", key, None, do)


@post(ONE + "/confirmed", summary="Note that the bank has paid it", **ON_ONE)
async def confirmed(
    data: JSONBody[ConfirmedInput], deed: Deed, key: MaybeKey = None
) -> DeskPayoutDetail:
    """What it says already changes nothing. 409 `payout_bank_is_called` where the platform asks the
    bank itself, `payout_wrong_state` before it is at the bank, `payout_bank_ref_taken`."""

    async def do() -> None:
        answer = BankAnswer(deed.payout_id, PayoutState.CONFIRMED, data.bank_ref.strip())
        await note_answer(deed.conn, answer=answer, by=deed.who.person_id, at=deed.at)

    return await deed.once("confirmed", key, data, do)


@post(ONE + "/returned", summary="Note that the bank has sent it back", **ON_ONE)
async def returned(
    data: JSONBody[ReturnedInput], deed: Deed, key: MaybeKey = None
) -> DeskPayoutDetail:
    """The payee is owed it again, also days after it was confirmed. Refused as `confirmed` is."""

    async def do() -> None:
        answer = BankAnswer(
            deed.payout_id, PayoutState.RETURNED, data.bank_ref.strip(), data.reason.strip()
        )
        await note_answer(deed.conn, answer=answer, by=deed.who.person_id, at=deed.at)

    return await deed.once("returned", key, data, do)


HANDLERS: list[HTTPRouteHandler] = [
    list_runs, read_run, start_runs, approve_run, list_payouts, read_payout, hold, release, give_up,
    retry, ask, confirmed, returned,
]  # fmt: skip
