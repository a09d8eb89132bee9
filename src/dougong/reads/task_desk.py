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


async def brand_organisations(conn: AsyncConnection, *, brand_ids: list[UUID]) -> list[Row[Any]]:
    """`id`, `name`, `name_en` of these, by name."""
    asked = text("""
        SELECT id, name, coalesce(nullif(name_en, ''), name) AS name_en FROM organisations
        WHERE id = ANY(CAST(:ids AS uuid[])) AND kind = 'advertiser' ORDER BY name
    """)
    return list((await conn.execute(asked, {"ids": brand_ids})).all())


BRIEFS = text("""
    SELECT b.id, b.state, b.way, b.title_zh, b.title_en, b.surface, b.source, b.price_model,
      b.currency::text, b.most_minor, b.budget_minor, b.taken_minor, b.places, b.taken,
      b.apply_until, b.made_at, b.terms, g.name AS brand_zh,
      coalesce(nullif(g.name_en, ''), g.name) AS brand_en,
      (SELECT count(*) FROM task_applications a WHERE a.brief_id = b.id AND a.state = 'applied')
        AS waiting,
      (SELECT a.state FROM task_applications a
        WHERE a.brief_id = b.id AND a.creator_id = CAST(:creator_id AS uuid)) AS mine
    FROM task_briefs b JOIN organisations g ON g.id = b.brand_id
    WHERE (CAST(:brand_id AS uuid) IS NULL OR b.brand_id = :brand_id)
      AND (:state = '' OR b.state = :state)
      AND (:surface = '' OR b.surface = :surface)
      AND (:words = '' OR b.title_zh ILIKE '%' || :words || '%'
        OR b.title_en ILIKE '%' || :words || '%' OR g.name ILIKE '%' || :words || '%')
      AND (CAST(:creator_id AS uuid) IS NULL OR (b.state = 'posted' AND b.apply_until > :at
        AND (b.way <> 'assigned' OR EXISTS (SELECT FROM task_applications a
          WHERE a.brief_id = b.id AND a.creator_id = :creator_id))))
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (b.made_at, b.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY b.made_at DESC, b.id DESC LIMIT :most
""")


async def briefs(
    conn: AsyncConnection,
    *,
    brand_id: UUID | None = None,
    creator_id: UUID | None = None,
    state: str = "",
    surface: str = "",
    words: str = "",
    at: datetime,
    before: Cursor = None,
    most: int,
) -> list[Row[Any]]:
    """The newest first: all of a brand's, or those that a creator can take now."""
    before_at, before_id = before or (None, None)
    asked = {
        "brand_id": brand_id, "creator_id": creator_id, "state": state, "surface": surface,
        "words": words, "at": at, "before_at": before_at, "before_id": before_id, "most": most,
    }  # fmt: skip
    return list((await conn.execute(BRIEFS, asked)).all())


WORKS = text("""
    SELECT w.task_id, w.brief_id, w.state, w.currency::text, w.funded_minor, w.creator_minor,
      w.fee_minor, w.agency_minor, w.back_minor, w.share_bp, w.offered_bp, w.agreed_at, w.closed_at,
      w.creator_id, w.brand_id, b.title_zh, b.title_en, b.surface, b.source, b.price_model,
      c.name AS creator_zh,
      coalesce(nullif(c.name_en, ''), c.name) AS creator_en, g.name AS brand_zh,
      coalesce(nullif(g.name_en, ''), g.name) AS brand_en
    FROM task_works w JOIN task_briefs b ON b.id = w.brief_id
    JOIN organisations c ON c.id = w.creator_id JOIN organisations g ON g.id = w.brand_id
    WHERE (CAST(:brand_id AS uuid) IS NULL OR w.brand_id = :brand_id)
      AND (CAST(:creator_id AS uuid) IS NULL OR w.creator_id = :creator_id)
      AND (CAST(:brief_id AS uuid) IS NULL OR w.brief_id = :brief_id)
      AND (CAST(:task_id AS uuid) IS NULL OR w.task_id = :task_id)
      AND (:state = '' OR w.state = :state)
      AND (:words = '' OR b.title_zh ILIKE '%' || :words || '%'
        OR b.title_en ILIKE '%' || :words || '%' OR c.name ILIKE '%' || :words || '%'
        OR g.name ILIKE '%' || :words || '%')
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (w.agreed_at, w.task_id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY w.agreed_at DESC, w.task_id DESC LIMIT :most
""")


async def works(
    conn: AsyncConnection,
    *,
    brand_id: UUID | None = None,
    creator_id: UUID | None = None,
    brief_id: UUID | None = None,
    task_id: UUID | None = None,
    state: str = "",
    words: str = "",
    before: Cursor = None,
    most: int,
) -> list[Row[Any]]:
    """Agreed tasks of a side (None: of all), the newest first."""
    before_at, before_id = before or (None, None)
    asked = {
        "brand_id": brand_id, "creator_id": creator_id, "brief_id": brief_id, "task_id": task_id,
        "state": state, "words": words, "before_at": before_at, "before_id": before_id,
        "most": most,
    }  # fmt: skip
    return list((await conn.execute(WORKS, asked)).all())


async def work_row(conn: AsyncConnection, *, task_id: UUID) -> Row[Any]:
    """One, as `works` has it. Raises NotFound."""
    found = await works(conn, task_id=task_id, most=1)
    if not found:
        raise NotFound
    return found[0]


async def applications(conn: AsyncConnection, *, brief_id: UUID) -> list[Row[Any]]:
    """Who applied or was asked, with followers and stars: those that wait come first."""
    asked = text("""
        SELECT a.id, a.creator_id, a.state, a.note, a.made_at, a.decided_at, c.handle,
          c.name AS creator_zh, coalesce(nullif(c.name_en, ''), c.name) AS creator_en,
          (SELECT count(*) FROM follows f WHERE f.creator_id = c.id) AS followers,
          (SELECT round(avg(r.stars), 1)::text FROM task_ratings r
            JOIN task_works w ON w.task_id = r.task_id
            WHERE w.creator_id = c.id AND r.side = 'brand') AS stars
        FROM task_applications a JOIN organisations c ON c.id = a.creator_id
        WHERE a.brief_id = :brief_id
        ORDER BY a.decided_at IS NOT NULL, a.made_at DESC, a.id LIMIT 500
    """)
    return list((await conn.execute(asked, {"brief_id": brief_id})).all())


async def work_story(conn: AsyncConnection, *, task_id: UUID) -> dict[str, list[Row[Any]]]:
    """`deliveries` (the newest first), `notes` and `ratings` of a task."""
    asked = {"task_id": task_id}
    found = {
        "deliveries": text("""
            SELECT * FROM task_deliveries WHERE task_id = :task_id ORDER BY number DESC
        """),
        "notes": text("SELECT * FROM task_notes WHERE task_id = :task_id ORDER BY at, id"),
        "ratings": text("SELECT * FROM task_ratings WHERE task_id = :task_id ORDER BY side"),
    }
    return {name: list((await conn.execute(sql, asked)).all()) for name, sql in found.items()}


async def task_videos(conn: AsyncConnection, *, creator_id: UUID, task_id: UUID) -> list[Row[Any]]:
    """The creator's published videos, those with the task's link first."""
    asked = text("""
        SELECT v.id, v.caption_zh, v.caption_en, v.published_at FROM videos v
        WHERE v.creator_id = :creator_id AND v.state = 'published'
        ORDER BY EXISTS (SELECT FROM product_links l
          WHERE l.video_id = v.id AND l.task_id = :task_id) DESC, v.published_at DESC LIMIT 50
    """)
    found = await conn.execute(asked, {"creator_id": creator_id, "task_id": task_id})
    return list(found.all())


async def contracts(conn: AsyncConnection, *, org_id: UUID) -> list[Row[Any]]:
    """Contracts in which an organisation is the agency or the creator, the newest first."""
    asked = text("""
        SELECT k.id, k.agency_id, k.creator_id, k.share_bp, lower(k.in_force) AS starts,
          upper(k.in_force) AS ends, upper(k.in_force) - interval '1 microsecond' AS last,
          k.state, k.offered_at, a.name AS agency_zh,
          coalesce(nullif(a.name_en, ''), a.name) AS agency_en, c.name AS creator_zh,
          coalesce(nullif(c.name_en, ''), c.name) AS creator_en
        FROM agency_contracts k JOIN organisations a ON a.id = k.agency_id
        JOIN organisations c ON c.id = k.creator_id
        WHERE :org_id IN (k.agency_id, k.creator_id)
        ORDER BY k.offered_at DESC, k.id LIMIT 200
    """)
    return list((await conn.execute(asked, {"org_id": org_id})).all())


async def creator_by_handle(conn: AsyncConnection, *, handle: str) -> UUID | None:
    found = await conn.scalar(
        text("SELECT id FROM organisations WHERE kind = 'creator' AND handle = :handle"),
        {"handle": handle.strip().lower().lstrip("@")},
    )
    return found if isinstance(found, UUID) else None


async def own_product(conn: AsyncConnection, *, words: str) -> Row[Any] | None:
    """A mini-store's product by its page (`/p/<store>/<product>`), or by its id."""
    parts = [part for part in words.strip().split("?")[0].split("/") if part]
    try:
        product_id = UUID(parts[-1]) if parts else None
    except ValueError:
        product_id = None
    asked = text("""
        SELECT store_id, id, title_zh, title_en, category, purchase_source AS source
        FROM products WHERE id = :id AND state = 'active' LIMIT 1
    """)
    return (await conn.execute(asked, {"id": product_id})).one_or_none() if product_id else None


async def funds(conn: AsyncConnection, *, brand_id: UUID) -> list[Row[Any]]:
    """What a brand has, by currency: `available` and `held` for tasks, in minor units."""
    asked = text("""
        SELECT a.currency::text,
          sum(m.amount) FILTER (WHERE a.purpose = 'advertiser_funds')::bigint AS available,
          coalesce(sum(m.amount) FILTER (WHERE a.purpose = 'task_escrow'), 0)::bigint AS held
        FROM ledger_accounts a
        JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.src, t.dst)
        CROSS JOIN LATERAL (SELECT CASE WHEN t.dst = a.id THEN t.amount_minor
          ELSE -t.amount_minor END AS amount) AS m
        WHERE a.owner_id = :brand_id AND a.purpose IN ('advertiser_funds', 'task_escrow')
        GROUP BY a.currency ORDER BY a.currency
    """)
    return list((await conn.execute(asked, {"brand_id": brand_id})).all())
