"""Writes clicks: every one is kept, and says whether it counts."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId
from dougong.links.rules import REPEAT_WITHIN, LinkGone, Validity, Visit, validity_of
from dougong.links.tables import product_links

# Two taps of one visitor at the same moment wait for each other: only the first one counts.
ONE_AT_A_TIME = text("""
    SELECT pg_advisory_xact_lock(hashtextextended(CAST(:link_id AS text) || :visitor, 7300010))
""")

KEEP = text("""
    INSERT INTO clicks (id, link_id, person_id, at, validity, visitor, source, sub_id, share_code,
      shelf_token)
    VALUES (:id, :link_id, :person_id, :at,
      CASE WHEN :validity = 'valid' AND :visitor <> '' AND EXISTS (
        SELECT FROM clicks WHERE link_id = :link_id AND visitor = :visitor AND validity = 'valid'
          AND at > CAST(:since AS timestamptz) AND at <= :at AND id <> :id
      ) OR :validity = 'valid' AND EXISTS (
        SELECT FROM clicks WHERE shelf_token = CAST(:token AS text) AND id <> :id
      ) THEN 'repeat' ELSE :validity END,
      :visitor, :source, :sub_id,
      (SELECT s.code FROM share_codes s JOIN product_links l ON l.video_id = s.video_id
       WHERE l.id = :link_id AND s.code = :share_code),
      (SELECT CAST(:token AS text) WHERE NOT EXISTS (
        SELECT FROM clicks WHERE shelf_token = CAST(:token AS text))))
    ON CONFLICT (id) DO NOTHING
""")


async def keep_click(
    conn: AsyncConnection,
    *,
    link_id: LinkId,
    click_id: UUID,
    person_id: UUID | None,
    validity: Validity,
    visitor: str,
    source: str,
    sub_id: str | None,
    share_code: str,
    token: str | None = None,
    at: datetime,
) -> None:
    """One click, as a valid one or by the reason why it is not; a valid one is kept as a repeat
    when the same visitor had one on this link within REPEAT_WITHIN, or with the same `token`.

    `share_code` is kept where it is one of the link's video; '' for none. The same `click_id`
    again changes nothing.
    """
    if validity is Validity.VALID and visitor:
        await conn.execute(ONE_AT_A_TIME, {"link_id": link_id, "visitor": visitor})
    row = {
        "id": click_id,
        "link_id": link_id,
        "person_id": person_id,
        "at": at,
        "since": at - REPEAT_WITHIN,
        "validity": validity,
        "visitor": visitor,
        "source": source,
        "sub_id": sub_id,
        "share_code": share_code,
        "token": token,
    }
    await conn.execute(KEEP, row)


async def record_click(
    conn: AsyncConnection,
    *,
    link_id: LinkId,
    click_id: UUID,
    person_id: UUID | None,
    acts_for: Collection[UUID],
    visit: Visit,
    visitor: str,
    share_code: str = "",
    at: datetime,
) -> None:
    """A tap that one of our own pages or apps reports.

    `acts_for`: the person's organisations. Repeating a `click_id` changes nothing. Raises LinkGone.
    """
    found = select(product_links.c.creator_id, product_links.c.source, product_links.c.hidden_at)
    found = found.where(product_links.c.id == link_id, product_links.c.removed_at.is_(None))
    link = (await conn.execute(found)).one_or_none()
    if link is None:
        raise LinkGone
    is_own = link.creator_id in acts_for
    validity = validity_of(visit, is_shown=link.hidden_at is None, is_own=is_own, needs_page=False)
    await keep_click(
        conn,
        link_id=link_id,
        click_id=click_id,
        person_id=person_id,
        validity=validity,
        visitor=visitor,
        source=link.source,
        sub_id=None,
        share_code=share_code,
        at=at,
    )
