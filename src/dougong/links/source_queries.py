"""Reads sources, each in its state at an instant."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.links.source_rules import Source, SourceState, StateSpan
from dougong.links.tables import source_states

SOURCES = text("""
    SELECT s.code, s.name_zh, s.name_en, s.hosts, s.adapter, s.settings, s.asks_before_leaving,
      s.partner_id, s.when_denied, COALESCE(t.state, 'open') AS state,
      COALESCE(t.reason_zh, '') AS reason_zh, COALESCE(t.reason_en, '') AS reason_en
    FROM sources s
    LEFT JOIN source_states t ON t.source = s.code AND t.in_force @> CAST(:at AS timestamptz)
    WHERE CAST(:code AS text) IS NULL OR s.code = :code
    ORDER BY s.code
""")


async def sources_at(
    conn: AsyncConnection, *, at: datetime, code: str | None = None
) -> list[Source]:
    """Every source (or one), by code."""
    rows = (await conn.execute(SOURCES, {"at": at, "code": code})).mappings()
    return [msgspec.convert(dict(row), Source, strict=False) for row in rows]


async def source_at(conn: AsyncConnection, *, code: str, at: datetime) -> Source | None:
    found = await sources_at(conn, at=at, code=code)
    return found[0] if found else None


async def states_of(conn: AsyncConnection, *, source: str) -> Sequence[StateSpan]:
    """All states of a source, in the order of time."""
    window = source_states.c.in_force
    columns = select(
        source_states.c.id,
        source_states.c.state,
        func.lower(window).label("starts"),
        func.upper(window).label("ends"),
        source_states.c.reason_zh,
        source_states.c.reason_en,
    )
    found = columns.where(source_states.c.source == source).order_by(func.lower(window))
    return [
        StateSpan(row.id, SourceState(row.state), *row[2:]) for row in await conn.execute(found)
    ]
