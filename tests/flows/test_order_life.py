"""From placed to final and back: every state, every fen."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import balances, stock_of
from tests.factories import (
    ABuyer,
    ARequest,
    AStore,
    a_buyer,
    a_coupon,
    a_link,
    a_store,
    the_rules,
)

from dougong.base.ids import PLATFORM_BOOK, OrderId
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.deadlines import act_on_one
from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed, place_in
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.orders.rules import RefundTooMuch, WrongState
from dougong.payments.adapters.sandbox import Outcome, choose

pytestmark = pytest.mark.money


async def a_placed_order(request: ARequest) -> Placed:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        (answer,) = await place_in(conn, requests=[request.build()], at=at)
    assert isinstance(answer, Placed), answer
    return answer


async def pay(placed: Placed, buyer: ABuyer, outcome: Outcome = Outcome.PAID) -> UUID:
    """Pay on the sandbox page; answers the charge, so that a test can choose again."""
    started = await start_payment(
        checkout_id=placed.checkout_id, buyer_id=buyer.person_id, return_url="/"
    )
    charge_id = UUID(started.pay_url.rsplit("/", 1)[1])
    await choose_again(charge_id, outcome)
    return charge_id


async def choose_again(charge_id: UUID, outcome: Outcome) -> None:
    async with transaction() as conn:
        events = await choose(conn, charge_id=charge_id, outcome=outcome)
    for event in events:
        await receive(code="sandbox", body=event.body, headers=event.headers)


async def to_final(placed: Placed, lines: dict[int, int]) -> None:
    store_id, order_id = placed.store_id, placed.order_id
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await ship_order(
            conn, store_id=store_id, order_id=order_id, carrier="顺丰", tracking_no="SF12345678",
            lines=lines, at=at,
        )  # fmt: skip
        await receive_order(conn, store_id=store_id, order_id=order_id, why="test", at=at)
        await finalise_order(conn, store_id=store_id, order_id=order_id, at=at)


async def refund(placed: Placed, amounts: dict[int, int], key: str = "") -> None:
    async with transaction() as conn:
        await refund_lines(
            conn, store_id=placed.store_id, order_id=placed.order_id, amounts=amounts,
            reason="test", asked_by=None, key=key or uuid4().hex, at=await clock.refresh(conn),
        )  # fmt: skip


async def state_of(placed: Placed) -> str:
    async with transaction() as conn:
        return str(
            await conn.scalar(
                text("SELECT state FROM orders WHERE store_id = :s AND id = :o"),
                {"s": placed.store_id, "o": placed.order_id},
            )
        )


@pytest.fixture
async def shop(connections: None) -> tuple[AStore, ABuyer]:
    async with transaction() as conn:
        await the_rules(conn)
        return await a_store(conn, prices=(9_900, 101)), await a_buyer(conn)


async def test_final_order_shares_out_all_that_was_paid(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    async with transaction() as conn:
        link_id, creator_id = await a_link(conn, store)
    placed = await a_placed_order(ARequest(store, buyer, 9_900, link_id=link_id))
    await pay(placed, buyer)
    async with transaction() as conn:
        assert await balances(conn, store.store_id) == {
            (PLATFORM_BOOK, "gateway_clearing"): -9_900,
            (store.store_id, "escrow"): 9_900,
        }
    await to_final(placed, {1: 1})
    async with transaction() as conn:
        found = await balances(conn, store.store_id)
    fees = {purpose: amount for (owner, purpose), amount in found.items() if owner == PLATFORM_BOOK}
    commission = 9_900 * 2_000 // 10_000
    cut = commission * 1_000 // 10_000
    assert found[(creator_id, "creator_payable")] == commission - cut
    assert fees["platform_commission_cut"] == cut
    assert fees["platform_payment_cost"] == 9_900 * 60 // 10_000
    assert (store.store_id, "escrow") not in found
    assert sum(found.values()) == 0
    assert found[(store.org_id, "merchant_payable")] == (
        9_900 - fees["platform_service_fee"] - commission - fees["platform_payment_cost"]
    )


@pytest.mark.parametrize("funder", ["merchant", "platform", "creator"])
async def test_funder_pays_its_coupon(shop: tuple[AStore, ABuyer], funder: str) -> None:
    store, buyer = shop
    async with transaction() as conn:
        link_id, creator_id = await a_link(conn, store)
        owner = {"merchant": store.org_id, "platform": PLATFORM_BOOK, "creator": creator_id}[funder]
        code = await a_coupon(conn, store, funder=funder, funder_org_id=owner)
    request = ARequest(store, buyer, 8_900, coupon_code=code, link_id=link_id)
    placed = await a_placed_order(request)
    await pay(placed, buyer)
    async with transaction() as conn:
        found = await balances(conn, store.store_id)
    assert found[(owner, "coupon_cost")] == -1_000
    assert found[(store.store_id, "escrow")] == 9_900
    await to_final(placed, {1: 1})
    async with transaction() as conn:
        found = await balances(conn, store.store_id)
    assert found.get((owner, "coupon_cost"), 0) == (-1_000 if funder == "platform" else 0)
    assert (store.store_id, "escrow") not in found
    await refund(placed, {1: 8_900})
    async with transaction() as conn:
        assert await balances(conn, store.store_id) == {}


async def test_partial_refunds_before_and_after_final_end_at_zero(
    shop: tuple[AStore, ABuyer],
) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 10_001, {0: 1, 1: 1}))
    await pay(placed, buyer)
    await refund(placed, {1: 3_333})
    await to_final(placed, {1: 1, 2: 1})
    await refund(placed, {1: 3_333, 2: 50})
    await refund(placed, {1: 3_234, 2: 51})
    assert await state_of(placed) == "final"
    async with transaction() as conn:
        assert await balances(conn, store.store_id) == {}
    with pytest.raises(RefundTooMuch):
        await refund(placed, {1: 1})


async def test_full_refund_before_shipping_gives_units_back(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 29_700, {0: 3}))
    await pay(placed, buyer)
    await refund(placed, {1: 29_700})
    assert await state_of(placed) == "refunded"
    async with transaction() as conn:
        assert await balances(conn, store.store_id) == {}
        assert await stock_of(conn, store.store_id, store.skus[0]) == (100, 0)


async def test_refund_repeated_with_its_key_is_one_refund(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 9_900))
    await pay(placed, buyer)
    for _ in range(10):
        await refund(placed, {1: 100}, key="refund-once")
    async with transaction() as conn:
        found = await balances(conn, store.store_id)
    assert found[(store.store_id, "escrow")] == 9_800


async def test_part_shipment_takes_stock_as_it_goes(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 29_700, {0: 3}))
    await pay(placed, buyer)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        for n, state in ((1, "part_shipped"), (2, "shipped")):
            await ship_order(
                conn, store_id=placed.store_id, order_id=placed.order_id, carrier="顺丰",
                tracking_no=f"SF0000{n}", lines={1: n}, at=at,
            )  # fmt: skip
            found = await conn.scalar(
                text("SELECT state FROM orders WHERE id = :o"), {"o": placed.order_id}
            )
            assert found == state
        assert await stock_of(conn, store.store_id, store.skus[0]) == (97, 0)
        with pytest.raises(WrongState):
            await ship_order(
                conn, store_id=placed.store_id, order_id=placed.order_id, carrier="顺丰",
                tracking_no="SF00003", lines={1: 1}, at=at,
            )  # fmt: skip


async def test_unpaid_order_ends_at_its_deadline_to_the_microsecond(
    conn: AsyncConnection, connections: None
) -> None:
    await the_rules(conn)
    store, buyer = await a_store(conn), await a_buyer(conn)
    code = await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id, quota=1)
    at = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    request = ARequest(store, buyer, 8_900, coupon_code=code).build()
    (placed,) = await place_in(conn, requests=[request], at=at)
    assert isinstance(placed, Placed)
    assert placed.pay_by == at + timedelta(minutes=15)
    assert not await act_on_one(conn, at=placed.pay_by - timedelta(microseconds=1))
    assert await act_on_one(conn, at=placed.pay_by)
    assert not await act_on_one(conn, at=placed.pay_by)
    assert await stock_of(conn, store.store_id, store.skus[0]) == (100, 0)
    again = ARequest(store, buyer, 8_900, coupon_code=code).build()
    (placed_again,) = await place_in(conn, requests=[again], at=at)
    assert isinstance(placed_again, Placed)


async def unallocated_of(placed: Placed) -> list[tuple[str, int]]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("""
                SELECT u.reason, u.amount_minor FROM unallocated_money u
                LEFT JOIN payments p ON p.id = u.payment_id WHERE p.checkout_id = :c
            """),
            {"c": placed.checkout_id},
        )
        return [(row.reason, row.amount_minor) for row in rows]


async def test_money_for_a_closed_order_is_kept_in_sight(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 9_900))
    started = await start_payment(
        checkout_id=placed.checkout_id, buyer_id=buyer.person_id, return_url="/"
    )
    async with transaction() as conn:
        await cancel_unpaid(
            conn, store_id=placed.store_id, order_id=OrderId(placed.order_id),
            reason="not_paid_in_time", at=await clock.refresh(conn),
        )  # fmt: skip
    charge_id = UUID(started.pay_url.rsplit("/", 1)[1])
    await choose_again(charge_id, Outcome.TWICE)
    assert await state_of(placed) == "cancelled"
    assert await unallocated_of(placed) == [("order_closed", 9_900)]


async def test_wrong_amount_is_kept_in_sight_and_pays_nothing(
    shop: tuple[AStore, ABuyer],
) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 9_900))
    await pay(placed, buyer, Outcome.WRONG_AMOUNT)
    assert await state_of(placed) == "placed"
    assert await unallocated_of(placed) == [("wrong_amount", 9_899)]


async def test_declined_then_paid_is_paid_once(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 9_900))
    charge_id = await pay(placed, buyer, Outcome.DECLINED)
    assert await state_of(placed) == "placed"
    await choose_again(charge_id, Outcome.TWICE)
    await choose_again(charge_id, Outcome.PAID)
    assert await state_of(placed) == "paid"
    async with transaction() as conn:
        found = await balances(conn, store.store_id)
    assert found[(store.store_id, "escrow")] == 9_900
