"""What is known of people who want to write in rooms, or lead them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.live.rules import TOO_FAST_WITHIN, Chat, RoomState, Speaker

SPEAKERS = text("""
    SELECT a.room_id, a.person_id, r.state, r.chat, r.slow_mode_s, r.creator_id, p.name,
      p.state = 'active' AS is_active, m.person_id IS NOT NULL AS is_muted, m.until_at,
      EXISTS (SELECT FROM follows f WHERE f.person_id = a.person_id AND f.creator_id = r.creator_id)
        AS follows,
      CASE WHEN EXISTS (SELECT FROM grants g
          WHERE g.person_id = a.person_id AND g.org_id = r.creator_id) THEN 'creator'
        WHEN EXISTS (SELECT FROM live_moderators d
          WHERE d.person_id = a.person_id AND d.creator_id = r.creator_id) THEN 'moderator'
        ELSE 'viewer' END AS role,
      l.last_at, l.recent
    FROM (SELECT DISTINCT * FROM unnest(CAST(:rooms AS uuid[]), CAST(:people AS uuid[])))
      AS a (room_id, person_id)
    JOIN live_rooms r ON r.id = a.room_id
    JOIN people p ON p.id = a.person_id
    LEFT JOIN live_mutes m ON m.room_id = a.room_id AND m.person_id = a.person_id
      AND (m.until_at IS NULL OR m.until_at > :at)
    CROSS JOIN LATERAL (
      SELECT max(at) AS last_at, count(*) FILTER (WHERE at > :since) AS recent
      FROM (SELECT at FROM live_messages
            WHERE room_id = a.room_id AND person_id = a.person_id ORDER BY at DESC LIMIT 20) AS said
    ) AS l
""")
WORDS = text("""
    SELECT creator_id, array_agg(word) AS words FROM live_keywords
    WHERE creator_id = ANY(CAST(:creators AS uuid[])) GROUP BY 1
""")

Pair = tuple[UUID, UUID]


async def speakers_of(
    conn: AsyncConnection, pairs: Sequence[Pair], *, at: datetime
) -> dict[Pair, Speaker]:
    """Room and person to what counts there; a pair of which one is not there is left out."""
    asked = {"rooms": [room for room, _ in pairs], "people": [person for _, person in pairs]}
    since = at - TOO_FAST_WITHIN
    rows = (await conn.execute(SPEAKERS, asked | {"at": at, "since": since})).all()
    creators = list({row.creator_id for row in rows})
    found = await conn.execute(WORDS, {"creators": creators})
    words = {row.creator_id: frozenset(row.words) for row in found}
    return {
        (row.room_id, row.person_id): Speaker(
            state=RoomState(row.state), chat=Chat(row.chat), slow_mode_s=row.slow_mode_s,
            creator_id=row.creator_id, name=row.name, is_active=row.is_active,
            is_muted=row.is_muted, muted_until=row.until_at, follows=row.follows, role=row.role,
            last_at=row.last_at, recent=row.recent, words=words.get(row.creator_id, frozenset()),
        )
        for row in rows
    }  # fmt: skip
