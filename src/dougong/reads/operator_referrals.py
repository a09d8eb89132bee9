"""Orders at other platforms for the operator's desk: reports, bad rows, orders, rulings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound

Cursor = tuple[datetime, UUID] | None


class ReferralRow(msgspec.Struct, frozen=True):
    """One order at a source; amounts in minor units. `gross` is before what the alliance keeps."""

    id: UUID
    source: str
    source_zh: str
    source_en: str
    order_ref: str
    title: str
    state: str
    parked: str
    currency: str
    paid_minor: int
    estimated_minor: int
    settled_minor: int | None
    refunded_minor: int
    paid_at: datetime
    creator_zh: str | None
    creator_en: str | None
    claim: str | None


ORDERS = text("""
    SELECT o.id, o.source, s.name_zh AS source_zh, s.name_en AS source_en, o.order_ref, o.title,
      o.state, o.parked, o.currency::text, o.paid_minor, o.estimated_minor, o.settled_minor,
      o.refunded_minor, o.paid_at, g.name AS creator_zh,
      coalesce(nullif(g.name_en, ''), g.name) AS creator_en, c.claim
    FROM referral_orders o JOIN sources s ON s.code = o.source
    LEFT JOIN referral_rulings r ON r.id = o.ruling_id
    LEFT JOIN referral_claims c ON c.id = r.claim_id
    LEFT JOIN organisations g ON g.id = r.creator_id
    WHERE (:source = '' OR o.source = :source)
      AND (:state = '' OR o.state = :state OR (:state = 'parked' AND o.parked <> ''))
      AND (:words = '' OR o.order_ref = :words OR o.parent_ref = :words
        OR o.title ILIKE '%' || :words || '%' OR g.name = :words OR g.name_en = :words)
      AND (CAST(:since AS timestamptz) IS NULL OR o.paid_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR o.paid_at < :until)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (o.paid_at, o.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY o.paid_at DESC, o.id DESC LIMIT :most
""")


async def referral_rows(
    conn: AsyncConnection,
    *,
    source: str,
    state: str,
    words: str,
    since: datetime | None,
    until: datetime | None,
    before: Cursor,
    most: int,
) -> list[ReferralRow]:
    """The newest first. state: of `State`, or `parked`. words: an order number there, a part of its
    title, or a creator's name. Half-open `since` to `until` is when they were paid."""
    at, row_id = before or (None, None)
    asked = {"source": source, "state": state, "words": words, "since": since, "until": until}
    page = {"before_at": at, "before_id": row_id, "most": most}
    return [ReferralRow(**row) for row in (await conn.execute(ORDERS, asked | page)).mappings()]


async def referral_detail(conn: AsyncConnection, *, order_id: UUID) -> dict[str, Any]:
    """One order with everything that was told and decided of it: `order`, `rulings` (the newest
    first, each with its losers), `claims`, `refunds`, `rows`. Raises NotFound."""
    asked = {"id": order_id}
    order = (await conn.execute(ORDER, asked)).one_or_none()
    if order is None:
        raise NotFound
    losers = (await conn.execute(LOSERS, asked)).all()
    rulings = [
        row | {"losers": [one for one in losers if one.ruling_id == row["id"]]}
        for row in map(dict, (await conn.execute(RULINGS, asked)).mappings())
    ]
    return {
        "order": order,
        "rulings": rulings,
        "claims": (await conn.execute(CLAIMS, asked)).all(),
        "refunds": (await conn.execute(REFUNDS, asked)).all(),
        "rows": (await conn.execute(ROWS, asked)).all(),
    }


ORDER = text("""
    SELECT o.*, o.currency::text AS money, s.name_zh AS source_zh, s.name_en AS source_en
    FROM referral_orders o JOIN sources s ON s.code = o.source WHERE o.id = :id
""")
RULINGS = text("""
    SELECT r.*, c.claim, c.evidence, c.at AS claimed_at, g.name AS creator_zh,
      coalesce(nullif(g.name_en, ''), g.name) AS creator_en, k.reason_zh, k.reason_en, k.rank,
      k.window_days, p.name AS person
    FROM referral_rulings r LEFT JOIN referral_claims c ON c.id = r.claim_id
    LEFT JOIN organisations g ON g.id = r.creator_id
    LEFT JOIN claim_rules k ON k.id = r.claim_rule_id LEFT JOIN people p ON p.id = r.made_by
    WHERE r.order_id = :id ORDER BY r.number DESC
""")
LOSERS = text("""
    SELECT l.ruling_id, l.why, c.claim, c.evidence, c.at, c.validity, g.name AS creator_zh,
      coalesce(nullif(g.name_en, ''), g.name) AS creator_en
    FROM referral_rulings r JOIN referral_losers l ON l.ruling_id = r.id
    JOIN referral_claims c ON c.id = l.claim_id LEFT JOIN organisations g ON g.id = c.creator_id
    WHERE r.order_id = :id ORDER BY c.at DESC, c.id
""")
CLAIMS = text("""
    SELECT c.*, g.name AS creator_zh, coalesce(nullif(g.name_en, ''), g.name) AS creator_en
    FROM referral_claims c LEFT JOIN organisations g ON g.id = c.creator_id
    WHERE c.order_id = :id ORDER BY c.at DESC, c.id
""")
REFUNDS = text("SELECT * FROM referral_refunds WHERE order_id = :id ORDER BY at, ref")
ROWS = text("""
    SELECT w.*, p.file_name FROM report_rows w LEFT JOIN referral_reports p ON p.id = w.report_id
    WHERE w.source = (SELECT source FROM referral_orders WHERE id = :id)
      AND w.order_ref = (SELECT order_ref FROM referral_orders WHERE id = :id)
    ORDER BY w.told_at DESC, w.line DESC LIMIT 100
""")


REPORTS = text("""
    SELECT r.id, r.source, s.name_zh AS source_zh, s.name_en AS source_en, r.mapping, r.file_name,
      r.state, r.rows_total, r.rows_done, r.rows_applied, r.rows_repeated, r.rows_stale,
      r.rows_parked, r.rows_refused, r.failure, r.started_at, r.ended_at
    FROM referral_reports r JOIN sources s ON s.code = r.source
    WHERE (:source = '' OR r.source = :source)
      AND (:words = '' OR r.file_name ILIKE '%' || :words || '%')
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (r.started_at, r.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY r.started_at DESC, r.id DESC LIMIT :most
""")


async def report_rows_shown(
    conn: AsyncConnection, *, source: str, words: str, before: Cursor, most: int
) -> Sequence[Any]:
    """Reports, the newest first; words: a part of the file's name."""
    at, row_id = before or (None, None)
    asked = {"source": source, "words": words, "before_at": at, "before_id": row_id, "most": most}
    return (await conn.execute(REPORTS, asked)).all()


BAD = text("""
    SELECT w.id, w.source, s.name_zh AS source_zh, s.name_en AS source_en, w.report_id, w.line,
      p.file_name, w.order_ref, w.outcome, w.field, w.reason, w.value, w.told_at, w.order_id
    FROM report_rows w JOIN sources s ON s.code = w.source
    LEFT JOIN referral_reports p ON p.id = w.report_id
    WHERE w.outcome IN ('parked', 'refused') AND w.resolved_at IS NULL
      AND (:source = '' OR w.source = :source) AND (:reason = '' OR w.reason = :reason)
      AND (:words = '' OR w.order_ref = :words)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (w.told_at, w.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY w.told_at DESC, w.id DESC LIMIT :most
""")


async def bad_rows(
    conn: AsyncConnection, *, source: str, reason: str, words: str, before: Cursor, most: int
) -> Sequence[Any]:
    """Rows that were refused or parked and wait for somebody, the newest first."""
    at, row_id = before or (None, None)
    asked = {"source": source, "reason": reason, "words": words}
    page = {"before_at": at, "before_id": row_id, "most": most}
    return (await conn.execute(BAD, asked | page)).all()


async def bad_reasons(conn: AsyncConnection) -> list[tuple[str, int]]:
    """Why rows wait, and how many each."""
    rows = await conn.execute(
        text("""
            SELECT reason, count(*) AS n FROM report_rows
            WHERE outcome IN ('parked', 'refused') AND resolved_at IS NULL
            GROUP BY reason ORDER BY n DESC, reason
        """)
    )
    return [(row.reason, row.n) for row in rows]


async def source_names(conn: AsyncConnection) -> Sequence[Any]:
    """Every source with `code`, `name_zh`, `name_en`."""
    return (
        await conn.execute(text("SELECT code, name_zh, name_en FROM sources ORDER BY code"))
    ).all()


async def precedence_rows(conn: AsyncConnection, *, at: datetime) -> Sequence[Any]:
    """Every row of precedence, drafts too, in the order in which they win; `status`: draft,
    upcoming, in_force or over."""
    rows = await conn.execute(
        text("""
            SELECT id, source, claim, rank, window_days, reason_zh, reason_en,
              lower(in_force) AS starts, upper(in_force) AS ends, author_id,
              CASE WHEN approver_id IS NULL THEN 'draft' WHEN lower(in_force) > :at THEN 'upcoming'
                WHEN in_force @> CAST(:at AS timestamptz) THEN 'in_force' ELSE 'over' END AS status
            FROM claim_rules ORDER BY rank, source, lower(in_force) DESC, id
        """),
        {"at": at},
    )
    return rows.all()
