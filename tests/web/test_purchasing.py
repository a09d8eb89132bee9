"""The buyer's desk over HTTP: suppliers, the order editor, every move, the files."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.web.test_merchant import AT, Client, Merchant, a_merchant, as_

from dougong.infra.db import transaction


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


async def post(client: Client, merchant: Merchant, path: str, **fields: Any) -> Any:
    return await as_(client, merchant).post(
        f"{merchant.base}/{path}", data=fields, follow_redirects=False
    )


async def get(client: Client, merchant: Merchant, path: str) -> Any:
    return await as_(client, merchant).get(f"{merchant.base}/{path}", follow_redirects=False)


async def a_supplier(client: Client, merchant: Merchant) -> UUID:
    """Sells both variants for 10.00, in packs of ten."""
    made = await post(client, merchant, "suppliers", code="HZ", name="杭州茶厂", lead_days="5")
    assert made.status_code == 303
    supplier_id = UUID(made.headers["location"].rsplit("/", 1)[1])
    for sku, sku_id in merchant.skus.items():
        path = f"suppliers/{supplier_id}"
        done = await post(client, merchant, f"{path}/items", sku=sku, pack_size="10")
        assert done.status_code == 303
        done = await post(client, merchant, f"{path}/prices", sku_id=str(sku_id), price="10.00")
        assert done.status_code == 303
    return supplier_id


async def an_order(client: Client, merchant: Merchant, supplier_id: UUID) -> UUID:
    rows = {"sku": ["T1-50", "T1-100", ""], "quantity": ["20", "30", ""], "price": ["", "9.5", ""]}
    made = await post(client, merchant, "purchasing/new", supplier_id=str(supplier_id), **rows)
    assert made.status_code == 303, made.text
    return UUID(made.headers["location"].rsplit("/", 1)[1])


PAGES = (
    "purchasing/imports",
    "purchasing/dropship",
    "purchasing/bills",
    "suppliers",
    "suppliers?show=all&q=x",
    "suppliers.csv",
    "purchasing",
    "purchasing?show=all&q=PO",
    "purchasing.csv",
    "purchasing/new",
)


async def test_every_page_opens_before_there_is_anything(client: Client) -> None:
    merchant = await a_merchant()
    for path in PAGES:
        assert (await get(client, merchant, path)).status_code == 200, path


async def test_an_order_goes_from_the_editor_to_the_supplier(client: Client) -> None:
    merchant = await a_merchant()
    supplier_id = await a_supplier(client, merchant)
    order_id = await an_order(client, merchant, supplier_id)
    shown = (await get(client, merchant, f"purchasing/{order_id}")).text
    assert "PO-000001" in shown and "¥485.00" in shown
    assert "T1-50" in (await get(client, merchant, f"purchasing/{order_id}/edit")).text
    for act in ("approve", "send"):
        assert (await post(client, merchant, f"purchasing/{order_id}/{act}")).status_code == 303
    listed = (await get(client, merchant, "purchasing?q=T1-100")).text
    assert "PO-000001" in listed and 'data-state="sent"' in listed
    again = await post(client, merchant, f"purchasing/{order_id}/send")
    assert again.status_code == 409 and "moved on" in again.text


async def test_the_order_goes_out_as_pdf_and_csv(client: Client) -> None:
    merchant = await a_merchant()
    order_id = await an_order(client, merchant, await a_supplier(client, merchant))
    pdf = await get(client, merchant, f"purchasing/{order_id}/order.pdf")
    assert pdf.content.startswith(b"%PDF-") and pdf.headers["content-type"] == "application/pdf"
    lines = (await get(client, merchant, f"purchasing/{order_id}/lines.csv")).content.decode()
    assert [row.split(",")[3:8:3] for row in lines.splitlines()[1:]] == [
        ["T1-50", "20"], ["T1-100", "30"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("NOPE", "1", "1"), "no such SKU"),
        (("T1-50", "x", "1"), "give a number"),
        (("T1-50", "1", "x"), "amount such as"),
        (("T1-50", "0", "1"), "outside what is possible"),
    ],
)
async def test_a_bad_row_is_said_and_nothing_is_written(
    client: Client, row: tuple[str, str, str], words: str
) -> None:
    merchant = await a_merchant()
    supplier_id = await a_supplier(client, merchant)
    sku, quantity, price = row
    said = await post(
        client, merchant, "purchasing/new", supplier_id=str(supplier_id), sku=sku,
        quantity=quantity, price=price,
    )  # fmt: skip
    assert said.status_code == 422 and words in said.text
    async with transaction() as conn:
        orders = await conn.scalar(
            text("SELECT count(*) FROM purchase_orders WHERE store_id = :id"),
            {"id": merchant.store_id},
        )
    assert orders == 0


async def test_an_order_above_the_limit_waits_for_somebody_else(client: Client) -> None:
    merchant = await a_merchant()
    supplier_id = await a_supplier(client, merchant)
    made = await post(
        client, merchant, "purchasing/new", supplier_id=str(supplier_id), sku="T1-50",
        quantity="2000", price="",
    )  # fmt: skip
    path = f"purchasing/{made.headers['location'].rsplit('/', 1)[1]}"
    assert "somebody else than you" in (await get(client, merchant, path)).text
    assert (await post(client, merchant, f"{path}/approve")).status_code == 409


async def test_how_the_store_buys_is_set_by_date(client: Client) -> None:
    merchant = await a_merchant()
    terms = {"approve_above": "50.00", "price_tolerance": "2", "amount_tolerance": "3",
             "over": "10", "service_level": "99"}  # fmt: skip
    assert (await post(client, merchant, "suppliers/terms", **terms)).status_code == 303
    wrong = await post(client, merchant, "suppliers/terms", **terms | {"service_level": "20"})
    assert wrong.status_code == 422
    assert "50.00" in (await get(client, merchant, "suppliers")).text


async def test_another_merchant_finds_nothing(client: Client) -> None:
    merchant, other = await a_merchant(), await a_merchant()
    order_id = await an_order(client, merchant, await a_supplier(client, merchant))
    assert (await get(client, other, f"purchasing/{order_id}")).status_code == 404
    assert (await post(client, other, f"purchasing/{order_id}/approve")).status_code == 404


async def a_sent_order(client: Client, merchant: Merchant) -> UUID:
    order_id = await an_order(client, merchant, await a_supplier(client, merchant))
    for act in ("approve", "send"):
        assert (await post(client, merchant, f"purchasing/{order_id}/{act}")).status_code == 303
    return order_id


async def take_in(client: Client, merchant: Merchant, order_id: UUID, **fields: Any) -> Any:
    """20 of the first line with 2 damaged, and as many of the second as is said."""
    asked = {"key": "door-key-1", "line_no": ["1", "2"], "accepted": ["20", "30"],
             "damaged": ["2", ""], "short": ["", "1"], "lot": ["L6", "L7"],
             "expires_on": ["2046-01-01", "2046-01-01"]}  # fmt: skip
    return await as_(client, merchant).post(
        f"/work/{merchant.store_id}/receive/{order_id}", data=asked | fields,
        follow_redirects=False,
    )  # fmt: skip


async def test_the_door_takes_goods_in_and_asks_about_a_surplus(client: Client) -> None:
    merchant = await a_merchant()
    order_id = await a_sent_order(client, merchant)
    door = f"/work/{merchant.store_id}/receive"
    assert "PO-000001" in (await client.get(door)).text
    opened = await client.get(f"{door}?q=T1-100", follow_redirects=False)
    assert opened.headers["location"] == f"{door}/{order_id}"
    over = await take_in(client, merchant, order_id, accepted=["20", "33"])
    assert over.status_code == 409 and 'name="take_over"' in over.text and "L7" in over.text
    done = await take_in(client, merchant, order_id, accepted=["20", "33"], take_over="true")
    assert done.status_code == 303 and "done=GR-000001" in done.headers["location"]
    assert "GR-000001" in (await client.get(done.headers["location"])).text
    shown = (await get(client, merchant, f"purchasing/{order_id}")).text
    assert "GR-000001" in shown and "3 too many" in shown and "L7" in shown


async def test_a_bill_is_matched_decided_and_explained(client: Client) -> None:
    merchant = await a_merchant()
    order_id = await a_sent_order(client, merchant)
    await take_in(client, merchant, order_id)
    form = await get(client, merchant, f"purchasing/bills/new?order={order_id}")
    assert "Received and not billed" in form.text
    rows = {"line_no": ["1", "2"], "quantity": ["20", "30"], "price": ["10.00", "11.00"]}
    asked = {"order_id": str(order_id), "bill_no": "B-7", "billed_on": "2026-03-01", **rows}
    made = await post(client, merchant, "purchasing/bills/new", **asked)
    path = f"purchasing/bills/{made.headers['location'].rsplit('/', 1)[1]}"
    shown = (await get(client, merchant, path)).text
    assert "1 difference." in shown and "somebody else approves it" in shown
    again = await post(client, merchant, "purchasing/bills/new", **asked)
    assert again.status_code == 409 and "entered already" in again.text
    refused = await post(client, merchant, path, decision="approved", reason="ok")
    assert refused.status_code == 409
    done = await post(client, merchant, path, decision="rejected", reason="价格不符")
    assert done.status_code == 303
    right = asked | {"bill_no": "B-8", "price": ["10.00", "9.50"]}
    made = await post(client, merchant, "purchasing/bills/new", **right)
    path = f"purchasing/bills/{made.headers['location'].rsplit('/', 1)[1]}"
    assert (await post(client, merchant, path, decision="approved")).status_code == 303
    assert "B-8" in (await get(client, merchant, "purchasing/bills?show=approved")).text


async def test_freight_returns_and_payments_have_their_pages(client: Client) -> None:
    merchant = await a_merchant()
    order_id = await a_sent_order(client, merchant)
    await take_in(client, merchant, order_id)
    async with transaction() as conn:
        row = (
            await conn.execute(
                text("SELECT id, warehouse_id FROM goods_receipts WHERE store_id = :id"),
                {"id": merchant.store_id},
            )
        ).one()
    cost = {"kind": "freight", "amount": "5.00", "spread_by": "quantity",
            "order_id": str(order_id), "key": f"{row.id}:0"}  # fmt: skip
    done = await post(client, merchant, f"purchasing/receipts/{row.id}/costs", **cost)
    assert done.status_code == 303
    assert "¥5.00" in (await get(client, merchant, f"purchasing/{order_id}")).text
    back = f"purchasing/{order_id}/return"
    assert (await get(client, merchant, back)).status_code == 200
    sent = {"key": "return-key", "warehouse_id": str(row.warehouse_id), "reason": "潮",
            "line_no": ["1", "2"], "quantity": ["3", ""]}  # fmt: skip
    assert (await post(client, merchant, back, **sent)).status_code == 303
    for candidate in ("purchasing/dropship", "purchasing/bills.csv"):
        assert (await get(client, merchant, candidate)).status_code == 200
    async with transaction() as conn:
        supplier_id = await conn.scalar(
            text("SELECT id FROM suppliers WHERE store_id = :id"), {"id": merchant.store_id}
        )
    account = f"suppliers/{supplier_id}/account"
    paid = await post(client, merchant, account, amount="7.00", reference="ICBC 1")
    assert paid.status_code == 303
    again = await post(client, merchant, account, amount="7.00", reference="ICBC 1")
    assert again.status_code == 409
    assert "¥7.00" in (await get(client, merchant, account)).text


async def test_the_suppliers_page_is_opened_and_shut(client: Client) -> None:
    merchant = await a_merchant()
    supplier_id = await a_supplier(client, merchant)
    shown = await post(client, merchant, f"suppliers/{supplier_id}/page")
    token = shown.text.split("/supplier/")[1].split("<")[0]
    own = await client.get(f"/supplier/{token}")
    assert own.status_code == 200 and own.headers["referrer-policy"] == "no-referrer"
    await post(client, merchant, f"suppliers/{supplier_id}/page/close")
    assert (await client.get(f"/supplier/{token}")).status_code == 404


async def test_suggestions_become_a_draft(client: Client) -> None:
    merchant = await a_merchant()
    supplier_id = await a_supplier(client, merchant)
    assert "Nothing has to be ordered" in (await get(client, merchant, DESK)).text
    async with transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO reorder_suggestions (store_id, sku_id, supplier_id, quantity, free,
                  on_order, figures, at)
                SELECT :store, id, :supplier, 30, 3, 0, CAST(:figures AS jsonb), :at FROM skus
                WHERE store_id = :store AND code = 'T1-50'
            """),
            {"store": merchant.store_id, "supplier": supplier_id, "figures": FIGURES, "at": AT},
        )
    shown = (await get(client, merchant, DESK)).text
    assert "T1-50" in shown and "data-chart" in shown
    chosen = {"supplier_id": str(supplier_id), "sku_id": str(merchant.skus["T1-50"])}
    made = await post(client, merchant, DESK, quantity="30", **chosen)
    assert made.status_code == 303
    path = made.headers["location"].removeprefix(f"{merchant.base}/")
    assert "¥300.00" in (await get(client, merchant, path)).text
    assert (await post(client, merchant, f"{DESK}/again")).status_code == 303
    assert "T1-50" in (await get(client, merchant, "purchasing/suggestions.csv")).text


DESK = "purchasing/suggestions"
FIGURES = """{"method": "smoothing", "daily": 2.5, "error": 1.0, "lead_days": 5, "review_days": 7,
"service_bp": 9500, "demand": 30, "safety": 6, "up_to": 36, "pack_size": 10, "days": [2, 3, 2]}"""
