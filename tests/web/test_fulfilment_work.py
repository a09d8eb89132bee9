"""A day in the warehouse over HTTP: a wave, scans, a package, its label, the driver's list."""

import re

import pytest
from tests.web.test_merchant import Client
from tests.web.test_merchant_orders import a_shop, as_, client, the_order

__all__ = ["client"]  # the fixture of the orders' tests


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None, name
    return found[1]


async def test_an_order_goes_from_the_shelf_to_the_driver(client: Client) -> None:
    shop = await a_shop()  # two of P0-1 and one of P1-1
    as_(client, shop)
    work = f"/work/{shop.store_id}"
    assert "Nothing to pick" in (await client.get(f"{work}/pick")).text
    begun = await client.post(
        f"{shop.base}/fulfilment/waves", data={"most": "5"}, follow_redirects=False
    )
    assert begun.status_code == 303
    assert "P0-1" in (await client.get(begun.headers["location"])).text
    page = (await client.get(f"{work}/pick")).text
    wave = hidden(page, "wave")
    for code, seen in [("P0-1", "1 / 2"), ("P0-1", "2 / 2"), ("P1-1", "Everything is picked.")]:
        key = hidden(page, "key")
        page = (
            await client.post(f"{work}/pick", data={"wave": wave, "code": code, "key": key})
        ).text
        assert seen in page
    order = (await the_order(shop))["order"]
    opened = (await client.get(f"{work}/pack?order={order.number}")).text
    assert f'value="{order.id}:1"' in opened
    form = {
        "key": hidden(opened, "key"), "order": str(order.id), "weight_g": "0", "size": "30x20x10",
        "warehouse": hidden(opened, "warehouse"),
        "line": [f"{order.id}:1", f"{order.id}:2"], "quantity": ["2", "1"], "carrier": "",
    }  # fmt: skip
    assert (await client.post(f"{work}/pack", data=form)).status_code == 422
    carrier = {"code": "ems", "name": "EMS", "kind": "manual"}
    await client.post(f"{shop.base}/carriers", data=carrier)
    form |= {"weight_g": "950", "carrier": "ems", "tracking_no": "RR473124828GB"}
    bad = await client.post(f"{work}/pack", data=form)
    assert bad.status_code == 400 and "check digit" in bad.text
    form["tracking_no"] = "RR473124829GB"
    done = await client.post(f"{work}/pack", data=form, follow_redirects=False)
    package = done.headers["location"].split("packed=")[1]
    assert "RR473124829GB" in (await client.get(f"{shop.base}/fulfilment/packed")).text
    label = await client.get(f"{shop.base}/fulfilment/labels.pdf?package={package}")
    assert label.content.startswith(b"%PDF")
    listed = await client.post(
        f"{shop.base}/fulfilment/packed", data={"act": "list", "package": package},
        follow_redirects=False,
    )  # fmt: skip
    list_page = listed.headers["location"]
    assert "RR473124829GB" in (await client.get(list_page)).text
    closed = await client.post(f"{list_page}/close", data={"taken_by": "老张"})
    assert "老张" in closed.text
    found = await the_order(shop)
    assert found["order"].state == "shipped"
    assert [(p.carrier, p.tracking_no) for p in found["packages"]] == [("EMS", "RR473124829GB")]


@pytest.mark.parametrize("here", ["home", "pick", "pack", "receive", "count"])
async def test_each_work_of_the_phone_leads_to_the_others(client: Client, here: str) -> None:
    shop = await a_shop()
    as_(client, shop)
    work = f"/work/{shop.store_id}"
    page = (await client.get(work if here == "home" else f"{work}/{here}")).text
    for other in {"pick", "pack", "receive", "count"} - {here}:
        assert f'href="{work}/{other}"' in page
        assert (await client.get(f"{work}/{other}")).status_code == 200


async def test_a_scan_that_is_not_needed_is_said_large(client: Client) -> None:
    shop = await a_shop()
    as_(client, shop)
    work = f"/work/{shop.store_id}"
    await client.post(f"{shop.base}/fulfilment/waves", data={"most": "5"})
    page = (await client.get(f"{work}/pick")).text
    wave = hidden(page, "wave")
    for _ in range(2):
        scan = {"wave": wave, "code": "P0-1", "key": hidden(page, "key")}
        page = (await client.post(f"{work}/pick", data=scan)).text
    more = await client.post(
        f"{work}/pick", data={"wave": wave, "code": "P0-1", "key": hidden(page, "key")}
    )
    assert more.status_code == 409 and "The wave needs no more of this." in more.text
    strange = await client.post(
        f"{work}/pick", data={"wave": wave, "code": "nothing", "key": hidden(more.text, "key")}
    )
    assert strange.status_code == 400


async def test_empty_states_say_what_to_do(client: Client) -> None:
    shop = await a_shop(is_paid=False)
    as_(client, shop)
    none = await client.post(f"{shop.base}/fulfilment/waves", data={"most": "5"})
    assert none.status_code == 409 and "No order waits to be picked." in none.text
    assert "Nothing to pack" in (await client.get(f"/work/{shop.store_id}/pack")).text
    packed = await client.post(f"{shop.base}/fulfilment/packed", data={"act": "list"})
    assert packed.status_code == 400 and "Choose at least one parcel." in packed.text


async def test_the_carrier_of_a_wave_is_chosen_at_packing_and_may_be_another(
    client: Client,
) -> None:
    shop = await a_shop()
    as_(client, shop)
    for code in ("ems", "sto"):
        data = {"code": code, "name": code.upper(), "kind": "manual"}
        await client.post(f"{shop.base}/carriers", data=data)
    begun = await client.post(f"{shop.base}/fulfilment/waves", data={"most": "5", "carrier": "sto"})
    assert "STO" in begun.text
    page = (await client.get(f"/work/{shop.store_id}/pick")).text
    scan = {"wave": hidden(page, "wave"), "code": "P0-1", "key": hidden(page, "key")}
    await client.post(f"/work/{shop.store_id}/pick", data=scan)
    order = (await the_order(shop))["order"]
    opened = (await client.get(f"/work/{shop.store_id}/pack?order={order.number}")).text
    assert '<option value="sto" selected>STO</option>' in opened
    form = {
        "key": hidden(opened, "key"), "order": str(order.id), "weight_g": "400", "carrier": "sto",
        "warehouse": hidden(opened, "warehouse"), "line": f"{order.id}:1", "quantity": "1",
    }  # fmt: skip
    done = await client.post(f"/work/{shop.store_id}/pack", data=form, follow_redirects=False)
    package = f"{shop.base}/packages/{done.headers['location'].split('packed=')[1]}"
    assert '<option value="sto" selected>STO</option>' in (await client.get(package)).text
    other = {"carrier": "ems", "tracking_no": "RR473124828GB"}
    bad = await client.post(f"{package}/carrier", data=other)
    assert bad.status_code == 400 and "check digit" in bad.text
    other["tracking_no"] = "RR473124829GB"
    shown = await client.post(f"{package}/carrier", data=other)
    assert "EMS" in shown.text and "RR473124829GB" in shown.text
    assert "Who carries it" not in shown.text
