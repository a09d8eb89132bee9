"""A flash offer of a live room, bought while web workers and PostgreSQL are killed: its quota is
sold to the last unit and not one more, and whoever was told "yes" has it."""

import asyncio
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.crash.buyers import Buyer, Plan
from tests.crash.invariants import violations
from tests.crash.server import Server, a_server
from tests.crash.test_crash import BACK_WITHIN_S, a_market, orders_of, read_acks, settled
from tests.factories import AStore
from tests.live.rooms import a_room, an_offer

from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP

KILLS, QUOTA, PRICE = 6, 300, 5_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def a_sale(engine: AsyncEngine) -> tuple[AStore, list[Buyer], UUID]:
    """A store, who buys there, and its offer of QUOTA units of one SKU in a room on air."""
    async with engine.begin() as conn:
        store, people = await a_market(conn)
        at = wall_now()
        room = await a_room(conn, store, at=at)
        offer = await an_offer(
            conn, room, price_minor=PRICE, quota=QUOTA, per_buyer=QUOTA, at=at,
            lasts=timedelta(hours=1),
        )  # fmt: skip
    return store, people, offer.id


def hurt(server: Server, run: "subprocess.Popen[bytes]") -> None:
    """The web workers and the database in turns, at any moment of the sale."""
    for n in range(KILLS):
        server.wait_ready(BACK_WITHIN_S)
        time.sleep(random.uniform(0.1, 1.5))
        assert run.poll() is None, "the buyers have left"
        server.kill_web_worker() if n % 2 == 0 else server.kill_postgres()


async def facts_of(engine: AsyncEngine, offer_id: UUID) -> Any:
    """What the offer says that it sold, and what stands in orders that were not given up."""
    async with engine.connect() as conn:
        found = await conn.execute(
            text("""
                SELECT o.sold, (
                  SELECT sum(l.quantity) FROM live_offer_uses u
                  JOIN orders d ON d.store_id = u.store_id AND d.id = u.order_id
                  JOIN order_lines l ON l.store_id = d.store_id AND l.order_id = d.id
                  WHERE u.offer_id = o.id AND d.state <> 'cancelled'
                    AND l.unit_price_minor = o.price_minor) AS confirmed
                FROM live_offers o WHERE o.id = :offer
            """),
            {"offer": offer_id},
        )
        return found.one()


async def the_orders_are_as_told(engine: AsyncEngine, store: AStore, acks: Path) -> set[int]:
    """Every order that was answered is there as it was told, and no other; answers their totals."""
    told = read_acks(acks)
    assert [one.note for one in told if one.what == "fault"] == []
    placed = [one for one in told if one.what == "placed"]
    async with engine.begin() as conn:
        found = {row.key: row for row in await orders_of(conn, store.store_id)}
        assert await violations(conn, [store.store_id]) == {}
    assert {one.key: (one.order_id, one.total_minor, one.quantity) for one in placed} == {
        key: (row.id, row.total_minor, row.quantity) for key, row in found.items()
    }
    return {row.total_minor for row in found.values()}


def bought_while_hurt(
    server: Server,
    folder: Path,
    *,
    store: AStore,
    price_minor: int,
    buyers: list[Buyer],
    **by: UUID,
) -> Path:
    """Buyers buy the store's first SKU at its price, `by` an offer or a link, while the server is
    hurt; answers where they wrote what they were told."""
    acks, hurry, written = folder / "acks", folder / "hurry", folder / "plan.json"
    plan = Plan(
        url=server.url, store_id=store.store_id, skus=[store.skus[0]], price_minor=price_minor,
        buyers=buyers, acks=str(acks), hurry=str(hurry), think_s=4.0,
        seed=random.randrange(10**6), **by,
    )  # fmt: skip
    written.write_bytes(msgspec.json.encode(plan))
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.buyers", str(written)],
        env=server.environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        hurt(server, run)
        server.wait_ready(BACK_WITHIN_S)
        hurry.touch()
        assert run.wait(timeout=150) == 0
    finally:
        run.kill()
        run.wait()
    return acks


def test_a_flash_offer_sells_its_quota_through_every_kill(tmp_path: Path) -> None:
    # Nobody broadcasts into the room: it would end, and with it the offer.
    patient = a_server(tmp_path / "shop", DOUGONG_LIVE_RETURN_S="3600")
    with patient as server, asyncio.Runner() as runner:
        engine = make_engine(server.postgres.url(APP), pool_size=1)
        store, people, offer_id = runner.run(a_sale(engine))
        acks = bought_while_hurt(
            server, tmp_path, store=store, price_minor=PRICE, buyers=people, offer_id=offer_id
        )
        runner.run(engine.dispose())  # its connection has died with the database
        try:
            runner.run(settled(engine, store.store_id))
            totals = runner.run(the_orders_are_as_told(engine, store, acks))
            found = runner.run(facts_of(engine, offer_id))
        finally:
            runner.run(engine.dispose())
        assert server.doctor_finds() == {}
    assert totals <= {PRICE, 2 * PRICE, 3 * PRICE}
    assert (found.sold, found.confirmed) == (QUOTA, QUOTA)
