"""Batches that expire soon on the merchant's page, and lots at the worker's door, over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.factories import AStore, a_person
from tests.supply.test_expiry import as_food
from tests.supply_buying import Buying, a_sent_order, a_supplier
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import Shop, a_shop, as_, client

from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.batch_commands import selling_day
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.warehouse_commands import default_warehouse

__all__ = ["client"]  # the fixture of the orders' tests
DAY = timedelta(days=1)


async def a_food_shop(*lots: tuple[str, int, int]) -> Shop:
    """A shop whose goods are food, with (lot, days until it expires, units) of its first SKU."""
    shop = await a_shop()
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await as_food(conn, shop)
        if lots:
            sku_id = await conn.scalar(
                text("SELECT id FROM skus WHERE store_id = :s AND code = 'P0-1'"),
                {"s": shop.store_id},
            )
            ours = StoreId(shop.store_id)
            lines = [
                Received(SkuId(sku_id), units, None, lot, selling_day(at) + days * DAY)
                for lot, days, units in lots
            ]
            await receive_units(
                conn, store_id=ours, lines=lines, about_kind="receipt", about_id=None, key="r",
                warehouse_id=await default_warehouse(conn, store_id=ours, at=at), at=at, by_id=None,
            )  # fmt: skip
    return shop


async def batch_of(shop: Shop, lot: str) -> Any:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT id, on_hand FROM stock_batches WHERE store_id = :s AND lot = :lot"),
            {"s": shop.store_id, "lot": lot},
        )
        return found.one()


async def test_what_expires_soon_is_listed_and_taken_off_sale(client: Client) -> None:
    shop = await a_food_shop(("SOON", 12, 4), ("LATER", 37, 5), ("LONG", 38, 6))
    as_(client, shop)
    page = (await client.get(f"{shop.base}/expiring")).text
    assert [lot in page for lot in ("SOON", "LATER", "LONG")] == [True, True, False]
    assert "5 days left" in page and "30 days left" in page
    batch = await batch_of(shop, "SOON")
    done = await client.post(f"{shop.base}/expiring/{batch.id}")
    assert "4 units count as damaged now." in done.text and "SOON" not in done.text
    assert (await batch_of(shop, "SOON")).on_hand == 0
    again = await client.post(f"{shop.base}/expiring/{batch.id}")
    assert again.status_code == 409 and "Fewer units are free there" in again.text


async def test_the_list_is_chinese_too_and_says_what_an_empty_one_means(client: Client) -> None:
    shop = await a_food_shop(("SOON", 7, 4))
    as_(client, shop).cookies.set("dougong_locale", "zh")
    assert "今天是最后一天" in (await client.get(f"{shop.base}/expiring")).text
    other = await a_food_shop()
    assert "没有临期批次" in (await as_(client, other).get(f"{other.base}/expiring")).text


async def test_another_store_s_batch_is_not_found(client: Client) -> None:
    theirs = await a_food_shop(("SOON", 12, 4))
    shop = await a_food_shop()
    batch = await batch_of(theirs, "SOON")
    said = await as_(client, shop).post(f"{shop.base}/expiring/{batch.id}")
    assert (said.status_code, (await batch_of(theirs, "SOON")).on_hand) == (404, 4)


async def an_order_at_the_door(shop: Shop) -> UUID:
    """Ten and twenty of the two SKUs are on their way."""
    async with transaction() as conn:
        owner = await conn.scalar(
            text("""
                SELECT g.person_id FROM grants g JOIN stores s ON s.org_id = g.org_id
                WHERE s.id = :s LIMIT 1
            """),
            {"s": shop.store_id},
        )
        skus = (
            await conn.scalars(
                text("SELECT id FROM skus WHERE store_id = :s ORDER BY code"),
                {"s": shop.store_id},
            )
        ).all()
        store = AStore(StoreId(shop.store_id), None, list(skus), [], [])  # type: ignore[arg-type]
        by, second = PersonId(owner), await a_person(conn)
        supplier_id = await a_supplier(conn, store, code="TEA", by=by)
        return await a_sent_order(conn, Buying(store, by, second, supplier_id), (10, 20))


async def test_the_door_asks_for_lot_and_day_at_the_line(client: Client) -> None:
    shop = await a_food_shop()
    order_id = await an_order_at_the_door(shop)
    as_(client, shop)
    url = f"/work/{shop.store_id}/receive/{order_id}"
    async with transaction() as conn:
        today = selling_day(await clock.refresh(conn))
    assert f"use-by day, {today + 7 * DAY} or later" in (await client.get(url)).text
    key = str(new_id())

    async def take(lot: str, days: int) -> Any:
        form = {"key": key, "line_no": ["1", "2"], "accepted": ["10", "20"],
                "damaged": ["", ""], "short": ["", ""], "lot": ["A", lot],
                "expires_on": [str(today + 90 * DAY), str(today + days * DAY)]}  # fmt: skip
        return await client.post(url, data=form, follow_redirects=False)

    none, soon = await take("", 90), await take("B", 6)
    assert none.status_code == 400 and none.text.count("Give lot and expiry (line 2)") == 2
    assert soon.status_code == 409 and "6 days are left, 7 are needed" in soon.text
    assert (await take("B", 7)).status_code == 303
    assert [(await batch_of(shop, lot)).on_hand for lot in "AB"] == [10, 20]
