"""Differences as the partner they concern sees them: the sides, and its own words on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound


class Difference(msgspec.Struct, frozen=True):
    """What the newest run said of a case; None where it finds that all sides agree by now."""

    id: UUID
    source: str
    subject: str
    currency: str
    state: str
    outcome: str
    reason: str
    gap_minor: int
    order_at: datetime
    opened_at: datetime
    ours_minor: int | None
    theirs_minor: int | None
    received_minor: int | None


DIFFERENCES = text("""
    SELECT c.id, c.source, c.subject, c.currency::text, c.state, c.outcome, c.reason, c.gap_minor,
      c.order_at, c.opened_at, r.ours_minor, r.theirs_minor, r.received_minor
    FROM reconciliation_cases c
    JOIN sources s ON s.code = c.source AND s.partner_id = :partner_id
    LEFT JOIN reconciliation_rows r ON r.run_id = c.last_run_id AND r.case_id = c.id
    WHERE (CAST(:case_id AS uuid) IS NULL OR c.id = :case_id)
      AND (CAST(:before_at AS timestamptz) IS NULL
        OR (c.opened_at, c.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY c.opened_at DESC, c.id DESC LIMIT :most
""")


async def differences_of(
    conn: AsyncConnection, *, partner_id: UUID, before: tuple[datetime, UUID] | None, most: int
) -> Sequence[Difference]:
    """Of all the partner's sources, the newest case first."""
    before_at, before_id = before or (None, None)
    asked: dict[str, Any] = {"partner_id": partner_id, "case_id": None, "most": most}
    asked |= {"before_at": before_at, "before_id": before_id}
    return [Difference(*row) for row in await conn.execute(DIFFERENCES, asked)]


async def difference_of(conn: AsyncConnection, *, partner_id: UUID, case_id: UUID) -> Difference:
    """Raises NotFound, also for another partner's."""
    asked: dict[str, Any] = {"partner_id": partner_id, "case_id": case_id, "most": 1}
    asked |= {"before_at": None, "before_id": None}
    row = (await conn.execute(DIFFERENCES, asked)).one_or_none()
    if row is None:
        raise NotFound
    return Difference(*row)


class Said(msgspec.Struct, frozen=True):
    at: datetime
    person: str
    note: str


# What our own people write of a case is theirs to read.
SAID = text("""
    SELECT n.at, COALESCE(p.name, '') AS person, n.note
    FROM reconciliation_notes n LEFT JOIN people p ON p.id = n.person_id
    WHERE n.case_id = :case_id AND n.side = 'partner' ORDER BY n.at DESC, n.id DESC LIMIT 200
""")


async def said_by_partner(conn: AsyncConnection, *, case_id: UUID) -> Sequence[Said]:
    return [Said(*row) for row in await conn.execute(SAID, {"case_id": case_id})]
