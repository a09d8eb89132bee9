"""Fulfilment over the API: from what waits to what is delivered, and what is refused."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.supply.sandbox_carrier import Carrier, running_carrier
from tests.web.supply_api import Api, a_key, an_api

from dougong.flows import waybills
from dougong.infra import settings

BOX = {"code": "box", "name": "盒子快递", "kind": "sandbox"}
EMS = {"code": "ems", "name": "EMS", "kind": "table"}


@pytest.fixture
async def api(connections: None) -> AsyncIterator[Api]:
    async with an_api() as made:
        yield made


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Iterator[Carrier]:
    with running_carrier() as made:
        chosen = settings.settings()
        found = settings.msgspec.structs.replace(chosen, carrier_sandbox_url=made.url)
        monkeypatch.setattr("dougong.supply.adapters.sandbox.settings", lambda: found)
        yield made


def packing(*orders: Any, units: int = 1, **more: Any) -> dict[str, Any]:
    lines = [{"line_no": 1, "quantity": units}]
    parts = [{"order_id": str(one.order_id), "lines": lines} for one in orders]
    return {"parts": parts, "weight_g": 800} | more


async def packed(api: Api, *orders: Any, **more: Any) -> Any:
    return await api.make("merchant", f"{api.store}/packages", packing(*orders, **more))


async def an_ems(api: Api) -> None:
    await api.make("merchant", f"{api.store}/carriers", EMS)


async def test_two_orders_go_in_one_parcel_from_the_wave_to_the_door(
    api: Api, carrier: Carrier
) -> None:
    first, second = await api.an_order(2), await api.an_order()
    await api.make("merchant", f"{api.store}/carriers", BOX)
    due = (await api.get("merchant", f"{api.store}/orders-to-ship"))["items"]
    assert [(one["number"], one["units"], one["lines"][0]["left"]) for one in due] == [
        (first.number, 2, 2), (second.number, 1, 1),
    ]  # fmt: skip

    wave = await api.make("merchant", f"{api.store}/waves", {"most": 10})
    (line,) = wave["lines"]
    assert (wave["wave"]["orders"], line["quantity"], line["orders"]) == (2, 3, 2)
    picks = f"{api.store}/waves/{wave['wave']['id']}/picks"
    for order in (first, first, second):
        unit = await api.make("merchant", picks, {"code": line["code"]})
        assert (unit["order_id"], unit["line_no"]) == (str(order.order_id), 1)
    ready = (await api.get("merchant", f"{api.store}/orders-to-pack"))["items"]
    assert [(one["picked"], one["quantity"]) for one in ready] == [(2, 2), (1, 1)]

    part = {"order_id": str(first.order_id), "lines": [{"line_no": 1, "quantity": 1}]}
    body = packing(first, second, carrier="box", size_mm=[300, 200, 100])
    package = await api.make("merchant", f"{api.store}/packages", body)
    rest = await api.make("merchant", f"{api.store}/packages", packing(first) | {"parts": [part]})
    gone = await api.get("merchant", f"{api.store}/waves/{wave['wave']['id']}")
    assert (gone["wave"]["state"], gone["wave"]["packed"]) == ("closed", 3)
    (waybill,) = package["waybills"]
    assert (waybill["state"], package["tracking_no"]) == ("asked", None)
    one = f"{api.store}/packages/{package['package_id']}"
    await waybills.tell_carrier(str(api.shop.store_id), waybill["id"])
    package = await api.get("merchant", one)
    number = package["tracking_no"]
    assert (package["waybills"][0]["state"], package["carrier"]) == ("made", "盒子快递")

    await labelled(api, package, without=rest)
    await handed_over(api, package)
    orders = [
        (await api.get("merchant", f"{api.store}/orders/{o.order_id}"))["state"]
        for o in (first, second)
    ]
    assert orders == ["part_shipped", "shipped"]
    delivered = {"status": "delivered", "place": "南京东路", "province": "上海市"}
    told = await api.post("merchant", f"{one}/events", delivered, status=201)
    event = told["events"][0]
    assert (told["state"], event["province"], event["source"]) == ("delivered", "上海", "typed")
    found = await api.get("merchant", f"{api.store}/packages?q={number}")
    assert [(row["package_id"], row["orders"]) for row in found["items"]] == [
        (package["package_id"], 2)
    ]


async def labelled(api: Api, package: Any, *, without: Any) -> None:
    ids = {"ids": [without["package_id"]]}
    assert await api.refused("merchant", f"{api.store}/labels", ids) == (400, "bad_input")
    ids["ids"].append(package["package_id"])
    for labels in (
        await api.raw("merchant", "POST", f"{api.store}/labels", ids),
        await api.raw("merchant", "GET", f"{api.store}/packages/{package['package_id']}/label.pdf"),
    ):
        assert labels.headers["content-type"] == "application/pdf", labels.text
        assert labels.content[:5] == b"%PDF-"


async def handed_over(api: Api, package: Any) -> None:
    made = await api.make(
        "merchant", f"{api.store}/hand-overs", {"package_ids": [package["package_id"]]}
    )
    assert [one["outcome"] for one in made["parcels"]] == ["listed"]
    sign = f"{api.store}/hand-overs/{made['hand_over']['id']}/confirmation"
    done = await api.post("merchant", sign, {"taken_by": "老张"})
    assert (done["hand_over"]["taken_by"], done["parcels"][0]["outcome"]) == ("老张", "gone")
    assert await api.refused("merchant", sign, {}) == (409, "hand_over_closed")


async def test_a_promise_is_frozen_at_payment_and_counted_when_late(api: Api) -> None:
    order = await api.an_order()
    path = f"{api.store}/orders/{order.order_id}/ship-promise"
    promise = await api.get("merchant", path)
    assert (promise["rule_id"], promise["kept_at"], promise["late_at"]) == (None, None, None)
    board = await api.get("merchant", f"{api.store}/fulfilment")
    assert (board["due"], board["late"]) == (1, 0)
    api.wait(timedelta(hours=49))
    assert (await api.get("merchant", f"{api.store}/fulfilment"))["late"] == 1
    assert await api.refused("merchant", f"{api.theirs}{path[len(api.store):]}", method="GET") == (
        404, "not_found",
    )  # fmt: skip


async def test_a_package_with_its_key_is_packed_once(api: Api) -> None:
    order, key = await api.an_order(3), a_key()
    path, body = f"{api.store}/packages", packing(order)
    made = await api.post("merchant", path, body, key=key, status=201)
    assert await api.post("merchant", path, body, key=key, status=201) == made
    again = await api.post("merchant", path, body | {"weight_g": 1}, key=key, status=409)
    assert again["code"] == "idempotency_key_reused"
    rows = (await api.get("merchant", f"{path}?show=packed"))["items"]
    assert [row["package_id"] for row in rows] == [made["package_id"]]


async def test_a_pick_with_its_key_is_one_unit(api: Api) -> None:
    await api.an_order(2)
    wave = await api.make("merchant", f"{api.store}/waves", {})
    path, key = f"{api.store}/waves/{wave['wave']['id']}/picks", a_key()
    code = {"code": wave["lines"][0]["code"]}
    first = await api.post("merchant", path, code, key=key, status=201)
    assert await api.post("merchant", path, code, key=key, status=201) == first
    assert (await api.get("merchant", path[: -len("/picks")]))["wave"]["picked"] == 1
    await api.make("merchant", path, code)
    assert await api.refused("merchant", path, code) == (409, "picked_already")
    assert await api.refused("merchant", path, {"code": "?"}) == (400, "bad_input")


async def test_more_than_is_left_is_not_packed(api: Api) -> None:
    order = await api.an_order(2)
    path = f"{api.store}/packages"
    assert await api.refused("merchant", path, packing(order, units=3)) == (409, "packed_already")
    await packed(api, order, units=2)
    assert await api.refused("merchant", path, packing(order)) == (409, "packed_already")
    heavy = packing(order, weight_g=100_001)
    assert await api.refused("merchant", path, heavy) == (400, "bad_input")
    assert len((await api.get("merchant", path))["items"]) == 1


async def test_a_package_is_opened_again_and_its_units_wait_anew(api: Api) -> None:
    order = await api.an_order()
    await an_ems(api)
    package = await packed(api, order, carrier="ems", tracking_no="EMS00001")
    one = f"{api.store}/packages/{package['package_id']}"
    assert (await api.post("merchant", f"{one}/open"))["state"] == "unpacked"
    assert await api.refused("merchant", f"{one}/open") == (409, "wrong_package_state")
    assert (await packed(api, order))["state"] == "packed"


async def test_a_number_is_typed_once_and_checked(api: Api) -> None:
    order = await api.an_order()
    await an_ems(api)
    package = await packed(api, order)
    path = f"{api.store}/packages/{package['package_id']}/carrier"
    bad = {"carrier": "ems", "tracking_no": "RR473124828GB"}
    assert await api.refused("merchant", path, bad, method="PUT") == (400, "bad_tracking_number")
    unknown = {"carrier": "nobody", "tracking_no": "NO00001"}
    assert await api.refused("merchant", path, unknown, method="PUT") == (404, "carrier_unknown")
    assert await api.refused("merchant", path, {"carrier": "ems"}, method="PUT") == (
        400, "bad_input",
    )  # fmt: skip
    good = bad | {"tracking_no": "RR473124829GB"}
    assert (await api("merchant", "PUT", path, good, status=200))["carrier"] == "EMS"
    assert await api.refused("merchant", path, good, method="PUT") == (409, "conflict")
    assert await api.refused("merchant", path, method="DELETE") == (404, "not_found")


async def test_a_waybill_is_called_off_before_it_is_made(api: Api, carrier: Carrier) -> None:
    order = await api.an_order()
    await api.make("merchant", f"{api.store}/carriers", BOX)
    package = await packed(api, order, carrier="box")
    path = f"{api.store}/packages/{package['package_id']}"
    again = {"carrier": "box"}
    assert await api.refused("merchant", f"{path}/carrier", again, method="PUT") == (
        409, "wrong_waybill_state",
    )  # fmt: skip
    off = await api("merchant", "DELETE", f"{path}/carrier", status=200)
    assert off["waybills"][0]["state"] == "cancel_asked"
    await waybills.tell_carrier(str(api.shop.store_id), package["waybills"][0]["id"])
    assert (await api.get("merchant", path))["waybills"][0]["state"] == "cancelled"
    assert await api.refused("merchant", f"{path}/interception") == (404, "not_found")


async def test_events_of_the_future_and_of_unknown_parcels_change_nothing(api: Api) -> None:
    order = await api.an_order()
    await an_ems(api)
    package = await packed(api, order, carrier="ems", tracking_no="EMS00001")
    one = f"{api.store}/packages/{package['package_id']}"
    late = {"status": "delivered", "at": (api.now() + timedelta(days=1)).isoformat()}
    assert await api.refused("merchant", f"{one}/events", late) == (400, "bad_input")
    now = {"status": "lost"}
    nowhere = f"{api.store}/packages/{uuid4()}/events"
    assert await api.refused("merchant", nowhere, now) == (404, "not_found")
    foreign = one.replace(api.store, api.theirs) + "/events"
    assert await api.refused("other_merchant", foreign, now) == (404, "not_found")
    assert (await api.get("merchant", one))["events"] == []


async def test_a_file_of_events_tells_each_bad_row(api: Api) -> None:
    order = await api.an_order()
    await an_ems(api)
    await packed(api, order, carrier="ems", tracking_no="EMS00001")
    content = (
        "tracking_no,at,status\nEMS00001,2026-01-01T08:00:00+08:00,运输中\n"
        "EMS99999,2026-01-01T08:00:00+08:00,已签收\nEMS00001,yesterday,已签收\n"
        "EMS00001,2026-01-01T08:00:00+08:00,睡觉\n"
    )
    path = f"{api.store}/tracking-files"
    loaded = await api.post("merchant", path, {"content": content})
    assert [loaded[name] for name in ("new", "repeated", "unknown", "refused")] == [1, 0, 1, 2]
    assert [(row["line"], row["refusal"]["field"]) for row in loaded["rows"][2:]] == [
        (4, "at"), (5, "status"),
    ]  # fmt: skip
    again = await api.post("merchant", path, {"content": content})
    assert (again["new"], again["repeated"]) == (0, 1)
    strays = (await api.get("merchant", f"{api.store}/stray-events"))["items"]
    assert [one["tracking_no"] for one in strays] == ["EMS99999"]
    assert await api.refused("merchant", path, {"content": "a,b\n1,2\n"}) == (400, "bad_input")


async def test_rates_are_added_all_or_none_and_reckoned(api: Api) -> None:
    await an_ems(api)
    path = f"{api.store}/carriers/ems"
    rate = {
        "zone": "一区", "to_provinces": ["广东", "广西"], "first_g": 1_000, "first_minor": 1_200,
        "further_g": 500, "further_minor": 350, "divisor": 8_000,
        "starts": "2020-01-01T00:00:00+08:00",
    }  # fmt: skip
    made = await api.make("merchant", f"{path}/rates", rate)
    assert [row["to_province"] for row in made["rates"]] == ["广东", "广西"]
    assert made["webhook_url"].endswith(f"/carriers/{api.shop.store_id}/ems/events")
    parcel = {"to_province": "广东", "weight_g": 900, "size_mm": [400, 300, 100]}
    price = await api.post("merchant", f"{path}/price", parcel)
    assert (price["price"]["minor"], price["charged_g"], price["steps"]) == (1_550, 1_500, 1)
    again = rate | {"to_provinces": ["西藏", "广东"]}
    assert await api.refused("merchant", f"{path}/rates", again) == (409, "rate_overlaps")
    assert len((await api.get("merchant", path))["rates"]) == 2
    nowhere = parcel | {"to_province": "西藏"}
    assert await api.refused("merchant", f"{path}/price", nowhere) == (409, "no_rate")
    assert await api.refused("merchant", f"{api.store}/carriers", EMS) == (409, "conflict")
    listed = (await api.get("merchant", f"{api.store}/carriers"))["items"]
    assert [(one["code"], one["kind"]) for one in listed] == [("ems", "table")]


async def test_what_is_refunded_meanwhile_is_held_back_with_its_reason(api: Api) -> None:
    order = await api.an_order()
    await an_ems(api)
    package = await packed(api, order, carrier="ems", tracking_no="EMS00001")
    ids = {"package_ids": [package["package_id"]]}
    made = await api.make("merchant", f"{api.store}/hand-overs", ids)
    assert await api.refused("merchant", f"{api.store}/hand-overs", ids) == (409, "conflict")
    refund = {"lines": [{"line_no": 1, "amount_minor": 9_900}]}
    await api.make("merchant", f"{api.store}/orders/{order.order_id}/refunds", refund)
    path = f"{api.store}/hand-overs/{made['hand_over']['id']}"
    done = await api.post("merchant", f"{path}/confirmation", {"taken_by": "老张"})
    assert [(one["outcome"], one["reason"]) for one in done["parcels"]] == [
        ("held_back", "wrong_order_state")
    ]
    closed = await api.get("merchant", f"{api.store}/hand-overs?show=closed")
    assert [one["id"] for one in closed["items"]] == [made["hand_over"]["id"]]
    assert (await api.get("merchant", f"{api.store}/hand-overs?show=open"))["items"] == []


async def test_lists_go_on_where_a_page_ends(api: Api) -> None:
    orders = [await api.an_order() for _ in range(3)]
    for order in orders:
        await packed(api, order)
    for path in ("packages?show=packed", "orders-to-ship?"):
        seen, after = [], ""
        for size in (2, 1):
            page = await api.get("merchant", f"{api.store}/{path}&limit=2&after={after}")
            assert len(page["items"]) == size
            seen += [one["number"] for one in page["items"]]
            after = page["after"]
        assert (seen, after) == ([order.number for order in orders], None)
    assert await api.refused("merchant", f"{api.store}/packages?after=zzz", method="GET") == (
        400, "bad_input",
    )  # fmt: skip
