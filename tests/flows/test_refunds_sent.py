"""A refund on its way to its payer: news in any order, failures tried again, one for one key."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.books import balances
from tests.factories import ABuyer, AStore
from tests.flows.paying import one
from tests.races.flows import a_scene, a_shop

from dougong.base.errors import KeyReused
from dougong.flows.payment_arrived import receive
from dougong.flows.refund_lines import refund_lines
from dougong.flows.send_refunds import note_refund, send_again
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import sign
from dougong.payments.rules import EventKind, GatewayEvent

pytestmark = pytest.mark.money


@pytest.fixture
async def shop(connections: None) -> tuple[AStore, ABuyer]:
    return await a_shop()


async def refund_row(refund_id: UUID) -> Any:
    return await one("SELECT * FROM refunds WHERE id = :r", r=refund_id)


async def tell(refund_id: UUID, kind: EventKind, *, attempt: int = 1) -> str:
    """The gateway tells of a refund; answers what came of it."""
    row = await refund_row(refund_id)
    paid = await one("SELECT * FROM payments WHERE id = :p", p=row.payment_id)
    event = GatewayEvent(
        uuid4().hex, kind, paid.gateway_ref, row.amount_minor, "CNY", clock.now(),
        refund_id=refund_id, attempt=attempt,
    )  # fmt: skip
    async with transaction() as conn:
        return await note_refund(conn, payment=paid, event=event, at=clock.now())


async def test_news_of_a_refund_in_any_order(shop: tuple[AStore, ABuyer]) -> None:
    scene = await a_scene(shop, state="paid")
    refund_id = await scene.refund(100)
    assert await tell(refund_id, EventKind.REFUNDED) == "refunded"
    assert await tell(refund_id, EventKind.REFUNDED) == "no_news"
    assert (await refund_row(refund_id)).state == "done"
    assert await tell(refund_id, EventKind.REFUND_FAILED) == "refund_failed"  # a bank sent it back
    assert await tell(refund_id, EventKind.REFUNDED) == "no_news"  # said before, heard after
    row = await refund_row(refund_id)
    assert (row.state, row.failure, row.done_at) == ("failed", "refused_by_gateway", None)


async def test_a_failed_refund_is_tried_again_as_a_new_attempt(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene = await a_scene(shop, state="paid")
    refund_id = await scene.refund(100)
    async with transaction() as conn:
        before = await balances(conn, scene.store.store_id)
    for attempt in (1, 2, 3, 4):
        assert await tell(refund_id, EventKind.REFUND_FAILED, attempt=attempt) == "refund_failed"
        row = await refund_row(refund_id)
        async with transaction() as conn:
            begun = [await send_again(conn, row) for _ in range(2)]
        assert begun == [attempt < 4, False]
    jobs = await one(
        "SELECT count(*) n FROM procrastinate_jobs WHERE args->>'refund_id' = :r", r=str(refund_id)
    )
    assert jobs.n == 4  # the first, and three more
    assert await tell(refund_id, EventKind.REFUNDED, attempt=3) == "no_news"
    row = await refund_row(refund_id)
    assert (row.state, row.attempt) == ("failed", 4)
    said = await one(
        "SELECT count(*) n FROM events WHERE kind = 'order.refund_failed' AND subject_id = :o",
        o=scene.placed.order_id,
    )
    assert said.n == 4
    async with transaction() as conn:
        assert await balances(conn, scene.store.store_id) == before


async def test_a_refund_made_by_hand_at_the_gateway_is_in_sight(
    shop: tuple[AStore, ABuyer],
) -> None:
    scene = await a_scene(shop, state="paid")
    paid = await one("SELECT * FROM payments WHERE checkout_id = :c", c=scene.placed.checkout_id)
    signed = sign(
        GatewayEvent(uuid4().hex, EventKind.REFUNDED, paid.gateway_ref, 55, "CNY", clock.now())
    )
    await receive(code="sandbox", body=signed.body, headers=signed.headers)
    said = await one("SELECT facts FROM events WHERE kind = 'payment.foreign_refund' "
                     "AND subject_id = :p", p=paid.id)  # fmt: skip
    assert said.facts["amount_minor"] == 55


async def test_one_refund_key_for_two_orders_at_once(shop: tuple[AStore, ABuyer]) -> None:
    scenes = [await a_scene(shop, state="paid") for _ in range(2)]
    key, barrier = uuid4().hex, asyncio.Barrier(2)

    async def ask(scene: Any) -> str:
        async with transaction() as conn:
            await barrier.wait()
            try:
                await refund_lines(
                    conn, store_id=scene.placed.store_id, order_id=scene.placed.order_id,
                    amounts={1: 100}, reason="race", asked_by=None, key=key, at=clock.now(),
                )  # fmt: skip
            except KeyReused:
                await conn.rollback()
                return "key_reused"
        return "refunded"

    assert sorted(await asyncio.gather(*map(ask, scenes))) == ["key_reused", "refunded"]
