"""Money that nobody waited for pays another order of its payer: to the fen, once, or not at all."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.books import balances
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_person
from tests.flows.paying import an_order, chosen, one, state_of, unallocated
from tests.races.flows import PRICE, a_shop, assert_whole, place

from dougong.base.errors import NotFound
from dougong.base.ids import PLATFORM_BOOK, OrderId, PersonId, StoreId
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.match_unallocated import match
from dougong.flows.payment_arrived import act
from dougong.flows.place_orders import Placed
from dougong.flows.refund_lines import refund_lines
from dougong.flows.resolve_unallocated import resolve
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome
from dougong.payments.rules import EventKind, GatewayEvent, NotMatchable
from dougong.reads.operator_money import payable_orders

pytestmark = pytest.mark.money


@pytest.fixture
async def shop(connections: None) -> tuple[AStore, ABuyer]:
    return await a_shop()


async def stray(shop: tuple[AStore, ABuyer]) -> tuple[Placed, Any]:
    """An order that was closed before its money came, and that money."""
    placed, charge_id = await an_order(shop)
    async with transaction() as conn:
        await cancel_unpaid(
            conn, store_id=placed.store_id, order_id=placed.order_id, reason="not_paid_in_time",
            at=await clock.refresh(conn),
        )  # fmt: skip
    await chosen(charge_id, Outcome.PAID)
    assert await unallocated(placed) == [("order_closed", PRICE)]
    row = await one("SELECT * FROM unallocated_money WHERE order_id = :o", o=placed.order_id)
    return placed, row


async def give(
    row: Any, placed: Placed, *, at: datetime | None = None, operator: UUID | None = None
) -> None:
    async with transaction() as conn:
        await match(
            conn,
            unallocated_id=row.id,
            store_id=StoreId(placed.store_id),
            order_id=OrderId(placed.order_id),
            person_id=PersonId(operator or await a_person(conn)),
            note="asked by phone",
            at=at or await clock.refresh(conn),
        )


async def books() -> dict[tuple[UUID, str], int]:
    async with transaction() as conn:
        return await balances(conn, PLATFORM_BOOK)


async def test_stray_money_pays_another_order_of_its_payer(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    before = await books()
    _, row = await stray(shop)
    waiting = await place(ARequest(store, buyer, PRICE).build())
    async with transaction() as conn:
        offered = await payable_orders(conn, [row.id], at=await clock.refresh(conn))
    assert [order.order_id for order in offered[row.id]] == [waiting.order_id]
    for _ in range(3):  # the same again changes nothing
        await give(row, waiting)
    assert await state_of(waiting) == "paid"
    assert await books() == before
    async with transaction() as conn:
        held = await balances(conn, store.store_id)
        offered = await payable_orders(conn, [row.id], at=await clock.refresh(conn))
    escrow = {purpose: minor for (_, purpose), minor in held.items()}
    assert escrow == {"escrow": PRICE, "gateway_clearing": -PRICE}
    assert offered == {}
    deadline = await one(
        "SELECT outcome FROM deadlines WHERE kind = 'pay_by' AND subject_id = :o",
        o=waiting.order_id,
    )
    assert deadline.outcome == "paid"
    said = await one("SELECT count(*) n FROM events WHERE kind = 'order.paid' AND subject_id = :o",
                     o=waiting.order_id)  # fmt: skip
    assert said.n == 1
    with pytest.raises(NotFound):
        async with transaction() as conn:
            await resolve(
                conn, unallocated_id=row.id, person_id=PersonId(await a_person(conn)),
                resolution="sent_back", note="", at=await clock.refresh(conn),
            )  # fmt: skip
    await assert_whole(store)


async def test_a_matched_order_is_refunded_by_the_payment_that_brought_the_money(
    shop: tuple[AStore, ABuyer],
) -> None:
    store, buyer = shop
    _, row = await stray(shop)
    waiting = await place(ARequest(store, buyer, PRICE).build())
    await give(row, waiting)
    async with transaction() as conn:
        refund = await refund_lines(
            conn, store_id=waiting.store_id, order_id=OrderId(waiting.order_id),
            amounts={1: PRICE}, reason="", asked_by=None, key=uuid4().hex,
            at=await clock.refresh(conn),
        )  # fmt: skip
        assert await balances(conn, store.store_id) == {}
    assert refund.payment_id == row.payment_id
    await assert_whole(store)


async def test_kept_money_may_be_matched_too(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    _, row = await stray(shop)
    waiting = await place(ARequest(store, buyer, PRICE).build())
    async with transaction() as conn:
        await resolve(
            conn, unallocated_id=row.id, person_id=PersonId(await a_person(conn)),
            resolution="kept_for_claim", note="", at=await clock.refresh(conn),
        )  # fmt: skip
    await give(row, waiting)
    assert await state_of(waiting) == "paid"


async def test_what_does_not_fit_is_refused_and_changes_nothing(
    shop: tuple[AStore, ABuyer],
) -> None:
    store, buyer = shop
    closed, row = await stray(shop)
    before = await books()
    async with transaction() as conn:
        other = await a_buyer(conn)
    theirs = await place(ARequest(store, other, PRICE).build())
    two = await place(ARequest(store, buyer, 2 * PRICE, quantities={0: 2}).build())
    fits = await place(ARequest(store, buyer, PRICE).build())
    event = GatewayEvent(uuid4().hex, EventKind.CAPTURED, uuid4().hex, PRICE, "CNY", clock.now())
    await act(code="sandbox", event=event)
    nobodys = await one(
        "SELECT * FROM unallocated_money WHERE gateway_ref = :r", r=event.gateway_ref
    )
    late = clock.now() + timedelta(minutes=16)
    for money, order, at, why in (
        (row, theirs, None, "other_payer"),
        (row, two, None, "other_amount"),
        (row, closed, None, "not_to_be_paid"),
        (row, fits, late, "not_to_be_paid"),
        (nobodys, fits, None, "payer_unknown"),
    ):
        with pytest.raises(NotMatchable) as refused:
            await give(money, order, at=at)
        assert refused.value.facts["why"] == why
    assert [await state_of(order) for order in (theirs, two, fits)] == ["placed"] * 3
    left = await one("SELECT resolved_at FROM unallocated_money WHERE id = :i", i=row.id)
    assert left.resolved_at is None
    moved = {key: minor - before.get(key, 0) for key, minor in (await books()).items()}
    assert sorted(minor for minor in moved.values() if minor) == [-PRICE, PRICE]  # nobody's only
    await give(row, fits)
    with pytest.raises(NotMatchable):  # its money is used up, and the order has its own
        await give(nobodys, fits)
