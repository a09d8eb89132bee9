"""Who a token or key speaks for: person, grants and the stores behind them, for many at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access, Grant, Permission, Role
from dougong.infra.clock import wall_now
from dougong.infra.db import fetch

SUBJECTS = """
    WITH asked AS (SELECT unnest(%(tokens)s::bytea[]) AS token),
    known AS (
      SELECT s.token_hash AS token, s.person_id, NULL::text[] AS scopes
      FROM sessions s JOIN asked ON s.token_hash = asked.token
      WHERE s.ended_at IS NULL AND s.expires_at > %(at)s
      UNION ALL
      SELECT k.key_hash, k.person_id, k.scopes
      FROM api_keys k JOIN asked ON k.key_hash = asked.token
      WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %(at)s)
    )
    SELECT known.token, known.scopes, p.id, p.name, p.locale,
      COALESCE(array_agg(DISTINCT ARRAY[g.role, g.org_id::text])
        FILTER (WHERE g.org_id IS NOT NULL), '{}') AS grants,
      COALESCE(array_agg(DISTINCT ARRAY[s.id, s.org_id])
        FILTER (WHERE s.id IS NOT NULL), '{}') AS stores
    FROM known
    JOIN people p ON p.id = known.person_id AND p.state = 'active'
    LEFT JOIN grants g ON g.person_id = p.id
    LEFT JOIN stores s ON s.org_id = g.org_id
    GROUP BY known.token, known.scopes, p.id
"""


async def subjects_of(conn: AsyncConnection, tokens: Sequence[bytes]) -> dict[bytes, Access]:
    """Token hash to subject; a token that is unknown, ended or suspended is left out."""
    rows = await fetch(conn, SUBJECTS, {"tokens": list(set(tokens)), "at": wall_now()})
    return {
        token: Access(
            person_id=person_id,
            name=name,
            locale=locale,
            grants=tuple(Grant(Role(role), UUID(org)) for role, org in grants),
            store_orgs=dict(stores),
            scopes=None if scopes is None else frozenset(map(Permission, scopes)),
        )
        for token, scopes, person_id, name, locale, grants, stores in rows
    }
