"""The link composer over HTTP: what it shows of a link, what it publishes, what it refuses."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.content.factories import a_person, a_video
from tests.factories import a_store
from tests.flows.test_compose_link import TERMS, a_rule, in_force
from tests.links.outside_shop import Shop, a_kept_source, a_shop, recorded, take_links_off
from tests.web.test_creator import Client, Creator, a_creator, as_

from dougong.base.ids import VideoId
from dougong.flows.sweep_links import judge
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.source_rules import SourceSettings
from dougong.policy.queries import rules_book
from dougong.reads.link_sweep import one_link


class Desk:
    """A creator at the composer, a shop outside, and a video to put things on."""

    def __init__(
        self, client: Client, me: Creator, shop: Shop, source: str, video: VideoId
    ) -> None:
        self.client, self.me, self.shop = client, me, shop
        self.source, self.video = source, video
        self.url = f"/creator/{me.id}/composer"

    async def paste(self, pasted: str, **more: str) -> tuple[int, str]:
        answer = await self.client.post(self.url, data={"pasted": pasted} | more)
        return answer.status_code, answer.text

    async def publish(self, address: str, **more: str) -> tuple[int, str]:
        form = {
            "pasted": address,
            "address": address,
            "item_id": f"{self.shop.host}/item/88",
            "video_id": str(self.video),
        }
        answer = await self.client.post(
            f"{self.url}/publish", data=form | more, follow_redirects=False
        )
        return answer.status_code, answer.text


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Client() as client, a_shop("127.0.0.5") as shop:
        await client.get("/healthz")
        me = await a_creator()
        shop.puts("/item/88", recorded("page/json_ld.html"))
        shop.puts("/s", to=shop.at("/item/88"))
        async with transaction() as conn:
            at = await clock.refresh(conn)
            source = await a_kept_source(conn, shop.host, settings=TERMS)
            video = await a_video(conn, creator_id=me.id, at=at)
        await in_force(
            a_rule(source),
            a_rule(
                source,
                value=0,
                surface="live",
                route="direct",
                starts=at + timedelta(days=3),
                reason_zh="直播间只能走任务",
                reason_en="Live rooms by task only",
            ),
        )
        yield Desk(as_(client, me), me, shop, source, video)
        await take_links_off(me.id)


async def test_a_link_is_looked_through_and_published(desk: Desk) -> None:
    status, page = await desk.paste(f"【青山】{desk.shop.at('/s')}，复制打开")
    assert status == 200
    for words in ("手工竹篮 大号", "¥128.50", "Green Hill", "Live rooms by task only", "302"):
        assert words in page
    assert "Fee of the source&#39;s alliance" in page
    status, _ = await desk.publish(desk.shop.at("/s"))
    assert status == 303
    video = (await desk.client.get(f"/creator/{desk.me.id}/videos/{desk.video}")).text
    assert "手工竹篮 大号" in video and "20%" in video
    listed = (await desk.client.get(f"/creator/{desk.me.id}/links")).text
    assert "Links to other platforms" in listed
    shown = (await desk.client.get(f"/v/{desk.video}")).text
    assert "手工竹篮 大号" in shown and "/go/" in shown
    async with transaction() as conn:
        link_id = await conn.scalar(
            text("SELECT id FROM product_links WHERE video_id = :v"), {"v": desk.video}
        )
    sheet = await desk.client.get(f"/sheet/links/{link_id}")
    assert sheet.status_code == 200
    assert "Sold at Green Hill" in sheet.text and "as seen on" in sheet.text


async def test_the_page_speaks_chinese(desk: Desk) -> None:
    desk.client.cookies.set("dougong_locale", "zh")
    _, page = await desk.paste(desk.shop.at("/s"))
    for words in ("链接的最终去向", "青山", "直播间只能走任务", "每成交一单的分配", "你"):
        assert words in page


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/loop", "leads in a circle"),
        ("/nothing", "status 404"),
        ("/unlisted", "cannot be put on videos here"),
    ],
)
async def test_a_bad_link_is_said_to_be_one(desk: Desk, path: str, words: str) -> None:
    async with a_shop("127.0.0.6") as other:
        other.puts("/", b"hello")
        desk.shop.puts("/loop", to="/loop2")
        desk.shop.puts("/loop2", to="/loop")
        desk.shop.puts("/unlisted", to=other.at("/"))
        status, page = await desk.paste(desk.shop.at(path))
    assert status == 422
    assert words in page
    assert desk.shop.at(path) in page


async def test_a_page_without_a_product_is_shown_but_not_published(desk: Desk) -> None:
    about = desk.shop.puts("/about", recorded("page/no_product.html"))
    status, page = await desk.paste(about)
    assert status == 200
    assert "elsewhere.example" in page and "canon.example" in page
    assert "There is no product to link." in page
    assert (await desk.publish(about))[0] == 422


async def test_an_old_chinese_page_is_read(desk: Desk) -> None:
    tea = desk.shop.puts("/tea", recorded("page/microdata_gb18030.html"))
    _, page = await desk.paste(tea)
    assert "明前龙井 㐂寿" in page and "¥1,299.00" in page


async def test_a_denied_link_is_refused_with_the_rules_words(desk: Desk) -> None:
    await in_force(a_rule(desk.source, value=0, surface="video", reason_en="Not any more"))
    _, page = await desk.paste(desk.shop.at("/s"))
    assert "The rules do not let it stand on a video: Not any more" in page
    status, page = await desk.publish(desk.shop.at("/s"))
    assert status == 409
    assert "The link rules do not let this product stand here: Not any more" in page
    async with transaction() as conn:
        assert not await conn.scalar(
            text("SELECT count(*) FROM product_links WHERE video_id = :v"), {"v": desk.video}
        )


async def test_no_other_creators_video_is_linked(desk: Desk) -> None:
    other = await a_creator()
    async with transaction() as conn:
        video = await a_video(conn, creator_id=other.id, at=await clock.refresh(conn))
    status, _ = await desk.publish(desk.shop.at("/s"), video_id=str(video))
    assert status == 404


async def test_a_source_that_searches_is_searched(desk: Desk) -> None:
    async with a_shop("127.0.0.7") as shop:
        shop.puts("/feed.tsv", recorded("feed/products.tsv", host=shop.host), kind="text/plain")
        settings = SourceSettings(feed_url=shop.at("/feed.tsv"))
        async with transaction() as conn:
            code = await a_kept_source(conn, shop.host, adapter="feed", settings=settings)
            await a_person(conn)
        asked = {"source": code, "q": "竹篮"}
        found = await desk.client.get(f"{desk.url}/search", params=asked)
    assert found.status_code == 200
    assert "手工竹篮" in found.text and "12.5%" in found.text


async def test_a_creator_chooses_what_is_sold_when_a_rule_denies_the_link(desk: Desk) -> None:
    async with transaction() as conn:
        store = await a_store(conn, prices=(12_000,))
        await conn.execute(
            text(
                "UPDATE products SET title_zh = '自营竹篮', title_en = 'Our basket' WHERE id = :id"
            ),
            {"id": store.products[0]},
        )
    ours = f"{store.store_id}:{store.products[0]}"
    _, page = await desk.paste(desk.shop.at("/s"), compare="Our basket")
    assert "Sell “Our basket” of" in page and ours in page
    assert (await desk.publish(desk.shop.at("/s"), when_denied=ours))[0] == 303
    links = f"/creator/{desk.me.id}/links"
    listed = (await desk.client.get(links)).text
    assert "sell our own offer" in listed and "Our basket" in listed

    await in_force(a_rule(desk.source, value=0, surface="video", reason_en="Not any more"))
    async with transaction() as conn:
        at = await clock.refresh(conn)
        link_id = await conn.scalar(
            text("SELECT id FROM product_links WHERE video_id = :v"), {"v": desk.video}
        )
        await rules_book(conn, fresh=True)
        assert await judge(conn, await one_link(conn, link_id=link_id), at=at) == (1, 0, 1)
    listed = (await desk.client.get(links)).text
    assert "our own offer “Our basket” is sold instead" in listed and "Not any more" in listed
    assert "stands in for “手工竹篮 大号”" in listed
    shown = (await desk.client.get(f"/v/{desk.video}")).text
    assert "Our basket" in shown

    choose = f"{links}/{link_id}/when-denied"
    answer = await desk.client.post(choose, data={"when_denied": "hide"}, follow_redirects=False)
    assert answer.status_code == 303
    assert "Our basket" not in (await desk.client.get(f"/v/{desk.video}")).text
    refused = await desk.client.post(choose, data={"when_denied": "sell"})
    assert refused.status_code == 400
