"""How an organisation presents itself."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.tables import organisations
from dougong.base.errors import NotFound
from dougong.base.ids import OrgId


async def describe_organisation(
    conn: AsyncConnection, *, org_id: OrgId, bio_zh: str, bio_en: str, avatar_file: str | None
) -> None:
    """Set the words and the picture that a profile shows. Raises NotFound."""
    change = (
        update(organisations)
        .where(organisations.c.id == org_id)
        .values(bio_zh=bio_zh, bio_en=bio_en, avatar_file=avatar_file)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
