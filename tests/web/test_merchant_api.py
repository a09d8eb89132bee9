"""The catalogue over the API: entered once per key, changed, stocked, imported, found, owned."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from tests.web.test_merchant import Client, Merchant, a_merchant

from dougong.base.ids import new_id
from dougong.flows.import_feed import run_import


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        yield made


def auth(merchant: Merchant, key: str = "") -> dict[str, str]:
    found = {"Authorization": f"Bearer {merchant.token}"}
    return found | ({"Idempotency-Key": key} if key else {})


def a_body(**changed: Any) -> dict[str, Any]:
    return {
        "code": "API-1",
        "title_zh": "茶",
        "category": "food/tea",
        "state": "active",
        "skus": [{"code": "API-1-A", "price_minor": 1200, "quantity": 5}],
    } | changed


async def test_the_same_key_enters_one_product(client: Client) -> None:
    mine = await a_merchant()
    place = f"/api/v1/stores/{mine.store_id}/products"
    key = f"key-{new_id()}"
    first = await client.post(place, json=a_body(), headers=auth(mine, key))
    assert first.status_code == 201, first.text
    again = await client.post(place, json=a_body(), headers=auth(mine, key))
    assert again.json() == first.json()
    other = await client.post(place, json=a_body(title_zh="x"), headers=auth(mine, key))
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    sku = first.json()["skus"][0]
    assert (sku["price"], sku["on_hand"]) == ({"minor": 1200, "currency": "CNY"}, 5)


async def test_a_change_leaves_the_rest_alone(client: Client) -> None:
    mine = await a_merchant()
    place = f"/api/v1/stores/{mine.store_id}/products/{mine.product_id}"
    made = await client.patch(place, json={"brand": "Hill"}, headers=auth(mine))
    assert made.status_code == 200, made.text
    found = made.json()
    assert (found["brand"], found["title_zh"], len(found["skus"])) == ("Hill", "明前龙井", 2)
    one = {"skus": [{"code": "T1-50", "price_minor": 4000}], "state": "draft"}
    found = (await client.patch(place, json=one, headers=auth(mine))).json()
    assert [(s["code"], s["on_hand"]) for s in found["skus"]] == [("T1-50", 20)]
    assert found["state"] == "draft"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (a_body(is_admin=True), 400),
        (a_body(skus=[]), 400),
        (a_body(skus=[{"code": "x", "price_minor": 0}]), 400),
        (a_body(skus=[{"code": "x", "price_minor": 1.5}]), 400),
        (a_body(category="no"), 400),
        (a_body(code="T1"), 409),
        (a_body(skus=[{"code": "T1-50", "price_minor": 1}]), 409),
        (a_body(skus=[{"code": "x", "price_minor": 1, "gtin": "2000000000016"}]), 400),
        (a_body(title_zh="a\x00b"), 400),
    ],
)
async def test_bad_bodies_are_refused_with_a_code(
    client: Client, body: dict[str, Any], status: int
) -> None:
    mine = await a_merchant()
    made = await client.post(
        f"/api/v1/stores/{mine.store_id}/products", json=body, headers=auth(mine, "k" * 8)
    )
    assert made.status_code == status, made.text
    assert made.json()["code"]
    listed = await client.get(f"/api/v1/stores/{mine.store_id}/catalogue", headers=auth(mine))
    assert len(listed.json()["items"]) == 1


async def test_a_key_is_needed(client: Client) -> None:
    mine = await a_merchant()
    made = await client.post(
        f"/api/v1/stores/{mine.store_id}/products", json=a_body(), headers=auth(mine)
    )
    assert made.status_code == 400


async def test_stock_is_set_whole_or_not_at_all(client: Client) -> None:
    mine, theirs = await a_merchant(), await a_merchant()
    place = f"/api/v1/stores/{mine.store_id}/stock"
    level = {"sku_id": str(mine.skus["T1-50"]), "on_hand": 9}
    foreign = {"sku_id": str(theirs.skus["T1-50"]), "on_hand": 9}
    bad = await client.put(place, json={"levels": [level, foreign]}, headers=auth(mine))
    assert bad.status_code == 404
    assert (
        await client.put(place, json={"levels": [level]}, headers=auth(mine))
    ).status_code == 204
    first = await client.get(f"{place}?limit=1", headers=auth(mine))
    second = await client.get(f"{place}?limit=1&after={first.json()['after']}", headers=auth(mine))
    rows = first.json()["items"] + second.json()["items"]
    assert [(row["code"], row["on_hand"]) for row in rows] == [("T1-100", 3), ("T1-50", 9)]
    assert second.json()["after"] is None


async def test_a_feed_is_imported_in_a_run(client: Client) -> None:
    mine = await a_merchant()
    place = f"/api/v1/stores/{mine.store_id}/feed-imports"
    body = {"content": "id,title,price,quantity\nA,Cup,9,2\nB,Cup,x,2\n"}
    run = await client.post(place, json=body, headers=auth(mine, "import-1"))
    assert (run.status_code, run.json()["state"]) == (202, "waiting")
    again = await client.post(place, json=body, headers=auth(mine, "import-1"))
    assert again.json()["id"] == run.json()["id"]
    await run_import(str(mine.store_id), run.json()["id"], False, 0)
    found = (await client.get(f"{place}/{run.json()['id']}", headers=auth(mine))).json()
    assert (found["state"], found["rows_bad"]) == ("done", 1)
    assert found["report"]["bad"] == [
        {"line": 3, "field": "price", "reason": "bad_price", "value": "x"}
    ]


async def test_anybody_finds_what_is_on_sale(client: Client) -> None:
    mine = await a_merchant()
    found = await client.get(f"/api/v1/products?q=龙井&store_id={mine.store_id}")
    assert [one["id"] for one in found.json()["items"]] == [str(mine.product_id)]
    one = await client.get(f"/api/v1/stores/{mine.store_id}/products/{mine.product_id}")
    assert [sku["free"] for sku in one.json()["skus"]] == [20, 3]
    assert (
        await client.get(f"/api/v1/stores/{mine.store_id}/products/{new_id()}")
    ).status_code == 404
    listed = (await client.get("/api/v1/categories")).json()
    assert {"food", "food/tea"} <= {row["path"] for row in listed}


async def test_a_store_is_found_by_its_code(client: Client) -> None:
    mine = await a_merchant()
    from sqlalchemy import text

    from dougong.infra.db import transaction

    async with transaction() as conn:
        code = await conn.scalar(
            text("SELECT code FROM stores WHERE id = :id"), {"id": mine.store_id}
        )
    found = (await client.get(f"/api/v1/stores/{code}")).json()
    assert UUID(found["id"]) == mine.store_id
    assert found["shipping_fee"] == {"minor": 800, "currency": "CNY"}
    assert (await client.get("/api/v1/stores/no-such")).status_code == 404


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", "catalogue"),
        ("GET", "catalogue/{product}"),
        ("POST", "products"),
        ("PATCH", "products/{product}"),
        ("GET", "stock"),
        ("PUT", "stock"),
        ("POST", "feed-imports"),
        ("GET", "feed-imports/{product}"),
    ],
)
async def test_another_merchant_finds_nothing(client: Client, method: str, tail: str) -> None:
    mine, theirs = await a_merchant(), await a_merchant()
    place = f"/api/v1/stores/{theirs.store_id}/{tail.format(product=theirs.product_id)}"
    answer = await client.request(method, place, json={}, headers=auth(mine, "k" * 8))
    assert answer.status_code == 404
    assert (await client.request(method, place, json={})).status_code == 401
