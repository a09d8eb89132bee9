"""The category tree with what is in it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TREE = text("""
    SELECT c.path, c.parent, c.name_zh, c.name_en, c.position,
      (SELECT count(*) FROM products p WHERE p.category = c.path AND p.state <> 'archived')
        AS product_count,
      NOT EXISTS (SELECT FROM products p WHERE p.category = c.path)
        AND NOT EXISTS (SELECT FROM categories k WHERE k.parent = c.path) AS is_empty
    FROM categories c
""")


async def category_rows(conn: AsyncConnection) -> Sequence[Any]:
    """Parents before their children, by position. `product_count`: not archived, right here."""
    rows = (await conn.execute(TREE)).all()
    children: dict[str | None, list[Any]] = {}
    for row in sorted(rows, key=lambda row: (row.position, row.path)):
        children.setdefault(row.parent, []).append(row)

    def below(parent: str | None) -> list[Any]:
        return [one for row in children.get(parent, []) for one in (row, *below(row.path))]

    return below(None)
