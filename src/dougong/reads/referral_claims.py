"""Who may have led a shopper to a source: clicks, share codes, tasks and names that it told of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import derived_id
from dougong.referrals.rules import Claim, ClaimKind


class Evidence(msgspec.Struct, frozen=True):
    """What a source told of an order: `kind` sub_id, share_code, task_ref, ad_ref or claimant."""

    order_id: UUID
    source: str
    kind: str
    evidence: str
    paid_at: datetime


# A click through the link of a task is the task's claim. A claimant is a creator by its handle, or
# by what the source's settings say (`claimants`: the source's name of a creator to our handle).
CLAIMS = text("""
    WITH asked AS MATERIALIZED (
      SELECT * FROM json_to_recordset(CAST(:asked AS json)) AS a
        (order_id uuid, source text, kind text, evidence text, paid_at timestamptz)
    ), clicked AS (
      SELECT a.order_id, CASE WHEN l.task_id IS NULL THEN 'click' ELSE 'task' END AS claim,
        a.evidence, c.at, l.creator_id, l.id AS link_id, c.id AS click_id, l.task_id, l.surface,
        l.route, l.category, c.validity, c.person_id
      FROM asked a JOIN clicks c ON c.sub_id = a.evidence
      JOIN product_links l ON l.id = c.link_id WHERE a.kind = 'sub_id'
    ), shared AS (
      SELECT a.order_id, 'share_code' AS claim, a.evidence, coalesce(c.at, s.made_at) AS at,
        v.creator_id, l.id AS link_id, c.id AS click_id, l.task_id,
        coalesce(l.surface, 'video') AS surface, coalesce(l.route, 'direct') AS route,
        coalesce(l.category, '') AS category, coalesce(c.validity, 'valid') AS validity,
        c.person_id
      FROM asked a JOIN share_codes s ON s.code = upper(a.evidence)
      JOIN videos v ON v.id = s.video_id LEFT JOIN product_links l ON l.id = s.link_id
      LEFT JOIN LATERAL (
        SELECT * FROM clicks c WHERE c.share_code = s.code AND c.at <= a.paid_at
          AND c.link_id = s.link_id
        ORDER BY c.at DESC, c.id DESC LIMIT 1) c ON true
      WHERE a.kind IN ('share_code', 'sub_id')
    ), agreed AS (
      SELECT a.order_id, 'task' AS claim, a.evidence,
        CASE WHEN a.paid_at < t.agreed_at THEN t.agreed_at
          WHEN a.paid_at < t.ends_at THEN a.paid_at ELSE t.ends_at END AS at,
        t.creator_id, CAST(NULL AS uuid) AS link_id, CAST(NULL AS uuid) AS click_id,
        t.id AS task_id, t.surface, 'task' AS route, t.category,
        CASE t.state WHEN 'cancelled' THEN 'cancelled' ELSE 'valid' END AS validity,
        CAST(NULL AS uuid) AS person_id
      FROM asked a JOIN task_agreements t ON t.id::text = lower(a.evidence)
      WHERE a.kind = 'task_ref'
    ), named AS (
      SELECT a.order_id, 'source' AS claim, a.evidence, a.paid_at AS at, o.id AS creator_id,
        CAST(NULL AS uuid) AS link_id, CAST(NULL AS uuid) AS click_id,
        CAST(NULL AS uuid) AS task_id, '*' AS surface, '*' AS route, '' AS category,
        'valid' AS validity, CAST(NULL AS uuid) AS person_id
      FROM asked a JOIN sources s ON s.code = a.source
      JOIN organisations o ON o.kind = 'creator'
        AND o.handle = coalesce(s.settings->'claimants'->>a.evidence, lower(a.evidence))
      WHERE a.kind = 'claimant'
    ), advertised AS (
      SELECT a.order_id, 'ad' AS claim, a.evidence, a.paid_at AS at,
        CAST(NULL AS uuid) AS creator_id, CAST(NULL AS uuid) AS link_id,
        CAST(NULL AS uuid) AS click_id, CAST(NULL AS uuid) AS task_id, '*' AS surface,
        '*' AS route, '' AS category, 'valid' AS validity, CAST(NULL AS uuid) AS person_id
      FROM asked a WHERE a.kind = 'ad_ref'
    ), found AS (
      SELECT * FROM clicked UNION ALL SELECT * FROM shared UNION ALL SELECT * FROM agreed
      UNION ALL SELECT * FROM named UNION ALL SELECT * FROM advertised
    )
    SELECT f.*, EXISTS (SELECT FROM grants g
        WHERE g.person_id = f.person_id AND g.org_id IN (f.creator_id, t.brand_id)) AS is_self
    FROM found f LEFT JOIN task_agreements t ON t.id = f.task_id
    ORDER BY f.order_id, f.at, f.claim, f.evidence
""")


async def claims_by_evidence(
    conn: AsyncConnection, asked: Sequence[Evidence]
) -> dict[UUID, list[Claim]]:
    """Order to the claims on it."""
    if not asked:
        return {}
    rows = await conn.execute(CLAIMS, {"asked": msgspec.json.encode(list(asked)).decode()})
    found: dict[UUID, list[Claim]] = {}
    for row in rows.mappings():
        claim = Claim(
            id=derived_id(row["order_id"], f"{row['claim']}:{row['evidence']}"),
            claim=ClaimKind(row["claim"]),
            evidence=row["evidence"],
            at=row["at"],
            creator_id=row["creator_id"],
            link_id=row["link_id"],
            click_id=row["click_id"],
            task_id=row["task_id"],
            surface=row["surface"],
            route=row["route"],
            category=row["category"] or "*",
            validity=row["validity"],
            is_self=row["is_self"],
        )
        found.setdefault(row["order_id"], []).append(claim)
    return found


class TaskTerms(msgspec.Struct, frozen=True):
    """What was frozen when a task was agreed."""

    service_fee_bp: int
    service_fee_rule_id: UUID


async def task_terms(conn: AsyncConnection, *, task_ids: Sequence[UUID]) -> dict[UUID, TaskTerms]:
    rows = await conn.execute(
        text("""
            SELECT id, service_fee_bp, service_fee_rule_id FROM task_agreements
            WHERE id = ANY(CAST(:ids AS uuid[]))
        """),
        {"ids": list(task_ids)},
    )
    return {row.id: TaskTerms(row.service_fee_bp, row.service_fee_rule_id) for row in rows}


async def partners_of(conn: AsyncConnection, *, sources: Sequence[str]) -> dict[str, UUID | None]:
    """Each source that there is, to the organisation behind it."""
    rows = await conn.execute(
        text("SELECT code, partner_id FROM sources WHERE code = ANY(CAST(:codes AS text[]))"),
        {"codes": list(sources)},
    )
    return {row.code: row.partner_id for row in rows}


async def creator_by_handle(conn: AsyncConnection, *, handle: str) -> UUID | None:
    found = await conn.scalar(
        text("SELECT id FROM organisations WHERE kind = 'creator' AND handle = :handle"),
        {"handle": handle.strip().lower()},
    )
    return found if isinstance(found, UUID) else None
