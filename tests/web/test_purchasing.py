"""The buyer's desk over HTTP: suppliers, the order editor, every move, the files."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import text
from tests.web.test_merchant import Client, Merchant, a_merchant, app, as_

from dougong.infra.db import transaction


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with AsyncTestClient(app()) as made:
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


PAGES = ("suppliers", "suppliers?show=all&q=x", "suppliers.csv", "purchasing",
         "purchasing?show=all&q=PO", "purchasing.csv", "purchasing/new")  # fmt: skip


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
