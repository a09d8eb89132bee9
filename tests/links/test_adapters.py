"""One contract for every adapter: recorded answers from a real server become our own products.

A new adapter adds its recorded answer and a line to CASES.
"""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from tests.links.outside_shop import Shop, a_shop, a_source, recorded

from dougong.base.money import Money
from dougong.infra.db import OutsideCallInTransaction, transaction
from dougong.infra.http import FEED, MAX_BYTES, PAGE, OutsideFailed, UnsafeUrl, call
from dougong.links.adapters.feed import FeedAdapter
from dougong.links.adapters.page import item_id_of, read_page
from dougong.links.adapters.protocol import MAX_TITLE, Availability, NoProductData, SeenProduct
from dougong.links.adapters.registry import ADAPTERS, adapter
from dougong.links.source_rules import Source, host_of, source_of

BASKET = "/item/88?utm_source=share&spm=a1"


def _page(shop: Shop) -> Source:
    shop.puts(BASKET, recorded("page/json_ld.html"))
    shop.puts("/about", recorded("page/no_product.html"))
    return a_source(shop.host)


def _feed(shop: Shop) -> Source:
    shop.puts("/feed.tsv", recorded("feed/products.tsv", host=shop.host), kind="text/plain")
    shop.puts(BASKET, b"nothing to read here")
    settings = {"feed_url": shop.at("/feed.tsv")}
    return a_source(shop.host, adapter="feed", settings=settings)


def _ucp(shop: Shop) -> Source:
    shop.puts("/.well-known/ucp", recorded("ucp/profile.json", host=shop.host), kind=JSON)
    for path in ("/ucp/catalog/search", "/ucp/catalog/lookup"):
        shop.puts(path, recorded("ucp/products.json", host=shop.host), kind=JSON)
    shop.puts(BASKET, b"nothing to read here")
    return a_source(shop.host, adapter="ucp")


JSON = "application/json"
CASES: dict[str, Callable[[Shop], Source]] = {"page": _page, "feed": _feed, "ucp": _ucp}
every_adapter = pytest.mark.parametrize("name", sorted(CASES))


def test_every_adapter_has_a_case() -> None:
    assert set(CASES) == set(ADAPTERS)


@every_adapter
async def test_a_product_is_looked_up(name: str) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        found = await adapter(name).look_up(source, shop.at(BASKET))
    basket = found[0]
    assert basket.title.startswith("手工竹篮")
    assert basket.price == Money(12_850, "CNY")
    assert basket.gtin == "6901234567892"
    assert basket.availability is Availability.IN_STOCK
    for one in found:
        _is_ours(one, source)


def _is_ours(product: SeenProduct, source: Source) -> None:
    assert source_of(host_of(product.url), [source]) is source
    assert 0 < len(product.item_id) <= 400
    assert 0 < len(product.title) <= MAX_TITLE
    assert product.price is None or product.price.minor >= 0
    assert product.image_url is None or product.image_url.startswith(("http://", "https://"))
    assert msgspec.json.decode(msgspec.json.encode(product), type=SeenProduct) == product


@every_adapter
async def test_the_answer_at_hand_is_used(name: str) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        answer = await call("GET", shop.at(BASKET))
        found = await adapter(name).look_up(source, shop.at(BASKET), answer=answer)
        assert found[0].price == Money(12_850, "CNY")
        assert shop.asked.count(BASKET) == 1


@every_adapter
async def test_an_address_without_a_product_is_refused(name: str) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        shop.puts("/about", recorded("page/no_product.html"))
        with pytest.raises(NoProductData):
            await adapter(name).look_up(source, shop.at("/about"))


@every_adapter
async def test_a_shop_that_is_away_is_no_product(name: str) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        url = shop.at(BASKET)
    with pytest.raises(OutsideFailed):
        await adapter(name).look_up(source, url)


@every_adapter
async def test_a_search_finds_or_says_that_it_cannot(name: str) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        found = await adapter(name).search(source, "手工 竹篮")
    assert bool(found) is adapter(name).searches
    for one in found:
        _is_ours(one, source)


@every_adapter
async def test_nothing_is_asked_inside_a_transaction(name: str) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        async with transaction():
            with pytest.raises(OutsideCallInTransaction):
                await adapter(name).look_up(source, shop.at(BASKET))


@every_adapter
async def test_no_private_address_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_shop() as shop:
        source = CASES[name](shop)
        monkeypatch.setattr("dougong.infra.http.loopback_allowed", lambda: False)
        with pytest.raises(UnsafeUrl):
            await adapter(name).look_up(source, shop.at(BASKET))
        assert shop.asked == []


async def test_an_old_chinese_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_shop() as shop:
        url = shop.puts("/tea", recorded("page/microdata_gb18030.html"))
        (tea,) = await adapter("page").look_up(a_source(shop.host), url)
    assert tea.title == "明前龙井 㐂寿"
    assert tea.price == Money(129_900, "CNY")
    assert tea.gtin is None  # its check digit is wrong
    assert tea.availability is Availability.SOLD_OUT


async def test_a_page_that_speaks_open_graph_only() -> None:
    async with a_shop() as shop:
        url = shop.puts("/kettle", recorded("page/open_graph.html"))
        (kettle,) = await adapter("page").look_up(a_source(shop.host), url)
    assert (kettle.title, kettle.price) == ("Iron kettle", Money(129_900, "EUR"))
    assert kettle.image_url == "https://img.example/k.jpg"


async def test_a_page_of_several_products_names_each_on_its_own_host() -> None:
    async with a_shop() as shop:
        url = shop.puts("/bowls", recorded("page/several.html"))
        found = await adapter("page").look_up(a_source(shop.host), url)
        red, blue, odd = found
        assert red.url == shop.at("/item/1")
        assert blue.url == odd.url == url  # its own address is on a host that is not the source's
    assert blue.item_id.endswith("/bowls#blue")
    assert blue.price == Money(4_000, "CNY")
    assert odd.price is None  # `1.299` could be either


@pytest.mark.parametrize(
    ("url", "item_id"),
    [
        ("http://shop.example/item.htm?spm=1&id=8812&x=2", "8812"),
        ("http://shop.example/p/9/?utm_source=a&b=2&a=1", "shop.example/p/9?a=1&b=2"),
    ],
)
def test_a_product_keeps_its_id_whatever_tracks_it(url: str, item_id: str) -> None:
    source = a_source("shop.example", settings={"item_params": ["id"]})
    assert item_id_of(url, source) == item_id


HOSTILE = {
    "nested items": b"<div itemprop=a itemscope>" * 80_000,
    "flat items": b"<div itemscope itemtype=Product><b itemprop=name>x</b></div>" * 34_000,
    "deep json": b'<script type="application/ld+json">' + b"[" * 1_000_000 + b"</script>",
    "wide json": b'<script type="application/ld+json">['
    + b'{"@type":"Product","name":"x"},' * 60_000
    + b"1]</script>",
    "broken words": b"<meta charset=nonsense><title>\xff\xfe\x00\x01</title>",
    "entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><title>&b;</title>',
    "nothing": b"",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_a_hostile_page_is_read_in_time_and_without_harm(name: str) -> None:
    async with a_shop() as shop:
        url = shop.puts("/x", HOSTILE[name])
        answer = await call("GET", url)
        async with asyncio.timeout(20):
            found = await asyncio.to_thread(read_page, answer, a_source(shop.host))
    assert len(found) <= 1


async def test_a_feed_row_elsewhere_or_broken_is_passed_over() -> None:
    async with a_shop() as shop:
        source = _feed(shop)
        found = await adapter("feed").search(source, "")
        (basket, kettle) = found
        assert await adapter("feed").search(source, "6901234567892") == [basket]
        assert shop.asked == ["/feed.tsv"]  # read once
    assert basket.commission_bp == 1_250
    assert (kettle.price, kettle.gtin) == (Money(129_900, "CNY"), None)
    assert kettle.availability is Availability.SOLD_OUT


async def test_what_is_no_feed_is_said_to_be_none() -> None:
    async with a_shop() as shop:
        url = shop.puts("/feed", b"<html></html>")
        source = a_source(shop.host, adapter="feed", settings={"feed_url": url})
        with pytest.raises(OutsideFailed):
            await adapter("feed").search(source, "x")


def a_long_feed(host: str, rows: int, *, title: str = "竹篮") -> bytes:
    """A feed of `rows` products, about 1.1 kB each."""
    head = "id\ttitle\tlink\tprice\tdescription\n"
    long = "好" * 340
    lines = (f"{n}\t{title} {n}\thttps://{host}/item/{n}\t12.80 CNY\t{long}\n" for n in range(rows))
    return (head + "".join(lines)).encode()


async def test_a_feed_may_be_longer_than_a_page() -> None:
    async with a_shop() as shop:
        data = a_long_feed(shop.host, 5_000)
        assert len(data) > 2 * MAX_BYTES
        shop.puts("/feed.tsv", data, kind="text/plain")
        source = a_source(shop.host, adapter="feed", settings={"feed_url": shop.at("/feed.tsv")})
        feed = FeedAdapter()
        (last,) = await feed.look_up(source, shop.at("/item/4999"))
        assert (last.title, last.price) == ("竹篮 4999", Money(1_280, "CNY"))
        assert [one.title for one in await feed.search(source, "竹篮 4321")] == ["竹篮 4321"]
        shop.puts("/item/1", data, kind="text/html")
        with pytest.raises(OutsideFailed, match="too big"):
            await call("GET", shop.at("/item/1"))


async def test_a_feed_above_its_own_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dougong.links.adapters.feed.FEED", FEED._replace(most_bytes=1_000_000))
    async with a_shop() as shop:
        shop.puts("/feed.tsv", a_long_feed(shop.host, 1_000), kind="text/plain")
        source = a_source(shop.host, adapter="feed", settings={"feed_url": shop.at("/feed.tsv")})
        with pytest.raises(OutsideFailed, match="too big"):
            await FeedAdapter().look_up(source, shop.at("/item/1"))


def test_the_limits_of_a_feed() -> None:
    assert (FEED.most_bytes, FEED.total_s) == (50 * 1024 * 1024, 30.0)
    assert (PAGE.most_bytes, PAGE.total_s) == (2 * 1024 * 1024, 10.0)
