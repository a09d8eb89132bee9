"""What an agency sees: its creators by contract, their tasks, and its part of what these earn.

Expected is the agency's share of all that a running task can come to; earned is what ended tasks
brought it. The shares are those of `tasks.work_rules.work_shares` (a test holds them equal)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

Cursor = tuple[datetime, UUID] | None

# What a running task leaves the agency if it is done whole.
CREATORS = text("""
    WITH parts AS (
      SELECT w.contract_id, w.currency::text,
        count(*) FILTER (WHERE w.closed_at IS NULL) AS running,
        count(*) FILTER (WHERE w.closed_at IS NOT NULL) AS ended,
        coalesce(sum(div((w.funded_minor - div(w.funded_minor::numeric * w.service_fee_bp, 10000))
          * w.agency_bp, 10000)) FILTER (WHERE w.closed_at IS NULL), 0) AS expected,
        coalesce(sum(w.agency_minor), 0)::bigint AS earned_minor
      FROM task_works w WHERE w.agency_id = :agency_id GROUP BY w.contract_id, w.currency
    )
    SELECT k.id, k.creator_id, k.share_bp, k.state, lower(k.in_force) AS starts,
      upper(k.in_force) AS ends, upper(k.in_force) - interval '1 microsecond' AS last,
      c.handle, c.name AS creator_zh,
      coalesce(nullif(c.name_en, ''), c.name) AS creator_en, p.currency,
      coalesce(p.running, 0) AS running, coalesce(p.ended, 0) AS ended,
      coalesce(p.expected, 0)::bigint AS expected_minor,
      coalesce(p.earned_minor, 0) AS earned_minor
    FROM agency_contracts k JOIN organisations c ON c.id = k.creator_id
    LEFT JOIN parts p ON p.contract_id = k.id
    WHERE k.agency_id = :agency_id AND k.state IN ('accepted', 'ended')
    ORDER BY upper(k.in_force) IS NOT NULL, upper(k.in_force) DESC, k.offered_at DESC, k.id
    LIMIT 200
""")

TASKS = text("""
    SELECT w.task_id, w.state, w.currency::text, w.funded_minor, w.agency_bp, w.agency_minor,
      w.agreed_at, w.closed_at, b.title_zh, b.title_en, b.surface, b.source, b.price_model,
      c.name AS creator_zh, coalesce(nullif(c.name_en, ''), c.name) AS creator_en,
      g.name AS brand_zh, coalesce(nullif(g.name_en, ''), g.name) AS brand_en,
      div((w.funded_minor - div(w.funded_minor::numeric * w.service_fee_bp, 10000))
        * w.agency_bp, 10000)::bigint AS expected_minor
    FROM task_works w JOIN task_briefs b ON b.id = w.brief_id
    JOIN organisations c ON c.id = w.creator_id JOIN organisations g ON g.id = w.brand_id
    WHERE w.agency_id = :agency_id
      AND (:words = '' OR b.title_zh ILIKE '%' || :words || '%'
        OR b.title_en ILIKE '%' || :words || '%' OR c.name ILIKE '%' || :words || '%'
        OR g.name ILIKE '%' || :words || '%')
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (w.agreed_at, w.task_id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY w.agreed_at DESC, w.task_id DESC LIMIT :most
""")


async def creators(conn: AsyncConnection, *, agency_id: UUID) -> list[Row[Any]]:
    """By contract and currency: those that run come first."""
    return list((await conn.execute(CREATORS, {"agency_id": agency_id})).all())


async def tasks(
    conn: AsyncConnection,
    *,
    agency_id: UUID,
    words: str = "",
    before: Cursor = None,
    most: int,
) -> list[Row[Any]]:
    """In which it has a share, the newest first."""
    before_at, before_id = before or (None, None)
    asked: dict[str, Any] = {"agency_id": agency_id, "words": words, "most": most}
    found = await conn.execute(TASKS, asked | {"before_at": before_at, "before_id": before_id})
    return list(found.all())
