"""How far a round has come: delivered against promised, forecasts, what is owed, the last round."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import FULL_BP
from dougong.partners.delivery_commands import delivered_of
from dougong.partners.progress_rules import (
    Line,
    elapsed,
    lines_of,
    rebate,
    seasonal,
    straight_line,
    value_of,
)
from dougong.partners.rules import Component, ComponentKind, Side, Terms, Tier, Unit
from dougong.reads.partner_deliveries import months_of_last, pieces, recorded_days
from dougong.reads.partner_rounds import RoundNames, round_names, signed_terms


class ComponentProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One promise and what has come of it, in its unit. `last_`: the last round's, where that was
    counted in the same unit. `months`: by twelfths of the time."""

    kind: ComponentKind
    unit: Unit
    committed_by: Side
    committed: int
    delivered: int
    value_minor: int
    share_bp: int
    straight_line: int | None
    seasonal: int | None
    rebate_minor: int
    next_tier: Tier | None
    is_alarmed: bool
    months: list[int]
    last_months: list[int]
    last_committed: int | None
    last_delivered: int | None
    times_last_bp: int | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`elapsed_bp`: how much of the time is over. `lines`: what would be owed if it ended now."""

    currency: str
    starts: datetime
    ends: datetime
    elapsed_bp: int
    counted_at: datetime | None
    components: list[ComponentProgress]
    lines: list[Line]


async def progress_of(conn: AsyncConnection, *, round_id: UUID, at: datetime) -> Progress | None:
    """None before both have signed."""
    names = await round_names(conn, round_id=round_id)
    terms = await signed_terms(conn, round_id=round_id)
    if names is None or terms is None:
        return None
    delivered = await delivered_of(conn, names.round_id)
    ends = names.ends_at or terms.ends
    over = elapsed(terms, ends=ends, at=at)
    alarmed = await _alarmed(conn, round_id)
    components = [
        await _progress(conn, names, terms, one, delivered.get(one.kind.value, 0), alarmed, at=at)
        for one in terms.components
    ]
    counted = text("SELECT max(at) FROM partner_deliveries WHERE round_id = :id")
    return Progress(
        currency=terms.currency,
        starts=terms.starts,
        ends=ends,
        elapsed_bp=int(over * FULL_BP),
        counted_at=await conn.scalar(counted, {"id": round_id}),
        components=components,
        lines=lines_of(terms, delivered),
    )


async def _alarmed(conn: AsyncConnection, round_id: UUID) -> set[str]:
    asked = text("""
        SELECT component FROM partner_alarms WHERE round_id = :id AND cleared_at IS NULL
    """)
    return set((await conn.scalars(asked, {"id": round_id})).all())


async def _progress(
    conn: AsyncConnection,
    names: RoundNames,
    terms: Terms,
    one: Component,
    delivered: int,
    alarmed: set[str],
    *,
    at: datetime,
) -> ComponentProgress:
    ends = names.ends_at or terms.ends
    over = elapsed(terms, ends=ends, at=at)
    last_months = await months_of_last(conn, names=names, component=one)
    last = await _last_committed(conn, names, one)
    days = await recorded_days(conn, round_id=names.round_id, component=one.kind)
    return ComponentProgress(
        kind=one.kind,
        unit=one.unit,
        committed_by=one.committed_by,
        committed=one.committed,
        delivered=delivered,
        value_minor=value_of(one, max(0, delivered)),
        share_bp=max(0, delivered) * FULL_BP // one.committed,
        straight_line=straight_line(delivered, over),
        seasonal=seasonal(delivered, last_months, over),
        rebate_minor=rebate(one, delivered),
        next_tier=next((tier for tier in one.tiers if tier.from_amount > delivered), None),
        is_alarmed=one.kind.value in alarmed,
        months=pieces(days, terms.starts, ends),
        last_months=last_months,
        last_committed=last,
        last_delivered=None if last is None else sum(last_months),
        times_last_bp=None if last is None else one.committed * FULL_BP // last,
    )


async def _last_committed(conn: AsyncConnection, names: RoundNames, one: Component) -> int | None:
    """What the last round promised of the same kind, in the same unit."""
    if names.previous_id is None:
        return None
    terms = await signed_terms(conn, round_id=names.previous_id)
    same = terms.component(one.kind) if terms else None
    return same.committed if same and same.unit is one.unit else None


class StatementLine(msgspec.Struct, frozen=True):
    line_no: int
    component: str
    what: str
    unit: str
    committed: int
    delivered: int
    base_minor: int
    rate_bp: int
    owed_by: str
    amount_minor: int


class Statement(msgspec.Struct, frozen=True):
    """The true-up of a round that has ended."""

    id: UUID
    currency: str
    made_at: datetime
    lines: list[StatementLine]


async def statement_of(conn: AsyncConnection, *, round_id: UUID) -> Statement | None:
    found = await conn.execute(
        text("SELECT id, currency, made_at FROM partner_statements WHERE round_id = :id"),
        {"id": round_id},
    )
    head = found.one_or_none()
    if head is None:
        return None
    lines = await conn.execute(
        text("""
            SELECT line_no, component, what, unit, committed, delivered, base_minor, rate_bp,
              owed_by, amount_minor
            FROM partner_statement_lines WHERE statement_id = :id ORDER BY line_no
        """),
        {"id": head.id},
    )
    return Statement(
        head.id, head.currency, head.made_at, [StatementLine(**row) for row in lines.mappings()]
    )


async def deliveries_of(conn: AsyncConnection, *, round_id: UUID, most: int = 200) -> Sequence[Any]:
    """The newest rows: `component`, `day`, `origin`, `amount`, `author`, `note`, `at`."""
    found = await conn.execute(
        text("""
            SELECT d.component, d.day, d.origin, d.amount, p.name AS author, d.note, d.at
            FROM partner_deliveries d LEFT JOIN people p ON p.id = d.author_id
            WHERE d.round_id = :id ORDER BY d.day DESC, d.at DESC, d.id LIMIT :most
        """),
        {"id": round_id, "most": most},
    )
    return found.all()


async def accruals_of(conn: AsyncConnection, *, round_id: UUID) -> Sequence[Any]:
    """Rebates as they were booked: `component`, `number`, `delivered`, `total_minor`, `at`."""
    found = await conn.execute(
        text("""
            SELECT component, number, delivered, total_minor, at,
              total_minor - lag(total_minor, 1, 0::bigint)
                OVER (PARTITION BY component ORDER BY number) AS change_minor
            FROM partner_accruals WHERE round_id = :id ORDER BY at DESC, component LIMIT 50
        """),
        {"id": round_id},
    )
    return found.all()


async def open_alarms(conn: AsyncConnection) -> Sequence[Any]:
    """Raised and not cleared: `round_id`, `component`, `committed`, `forecast`, `raised_at`."""
    found = await conn.execute(
        text("""
            SELECT a.round_id, a.component, a.committed, a.forecast, a.raised_at
            FROM partner_alarms a JOIN partner_rounds r ON r.id = a.round_id
            WHERE a.cleared_at IS NULL AND r.state = 'signed' ORDER BY a.raised_at LIMIT 100
        """)
    )
    return found.all()


async def traffic_of(
    conn: AsyncConnection, *, sources: Sequence[str], since: datetime, until: datetime
) -> Sequence[Any]:
    """By source and surface: `links` that stand, valid `clicks` and all `taps` of the time."""
    found = await conn.execute(
        text("""
            WITH standing AS (
              SELECT source, surface, count(*) AS links FROM product_links
              WHERE source = ANY(CAST(:sources AS text[])) AND removed_at IS NULL
                AND hidden_at IS NULL
              GROUP BY 1, 2
            ), tapped AS (
              SELECT c.source, l.surface, count(*) AS taps,
                count(*) FILTER (WHERE c.validity = 'valid') AS clicks
              FROM clicks c JOIN product_links l ON l.id = c.link_id
              WHERE c.source = ANY(CAST(:sources AS text[])) AND c.at >= :since AND c.at < :until
              GROUP BY 1, 2
            )
            SELECT coalesce(s.source, t.source) AS source,
              coalesce(s.surface, t.surface) AS surface, coalesce(s.links, 0) AS links,
              coalesce(t.clicks, 0) AS clicks,
              coalesce(t.taps, 0) AS taps
            FROM standing s FULL JOIN tapped t ON t.source = s.source AND t.surface = s.surface
            ORDER BY 1, 2
        """),
        {"sources": list(sources), "since": since, "until": until},
    )
    return found.all()


async def orders_of(
    conn: AsyncConnection, *, sources: Sequence[str], since: datetime, until: datetime, most: int
) -> Sequence[Any]:
    """Orders that were reported for the partner's sources, the newest first."""
    found = await conn.execute(
        text("""
            SELECT source, order_ref, title, state, currency, paid_minor, estimated_minor,
              settled_minor, refunded_minor, paid_at
            FROM referral_orders
            WHERE source = ANY(CAST(:sources AS text[])) AND paid_at >= :since AND paid_at < :until
            ORDER BY paid_at DESC, id DESC LIMIT :most
        """),
        {"sources": list(sources), "since": since, "until": until, "most": most},
    )
    return found.all()
