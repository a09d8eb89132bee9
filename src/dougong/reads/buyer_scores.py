"""How buyers' cases went: counted for all at once, and the scores that were kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.abuse_rules import AbuseScore, Fact
from dougong.base.errors import NotFound
from dougong.base.ids import PersonId
from dougong.infra.db import like_literal

# Of a page of buyers who opened a case in the period, in the order of their ids.
COUNTS = text("""
    WITH c AS (
      SELECT c.buyer_id, count(*) AS cases,
        count(*) FILTER (WHERE c.kind = 'refund_only') AS refund_only,
        count(*) FILTER (WHERE c.inspection = 'wrong_goods') AS wrong_goods,
        count(*) FILTER (WHERE EXISTS (SELECT FROM case_moves m
          WHERE m.store_id = c.store_id AND m.case_id = c.id AND m.from_state = 'received'
            AND m.to_state = 'refused')) AS not_accepted,
        count(*) FILTER (WHERE 'nothing' = (SELECT r.outcome FROM case_rulings r
          WHERE r.store_id = c.store_id AND r.case_id = c.id
          ORDER BY r.instance DESC LIMIT 1)) AS ruled_against
      FROM cases c
      WHERE c.opened_at >= :since AND c.opened_at < :at AND c.buyer_id > :after
        AND c.outcome IS DISTINCT FROM 'withdrawn'
      GROUP BY c.buyer_id ORDER BY c.buyer_id LIMIT :most
    )
    SELECT c.*, (SELECT count(*) FROM orders o WHERE o.buyer_id = c.buyer_id
      AND o.paid_at >= :since AND o.paid_at < :at) AS orders
    FROM c ORDER BY c.buyer_id
""")


async def buyer_counts(
    conn: AsyncConnection, *, since: datetime, at: datetime, after: UUID, most: int
) -> dict[PersonId, dict[Fact, int]]:
    """Buyer to what is counted of cases opened and orders paid in [since, at)."""
    found = await conn.execute(COUNTS, {"since": since, "at": at, "after": after, "most": most})
    return {
        PersonId(row.buyer_id): {fact: getattr(row, fact.value) for fact in Fact} for row in found
    }


class KeptScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score as it was counted last."""

    person_id: UUID
    name: str
    found: AbuseScore
    since: datetime
    counted_at: datetime


KEPT = text("""
    SELECT b.person_id, b.score, b.facts, b.since, b.counted_at, p.name
    FROM buyer_scores b JOIN people p ON p.id = b.person_id
    WHERE (CAST(:person AS uuid) IS NULL OR b.person_id = :person) AND b.score >= :from_score
      AND (CAST(:words AS text) = '' OR p.name ILIKE '%' || :words || '%')
      AND (CAST(:score AS int) IS NULL OR (b.score, b.person_id) < (:score, :before))
    ORDER BY b.score DESC, b.person_id DESC LIMIT :most
""")


async def scores_kept(
    conn: AsyncConnection,
    *,
    words: str = "",
    from_score: int = 0,
    before: tuple[int, UUID] | None = None,
    most: int,
) -> list[KeptScore]:
    """The highest first."""
    score, person_id = before or (None, None)
    return await _kept(
        conn, {"person": None, "from_score": from_score, "words": like_literal(words),
               "score": score, "before": person_id, "most": most},
    )  # fmt: skip


async def score_of(conn: AsyncConnection, *, person_id: UUID) -> KeptScore | None:
    """None for who had no case in the period."""
    found = await _kept(
        conn, {"person": person_id, "from_score": 0, "words": "", "score": None, "before": None,
               "most": 1},
    )  # fmt: skip
    return found[0] if found else None


async def _kept(conn: AsyncConnection, values: dict[str, Any]) -> list[KeptScore]:
    return [
        KeptScore(
            person_id=row.person_id, name=row.name, since=row.since, counted_at=row.counted_at,
            found=msgspec.convert(row.facts, AbuseScore),
        )
        for row in await conn.execute(KEPT, values)
    ]  # fmt: skip


async def cases_behind(
    conn: AsyncConnection, *, person_id: UUID, since: datetime, most: int
) -> Sequence[Any]:
    """The cases that are counted, the newest first. Raises NotFound for nobody."""
    if await conn.scalar(text("SELECT id FROM people WHERE id = :id"), {"id": person_id}) is None:
        raise NotFound
    found = await conn.execute(
        text("""
            SELECT c.store_id, c.id, c.number, c.kind, c.state, c.waiting_for, c.reason,
              c.currency::text, c.asked_minor, c.granted_minor, c.opened_at, c.due_at, c.due_kind,
              c.closed_at, c.order_id, o.number AS order_number, p.name AS buyer_name,
              s.name_zh AS store_zh, s.name_en AS store_en
            FROM cases c JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
            JOIN stores s ON s.id = c.store_id JOIN people p ON p.id = c.buyer_id
            WHERE c.buyer_id = :id AND c.opened_at >= :since
              AND c.outcome IS DISTINCT FROM 'withdrawn'
            ORDER BY c.opened_at DESC LIMIT :most
        """),
        {"id": person_id, "since": since, "most": most},
    )
    return found.all()
