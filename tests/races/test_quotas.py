"""Units set aside for a channel, and many buyers at once by all ways: each gets what is theirs."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import ARequest, AStore, a_link, a_person, a_store, buyers, the_rules
from tests.flows.test_order_life import a_placed_order, pay, refund
from tests.races.flows import PRICE, Act, assert_whole
from tests.races.test_burst import at_once

from dougong.base.ids import OrderId, PersonId, SkuId, new_id
from dougong.flows.close_order import cancel_unpaid
from dougong.flows.end_quotas import end_due_quotas
from dougong.flows.place_orders import Placed, place_in
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.quota_commands import end_quota, set_aside
from dougong.supply.quota_rules import Channel, HeldUnits, Part, Quota, QuotaOver, QuotaThere
from dougong.supply.stock_rules import NotEnoughThere

pytestmark = [pytest.mark.money, pytest.mark.usefixtures("own_database")]


async def a_quota(
    store: AStore, units: int, *, channel: Channel = Channel.VIDEO, hours: float | None = None
) -> UUID:
    async with transaction() as conn:
        at, person = await clock.refresh(conn), await a_person(conn)
        ends = None if hours is None else at + timedelta(hours=hours)
        return await set_aside(
            conn, store_id=store.store_id, sku_id=store.skus[0], channel=channel, room=None,
            units=units, starts_at=at, ends_at=ends, by_id=PersonId(person), at=at,
        )  # fmt: skip


async def used(quota_id: UUID) -> tuple[int, int]:
    """Units of a quota that are taken, and how many quotas its SKU has."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT q.used, s.quotas FROM stock_quotas q
                JOIN stock s ON s.store_id = q.store_id AND s.sku_id = q.sku_id WHERE q.id = :q
            """),
            {"q": quota_id},
        )
        row = found.one()
        return row.used, row.quotas


@pytest.mark.parametrize("ways", [("shop", "video"), ("video", "shop")])
async def test_sixty_four_buyers_by_two_ways_get_what_is_set_aside_for_theirs(
    ways: tuple[str, str],
) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, on_hand=30)
        link_id, _ = await a_link(conn, store)
        people = await buyers(conn, 64)
    quota_id = await a_quota(store, 10)
    taken: Counter[str] = Counter()

    def buy(n: int) -> Act:
        way = ways[n % 2]
        came_by = link_id if way == "video" else None
        request = ARequest(store, people[n], PRICE, {0: 1}, link_id=came_by)

        async def act() -> str:
            async with transaction() as conn:  # each a batch of its own
                at = await clock.refresh(conn)
                (answer,) = await place_in(conn, requests=[request.build()], at=at)
            if isinstance(answer, Placed):
                taken[way] += 1
                return "placed"
            return answer.code  # type: ignore[union-attr]

        return act

    answers = Counter(await at_once([buy(n) for n in range(64)]))
    assert answers == {"placed": 30, "sold_out": 34}
    assert taken == {"shop": 20, "video": 10}
    assert await used(quota_id) == (10, 1)
    await assert_whole(store)


async def a_shop(on_hand: int = 10) -> tuple[AStore, UUID]:
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, on_hand=on_hand)
        return store, (await a_link(conn, store))[0]


async def bought(store: AStore, quantity: int, link_id: UUID | None) -> Placed:
    async with transaction() as conn:
        (buyer,) = await buyers(conn, 1)
    request = ARequest(store, buyer, PRICE * quantity, {0: quantity}, link_id=link_id)
    placed = await a_placed_order(request)
    if quantity > 1:
        await pay(placed, buyer)
    return placed


async def test_what_is_not_paid_or_refunded_goes_back_to_its_channel() -> None:
    store, link_id = await a_shop()
    quota_id = await a_quota(store, 4)
    unpaid, paid = await bought(store, 1, link_id), await bought(store, 3, link_id)
    assert await used(quota_id) == (4, 1)
    async with transaction() as conn:
        await cancel_unpaid(
            conn, store_id=store.store_id, order_id=unpaid.order_id, reason="not_paid_in_time",
            at=await clock.refresh(conn),
        )  # fmt: skip
    assert await used(quota_id) == (3, 1)
    await refund(paid, {1: 3 * PRICE})
    assert await used(quota_id) == (0, 1)
    await assert_whole(store)


async def test_a_channel_gets_no_more_than_its_quota_and_nobody_else_any_of_it() -> None:
    store, link_id = await a_shop()
    quota_id = await a_quota(store, 4)
    with pytest.raises(AssertionError, match="SoldOut"):
        await bought(store, 5, link_id)
    with pytest.raises(AssertionError, match="SoldOut"):
        await bought(store, 7, None)
    await bought(store, 6, None)
    await bought(store, 4, link_id)
    assert await used(quota_id) == (4, 1)
    await assert_whole(store)


async def test_what_is_ended_is_everybodys_again() -> None:
    store, _ = await a_shop()
    quota_id = await a_quota(store, 8)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await end_quota(conn, store_id=store.store_id, quota_id=quota_id, at=at)
    await bought(store, 10, None)
    async with transaction() as conn:
        with pytest.raises(QuotaOver):
            await end_quota(conn, store_id=store.store_id, quota_id=quota_id, at=at)
    await assert_whole(store)


async def test_a_quota_that_is_over_binds_nobody_even_before_the_job_ends_it() -> None:
    store, _ = await a_shop()
    quota_id = await a_quota(store, 8, hours=1)
    async with transaction() as conn:
        await conn.execute(
            text("""
                UPDATE stock_quotas SET starts_at = starts_at - interval '2 hours',
                  ends_at = ends_at - interval '2 hours' WHERE id = :q
            """),
            {"q": quota_id},
        )
    await bought(store, 10, None)
    assert await used(quota_id) == (0, 1)
    await end_due_quotas()
    await end_due_quotas()
    assert await used(quota_id) == (0, 0)
    await assert_whole(store)


async def test_no_more_is_set_aside_than_is_free_and_once_for_a_channel() -> None:
    store, _ = await a_shop()
    await a_quota(store, 6)
    with pytest.raises(NotEnoughThere):
        await a_quota(store, 5, channel=Channel.SHOP)
    with pytest.raises(QuotaThere):
        await a_quota(store, 1)
    await assert_whole(store)


def test_a_rooms_own_units_come_before_the_channels() -> None:
    sku, host, order = SkuId(new_id()), new_id(), OrderId(new_id())
    room = Quota(new_id(), sku, Channel.LIVE, host, 1)
    live = Quota(new_id(), sku, Channel.LIVE, None, 2)
    held = HeldUnits({sku: 10}, [room, live])
    assert held.take_parts(order, [Part(sku, 1, Channel.LIVE, host)]) is None
    assert held.take_parts(order, [Part(sku, 1, Channel.LIVE, host)]) == sku
    assert held.take_parts(order, [Part(sku, 2, Channel.LIVE, new_id())]) is None
    assert held.take_parts(order, [Part(sku, 8, Channel.SHOP, None)]) == sku
    assert held.take_parts(order, [Part(sku, 7, Channel.VIDEO, None)]) is None
    assert held.uses == {(order, room.id): 1, (order, live.id): 2}
    assert held.taken == {sku: 10}
