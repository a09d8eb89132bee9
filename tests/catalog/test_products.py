import io

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.catalog.factories import AT, a_product, a_store, an_org

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import ProductId, StoreId
from dougong.catalog.commands import change_store, open_store
from dougong.catalog.images import keep_image, sized
from dougong.catalog.product_commands import (
    ProductText,
    change_product,
    create_product,
    images_of,
    put_variants,
    set_images,
    set_state,
)
from dougong.catalog.rules import (
    ImageRefused,
    NotReady,
    ProductCodeTaken,
    SkuCodeTaken,
    StoreCodeTaken,
    Variant,
    clean_gtin,
)
from dougong.infra.settings import settings


def a_picture(side: int = 1200, colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side // 2), colour).save(out, "PNG")
    return out.getvalue()


async def test_a_store_code_is_taken_once(conn: AsyncConnection) -> None:
    org_id = await an_org(conn)
    names = {"name_zh": "店", "name_en": "", "currency": "CNY", "at": AT}
    await open_store(conn, org_id=org_id, code="one-code", **names)
    with pytest.raises(StoreCodeTaken):
        await open_store(conn, org_id=org_id, code="one-code", **names)


@pytest.mark.parametrize("code", ["", "a", "Tea", "-tea", "tea_1", "x" * 41])
async def test_a_store_code_has_a_shape(conn: AsyncConnection, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        await open_store(
            conn,
            org_id=await an_org(conn),
            code=code,
            name_zh="店",
            name_en="",
            currency="CNY",
            at=AT,
        )
    assert (refused.value.field, refused.value.facts) == ("code", {"reason": "bad_code"})


async def test_settings_change_the_shipping_rule(conn: AsyncConnection) -> None:
    store_id = await a_store(conn)
    await change_store(
        conn,
        store_id=store_id,
        name_zh="新名",
        name_en="New",
        tagline_zh="",
        tagline_en="",
        shipping_fee_minor=500,
        free_shipping_from_minor=None,
        at=AT,
    )
    row = (await conn.execute(text("SELECT * FROM stores WHERE id = :id"), {"id": store_id})).one()
    assert (row.name_zh, row.shipping_fee_minor, row.free_shipping_from_minor) == (
        "新名",
        500,
        None,
    )


async def skus_of(conn: AsyncConnection, product_id: ProductId) -> list[tuple[str, int, str]]:
    found = await conn.execute(
        text("SELECT code, price_minor, state FROM skus WHERE product_id = :id ORDER BY code"),
        {"id": product_id},
    )
    return [(row.code, row.price_minor, row.state) for row in found]


async def test_variants_that_are_left_out_are_archived_and_come_back(conn: AsyncConnection) -> None:
    store_id = await a_store(conn)
    product_id, made = await a_product(conn, store_id=store_id)
    only = [Variant(code="T1-50", price_minor=4100)]
    await put_variants(conn, store_id=store_id, product_id=product_id, variants=only, at=AT)
    assert await skus_of(conn, product_id) == [
        ("T1-100", 6900, "archived"),
        ("T1-50", 4100, "active"),
    ]
    both = [*only, Variant(code="T1-100", price_minor=7000)]
    again = await put_variants(conn, store_id=store_id, product_id=product_id, variants=both, at=AT)
    assert again == made
    assert await skus_of(conn, product_id) == [
        ("T1-100", 7000, "active"),
        ("T1-50", 4100, "active"),
    ]


async def test_a_sku_code_is_the_stores_once(conn: AsyncConnection) -> None:
    store_id = await a_store(conn)
    await a_product(conn, store_id=store_id, code="T1")
    with pytest.raises(SkuCodeTaken):
        await create_product(
            conn,
            store_id=store_id,
            words=ProductText(code="T2", title_zh="茶", category="food/tea"),
            variants=[Variant(code="T1-50", price_minor=1)],
            at=AT,
        )
    with pytest.raises(ProductCodeTaken):
        await a_product(conn, store_id=store_id, code="T1")


async def test_another_stores_product_is_not_there(conn: AsyncConnection) -> None:
    mine, theirs = await a_store(conn), await a_store(conn)
    product_id, made = await a_product(conn, store_id=theirs)
    words = ProductText(code="X", title_zh="茶", category="food/tea")
    sku_id = made["T1-50"]
    with pytest.raises(NotFound):
        await change_product(conn, store_id=mine, product_id=product_id, words=words, at=AT)
    with pytest.raises(NotFound):
        await put_variants(
            conn,
            store_id=mine,
            product_id=product_id,
            variants=[Variant(code="X", price_minor=1, sku_id=sku_id)],
            at=AT,
        )
    with pytest.raises(NotFound):
        await set_images(conn, store_id=mine, product_id=product_id, images=[])
    assert (
        await set_state(conn, store_id=mine, product_ids=[product_id], state="archived", at=AT) == 0
    )


async def test_a_product_without_a_sku_on_sale_is_not_shown(conn: AsyncConnection) -> None:
    store_id = await a_store(conn)
    product_id, _ = await a_product(conn, store_id=store_id, state="draft")
    await conn.execute(text("UPDATE skus SET state = 'archived'"))
    with pytest.raises(NotReady):
        await set_state(conn, store_id=store_id, product_ids=[product_id], state="active", at=AT)


async def draft(conn: AsyncConnection, store_id: StoreId, **wrong: object) -> None:
    fields = {"code": "P", "title_zh": "茶", "category": "food/tea"} | wrong
    variant = Variant(code="P", price_minor=100)
    await create_product(
        conn, store_id=store_id, words=ProductText(**fields), variants=[variant], at=AT
    )


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"title_zh": " "}, "title_zh", "missing"),
        ({"title_en": "x" * 201}, "title_en", "too_long"),
        ({"brand": "a\x00b"}, "brand", "control_character"),
        ({"category": "no/such"}, "category", "unknown_category"),
        ({"commission_bp": 9001}, "commission", "out_of_range"),
    ],
)
async def test_bad_words_are_refused_at_their_field(
    conn: AsyncConnection, wrong: dict[str, object], field: str, reason: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await draft(conn, await a_store(conn), **wrong)
    assert (refused.value.field, refused.value.facts["reason"]) == (field, reason)


@pytest.mark.parametrize(
    ("gtin", "clean"),
    [("", None), ("2000000000015", "2000000000015"), ("2000-0000 00015", "2000000000015")],
)
def test_a_gtin_keeps_its_digits(gtin: str, clean: str | None) -> None:
    assert clean_gtin(gtin, field="gtin") == clean


@pytest.mark.parametrize("gtin", ["2000000000016", "123", "abc", "٢٠٠٠٠٠٠٠٠٠٠١٥", "0" * 15])
def test_a_gtin_with_a_wrong_digit_is_refused(gtin: str) -> None:
    with pytest.raises(BadInput):
        clean_gtin(gtin, field="gtin")


async def test_a_picture_is_kept_in_three_sizes_once() -> None:
    stored = await keep_image(a_picture())
    assert (stored.width, stored.height) == (1080, 540)
    assert await keep_image(a_picture()) == stored
    media = settings().data_dir / "media"
    for side in (1080, 480, 160):
        with Image.open(media / sized(stored.file, side)) as opened:
            assert (opened.width, opened.format) == (side, "WEBP")


@pytest.mark.parametrize(
    ("data", "why"), [(b"<svg/>", "unknown_container"), (a_picture()[:200], "damaged")]
)
async def test_a_bad_picture_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ImageRefused) as refused:
        await keep_image(data)
    assert refused.value.facts == {"why": why}


async def test_pictures_keep_their_order(conn: AsyncConnection) -> None:
    store_id = await a_store(conn)
    product_id, _ = await a_product(conn, store_id=store_id)
    images = [await keep_image(a_picture(100, colour)) for colour in ("red", "blue")]
    await set_images(conn, store_id=store_id, product_id=product_id, images=images)
    turned = list(reversed(images))
    await set_images(conn, store_id=store_id, product_id=product_id, images=turned)
    assert await images_of(conn, store_id=store_id, product_id=product_id) == turned
