"""The worker's phone over HTTP: what is to do, a scan that comes twice, the undo of the last."""

import re
from typing import Any
from uuid import uuid4

from tests.web.test_fulfilment_work import hidden
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import Shop, a_shop, as_, client, the_order
from tests.web.test_merchant_warehouses import a_count, rows

__all__ = ["client"]  # the fixture of the orders' tests


def numbers(page: str) -> list[str]:
    """Of the four tiles."""
    return re.findall(r"<strong>(\d+)<small>", page)


async def todo(client: Client, shop: Shop) -> list[str]:
    return numbers((await client.get(f"/work/{shop.store_id}")).text)


async def a_wave(client: Client, shop: Shop) -> str:
    """Two of P0-1 and one of P1-1; answers its id."""
    await client.post(f"{shop.base}/fulfilment/waves", data={"most": "5"})
    return hidden((await client.get(f"/work/{shop.store_id}/pick")).text, "wave")


async def scan(client: Client, shop: Shop, wave: str, code: str, key: str = "") -> Any:
    data = {"wave": wave, "code": code, "key": key or uuid4().hex}
    return await client.post(f"/work/{shop.store_id}/pick", data=data)


async def undo(client: Client, shop: Shop, what: str, **fields: str) -> Any:
    return await client.post(f"/work/{shop.store_id}/{what}/undo", data=fields)


async def picked(shop: Shop) -> list[int]:
    found = await rows("SELECT picked FROM wave_lines WHERE store_id = :s ORDER BY line_no", shop)
    return [row.picked for row in found]


async def test_the_first_page_counts_what_is_to_do(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    assert await todo(client, shop) == ["0", "0", "0", "0"]
    wave = await a_wave(client, shop)
    await a_count(client, shop)
    assert await todo(client, shop) == ["3", "0", "0", "2"]
    await scan(client, shop, wave, "P0-1")
    assert await todo(client, shop) == ["2", "1", "0", "2"]


async def test_a_scan_is_undone_once(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    wave, key = await a_wave(client, shop), uuid4().hex
    for code in ("P0-1", "P0-1", "P1-1"):
        page = (await scan(client, shop, wave, code, key if code == "P1-1" else "")).text
    assert "Everything is picked." in page and await picked(shop) == [2, 1]
    for _ in range(2):
        back = await undo(client, shop, "pick", wave=wave, key=key)
        assert back.status_code == 200 and "Put back." in back.text
    assert await picked(shop) == [2, 0]
    assert "Everything is picked." not in back.text
    await scan(client, shop, wave, "P1-1", key)  # the scan itself, late and once more
    assert await picked(shop) == [2, 0]


async def test_nobody_undoes_what_was_not_scanned_or_is_packed(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    wave, key = await a_wave(client, shop), uuid4().hex
    none = await undo(client, shop, "pick", wave=wave, key=uuid4().hex)
    assert none.status_code == 409 and "There is nothing to undo here any more." in none.text
    await scan(client, shop, wave, "P1-1", key)
    await pack(client, shop, ["0", "1"])
    assert (await undo(client, shop, "pick", wave=wave, key=key)).status_code == 409


async def pack(client: Client, shop: Shop, quantities: list[str], key: str = "") -> Any:
    order = (await the_order(shop))["order"]
    (main,) = await rows("SELECT id FROM warehouses WHERE store_id = :s AND is_default", shop)
    data = {"key": key or uuid4().hex, "order": str(order.id), "quantity": quantities,
            "warehouse": str(main.id),
            "line": [f"{order.id}:1", f"{order.id}:2"], "weight_g": "640"}  # fmt: skip
    return await client.post(f"/work/{shop.store_id}/pack", data=data, follow_redirects=False)


async def test_a_package_that_is_closed_twice_is_one(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    await a_wave(client, shop)
    key = uuid4().hex
    told = [(await pack(client, shop, ["1", "0"], key)).headers["location"] for _ in range(2)]
    assert told[0] == told[1]
    (row,) = await rows("SELECT count(*) AS made FROM packages WHERE store_id = :s", shop)
    assert row.made == 1
    (note,) = await rows(
        "SELECT count(*) AS noted FROM audit_log WHERE action = 'supply.package_packed'"
        " AND owner_id = :s", shop,
    )  # fmt: skip
    assert note.noted == 1


async def test_what_a_scan_may_be_stands_with_the_line_that_is_packed(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    wave = await a_wave(client, shop)
    await scan(client, shop, wave, "P0-1")
    order = (await the_order(shop))["order"]
    page = (await client.get(f"/work/{shop.store_id}/pack?order={order.number}")).text
    assert re.search(r"""data-codes='\["P0-1"\]'""", page)
    assert 'data-most="2"' in page


async def note(client: Client, shop: Shop, count: str, code: str, **more: str) -> Any:
    data = {"count": count, "code": code, "key": uuid4().hex} | more
    return await client.post(f"/work/{shop.store_id}/count", data=data)


async def counted(shop: Shop) -> list[tuple[int | None, int | None]]:
    """What was counted of each SKU, and what the books said at that moment."""
    found = await rows(
        "SELECT l.counted, l.expected FROM stock_count_lines l JOIN skus k"
        " ON k.store_id = l.store_id AND k.id = l.sku_id WHERE l.store_id = :s ORDER BY k.code",
        shop,
    )
    return [(row.counted, row.expected) for row in found]


async def test_each_scan_of_a_count_is_one_more(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    count, key = await a_count(client, shop), uuid4().hex
    await note(client, shop, count, "P0-1")
    for _ in range(2):
        page = (await note(client, shop, count, "P0-1", key=key)).text
    assert "<strong>2</strong>" in page
    assert await counted(shop) == [(2, 100), (None, None)]


async def test_a_typed_number_stands_until_it_is_undone(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    count, key = await a_count(client, shop), uuid4().hex
    await note(client, shop, count, "P0-1", counted="98")
    await note(client, shop, count, "P0-1", counted="89", key=key)
    for _ in range(2):
        assert "Taken back." in (await undo(client, shop, "count", count=count, key=key)).text
    assert await counted(shop) == [(98, 100), (None, None)]
    await note(client, shop, count, "P0-1", counted="89", key=key)  # late and once more
    assert await counted(shop) == [(98, 100), (None, None)]


async def test_the_only_number_undone_leaves_the_sku_to_be_counted(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    count, key = await a_count(client, shop), uuid4().hex
    await note(client, shop, count, "P0-1", key=key)
    await undo(client, shop, "count", count=count, key=key)
    assert await counted(shop) == [(None, None), (None, None)]


async def test_what_was_counted_again_is_not_undone(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    count, key = await a_count(client, shop), uuid4().hex
    await note(client, shop, count, "P0-1", key=key)
    await note(client, shop, count, "P0-1", counted="7")
    assert (await undo(client, shop, "count", count=count, key=key)).status_code == 409
    assert await counted(shop) == [(7, 100), (None, None)]


async def test_no_number_is_no_count(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    count = await a_count(client, shop)
    empty = await note(client, shop, count, "P0-1", counted="")
    assert empty.status_code == 400 and "This is needed." in empty.text
    assert await counted(shop) == [(None, None), (None, None)]
