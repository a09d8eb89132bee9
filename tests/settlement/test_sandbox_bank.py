"""The sandbox bank over real HTTP: replies that never come, answers twice, late, and of nobody;
stops of ours before, between and after. However often it is asked, a payout is paid once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from litestar.testing import AsyncTestClient
from tests.settlement.payout_world import (
    NUMBER,
    TERMS,
    a_currency,
    an_account,
    owe,
    payable_of,
    some_terms,
)
from tests.settlement.sandbox_bank import Bank, Webhooks, answering, running_bank
from tests.settlement.test_payouts import DAY, TODAY, whole

import dougong.flows.tasks  # noqa: F401 (registers every job)
from dougong.flows import tell_bank as flow
from dougong.flows.payout_runs import make_run, start_day
from dougong.infra import pause, settings
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.reads.payouts import PayoutFilter, PayoutRow, moves_of, payout_rows, run_of
from dougong.web.app import create_app

pytestmark = [pytest.mark.money, pytest.mark.usefixtures("own_database")]


@pytest.fixture(scope="module")
def server() -> Iterator[Bank]:
    with running_bank() as made:
        yield made


@pytest.fixture
def bank(server: Bank, monkeypatch: pytest.MonkeyPatch) -> Bank:
    chosen = settings.settings()
    found = settings.msgspec.structs.replace(
        chosen, bank_sandbox_url=server.url, payout_bank="sandbox"
    )
    monkeypatch.setattr("dougong.settlement.adapters.sandbox.settings", lambda: found)
    monkeypatch.setattr("dougong.flows.tell_bank.settings", lambda: found)
    server.control(cut=0, twice=False, shuffle=False)
    return server


@pytest.fixture(scope="module")
async def webhooks(own_database: object) -> AsyncIterator[Webhooks]:
    async with AsyncTestClient(create_app()) as client:
        yield Webhooks(client)


async def payouts(*owed: int, tail: str = "0000") -> list[PayoutRow]:
    """Committed: payouts of an approved run, whose account numbers end so."""
    currency, payees = a_currency(), [uuid4() for _ in owed]
    async with transaction() as conn:
        now = wall_now()
        await some_terms(conn, at=now, currency=currency, terms=TERMS, purpose="creator_payable")
        for payee, minor in zip(payees, owed, strict=True):
            await owe(conn, payee, minor, currency=currency, at=now - 30 * DAY)
            number = NUMBER[:-4] + tail
            await an_account(conn, payee, at=now, currency=currency, number=number)
    async with transaction() as conn:
        runs = await start_day(conn, day=TODAY, started_by=None, at=wall_now())
        (ours,) = [r for r in runs if (await run_of(conn, run_id=r)).currency == currency]
    await make_run(ours)
    async with transaction() as conn:
        return await payout_rows(conn, PayoutFilter(run_id=ours), most=100)


async def a_payout(minor: int = 800, *, tail: str = "0000") -> PayoutRow:
    return (await payouts(minor, tail=tail))[0]


async def tell(payout: PayoutRow) -> None:
    chosen = flow.bank()
    assert chosen is not None
    await flow.tell_one(chosen, store_id=payout.store_id, payout_id=payout.id)


async def stands(payout: PayoutRow) -> tuple[str, int]:
    """Its state, and what its payee is owed; its money is whole."""
    async with transaction() as conn:
        (row,) = await payout_rows(conn, PayoutFilter(payout_id=payout.id), most=1)
        await whole(conn, payout.run_id)
        return row.state, await payable_of(conn, payout.payee_id)


async def steps(payout: PayoutRow) -> list[str]:
    async with transaction() as conn:
        found = await moves_of(conn, store_id=payout.store_id, payout_id=payout.id)
    return [move.to_state for move in found]


class Stop(Exception):
    """The process ends here."""


async def stopped(payout: PayoutRow, where: str) -> None:
    """The job dies at a point of its way."""

    async def stop(name: str) -> None:
        if name == where:
            raise Stop

    pause.install(stop)
    try:
        with pytest.raises(Stop):
            await tell(payout)
    finally:
        pause.install(None)


async def wait_is_over(payout: PayoutRow) -> None:
    async with transaction() as conn:
        await flow.ask_again(conn, store_id=payout.store_id, payout_id=payout.id)


async def test_a_payout_is_told_and_confirmed(bank: Bank, webhooks: Webhooks) -> None:
    payout = await a_payout()
    await flow.tell_bank()
    assert await stands(payout) == ("sent", 0)
    (news,) = [one for one in bank.control(advance=1) if one["key"] == str(payout.id)]
    assert await webhooks.news([news]) == [True]
    assert await stands(payout) == ("confirmed", 0)
    (paid,) = bank.of(payout)
    assert (paid["amount_minor"], paid["state"]) == (800, "confirmed")
    assert await steps(payout) == ["booked", "sent", "confirmed"]
    async with transaction() as conn:
        (row,) = await payout_rows(conn, PayoutFilter(payout_id=payout.id), most=1)
    assert row.bank_ref == paid["ref"]


async def test_a_payout_asked_for_ten_times_is_paid_once(bank: Bank) -> None:
    payout = await a_payout()
    for _ in range(5):
        await tell(payout)
    await asyncio.gather(*(tell(payout) for _ in range(5)))
    assert len(bank.of(payout)) == 1
    bank.control(advance=1)
    for _ in range(10):
        await tell(payout)
    assert [one["state"] for one in bank.of(payout)] == ["confirmed"]
    assert await stands(payout) == ("confirmed", 0)
    assert await steps(payout) == ["booked", "sent", "confirmed"]


async def test_a_stop_before_the_bank_was_asked_pays_later(bank: Bank) -> None:
    """Marked as sent, and the bank knows nothing of it yet."""
    payout = await a_payout()
    await stopped(payout, "payout: sent")
    assert (await stands(payout), bank.of(payout)) == (("sent", 0), [])
    await wait_is_over(payout)
    await flow.tell_bank()
    assert [one["amount_minor"] for one in bank.of(payout)] == [800]
    assert await steps(payout) == ["booked", "sent"]


async def test_a_stop_before_the_answer_was_kept_pays_once(bank: Bank) -> None:
    payout = await a_payout()
    await stopped(payout, "payout: answered")
    bank.control(advance=1)
    assert (await stands(payout), len(bank.of(payout))) == (("sent", 0), 1)
    await wait_is_over(payout)
    await flow.tell_bank()
    assert (await stands(payout), len(bank.of(payout))) == (("confirmed", 0), 1)


async def test_a_stop_after_the_run_was_let_go_sends_it_at_the_next_minute(bank: Bank) -> None:
    """Nobody was told of the run; the payouts of it are found by what they are."""
    ours = await payouts(100, 200, 300)
    assert [await stands(one) for one in ours] == [("booked", 0)] * 3
    await flow.tell_bank()
    assert [await stands(one) for one in ours] == [("sent", 0)] * 3
    assert sorted(bank.of(one)[0]["amount_minor"] for one in ours) == [100, 200, 300]


async def test_a_reply_that_never_comes_is_asked_for_again(bank: Bank) -> None:
    payout = await a_payout()
    bank.control(cut=2)
    for _ in range(2):
        await tell(payout)
    assert await stands(payout) == ("sent", 0)
    bank.control(advance=1)
    await tell(payout)
    assert (await stands(payout), len(bank.of(payout))) == (("confirmed", 0), 1)


async def test_a_bank_that_nobody_reaches_is_asked_again(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = await a_payout()
    away = settings.msgspec.structs.replace(
        settings.settings(), bank_sandbox_url="http://127.0.0.1:9", payout_bank="sandbox"
    )
    with monkeypatch.context() as patch:
        patch.setattr("dougong.settlement.adapters.sandbox.settings", lambda: away)
        await tell(payout)
    assert (await stands(payout), bank.of(payout)) == (("sent", 0), [])
    await tell(payout)
    assert len(bank.of(payout)) == 1


async def test_a_bank_that_is_silent_is_not_asked_again_at_once(bank: Bank) -> None:
    """Taken, and never heard of again: every five minutes, whatever the tick."""
    payout = await a_payout(tail="9004")
    await flow.tell_bank()
    asked = bank.books()["asked"]
    await flow.tell_bank()
    assert bank.books()["asked"] == asked
    for _ in range(3):
        await wait_is_over(payout)
        await flow.tell_bank()
        bank.control(advance=1)
    assert bank.books()["asked"] == asked + 3
    assert (await stands(payout), len(bank.of(payout))) == (("sent", 0), 1)


@pytest.mark.parametrize(
    ("tail", "advance", "state", "owed", "news"),
    [
        ("0000", 4, "confirmed", 0, 1),
        ("9001", 3, "sent", 0, 0),
        ("9001", 4, "confirmed", 0, 1),
        ("9002", 1, "returned", 800, 1),
        ("9003", 2, "confirmed", 0, 1),
        ("9003", 3, "returned", 800, 2),
    ],
)
async def test_webhooks_repeated_and_in_their_order_end_right(
    bank: Bank, webhooks: Webhooks, tail: str, advance: int, state: str, owed: int, news: int
) -> None:
    payout = await a_payout(tail=tail)
    await tell(payout)
    bank.control(twice=True)
    told = [one for one in bank.control(advance=advance) if one["key"] == str(payout.id)]
    assert len(told) == 2 * news
    assert sum(await webhooks.news(told)) == news
    assert await stands(payout) == (state, owed)
    assert sum(await webhooks.news(told)) == 0
    await tell(payout)
    assert await stands(payout) == (state, owed)


async def test_webhooks_out_of_their_order_end_right(bank: Bank, webhooks: Webhooks) -> None:
    """Sent back is heard of before paid: what comes late changes nothing."""
    payout = await a_payout(tail="9003")
    await tell(payout)
    bank.control(shuffle=True, twice=True)
    told = [one for one in bank.control(advance=3) if one["key"] == str(payout.id)]
    assert [one["state"] for one in told] == ["returned", "returned", "confirmed", "confirmed"]
    assert await webhooks.news(told) == [True, False, False, False]
    assert await stands(payout) == ("returned", 800)
    assert await steps(payout) == ["booked", "sent", "returned"]


async def test_what_came_back_is_owed_and_paid_again_by_the_next_run(
    bank: Bank, webhooks: Webhooks
) -> None:
    payout = await a_payout(tail="9002")
    await tell(payout)
    await webhooks.news([one for one in bank.control(advance=1) if one["key"] == str(payout.id)])
    assert await stands(payout) == ("returned", 800)
    async with transaction() as conn:
        runs = await start_day(conn, day=TODAY + DAY, started_by=None, at=wall_now())
        rows = [await run_of(conn, run_id=run) for run in runs]
    (run,) = [row for row in rows if row.currency == payout.currency]
    await make_run(run.id)
    async with transaction() as conn:
        found = await payout_rows(conn, PayoutFilter(payee_id=payout.payee_id), most=5)
    assert [(row.day, row.amount_minor, row.state) for row in found] == [
        (TODAY + DAY, 800, "booked"), (TODAY, 800, "returned"),
    ]  # fmt: skip
    assert await stands(found[0]) == ("booked", 0)


async def test_an_account_that_changed_before_the_sending_holds_the_payout(bank: Bank) -> None:
    payout = await a_payout()
    async with transaction() as conn:
        await an_account(
            conn, payout.payee_id, at=wall_now(), currency=payout.currency,
            number=NUMBER[:-4] + "1111",
        )  # fmt: skip
    await tell(payout)
    assert (await stands(payout), bank.of(payout)) == (("held", 0), [])


async def test_a_webhook_that_the_bank_has_not_signed_is_refused(
    bank: Bank, webhooks: Webhooks
) -> None:
    payout = await a_payout()
    await tell(payout)
    body = {"key": str(payout.id), "state": "confirmed", "ref": "BK1", "why": ""}
    answer = await webhooks.send(body, secret="another")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert await stands(payout) == ("sent", 0)


async def test_a_webhook_of_what_was_never_sent_is_refused(bank: Bank, webhooks: Webhooks) -> None:
    payout = await a_payout()
    body = {"key": str(payout.id), "state": "confirmed", "ref": "BK2", "why": ""}
    assert (await webhooks.send(body)).status_code == 409
    body["key"] = str(uuid4())
    assert (await webhooks.send(body)).status_code == 404
    assert await stands(payout) == ("booked", 0)


async def test_one_bad_answer_stops_no_other_payout(bank: Bank, webhooks: Webhooks) -> None:
    """The bank names two payments alike: the second stays in doubt, and the job says so after
    everybody else has their answer."""
    first = await a_payout()
    await tell(first)
    bank.control(advance=1)
    others = await payouts(100, 200)
    for one in others:
        await tell(one)
        await wait_is_over(one)
    (ref,) = [one["ref"] for one in bank.of(others[0])]
    body = {"key": str(first.id), "state": "confirmed", "ref": ref, "why": ""}
    assert await webhooks.news([body]) == [True]
    bank.control(advance=1)
    with pytest.raises(ExceptionGroup) as told:
        await flow.tell_bank()
    assert [type(one).__name__ for one in told.value.exceptions] == ["BankRefTaken"]
    assert [await stands(one) for one in others] == [("sent", 0), ("confirmed", 0)]


async def test_an_answer_for_another_payout_is_no_answer(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await a_payout(), await a_payout()
    await tell(first)
    body = {"key": str(first.id), "state": "confirmed", "ref": "BK3", "why": ""}
    with answering(body) as url:
        mixed_up = settings.msgspec.structs.replace(settings.settings(), bank_sandbox_url=url)
        with monkeypatch.context() as patch:
            patch.setattr("dougong.settlement.adapters.sandbox.settings", lambda: mixed_up)
            await tell(second)
    assert [await stands(one) for one in (first, second)] == [("sent", 0), ("sent", 0)]
