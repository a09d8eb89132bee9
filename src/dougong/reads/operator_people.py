"""People with what they act for, for the operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class ActsFor(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    name: str
    name_en: str
    handle: str


class PersonRow(msgspec.Struct, frozen=True):
    """`key_count`: API keys that are not revoked; `seen_at`: when the last session began."""

    id: UUID
    name: str
    email: str
    state: str
    is_demo: bool
    created_at: datetime
    key_count: int
    seen_at: datetime | None
    acts_for: list[ActsFor]


PEOPLE = text("""
    WITH chosen AS (
      SELECT p.* FROM people p
      WHERE (CAST(:words AS text) = '' OR strpos(lower(p.name), :words) > 0
          OR strpos(p.email, :words) > 0 OR EXISTS (
            SELECT FROM grants g JOIN organisations o ON o.id = g.org_id
            WHERE g.person_id = p.id AND (strpos(o.handle, :words) > 0
              OR strpos(lower(o.name), :words) > 0 OR strpos(lower(o.name_en), :words) > 0)))
        AND (CAST(:role AS text) = '' OR EXISTS (
          SELECT FROM grants g WHERE g.person_id = p.id AND g.role = :role))
        AND (NOT :only_suspended OR p.state = 'suspended')
        AND (CAST(:before AS timestamptz) IS NULL
          OR (p.created_at, p.id) < (CAST(:before AS timestamptz), CAST(:before_id AS uuid)))
      ORDER BY p.created_at DESC, p.id DESC LIMIT :most
    )
    SELECT c.id, c.name, c.email, c.state, c.is_demo, c.created_at,
      (SELECT count(*) FROM api_keys k WHERE k.person_id = c.id AND k.revoked_at IS NULL)
        AS key_count,
      (SELECT max(s.created_at) FROM sessions s WHERE s.person_id = c.id) AS seen_at,
      COALESCE((
        SELECT jsonb_agg(jsonb_build_object('id', o.id, 'kind', o.kind, 'name', o.name,
          'name_en', o.name_en, 'handle', o.handle) ORDER BY g.granted_at, o.id)
        FROM grants g JOIN organisations o ON o.id = g.org_id WHERE g.person_id = c.id
      ), '[]'::jsonb) AS acts_for
    FROM chosen c ORDER BY c.created_at DESC, c.id DESC
""")


async def people_rows(
    conn: AsyncConnection,
    *,
    words: str,
    role: str,
    only_suspended: bool,
    before: tuple[datetime, UUID] | None,
    most: int,
) -> Sequence[PersonRow]:
    """The newest first. `words`: in a name, an e-mail or an organisation; `role`: '' for all."""
    at, last_id = before or (None, None)
    asked: dict[str, Any] = {"words": words.lower(), "role": role, "only_suspended": only_suspended}
    rows = await conn.execute(PEOPLE, asked | {"before": at, "before_id": last_id, "most": most})
    return [msgspec.convert(dict(row), PersonRow, strict=False) for row in rows.mappings()]
