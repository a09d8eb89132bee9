"""Warehouses, counts and transfers over HTTP, and the order's page that says why a warehouse."""

import re
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import Shop, a_shop, as_, client, send

from dougong.infra.db import transaction

__all__ = ["client"]  # the fixture of the orders' tests
SOUTH = {"code": "south", "name_zh": "南仓", "province": "广东", "ships": "true"}


async def rows(statement: str, shop: Shop) -> list[Any]:
    async with transaction() as conn:
        return list((await conn.execute(text(statement), {"s": shop.store_id})).all())


async def the_skus(shop: Shop) -> list[Any]:
    return await rows("SELECT id, code FROM skus WHERE store_id = :s ORDER BY code", shop)


async def on_hand(shop: Shop, sku_id: UUID) -> dict[str, int]:
    """Warehouse code to units on hand."""
    found = await rows(
        "SELECT w.code, l.on_hand, l.sku_id FROM stock_levels l JOIN warehouses w"
        " ON w.store_id = l.store_id AND w.id = l.warehouse_id WHERE l.store_id = :s",
        shop,
    )
    return {row.code: row.on_hand for row in found if row.sku_id == sku_id}


async def a_warehouse(client: Client, shop: Shop) -> UUID:
    made = await client.post(f"{shop.base}/warehouses", data=SOUTH, follow_redirects=False)
    assert made.status_code == 303
    (row,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND code = 'SOUTH'", shop)
    found: UUID = row.id
    return found


async def a_count(client: Client, shop: Shop, *, limit_units: str = "5") -> str:
    (row,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND is_default", shop)
    data = {"warehouse_id": str(row.id), "scope": "A 架", "limit_units": limit_units}
    made = await client.post(f"{shop.base}/counts", data=data, follow_redirects=False)
    location: str = made.headers["location"]
    return location.rsplit("/", 1)[1]


async def note(client: Client, shop: Shop, count_id: str, code: str, units: int | None) -> Any:
    """So many of a SKU; None: as a scan says it, one more."""
    data = {"count": count_id, "code": code, "key": uuid4().hex}
    data |= {} if units is None else {"counted": str(units)}
    return await client.post(f"/work/{shop.store_id}/count", data=data)


async def step(client: Client, shop: Shop, count_id: str, name: str) -> Any:
    return await client.post(f"{shop.base}/counts/{count_id}/{name}", follow_redirects=False)


async def test_a_warehouse_is_added_and_closed_while_it_is_empty(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    south = await a_warehouse(client, shop)
    assert "南仓" in (await client.get(f"{shop.base}/warehouses")).text
    again = await client.post(f"{shop.base}/warehouses", data=SOUTH)
    assert again.status_code == 409 and "Another warehouse has this code." in again.text
    one = f"{shop.base}/warehouses/{south}"
    assert (await client.post(f"{one}/default", follow_redirects=False)).status_code == 303
    refused = await client.post(f"{one}/close")
    assert refused.status_code == 409 and "cannot be closed" in refused.text


async def test_goods_of_one_warehouse_are_set_and_their_moves_seen(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    south = await a_warehouse(client, shop)
    sku = (await the_skus(shop))[0]
    page = f"{shop.base}/stock/{sku.id}"
    data = {"warehouse_id": str(south), "on_hand": "7"}
    assert (
        await client.post(f"{page}/levels", data=data, follow_redirects=False)
    ).status_code == 303
    assert await on_hand(shop, sku.id) == {"MAIN": 100, "SOUTH": 7}
    shown = (await client.get(page)).text
    assert "Set by hand" in shown and "SOUTH" in shown and "107" in shown
    assert (await client.get(f"{page}?kind=set")).status_code == 200
    moves = (await client.get(f"{page}/moves.csv")).text.splitlines()
    assert moves[1].split(",")[1:3] == ["set", "7"]


async def test_the_order_says_why_a_warehouse_serves_it(client: Client) -> None:
    shop = await a_shop()
    shown = (await as_(client, shop).get(shop.page)).text
    assert "Why this warehouse?" in shown and "has 3 of what was wanted" in shown


async def test_a_count_while_goods_are_sold_books_only_what_differs(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    sku, other = await the_skus(shop)
    count_id = await a_count(client, shop)
    phone = (await client.get(f"/work/{shop.store_id}/count?count={count_id}")).text
    assert sku.code in phone and not re.search(r"\b100\b", re.sub(r"<[^>]*>", "", phone))
    assert (await note(client, shop, count_id, sku.code, 98)).status_code == 200
    assert (await send(client, shop, ["2", "1"])).status_code == 303  # sold and sent meanwhile
    assert (await note(client, shop, count_id, other.code, 99)).status_code == 200
    assert (await step(client, shop, count_id, "finish")).status_code == 303
    assert (await step(client, shop, count_id, "approve")).status_code == 303
    assert await on_hand(shop, sku.id) == {"MAIN": 96}  # 100, two lost, two sent
    assert await on_hand(shop, other.id) == {"MAIN": 99}  # 100, one sent: nothing differs
    assert (await step(client, shop, count_id, "approve")).status_code == 409


async def test_a_large_difference_waits_for_another_person(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    sku = (await the_skus(shop))[0]
    count_id = await a_count(client, shop)
    await note(client, shop, count_id, sku.code, 60)
    await step(client, shop, count_id, "finish")
    refused = await step(client, shop, count_id, "approve")
    assert refused.status_code == 403 and "must approve this" in refused.text
    assert await on_hand(shop, sku.id) == {"MAIN": 100}
    assert (await step(client, shop, count_id, "drop")).status_code == 303


async def test_what_is_not_known_is_not_counted(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    count_id = await a_count(client, shop)
    unknown = await note(client, shop, count_id, "NOBODY", 1)
    assert unknown.status_code == 400 and "no such SKU" in unknown.text
    assert (await step(client, shop, count_id, "finish")).status_code == 409


async def test_goods_move_to_another_warehouse_and_some_are_lost(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    south = await a_warehouse(client, shop)
    sku = (await the_skus(shop))[0]
    (main,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND is_default", shop)
    data = {"src": str(main.id), "dst": str(south), "key": "k", "sku": [sku.code, ""],
            "units": ["10", ""]}  # fmt: skip
    for _ in range(2):  # sent twice, moved once
        sent = await client.post(f"{shop.base}/transfers", data=data, follow_redirects=False)
        assert sent.status_code == 303
    assert await on_hand(shop, sku.id) == {"MAIN": 90, "SOUTH": 0}
    (row,) = await rows("SELECT id FROM stock_transfers WHERE store_id = :s", shop)
    came = {"sku_id": str(sku.id), "arrived": "7", "damaged": "2"}
    here = f"{shop.base}/transfers/{row.id}/arrived"
    assert (await client.post(here, data=came, follow_redirects=False)).status_code == 303
    assert await on_hand(shop, sku.id) == {"MAIN": 90, "SOUTH": 7}
    assert (await client.post(here, data=came)).status_code == 409
    more = await client.post(f"{shop.base}/transfers", data=data | {"key": "l", "units": "999"})
    assert more.status_code == 409
    assert await on_hand(shop, sku.id) == {"MAIN": 90, "SOUTH": 7}
