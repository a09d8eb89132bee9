"""From placed to final and back: every state, every fen."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
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
    a_person,
    a_store,
    the_rules,
)

from dougong.base.ids import PLATFORM_BOOK, OrderId, RuleId, new_id
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.deadlines import act_on_one
from dougong.flows.order_for_books import booked_order, line_money
from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed, place_in
from dougong.flows.receive_order import finalise_order, receive_order
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.orders.rules import RefundTooMuch, WrongState, line_shares
from dougong.payments.adapters.sandbox import Outcome, choose
from dougong.policy.commands import install_rules
from dougong.policy.defaults import default_rules

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


async def shares_of(placed: Placed, refunded: dict[int, int]) -> dict[str, int]:
    """What each should hold of a final order, from its frozen lines and what went back so far."""
    async with transaction() as conn:
        _, rows = await booked_order(conn, store_id=placed.store_id, order_id=placed.order_id)
    held: dict[str, int] = {}
    for row in rows:
        s = line_shares(line_money(row), refunded_minor=refunded.get(row.line_no, 0))
        for name, amount in (
            ("gateway_clearing", -s.paid),
            ("coupon_cost", -s.platform_discount),
            ("merchant_payable", s.merchant - s.merchant_discount),
            ("creator_payable", s.creator - s.creator_discount),
            ("platform_service_fee", s.service_fee),
            ("platform_commission_cut", s.commission_cut),
            ("platform_payment_cost", s.payment_cost),
        ):
            held[name] = held.get(name, 0) + amount
    return {name: amount for name, amount in held.items() if amount}


async def test_refunds_after_final_take_each_share_back_to_the_fen(connections: None) -> None:
    """After each of seven, whoever had a share is down by what the smaller order earns it less."""
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(9_900, 101), shipping_fee_minor=777)
        buyer = await a_buyer(conn)
        link_id, _ = await a_link(conn, store)
        await a_coupon(conn, store, funder="platform", funder_org_id=PLATFORM_BOOK)
    request = ARequest(store, buyer, 9_778, {0: 1, 1: 1}, coupon_code="SAVE10", link_id=link_id)
    placed = await a_placed_order(request)
    await pay(placed, buyer)
    await to_final(placed, {1: 1, 2: 1})
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT line_no, paid_minor FROM order_lines WHERE order_id = :o"),
            {"o": placed.order_id},
        )
        left = {row.line_no: row.paid_minor for row in rows}
    assert sum(left.values()) == 9_778 and len(left) == 3
    refunded = dict.fromkeys(left, 0)
    for step in ({1: 1}, {1: 3_333}, {3: 300}, {2: 50}, {1: 17, 3: 77}, {1: 999}, dict(left)):
        amounts = {n: min(amount, left[n] - refunded[n]) for n, amount in step.items()}
        await refund(placed, amounts)
        for n, amount in amounts.items():
            refunded[n] += amount
        async with transaction() as conn:
            found = await balances(conn, store.store_id)
        assert {purpose: n for (_, purpose), n in found.items()} == await shares_of(
            placed, refunded
        )
    assert refunded == left
    async with transaction() as conn:
        assert await balances(conn, store.store_id) == {}


async def test_a_rule_change_leaves_what_was_agreed_alone(shop: tuple[AStore, ABuyer]) -> None:
    """A placed order keeps its fee, its cost and its after-sales window; the next one does not."""
    store, buyer = shop
    first = await a_placed_order(ARequest(store, buyer, 9_900))
    at = clock.now()
    kinds = {"platform_service_fee": 5_000, "payment_cost": 100, "after_sales_window_s": 60}
    changed = [
        msgspec.structs.replace(
            next(r for r in default_rules() if r.kind == kind),
            id=RuleId(new_id()), party=str(store.org_id), value=value, starts=at, announced_at=at,
        )
        for kind, value in kinds.items()
    ]  # fmt: skip
    async with transaction() as conn:
        author, approver = await a_person(conn), await a_person(conn)
        await install_rules(conn, rules=changed, at=at, author_id=author, approver_id=approver)
    second = await a_placed_order(ARequest(store, buyer, 9_900))
    fees, windows = [], []
    for placed in (first, second):
        before = await fee_of(store)
        await pay(placed, buyer)
        await to_final(placed, {1: 1})
        fees.append(await fee_of(store) - before)
        async with transaction() as conn:
            windows.append(
                await conn.scalar(
                    text("SELECT after_sales_window_s FROM orders WHERE id = :o"),
                    {"o": placed.order_id},
                )
            )
    assert fees == [495, 4_950]
    assert windows == [7 * 86_400, 60]


async def fee_of(store: AStore) -> int:
    async with transaction() as conn:
        found = await balances(conn, store.store_id)
    return found.get((PLATFORM_BOOK, "platform_service_fee"), 0)


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


async def test_a_package_sent_ten_times_is_one_package(shop: tuple[AStore, ABuyer]) -> None:
    store, buyer = shop
    placed = await a_placed_order(ARequest(store, buyer, 49_500, {0: 5}))
    await pay(placed, buyer)

    async def ship(tracking_no: str) -> UUID:
        async with transaction() as conn:
            return await ship_order(
                conn, store_id=placed.store_id, order_id=placed.order_id, carrier="顺丰",
                tracking_no=tracking_no, lines={1: 2}, at=await clock.refresh(conn),
            )  # fmt: skip

    assert len({await ship("SF00001") for _ in range(10)}) == 1
    assert await ship("SF00002") != await ship("SF00001")
    async with transaction() as conn:
        assert await stock_of(conn, store.store_id, store.skus[0]) == (96, 1)


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
