"""The shopper's whole path over the API: sign up, look, fill the cart, order, pay, follow, end."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import AStore, a_coupon, a_link, a_person, a_store, the_rules
from tests.flows.test_order_life import choose_again
from tests.web.accounts import Client, a_client, an_email

from dougong.base.ids import new_id
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome
from dougong.supply.quota_commands import set_aside
from dougong.supply.quota_rules import Channel

ADDRESS = {"recipient": "Li", "phone": "13800000000", "province": "ZJ", "city": "HZ", "line": "1"}
PRICE = 9_900


async def a_shop(**how: Any) -> AStore:
    async with transaction() as conn:
        await the_rules(conn)
        store = await a_store(conn, prices=(PRICE, 500, 700), **how)
        await a_coupon(conn, store, funder="merchant", funder_org_id=store.org_id)
        return store


class Shopper:
    """Somebody who has just signed up, with an address."""

    def __init__(self, client: Client, token: str, address_id: str) -> None:
        self.client, self.address_id = client, address_id
        self.headers = {"authorization": f"Bearer {token}"}

    @classmethod
    async def signs_up(cls, client: Client) -> "Shopper":
        body = {"email": an_email(), "password": "a long enough phrase", "name": "Li"}
        made = await client.post("/api/v1/people", json=body)
        assert made.status_code == 201, made.text
        again = await client.post("/api/v1/people", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "email_taken")
        shopper = cls(client, made.json()["token"], "")
        kept = await shopper.post("/api/v1/me/addresses", ADDRESS, key="address-1")
        assert kept.status_code == 201, kept.text
        shopper.address_id = kept.json()["id"]
        same = await shopper.post("/api/v1/me/addresses", ADDRESS, key="address-1")
        assert same.json() == kept.json()
        return shopper

    async def get(self, path: str) -> Any:
        return await self.client.get(path, headers=self.headers)

    async def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        headers = self.headers | ({"idempotency-key": key} if key else {})
        return await self.client.post(path, json=body, headers=headers)

    async def orders(self, store: AStore, *, key: str = "", **changed: Any) -> Any:
        part = {
            "store_id": str(store.store_id),
            "lines": [{"sku_id": str(store.skus[0]), "quantity": 1}],
            "expected_total_minor": PRICE,
        } | changed
        body = {"address_id": self.address_id, "parts": [part]}
        return await self.post("/api/v1/orders", body, key=key or f"order-{new_id()}")


async def pays(shopper: Shopper, checkout_id: str) -> None:
    started = await shopper.post(f"/api/v1/checkouts/{checkout_id}/payments")
    assert started.status_code == 201, started.text
    assert started.json()["amount"]["minor"] > 0
    await choose_again(UUID(started.json()["pay_url"].rsplit("/", 1)[1]), Outcome.PAID)


async def test_from_signing_up_to_a_refund_that_is_seen() -> None:
    store = await a_shop()
    async with a_client() as client:
        shopper = await Shopper.signs_up(client)
        line = f"/api/v1/cart/{store.store_id}/{store.skus[0]}"
        put = await client.put(line, json={"quantity": 2}, headers=shopper.headers)
        (held,) = put.json()["items"]
        assert (held["quantity"], held["price"]) == (2, {"minor": PRICE, "currency": "CNY"})
        assert (await client.delete(line, headers=shopper.headers)).status_code == 204
        assert (await shopper.get("/api/v1/cart")).json() == {"items": []}

        placed = (await shopper.orders(store, key="order-key-1")).json()
        assert (await shopper.orders(store, key="order-key-1")).json() == placed
        checkout = f"/api/v1/checkouts/{placed['checkout_id']}"
        assert (await shopper.get(checkout)).json()["waiting"] is True
        await pays(shopper, placed["checkout_id"])
        told = (await shopper.get(checkout)).json()
        assert (told["waiting"], told["orders"][0]["state"]) == (False, "paid")

        order_id = UUID(placed["placed"][0]["order_id"])
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await ship_order(
                conn, store_id=store.store_id, order_id=order_id, carrier="SF",
                tracking_no="SF0001", lines={1: 1}, at=at,
            )  # fmt: skip
        own = f"/api/v1/orders/{store.store_id}/{order_id}"
        assert (await shopper.get(own)).json()["packages"][0]["tracking_no"] == "SF0001"
        assert (await shopper.post(f"{own}/receipt")).json()["state"] == "received"
        async with transaction() as conn:
            await refund_lines(
                conn, store_id=store.store_id, order_id=order_id, amounts={1: 900},
                reason="sorry", asked_by=None, key=str(new_id()), at=at,
            )  # fmt: skip
        seen = (await shopper.get(own)).json()
        assert seen["refunds"][0]["amount"] == {"minor": 900, "currency": "CNY"}
        assert seen["lines"][0]["refunded"]["minor"] == 900
        why = await shopper.get(f"/api/v1/stores/{store.store_id}/orders/{order_id}/explanation")
        assert why.json()["residual"]["minor"] == 0


async def test_a_stale_total_is_refused_and_nothing_is_placed() -> None:
    store = await a_shop()
    async with a_client() as client:
        shopper = await Shopper.signs_up(client)
        stale = await shopper.orders(store, expected_total_minor=PRICE - 1)
        assert (stale.status_code, stale.json()["code"]) == (409, "stale_total")
        assert (await shopper.get("/api/v1/orders")).json() == {"items": [], "after": None}
        quote = await shopper.post(
            "/api/v1/quotes",
            {
                "parts": [
                    {
                        "store_id": str(store.store_id),
                        "lines": [{"sku_id": str(store.skus[0]), "quantity": 1}],
                        "coupon_code": "SAVE10",
                    }
                ]
            },
        )
        (part,) = quote.json()
        assert (part["discount"]["minor"], part["total"]["minor"]) == (1_000, PRICE - 1_000)
        placed = await shopper.orders(
            store, coupon_code="SAVE10", expected_total_minor=PRICE - 1_000
        )
        assert placed.status_code == 201


async def test_an_unpaid_order_is_cancelled_once() -> None:
    store = await a_shop()
    async with a_client() as client:
        shopper = await Shopper.signs_up(client)
        placed = (await shopper.orders(store)).json()["placed"][0]
        own = f"/api/v1/orders/{store.store_id}/{placed['order_id']}"
        assert (await shopper.post(f"{own}/receipt")).status_code == 409
        assert (await shopper.post(f"{own}/cancellation")).json()["state"] == "cancelled"
        assert (await shopper.post(f"{own}/cancellation")).status_code == 409


async def test_pages_follow_one_another_without_loss() -> None:
    store = await a_shop()
    async with a_client() as client:
        shopper = await Shopper.signs_up(client)
        for _ in range(3):
            assert (await shopper.orders(store)).status_code == 201
        async with transaction() as conn:  # at one instant: the id must tell them apart
            await conn.execute(
                text("UPDATE orders SET placed_at = '2026-03-01T00:00Z' WHERE store_id = :id"),
                {"id": store.store_id},
            )
        for path, most in (
            ("/api/v1/orders?limit=1", 3),
            (f"/api/v1/products?store_id={store.store_id}&limit=2", 3),
        ):
            seen, after = [], ""
            while True:
                page = (await shopper.get(f"{path}&after={after}")).json()
                seen += [one.get("order_id") or one["id"] for one in page["items"]]
                if page["after"] is None:
                    break
                after = page["after"]
            assert (len(seen), len(set(seen))) == (most, most), path
        bad = await shopper.get("/api/v1/orders?after=AAAA")
        assert (bad.status_code, bad.json()["facts"]["reason"]) == (400, "bad_cursor")


async def test_a_product_tells_its_coupons() -> None:
    store = await a_shop()
    async with a_client() as client:
        found = await client.get(f"/api/v1/stores/{store.store_id}/products/{store.products[0]}")
    (coupon,) = found.json()["coupons"]
    assert (coupon["code"], coupon["amount_off"]["minor"]) == ("SAVE10", 1_000)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/products?q=tea&sort=price", "sort"),
        ("/api/v1/products?limit=1&limit=2", "limit"),
        ("/api/v1/products?store_id=null", "store_id"),
        ("/api/v1/products?limit=0", "limit"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused(path: str, field: str) -> None:
    async with a_client() as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_json_is_read_strictly() -> None:
    async with a_client() as client:
        shopper = await Shopper.signs_up(client)
        for body, field in (
            (ADDRESS | {"is_default": 0}, "is_default"),
            (ADDRESS | {"person_id": "x"}, "person_id"),
            (ADDRESS | {"phone": 1}, "phone"),
        ):
            answer = await shopper.post("/api/v1/me/addresses", body)
            assert (answer.status_code, answer.json()["field"]) == (400, field)
        form = await client.post("/api/v1/me/addresses", data=ADDRESS, headers=shopper.headers)
        assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
        torn = await client.post(
            "/api/v1/me/addresses",
            content="[" * 5_000,
            headers=shopper.headers | {"content-type": "application/json"},
        )
        assert torn.status_code == 400


async def test_methods_are_named() -> None:
    async with a_client() as client:
        asked = await client.options("/api/v1/me/addresses")
        assert (asked.status_code, asked.headers["allow"]) == (204, "GET, OPTIONS, POST")
        wrong = await client.request("TRACE", "/api/v1/me/addresses")
        assert wrong.status_code == 405
        assert {"GET", "POST"} <= set(wrong.headers["allow"].split(", "))


async def test_too_often_says_when_to_come_back() -> None:
    async with a_client() as client:
        body = {"email": an_email(), "password": "wrong"}
        for _ in range(11):
            answer = await client.post("/api/v1/sessions", json=body)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) == answer.json()["facts"]["retry_after_s"] > 0


async def test_orders_by_api_take_what_is_set_aside_for_them_and_links_what_is_theirs() -> None:
    store = await a_shop()
    async with transaction() as conn:
        link_id, _ = await a_link(conn, store)
        at, person = await clock.refresh(conn), await a_person(conn)
        for channel, units in ((Channel.API, 3), (Channel.VIDEO, 7), (Channel.SHOP, 20)):
            await set_aside(
                conn, store_id=store.store_id, sku_id=store.skus[0], channel=channel, room=None,
                units=units, starts_at=at, ends_at=None, by_id=person, at=at,
            )  # fmt: skip
    async with a_client() as client:
        shopper = await Shopper.signs_up(client)
        product = f"/api/v1/stores/{store.store_id}/products/{store.products[0]}"
        by_link = (f"{product}?link_id={link_id}", {"link_id": str(link_id)}, 7)
        for asked, way, free in ((product, {}, 3), by_link):
            for quantity, status in ((free + 1, 409), (free, 201), (1, 409)):
                line = {"sku_id": str(store.skus[0]), "quantity": quantity} | way
                if status == 201:
                    assert (await client.get(asked)).json()["skus"][0]["free"] == free
                total = quantity * PRICE
                done = await shopper.orders(store, lines=[line], expected_total_minor=total)
                assert done.status_code == status, done.text
            assert (await client.get(asked)).json()["skus"][0]["free"] == 0
        found = await client.get(f"/api/v1/products?store_id={store.store_id}")
        sold_out = {one["id"]: one["is_sold_out"] for one in found.json()["items"]}
        assert sold_out[str(store.products[0])] and not sold_out[str(store.products[1])]
