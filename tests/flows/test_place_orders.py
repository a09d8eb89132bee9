"""Order intake: who came first is served, everyone gets one clear answer, once."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import stock_of
from tests.factories import T0, ARequest, a_buyer, a_coupon, a_store, buyers, the_rules

from dougong.base.errors import KeyReused
from dougong.flows.place_orders import Placed, place_in, place_order
from dougong.infra.db import transaction
from dougong.orders.rules import CouponRefused, NotForSale, StaleTotal
from dougong.supply.rules import SoldOut

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
