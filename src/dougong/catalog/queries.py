"""Reads stores, categories and import runs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import ProductId, StoreId
from dougong.catalog.tables import categories, import_runs, products, stores


async def store_of(conn: AsyncConnection, *, store_id: StoreId) -> Any:
    """The store's row. Raises NotFound."""
    row = (await conn.execute(select(stores).where(stores.c.id == store_id))).one_or_none()
    if row is None:
        raise NotFound
    return row


async def store_by_code(conn: AsyncConnection, *, code: str) -> Any:
    """The store's row. Raises NotFound with the code in `store_code`."""
    row = (await conn.execute(select(stores).where(stores.c.code == code))).one_or_none()
    if row is None:
        raise NotFound(field="store", store_code=code)
    return row


async def category_tree(conn: AsyncConnection) -> Sequence[Any]:
    """Every category, parents before their children, by position."""
    found = await conn.execute(
        select(categories).order_by(categories.c.position, categories.c.path)
    )
    rows = found.all()
    children: dict[str | None, list[Any]] = {}
    for row in rows:
        children.setdefault(row.parent, []).append(row)

    def below(parent: str | None) -> list[Any]:
        return [one for row in children.get(parent, []) for one in (row, *below(row.path))]

    return below(None)


async def recent_runs(
    conn: AsyncConnection, *, store_id: StoreId, kind: str = "", most: int = 10
) -> Sequence[Any]:
    """The newest imports of a store, of one kind or of all, without their reports."""
    columns = [column for column in import_runs.c if column.name != "report"]
    found = await conn.execute(
        select(*columns)
        .where(import_runs.c.store_id == store_id)
        .where((import_runs.c.kind == kind) if kind else true())
        .order_by(import_runs.c.id.desc())
        .limit(most)
    )
    return found.all()


async def image_links_of(
    conn: AsyncConnection, *, store_id: StoreId, product_id: ProductId
) -> list[str]:
    """Where the last feed said the product's pictures are; empty for what is not there."""
    found = await conn.scalar(
        select(products.c.image_links).where(
            products.c.store_id == store_id, products.c.id == product_id
        )
    )
    return list(found or ())
