"""Buying over the API: from a supplier's price to a bill that matches, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from tests.web.store_api import StoreApi, a_key, a_store_api

Body = dict[str, Any]


@pytest.fixture
async def api() -> AsyncIterator[StoreApi]:
    async with a_store_api(on_hand=0) as made:
        yield made


async def a_supplier(api: StoreApi, *, code: str = "HZ", is_dropship: bool = False) -> str:
    """Sells both SKUs at 10.00, at 8.00 from 100 on, in packs of ten."""
    body = {"code": code, "name": "杭州茶厂", "lead_days": 5, "payment_days": 14}
    supplier = str((await api.post("suppliers", body, status=201))["id"])
    for sku in (api.sku, api.other_sku):
        item = {"supplier_sku": "H-1", "pack_size": 10, "is_dropship": is_dropship}
        await api.put(f"suppliers/{supplier}/items/{sku}", item)
        for least, price in ((1, 1_000), (100, 800)):
            line = {"sku_id": sku, "from_quantity": least, "price_minor": price}
            await api.post(f"suppliers/{supplier}/prices", line, status=201)
    return supplier


async def a_sent_order(api: StoreApi, supplier: str, *quantities: int) -> str:
    """So many of each SKU, at the prices in force."""
    lines = [
        {"sku_id": sku, "quantity": units}
        for sku, units in zip((api.sku, api.other_sku), quantities, strict=False)
    ]
    body = {"supplier_id": supplier, "lines": lines}
    order = str((await api.post("purchase-orders", body, status=201))["id"])
    await api.post(f"purchase-orders/{order}/approve")
    assert (await api.post(f"purchase-orders/{order}/send"))["state"] == "sent"
    return order


async def test_a_supplier_is_made_once_changed_and_closed(api: StoreApi) -> None:
    body = {"code": "HZ", "name": "杭州茶厂", "email": "a@example.org"}
    key = a_key()
    made = await api.post("suppliers", body, status=201, key=key)
    assert await api.post("suppliers", body, status=201, key=key) == made
    assert (made["currency"], made["payment_days"], made["lead_days"]) == ("CNY", 30, 7)
    assert await api.refused("POST", "suppliers", body) == (409, "supplier_code_taken", "code")
    place = f"suppliers/{made['id']}"
    changed = (await api.ask("PATCH", place, {"lead_days": 3})).json()
    assert changed == made | {"lead_days": 3}
    assert (await api.post(f"{place}/close"))["closed_at"] is not None
    order = {"supplier_id": made["id"], "lines": [{"sku_id": api.sku, "quantity": 1}]}
    assert await api.refused("POST", "purchase-orders", order) == (
        409, "supplier_closed", "supplier_id",
    )  # fmt: skip
    assert [one["code"] for one in await api.every("suppliers?show=closed&q=HZ")] == ["HZ"]
    assert await api.every("suppliers?show=open") == []
    assert (await api.post(f"{place}/open"))["closed_at"] is None


async def test_prices_are_in_force_by_quantity_and_date(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    items = await api.every(f"suppliers/{supplier}/items")
    assert [(one["sku_id"], one["pack_size"]) for one in items] == [
        (api.sku, 10), (api.other_sku, 10),
    ]  # fmt: skip
    prices = items[0]["prices"]
    assert [(one["from_quantity"], one["price"]["minor"]) for one in prices] == [
        (1, 1_000), (100, 800),
    ]  # fmt: skip
    path = f"suppliers/{supplier}/prices"
    again = {"sku_id": api.sku, "price_minor": 900}
    assert await api.refused("POST", path, again) == (409, "price_overlaps", "starts")
    end = f"supplier-prices/{prices[0]['id']}/end"
    assert (await api.ask("POST", end)).status_code == 204
    assert (await api.ask("POST", end)).status_code == 404
    now = await api.post(path, again, status=201)
    assert [one["price"]["minor"] for one in now["prices"] if one["in_force"]] == [900, 800]
    later = again | {"starts_at": "2300-01-01T00:00:00Z"}
    assert await api.refused("POST", path, later) == (400, "bad_input", "starts_at")


async def test_an_order_takes_the_prices_in_force_and_is_changed_while_it_is_a_draft(
    api: StoreApi,
) -> None:
    supplier = await a_supplier(api)
    lines: list[Body] = [
        {"sku_id": api.sku, "quantity": 100},
        {"sku_id": api.other_sku, "quantity": 10, "price_minor": 950},
    ]
    key, body = a_key(), {"supplier_id": supplier, "lines": lines, "expected_on": "2030-01-02"}
    made = await api.post("purchase-orders", body, status=201, key=key)
    assert await api.post("purchase-orders", body, status=201, key=key) == made
    assert (made["number"], made["state"], made["expected_on"], made["goods"]) == (
        "PO-000001", "draft", "2030-01-02", {"minor": 89_500, "currency": "CNY"},
    )  # fmt: skip
    assert [(one["line_no"], one["price"]["minor"]) for one in made["lines"]] == [
        (1, 800), (2, 950),
    ]  # fmt: skip
    order = f"purchase-orders/{made['id']}"
    changed = await api.put(order, {"lines": lines[:1], "note": "soon"})
    assert (changed["goods"]["minor"], changed["expected_on"], changed["note"]) == (
        80_000, "2030-01-02", "soon",
    )  # fmt: skip
    assert (await api.refused("POST", f"{order}/send"))[1] == "wrong_purchase_state"
    key = a_key()
    approved = await api.post(f"{order}/approve", key=key)
    assert (approved["state"], approved["approved_by"]) == ("approved", "owner")
    assert await api.post(f"{order}/approve", key=key) == approved
    assert (await api.refused("PUT", order, {"lines": lines}))[1] == "wrong_purchase_state"
    ended = await api.post(f"{order}/cancel", {"reason": "too dear"})
    assert (ended["state"], ended["end_reason"]) == ("cancelled", "too dear")
    assert [one["number"] for one in await api.every("purchase-orders?show=cancelled")] == [
        "PO-000001"
    ]
    assert await api.every("purchase-orders?show=open") == []
    assert await api.every(f"purchase-orders?sku_id={api.other_sku}") == []


async def test_a_large_order_waits_for_another_person(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    terms = {"approve_above_minor": 10_000, "price_tolerance_bp": 100, "over_bp": 1_000,
             "amount_tolerance_minor": 0, "service_level_bp": 9_500}  # fmt: skip
    said = await api.put("purchase-terms", terms)
    assert said["approve_above"] == {"minor": 10_000, "currency": "CNY"}
    assert await api.get("purchase-terms") == said
    body = {"supplier_id": supplier, "lines": [{"sku_id": api.sku, "quantity": 11}]}
    order = (await api.post("purchase-orders", body, status=201))["id"]
    path = f"purchase-orders/{order}/approve"
    assert await api.refused("POST", path) == (409, "second_buyer_needed", None)
    made = await api.post(path, who="second")
    assert (made["state"], made["approved_by"], made["lines"][0]["most"]) == (
        "approved", "second", 12,
    )  # fmt: skip


async def test_goods_are_bought_received_with_a_difference_and_billed(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    order = await a_sent_order(api, supplier, 20, 10)
    place, key = f"purchase-orders/{order}/receipts", a_key()
    count: Body = {
        "lines": [
            {"line_no": 1, "accepted": 15, "damaged": 2, "short": 3, "lot": "L-1",
             "expires_on": "2030-06-30"},
            {"line_no": 2, "accepted": 10},
        ],
        "delivery_note": "DN-7",
    }  # fmt: skip
    got = await api.post(place, count, status=201, key=key)
    assert await api.post(place, count, status=201, key=key) == got
    assert (got["number"], got["purchase_number"], got["delivery_note"]) == (
        "GR-000001", "PO-000001", "DN-7",
    )  # fmt: skip
    counted = [(one["accepted"], one["damaged"], one["short"]) for one in got["lines"]]
    assert counted == [(15, 2, 3), (10, 0, 0)]
    assert await api.levels() == {"MAIN": (15, 0, 0)}
    now = await api.get(f"purchase-orders/{order}")
    assert (now["state"], [one["received"] for one in now["lines"]]) == (
        "part_received", [15, 10],
    )  # fmt: skip
    (batch,) = await api.every("stock-batches")
    assert (batch["lot"], batch["expires_on"], batch["on_hand"]) == ("L-1", "2030-06-30", 15)

    freight = {"cost": "freight", "amount_minor": 500, "spread_by": "quantity"}
    costed = await api.post(f"goods-receipts/{got['id']}/costs", freight, status=201)
    assert [(one["cost"], one["amount"]["minor"]) for one in costed["costs"]] == [("freight", 500)]
    assert [one["id"] for one in await api.every(f"goods-receipts?purchase_id={order}")] == [
        got["id"]
    ]

    await billed_twice(api, supplier, order)
    await back_and_paid(api, supplier, order)


async def billed_twice(api: StoreApi, supplier: str, order: str) -> None:
    """A bill of one unit too many is rejected, the next one is owed."""
    bill = await a_bill(api, order, [(1, 16, 1_000), (2, 10, 1_000)], extra_minor=500)
    found = [(one["what"], one["wanted"], one["found"]) for one in bill["differences"]]
    assert found == [("quantity", 15, 16)] and bill["bill"]["differs"]
    path = f"supplier-bills/{bill['bill']['id']}"
    for who, reason in (("owner", "agreed"), ("second", "")):
        said = await api.refused("POST", f"{path}/approve", {"reason": reason}, who=who)
        assert said == (409, "bill_differs", "reason")
    disputed = await api.post(f"{path}/dispute", {"reason": "15 came"})
    assert disputed["bill"]["state"] == "disputed"
    assert (await api.post(f"{path}/reject", {"reason": "new one"}))["bill"]["state"] == "rejected"

    right = await a_bill(api, order, [(1, 15, 1_000), (2, 10, 1_000)], extra_minor=500, no="B-2")
    assert right["differences"] == []
    row = right["lines"][0]
    assert (row["ordered"], row["received"], row["billed"], row["billed_now"]) == (20, 15, 0, 15)
    done = await api.post(f"supplier-bills/{right['bill']['id']}/approve", {})
    assert (done["bill"]["state"], done["bill"]["total"]["minor"]) == ("approved", 25_500)
    account = await api.get(f"suppliers/{supplier}/account")
    assert (account["balance"]["minor"], account["residual"]["minor"]) == (25_500, 0)
    assert [(one["kind"], one["amount"]["minor"]) for one in account["papers"]] == [
        ("bill", 25_500)
    ]


async def back_and_paid(api: StoreApi, supplier: str, order: str) -> None:
    """Five go back, what is owed is paid, and the order is closed."""
    goods = {"warehouse_id": await api.main(), "lines": [{"line_no": 1, "quantity": 5}],
             "reason": "stale"}  # fmt: skip
    back = await api.post(f"purchase-orders/{order}/returns", goods, status=201)
    assert (back["number"], back["credit"]["minor"], back["lines"][0]["credited"]) == (
        "SR-000001", 5_000, 5,
    )  # fmt: skip
    assert await api.every(f"supplier-returns?supplier_id={supplier}") == [back]
    assert await api.levels() == {"MAIN": (10, 0, 0)}
    payment = {"amount_minor": 20_500, "reference": "TT-1"}
    paid = await api.post(f"suppliers/{supplier}/payments", payment, status=201)
    assert paid["balance"] == {"minor": 0, "currency": "CNY"}
    again = await api.refused("POST", f"suppliers/{supplier}/payments", payment)
    assert again == (409, "supplier_payment_known", "reference")
    closed = await api.post(f"purchase-orders/{order}/close", {"reason": "the rest is off"})
    assert closed["state"] == "closed"
    assert await api.explained()


async def a_bill(
    api: StoreApi,
    order: str,
    lines: list[tuple[int, int, int]],
    *,
    extra_minor: int = 0,
    no: str = "B-1",
) -> Any:
    body = {
        "purchase_id": order, "bill_no": no, "billed_on": "2026-03-02",
        "extra_minor": extra_minor,
        "lines": [{"line_no": n, "quantity": q, "price_minor": p} for n, q, p in lines],
    }  # fmt: skip
    made = await api.post("supplier-bills", body, status=201)
    assert made["bill"]["due_on"] == "2026-03-16"
    return made


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ({"line_no": 1, "accepted": 21}, (409, "over_delivery", "quantity")),
        ({"line_no": 1, "accepted": -1}, (400, "bad_input", None)),
        ({"line_no": 1, "accepted": 10_000_001}, (400, "bad_input", None)),
        ({"line_no": 9, "accepted": 1}, (400, "bad_input", "line_no")),
        ({"line_no": 1}, (400, "bad_input", "lines")),
        ({"line_no": 1, "accepted": 1, "expires_on": "1999-12-31"},
         (400, "bad_input", "expires_on")),
    ],
)  # fmt: skip
async def test_a_bad_delivery_changes_nothing(
    api: StoreApi, line: Body, want: tuple[int, str, str | None]
) -> None:
    order = await a_sent_order(api, await a_supplier(api), 20)
    said = await api.refused("POST", f"purchase-orders/{order}/receipts", {"lines": [line]})
    assert said[:2] == want[:2] and want[2] in (None, said[2])
    assert (await api.get(f"purchase-orders/{order}"))["state"] == "sent"
    assert await api.every("goods-receipts") == []
    assert await api.levels() == {"MAIN": (0, 0, 0)}


async def test_a_surplus_is_taken_when_it_is_said(api: StoreApi) -> None:
    order = await a_sent_order(api, await a_supplier(api), 20)
    body = {"lines": [{"line_no": 1, "accepted": 21}], "take_over": True}
    made = await api.post(f"purchase-orders/{order}/receipts", body, status=201)
    assert made["lines"][0]["over"] == 1
    assert (await api.get(f"purchase-orders/{order}"))["state"] == "received"
    again = await api.refused("POST", f"purchase-orders/{order}/receipts", body)
    assert again == (409, "wrong_purchase_state", None)


async def test_a_delivery_elsewhere_or_before_it_is_sent_is_refused(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    order = await a_sent_order(api, supplier, 20)
    place, lines = f"purchase-orders/{order}/receipts", [{"line_no": 1, "accepted": 1}]
    nowhere = {"lines": lines, "warehouse_id": str(uuid4())}
    assert await api.refused("POST", place, nowhere) == (404, "not_found", "warehouse_id")
    south = await api.warehouse("SOUTH")
    await api.post(f"warehouses/{south}/close")
    closed = await api.refused("POST", place, {"lines": lines, "warehouse_id": south})
    assert closed == (409, "warehouse_closed", "warehouse_id")
    body = {"supplier_id": supplier, "lines": [{"sku_id": api.sku, "quantity": 1}]}
    draft = (await api.post("purchase-orders", body, status=201))["id"]
    early = await api.refused("POST", f"purchase-orders/{draft}/receipts", {"lines": lines})
    assert early == (409, "wrong_purchase_state", None)


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ({"quantity": 0}, (400, "bad_input", None)),
        ({"quantity": 1, "price_minor": -1}, (400, "bad_input", None)),
        ({"quantity": 10_000_000, "price_minor": 100_000_000_000}, (400, "bad_input", "lines")),
        ({"quantity": 1, "sku_id": str(uuid4())}, (404, "not_found", "lines")),
        ({"quantity": 1}, (400, "bad_input", "price")),
    ],
)
async def test_a_bad_order_is_not_written(
    api: StoreApi, line: Body, want: tuple[int, str, str | None]
) -> None:
    supplier = (await api.post("suppliers", {"code": "X", "name": "X"}, status=201))["id"]
    body = {"supplier_id": supplier, "lines": [{"sku_id": api.sku} | line]}
    said = await api.refused("POST", "purchase-orders", body)
    assert said[:2] == want[:2] and want[2] in (None, said[2])
    assert await api.every("purchase-orders") == []


async def test_a_bad_bill_or_return_changes_nothing(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    order = await a_sent_order(api, supplier, 20)
    body: Body = {"purchase_id": order, "bill_no": "B-1", "billed_on": "2026-03-02"}
    assert await api.refused("POST", "supplier-bills", body) == (400, "bad_input", "lines")
    line = {"line_no": 1, "quantity": 1, "price_minor": 1}
    early = body | {"due_on": "2026-03-01", "lines": [line]}
    assert await api.refused("POST", "supplier-bills", early) == (400, "bad_input", "due_on")
    twice = body | {"lines": [line, line]}
    assert await api.refused("POST", "supplier-bills", twice) == (400, "bad_input", "lines")
    await a_bill(api, order, [(1, 1, 1_000)])
    known = body | {"lines": [line]}
    assert await api.refused("POST", "supplier-bills", known) == (409, "bill_known", "bill_no")
    goods = {"warehouse_id": await api.main(), "lines": [{"line_no": 1, "quantity": 1}],
             "reason": "stale"}  # fmt: skip
    path = f"purchase-orders/{order}/returns"
    assert await api.refused("POST", path, goods) == (409, "nothing_to_send_back", "quantity")
    nowhere = goods | {"warehouse_id": str(uuid4())}
    assert await api.refused("POST", path, nowhere) == (404, "not_found", "warehouse_id")
    assert (await api.get(f"suppliers/{supplier}/account"))["papers"] == []


async def test_the_order_goes_out_as_pdf_and_csv(api: StoreApi) -> None:
    order = await a_sent_order(api, await a_supplier(api), 20)
    pdf = await api.ask("GET", f"purchase-orders/{order}/order.pdf")
    assert pdf.content.startswith(b"%PDF-") and pdf.headers["content-type"] == "application/pdf"
    told = await api.ask("GET", f"purchase-orders/{order}/lines.csv")
    assert told.content.decode("utf-8-sig").splitlines()[1].split(",")[6:9] == [
        "20",
        "10.00",
        "CNY",
    ]


async def test_what_to_order_is_told_with_its_band(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    told = await api.post("reorder-suggestions/reckon")
    assert (told["skus"], told["to_order"]) == (2, 0)
    assert await api.every("reorder-suggestions") == []
    rows = await api.every("reorder-suggestions?everything=true")
    assert {(one["sku_id"], one["supplier_id"], one["quantity"]) for one in rows} == {
        (api.sku, supplier, 0), (api.other_sku, supplier, 0),
    }  # fmt: skip
    assert (rows[0]["method"], rows[0]["lead_days"], len(rows[0]["band"])) == ("none", 5, 12)
    assert rows[0]["band"][0] == {"day": 1, "low": 0, "expected": 0, "high": 0}


async def test_another_merchant_finds_nothing_and_lends_nothing(api: StoreApi) -> None:
    supplier = await a_supplier(api)
    order = await a_sent_order(api, supplier, 20)
    theirs = f"/api/v1/stores/{api.theirs.store_id}"
    for path in (
        f"suppliers/{supplier}",
        f"suppliers/{supplier}/items",
        f"purchase-orders/{order}",
    ):
        assert (await api.refused("GET", f"{theirs}/{path}", who="stranger"))[0] == 404
    for path in ("suppliers", "purchase-orders", "purchase-terms", "goods-receipts"):
        assert (await api.refused("GET", path, who="stranger"))[:2] == (404, "not_found")
    line = {"sku_id": str(api.theirs.skus[0]), "quantity": 1, "price_minor": 1}
    bodies: list[tuple[str, Body]] = [
        ("purchase-orders", {"supplier_id": supplier, "lines": [line]}),
        ("supplier-bills", {"purchase_id": order, "bill_no": "B", "billed_on": "2026-03-02",
                            "extra_minor": 1}),
        (f"purchase-orders/{order}/receipts", {"lines": [{"line_no": 1, "accepted": 1}]}),
        (f"purchase-orders/{order}/cancel", {}),
        ("dropship-statements", {"supplier_id": supplier}),
    ]  # fmt: skip
    for path, body in bodies:
        said = await api.refused("POST", f"{theirs}/{path}", body, who="stranger")
        assert said[:2] == (404, "not_found"), path
    own = await api.refused("POST", "purchase-orders", {"supplier_id": supplier, "lines": [line]})
    assert own == (404, "not_found", "lines")
    item = f"suppliers/{supplier}/items/{api.theirs.skus[0]}"
    assert (await api.refused("PUT", item, {}))[:2] == (404, "not_found")
