"""Writes what a sweep decides: which links are hidden, by which rule, and how far it has come."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RuleId, new_id


class Sweep(msgspec.Struct, frozen=True):
    """A pass that is under way. `after`: the link that it has come to, None at its beginning."""

    id: UUID
    at: datetime
    after: LinkId | None


async def begin_sweep(conn: AsyncConnection, *, at: datetime) -> None:
    """Note that verdicts change at this instant; a repeat, or a later sweep, makes it no second."""
    await conn.execute(
        text("""
            INSERT INTO link_sweeps (id, at) SELECT :id, :at
            WHERE NOT EXISTS (SELECT FROM link_sweeps WHERE at >= :at)
            ON CONFLICT (at) DO NOTHING
        """),
        {"id": new_id(), "at": at},
    )


async def next_sweep(conn: AsyncConnection) -> Sweep | None:
    """The earliest unfinished pass, locked for this transaction; None when there is none, or
    another worker has it in hand."""
    row = (
        await conn.execute(
            text("""
                SELECT id, at, after_link FROM link_sweeps WHERE done_at IS NULL
                ORDER BY at LIMIT 1 FOR UPDATE SKIP LOCKED
            """)
        )
    ).one_or_none()
    return Sweep(*row) if row else None


async def note_progress(
    conn: AsyncConnection,
    sweep: Sweep,
    *,
    after: LinkId | None,
    looked: int,
    hidden: int,
    shown: int,
    converted: int,
    done_at: datetime | None,
) -> None:
    """One batch more; a stop in the middle goes on behind it."""
    await conn.execute(
        text("""
            UPDATE link_sweeps SET after_link = COALESCE(CAST(:after AS uuid), after_link),
              looked = looked + :looked, hidden = hidden + :hidden, shown = shown + :shown,
              converted = converted + :converted, done_at = :done_at
            WHERE id = :id
        """),
        {
            "id": sweep.id,
            "after": after,
            "looked": looked,
            "hidden": hidden,
            "shown": shown,
            "converted": converted,
            "done_at": done_at,
        },
    )


# Found by the key and nothing else: a condition that an index could serve tempts the planner, where
# it has no statistics, to read all links for the few that are meant.
HIDE = text("""
    UPDATE product_links l SET hidden_at = :at, hidden_rule_id = d.rule_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rules AS uuid[])) AS d (id, rule_id)
    WHERE l.id = d.id AND l.hidden_at IS NULL RETURNING l.id
""")
DENY_ANEW = text("""
    UPDATE product_links l SET hidden_rule_id = d.rule_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rules AS uuid[])) AS d (id, rule_id)
    WHERE l.id = d.id AND l.hidden_at IS NOT NULL
""")


async def hide_links(
    conn: AsyncConnection, *, links: Mapping[LinkId, RuleId | None], at: datetime
) -> set[LinkId]:
    """Hide links that are shown, each with the rule that denies it (None: no rule lets it in).
    Answers those that were shown until now."""
    denied = {"ids": list(links), "rules": list(links.values())}
    return set(await conn.scalars(HIDE, {**denied, "at": at}))


async def deny_anew(conn: AsyncConnection, *, links: Mapping[LinkId, RuleId | None]) -> None:
    """Note that another rule denies links that are hidden already."""
    await conn.execute(DENY_ANEW, {"ids": list(links), "rules": list(links.values())})


async def show_links(conn: AsyncConnection, *, link_ids: Collection[LinkId]) -> set[LinkId]:
    """Show again what a sweep has hidden."""
    found = await conn.scalars(
        text("""
            UPDATE product_links SET hidden_at = NULL, hidden_rule_id = NULL
            WHERE id = ANY(CAST(:ids AS uuid[])) AND hidden_at IS NOT NULL RETURNING id
        """),
        {"ids": list(link_ids)},
    )
    return set(found)
