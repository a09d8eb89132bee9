"""The merchant's console over HTTP: every page, what each form does, and whose it is."""

import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from PIL import Image
from sqlalchemy import text
from tests.catalog.factories import AT, a_product, a_store
from tests.web.accounts import a_person, a_role, a_session
from tests.web.site import Client

from dougong.base.access import Role
from dougong.base.ids import StoreId
from dougong.flows.change_stock import change_stock
from dougong.flows.import_feed import run_import
from dougong.infra.db import transaction
from dougong.web.security import SESSION_COOKIE


class Merchant(msgspec.Struct):
    store_id: UUID
    product_id: UUID
    skus: dict[str, UUID]
    token: str
    person_id: UUID

    @property
    def base(self) -> str:
        return f"/merchant/stores/{self.store_id}"


async def a_merchant() -> Merchant:
    """A merchant with one product in two variants, 20 and 3 units on hand."""
    person_id = await a_person()
    org_id = await a_role(person_id, Role.MERCHANT)
    async with transaction() as conn:
        store_id = await a_store(conn, org_id=org_id)
        product_id, skus = await a_product(conn, store_id=store_id)
        levels = {skus["T1-50"]: 20, skus["T1-100"]: 3}
        await change_stock(conn, store_id=store_id, levels=levels, at=AT)
    return Merchant(store_id, product_id, dict(skus), await a_session(person_id), person_id)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        yield made


def as_(client: Client, merchant: Merchant) -> Client:
    client.cookies.set(SESSION_COOKIE, merchant.token)
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]
    return client


PAGES = (
    "today",
    "products",
    "products/new",
    "products?q=T1&show=active&category=food",
    "imports",
    "stock",
    "stock?low=true",
    "stock.csv",
    "coupons",
    "orders",
    "orders?tab=all&q=x",
    "orders.csv",
    "refunds",
    "refunds.csv",
    "money",
    "money?track=settled",
    "money.csv",
    "settings",
    "feed/csv",
    "feed/tsv",
    "feed/xml",
)


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_the_owners_alone(client: Client, page: str) -> None:
    mine, theirs = await a_merchant(), await a_merchant()
    as_(client, mine)
    assert (await client.get(f"{mine.base}/{page}")).status_code == 200
    assert (await client.get(f"{theirs.base}/{page}")).status_code == 404


async def test_a_merchant_of_one_store_lands_on_today(client: Client) -> None:
    mine = await a_merchant()
    answer = await as_(client, mine).get("/merchant/stores", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{mine.base}/today")


def the_form(**changed: Any) -> dict[str, Any]:
    return {
        "code": "N1",
        "title_zh": "新茶",
        "title_en": "New tea",
        "category": "food/tea",
        "state": "active",
        "commission": "12.5",
        "sku_id": ["", ""],
        "sku_code": ["N1-A", ""],
        "options": ["size: 50g; 口味: 清香", ""],
        "price": ["39.00", ""],
        "list_price": ["49", ""],
        "stock": ["7", ""],
        "gtin": ["2000000000015", ""],
        "weight": ["50", ""],
    } | changed


async def only(statement: str, **asked: Any) -> Any:
    async with transaction() as conn:
        return (await conn.execute(text(statement), asked)).one()


async def test_a_product_is_entered_and_changed(client: Client) -> None:
    mine = await a_merchant()
    as_(client, mine)
    made = await client.post(f"{mine.base}/products", data=the_form(), follow_redirects=False)
    assert made.status_code == 303, made.text
    address = made.headers["location"]
    row = await only(
        """
        SELECT p.state, p.commission_bp, k.id, k.code, k.options, k.price_minor,
          k.list_price_minor, k.gtin, k.weight_g, s.on_hand
        FROM products p JOIN skus k ON k.product_id = p.id JOIN stock s ON s.sku_id = k.id
        WHERE p.store_id = :id AND p.code = 'N1'
        """,
        id=mine.store_id,
    )
    assert tuple(row)[:2] == ("active", 1250)
    assert tuple(row)[3:] == (
        "N1-A",
        {"size": "50g", "口味": "清香"},
        3900,
        4900,
        "2000000000015",
        50,
        7,
    )
    page = (await client.get(address)).text
    assert 'value="39.00"' in page and 'value="12.50"' in page
    changed = the_form(
        sku_id=str(row.id),
        sku_code="N1-A",
        options="",
        price="41.00",
        list_price="",
        stock="9",
        gtin="",
        weight="",
    )
    assert (await client.post(address, data=changed, follow_redirects=False)).status_code == 303
    after = await only(
        "SELECT k.id, k.price_minor, s.on_hand FROM skus k JOIN stock s ON s.sku_id = k.id "
        "WHERE k.code = 'N1-A' AND k.store_id = :id",
        id=mine.store_id,
    )
    assert tuple(after) == (row.id, 4100, 9)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title_zh": " "}, "This is needed."),
        ({"price": ["12,50", ""]}, "Please give an amount such as 12.30."),
        ({"price": ["0", ""]}, "This is outside what is possible."),
        ({"list_price": ["1", ""]}, "The price before must be above the price."),
        ({"gtin": ["2000000000016", ""]}, "The check digit of this GTIN is wrong."),
        ({"stock": ["-1", ""]}, "Please give a number."),
        ({"options": ["red", ""]}, "Write options as name: value, parted by semicolons."),
        ({"commission": "95"}, "This is outside what is possible."),
        ({"category": "no"}, "We do not know this category."),
        ({"code": "T1"}, "Another product of this store has this code."),
        ({"sku_code": ["T1-50", ""]}, "Another variant of this store has this code."),
        ({"sku_code": ["", ""], "price": ["", ""]}, "This is needed."),
    ],
)
async def test_a_bad_product_is_refused_at_its_field_and_nothing_is_saved(
    client: Client, changed: dict[str, Any], says: str
) -> None:
    mine = await a_merchant()
    made = await as_(client, mine).post(f"{mine.base}/products", data=the_form(**changed))
    assert made.status_code == 422
    assert says in made.text
    count = await only("SELECT count(*) FROM products WHERE store_id = :id", id=mine.store_id)
    assert count[0] == 1


async def test_unknown_fields_are_refused(client: Client) -> None:
    mine = await a_merchant()
    made = await as_(client, mine).post(f"{mine.base}/products", data=the_form(is_admin="1"))
    assert made.status_code == 400


async def test_bulk_states_only_touch_ones_own(client: Client) -> None:
    mine, theirs = await a_merchant(), await a_merchant()
    as_(client, mine)
    both = [str(mine.product_id), str(theirs.product_id)]
    data = {"product_id": both, "state": "archived"}
    made = await client.post(f"{mine.base}/products/state", data=data, follow_redirects=False)
    assert made.status_code == 303
    states = [
        (await only("SELECT state FROM products WHERE id = :id", id=UUID(one)))[0] for one in both
    ]
    assert states == ["archived", "active"]


def a_png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


async def pictures(product_id: UUID) -> list[str]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT file FROM product_images WHERE product_id = :id ORDER BY position"),
            {"id": product_id},
        )
        return [row.file for row in found]


async def test_pictures_are_added_ordered_and_removed(client: Client) -> None:
    mine = await a_merchant()
    as_(client, mine)
    place = f"{mine.base}/products/{mine.product_id}/images"
    files = [("image", (f"{c}.png", a_png(c), "image/png")) for c in ("red", "blue")]
    assert (await client.post(place, files=files, follow_redirects=False)).status_code == 303
    first, second = await pictures(mine.product_id)
    await client.post(f"{place}/order", data={"file": second, "act": "left"})
    assert await pictures(mine.product_id) == [second, first]
    await client.post(f"{place}/order", data={"file": second, "act": "remove"})
    assert await pictures(mine.product_id) == [first]
    bad = await client.post(place, files=[("image", ("x.png", b"<svg/>", "image/png"))])
    assert bad.status_code == 422
    assert await pictures(mine.product_id) == [first]


async def test_stock_is_set_in_place_and_never_below_what_is_reserved(client: Client) -> None:
    mine, theirs = await a_merchant(), await a_merchant()
    as_(client, mine)
    sku = mine.skus["T1-50"]
    row = await client.post(
        f"{mine.base}/stock/{sku}", data={"on_hand": "31"}, headers={"HX-Request": "true"}
    )
    assert (row.status_code, "is-saved" in row.text) == (200, True)
    async with transaction() as conn:
        await conn.execute(text("UPDATE stock SET reserved = 30 WHERE sku_id = :id"), {"id": sku})
    refused = await client.post(f"{mine.base}/stock/{sku}", data={"on_hand": "29"})
    assert refused.status_code == 409
    other = await client.post(f"{mine.base}/stock/{theirs.skus['T1-50']}", data={"on_hand": "1"})
    assert other.status_code == 404
    level = await only("SELECT on_hand FROM stock WHERE sku_id = :id", id=sku)
    assert level[0] == 31


async def test_a_feed_goes_in_with_a_report_and_comes_out(client: Client) -> None:
    mine = await a_merchant()
    as_(client, mine)
    feed = b"id,title,price,quantity\nF1,Cup,12.00,4\nF2,=cmd(),x,1\n"
    files = [("feed", ("cups.csv", feed, "text/csv"))]
    made = await client.post(f"{mine.base}/imports", files=files, follow_redirects=False)
    assert made.status_code == 303, made.text
    address = made.headers["location"]
    assert "hx-get" in (await client.get(address)).text
    await run_import(str(mine.store_id), address.rsplit("/", 1)[1], False, 0)
    page = (await client.get(address)).text
    assert "This is no price; write 12.30 CNY." in page and "hx-get" not in page
    report = (await client.get(f"{address}/report.csv")).text
    assert "bad,3,price,bad_price" in report
    out = (await client.get(f"{mine.base}/feed/csv")).text
    assert "F1,F1,Cup" in out


async def test_formulas_are_harmless_in_files(client: Client) -> None:
    mine = await a_merchant()
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE products SET title_zh = '=HYPERLINK(1)' WHERE id = :id"),
            {"id": mine.product_id},
        )
    as_(client, mine)
    for file in ("stock.csv", "feed/csv"):
        assert "'=HYPERLINK(1)" in (await client.get(f"{mine.base}/{file}")).text


async def test_a_coupon_is_issued_and_ended(client: Client) -> None:
    mine = await a_merchant()
    as_(client, mine)
    form = {
        "code": "tea-20",
        "name_zh": "新茶券",
        "kind": "amount",
        "amount_off": "20",
        "min_spend": "99",
        "first_day": "2026-03-01",
        "last_day": "2026-03-31",
        "quota": "50",
    }
    made = await client.post(f"{mine.base}/coupons", data=form, follow_redirects=False)
    assert made.status_code == 303, made.text
    row = await only(
        "SELECT id, code, funder, amount_off_minor, lower(usable) AS a, upper(usable) AS b "
        "FROM coupons WHERE store_id = :id",
        id=mine.store_id,
    )
    assert (row.code, row.funder, row.amount_off_minor) == ("TEA-20", "merchant", 2000)
    assert (row.a.isoformat(), row.b.isoformat()) == (
        "2026-02-28T16:00:00+00:00",
        "2026-03-31T16:00:00+00:00",
    )
    twice = await client.post(f"{mine.base}/coupons", data=form)
    assert (twice.status_code, "already has a coupon" in twice.text) == (422, True)
    late = await client.post(f"{mine.base}/coupons", data=form | {"last_day": "2026-02-01"})
    assert "The end must be after the start." in late.text
    await client.post(f"{mine.base}/coupons/{row.id}/end", data={})
    assert (await only("SELECT quota FROM coupons WHERE id = :id", id=row.id))[0] == 0
    for query, is_there in (("", False), ("?show=over", True), ("?show=all&q=nothing", False)):
        page = await client.get(f"{mine.base}/coupons{query}")
        assert (">TEA-20</strong>" in page.text) is is_there
    file = await client.get(f"{mine.base}/coupons.csv")
    assert "TEA-20,新茶券,,merchant,used_up" in file.text


async def test_settings_change_names_and_shipping(client: Client) -> None:
    mine = await a_merchant()
    as_(client, mine)
    form = {"name_zh": "新店", "shipping_fee": "5", "free_shipping_from": ""}
    made = await client.post(f"{mine.base}/settings", data=form, follow_redirects=False)
    assert made.status_code == 303
    row = await only("SELECT * FROM stores WHERE id = :id", id=mine.store_id)
    assert (row.name_zh, row.shipping_fee_minor, row.free_shipping_from_minor) == (
        "新店",
        500,
        None,
    )
    bad = await client.post(f"{mine.base}/settings", data=form | {"shipping_fee": "x"})
    assert (bad.status_code, "Please give an amount" in bad.text) == (422, True)


@pytest.mark.parametrize("after", ["x", "W10", "bm90LWpzb24", "a" * 500])
async def test_a_strange_cursor_is_refused(client: Client, after: str) -> None:
    mine = await a_merchant()
    as_(client, mine)
    for page in ("products", "stock", "orders", "refunds", "money", "coupons"):
        answer = await client.get(f"{mine.base}/{page}?after={after}")
        assert answer.status_code == 400


async def test_lists_are_paged_without_doubles(client: Client) -> None:
    mine = await a_merchant()
    async with transaction() as conn:
        for n in range(31):
            await a_product(conn, store_id=StoreId(mine.store_id), code=f"P{n:02}")
    as_(client, mine)
    seen: list[str] = []
    address = f"{mine.base}/stock"
    while address:
        page = (await client.get(address)).text
        seen += [part.split('"')[0] for part in page.split('<tr id="sku-')[1:]]
        more = page.split('rel="next" href="')
        address = more[1].split('"')[0].replace("&amp;", "&") if len(more) > 1 else ""
    assert len(seen) == len(set(seen)) == 64


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_both_languages_have_every_page(client: Client, locale: str) -> None:
    mine = await a_merchant()
    as_(client, mine).cookies.set("dougong_locale", locale)
    for page in PAGES:
        assert (await client.get(f"{mine.base}/{page}")).status_code == 200
