"""A refund that somebody made at a gateway by hand: kept once, booked once, or set aside."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.books import balances
from tests.factories import ABuyer, AStore, a_person
from tests.flows.paying import one, state_of
from tests.flows.test_match_unallocated import stray
from tests.races.flows import PRICE, Scene, a_scene, a_shop, assert_whole, outcome

from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, PersonId, StoreId, new_id
from dougong.base.money import split
from dougong.flows.adopt_refund import book_foreign, set_aside_foreign
from dougong.flows.refund_lines import refund_lines
from dougong.flows.resolve_unallocated import resolve
from dougong.flows.send_refunds import note_refund, send_again
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.orders.rules import RefundTooMuch
from dougong.payments.rules import EventKind, ForeignRefundOver, GatewayEvent, NotOfThatOrder

pytestmark = pytest.mark.money


@pytest.fixture
async def shop(connections: None) -> tuple[AStore, ABuyer]:
    return await a_shop()


async def told(
    scene: Scene, amount: int = 100, *, ref: str = "", kind: EventKind = EventKind.REFUNDED
) -> str:
    """The gateway tells of a refund that we did not ask for; answers what came of it."""
    paid = await one("SELECT * FROM payments WHERE checkout_id = :c", c=scene.placed.checkout_id)
    event = GatewayEvent(
        uuid4().hex, kind, paid.gateway_ref, amount, "CNY", clock.now(), refund_ref=ref
    )
    async with transaction() as conn:
        return await note_refund(conn, payment=paid, event=event, at=clock.now())


async def foreign_of(scene: Scene) -> Any:
    return await one(
        "SELECT f.* FROM foreign_refunds f JOIN payments p ON p.id = f.payment_id "
        "WHERE p.checkout_id = :c", c=scene.placed.checkout_id,
    )  # fmt: skip


async def an_operator() -> PersonId:
    async with transaction() as conn:
        return PersonId(await a_person(conn))


async def booked(
    foreign_id: UUID, scene: Scene, *, person_id: PersonId, to: Scene | None = None
) -> Any:
    """Book it to its own order, or to another's; answers the row of the refund."""
    target = (to or scene).placed
    async with transaction() as conn:
        return await book_foreign(
            conn, foreign_id=foreign_id, store_id=StoreId(target.store_id),
            order_id=OrderId(target.order_id), person_id=person_id, note="by hand",
            at=await clock.refresh(conn),
        )  # fmt: skip


async def books(store: AStore) -> dict[Any, int]:
    async with transaction() as conn:
        return dict(await balances(conn, store.store_id))


@pytest.mark.parametrize("state", ["paid", "shipped", "received"])
async def test_booked_it_is_worth_what_a_refund_asked_for_here_is(state: str) -> None:
    """Of two stores alike, one refunds here, and of the other the gateway tells."""
    here, there = [await a_scene(await a_shop(), state=state) for _ in range(2)]
    await here.refund(100)
    await told(there)
    refund = await booked((await foreign_of(there)).id, there, person_id=await an_operator())
    assert (refund.state, refund.amount_minor, refund.reason) == ("done", 100, "by hand")
    assert sorted((await books(there.store)).values()) == sorted((await books(here.store)).values())
    asked = await one("SELECT count(*) n FROM procrastinate_jobs WHERE args->>'refund_id' = :r",
                      r=str(refund.id))  # fmt: skip
    assert asked.n == 0  # the gateway has made it: it is not asked again
    await assert_whole(there.store)


async def test_told_twice_and_booked_twice_it_is_one(shop: tuple[AStore, ABuyer]) -> None:
    scene, operator = await a_scene(shop, state="paid"), await an_operator()
    assert [await told(scene, ref="re_1") for _ in range(2)] == ["foreign_refund"] * 2
    said = await one("SELECT count(*) n FROM events WHERE kind = 'payment.foreign_refund' "
                     "AND subject_id = :p", p=(await foreign_of(scene)).payment_id)  # fmt: skip
    assert said.n == 1
    foreign_id = (await foreign_of(scene)).id
    answers = await asyncio.gather(
        *(outcome(lambda: booked(foreign_id, scene, person_id=operator)) for _ in range(3))
    )
    assert [one for one in answers if one == "foreign_refund_over"] == ["foreign_refund_over"] * 2
    line = await one("SELECT refunded_minor FROM order_lines WHERE order_id = :o AND line_no = 1",
                     o=scene.placed.order_id)  # fmt: skip
    assert line.refunded_minor == 100
    assert await told(scene, ref="re_1") == "no_news"
    await assert_whole(scene.store)


async def test_the_whole_order_ends_and_its_units_can_be_sold_again(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene = await a_scene(shop, state="paid")
    await told(scene, 2 * PRICE)
    await booked((await foreign_of(scene)).id, scene, person_id=await an_operator())
    assert await state_of(scene.placed) == "refunded"
    await assert_whole(scene.store)


async def test_what_is_refunded_here_meanwhile_is_not_refunded_twice(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene, operator = await a_scene(shop, state="paid"), await an_operator()
    await told(scene, 2 * PRICE)
    foreign_id = (await foreign_of(scene)).id

    async def here() -> Any:
        async with transaction() as conn:
            return await refund_lines(
                conn, store_id=scene.placed.store_id, order_id=scene.placed.order_id,
                amounts={1: 2 * PRICE}, reason="here", asked_by=None, key=uuid4().hex,
                at=clock.now(),
            )  # fmt: skip

    answers = await asyncio.gather(
        outcome(here), outcome(lambda: booked(foreign_id, scene, person_id=operator))
    )
    refused = [one for one in answers if isinstance(one, str)]
    assert len(refused) == 1
    assert refused[0] in ("refund_too_much", "wrong_order_state")
    line = await one("SELECT refunded_minor FROM order_lines WHERE order_id = :o AND line_no = 1",
                     o=scene.placed.order_id)  # fmt: skip
    assert line.refunded_minor == 2 * PRICE
    await assert_whole(scene.store)


async def test_more_than_is_left_and_another_s_order_are_refused(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene, other = [await a_scene(shop, state="paid") for _ in range(2)]
    operator = await an_operator()
    await told(scene, 2 * PRICE)
    await scene.refund(1)
    before = await books(scene.store)
    foreign_id = (await foreign_of(scene)).id
    with pytest.raises(RefundTooMuch):
        await booked(foreign_id, scene, person_id=operator)
    with pytest.raises(NotOfThatOrder):
        await booked(foreign_id, scene, person_id=operator, to=other)
    assert await books(scene.store) == before
    assert (await foreign_of(scene)).settled_at is None


async def test_set_aside_it_leaves_the_books_for_a_reason(shop: tuple[AStore, ABuyer]) -> None:
    scene, operator = await a_scene(shop, state="paid"), await an_operator()
    await told(scene)
    before, foreign_id = await books(scene.store), (await foreign_of(scene)).id

    async def aside(note: str) -> None:
        async with transaction() as conn:
            await set_aside_foreign(
                conn, foreign_id=foreign_id, person_id=operator, note=note, at=clock.now()
            )

    with pytest.raises(BadInput):
        await aside("  ")
    await aside("paid from our own pocket")
    with pytest.raises(ForeignRefundOver):
        await aside("again")
    row = await foreign_of(scene)
    assert (row.settled_by, row.note, row.refund_id) == (operator, "paid from our own pocket", None)
    assert await books(scene.store) == before
    noted = await one("SELECT facts FROM audit_log WHERE subject = :f", f=str(foreign_id))
    assert noted.facts["note"] == "paid from our own pocket"


async def test_one_that_fails_there_before_it_is_booked_needs_no_decision(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene, operator = await a_scene(shop, state="paid"), await an_operator()
    await told(scene, ref="re_2")
    await told(scene, ref="re_2", kind=EventKind.REFUND_FAILED)
    await told(scene, ref="re_2")  # said before, heard after
    row = await foreign_of(scene)
    assert row.failed_at is not None
    with pytest.raises(ForeignRefundOver):
        await booked(row.id, scene, person_id=operator)


async def test_one_that_fails_there_once_booked_is_sent_again_by_us(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene = await a_scene(shop, state="paid")
    await told(scene, ref="re_3")
    refund = await booked((await foreign_of(scene)).id, scene, person_id=await an_operator())
    before = await books(scene.store)
    assert await told(scene, ref="re_3", kind=EventKind.REFUND_FAILED) == "refund_failed"
    row = await one("SELECT * FROM refunds WHERE id = :r", r=refund.id)
    assert (row.state, row.attempt) == ("failed", 1)
    async with transaction() as conn:
        assert await send_again(conn, row)
    assert await books(scene.store) == before


async def test_what_we_sent_back_ourselves_is_not_taken_for_another_s(
    shop: tuple[AStore, ABuyer],
) -> None:
    """Money that came too late goes back by a refund of its payment, which the gateway tells of."""
    _, row = await stray(shop)
    payment = await one("SELECT * FROM payments WHERE id = :p", p=row.payment_id)
    async with transaction() as conn:
        await resolve(
            conn, unallocated_id=row.id, person_id=await an_operator(), resolution="sent_back",
            note="", at=clock.now(),
        )  # fmt: skip
        event = GatewayEvent(
            uuid4().hex, EventKind.REFUNDED, row.gateway_ref, row.amount_minor, "CNY",
            clock.now(), refund_id=row.id,
        )  # fmt: skip
        assert await note_refund(conn, payment=payment, event=event, at=clock.now()) == "sent_back"
        kept = await conn.scalar(
            text("SELECT count(*) FROM foreign_refunds WHERE payment_id = :p"), {"p": payment.id}
        )
    assert kept == 0


async def test_nobody_knows_it(shop: tuple[AStore, ABuyer]) -> None:
    scene = await a_scene(shop, state="paid")
    assert await outcome(lambda: booked(new_id(), scene, person_id=PersonId(new_id()))) == (
        "not_found"
    )


@given(left=st.lists(st.integers(0, 10**7), min_size=1, max_size=9), share=st.integers(1, 100))
def test_no_line_gives_back_more_than_is_left_of_it(left: list[int], share: int) -> None:
    amount = max(1, sum(left) * share // 100)
    if sum(left) == 0:
        return
    shares = split(amount, left)
    assert sum(shares) == amount
    assert all(part <= rest for part, rest in zip(shares, left, strict=True))
