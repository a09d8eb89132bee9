"""The recording of a room with what was explained when: each explanation as a place in it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.content.rules import PLAYLIST, POSTER
from dougong.infra.files import public_url


class Marker(msgspec.Struct, frozen=True):
    """One explanation, with price, stock and verdict of its time. `seconds`, `until`: places in
    the recording, which leaves the room's breaks out."""

    link_id: UUID
    seconds: float
    until: float
    started_at: datetime
    title_zh: str
    title_en: str
    source: str
    route: str
    price_minor: int | None
    currency: str | None
    stock: int | None
    viewers: int
    reason_zh: str  # of the rule that let it in; empty where none was needed
    reason_en: str


class Replay(msgspec.Struct, frozen=True):
    room_id: UUID
    video_id: UUID
    title_zh: str
    title_en: str
    playlist: str
    poster: str
    seconds: float
    markers: Sequence[Marker]


VIDEO = text("""
    SELECT r.id, r.title_zh, r.title_en, r.started_at, v.id AS video_id, v.media, v.seconds
    FROM live_rooms r JOIN videos v ON v.id = r.replay_video_id AND v.state = 'published'
    WHERE r.id = :room_id AND r.started_at IS NOT NULL
""")

# A break lasts from its pause to the next resumption, or to the end of the room.
MARKERS = text("""
    WITH moves AS (
      SELECT kind, at, lead(at) OVER (ORDER BY at, id) AS next_at FROM events
      WHERE subject_id = :room_id
        AND kind IN ('live.room_paused', 'live.room_resumed', 'live.room_ended')
    ), breaks AS (SELECT at AS since, next_at AS until FROM moves WHERE kind = 'live.room_paused')
    SELECT e.link_id, e.started_at, e.source, e.route, e.price_minor, e.currency, e.stock,
      e.viewers,
      COALESCE(p.title_zh, o.title, '') AS title_zh, COALESCE(p.title_en, o.title, '') AS title_en,
      COALESCE(r.reason_zh, '') AS reason_zh, COALESCE(r.reason_en, '') AS reason_en,
      extract(epoch FROM e.started_at - CAST(:began AS timestamptz))::float8
        - (SELECT COALESCE(sum(extract(epoch FROM LEAST(COALESCE(b.until, e.started_at),
            e.started_at) - b.since)), 0)::float8 FROM breaks b WHERE b.since < e.started_at)
        AS seconds,
      extract(epoch FROM e.ended_at - CAST(:began AS timestamptz))::float8
        - (SELECT COALESCE(sum(extract(epoch FROM LEAST(COALESCE(b.until, e.ended_at),
            e.ended_at) - b.since)), 0)::float8 FROM breaks b WHERE b.since < e.ended_at)
        AS until
    FROM live_explanations e
    LEFT JOIN products p ON p.store_id = e.store_id AND p.id = e.product_id
    LEFT JOIN outside_products o ON o.id = e.outside_product_id
    LEFT JOIN link_rules r ON r.id = e.verdict_rule_id
    WHERE e.room_id = :room_id AND e.ended_at IS NOT NULL
    ORDER BY e.started_at, e.id
""")


async def replay_of(conn: AsyncConnection, *, room_id: UUID) -> Replay | None:
    """None while there is no published recording."""
    video = (await conn.execute(VIDEO, {"room_id": room_id})).one_or_none()
    if video is None:
        return None
    rows = await conn.execute(MARKERS, {"room_id": room_id, "began": video.started_at})
    return Replay(
        room_id=video.id,
        video_id=video.video_id,
        title_zh=video.title_zh or video.title_en,
        title_en=video.title_en or video.title_zh,
        playlist=public_url(f"{video.media}/{PLAYLIST}"),
        poster=public_url(f"{video.media}/{POSTER}"),
        seconds=video.seconds,
        markers=[Marker(**row._mapping) for row in rows],
    )
