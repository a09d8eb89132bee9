"""Stores and products with named defaults."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrgId, ProductId, SkuId, StoreId, new_id
from dougong.catalog.commands import CategoryRow, ensure_categories, open_store
from dougong.catalog.product_commands import ProductText, create_product
from dougong.catalog.rules import Variant

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
# GS1 leaves numbers that begin with 2 to each house.
GTIN = "2000000000015"


async def an_org(conn: AsyncConnection) -> OrgId:
    org_id = OrgId(new_id())
    await conn.execute(
        text("""
            INSERT INTO organisations (id, kind, name, handle, created_at)
            VALUES (:id, 'merchant', '茶行', :handle, :at)
        """),
        {"id": org_id, "handle": f"m-{org_id.hex[-20:]}", "at": AT},
    )
    return org_id


async def a_store(conn: AsyncConnection, *, org_id: OrgId | None = None) -> StoreId:
    """A store that charges 8.00 for shipping, nothing from 99.00 on."""
    await ensure_categories(
        conn,
        [
            CategoryRow("food", "食品", "Food"),
            CategoryRow("food/tea", "茶叶", "Tea"),
            CategoryRow("wear", "服饰", "Clothing"),
            CategoryRow("wear/shirts", "衬衫", "Shirts"),
        ],
    )
    return await open_store(
        conn,
        org_id=org_id or await an_org(conn),
        code=f"tea-{new_id().hex[-12:]}",
        name_zh="山里茶",
        name_en="Hill tea",
        currency="CNY",
        shipping_fee_minor=800,
        free_shipping_from_minor=9900,
        at=AT,
    )


async def a_product(
    conn: AsyncConnection, *, store_id: StoreId, code: str = "T1", state: str = "active"
) -> tuple[ProductId, dict[str, SkuId]]:
    """Green tea in two sizes, 39.00 and 69.00."""
    return await create_product(
        conn,
        store_id=store_id,
        words=ProductText(
            code=code, title_zh="明前龙井", title_en="Longjing tea", category="food/tea"
        ),
        variants=[
            Variant(code=f"{code}-50", price_minor=3900, options={"规格": "50克"}, weight_g=50),
            Variant(code=f"{code}-100", price_minor=6900, options={"规格": "100克"}, weight_g=100),
        ],
        at=AT,
        state=state,
    )
