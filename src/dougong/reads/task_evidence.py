"""What is on record of a task: seconds pinned in live rooms, days that a video was public, viewers,
orders. `tasks/evidence_rules.py` holds it against what was agreed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.tasks.brief_rules import Terms
from dougong.tasks.evidence_rules import (
    Evidence,
    RoomShown,
    VideoShown,
    live_evidence,
    video_evidence,
)

# A room at a time has one explanation at most: what is summed never overlaps. What names another
# task is that task's.
ROOMS = text("""
    SELECT r.id AS room_id, r.title_zh, r.title_en, r.started_at,
      CAST(floor(extract(epoch FROM sum(least(coalesce(e.ended_at, :until), :until)
        - greatest(e.started_at, :since)))) AS integer) AS seconds,
      (SELECT count(DISTINCT v.visitor) FROM live_visits v WHERE v.room_id = r.id) AS viewers
    FROM live_explanations e JOIN live_rooms r ON r.id = e.room_id
    WHERE r.creator_id = :creator_id AND (e.task_id = :task_id OR (e.task_id IS NULL
        AND ((e.store_id = :store_id AND e.product_id = :product_id)
          OR e.outside_product_id = :outside_product_id)))
      AND e.started_at < :until AND coalesce(e.ended_at, :until) > :since
    GROUP BY r.id ORDER BY r.started_at, r.id
""")

VIDEO = text("""
    SELECT v.id AS video_id, v.caption_zh, v.caption_en, v.published_at AS public_from,
      CASE WHEN v.state <> 'published' THEN coalesce((SELECT max(e.at) FROM events e
        WHERE e.subject_id = v.id AND e.kind = 'content.video_removed'), v.published_at) END
        AS public_until,
      (SELECT count(*) FROM video_views w WHERE w.video_id = v.id AND w.first_at <= :until) AS views
    FROM videos v
    WHERE v.creator_id = :creator_id AND v.id = CAST(:video_id AS uuid)
      AND EXISTS (SELECT FROM product_links l WHERE l.video_id = v.id AND (l.task_id = :task_id
        OR (l.task_id IS NULL AND ((l.store_id = :store_id AND l.product_id = :product_id)
          OR l.outside_product_id = :outside_product_id))))
""")

# Before anything is delivered: of the published videos that name the task, the one most seen.
VIDEO_SO_FAR = text("""
    SELECT v.id FROM videos v JOIN product_links l ON l.video_id = v.id AND l.task_id = :task_id
    WHERE v.creator_id = :creator_id AND v.state = 'published'
    ORDER BY (SELECT count(*) FROM video_views w WHERE w.video_id = v.id) DESC, v.id LIMIT 1
""")

# Orders that the task's links brought, here and at other platforms, less what went back.
SALES = text("""
    WITH mine AS (
      SELECT id FROM product_links WHERE creator_id = :creator_id AND surface = :surface
        AND (task_id = :task_id OR (task_id IS NULL
          AND ((store_id = :store_id AND product_id = :product_id)
            OR outside_product_id = :outside_product_id)))
    ), sold AS (
      SELECT l.order_id, l.paid_minor - l.refunded_minor AS amount
      FROM order_lines l JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
      WHERE l.link_id IN (SELECT id FROM mine) AND o.paid_at >= :since AND o.paid_at < :until
        AND l.refunded_minor < l.paid_minor
      UNION ALL
      SELECT o.id, o.paid_minor FROM referral_orders o
      JOIN referral_rulings r ON r.id = o.ruling_id JOIN referral_claims c ON c.id = r.claim_id
      WHERE (c.link_id IN (SELECT id FROM mine) OR c.task_id = :task_id)
        AND o.paid_at >= :since AND o.paid_at < :until AND o.state <> 'closed'
    )
    SELECT count(DISTINCT order_id) AS orders, coalesce(sum(amount), 0)::bigint AS sales_minor
    FROM sold
""")


async def video_of_task(conn: AsyncConnection, *, task_id: UUID, creator_id: UUID) -> UUID | None:
    asked = {"task_id": task_id, "creator_id": creator_id}
    found = await conn.scalar(VIDEO_SO_FAR, asked)
    return found if isinstance(found, UUID) else None


async def evidence_of(
    conn: AsyncConnection,
    *,
    task_id: UUID,
    creator_id: UUID,
    terms: Terms,
    agreed_at: datetime,
    video_id: UUID | None,
    at: datetime,
) -> Evidence:
    """As it stands at an instant. Live rooms count from the task's beginning to its end."""
    asked: dict[str, Any] = {
        "task_id": task_id,
        "creator_id": creator_id,
        "surface": terms.surface,
        "store_id": terms.store_id,
        "product_id": terms.product_id,
        "outside_product_id": terms.outside_product_id,
        "since": max(agreed_at, terms.starts_at),
        "until": min(at, terms.ends_at) if terms.surface == "live" else at,
        "video_id": video_id,
    }
    if terms.surface == "live":
        rooms = [RoomShown(**row) for row in (await conn.execute(ROOMS, asked)).mappings()]
        texts = [words for room in rooms for words in (room.title_zh, room.title_en)]
        found = live_evidence(terms, rooms, texts=texts, at=at)
    else:
        row = (await conn.execute(VIDEO, asked)).mappings().one_or_none()
        found = video_evidence(terms, VideoShown(**row) if row else None, at=at)
    sales = (await conn.execute(SALES, asked)).one()
    return msgspec.structs.replace(found, orders=sales.orders, sales_minor=sales.sales_minor)
