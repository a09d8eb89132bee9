"""The audit log with the names behind the ids, for the operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

ROWS = text("""
    SELECT a.id, a.at, a.action, a.subject, a.facts, a.request_id, a.person_id, a.owner_id,
      p.name AS person, p.email,
      COALESCE(s.name_zh, o.name, op.name) AS owner,
      COALESCE(s.name_zh, o.name, op.name, '') AS owner_zh,
      COALESCE(s.name_en, o.name_en, '') AS owner_en, orders.number AS order_number
    FROM audit_log a
    LEFT JOIN people p ON p.id = a.person_id
    LEFT JOIN stores s ON s.id = a.owner_id
    LEFT JOIN organisations o ON o.id = a.owner_id
    LEFT JOIN people op ON op.id = a.owner_id
    LEFT JOIN orders ON orders.store_id = a.owner_id AND orders.id = CASE
      WHEN a.action IN ('orders.shipped', 'orders.refunded') AND a.subject ~ '^[0-9a-f-]{36}$'
      THEN CAST(a.subject AS uuid) END
    WHERE (CAST(:before AS bigint) IS NULL OR a.id < :before)
      AND (CAST(:action AS text) = '' OR starts_with(a.action, :action))
      AND (CAST(:person_id AS uuid) IS NULL OR a.person_id = :person_id OR a.owner_id = :person_id)
      AND (CAST(:since AS timestamptz) IS NULL OR a.at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR a.at < :until)
      AND (CAST(:words AS text) = '' OR strpos(lower(concat_ws(' ', a.action, a.subject, p.name,
        p.email, s.name_zh, s.name_en, o.name, orders.number, a.request_id, a.facts::text)),
        lower(:words)) > 0)
    ORDER BY a.id DESC LIMIT :most
""")

ACTIONS = text("SELECT DISTINCT action FROM audit_log ORDER BY action LIMIT 200")


class AuditFilter(NamedTuple):
    """`action`: its beginning (`accounts.`); `words`: anywhere; half-open `since` to `until`."""

    words: str = ""
    action: str = ""
    person_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def audit_rows(
    conn: AsyncConnection, chosen: AuditFilter, *, before: int | None = None, most: int
) -> Sequence[Row[Any]]:
    """The newest first; `before`: an id to page on from."""
    found = await conn.execute(ROWS, chosen._asdict() | {"before": before, "most": most})
    return found.all()


async def audit_actions(conn: AsyncConnection) -> list[str]:
    """Every action that was written so far."""
    return list((await conn.execute(ACTIONS)).scalars())
