"""Many orders sent with one file, packing slips, and the lists that lead there."""

import pytest
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import a_shop, as_, client, the_order

from dougong.base.errors import BadInput
from dougong.web.merchant.shipping import parcels_from

__all__ = ["client"]  # the fixture of the orders' tests


@pytest.mark.parametrize(
    "text",
    [
        "number,carrier,tracking_no\n261,SF,SF0001\n",
        "\ufefforder number,recipient,tracking number,carrier\n'261,Li,SF0001,SF\n",
        "订单号\t快递公司\t快递单号\n261\tSF\tSF0001\n",
        '="261";SF;="SF0001"\n\n',
        "261,SF0001",
    ],
)
def test_a_file_of_parcels_is_read_as_spreadsheets_write_it(text: str) -> None:
    (parcel,) = parcels_from(text, carrier="SF")
    assert (parcel.number, parcel.carrier, parcel.tracking_no) == ("261", "SF", "SF0001")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n , \n", "empty"),
        ("number,carrier\n1,SF\n", "missing_tracking_column"),
        ("1,SF,SF0001\n" * 501, "too_many_rows"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        parcels_from(text, carrier="")
    assert refused.value.facts["reason"] == reason


async def test_a_file_sends_the_good_rows_and_gives_back_the_bad_ones(client: Client) -> None:
    shop, other, unpaid = await a_shop(), await a_shop(), await a_shop(is_paid=False)
    number = (await the_order(shop))["order"].number
    foreign = (await the_order(other))["order"].number
    rows = [f"{number},顺丰速运,SF00012345", f"{foreign},EMS,EM0002", "nothing,EMS,EM0003"]
    url = f"{shop.base}/orders/ship-many"
    page = await as_(client, shop).post(url, data={"rows": "\n".join(rows)})
    assert page.status_code == 200
    assert page.text.count("This store has no such order.") == 2
    assert f"{foreign},EMS,EM0002" in page.text  # to be mended and sent again
    found = await the_order(shop)
    assert found["order"].state == "shipped"
    assert [(p.carrier, p.tracking_no) for p in found["packages"]] == [("顺丰速运", "SF00012345")]
    assert (await the_order(other))["order"].state == "paid"
    assert (await the_order(unpaid))["order"].state == "placed"


async def test_a_file_sent_twice_sends_nothing_twice(client: Client) -> None:
    shop = await a_shop()
    number = (await the_order(shop))["order"].number
    as_(client, shop)
    for row in (f"{number},EMS,EM000777", f"{number},EMS,EM000777", f"{number},EMS,EM000778"):
        url = f"{shop.base}/orders/ship-many"
        page = await client.post(url, data={"rows": row})
    assert "The order is in a state (On its way)" in page.text
    assert len((await the_order(shop))["packages"]) == 1


async def test_what_waits_comes_as_a_file_and_as_slips(client: Client) -> None:
    shop = await a_shop()
    order = (await the_order(shop))["order"]
    as_(client, shop)
    file = (await client.get(f"{shop.base}/orders/to-ship.csv")).text
    assert f"'{order.number},,," in file
    assert "× 2" in file
    slips = (await client.get(f"{shop.base}/orders/slips")).text
    assert order.number in slips
    one = await client.get(f"{shop.base}/orders/slips", params={"order": str(order.id)})
    assert order.number in one.text
    strange = await a_shop()
    theirs = {"order": str(strange.order.order_id)}
    none = await client.get(f"{shop.base}/orders/slips", params=theirs)
    assert "Nothing to pack" in none.text


async def test_orders_are_found_by_their_days(client: Client) -> None:
    shop = await a_shop()
    order = (await the_order(shop))["order"]
    as_(client, shop)
    day = order.placed_at.date().isoformat()
    for query, is_there in (("since=2001-01-01", True), (f"until={day[:4]}-01-01", False)):
        for path in ("orders", "orders.csv"):
            page = await client.get(f"{shop.base}/{path}?tab=all&{query}")
            assert (order.number in page.text) is is_there
    assert (await client.get(f"{shop.base}/orders?since=tomorrow")).status_code == 400
