"""What a gateway can say, in any order, as often as it likes: one payment, and no fen lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.books import balances, stock_of
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_person, a_store, the_rules
from tests.flows.paying import an_order, charge_of, chosen, one, state_of, unallocated
from tests.races.flows import PRICE, a_shop, place

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.check_out import StorePart, check_out
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import act_on_inbox, receive, send_late_answers
from dougong.flows.price_orders import WantedLine
from dougong.flows.refund_lines import refund_lines
from dougong.flows.resolve_unallocated import resolve
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome, choose, sign
from dougong.payments.rules import EventKind, GatewayEvent, NothingToPay

pytestmark = pytest.mark.money


@pytest.fixture
async def shop(connections: None) -> tuple[AStore, ABuyer]:
    return await a_shop()


@pytest.fixture
async def later() -> AsyncIterator[None]:
    """The business clock is 21 minutes ahead for one test."""

    async def ahead(seconds: int) -> None:
        async with transaction() as conn:
            await conn.execute(text("UPDATE business_clock SET offset_s = :s"), {"s": seconds})
        clock._read_at = float("-inf")

    yield await ahead(21 * 60)
    await ahead(0)


# the sandbox's outcomes ---------------------------------------------------------------------


async def test_a_late_answer_comes_when_the_order_is_over(shop: tuple[AStore, ABuyer]) -> None:
    placed, charge_id = await an_order(shop)
    await chosen(charge_id, Outcome.LATE)
    await send_late_answers()
    assert await state_of(placed) == "placed"
    await chosen(charge_id, Outcome.PAID)  # the payer tries again: it is still not answered
    assert await state_of(placed) == "placed"
    at = clock.now() + timedelta(minutes=21)
    async with transaction() as conn:
        await cancel_unpaid(
            conn, store_id=placed.store_id, order_id=placed.order_id, reason="not_paid_in_time",
            at=at,
        )  # fmt: skip
        await conn.execute(text("UPDATE sandbox_charges SET answer_at = now() WHERE id = :c"),
                           {"c": charge_id})  # fmt: skip
    await send_late_answers()
    await send_late_answers()
    assert await state_of(placed) == "cancelled"
    assert await unallocated(placed) == [("order_closed", PRICE)]


async def test_a_late_answer_waits_for_the_business_clock(
    shop: tuple[AStore, ABuyer], later: None
) -> None:
    placed, charge_id = await an_order(shop)
    await chosen(charge_id, Outcome.LATE)
    waits = await one("SELECT answer_at FROM sandbox_charges WHERE id = :c", c=charge_id)
    assert timedelta(minutes=40) < waits.answer_at - clock.wall_now() < timedelta(minutes=42)
    await send_late_answers()
    assert await state_of(placed) == "placed"


async def test_an_answer_with_a_wrong_amount_stays_that_answer(
    shop: tuple[AStore, ABuyer],
) -> None:
    """The gateway took one fen less; whoever asks again hears the same."""
    placed, charge_id = await an_order(shop)
    for outcome in (Outcome.WRONG_AMOUNT, Outcome.PAID, Outcome.TWICE):
        await chosen(charge_id, outcome)
    assert await state_of(placed) == "placed"
    assert await unallocated(placed) == [("wrong_amount", PRICE - 1)]
    again = await charge_of(placed, shop[1])
    assert again != charge_id
    await chosen(again, Outcome.PAID)
    assert await state_of(placed) == "paid"
    assert await unallocated(placed) == [("wrong_amount", PRICE - 1)]


async def test_extra_verification_then_paid(shop: tuple[AStore, ABuyer]) -> None:
    placed, charge_id = await an_order(shop)
    await chosen(charge_id, Outcome.VERIFY)
    assert await state_of(placed) == "placed"
    await chosen(charge_id, Outcome.PAID)
    assert await state_of(placed) == "paid"


async def test_a_silent_gateway_leaves_the_order_to_its_deadline(
    shop: tuple[AStore, ABuyer],
) -> None:
    placed, charge_id = await an_order(shop)
    await chosen(charge_id, Outcome.SILENT)
    assert await state_of(placed) == "placed"
    assert await unallocated(placed) == []
    assert await charge_of(placed, shop[1]) == charge_id


async def test_declined_after_paid_changes_nothing(shop: tuple[AStore, ABuyer]) -> None:
    placed, charge_id = await an_order(shop)
    await chosen(charge_id, Outcome.PAID)
    paid = await one("SELECT * FROM payments WHERE checkout_id = :c", c=placed.checkout_id)
    late = sign(
        GatewayEvent(uuid4().hex, EventKind.DECLINED, paid.gateway_ref, PRICE, "CNY", clock.now())
    )
    await receive(code="sandbox", body=late.body, headers=late.headers)
    after = await one("SELECT * FROM payments WHERE checkout_id = :c", c=placed.checkout_id)
    assert after == paid
    assert await state_of(placed) == "paid"


# one payment --------------------------------------------------------------------------------


async def test_asking_to_pay_ten_times_at_once_opens_one_payment(
    shop: tuple[AStore, ABuyer],
) -> None:
    store, buyer = shop
    placed = await place(ARequest(store, buyer, PRICE).build())
    charges = await asyncio.gather(*(charge_of(placed, buyer) for _ in range(10)))
    assert len(set(charges)) == 1
    found = await one("SELECT count(*) n FROM payments WHERE checkout_id = :c",
                      c=placed.checkout_id)  # fmt: skip
    assert found.n == 1


async def test_everything_ten_times_at_once_is_one_order_one_payment_one_refund(
    shop: tuple[AStore, ABuyer],
) -> None:
    """Each request is sent ten times together and ten times after: the answer is the same."""
    store, buyer = shop
    part = StorePart(store.store_id, (WantedLine(store.skus[0], 2),), None, 2 * PRICE)

    async def place_it() -> Any:
        return await check_out(
            buyer_id=buyer.person_id, key=key, address_id=buyer.address_id, parts=[part]
        )

    async def refund_it() -> Any:
        async with transaction() as conn:
            return await refund_lines(
                conn, store_id=store.store_id, order_id=placed.order_id, amounts={1: 500},
                reason="once", asked_by=None, key=key, at=at,
            )  # fmt: skip

    async def ten_times(ask: Callable[[], Awaitable[Any]]) -> Any:
        answers = list(await asyncio.gather(*(ask() for _ in range(10))))
        answers += [await ask() for _ in range(10)]
        assert all(answer == answers[0] for answer in answers)
        return answers[0]

    key, at = uuid4().hex, clock.now()
    (placed,) = (await ten_times(place_it)).placed
    charge_id = await ten_times(lambda: charge_of(placed, buyer))
    await ten_times(lambda: chosen(charge_id, Outcome.TWICE))
    await ten_times(refund_it)
    found = await one(
        """
        SELECT (SELECT count(*) FROM orders WHERE checkout_id = :c) AS orders,
          (SELECT count(*) FROM payments WHERE checkout_id = :c AND state = 'captured') AS payments,
          (SELECT count(*) FROM refunds WHERE order_id = :o) AS refunds,
          (SELECT array_agg(kind ORDER BY kind) FROM ledger_entries WHERE order_id = :o) AS entries,
          (SELECT count(*) FROM procrastinate_jobs WHERE args->>'refund_id' =
            (SELECT id::text FROM refunds WHERE order_id = :o)) AS jobs
        """,
        c=placed.checkout_id,
        o=placed.order_id,
    )
    assert tuple(found) == (1, 1, 1, ["capture", "refund"], 1)
    async with transaction() as conn:
        assert await stock_of(conn, store.store_id, store.skus[0]) == (10_000, 2)


async def test_stores_in_two_currencies_are_two_payments(connections: None) -> None:
    """Fen and cents are never added up: each currency is a payment of its own."""
    async with transaction() as conn:
        await the_rules(conn)
        stores = [await a_store(conn, prices=(PRICE,), currency=c) for c in ("CNY", "USD")]
        buyer = await a_buyer(conn)
    checkout_id, placed = uuid4(), []
    for store in stores:
        request = ARequest(store, buyer, PRICE).build()
        placed.append(
            await place(
                type(request)(store.store_id, checkout_id, request.key, request.wanted, PRICE)
            )
        )
    for _ in stores:
        started = await start_payment(
            checkout_id=checkout_id, buyer_id=buyer.person_id, return_url="/"
        )
        assert started.amount_minor == PRICE
        await chosen(UUID(started.pay_url.rsplit("/", 1)[1]), Outcome.PAID)
    assert [await state_of(one) for one in placed] == ["paid", "paid"]
    with pytest.raises(NothingToPay):
        await start_payment(checkout_id=checkout_id, buyer_id=buyer.person_id, return_url="/")


# the inbox ----------------------------------------------------------------------------------


async def test_an_event_that_fails_holds_up_no_other(shop: tuple[AStore, ABuyer]) -> None:
    placed, charge_id = await an_order(shop)
    async with transaction() as conn:
        (event,) = await choose(conn, charge_id=charge_id, outcome=Outcome.PAID)
        for n, body in enumerate((b"{}", event.body)):
            await conn.execute(
                text("""
                    INSERT INTO inbox (source, event_id, received_at, body)
                    VALUES ('sandbox', :id, CAST(:at AS timestamptz), CAST(:body AS jsonb))
                """),
                {
                    "id": event.headers["webhook-id"] if n else f"broken-{charge_id}",
                    "at": clock.wall_now() - timedelta(minutes=5 - n),
                    "body": body.decode(),
                },
            )
    with pytest.raises(ExceptionGroup):
        await act_on_inbox()
    assert await state_of(placed) == "paid"
    async with transaction() as conn:
        await conn.execute(text("UPDATE inbox SET done_at = now() WHERE event_id LIKE 'broken-%'"))


async def test_two_captures_of_an_unknown_payment_are_both_kept(connections: None) -> None:
    reference = f"sb_{uuid4().hex}"
    for amount in (700, 700, 300):
        signed = sign(
            GatewayEvent(
                uuid4().hex, EventKind.CAPTURED, reference, amount, "CNY", clock.wall_now()
            )
        )
        await receive(code="sandbox", body=signed.body, headers=signed.headers)
    async with transaction() as conn:
        rows = await conn.scalars(
            text("SELECT amount_minor FROM unallocated_money WHERE gateway_ref = :r ORDER BY 1"),
            {"r": reference},
        )
        assert list(rows) == [300, 700]
        assert sum((await balances(conn, PLATFORM_BOOK)).values()) == 0


async def test_money_kept_for_its_owner_can_be_sent_back_once(connections: None) -> None:
    reference = f"sb_{uuid4().hex}"
    signed = sign(
        GatewayEvent(uuid4().hex, EventKind.CAPTURED, reference, 700, "CNY", clock.wall_now())
    )
    await receive(code="sandbox", body=signed.body, headers=signed.headers)
    found = await one("SELECT id FROM unallocated_money WHERE gateway_ref = :r", r=reference)
    async with transaction() as conn:
        operator = await a_person(conn)
        before = (await balances(conn, PLATFORM_BOOK))[(PLATFORM_BOOK, "unallocated")]

    async def decide(resolution: str) -> str:
        async with transaction() as conn:
            try:
                await resolve(
                    conn, unallocated_id=found.id, person_id=operator, resolution=resolution,
                    note="", at=clock.now(),
                )  # fmt: skip
            except NotFound:
                return "decided"
        return resolution

    wishes = ("kept_for_claim", "kept_for_claim", "sent_back", "sent_back", "kept_for_claim")
    assert [await decide(wish) for wish in wishes] == [
        "kept_for_claim", "decided", "sent_back", "decided", "decided",
    ]  # fmt: skip
    async with transaction() as conn:
        after = (await balances(conn, PLATFORM_BOOK)).get((PLATFORM_BOOK, "unallocated"), 0)
    assert before - after == 700
