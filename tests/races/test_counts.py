"""Stock is counted during a sale: what counts find is booked while orders reserve and ship."""

from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import ARequest, AStore, a_person, a_store, buyers, the_rules
from tests.races.flows import PRICE, Act, a_scene, a_shop, assert_whole, place
from tests.races.test_burst import at_once, counted

from dougong.base.ids import PersonId, SkuId, new_id
from dougong.flows.take_stock import approve
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.count_commands import finish_count, note_count, start_count
from dougong.supply.ledger_commands import hold_levels
from dougong.supply.warehouse_commands import default_warehouse

pytestmark = [pytest.mark.money, pytest.mark.usefixtures("own_database")]


async def a_count(store: AStore, differs: int, *, by_id: PersonId) -> UUID:
    """A finished count that finds so many more or fewer than the books of its moment."""
    of = {"store_id": store.store_id, "at": clock.now()}
    sku_id = SkuId(store.skus[0])
    async with transaction() as conn:
        warehouse_id = await default_warehouse(conn, **of)
        count_id = await start_count(
            conn, warehouse_id=warehouse_id, scope="", sku_ids=[sku_id], limit_units=0,
            by_id=by_id, **of,
        )  # fmt: skip
    async with transaction() as conn:
        there = await hold_levels(conn, store_id=store.store_id, sku_ids=[sku_id])
        await note_count(
            conn, count_id=count_id, sku_id=sku_id, reason="", key=new_id().hex, by_id=by_id,
            counted=there[sku_id, warehouse_id].on_hand + differs, **of,
        )  # fmt: skip
    async with transaction() as conn:
        await finish_count(conn, count_id=count_id, by_id=by_id, **of)
    return count_id


def approval(store: AStore, count_id: UUID, by_id: PersonId) -> Act:
    async def act() -> str:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await approve(conn, store_id=store.store_id, count_id=count_id, by_id=by_id, at=at)
        return "approved"

    return act


def purchase(request: ARequest) -> Act:
    async def act() -> str:
        await place(request.build())
        return "placed"

    return act


async def people() -> tuple[PersonId, PersonId]:
    """Who counts, and who approves."""
    async with transaction() as conn:
        return await a_person(conn), await a_person(conn)


async def stock_of(store: AStore) -> tuple[int, int]:
    """Units on hand and reserved of its SKU."""
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT on_hand, reserved FROM stock WHERE store_id = :s"), {"s": store.store_id}
        )
        row = found.one()
        return row.on_hand, row.reserved


async def test_counts_are_approved_while_orders_reserve_and_ship() -> None:
    shop = await a_shop(on_hand=60)
    store, buyer = shop
    counter, approver = await people()
    scenes = [await a_scene(shop, state="paid") for _ in range(6)]
    lost, more = [await a_count(store, n, by_id=counter) for n in (-3, 1)]

    async def count_now() -> str:
        return str(await approval(store, await a_count(store, -2, by_id=counter), approver)())

    sale = [purchase(ARequest(store, buyer, PRICE)) for _ in range(12)]
    counts = [approval(store, lost, approver), approval(store, more, approver),
              approval(store, lost, approver), count_now]  # fmt: skip
    acts = [*sale[:6], *counts, *(scene.ship for scene in scenes), *sale[6:]]
    answers = counted(await at_once(acts))
    assert answers == {"placed": 12, "approved": 3, "count_closed": 1, "shipped": 6}
    assert await stock_of(store) == (60 - 3 + 1 - 2 - 6 * 2, 12)
    await assert_whole(store)


@pytest.mark.parametrize("count_comes", ["first", "last"])
async def test_what_a_count_misses_is_not_sold_or_what_is_sold_is_not_written_off(
    count_comes: str,
) -> None:
    """Ten units by the books, six that lie there: the count wins and six are sold, or it comes too
    late, orders have the ten, and it says so."""
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(PRICE,), on_hand=10)
        crowd = await buyers(conn, 16)
    counter, approver = await people()
    count = approval(store, await a_count(store, -4, by_id=counter), approver)
    sale = [purchase(ARequest(store, one, PRICE)) for one in crowd]
    acts = [count, *sale] if count_comes == "first" else [*sale, count]
    answers = Counter(await at_once(acts))
    left = 6 if answers["approved"] else 10
    told = "approved" if answers["approved"] else "stock_below_reserved"
    assert answers == {"placed": left, "sold_out": 16 - left, told: 1}
    assert await stock_of(store) == (left, left)
    await assert_whole(store)


async def test_who_counted_approves_nothing_however_often_it_is_asked() -> None:
    store, _ = await a_shop(on_hand=20)
    counter, approver = await people()
    count_id = await a_count(store, -5, by_id=counter)
    acts = [approval(store, count_id, who) for who in (counter, approver) * 4]
    answers = Counter(await at_once(acts))
    assert answers["approved"] == 1
    assert answers["approved"] + answers["count_closed"] + answers["another_must_approve"] == 8
    assert await stock_of(store) == (15, 0)
    await assert_whole(store)
