"""Payouts of a day: who is paid and who is not, once, by two people above the limit."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, a_store
from tests.settlement.payout_world import (
    TERMS,
    a_currency,
    an_account,
    owe,
    payable_of,
    some_terms,
)

import dougong.flows.tasks  # noqa: F401 (registers every job)
from dougong.base.errors import BadInput
from dougong.base.ids import PersonId
from dougong.flows import pay_out as flow
from dougong.flows.payout_runs import approve, make_run, start_day
from dougong.infra import pause
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.ledger.rules import Purpose
from dougong.reads.doctor_payouts_sql import MONEY, WRONG
from dougong.reads.payouts import PayoutFilter as Filter
from dougong.reads.payouts import moves_of, payout_rows, run_of
from dougong.settlement.payout_rules import (
    BankAnswer,
    NoPayoutAccount,
    PayoutWrongState,
    RunState,
    SecondPerson,
    Terms,
    bank_account,
    due_day,
    payable,
    read_answers,
)

pytestmark = pytest.mark.money
DAY = timedelta(days=1)
TODAY = date(2026, 11, 20)


async def whole(conn: AsyncConnection, run_id: UUID) -> None:
    """No payout's money is in doubt (those of other tests are theirs)."""
    ours = {str(row.id) for row in await payout_rows(conn, Filter(run_id=run_id), most=10_000)}
    for asked in (MONEY, WRONG):
        wrong = [row for row in await conn.execute(asked) if row.example.split()[-1] in ours]
        assert wrong == []


async def a_run(
    *owed: int, terms: Terms = TERMS, at_account: timedelta = timedelta(0), without: int = 0,
    started_by: PersonId | None = None,
) -> tuple[UUID, list[UUID]]:  # fmt: skip
    """Committed: creators that are owed these amounts, of whom the last `without` have no account;
    answers the day's run, made, and the creators."""
    currency, payees = a_currency(), [uuid4() for _ in owed]
    async with transaction() as conn:
        now = wall_now()
        await some_terms(conn, at=now, currency=currency, terms=terms, purpose="creator_payable")
        for payee, minor in zip(payees, owed, strict=True):
            await owe(conn, payee, minor, currency=currency, at=now - 30 * DAY)
        for payee in payees[: len(payees) - without]:
            await an_account(conn, payee, at=now - at_account, currency=currency)
    async with transaction() as conn:
        runs = await start_day(conn, day=TODAY, started_by=started_by, at=wall_now())
        ours = [run for run in runs if (await run_of(conn, run_id=run)).currency == currency]
    await make_run(ours[0])
    return ours[0], payees


async def test_a_day_pays_each_payee_once_and_again_nothing() -> None:
    run_id, payees = await a_run(12_345, 1)
    for _ in range(2):
        assert await make_run(run_id) is RunState.APPROVED
    async with transaction() as conn:
        rows = await payout_rows(conn, Filter(run_id=run_id), most=10)
        assert sorted(row.amount_minor for row in rows) == [1, 12_345]
        assert [await payable_of(conn, payee) for payee in payees] == [0, 0]
        run = await run_of(conn, run_id=run_id)
        assert (run.payouts, run.total_minor, run.unpaid) == (2, 12_346, 0)
        await whole(conn, run_id)


async def test_who_has_no_account_is_not_paid_and_stays_owed() -> None:
    run_id, payees = await a_run(500, 700, without=1)
    async with transaction() as conn:
        run = await run_of(conn, run_id=run_id)
        assert (run.payouts, run.total_minor, run.unpaid, run.unpaid_minor) == (1, 500, 1, 700)
        assert await payable_of(conn, payees[1]) == 700


async def test_below_the_minimum_and_below_zero_nothing_is_paid() -> None:
    terms = Terms(weekday=None, minimum_minor=100, hold_days=0, change_wait_days=0,
                  approve_above_minor=10**9)  # fmt: skip
    run_id, payees = await a_run(99, 100, -500, terms=terms)
    async with transaction() as conn:
        rows = await payout_rows(conn, Filter(run_id=run_id), most=10)
        assert [row.payee_id for row in rows] == [payees[1]]


async def test_money_on_hold_waits_and_is_paid_when_it_is_old_enough() -> None:
    terms = Terms(weekday=None, minimum_minor=1, hold_days=7, change_wait_days=0,
                  approve_above_minor=10**9)  # fmt: skip
    currency, payee = a_currency(), uuid4()
    async with transaction() as conn:
        now = wall_now()
        await some_terms(conn, at=now, currency=currency, terms=terms)
        await owe(conn, payee, 1_000, currency=currency, at=now - 8 * DAY)
        await owe(conn, payee, 250, currency=currency, at=now - 6 * DAY)
        await an_account(conn, payee, at=now, currency=currency)
        runs = await start_day(conn, day=TODAY, started_by=None, at=wall_now())
        ours = [run for run in runs if (await run_of(conn, run_id=run)).currency == currency]
    for run in ours:
        await make_run(run)
    async with transaction() as conn:
        (row,) = await payout_rows(conn, Filter(payee_id=payee), most=2)
        assert row.amount_minor == 1_000
        assert await payable_of(conn, payee) == 250


async def test_a_changed_account_waits_before_its_first_payout() -> None:
    run_id, (payee,) = await a_run(100)
    async with transaction() as conn:
        run, now = await run_of(conn, run_id=run_id), wall_now()
        await an_account(conn, payee, at=now, currency=run.currency, number="6222021001116240000")
        await owe(conn, payee, 300, currency=run.currency, at=now - DAY)
        runs = await start_day(conn, day=TODAY + DAY, started_by=None, at=wall_now())
        ours = [one for one in runs if (await run_of(conn, run_id=one)).currency == run.currency]
    await make_run(ours[0])
    async with transaction() as conn:
        assert (await run_of(conn, run_id=ours[0])).unpaid_minor == 300
        assert await payable_of(conn, payee) == 300


@pytest.mark.parametrize("started_by_person", [False, True])
async def test_above_the_limit_two_people_let_a_run_go(started_by_person: bool) -> None:
    async with transaction() as conn:
        first, second = await a_person(conn), await a_person(conn)
    terms = Terms(weekday=None, minimum_minor=1, hold_days=0, change_wait_days=0,
                  approve_above_minor=99)  # fmt: skip
    run_id, _ = await a_run(100, terms=terms, started_by=first if started_by_person else None)
    async with transaction() as conn:
        now = wall_now()
        assert (await run_of(conn, run_id=run_id)).state == "waiting"
        if not started_by_person:
            assert await approve(conn, run_id=run_id, person_id=first, at=now) is RunState.WAITING
        with pytest.raises(SecondPerson):
            await approve(conn, run_id=run_id, person_id=first, at=now)
        assert await approve(conn, run_id=run_id, person_id=second, at=now) is RunState.APPROVED


async def test_a_stop_between_two_books_goes_on_where_it_was() -> None:
    """The run dies after the first book; what it has booked is not booked again."""
    currency = a_currency()
    async with transaction() as conn:
        now = wall_now()
        await some_terms(conn, at=now, currency=currency)
        stores = [await a_store(conn) for _ in range(3)]
        for store in stores:
            await owe(conn, store.org_id, 900, currency=currency, store_id=store.store_id,
                      purpose=Purpose.MERCHANT_PAYABLE, at=now - DAY)  # fmt: skip
            await an_account(conn, store.org_id, at=now, currency=currency)
        runs = await start_day(conn, day=TODAY, started_by=None, at=wall_now())
        rows = [await run_of(conn, run_id=run) for run in runs]
    (run_id,) = [
        r.id for r in rows if r.currency == currency and r.purpose == "merchant_payable"
    ]  # fmt: skip

    class Stop(Exception):
        pass

    async def stop(name: str) -> None:
        if name == "payout: book done":
            raise Stop

    pause.install(stop)
    try:
        with pytest.raises(Stop):
            await make_run(run_id)
    finally:
        pause.install(None)
    assert await make_run(run_id) is RunState.APPROVED
    async with transaction() as conn:
        run = await run_of(conn, run_id=run_id)
        assert (run.payouts, run.total_minor) == (3, 2_700)
        assert [await payable_of(conn, store.org_id) for store in stores] == [0, 0, 0]
        await whole(conn, run_id)


async def test_twice_at_once_pays_once() -> None:
    import asyncio

    terms = TERMS
    currency, payees = a_currency(), [uuid4() for _ in range(20)]
    async with transaction() as conn:
        now = wall_now()
        await some_terms(conn, at=now, currency=currency, terms=terms)
        for payee in payees:
            await owe(conn, payee, 50, currency=currency, at=now - DAY)
            await an_account(conn, payee, at=now, currency=currency)
        runs = await start_day(conn, day=TODAY, started_by=None, at=wall_now())
        rows = [await run_of(conn, run_id=run) for run in runs]
    (run_id,) = [r.id for r in rows if r.currency == currency and r.purpose == "creator_payable"]
    await asyncio.gather(*(make_run(run_id) for _ in range(3)))
    async with transaction() as conn:
        run = await run_of(conn, run_id=run_id)
        assert (run.payouts, run.total_minor) == (20, 1_000)
        assert [await payable_of(conn, payee) for payee in payees] == [0] * 20


# one payout ----------------------------------------------------------------------------------


class One:
    """A payout of 800 of an approved run, in a book of a test's own."""

    def __init__(self, conn: AsyncConnection, row: Any, by: PersonId) -> None:
        self.conn, self.row, self.by = conn, row, by

    def named(self, **more: Any) -> dict[str, Any]:
        return {"store_id": self.row.store_id, "payout_id": self.row.id, "by": self.by,
                "at": wall_now(), **more}  # fmt: skip

    async def says(self, state: str, ref: str = "") -> bool:
        answer = BankAnswer(self.row.id, state, ref, "x" if state == "returned" else "")
        return await flow.bank_says(
            self.conn, store_id=self.row.store_id, answer=answer, at=wall_now()
        )

    async def sent(self) -> None:
        from tests.settlement.payout_world import at_the_bank

        await at_the_bank(self.conn, self.row.id, at=wall_now())

    async def state(self) -> tuple[str, int]:
        (row,) = await payout_rows(self.conn, Filter(payout_id=self.row.id), most=1)
        return row.state, await payable_of(self.conn, row.payee_id)


async def one(conn: AsyncConnection) -> One:
    run_id, _ = await a_run(800)
    (row,) = await payout_rows(conn, Filter(run_id=run_id), most=1)
    return One(conn, row, await a_person(conn))


async def test_the_bank_pays_then_sends_back_days_after(conn: AsyncConnection) -> None:
    payout = await one(conn)
    await payout.sent()
    assert [await payout.says("confirmed", "B1" + payout.row.id.hex) for _ in range(2)] == [
        True, False,
    ]  # fmt: skip
    assert await payout.state() == ("confirmed", 0)
    assert [await payout.says("returned") for _ in range(2)] == [True, False]
    assert await payout.state() == ("returned", 800)
    assert await payout.says("confirmed", "late") is False
    await whole(conn, payout.row.run_id)


async def test_an_answer_to_what_was_never_sent_is_refused(conn: AsyncConnection) -> None:
    payout = await one(conn)
    with pytest.raises(PayoutWrongState):
        await payout.says("confirmed", "B2")
    assert await payout.state() == ("booked", 0)


async def test_a_held_payout_is_released_or_given_up(conn: AsyncConnection) -> None:
    payout = await one(conn)
    await flow.hold(conn, **payout.named(why="查一下"))
    with pytest.raises(PayoutWrongState):
        await flow.hold(conn, **payout.named(why="again"))
    await flow.release(conn, **payout.named())
    assert await payout.state() == ("booked", 0)
    await flow.hold(conn, **payout.named(why="不付"))
    await flow.give_up(conn, **payout.named(why="不付"))
    assert await payout.state() == ("returned", 800)
    told = await moves_of(conn, store_id=payout.row.store_id, payout_id=payout.row.id)
    assert [(move.to_state, move.why) for move in told] == [
        ("booked", ""), ("held", "查一下"), ("booked", ""), ("held", "不付"), ("returned", "不付"),
    ]  # fmt: skip
    await whole(conn, payout.row.run_id)


async def test_what_came_back_is_tried_again_once(conn: AsyncConnection) -> None:
    payout = await one(conn)
    await payout.sent()
    await payout.says("returned")
    await owe(conn, payout.row.payee_id, -300, currency=payout.row.currency, at=wall_now())
    again = await flow.retry(conn, **payout.named())
    (row,) = await payout_rows(conn, Filter(payout_id=again), most=1)
    assert (row.amount_minor, row.retry_of, row.state) == (500, payout.row.id, "booked")
    with pytest.raises(flow.NothingOwed):
        await flow.retry(conn, **payout.named())
    await whole(conn, payout.row.run_id)


async def test_no_account_no_release(conn: AsyncConnection) -> None:
    payout = await one(conn)
    await flow.hold(conn, **payout.named(why="x"))
    await an_account(
        conn, payout.row.payee_id, at=wall_now(), currency=payout.row.currency,
        number="6222021001116241111",
    )  # fmt: skip
    with pytest.raises(NoPayoutAccount):
        await flow.release(conn, **payout.named())


# rules -----------------------------------------------------------------------------------------


@given(st.integers(-1_000, 1_000), st.integers(0, 1_000), st.integers(1, 1_000))
def test_never_more_than_what_is_ripe_and_never_less_than_the_minimum(
    balance: int, recent: int, minimum: int
) -> None:
    paid = payable(balance_minor=balance, recent_minor=recent, minimum_minor=minimum)
    assert paid == 0 or minimum <= paid == balance - recent


@pytest.mark.parametrize(
    ("weekday", "want"),
    [(None, date(2026, 11, 26)), (4, date(2026, 11, 26)), (5, date(2026, 11, 20)),
     (3, date(2026, 11, 25))],
)  # fmt: skip
def test_weekly_payouts_are_due_on_their_last_weekday(weekday: int | None, want: date) -> None:
    assert due_day(weekday, today=date(2026, 11, 26)) == want


@pytest.mark.parametrize(
    "number", ["1234567", "DE89370400440532013001", "12345678901x", "=1234567"]
)
def test_no_account_number(number: str) -> None:
    with pytest.raises(BadInput):
        bank_account(holder="a", bank="b", number=number)


def test_an_account_number_in_one_form() -> None:
    assert (
        bank_account(holder=" 王  五 ", bank="b", number="6222 0210 0111").number == "622202100111"
    )
    assert bank_account(holder="a", bank="b", number="de89 3704 0044 0532 0130 00").holder == "a"


def test_bad_lines_of_answers_are_told_by_line() -> None:
    good = "01890000-0000-7000-8000-000000000001"
    lines = [["payout_id", "state", "bank_ref", "reason"], [good, "confirmed", "B1", ""],
             ["x", "confirmed", "B2", ""], [good, "lost", "", ""], [good, "returned", "", ""],
             [good, "confirmed", "", ""], ["", ""]]  # fmt: skip
    answers, problems, count = read_answers(enumerate(lines, start=1))
    assert [(line, one.state, one.ref) for line, one in answers] == [(2, "confirmed", "B1")]
    assert [(one.line, one.field, one.reason) for one in problems] == [
        (3, "payout_id", "not_an_id"), (4, "state", "unknown_value"), (5, "reason", "missing"),
        (6, "bank_ref", "missing"),
    ]  # fmt: skip
    assert count == 5
