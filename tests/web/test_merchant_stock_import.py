"""A file of stock over HTTP: sent, refused, its report, and who may not see it."""

import re
from uuid import UUID, uuid4

from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import Shop, a_shop, as_, client
from tests.web.test_merchant_warehouses import on_hand, the_skus

from dougong.flows.import_stock import run_stock_import

__all__ = ["client"]  # the fixture of the orders' tests


async def send(
    client: Client, shop: Shop, content: str, *, key: str = "", mode: str = "set"
) -> UUID:
    """Send a file; answers the id of its import."""
    shown = (await client.get(f"{shop.base}/stock/imports")).text
    found = re.search(r'name="key" value="([^"]+)"', shown)
    assert found is not None
    data = {"key": key or found[1], "mode": mode}
    sent = await client.post(
        f"{shop.base}/stock/imports",
        data=data,
        files={"file": ("stock.csv", content.encode("gb18030"), "text/csv")},
        follow_redirects=False,
    )
    assert sent.status_code == 303, sent.text
    return UUID(sent.headers["location"].rsplit("/", 1)[1])


async def test_the_file_of_the_list_is_loaded_again_and_its_report_shown(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    sku, other = await the_skus(shop)
    content = f"仓库,编码,数量,货位\nMAIN,{sku.code},90,A-1\nMAIN,{other.code},0,\n"
    run_id = await send(client, shop, content)
    page = f"{shop.base}/stock/imports/{run_id}"
    assert "hx-get" in (await client.get(page)).text
    await run_stock_import(str(shop.store_id), str(run_id), "set", False)
    shown = (await client.get(page)).text
    assert 'hx-trigger="load' not in shown and "2 of 2 rows" in shown
    assert "More than this is set aside for orders in the warehouse." in shown
    lines = (await client.get(f"{page}/report.csv")).text.splitlines()
    assert lines[1].split(",")[:3] == ["3", "quantity", "below_set_aside"]
    assert await on_hand(shop, sku.id) == {"MAIN": 90}
    assert await on_hand(shop, other.id) == {"MAIN": 100}
    assert f'href="{page}"' in (await client.get(f"{shop.base}/stock/imports")).text


async def test_a_form_sent_twice_is_one_import(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    sku, _ = await the_skus(shop)
    key, content = str(uuid4()), f"warehouse,sku,quantity\nMAIN,{sku.code},5\n"
    for _ in range(2):
        run_id = await send(client, shop, content, key=key, mode="change")
        assert str(run_id) == key
        await run_stock_import(str(shop.store_id), key, "change", False)
    assert await on_hand(shop, sku.id) == {"MAIN": 105}


async def test_no_file_is_refused_on_the_page(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    data = {"key": str(uuid4()), "mode": "set"}
    refused = await client.post(f"{shop.base}/stock/imports", data=data)
    assert refused.status_code == 400 and "This is needed." in refused.text
    empty = {"file": ("stock.csv", b" \n", "text/csv")}
    refused = await client.post(f"{shop.base}/stock/imports", data=data, files=empty)
    assert refused.status_code == 400 and "There is nothing in the file." in refused.text
    wrong = await client.post(f"{shop.base}/stock/imports", data=data | {"mode": "guess"})
    assert wrong.status_code == 400


async def test_another_stores_import_is_not_found(client: Client) -> None:
    shop, other = await a_shop(), await a_shop()
    as_(client, other)
    run_id = await send(client, other, "warehouse,sku,quantity\nMAIN,X,1\n")
    as_(client, shop)
    for page in (f"{shop.base}/stock/imports/{run_id}", f"{other.base}/stock/imports/{run_id}"):
        assert (await client.get(page)).status_code == 404


async def test_the_page_speaks_both_languages(client: Client) -> None:
    shop = await a_shop()
    for locale, words in (("zh", "那里现在有这么多"), ("en", "So many lie there now")):
        as_(client, shop).cookies.set("dougong_locale", locale)
        assert words in (await client.get(f"{shop.base}/stock/imports")).text
