"""Tasks for the screens of all sides: briefs, who applied, work with its deliveries and notes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound

Cursor = tuple[datetime, UUID] | None


async def brand_organisation(conn: AsyncConnection, *, brand_id: UUID) -> Row[Any]:
    """`id`, `name`, `name_en`. Raises NotFound when it is no advertiser."""
    asked = text("""
        SELECT id, name, coalesce(nullif(name_en, ''), name) AS name_en FROM organisations
        WHERE id = :id AND kind = 'advertiser'
    """)
    found = (await conn.execute(asked, {"id": brand_id})).one_or_none()
    if found is None:
        raise NotFound
    return found
