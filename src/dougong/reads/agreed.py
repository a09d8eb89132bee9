"""Whether anything has been agreed under the rule book yet."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def anything_agreed(conn: AsyncConnection) -> bool:
    """Whether there is an order, a task or a product link, of any age."""
    return bool(
        await conn.scalar(
            text("""
                SELECT EXISTS (SELECT FROM orders) OR EXISTS (SELECT FROM task_agreements)
                  OR EXISTS (SELECT FROM product_links)
            """)
        )
    )
