"""The list of stock by warehouse, its file, and bins, over HTTP."""

import re
from urllib.parse import urlencode

from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import a_shop, as_, client
from tests.web.test_merchant_warehouses import a_warehouse, on_hand, rows, the_skus

__all__ = ["client"]  # the fixture of the orders' tests

HEAD = (
    "warehouse,sku,title,title_en,options,gtin,on_hand,allocated,damaged,inspecting,available,bin"
)


def figures(row: str) -> list[str]:
    """The cells of a list's row, without their markup."""
    cells = re.findall(r'<td class="num"[^>]*>(.*?)</td>', row, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in cells]


async def test_a_warehouse_shows_its_own_figures_and_keeps_the_search(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    south = await a_warehouse(client, shop)
    sku, other = await the_skus(shop)
    data = {"warehouse_id": str(south), "on_hand": "7"}
    await client.post(f"{shop.base}/stock/{sku.id}/levels", data=data)
    (main,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND is_default", shop)
    there = (await client.get(f"{shop.base}/stock?warehouse={south}")).text
    (row,) = there.split('<tr id="sku-')[1:]
    assert row.startswith(str(sku.id)) and figures(row) == ["0", "0", "0", "7"]
    here = (await client.get(f"{shop.base}/stock?warehouse={main.id}&q={other.code}")).text
    (row,) = here.split('<tr id="sku-')[1:]
    assert row.startswith(str(other.id)) and figures(row) == ["1", "0", "0", "99"]
    query = urlencode({"q": other.code, "warehouse": main.id}).replace("&", "&amp;")
    assert f"{shop.base}/stock.csv?{query}" in here and f"/stock?low=true&amp;{query}" in here
    assert (await client.get(f"{shop.base}/stock?warehouse={sku.id}")).status_code == 404


async def test_a_level_is_set_on_the_list_of_a_warehouse(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    south = await a_warehouse(client, shop)
    sku = (await the_skus(shop))[0]
    data = {"warehouse_id": str(south), "on_hand": "12"}
    row = await client.post(
        f"{shop.base}/stock/{sku.id}/levels", data=data, headers={"HX-Request": "true"}
    )
    assert figures(row.text) == ["0", "0", "0", "12"]
    assert await on_hand(shop, sku.id) == {"MAIN": 100, "SOUTH": 12}


async def test_the_file_has_the_figures_of_the_warehouse_and_the_bin(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    sku, other = await the_skus(shop)
    (main,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND is_default", shop)
    bins = f"{shop.base}/stock/{sku.id}/bins"
    data = {"warehouse_id": str(main.id), "bin": " A-01-2 "}
    assert (await client.post(bins, data=data, follow_redirects=False)).status_code == 303
    assert 'value="A-01-2"' in (await client.get(f"{shop.base}/stock/{sku.id}")).text
    lines = (await client.get(f"{shop.base}/stock.csv?warehouse={main.id}")).text.split("\r\n")
    assert lines[0].lstrip("\ufeff") == HEAD
    assert [line.split(",")[0:2] + line.split(",")[6:] for line in lines[1:-1]] == [
        ["MAIN", sku.code, "100", "2", "0", "0", "98", "A-01-2"],
        ["MAIN", other.code, "100", "1", "0", "0", "99", ""],
    ]
    refused = await client.post(bins, data=data | {"bin": "x" * 25})
    assert refused.status_code == 400 and "This is too long." in refused.text
    assert (await client.post(bins, data=data | {"warehouse_id": str(sku.id)})).status_code == 404
    await client.post(bins, data=data | {"bin": ""})
    assert await rows("SELECT bin FROM pick_bins WHERE store_id = :s", shop) == []


async def test_the_file_of_moves_keeps_the_kind(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    page = f"{shop.base}/stock/{(await the_skus(shop))[0].id}"
    shown = (await client.get(f"{page}?kind=allocated")).text
    assert f"{page}/moves.csv?kind=allocated" in shown
    lines = (await client.get(f"{page}/moves.csv?kind=allocated")).text.splitlines()[1:]
    assert [line.split(",")[1:3] for line in lines] == [["allocated", "2"]]


async def test_a_pick_list_goes_from_bin_to_bin(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    (main,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND is_default", shop)
    skus = await the_skus(shop)
    for sku, name in zip(skus, ("B-02", "A-01"), strict=True):
        data = {"warehouse_id": str(main.id), "bin": name}
        await client.post(f"{shop.base}/stock/{sku.id}/bins", data=data)
    shown = await client.post(f"{shop.base}/fulfilment/waves", data={"most": "5"})
    found = re.findall(r"<strong>([AB]-0\d)</strong>", shown.text)
    assert found == ["A-01", "B-02"]
