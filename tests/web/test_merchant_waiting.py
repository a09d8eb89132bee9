"""Waiting for stock over HTTP: why a line waits, and that it is served when it is asked again."""

from sqlalchemy import text
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import Shop, a_shop, as_, client

from dougong.infra.db import transaction

__all__ = ["client"]  # the fixture of the orders' tests


async def put_back(shop: Shop, *, ships: bool) -> None:
    """What was set aside is not; the warehouse ships, or does not."""
    async with transaction() as conn:
        named = {"s": shop.store_id, "o": shop.order.order_id, "ships": ships}
        await conn.execute(text("UPDATE warehouses SET ships = :ships WHERE store_id = :s"), named)
        await conn.execute(
            text("""
                UPDATE stock_levels l SET allocated = l.allocated - a.quantity
                FROM stock_allocations a WHERE a.store_id = l.store_id AND a.sku_id = l.sku_id
                  AND a.store_id = :s AND a.order_id = :o AND a.state = 'open'
            """),
            named,
        )
        await conn.execute(
            text("""
                UPDATE stock_allocations SET released = quantity, state = 'released'
                WHERE store_id = :s AND order_id = :o
            """),
            named,
        )


async def test_a_waiting_line_says_why_and_is_served_when_it_can_be(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    page = f"{shop.base}/fulfilment/waiting"
    assert "No order waits for stock" in (await client.get(page)).text
    await put_back(shop, ships=False)
    told = (await client.get(page)).text
    assert "100 lie in a warehouse that does not ship" in told and "nothing ordered" in told
    assert f"{shop.base}/purchasing/suggestions?show=all&amp;q=P0-1" in told
    await put_back(shop, ships=True)
    assert "100 free now" in (await client.get(page)).text
    data = {"order": str(shop.order.order_id)}
    assert "No order waits for stock" in (await client.post(page, data=data)).text


async def test_a_wrong_order_is_refused(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    page = f"{shop.base}/fulfilment/waiting"
    assert (await client.post(page, data={"order": "x"})).status_code == 400
    missing = {"order": "01a216e7-c019-78f4-b035-43eb28da4c46"}
    assert (await client.post(page, data=missing)).status_code == 404
    assert (await client.post(page, data={}, follow_redirects=False)).status_code == 303
