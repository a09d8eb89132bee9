"""After-sales over the API: both sides and the platform, whole stories, and what is refused."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.infra.hostile_media import png_with_declared_size
from tests.web.supply_api import Api, an_api
from tests.web.test_cases import a_picture

from dougong.base.ids import StoreId
from dougong.flows.place_orders import Placed
from dougong.flows.ship_order import ship_order
from dougong.infra import clock, evidence_files
from dougong.infra.db import transaction

pytestmark = pytest.mark.money
ADDRESS = {"recipient": "仓库", "phone": "13800000001", "line": "西湖区 1 号"}


@pytest.fixture
async def api(connections: None) -> AsyncIterator[Api]:
    async with an_api() as made:
        yield made


async def shipped(api: Api, quantity: int = 1) -> Placed:
    order = await api.an_order(quantity)
    async with transaction() as conn:
        await ship_order(
            conn, store_id=order.store_id, order_id=order.order_id, carrier="SF",
            tracking_no="SF00001", lines={1: quantity}, at=await clock.refresh(conn),
        )  # fmt: skip
    return order


def asking(kind: str, quantity: int = 1, **line: Any) -> dict[str, Any]:
    lines = [{"line_no": 1, "quantity": quantity} | line]
    return {"kind": kind, "reason": "damaged", "lines": lines}


def at_order(order: Placed) -> str:
    return f"/api/v1/orders/{order.store_id}/{order.order_id}"


async def opened(api: Api, order: Placed, kind: str, quantity: int = 1) -> tuple[str, str]:
    """The case as its buyer and as its store name it."""
    made = await api.make("buyer", f"{at_order(order)}/cases", asking(kind, quantity))
    case_id = made["case"]["case_id"]
    return f"/api/v1/cases/{order.store_id}/{case_id}", f"{api.store}/cases/{case_id}"


async def test_refused_ruled_and_appealed_with_evidence_of_both(api: Api) -> None:
    order = await shipped(api)
    mine, theirs = await opened(api, order, "refund_only")
    picture = {"name": "裂痕.jpg", "content": base64.b64encode(a_picture()).decode()}
    shown = await api.post("buyer", f"{mine}/evidence", picture, status=201)
    (evidence,) = shown["evidence"]
    assert (evidence["kind"], evidence["side"], evidence["name"]) == ("image", "buyer", "裂痕.jpg")
    file = f"{mine}/evidence/{evidence['id']}/picture.webp"
    assert (await api.raw("merchant", "GET", file)).content[:4] == b"RIFF"
    assert (await api.raw("other_buyer", "GET", file)).status_code == 404
    refused = await api.post("merchant", f"{theirs}/refuse", {"words": "不认可"})
    assert refused["case"]["state"] == "refused"
    await api.post("buyer", f"{mine}/arbitration", {"words": "请裁决"})
    ruled = f"/api/v1/arbitrations/{mine.removeprefix('/api/v1/cases/')}"
    queue = (await api.get("operator", "/api/v1/arbitrations"))["items"]
    assert ruled.rpartition("/")[2] in [one["case_id"] for one in queue]
    ruling = {"question": "谁的错", "outcome": "refund", "granted_minor": 9_900,
              "bearer": "platform", "reason": "物流损坏"}  # fmt: skip
    much = ruling | {"granted_minor": 9_901}
    assert await api.refused("operator", f"{ruled}/rulings", much) == (422, "bad_case")
    await api.make("operator", f"{ruled}/rulings", ruling)
    await api.post("merchant", f"{theirs}/appeal", {"words": "有监控"})
    last = await api.make("operator", f"{ruled}/rulings", ruling | {"granted_minor": 5_000})
    assert (last["case"]["state"], last["case"]["granted"]["minor"]) == ("done", 5_000)
    assert [(one["instance"], one["granted"]["minor"]) for one in last["rulings"]] == [
        (1, 9_900), (2, 5_000),
    ]  # fmt: skip
    tree = await api.get("merchant", f"{theirs}/explanation")
    assert (tree["amount"]["minor"], tree["residual"]["minor"]) == (9_900, 0)
    assert {c["label"]: c["amount"]["minor"] for c in tree["children"]} == {
        "case_refunded": 5_000, "case_not_granted": 4_900,
    }  # fmt: skip


async def test_the_platform_asks_both_sides_before_it_rules(api: Api) -> None:
    mine, theirs = await opened(api, await shipped(api), "return_refund")
    ruled = f"/api/v1/arbitrations/{mine.removeprefix('/api/v1/cases/')}"
    ask = {"words": "请双方补充照片"}
    assert await api.refused("operator", f"{ruled}/messages", ask) == (409, "case_closed")
    await api.post("merchant", f"{theirs}/refuse", {"words": "不认可"})
    await api.post("buyer", f"{mine}/arbitration", {"words": "请裁决"})
    asked = await api.make("operator", f"{ruled}/messages", ask)
    assert asked["may"] == ["rule"] and asked["ruling"] == {
        "outcomes": ["refund", "return_refund", "nothing"],
        "bearers": ["merchant", "platform", "carrier"],
    }  # fmt: skip
    for who, path in (("buyer", mine), ("merchant", theirs)):
        seen = await api.get(who, path)
        assert [(m["side"], m["body"]) for m in seen["messages"]] == [
            ("operator", "请双方补充照片")
        ]
        assert seen["ruling"] is None
    picture = {"name": "a.png", "content": base64.b64encode(a_picture()).decode()}
    shown = await api.post("merchant", f"{theirs}/evidence", picture, status=201)
    file = f"{mine}/evidence/{shown['evidence'][0]['id']}/picture.webp"
    assert (await api.raw("operator", "GET", file)).status_code == 200
    ruling = {"question": "谁", "outcome": "refund", "granted_minor": 1, "reason": "x"}
    for bearer in ("creator", "coupon_funder"):
        body = ruling | {"bearer": bearer}
        assert await api.refused("operator", f"{ruled}/rulings", body) == (422, "bad_case")


async def test_a_return_goes_back_and_is_refunded(api: Api) -> None:
    order = await shipped(api, 2)
    await api.make("merchant", f"{api.store}/return-addresses", ADDRESS)
    mine, theirs = await opened(api, order, "return_refund", 2)
    granted = await api.post("merchant", f"{theirs}/approve", {"note": "好的"})
    assert (granted["case"]["state"], granted["held"]) == ("to_ship_back", True)
    assert (await api.get("buyer", mine))["return_address"]["line"] == "西湖区 1 号"
    parcel = {"carrier": "顺丰", "tracking_no": "SF12345"}
    await api.post("buyer", f"{mine}/ship-back", parcel)
    await api.post("merchant", f"{theirs}/receive", {})
    done = await api.post("merchant", f"{theirs}/accept-goods", {"inspection": "damaged"})
    assert (done["outcome"], done["case"]["granted"]["minor"]) == ("refunded", 19_800)
    assert (done["held"], done["inspection"], done["may"]) == (False, "damaged", [])
    assert [move["to_state"] for move in done["moves"]] == [
        "asked", "to_ship_back", "shipped_back", "received", "done",
    ]  # fmt: skip
    again = asking("refund_only")
    assert await api.refused("buyer", f"{at_order(order)}/cases", again) == (409, "case_too_late")


async def test_what_can_be_asked_follows_the_order(api: Api) -> None:
    paid, sent = await api.an_order(2), await shipped(api)
    found = await api.get("buyer", f"{at_order(paid)}/case-options")
    assert [(o["kind"], o["units"], o["most"]["minor"]) for o in found["items"]] == [
        ("refund_unshipped", 2, 19_800)
    ]
    assert {o["why"] for o in found["not_possible"]} == {"not_shipped", "not_cheaper"}
    assert found["freight"] is None
    options = (await api.get("buyer", f"{at_order(sent)}/case-options"))["items"]
    assert {(o["kind"], o["units"], o["most"]["minor"]) for o in options} == {
        (kind, 1, 9_900)
        for kind in ("refund_only", "return_refund", "exchange", "resend", "repair")
    }
    await opened(api, sent, "refund_only")
    assert (await api.get("buyer", f"{at_order(sent)}/case-options"))["items"] == []
    foreign = f"{at_order(sent)}/case-options"
    assert await api.refused("other_buyer", foreign, method="GET") == (404, "not_found")


async def test_more_than_was_bought_or_paid_is_not_asked(api: Api) -> None:
    order = await shipped(api)
    path = f"{at_order(order)}/cases"
    assert await api.refused("buyer", path, asking("return_refund", 2)) == (422, "case_too_much")
    much = asking("refund_only", amount_minor=9_901)
    assert await api.refused("buyer", path, much) == (422, "case_too_much")
    unknown = asking("refund_only") | {"lines": [{"line_no": 9, "quantity": 1}]}
    assert await api.refused("buyer", path, unknown) == (422, "bad_case")
    twice = asking("refund_only")
    assert await api.refused("buyer", path, twice | {"lines": twice["lines"] * 2}) == (
        400, "bad_input",
    )  # fmt: skip
    assert await api.refused("other_buyer", path, asking("refund_only")) == (404, "not_found")
    assert (await api.get("buyer", "/api/v1/cases"))["items"] == []


async def test_a_refund_beyond_what_was_paid_is_refused(api: Api) -> None:
    order = await shipped(api, 2)
    mine, theirs = await opened(api, order, "refund_only")
    await api.post("merchant", f"{theirs}/approve", {})
    refund = {"lines": [{"line_no": 1, "amount_minor": 9_901}]}
    path = f"{api.store}/orders/{order.order_id}/refunds"
    assert await api.refused("merchant", path, refund) == (422, "refund_too_much")
    assert await api.refused("merchant", f"{theirs}/refund-without-return", {}) == (
        409, "case_closed",
    )  # fmt: skip
    assert (await api.get("buyer", mine))["case"]["granted"]["minor"] == 9_900


async def test_a_part_is_offered_and_taken(api: Api) -> None:
    order = await shipped(api)
    mine, theirs = await opened(api, order, "refund_only")
    much = {"amount_minor": 9_901, "note": "x"}
    assert await api.refused("merchant", f"{theirs}/offer", much) == (422, "bad_case")
    offered = await api.post("merchant", f"{theirs}/offer", {"amount_minor": 3_000, "note": "补偿"})
    assert offered["offered"] == {"minor": 3_000, "currency": "CNY"}
    done = await api.post("buyer", f"{mine}/accept-offer", {})
    assert (done["case"]["state"], done["case"]["granted"]["minor"]) == ("done", 3_000)


async def test_more_time_is_asked_for_declined_and_given(api: Api) -> None:
    order = await shipped(api)
    mine, theirs = await opened(api, order, "refund_only")
    first = (await api.get("buyer", mine))["case"]["due_at"]
    assert await api.refused("buyer", f"{mine}/no-more-time", {}) == (409, "case_not_extendable")
    asked = await api.post("merchant", f"{theirs}/more-time", {})
    assert (asked["extension_asked_by"], asked["case"]["due_at"]) == ("merchant", first)
    assert "no_more_time" not in asked["may"] and "more_time" not in asked["may"]
    declined = await api.post("buyer", f"{mine}/no-more-time", {"note": "请按期"})
    assert (declined["extension_asked_by"], declined["case"]["due_at"]) == (None, first)
    assert declined["extension_declined_at"] is not None
    assert [m for m in declined["may"] if m.endswith("more_time")] == ["more_time"]
    again = await api.refused("merchant", f"{theirs}/more-time", {})
    assert again == (409, "case_not_extendable")
    given = await api.post("buyer", f"{mine}/more-time", {})
    assert given["extended"] == 1 and given["case"]["due_at"] > first
    assert [(m["side"], m["about"], m["body"], m["due_at"]) for m in given["messages"]] == [
        ("merchant", "time_asked", "", first),
        ("buyer", "time_declined", "请按期", first),
        ("buyer", "time_given", "", given["case"]["due_at"]),
    ]
    kinds = await api.sql(
        "SELECT string_agg(kind, ' ' ORDER BY id) FROM events WHERE subject_id = :id",
        id=given["case"]["case_id"],
    )
    assert kinds.split() == [
        "case.opened", "case.extension_asked", "case.extension_declined", "case.extended",
    ]  # fmt: skip


async def test_a_buyer_who_asks_for_time_stands_on_the_desk(api: Api) -> None:
    mine, theirs = await opened(api, await shipped(api), "return_refund")
    await api.post("merchant", f"{theirs}/approve", {})
    await api.post("buyer", f"{mine}/more-time", {"note": "出差"})
    assert (await api.get("merchant", f"{api.store}/case-counts"))["time"] == 1
    rows = (await api.get("merchant", f"{api.store}/cases?show=time"))["items"]
    assert [one["case_id"] for one in rows] == [mine.rpartition("/")[2]]
    declined = await api.post("merchant", f"{theirs}/no-more-time", {})
    assert declined["may"] == ["more_time"]
    assert (await api.get("merchant", f"{api.store}/cases?show=time"))["items"] == []
    sent = await api.post("buyer", f"{mine}/ship-back", {"carrier": "SF", "tracking_no": "SF123"})
    assert sent["extension_declined_at"] is None


@pytest.mark.parametrize(
    "data",
    [png_with_declared_size(60_000, 60_000), b"<script>alert(1)</script>", a_picture()[:300]],
)
async def test_evidence_that_is_a_bomb_changes_nothing(api: Api, data: bytes) -> None:
    mine, _ = await opened(api, await shipped(api), "refund_only")
    body = {"name": "x", "content": base64.b64encode(data).decode()}
    assert await api.refused("buyer", f"{mine}/evidence", body) == (422, "bad_case")
    no_base64 = {"name": "x", "content": "%%%"}
    assert await api.refused("buyer", f"{mine}/evidence", no_base64) == (400, "bad_input")
    assert (await api.get("buyer", mine))["evidence"] == []


def files_of(order: Placed) -> int:
    """How many files are kept as evidence for the store."""
    folder = evidence_files.folder_of(StoreId(order.store_id).hex)
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize("side", ["buyer", "merchant"])
async def test_evidence_with_its_key_is_there_once(api: Api, side: str) -> None:
    order = await shipped(api)
    mine, theirs = await opened(api, order, "refund_only")
    path = f"{mine if side == 'buyer' else theirs}/evidence"
    body = {"name": "a.jpg", "content": base64.b64encode(a_picture()).decode()}
    first, second = await asyncio.gather(
        *(api.post(side, path, body, key="the-same-key", status=201) for _ in range(2))
    )
    assert first == second == await api.post(side, path, body, key="the-same-key", status=201)
    assert (len(first["evidence"]), files_of(order)) == (1, 1)
    got = await api.post(side, path, body | {"name": "b.jpg"}, key="the-same-key", status=409)
    assert got["code"] == "idempotency_key_reused"
    await api.post(side, path, body, status=201)
    assert (len((await api.get("buyer", mine))["evidence"]), files_of(order)) == (2, 2)


async def test_a_case_with_its_key_is_opened_once_and_withdrawn(api: Api) -> None:
    order = await shipped(api)
    path, body = f"{at_order(order)}/cases", asking("refund_only")
    made = await api.post("buyer", path, body, key="the-same-key", status=201)
    assert await api.post("buyer", path, body, key="the-same-key", status=201) == made
    other = await api.post("buyer", path, asking("repair"), key="the-same-key", status=409)
    assert other["code"] == "idempotency_key_reused"
    assert await api.refused("buyer", path, body) == (422, "case_too_much")
    mine = f"/api/v1/cases/{order.store_id}/{made['case']['case_id']}"
    assert (await api.post("buyer", f"{mine}/withdraw", {}))["outcome"] == "withdrawn"
    assert await api.refused("buyer", f"{mine}/messages", {"words": "?"}) == (409, "case_closed")


async def test_the_desk_shows_whose_turn_it_is(api: Api) -> None:
    mine, theirs = await opened(api, await shipped(api), "refund_only")
    other, _ = await opened(api, await shipped(api), "repair")
    await api.post("merchant", f"{theirs}/refuse", {"words": "不认可"})
    counts = await api.get("merchant", f"{api.store}/case-counts")
    assert (counts["merchant"], counts["buyer"], counts["operator"]) == (1, 1, 0)
    for show, found in (("merchant", [other]), ("buyer", [mine]), ("all", [other, mine])):
        rows = (await api.get("merchant", f"{api.store}/cases?show={show}"))["items"]
        assert [one["case_id"] for one in rows] == [one.rpartition("/")[2] for one in found]
    foreign = theirs.replace(api.store, api.theirs)
    assert await api.refused("other_merchant", foreign, method="GET") == (404, "case_gone")
    assert await api.refused("other_buyer", mine, method="GET") == (404, "case_gone")
    said = await api.make("merchant", f"{theirs}/messages", {"words": "您好"})
    assert [(one["side"], one["body"]) for one in said["messages"]] == [("merchant", "您好")]


async def test_templates_are_kept_and_removed(api: Api) -> None:
    words = {"name": "安抚", "body": "抱歉给您带来不便"}
    made = await api.make("merchant", f"{api.store}/reply-templates", words)
    path = f"{api.store}/reply-templates/{made['id']}"
    assert (await api.get("merchant", f"{api.store}/service-desk"))["templates"] == [made]
    foreign = path.replace(api.store, api.theirs)
    assert await api.refused("other_merchant", foreign, method="DELETE") == (404, "case_gone")
    await api("merchant", "DELETE", path, status=204)
    assert (await api.get("merchant", f"{api.store}/service-desk"))["templates"] == []
