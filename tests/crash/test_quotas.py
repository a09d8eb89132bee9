"""Units set aside for videos and for orders by API, bought by both while web workers and PostgreSQL
are killed: each way gets its units to the last one and not one more, and none is lost."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.crash.buyers import Buyer
from tests.crash.server import a_server
from tests.crash.test_crash import PRICE, UNITS_A_SKU, a_market, settled
from tests.crash.test_flash import bought_while_hurt, the_orders_are_as_told
from tests.factories import AStore, a_link, a_person

from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP
from dougong.supply.quota_commands import set_aside
from dougong.supply.quota_rules import Channel

QUOTAS = {Channel.VIDEO: 170, Channel.API: 130}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def a_sale(engine: AsyncEngine) -> tuple[AStore, list[Buyer], UUID]:
    """A store with QUOTAS of its first SKU, who buys there, and the link of a video to it."""
    async with engine.begin() as conn:
        store, people = await a_market(conn)
        link_id, _ = await a_link(conn, store)
        at, person = wall_now(), await a_person(conn)
        for channel, units in QUOTAS.items():
            await set_aside(
                conn, store_id=store.store_id, sku_id=store.skus[0], channel=channel, room=None,
                units=units, starts_at=at, ends_at=None, by_id=person, at=at,
            )  # fmt: skip
    return store, people, link_id


async def quotas_of(engine: AsyncEngine, store: AStore) -> dict[str, tuple[int, int, int]]:
    """By channel: units of the quota that are used, that its orders say they hold, and that stand
    in the lines of those orders that were not given up."""
    async with engine.connect() as conn:
        found = await conn.execute(
            text("""
                SELECT q.channel, q.used, sum(u.units - u.released) AS held, sum(
                  (SELECT sum(l.quantity) FROM order_lines l JOIN orders o
                     ON o.store_id = l.store_id AND o.id = l.order_id
                   WHERE l.store_id = u.store_id AND l.order_id = u.order_id
                     AND l.sku_id = q.sku_id AND o.state <> 'cancelled')) AS ordered
                FROM stock_quotas q JOIN stock_quota_uses u
                  ON u.store_id = q.store_id AND u.quota_id = q.id
                WHERE q.store_id = :s GROUP BY q.store_id, q.id
            """),
            {"s": store.store_id},
        )
        return {row.channel: (row.used, int(row.held), int(row.ordered)) for row in found}


async def stock_of(engine: AsyncEngine, store: AStore) -> Any:
    async with engine.connect() as conn:
        found = await conn.execute(
            text("SELECT on_hand, reserved FROM stock WHERE store_id = :s AND sku_id = :k"),
            {"s": store.store_id, "k": store.skus[0]},
        )
        return tuple(found.one())


def test_each_way_gets_its_units_through_every_kill(tmp_path: Path) -> None:
    with a_server(tmp_path / "shop") as server, asyncio.Runner() as runner:
        engine = make_engine(server.postgres.url(APP), pool_size=1)
        store, people, link_id = runner.run(a_sale(engine))
        acks = bought_while_hurt(
            server, tmp_path, store=store, price_minor=PRICE, buyers=people, link_id=link_id
        )
        runner.run(engine.dispose())  # its connection has died with the database
        try:
            runner.run(settled(engine, store.store_id))
            runner.run(the_orders_are_as_told(engine, store, acks))
            found = runner.run(quotas_of(engine, store))
            stock = runner.run(stock_of(engine, store))
        finally:
            runner.run(engine.dispose())
        assert server.doctor_finds() == {}
    assert found == {channel: (units, units, units) for channel, units in QUOTAS.items()}
    assert stock == (UNITS_A_SKU, sum(QUOTAS.values()))
