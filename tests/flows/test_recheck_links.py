"""The re-check against real shops on loopback: what links promise is what still stands there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.links.factories import a_source, an_outside_link, an_outside_product

from dougong.flows import recheck_links
from dougong.flows.recheck_links import recheck_due
from dougong.infra import clock
from dougong.infra.db import side_engine, transaction
from dougong.links.recheck_rules import EVERY, FIRST_WAIT, GONE_AFTER

TITLE = "龙泉青瓷茶杯"


class Shop:
    """A server whose answers are set by path: a title and price, a place to go, or a status."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], str]] = {}
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.port = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def sells(self, path: str, title: str = TITLE, *, price: str = "99.00", gtin: str = "") -> str:
        offer = {"@type": "Offer", "price": price, "priceCurrency": "CNY"}
        item = {"@context": "https://schema.org", "@type": "Product", "name": title}
        item |= {"offers": offer, "url": self.url(path)}  # type: ignore[dict-item]
        if gtin:
            item["gtin13"] = gtin
        body = f'<script type="application/ld+json">{json.dumps(item)}</script>'
        self.pages[path] = (200, {"Content-Type": "text/html; charset=utf-8"}, body)
        return self.url(path)

    def leads(self, path: str, to: str) -> str:
        self.pages[path] = (302, {"Location": to}, "")
        return self.url(path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append(path)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.02)
        status, headers, body = self.pages.get(path, (404, {}, ""))
        data = body.encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.at_once -= 1
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()


@asynccontextmanager
async def a_shop() -> AsyncIterator[Shop]:
    shop = Shop()
    server = await asyncio.start_server(shop.serve, "127.0.0.1")
    shop.port = server.sockets[0].getsockname()[1]
    yield shop
    server.close()


@pytest.fixture
async def shop(connections: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    """A shop, while no other product is due."""
    monkeypatch.setattr(recheck_links, "PAUSE_S", 0.0)
    async with transaction() as conn:
        await conn.execute(text("UPDATE outside_products SET check_after = 'infinity'"))
    async with a_shop() as made:
        yield made


async def a_due_product(shop: Shop, url: str, **fields: Any) -> UUID:
    """With a link to it, of a source whose host is the shop's."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        source = await conn.scalar(
            text("SELECT code FROM sources WHERE :host = ANY(hosts)"), {"host": shop.host}
        ) or await a_source(conn, hosts=[shop.host])
        product_id = await an_outside_product(
            conn, source=source, url=url, **{"title": TITLE} | fields, check_after=at
        )
        await an_outside_link(conn, url=url, hosts=[], source=source, product_id=product_id)
    return product_id


async def row_of(product_id: UUID) -> Any:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM outside_products WHERE id = :id"), {"id": product_id}
        )
        return found.one()


async def told_about(product_id: UUID) -> list[dict[str, Any]]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("""
                SELECT facts FROM events
                WHERE kind = 'links.links_taken_down' AND facts ->> 'product_id' = :id ORDER BY id
            """),
            {"id": str(product_id)},
        )
        return list(rows.scalars())


async def due_again(product_id: UUID) -> datetime:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await conn.execute(
            text("UPDATE outside_products SET check_after = :at WHERE id = :id"),
            {"at": at, "id": product_id},
        )
    return at


async def test_what_is_as_it_was_is_looked_at_again_hours_later(shop: Shop) -> None:
    product_id = await a_due_product(shop, shop.sells("/1"))
    assert await recheck_due() == 1
    row = await row_of(product_id)
    assert (row.state, row.price_minor, row.failures) == ("good", 9_900, 0)
    assert timedelta(0) <= row.checked_at + EVERY - row.check_after < timedelta(seconds=5)
    assert await recheck_due() == 0
    assert shop.asked == ["/1"]


async def test_a_changed_price_is_kept_and_told(shop: Shop) -> None:
    product_id = await a_due_product(shop, shop.sells("/1", price="128.50"))
    await recheck_due()
    row = await row_of(product_id)
    assert (row.state, row.price_minor) == ("good", 12_850)
    async with transaction() as conn:
        facts = await conn.scalar(
            text("SELECT facts FROM events WHERE kind = :kind AND subject_id = :id"),
            {"kind": "links.outside_price_changed", "id": product_id},
        )
    assert (facts["before_minor"], facts["now_minor"]) == (9_900, 12_850)


async def test_gone_is_believed_the_second_time(shop: Shop) -> None:
    product_id = await a_due_product(shop, shop.url("/gone"))
    at = await due_again(product_id)
    await recheck_due()
    row = await row_of(product_id)
    assert (row.state, row.failures) == ("good", 1)
    assert row.check_after >= at + FIRST_WAIT
    await due_again(product_id)
    await recheck_due()
    assert (await row_of(product_id)).state == "gone"
    (facts,) = await told_about(product_id)
    assert (facts["finding"], facts["links"], facts["title"]) == ("gone", 1, TITLE)


async def test_a_shop_that_is_away_is_given_up_after_several_looks(shop: Shop) -> None:
    product_id = await a_due_product(shop, "http://127.0.0.1:9/1")
    states = []
    for _ in range(GONE_AFTER):
        await due_again(product_id)
        await recheck_due()
        states.append((await row_of(product_id)).state)
    assert states == ["good"] * (GONE_AFTER - 1) + ["gone"]


async def test_another_product_at_the_address_takes_the_links_down(shop: Shop) -> None:
    product_id = await a_due_product(shop, shop.sells("/1", "蓝牙耳机 降噪"))
    await recheck_due()
    assert (await row_of(product_id)).state == "swapped"
    (facts,) = await told_about(product_id)
    assert (facts["finding"], facts["why"]) == ("swapped", "蓝牙耳机 降噪")


async def test_an_address_that_leads_to_an_unlisted_host_takes_the_links_down(shop: Shop) -> None:
    async with a_shop() as other:
        other.sells("/1")
        product_id = await a_due_product(shop, shop.leads("/1", other.url("/1")))
        await recheck_due()
        host = other.host
    assert (await row_of(product_id)).state == "moved"
    (facts,) = await told_about(product_id)
    assert (facts["finding"], facts["why"]) == ("moved", host)
    assert "source_now" not in facts


async def test_one_that_leads_to_another_source_is_judged_as_that(shop: Shop) -> None:
    async with a_shop() as other:
        other.sells("/1")
        async with transaction() as conn:
            there = await a_source(conn, hosts=[other.host])
        product_id = await a_due_product(shop, shop.leads("/1", other.url("/1")))
        await recheck_due()
    assert (await row_of(product_id)).state == "moved"
    (facts,) = await told_about(product_id)
    assert (facts["source_now"], facts["allowed_there"]) == (there, False)


async def test_a_redirect_within_the_source_is_no_change(shop: Shop) -> None:
    product_id = await a_due_product(shop, shop.leads("/1", shop.sells("/2")))
    await recheck_due()
    assert (await row_of(product_id)).state == "good"


async def test_one_look_at_a_time_at_each_host(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(delay: float) -> None:
        pauses.append(delay)
        await sleep(0)

    for number in range(5):
        await a_due_product(shop, shop.sells(f"/{number}"))
    monkeypatch.setattr(recheck_links, "PAUSE_S", 0.5)
    monkeypatch.setattr(recheck_links.asyncio, "sleep", note)
    assert await recheck_due() == 5
    assert (len(shop.asked), shop.most_at_once, pauses.count(0.5)) == (5, 1, 4)


async def test_of_one_source_only_a_few_in_a_round(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck_links, "OF_ONE_SOURCE", 2)
    for number in range(3):
        await a_due_product(shop, shop.sells(f"/{number}"))
    assert [await recheck_due(), await recheck_due(), await recheck_due()] == [2, 1, 0]


async def test_what_no_link_shows_is_not_called(shop: Shop) -> None:
    product_id = await a_due_product(shop, shop.sells("/1"))
    async with transaction() as conn:
        await conn.execute(
            text(
                "UPDATE product_links SET removed_at = published_at WHERE outside_product_id = :i"
            ),
            {"i": product_id},
        )
    assert (await recheck_due(), shop.asked) == (0, [])
    assert await recheck_due() == 0


async def test_two_workers_do_not_look_at_once(shop: Shop) -> None:
    await a_due_product(shop, shop.sells("/1"))
    async with side_engine().connect() as other:
        assert await other.scalar(recheck_links.TRY_LOCK)
        await recheck_links.recheck_links()
        assert shop.asked == []
        await other.execute(recheck_links.UNLOCK)
    await recheck_links.recheck_links()
    assert shop.asked == ["/1"]
