"""Order intake: who came first is served, everyone gets one clear answer, once."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.books import stock_of
from tests.factories import (
    T0,
    ARequest,
    AStore,
    a_buyer,
    a_coupon,
    a_link,
    a_person,
    a_store,
    buyers,
    the_rules,
)

from dougong.base.errors import KeyReused
from dougong.base.ids import RuleId, StoreId, new_id
from dougong.flows.check_out import CheckedOut, StorePart, check_out
from dougong.flows.place_orders import Placed, _intakes, place_in, place_order
from dougong.flows.price_orders import WantedLine
from dougong.infra.db import transaction
from dougong.orders.cart_commands import add_to_cart
from dougong.orders.rules import CouponRefused, NotForSale, StaleTotal
from dougong.policy.commands import install_rules
from dougong.policy.defaults import default_rules
from dougong.policy.queries import forget_book
from dougong.supply.rules import SoldOut
from dougong.supply.stock_commands import set_on_hand

pytestmark = pytest.mark.money


async def test_first_come_first_served_within_a_batch(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store = await a_store(conn, on_hand=3)
    people = await buyers(conn, 3)
    requests = [
        ARequest(store, buyer, 9_900 * n, {0: n}).build()
        for buyer, n in zip(people, (2, 2, 1), strict=True)
    ]
    first, second, third = await place_in(conn, requests=requests, at=T0)
    assert isinstance(first, Placed)
    assert isinstance(second, SoldOut)
    assert isinstance(third, Placed)
    assert await stock_of(conn, store.store_id, store.skus[0]) == (3, 3)


async def test_same_key_twice_in_one_batch_makes_one_order(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store, buyer = await a_store(conn), await a_buyer(conn)
    request = ARequest(store, buyer, 9_900, key="the-same-key").build()
    first, again = await place_in(conn, requests=[request, request], at=T0)
    later = (await place_in(conn, requests=[request], at=T0))[0]
    assert first == again == later
    assert await stock_of(conn, store.store_id, store.skus[0]) == (100, 1)


async def test_same_key_with_another_body_is_refused(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store, buyer = await a_store(conn), await a_buyer(conn)
    one = ARequest(store, buyer, 9_900, key="the-same-key").build()
    other = ARequest(store, buyer, 19_800, {0: 2}, key="the-same-key").build()
    _, refused = await place_in(conn, requests=[one, other], at=T0)
    assert isinstance(refused, KeyReused)


async def test_stale_total_is_refused_with_the_new_one(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store, buyer = await a_store(conn, shipping_fee_minor=800), await a_buyer(conn)
    (answer,) = await place_in(conn, requests=[ARequest(store, buyer, 9_900).build()], at=T0)
    assert isinstance(answer, StaleTotal)
    assert answer.facts == {"expected_minor": 9_900, "total_minor": 10_700}
    assert await stock_of(conn, store.store_id, store.skus[0]) == (100, 0)


async def test_one_bad_request_does_not_fail_its_neighbours(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store, other = await a_store(conn), await a_store(conn)
    buyer = await a_buyer(conn)
    bad = ARequest(store, buyer, 9_900).build()
    stolen = ARequest(
        type(store)(store.store_id, store.org_id, other.skus, other.products, other.prices),
        buyer,
        9_900,
    ).build()
    first, second = await place_in(conn, requests=[stolen, bad], at=T0)
    assert isinstance(first, NotForSale)
    assert isinstance(second, Placed)


async def test_coupon_goes_to_the_first_and_once_a_person(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store = await a_store(conn)
    code = await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id, quota=2)
    one, two, three = await buyers(conn, 3)
    requests = [
        ARequest(store, buyer, 8_900, coupon_code=code).build() for buyer in (one, one, two, three)
    ]
    first, repeat, second, late = await place_in(conn, requests=requests, at=T0)
    assert isinstance(first, Placed)
    assert isinstance(second, Placed)
    assert isinstance(repeat, CouponRefused)
    assert isinstance(late, CouponRefused)
    assert (repeat.facts["why"], late.facts["why"]) == ("already_used", "used_up")
    assert await stock_of(conn, store.store_id, store.skus[0]) == (100, 2)


async def test_sixty_four_buyers_and_fifty_units(connections: None) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, on_hand=50)
        people = await buyers(conn, 64)
    requests = [ARequest(store, buyer, 9_900).build() for buyer in people]
    answers = await asyncio.gather(*map(place_order, requests), return_exceptions=True)
    assert sum(isinstance(answer, Placed) for answer in answers) == 50
    assert sum(isinstance(answer, SoldOut) for answer in answers) == 14
    again = await asyncio.gather(*map(place_order, requests), return_exceptions=True)
    assert [a for a in again if isinstance(a, Placed)] == [
        a for a in answers if isinstance(a, Placed)
    ]
    async with transaction() as conn:
        assert await stock_of(conn, store.store_id, store.skus[0]) == (50, 50)
        orders = await conn.scalar(
            text("SELECT count(*) FROM orders WHERE store_id = :s"), {"s": store.store_id}
        )
    assert orders == 50


async def test_two_batches_at_once_never_oversell(connections: None) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(100, 200), on_hand=30)
        people = await buyers(conn, 60)
    batches = [
        [ARequest(store, b, 300, {0: 1, 1: 1} if n % 2 else {1: 1, 0: 1}).build()]
        for n, b in enumerate(people)
    ]

    async def run(batch: list[object]) -> list[object]:
        async with transaction() as conn:
            return list(await place_in(conn, requests=batch, at=T0))  # type: ignore[arg-type]

    answers = await asyncio.gather(*(run(list(batch)) for batch in batches))
    assert sum(isinstance(a[0], Placed) for a in answers) == 30


async def test_a_coupon_is_not_lost_to_an_order_that_gets_no_unit(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store = await a_store(conn, prices=(9_900, 9_900), on_hand=1)
    code = await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id, quota=1)
    one, two = await buyers(conn, 2)
    requests = [
        ARequest(store, one, 18_800, {0: 2}, coupon_code=code).build(),  # no two are there
        ARequest(store, two, 8_900, {1: 1}, coupon_code=code).build(),
        ARequest(store, one, 8_900, {0: 1}, coupon_code=code).build(),
    ]
    first, second, third = await place_in(conn, requests=requests, at=T0)
    assert isinstance(first, SoldOut)
    assert isinstance(second, Placed)
    assert isinstance(third, CouponRefused)
    assert third.facts["why"] == "used_up"
    assert await stock_of(conn, store.store_id, store.skus[0]) == (1, 0)


async def test_the_longest_time_to_pay_of_all_lines_counts(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store, (one, two) = await a_store(conn, prices=(100, 200)), await buyers(conn, 2)
    author, approver = await a_person(conn), await a_person(conn)
    template = next(r for r in default_rules() if r.kind == "pay_within_s")
    slow = msgspec.structs.replace(
        template, id=RuleId(new_id()), party=str(store.org_id), category="furniture", value=3_600
    )
    await conn.execute(
        text("""
            INSERT INTO categories (path, name_zh, name_en)
            VALUES ('furniture', '家具', 'Furniture')
            ON CONFLICT DO NOTHING
        """)
    )
    await conn.execute(
        text("UPDATE products SET category = 'furniture' WHERE id = :p"), {"p": store.products[1]}
    )
    await install_rules(conn, rules=[slow], at=T0, author_id=author, approver_id=approver)
    requests = [
        ARequest(store, one, 300, {0: 1, 1: 1}).build(),
        ARequest(store, two, 300, {1: 1, 0: 1}).build(),
    ]
    placed = await place_in(conn, requests=requests, at=T0)
    assert [a.pay_by - T0 for a in placed if isinstance(a, Placed)] == [timedelta(hours=1)] * 2


async def test_fees_never_take_more_than_there_is(conn: AsyncConnection) -> None:
    """A service fee of 100 % and a payment cost above it: the fee is cut, the order stands."""
    await the_rules(conn)
    store, buyer = await a_store(conn), await a_buyer(conn)
    author, approver = await a_person(conn), await a_person(conn)
    template = next(r for r in default_rules() if r.kind == "platform_service_fee")
    greedy = msgspec.structs.replace(
        template, id=RuleId(new_id()), party=str(store.org_id), value=10_000
    )
    await install_rules(conn, rules=[greedy], at=T0, author_id=author, approver_id=approver)
    link_id, _ = await a_link(conn, store)
    request = ARequest(store, buyer, 9_900, link_id=link_id).build()
    (placed,) = await place_in(conn, requests=[request], at=T0)
    assert isinstance(placed, Placed)
    line = (
        await conn.execute(
            text("SELECT * FROM order_lines WHERE order_id = :o"), {"o": placed.order_id}
        )
    ).one()
    rates = (line.service_fee_bp, line.commission_bp, line.payment_cost_bp)
    assert rates == (9_940, 0, 60)
    assert line.service_fee_rule_id == greedy.id


async def test_without_a_rule_for_the_time_to_pay_there_is_still_some(
    ruleless: AsyncEngine,
) -> None:
    async with ruleless.connect() as conn:
        forget_book()
        store, buyer = await a_store(conn), await a_buyer(conn)
        request = ARequest(store, buyer, 9_900).build()
        (placed,) = await place_in(conn, requests=[request], at=T0)
        await conn.rollback()
    forget_book()
    assert isinstance(placed, Placed)
    assert placed.pay_by - T0 == timedelta(minutes=15)


# a whole checkout ---------------------------------------------------------------------------


async def test_a_checkout_key_is_of_one_body(connections: None) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        one, two = await a_store(conn), await a_store(conn)
        buyer = await a_buyer(conn)

    def part(store: AStore, units: int = 1) -> StorePart:
        return StorePart(store.store_id, (WantedLine(store.skus[0], units),), None, 9_900 * units)

    async def ask(*parts: StorePart, key: str = "one-checkout") -> CheckedOut:
        return await check_out(
            buyer_id=buyer.person_id, key=key, address_id=buyer.address_id, parts=parts
        )

    first = await ask(part(one))
    again = [await ask(part(one)) for _ in range(10)]
    assert all(other == first for other in again)
    for other in ((part(two),), (part(one), part(two)), (part(one, 2),)):
        assert isinstance((await ask(*other)).refusal, KeyReused)
    async with transaction() as conn:
        assert await stock_of(conn, one.store_id, one.skus[0]) == (100, 1)
        assert await stock_of(conn, two.store_id, two.skus[0]) == (100, 0)


async def test_a_checkout_of_which_one_store_refused_can_be_asked_again(connections: None) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        one, empty = await a_store(conn), await a_store(conn, on_hand=0)
        buyer = await a_buyer(conn)
    parts = [
        StorePart(store.store_id, (WantedLine(store.skus[0], 1),), None, 9_900)
        for store in (one, empty)
    ]
    for stock, placed in ((0, 1), (1, 2), (1, 2)):
        async with transaction() as conn:
            await set_on_hand(conn, store_id=empty.store_id, levels={empty.skus[0]: stock}, at=T0)
        done = await check_out(
            buyer_id=buyer.person_id, key="half-a-checkout", address_id=buyer.address_id,
            parts=parts,
        )  # fmt: skip
        assert (len(done.placed), len(done.refused)) == (placed, 2 - placed)


async def test_the_key_of_another_buyer_is_another_key(conn: AsyncConnection) -> None:
    await the_rules(conn)
    store, people = await a_store(conn), await buyers(conn, 2)
    requests = [ARequest(store, b, 9_900, key="everybody's key").build() for b in people]
    first, second = await place_in(conn, requests=requests, at=T0)
    assert isinstance(first, Placed) and isinstance(second, Placed)
    assert first.order_id != second.order_id


async def test_stores_that_nobody_asks_leave_no_intake_behind(connections: None) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        store, buyer = await a_store(conn), await a_buyer(conn)
    request = ARequest(store, buyer, 9_900).build()
    strangers = [msgspec.structs.replace(request, store_id=StoreId(new_id())) for _ in range(20)]
    answers = await asyncio.gather(*map(place_order, strangers), return_exceptions=True)
    assert all(isinstance(answer, NotForSale) for answer in answers)
    assert not set(_intakes) & {one.store_id for one in strangers}


# carts --------------------------------------------------------------------------------------


async def test_ten_taps_at_once_put_ten_into_the_cart(connections: None) -> None:
    async with transaction() as conn:
        store, buyer = await a_store(conn), await a_buyer(conn)

    async def tap() -> None:
        async with transaction() as conn:
            await add_to_cart(
                conn, person_id=buyer.person_id, store_id=store.store_id, sku_id=store.skus[0],
                quantity=1, link_id=None, at=T0,
            )  # fmt: skip

    await asyncio.gather(*(tap() for _ in range(10)))
    async with transaction() as conn:
        held = await conn.scalar(
            text("SELECT quantity FROM cart_items WHERE person_id = :p"), {"p": buyer.person_id}
        )
    assert held == 10
