"""The merchant's board, a package's page, carriers and their rates, the buyer's timeline."""

from tests.supply.test_tracking import told
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import Shop, a_shop, as_, client, send, the_order

from dougong.base.ids import StoreId
from dougong.flows.track_packages import track_package
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.tracking_rules import Status

__all__ = ["client"]  # the fixture of the orders' tests


async def a_sent_shop(client: Client) -> tuple[Shop, str]:
    """A shop whose order is on its way; answers the package's page."""
    shop = await a_shop()
    as_(client, shop)
    assert (await send(client, shop, ["2", "1"])).status_code == 303
    (package,) = (await the_order(shop))["packages"]
    return shop, f"{shop.base}/packages/{package.id}"


async def test_what_somebody_heard_stands_in_the_story(client: Client) -> None:
    shop, page = await a_sent_shop(client)
    data = {
        "status": "held",
        "place": "广州分拨中心",
        "at": "2026-01-01T08:00",
        "province": "广东省",
    }
    assert (
        await client.post(f"{page}/events", data=data, follow_redirects=False)
    ).status_code == 303
    shown = (await client.get(page)).text
    assert "广州分拨中心 · 广东" in shown and "Held up" in shown
    late = await client.post(f"{page}/events", data=data | {"at": "2199-01-01T08:00"})
    assert late.status_code == 400 and "This is still to come." in late.text
    board = (await client.get(f"{shop.base}/fulfilment?q=SF12345678")).text
    assert page in board and "stuck" in board


async def test_a_board_without_packages_says_what_to_do(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    assert "Nothing is stuck" in (await client.get(f"{shop.base}/fulfilment?tab=stuck")).text
    due = (await client.get(f"{shop.base}/fulfilment")).text
    assert "47 h left" in due and shop.order.number in due
    packed = await client.get(f"{shop.base}/fulfilment?tab=packed")
    assert "No package here" in packed.text
    assert (await client.get(f"{shop.base}/fulfilment?tab=nowhere")).status_code == 400


async def test_a_file_of_events_is_loaded_and_its_bad_rows_told(client: Client) -> None:
    shop, page = await a_sent_shop(client)
    rows = (
        "tracking_no,at,status,place\nSF12345678,2026-01-01 08:00,运输中,武汉\nSF12345678,x,y,z\n"
    )
    loaded = await client.post(f"{shop.base}/fulfilment/tracking", data={"rows": rows})
    assert loaded.status_code == 200
    assert "We do not know this word for what happened." in loaded.text
    assert "武汉" in (await client.get(page)).text
    empty = await client.post(f"{shop.base}/fulfilment/tracking", data={"rows": "a,b\n1,2\n"})
    assert "The file lacks one of tracking_no, at and status." in empty.text


async def test_rates_of_a_zone_are_dated_and_reckoned(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    carrier = {"code": "sf", "name": "顺丰速运", "kind": "table"}
    made = await client.post(f"{shop.base}/carriers", data=carrier, follow_redirects=False)
    assert made.headers["location"] == f"{shop.base}/carriers/sf"
    assert (await client.post(f"{shop.base}/carriers", data=carrier)).status_code == 409
    rate = {
        "zone": "一区", "to_province": ["广东", "广西"], "first_g": "1000", "first": "12.00",
        "further_g": "500", "further": "3.50", "divisor": "8000", "starts": "2020-01-01T00:00",
    }  # fmt: skip
    url = f"{shop.base}/carriers/sf"
    answer = await client.post(f"{url}/rates", data=rate, follow_redirects=False)
    assert answer.status_code == 303
    asked = {"to": "广东", "weight_g": "900", "size": "40x30x10"}
    assert "15.50" in (await client.get(url, params=asked)).text  # 1500 g by volume
    later = rate | {"first": "20.00", "starts": "2021-01-01T00:00"}
    await client.post(f"{url}/rates", data=later)
    assert "23.50" in (await client.get(url, params=asked)).text
    again = await client.post(f"{url}/rates", data=rate)
    assert again.status_code == 409 and "A later rate" in again.text
    nowhere = await client.get(url, params=asked | {"to": "西藏"})
    assert "The carrier has no rate for 西藏 now." in nowhere.text


async def test_the_buyer_follows_the_parcel(client: Client) -> None:
    from tests.web.accounts import a_session

    shop, _ = await a_sent_shop(client)
    found = await the_order(shop)
    async with transaction() as conn:
        await track_package(
            conn, store_id=StoreId(shop.store_id), package_id=found["packages"][0].id,
            events=[told(1, Status.ACCEPTED), told(5, Status.OUT_FOR_DELIVERY)], source="carrier",
            at=await clock.refresh(conn),
        )  # fmt: skip
    token = await a_session(found["order"].buyer_id)
    as_(client, Shop(shop.store_id, token, shop.order))
    page = (await client.get(f"/orders/{shop.store_id}/{shop.order.order_id}")).text
    assert page.index("派送中</b><small>") < page.index("已揽收")
    assert "广州" in page
