"""Lost replies: "unknown" is a state of its own, and only the same key resolves it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tests.crash.invariants import violations
from tests.factories import ABuyer, ARequest, AStore, a_store, buyers, the_rules
from tests.races.flows import PRICE
from tests.wire.proxy import Proxy

from dougong.flows import place_orders
from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed, place_order
from dougong.flows.refund_lines import refund_lines
from dougong.infra import clock, db
from dougong.payments.adapters.sandbox import Outcome, choose
from dougong.supply.rules import SoldOut

pytestmark = [
    pytest.mark.slow,
    pytest.mark.money,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("own_database"),
]

BUYERS, ORDERS_EACH = 16, 8
MOST_TRIES = 200
Answer = TypeVar("Answer")


@pytest.fixture
async def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """The app's own engine goes through the proxy; the test's checks do not."""
    url = make_url(db.app_url())
    made = Proxy(str(url.query["host"]), tmp_path / "s", seed=20_200_820)
    await made.start()
    # The proxy is not the server's user: nobody but this test may be between the two.
    mine = url.difference_update_query(["requirepeer"])
    through = mine.update_query_dict({"host": str(tmp_path / "s")})
    engine = db.make_engine(through.render_as_string(hide_password=False), pool_size=6)
    straight = db.make_engine(db.app_url(), pool_size=2)
    monkeypatch.setattr(db, "engine", lambda: engine)
    monkeypatch.setattr(db, "slow_engine", lambda: straight)
    monkeypatch.setattr(place_orders, "_intakes", {})
    yield made
    made.cut_commit = made.cut_other = 0.0
    await engine.dispose()
    await straight.dispose()
    await made.stop()


async def until_answered(ask: Callable[[], Awaitable[Answer]], unknown: list[str]) -> Answer:
    """Ask again with the same key for as long as nobody knows, within reason."""
    for _ in range(MOST_TRIES):
        try:
            return await ask()
        except (DBAPIError, PoolTimeout) as error:
            assert not isinstance(error, DBAPIError) or _is_lost(error), error
            unknown.append(type(error).__name__)
            last = error
            await asyncio.sleep(0.005)
    raise AssertionError("the connections do not come back") from last


def _is_lost(error: DBAPIError) -> bool:
    """As web/refusals.py judges: 503 and not 500."""
    return error.connection_invalidated or type(error).__name__ == "OperationalError"


async def test_every_key_is_one_order_one_payment_one_refund(proxy: Proxy) -> None:
    async with db.transaction(slow=True) as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(PRICE,), on_hand=10_000)
        people = await buyers(conn, BUYERS)
    unknown: list[str] = []
    proxy.cut_commit, proxy.cut_other = 0.25, 0.004
    random.seed(20_200_820)

    async def buy(n: int) -> list[Placed]:
        made = []
        for k in range(ORDERS_EACH):
            request = ARequest(store, people[n], PRICE, key=f"wire-key-{n}-{k}").build()
            last = await until_answered(partial(place_order, request), unknown)
            assert isinstance(last, Placed), last
            made.append(last)
            if k % 2:
                charge_id = await until_answered(partial(start, last, people[n]), unknown)
                await until_answered(partial(pay, charge_id), unknown)
            if k == 3:
                await until_answered(partial(refund, last), unknown)
        return made

    async def start(placed: Placed, buyer: ABuyer) -> UUID:
        started = await start_payment(
            checkout_id=placed.checkout_id, buyer_id=buyer.person_id, return_url="/"
        )
        return UUID(started.pay_url.rsplit("/", 1)[1])

    async def pay(charge_id: UUID) -> None:
        async with db.transaction() as conn:
            events = await choose(conn, charge_id=charge_id, outcome=Outcome.PAID)
        for event in events:
            await receive(code="sandbox", body=event.body, headers=event.headers)

    async def refund(placed: Placed) -> None:
        async with db.transaction() as conn:
            await refund_lines(
                conn, store_id=placed.store_id, order_id=placed.order_id, amounts={1: 900},
                reason="wire", asked_by=None, key=f"refund-{placed.order_id}",
                at=await clock.refresh(conn),
            )  # fmt: skip

    made = [p for some in await asyncio.gather(*(buy(n) for n in range(BUYERS))) for p in some]
    proxy.cut_commit = proxy.cut_other = 0.0
    print(dict(proxy.done), f"{len(unknown)} unknown")
    assert proxy.done["cut at commit"] >= 30
    assert len(unknown) >= 30
    await assert_all_once(store, made)


ORDERS = text("""
    SELECT o.id, o.state, (SELECT count(*) FROM refunds r
      WHERE r.store_id = o.store_id AND r.order_id = o.id) AS refunds
    FROM orders o WHERE o.store_id = :s
""")


async def test_a_refusal_through_the_proxy_is_still_a_refusal(proxy: Proxy) -> None:
    async with db.transaction(slow=True) as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(PRICE,), on_hand=0)
        (buyer,) = await buyers(conn, 1)
    proxy.cut_commit = 0.5
    request = ARequest(store, buyer, PRICE).build()
    refused = await until_answered(lambda: place_order(request), [])
    assert isinstance(refused, SoldOut)


async def assert_all_once(store: AStore, made: list[Placed]) -> None:
    async with db.transaction(slow=True) as conn:
        rows = (await conn.execute(ORDERS, {"s": store.store_id})).all()
        assert {row.id for row in rows} == {p.order_id for p in made}
        assert len(rows) == BUYERS * ORDERS_EACH
        assert sum(row.state == "paid" for row in rows) == BUYERS * ORDERS_EACH // 2
        assert sum(row.refunds for row in rows) == BUYERS
        assert await violations(conn, [store.store_id]) == {}
