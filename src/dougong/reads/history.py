"""What an import of a history must know of the store it goes into."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def store_of_code(conn: AsyncConnection, *, code: str) -> Any | None:
    """A store's id, org_id, currency and merchant_class; also of a closed one."""
    found = await conn.execute(
        text("SELECT id, org_id, currency, merchant_class FROM stores WHERE code = :code"),
        {"code": code},
    )
    return found.one_or_none()
