"""Freight insurance over HTTP: offered by two operators, taken and left by a merchant."""

import re

import pytest
from tests.web.accounts import a_client, send
from tests.web.test_merchant_orders import a_shop
from tests.web.test_standing import operators

pytestmark = pytest.mark.money


async def test_a_version_is_drafted_approved_taken_and_left(own_database: None) -> None:
    shop = await a_shop()
    first, second = await operators()
    desk, page = "/operator/insurance", f"{shop.base}/insurance"
    async with a_client(first) as olga, a_client(second) as otto, a_client(shop.token) as merchant:
        assert (await send(merchant, page)).status_code == 409
        form = {"name_zh": "退货运费险", "name_en": "Return freight", "near": "8", "far": "12"}
        bad = await send(olga, desk, **form, over=["0", "5"], premium=["9", ""])
        assert bad.status_code in (400, 422)
        good = await send(olga, desk, **form, over=["0", "5"], premium=["0.45", "0.7"])
        assert good.status_code == 303, good.text
        approval = re.search(
            r"/operator/insurance/[0-9a-f-]+/approval", (await otto.get(desk)).text
        )
        assert approval is not None
        assert (await send(olga, approval[0])).status_code == 403
        assert (await send(otto, approval[0])).status_code == 303
        assert "¥0.45" in (await merchant.get(page)).text
        assert (await send(merchant, page)).status_code == 303
        taken = (await merchant.get(page)).text
        assert f"{page}/leave" in taken
        assert shop.store_id and (await otto.get(desk)).status_code == 200
        assert (await merchant.get(page + ".csv")).status_code == 200
        assert (await send(merchant, f"{page}/leave")).status_code == 303
        assert f"{page}/leave" not in (await merchant.get(page)).text
