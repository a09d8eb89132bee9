"""Products, stores, searches and the feed as shoppers see them."""

import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.content.factories import a_video, an_organisation
from tests.factories import AStore, a_coupon, a_store
from tests.web.accounts import a_client, a_session

from dougong.base.ids import PersonId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.links.commands import add_link
from dougong.reads import feed
from dougong.web.i18n import locale_of_request
from dougong.web.options import axes, option_name, option_text
from dougong.web.shopper import products


async def a_shop(*, on_hand: int = 100, price: int = 9_900) -> AStore:
    async with transaction() as conn:
        return await a_store(conn, prices=[price, 12_300], on_hand=on_hand)


def sheet_of(store: AStore) -> str:
    return f"/sheet/{store.store_id}/{store.products[0]}"


def page_of(store: AStore) -> str:
    return f"/p/{store.store_id}/{store.products[0]}"


def json_ld(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert found
    return dict(json.loads(found[1]))


async def test_sheet_says_price_and_stock_in_both_languages() -> None:
    store = await a_shop(on_hand=7)
    async with a_client() as client:
        zh = await client.get(sheet_of(store), headers={"accept-language": "zh-CN"})
        en = await client.get(sheet_of(store), headers={"accept-language": "en"})
    assert (zh.status_code, en.status_code) == (200, 200)
    assert "¥99.00" in zh.text
    assert "仅剩 7 件" in zh.text
    assert "面霜" in zh.text
    assert "Only 7 left" in en.text
    assert "Face cream" in en.text


async def test_sheet_is_the_same_for_everybody_and_keeps_the_link() -> None:
    store = await a_shop()
    link = uuid4()
    async with transaction() as conn:
        from tests.factories import a_person

        person_id = await a_person(conn)
    token = await a_session(PersonId(person_id))
    path = f"{sheet_of(store)}?link={link}"
    async with a_client() as anybody, a_client(token) as somebody:
        headers = {"accept-language": "zh"}
        first = await anybody.get(path, headers=headers)
        second = await somebody.get(path, headers=headers)
    assert first.content == second.content
    assert f'name="link_id" value="{link}"' in first.text
    assert "王小明" not in second.text


async def test_sheet_follows_a_price_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    store = await a_shop()
    at = [100.0]
    monkeypatch.setattr(products.time, "monotonic", lambda: at[0])
    async with a_client() as client:
        assert "¥99.00" in (await client.get(sheet_of(store))).text
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE skus SET price_minor = 8800 WHERE store_id = :id AND id = :sku"),
                {"id": store.store_id, "sku": store.skus[0]},
            )
        at[0] += 0.9
        assert "¥99.00" in (await client.get(sheet_of(store))).text
        at[0] += 0.2
        assert "¥88.00" in (await client.get(sheet_of(store))).text


@pytest.mark.parametrize("path", ["sheet", "p"])
async def test_what_is_not_on_sale_is_not_found(path: str) -> None:
    store = await a_shop()
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE products SET state = 'draft' WHERE store_id = :id"),
            {"id": store.store_id},
        )
    async with a_client() as client:
        draft = await client.get(f"/{path}/{store.store_id}/{store.products[0]}")
        unknown = await client.get(f"/{path}/{uuid4()}/{uuid4()}")
    assert (draft.status_code, unknown.status_code) == (404, 404)


async def test_sheet_of_a_sold_out_product_cannot_be_bought() -> None:
    store = await a_shop(on_hand=0)
    async with a_client() as client:
        said = (await client.get(sheet_of(store), headers={"accept-language": "en"})).text
    assert "Sold out" in said
    assert len(re.findall(r'<button class="btn[^>]*type="submit"[^>]* disabled', said)) == 2


async def test_sheet_names_the_coupons_of_the_moment() -> None:
    store = await a_shop()
    async with transaction() as conn:
        await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id)
    async with a_client() as client:
        said = (await client.get(sheet_of(store), headers={"accept-language": "en"})).text
    assert "CN¥10.00 off" in said


async def test_product_page_carries_schema_org_and_open_graph() -> None:
    store = await a_shop(on_hand=3)
    async with a_client() as client:
        answer = await client.get(page_of(store), headers={"accept-language": "en"})
    said = json_ld(answer.text)
    assert (said["@context"], said["@type"]) == ("https://schema.org", "Product")
    assert said["name"] == "Face cream"
    assert str(said["url"]).endswith(page_of(store))
    assert said["offers"] == [
        {
            "@type": "Offer",
            "sku": "P0-1",
            "price": "99.00",
            "priceCurrency": "CNY",
            "availability": "https://schema.org/InStock",
            "itemCondition": "https://schema.org/NewCondition",
            "url": said["url"],
            "seller": {"@type": "Organization", "name": "Test store"},
        }
    ]
    assert '<meta property="og:type" content="product">' in answer.text
    assert '<meta property="product:price:amount" content="99.00">' in answer.text


async def test_json_ld_cannot_end_its_script() -> None:
    store = await a_shop()
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE products SET title_en = '</script><b>x' WHERE store_id = :id"),
            {"id": store.store_id},
        )
    async with a_client() as client:
        answer = await client.get(page_of(store), headers={"accept-language": "en"})
    assert json_ld(answer.text)["name"] == "</script><b>x"
    assert "<b>x" not in answer.text


async def test_sold_out_is_out_of_stock_for_search_engines() -> None:
    store = await a_shop(on_hand=0)
    async with a_client() as client:
        answer = await client.get(page_of(store))
    offers = json_ld(answer.text)["offers"]
    assert isinstance(offers, list)
    assert offers[0]["availability"] == "https://schema.org/OutOfStock"


async def test_search_finds_every_word_and_takes_wildcards_literally() -> None:
    store = await a_shop()
    word = f"zz{uuid4().hex}"
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE products SET title_en = :t WHERE store_id = :id AND id = :product"),
            {"t": f"100% {word} cream", "id": store.store_id, "product": store.products[0]},
        )
    async with a_client() as client:
        both = await client.get("/search", params={"q": f"{word} cream"})
        other = await client.get("/search", params={"q": f"{word} lamp"})
        wild = await client.get("/search", params={"q": f"{word[:5]}%{word[8:]}"})
        odd = await client.get("/search", params={"q": "a\x00_%\\"})
    assert page_of(store) in both.text
    assert page_of(store) not in other.text
    assert page_of(store) not in wild.text
    assert odd.status_code == 200


async def test_store_page_shows_its_goods_until_it_closes() -> None:
    store = await a_shop()
    path = f"/s/s-{store.store_id.hex}"
    async with a_client() as client:
        assert page_of(store) in (await client.get(path)).text
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE stores SET state = 'closed' WHERE id = :id"), {"id": store.store_id}
            )
        assert (await client.get(path)).status_code == 404


async def a_video_with_link(store: AStore) -> tuple[UUID, UUID]:
    async with transaction() as conn:
        now = await clock.refresh(conn)
        creator_id = await an_organisation(conn)
        video_id = await a_video(conn, creator_id=creator_id, at=now - timedelta(minutes=1))
        link_id = await add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store.store_id,
            product_id=store.products[0],  # type: ignore[arg-type]
            position=0,
            at=now,
        )
    feed.forget()
    return video_id, link_id


async def test_feed_shows_the_product_card_of_a_video() -> None:
    store = await a_shop()
    video_id, link_id = await a_video_with_link(store)
    async with a_client() as client:
        shared = await client.get(f"/v/{video_id}", headers={"accept-language": "en"})
        home = await client.get("/")
    feed.forget()
    assert f'data-sheet="{sheet_of(store)}?link={link_id}"' in shared.text
    assert "CN¥99.00" in shared.text
    assert home.status_code == 200
    assert 'role="feed"' in home.text


async def test_an_unknown_video_or_creator_is_not_found() -> None:
    async with a_client() as client:
        assert (await client.get(f"/v/{uuid4()}")).status_code == 404
        assert (await client.get("/c/nobody-at-all")).status_code == 404


async def test_following_asks_strangers_to_sign_in() -> None:
    async with a_client() as client:
        answer = await client.get("/following", headers={"accept-language": "en"})
    assert "/sign-in?next=/following" in answer.text


async def test_no_page_has_scripts_or_handlers_in_it() -> None:
    store = await a_shop()
    async with a_client() as client:
        for path in ("/", page_of(store), sheet_of(store), "/search", "/nothing-here"):
            said = (await client.get(path)).text
            scripts = re.findall(r"<script(?![^>]*(?:src=|application/))", said)
            assert not scripts, path
            assert not re.search(r"\son[a-z]+=", said), path


async def test_a_page_that_is_not_there_speaks_the_readers_language() -> None:
    async with a_client() as client:
        zh = await client.get("/nothing-here", headers={"accept-language": "zh"})
        en = await client.get("/nothing-here", headers={"accept-language": "en"})
    assert "没有找到这个内容" in zh.text
    assert "We could not find this." in en.text
    assert "content-security-policy" in zh.headers


def test_options_speak_both_languages() -> None:
    token = locale_of_request.set("en")
    try:
        assert option_text({"style": "山茶红 | Camellia red", "size": "M"}) == "Camellia red · M"
        assert option_name("color") == "Colour"
        locale_of_request.set("zh")
        assert option_text({"style": "山茶红 | Camellia red"}) == "山茶红"
        assert option_name("color") == "颜色"
        assert option_name("口感") == "口感"
    finally:
        locale_of_request.reset(token)


def test_axes_keep_the_order_of_the_variants() -> None:
    class One:
        def __init__(self, **options: str) -> None:
            self.options = options

    found = axes([One(color="red", size="M"), One(color="red", size="L"), One(color="blue")])
    assert found == [("color", ["red", "blue"]), ("size", ["M", "L"])]


async def test_what_is_bought_elsewhere_offers_the_way_there_and_no_cart() -> None:
    store, source = await a_shop(), f"s{uuid4().hex[:12]}"
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await conn.execute(
            text("""
                INSERT INTO sources (code, name_zh, name_en, hosts, adapter, created_at)
                VALUES (:code, '竹里市集', 'Bamboo Market', ARRAY[:code || '.example'], 'page', :at)
            """),
            {"code": source, "at": at},
        )
        await conn.execute(
            text("""
                UPDATE products SET purchase_url = :url, purchase_source = :source WHERE id = :id
            """),
            {
                "url": f"https://{source}.example/7",
                "source": source,
                "id": store.products[0],
            },
        )
        creator = await an_organisation(conn)
        video = await a_video(conn, creator_id=creator, at=at - timedelta(minutes=1))
        link_id = await add_link(
            conn, video_id=video, creator_id=creator, store_id=store.store_id,
            product_id=store.products[0], position=0, source=source, at=at,
        )  # fmt: skip
        one = text("SELECT code FROM product_links WHERE id = :id")
        code = await conn.scalar(one, {"id": link_id})
    async with a_client() as client:
        plain = await client.get(page_of(store), headers={"accept-language": "en"})
        by_link = await client.get(f"{page_of(store)}?link={link_id}")
        sheet = await client.get(f"{sheet_of(store)}?link={link_id}")
        bare = await client.get(sheet_of(store))
        async with transaction() as conn:
            await conn.execute(
                text("UPDATE sources SET hosts = ARRAY['other.example'] WHERE code = :code"),
                {"code": source},
            )
        unlisted = await client.get(page_of(store))
    assert "Sold at Bamboo Market" in plain.text
    assert f'href="https://{source}.example/7"' in plain.text
    assert re.search(rf'href="/go/{code}\?t=[a-z2-7]{{40}}"', by_link.text)
    assert f'href="/go/{code}"' in sheet.text
    assert f'href="https://{source}.example/7"' in bare.text
    assert f"https://{source}.example" not in unlisted.text
    for page in (plain, by_link, sheet, bare, unlisted):
        assert "picker-away" in page.text and 'action="/buy"' not in page.text
