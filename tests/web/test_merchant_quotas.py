"""Units set aside for a channel over HTTP: set, refused, given back."""

import re

from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import a_shop, as_, client
from tests.web.test_merchant_warehouses import the_skus

__all__ = ["client"]  # the fixture of the orders' tests


async def test_units_are_set_aside_and_given_back(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    page = f"{shop.base}/stock/{(await the_skus(shop))[0].id}"
    form = {"way": "video", "units": "40", "starts": "", "ends": "2099-01-01T00:00"}
    told = (await client.post(f"{page}/quotas", data=form)).text
    assert "<strong>40</strong> / 40" in told
    again = await client.post(f"{page}/quotas", data=form)
    assert again.status_code == 409 and "end that first" in again.text
    much = await client.post(f"{page}/quotas", data=form | {"way": "shop", "units": "59"})
    assert much.status_code == 409 and "Fewer units are free" in much.text
    for wrong in ({"way": "radio"}, {"units": "0"}, {"ends": "2001-01-01T00:00"}):
        assert (await client.post(f"{page}/quotas", data=form | wrong)).status_code == 400
    found = re.search(r'action="([^"]+/quotas/[^"]+/end)"', told)
    assert found is not None
    assert "Give back to all" not in (await client.post(found[1])).text
    assert (await client.post(found[1])).status_code == 409


async def test_another_stores_sku_gets_nothing(client: Client) -> None:
    shop, other = await a_shop(), await a_shop()
    as_(client, shop)
    page = f"{shop.base}/stock/{(await the_skus(other))[0].id}"
    form = {"way": "video", "units": "4"}
    assert (await client.post(f"{page}/quotas", data=form)).status_code == 404
