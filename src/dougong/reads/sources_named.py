"""Other platforms by name, as screens of several areas show them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def sources_named(conn: AsyncConnection) -> Sequence[Any]:
    """`code`, `name_zh`, `name_en` of every registered source."""
    found = await conn.execute(text("SELECT code, name_zh, name_en FROM sources ORDER BY code"))
    return found.all()
