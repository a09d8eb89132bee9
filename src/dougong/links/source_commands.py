"""Writes sources and their states by date."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import derived_id, new_id
from dougong.infra import events
from dougong.infra.http import loopback_allowed
from dougong.links.source_queries import states_of
from dougong.links.source_rules import (
    HostTaken,
    SourceSettings,
    SourceState,
    SourceTaken,
    StateInPast,
    StateTaken,
    check_code,
    check_settings,
    clean_hosts,
    is_after_all,
)
from dougong.links.tables import source_states, sources

# What events about a source are about: its code as an identifier.
_SOURCES = UUID("00000000-0000-7000-8000-0000000000e1")
MAX_NAME = 60
MAX_REASON = 300
# Sources are changed one at a time, so that two cannot take one host at once.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7300011)")
HALF_OPEN: Literal["[)"] = "[)"


class SourceDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator enters of a source."""

    code: str
    name_zh: str
    name_en: str
    hosts: Sequence[str]
    adapter: str
    settings: SourceSettings = SourceSettings()
    more: dict[str, Any] = {}  # further settings, of the adapter's own
    asks_before_leaving: bool = False
    when_denied: str = "hide"
    partner_id: UUID | None = None


async def add_source(conn: AsyncConnection, *, draft: SourceDraft, at: datetime) -> None:
    """A new source; it is open until a state says otherwise.

    Raises BadInput, SourceTaken, HostTaken.
    """
    row = _row(draft)
    await conn.execute(ONE_AT_A_TIME)
    if await conn.scalar(select(sources.c.code).where(sources.c.code == draft.code)):
        raise SourceTaken(field="code")
    await _hosts_are_free(conn, row["hosts"], but=draft.code)
    await conn.execute(insert(sources).values(**row, code=check_code(draft.code), created_at=at))
    await _said(conn, "links.source_added", draft.code, at=at)


async def change_source(conn: AsyncConnection, *, draft: SourceDraft, at: datetime) -> None:
    """Everything of a source but its code and its states. Raises BadInput, HostTaken, NotFound."""
    row = _row(draft)
    await conn.execute(ONE_AT_A_TIME)
    await _hosts_are_free(conn, row["hosts"], but=draft.code)
    change = update(sources).where(sources.c.code == draft.code).values(**row)
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    await _said(conn, "links.source_changed", draft.code, at=at)


async def set_source_state(
    conn: AsyncConnection,
    *,
    source: str,
    state: SourceState,
    starts: datetime,
    reason_zh: str,
    reason_en: str,
    at: datetime,
) -> None:
    """Let a source be in a state from an instant on, until further notice.

    Raises StateInPast before `at`, StateTaken when a state from then or later is there already,
    BadInput, NotFound.
    """
    if starts < at:
        raise StateInPast(field="starts")
    reasons = {"reason_zh": reason_zh.strip(), "reason_en": reason_en.strip()}
    for field, reason in reasons.items():
        if not 0 < len(reason) <= MAX_REASON:
            raise BadInput(field=field, reason="missing" if not reason else "too_long")
    await conn.execute(ONE_AT_A_TIME)
    if not await conn.scalar(select(sources.c.code).where(sources.c.code == source)):
        raise NotFound
    if not is_after_all(starts, await states_of(conn, source=source)):
        raise StateTaken(field="starts")
    window = source_states.c.in_force
    await conn.execute(
        update(source_states)
        .where(source_states.c.source == source, func.upper_inf(window))
        .values(in_force=func.tstzrange(func.lower(window), starts))
    )
    row = {"id": new_id(), "source": source, "state": state, **reasons}
    open_ended = Range(starts, None, bounds=HALF_OPEN)
    await conn.execute(insert(source_states).values(**row, in_force=open_ended))
    await _said(conn, "links.source_state_set", source, at=at, state=state, starts=str(starts))


async def _hosts_are_free(conn: AsyncConnection, hosts: Iterable[str], *, but: str) -> None:
    """Raises HostTaken: a pattern belongs to one source; of different ones the closest decides."""
    wanted = set(hosts)
    others = select(sources.c.code, sources.c.hosts).where(sources.c.code != but)
    for row in await conn.execute(others):
        for host in sorted(wanted & set(row.hosts)):
            raise HostTaken(field="hosts", host=host, source=row.code)


def _row(draft: SourceDraft) -> dict[str, Any]:
    names = {"name_zh": draft.name_zh.strip(), "name_en": draft.name_en.strip()}
    for field, name in names.items():
        if not 0 < len(name) <= MAX_NAME:
            raise BadInput(field=field, reason="missing" if not name else "too_long")
    if draft.adapter not in ("page", "feed", "ucp"):
        raise BadInput(field="adapter", reason="unknown")
    if draft.when_denied not in ("hide", "convert"):
        raise BadInput(field="when_denied", reason="unknown")
    settings = msgspec.to_builtins(check_settings(draft.settings))
    return {
        **names,
        "hosts": list(clean_hosts(draft.hosts, loopback=loopback_allowed())),
        "adapter": draft.adapter,
        "settings": draft.more | settings,
        "asks_before_leaving": draft.asks_before_leaving,
        "when_denied": draft.when_denied,
        "partner_id": draft.partner_id,
    }


def source_subject(code: str) -> UUID:
    return derived_id(_SOURCES, code)


async def _said(conn: AsyncConnection, kind: str, code: str, *, at: datetime, **facts: str) -> None:
    facts = {"source": code, **facts}
    await events.record(conn, kind, subject_id=source_subject(code), at=at, facts=facts)
