"""Videos that an opening writes by statement get the files of the story's own video."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PICTURES = text("""
    UPDATE videos SET media = real.media
    FROM (SELECT media FROM videos WHERE upload_id IS NOT NULL AND state = 'published'
      ORDER BY published_at LIMIT 1) real
    WHERE upload_id IS NULL AND creator_id = ANY(:creators)
""")


async def with_pictures(conn: AsyncConnection, *, creators: Sequence[UUID]) -> None:
    """Else every screen that shows them asks for files that are not there."""
    await conn.execute(PICTURES, {"creators": list(creators)})
