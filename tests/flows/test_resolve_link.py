"""Where a link really ends, whatever stands on the way or on the page."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from tests.content.factories import AT
from tests.links.outside_shop import Shop, a_kept_source, a_shop, recorded

from dougong.flows.resolve_link import (
    Claim,
    LinkUnresolved,
    UnlistedHost,
    products_at,
    resolve_link,
    search_source,
)
from dougong.infra.db import OutsideCallInTransaction, transaction
from dougong.infra.http import Hop


@pytest.fixture
async def shops() -> AsyncIterator[tuple[Shop, Shop]]:
    """A short-link host that nobody lists, and a shop that is a source's."""
    async with a_shop("127.0.0.1") as short, a_shop("127.0.0.2") as shop:
        async with transaction() as conn:
            code = await a_kept_source(conn, shop.host)
        yield short, shop
        async with transaction() as conn:
            await conn.execute(
                text(
                    "UPDATE sources SET hosts = ARRAY[code || '.gone.example'] WHERE code = :code"
                ),
                {"code": code},
            )


async def test_the_last_host_decides_and_every_hop_is_kept(shops: tuple[Shop, Shop]) -> None:
    short, shop = shops
    item = shop.puts("/item/88", recorded("page/json_ld.html"))
    middle = short.puts("/b", to=item)
    start = short.puts("/a", to="/b")
    found = await resolve_link(start, at=AT)
    assert found.hops == [Hop(start, 302), Hop(middle, 302), Hop(item, 200)]
    assert (found.url, found.source.hosts) == (item, (shop.host,))
    assert (await products_at(found))[0].title == "手工竹篮 大号"
    assert shop.asked == ["/item/88"]  # what was received once is not asked for again


async def test_an_unlisted_end_is_refused_with_the_way_to_it(shops: tuple[Shop, Shop]) -> None:
    short, shop = shops
    end = short.puts("/end", b"hello")
    start = shop.puts("/go", to=end)
    with pytest.raises(UnlistedHost) as refused:
        await resolve_link(start, at=AT)
    assert refused.value.facts["host"] == short.host
    assert [hop["url"] for hop in refused.value.facts["hops"]] == [start, end]


async def test_a_loop_a_long_chain_and_a_dead_end(shops: tuple[Shop, Shop]) -> None:
    _, shop = shops
    shop.puts("/x", to="/y")
    shop.puts("/y", to="/x")
    for n in range(9):
        shop.puts(f"/{n}", to=f"/{n + 1}")
    for path, why, hops in (
        ("/x", "loop", 2),
        ("/0", "too_many_redirects", 6),
        ("/nothing", "dead", 1),
    ):
        with pytest.raises(LinkUnresolved) as refused:
            await resolve_link(shop.at(path), at=AT)
        assert refused.value.facts["why"] == why
        assert len(refused.value.facts["hops"]) == hops


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "ftp://a.example/",
        "http://u:p@a.example/",
    ],
)
async def test_an_unsafe_hop_is_refused(url: str, shops: tuple[Shop, Shop]) -> None:
    short, _ = shops
    start = short.puts("/a", to=url)
    with pytest.raises(LinkUnresolved) as refused:
        await resolve_link(start, at=AT)
    assert refused.value.facts["why"] == "unsafe"
    assert refused.value.facts["hops"] == [{"url": start, "status": 302}]


async def test_what_a_page_claims_is_said_and_changes_nothing(shops: tuple[Shop, Shop]) -> None:
    _, shop = shops
    url = shop.puts("/about", recorded("page/no_product.html"))
    found = await resolve_link(url, at=AT)
    assert found.url == url
    assert found.claims == [
        Claim("refresh", "elsewhere.example"),
        Claim("canonical", "canon.example"),
    ]


async def test_nothing_is_resolved_inside_a_transaction(shops: tuple[Shop, Shop]) -> None:
    _, shop = shops
    async with transaction():
        with pytest.raises(OutsideCallInTransaction):
            await resolve_link(shop.at("/"), at=AT)
    assert shop.asked == []


async def test_a_source_that_cannot_search_finds_nothing(shops: tuple[Shop, Shop]) -> None:
    async with transaction() as conn:
        code = await conn.scalar(
            text("SELECT code FROM sources WHERE hosts @> ARRAY[:host]"), {"host": shops[1].host}
        )
    assert await search_source(str(code), "tea", at=AT) == []
