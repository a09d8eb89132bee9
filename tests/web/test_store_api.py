"""The merchant's orders, money, coupons, settings, pictures and webhooks over the API."""

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text
from tests.web.accounts import Client, a_client
from tests.web.site import app
from tests.web.test_merchant import a_merchant
from tests.web.test_merchant_orders import Shop, a_shop

from dougong.base.ids import new_id
from dougong.infra.db import transaction
from dougong.web.api_document import operation_id, operations

APP = app()
# Why an operation that posts needs no key: sent again, it finds what the first one made.
BY_NATURE = {
    "account_sign_in": "each try is a session of its own",
    "account_sign_up": "the address is taken then: 409",
    "brand_briefs_agree": "one application makes one task",
    "brand_briefs_end_brief": "it is closed: 409",
    "brand_briefs_refuse": "it is decided: 409",
    "brand_briefs_show_brief": "it is posted: 409",
    "brand_tasks_rate_creator": "once a side: 409",
    "carriers_reckon": "nothing is written",
    "coupons_end": "it has ended",
    "fulfilment_confirm": "it is closed: 409",
    "fulfilment_end_wave": "it is closed: 409",
    "fulfilment_load": "an event is kept once for each instant and status",
    "fulfilment_make_labels": "a document is drawn again",
    "fulfilment_open_again": "it is packed no more: 409",
    "fulfilment_turn_round": "it is asked for already: 409",
    "live_claim": "one claim of a drop a person",
    "live_enter": "one entry of a draw a person",
    "creator_tasks_rate_brand": "once a side: 409",
    "creator_tasks_withdraw": "it is decided: 409",
    "merchant_catalogue_add_image": "the same picture is there",
    "other_platforms_take_report": "each row of a report is kept once, by its cells",
    "other_platforms_rule_again": "a ruling by hand is the order's next, with its reason",
    "orders_cancel_my_order": "it is cancelled: 409",
    "orders_confirm_my_receipt": "it is received: 409",
    "purchasing_stop_price": "it is in force no more: 404",
    "shopping_pay_checkout": "a checkout has one open payment",
    "shopping_quote_orders": "nothing is written",
    "service_desk_make_address": "the same address is set",
    "service_desk_make_template": "words of the desk, not of a case; removed as easily",
    "videos_click": "the caller's click_id counts once",
    "videos_hide": "it is hidden",
    "videos_report": "one open report a person",
    "videos_seen": "bounded, and weighs in the feed only",
    "webhooks_replay": "it waits then: 409",
    "webhooks_send_test": "a test is a test",
}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with a_client() as made:
        yield made


def auth(token: str, key: str = "") -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key else {})


def base(shop: Shop) -> str:
    return f"/api/v1/stores/{shop.store_id}"


def test_every_operation_that_posts_takes_a_key_or_needs_none() -> None:
    keyless = {
        operation_id(handler)
        for _, method, handler in operations(APP)
        if method == "post" and "key" not in handler.parsed_fn_signature.parameters
        and "idempotency_key" not in handler.parsed_fn_signature.parameters
    }  # fmt: skip
    assert keyless == set(BY_NATURE)


async def test_an_order_is_found_shipped_in_parts_and_refunded_once(client: Client) -> None:
    shop = await a_shop()
    order = f"{base(shop)}/orders/{shop.order.order_id}"
    listed = await client.get(f"{base(shop)}/orders?show=to_ship", headers=auth(shop.token))
    (row,) = listed.json()["items"]
    assert (row["order_id"], row["total"]["minor"]) == (str(shop.order.order_id), 19_901)

    async def ship(quantity: int, key: str, tracking_no: str, *, line_no: int = 1) -> Any:
        body = {
            "carrier": "SF",
            "tracking_no": tracking_no,
            "lines": [{"line_no": line_no, "quantity": quantity}],
        }
        return await client.post(f"{order}/packages", json=body, headers=auth(shop.token, key))

    first = await ship(1, "package-1", "SF0001")
    assert (first.status_code, first.json()["order"]["state"]) == (201, "part_shipped")
    assert (await ship(1, "package-1", "SF0001")).json() == first.json()
    assert (await ship(2, "package-1", "SF0001")).status_code == 409
    assert (await ship(2, "package-2", "SF0002")).status_code == 409  # one is left
    other = await ship(1, "package-3", "SF0001", line_no=2)  # of other lines
    assert (other.status_code, other.json()["code"]) == (409, "package_known")
    assert (await client.get(order, headers=auth(shop.token))).json()["lines"][0]["units_left"] == 1

    async def refund(minor: int, key: str) -> Any:
        body = {"lines": [{"line_no": 1, "amount_minor": minor}], "reason": "late"}
        return await client.post(f"{order}/refunds", json=body, headers=auth(shop.token, key))

    made = await refund(900, "refund-key-1")
    assert (made.status_code, made.json()["amount"]["minor"]) == (201, 900)
    assert (await refund(900, "refund-key-1")).json() == made.json()
    assert (await refund(901, "refund-key-1")).json()["code"] == "idempotency_key_reused"
    assert (await refund(19_800, "refund-key-2")).json()["code"] == "refund_too_much"
    told = (await client.get(f"{base(shop)}/refunds", headers=auth(shop.token))).json()["items"]
    assert [one["amount"]["minor"] for one in told] == [900]
    async with transaction() as conn:
        acts = await conn.execute(
            text("SELECT action FROM audit_log WHERE owner_id = :id ORDER BY id"),
            {"id": shop.store_id},
        )
        assert list(acts.scalars())[-2:] == ["orders.shipped", "orders.refunded"]


async def test_money_is_told_in_two_tracks(client: Client) -> None:
    shop = await a_shop()
    now = (await client.get(f"{base(shop)}/money", headers=auth(shop.token))).json()
    assert now["escrow"] == {"minor": 19_901, "currency": "CNY"}
    assert (now["settled"]["minor"], now["estimated"]["minor"] > 0) == (0, True)
    rows = await client.get(f"{base(shop)}/money/orders", headers=auth(shop.token))
    (row,) = rows.json()["items"]
    assert row["track"] == "estimated"
    assert row["taken"]["minor"] + row["merchant"]["minor"] == row["paid"]["minor"] == 19_901
    none = await client.get(f"{base(shop)}/money/orders?track=settled", headers=auth(shop.token))
    assert none.json()["items"] == []


async def test_a_coupon_is_issued_once_and_ended(client: Client) -> None:
    shop = await a_shop()
    body = {
        "code": "SPRING-1",
        "name_zh": "春",
        "usable_from": "2020-01-01T00:00:00Z",
        "usable_until": "2040-01-01T00:00:00Z",
        "quota": 5,
        "percent_off_bp": 1_000,
    }
    place = f"{base(shop)}/coupons"
    made = await client.post(place, json=body, headers=auth(shop.token, "coupon-key"))
    assert made.status_code == 201, made.text
    again = await client.post(place, json=body, headers=auth(shop.token, "coupon-key"))
    assert again.json() == made.json()
    taken = await client.post(place, json=body, headers=auth(shop.token, "coupon-key-2"))
    assert (taken.status_code, taken.json()["code"]) == (409, "coupon_code_taken")
    both = await client.post(
        place, json=body | {"amount_off_minor": 1}, headers=auth(shop.token, "coupon-key-3")
    )
    assert (both.status_code, both.json()["field"]) == (400, "amount_off_minor")
    naive = body | {"usable_from": "2020-01-01T00:00:00"}
    refused = await client.post(place, json=naive, headers=auth(shop.token, "coupon-key-4"))
    assert (refused.status_code, refused.json()["field"]) == (400, "usable_from")
    end = f"{place}/{made.json()['coupon_id']}/end"
    assert (await client.post(end, headers=auth(shop.token))).status_code == 204
    (coupon,) = (await client.get(place, headers=auth(shop.token))).json()["items"]
    assert (coupon["code"], coupon["state"], coupon["quota"]) == ("SPRING-1", "used_up", 0)


async def test_a_store_changes_only_what_is_said(client: Client) -> None:
    shop = await a_shop()
    (mine,) = (await client.get("/api/v1/me/stores", headers=auth(shop.token))).json()["items"]
    assert (mine["id"], mine["to_ship"]) == (str(shop.store_id), 1)
    place = f"{base(shop)}/settings"
    before = (await client.get(place, headers=auth(shop.token))).json()
    body = {"tagline_en": "Good", "free_shipping_from_minor": 5_000}
    after = (await client.patch(place, json=body, headers=auth(shop.token))).json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"tagline_en", "free_shipping_from"}
    assert after["free_shipping_from"] == {"minor": 5_000, "currency": "CNY"}


def a_picture(colour: str) -> str:
    held = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()


async def test_pictures_are_added_ordered_and_taken_away(client: Client) -> None:
    mine = await a_merchant()
    place = f"/api/v1/stores/{mine.store_id}/products/{mine.product_id}/images"
    headers = auth(mine.token)
    for _ in range(2):  # the second time it is there already
        one = await client.post(place, json={"content": a_picture("#c33")}, headers=headers)
    assert one.status_code == 201, one.text
    two = await client.post(place, json={"content": a_picture("#3c3")}, headers=headers)
    files = [picture["file"] for picture in two.json()["items"]]
    assert len(files) == len(set(files)) >= 2
    turned = await client.put(place, json={"files": files[::-1]}, headers=headers)
    assert [picture["file"] for picture in turned.json()["items"]] == files[::-1]
    alien = await client.put(place, json={"files": ["images/no.webp"]}, headers=headers)
    assert alien.status_code == 400
    no_picture = base64.b64encode(b"<svg/>").decode()
    bad = await client.post(place, json={"content": no_picture}, headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "image_refused")
    none = await client.put(place, json={"files": []}, headers=headers)
    assert none.json() == {"items": []}


async def test_a_feed_goes_out_as_it_can_come_in(client: Client) -> None:
    mine = await a_merchant()
    headers = auth(mine.token)
    feed = await client.get(f"/api/v1/stores/{mine.store_id}/feed?how=tsv", headers=headers)
    assert feed.headers["content-type"].startswith("text/tab-separated-values")
    place = f"/api/v1/stores/{mine.store_id}/feed-imports"
    run = await client.post(
        place, json={"content": feed.text}, headers=auth(mine.token, f"feed-{new_id()}")
    )
    listed = (await client.get(place, headers=headers)).json()["items"]
    assert [one["id"] for one in listed] == [run.json()["id"]]
    assert (
        await client.get(f"/api/v1/stores/{mine.store_id}/feed?how=exe", headers=headers)
    ).status_code == 400


async def test_an_endpoint_is_made_once_switched_and_rotated(client: Client) -> None:
    shop = await a_shop()
    place = f"{base(shop)}/webhooks"
    body = {"url": "http://127.0.0.1:9/", "kinds": ["order.paid"]}
    made = await client.post(place, json=body, headers=auth(shop.token, "webhook-key"))
    again = await client.post(place, json=body, headers=auth(shop.token, "webhook-key"))
    assert again.json()["id"] == made.json()["id"]
    one = f"{place}/{made.json()['id']}"
    off = await client.put(f"{one}/switch", json={"on": False}, headers=auth(shop.token))
    assert (off.json()["disabled_why"], off.json()["disabled_at"] is None) == ("person", False)
    on = await client.put(f"{one}/switch", json={"on": True}, headers=auth(shop.token))
    assert on.json()["disabled_at"] is None
    turned = await client.post(f"{one}/secret", headers=auth(shop.token, "rotate-key"))
    assert turned.json()["previous_secret"] == made.json()["secret"] != turned.json()["secret"]
    same = await client.post(f"{one}/secret", headers=auth(shop.token, "rotate-key"))
    assert same.json() == turned.json()


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", "orders"),
        ("GET", "orders/{order}"),
        ("POST", "orders/{order}/packages"),
        ("POST", "orders/{order}/refunds"),
        ("GET", "refunds"),
        ("GET", "money"),
        ("GET", "money/orders"),
        ("GET", "coupons"),
        ("POST", "coupons"),
        ("GET", "settings"),
        ("PATCH", "settings"),
        ("GET", "feed"),
        ("GET", "feed-imports"),
    ],
)
async def test_another_merchant_finds_nothing(client: Client, method: str, tail: str) -> None:
    mine, theirs = await a_shop(), await a_shop(is_paid=False)
    place = f"{base(theirs)}/{tail.format(order=theirs.order.order_id)}"
    answer = await client.request(method, place, json={}, headers=auth(mine.token, "k" * 8))
    assert answer.status_code == 404
    assert (await client.request(method, place, json={})).status_code == 401
