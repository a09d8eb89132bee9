"""Every deadline acts once: by several workers at once, after a stop, and beside one that fails."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.books import balances, stock_of
from tests.factories import ARequest, a_store, buyers, the_rules
from tests.races.flows import PRICE, a_scene, a_shop, assert_whole

from dougong.flows.deadlines import DeadlinesFailed, act_on_due, act_on_one
from dougong.flows.place_orders import Placed, place_in
from dougong.infra import clock
from dougong.infra.db import transaction

pytestmark = pytest.mark.money

WORKERS = 4


async def work(at: datetime) -> int:
    """What one worker does at an instant; answers how many deadlines it acted on."""
    done = 0
    while True:
        async with transaction() as conn:
            if not await act_on_one(conn, at=at):
                return done
        done += 1


async def until_quiet(at: datetime) -> int:
    """Four workers at once, and again until nobody finds anything; answers how many acted."""
    done = 0
    while ran := sum(await asyncio.gather(*(work(at) for _ in range(WORKERS)))):
        done += ran
    return done


async def told(store_id: UUID) -> Counter[tuple[str, UUID]]:
    """(event, order) of a store to how often it was said."""
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT kind, subject_id FROM events WHERE store_id = :s"), {"s": store_id}
        )
        return Counter((row.kind, row.subject_id) for row in rows)


async def outcomes(store_id: UUID) -> Counter[tuple[str, str]]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT kind, outcome FROM deadlines WHERE store_id = :s"), {"s": store_id}
        )
        return Counter((row.kind, row.outcome) for row in rows)


async def unpaid_orders(count: int) -> tuple[Any, list[Placed], datetime]:
    """Orders of one store, placed now and not paid; and when they end."""
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, on_hand=count)
        requests = [ARequest(store, b, PRICE).build() for b in await buyers(conn, count)]
        placed = await place_in(conn, requests=requests, at=await clock.refresh(conn))
    made = [one for one in placed if isinstance(one, Placed)]
    assert len(made) == count
    return store, made, max(one.pay_by for one in made)


@pytest.mark.parametrize("stopped", [timedelta(0), timedelta(days=30)], ids=["running", "stopped"])
async def test_four_workers_act_on_each_deadline_once(stopped: timedelta) -> None:
    """`stopped`: for how long no worker ran when the deadlines were over."""
    store, orders, due = await unpaid_orders(40)
    assert await until_quiet(due + stopped) >= 40
    said = await told(store.store_id)
    assert [said[("order.cancelled", one.order_id)] for one in orders] == [1] * 40
    assert await outcomes(store.store_id) == {("pay_by", "not_paid_in_time"): 40}
    async with transaction() as conn:
        assert await stock_of(conn, store.store_id, store.skus[0]) == (40, 0)


async def test_from_shipped_to_final_after_a_stop_over_every_deadline() -> None:
    """Nobody worked for a year: each deadline still acts, once, and the next one counts from it."""
    shop = await a_shop()
    scene = await a_scene(shop, state="shipped")
    at = clock.now() + timedelta(days=365)
    await until_quiet(at)
    async with transaction() as conn:
        assert (await scene.row()).state == "received"
        assert (scene.store.org_id, "merchant_payable") not in await balances(
            conn, scene.store.store_id
        )
    await until_quiet(at + timedelta(days=8))
    assert (await scene.row()).state == "final"
    said = await told(scene.store.store_id)
    for kind in ("order.received", "order.final"):
        assert said[(kind, scene.placed.order_id)] == 1
    assert await outcomes(scene.store.store_id) == {
        ("pay_by", "paid"): 1,
        ("receive_by", "by_deadline"): 1,
        ("final_at", "acted"): 1,
    }
    await assert_whole(scene.store)


async def test_one_that_fails_does_not_hold_up_the_others() -> None:
    broken, (stuck,), _ = await unpaid_orders(1)
    fine, (other,), due = await unpaid_orders(1)
    reserved = {"s": broken.store_id}
    async with transaction() as conn:  # somebody has mended the stock by hand
        await conn.execute(text("UPDATE stock SET reserved = 0 WHERE store_id = :s"), reserved)
    with pytest.raises(DeadlinesFailed) as failed:
        await act_on_due(at=due)
    assert str(stuck.order_id) in str(failed.value)
    assert (await told(fine.store_id))[("order.cancelled", other.order_id)] == 1
    assert (await told(broken.store_id))[("order.cancelled", stuck.order_id)] == 0
    async with transaction() as conn:
        await conn.execute(text("UPDATE stock SET reserved = 1 WHERE store_id = :s"), reserved)
    await act_on_due(at=due)
    assert (await told(broken.store_id))[("order.cancelled", stuck.order_id)] == 1
