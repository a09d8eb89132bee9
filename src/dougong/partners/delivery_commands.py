"""What a round has brought: deliveries by day, rebates that accrue, alarms, and the statement."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, RoundId, new_id
from dougong.infra import events
from dougong.partners.progress_rules import Line
from dougong.partners.rules import MOST_AMOUNT, BadTerms
from dougong.partners.tables import (
    partner_accruals,
    partner_alarms,
    partner_deliveries,
    partner_statement_lines,
)

Origin = Literal["books", "clicks", "referrals"]


class Day(msgspec.Struct, frozen=True):
    """What a local day has brought in all, as the books say it now."""

    day: date
    amount: int


# What is there already is left; a row is written for what differs from it, so the sum is right.
RECORD = text("""
    WITH told AS (
      SELECT day, sum(amount)::bigint AS amount
      FROM unnest(CAST(:days AS date[]), CAST(:amounts AS bigint[])) AS t (day, amount)
      GROUP BY day
    ), kept AS (
      SELECT day, sum(amount)::bigint AS amount FROM partner_deliveries
      WHERE round_id = :round_id AND component = :component AND origin = :origin GROUP BY day
    )
    INSERT INTO partner_deliveries (id, round_id, component, day, origin, amount, at)
    SELECT gen_random_uuid(), :round_id, :component, coalesce(told.day, kept.day), :origin,
      coalesce(told.amount, 0) - coalesce(kept.amount, 0), :at
    FROM told FULL JOIN kept ON kept.day = told.day
    WHERE coalesce(told.amount, 0) <> coalesce(kept.amount, 0)
""")


async def record_days(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    component: str,
    origin: Origin,
    days: Sequence[Day],
    at: datetime,
) -> int:
    """Add what the books say differently from what was recorded of this origin before; answers how
    many days differ. `days`: all of them, each once. Lock the round first."""
    values = {"round_id": round_id, "component": component, "origin": origin, "at": at}
    values |= {"days": [one.day for one in days], "amounts": [one.amount for one in days]}
    return (await conn.execute(RECORD, values)).rowcount


async def add_by_hand(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    component: str,
    day: date,
    amount: int,
    note: str,
    author_id: PersonId,
    at: datetime,
) -> UUID:
    """Record what no book of ours knows; a mistake is put right by the opposite amount.

    Raises BadTerms.
    """
    if amount == 0 or abs(amount) > MOST_AMOUNT:
        raise BadTerms(field="amount", reason="out_of_range")
    if not 1 <= len(note.strip()) <= 500:
        raise BadTerms(field="note", reason="empty" if not note.strip() else "too_long")
    delivery_id = new_id()
    row = {"id": delivery_id, "round_id": round_id, "component": component, "day": day, "at": at}
    row |= {"origin": "manual", "amount": amount, "author_id": author_id, "note": note.strip()}
    await conn.execute(insert(partner_deliveries).values(row))
    return delivery_id


class Accrual(msgspec.Struct, frozen=True):
    """A booking to make: `change_minor` more (or less) than was booked before."""

    number: int
    change_minor: int


async def accrue(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    component: str,
    delivered: int,
    total_minor: int,
    at: datetime,
) -> Accrual | None:
    """Note that a rebate comes to `total_minor` by now; None when that is booked already."""
    asked = (
        select(partner_accruals.c.number, partner_accruals.c.total_minor)
        .where(partner_accruals.c.round_id == round_id)
        .where(partner_accruals.c.component == component)
        .order_by(partner_accruals.c.number.desc())
        .limit(1)
    )
    last = (await conn.execute(asked)).one_or_none()
    before = last.total_minor if last else 0
    if total_minor == before:
        return None
    number = last.number + 1 if last else 1
    row = {"id": new_id(), "round_id": round_id, "component": component, "number": number, "at": at}
    await conn.execute(
        insert(partner_accruals).values(**row, delivered=delivered, total_minor=total_minor)
    )
    return Accrual(number, total_minor - before)


async def tell_shortfall(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    component: str,
    committed: int,
    forecast: int,
    at: datetime,
) -> bool:
    """Raise the alarm that less is to come than was promised; False when it is raised already."""
    made = await conn.execute(
        text("""
            INSERT INTO partner_alarms (id, round_id, component, committed, forecast, raised_at)
            VALUES (:id, :round_id, :component, :committed, :forecast, :at)
            ON CONFLICT (round_id, component) WHERE cleared_at IS NULL DO NOTHING
        """),
        {"id": new_id(), "round_id": round_id, "component": component, "committed": committed,
         "forecast": forecast, "at": at},
    )  # fmt: skip
    if made.rowcount != 1:
        return False
    facts = {"component": component, "committed": committed, "forecast": forecast}
    await events.record(
        conn, "partners.shortfall_expected", subject_id=round_id, at=at, facts=facts
    )
    return True


async def clear_shortfall(
    conn: AsyncConnection, *, round_id: RoundId, component: str, at: datetime
) -> bool:
    """Enough is to come again; False when no alarm was raised."""
    change = (
        update(partner_alarms)
        .where(partner_alarms.c.round_id == round_id, partner_alarms.c.component == component)
        .where(partner_alarms.c.cleared_at.is_(None))
        .values(cleared_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        return False
    facts = {"component": component}
    await events.record(conn, "partners.shortfall_over", subject_id=round_id, at=at, facts=facts)
    return True


async def make_statement(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    currency: str,
    lines: Sequence[Line],
    at: datetime,
) -> UUID | None:
    """The true-up of a round, once; None when it is made already."""
    statement_id = new_id()
    made = await conn.execute(
        text("""
            INSERT INTO partner_statements (id, round_id, currency, made_at)
            VALUES (:id, :round_id, :currency, :at) ON CONFLICT (round_id) DO NOTHING
        """),
        {"id": statement_id, "round_id": round_id, "currency": currency, "at": at},
    )
    if made.rowcount != 1:
        return None
    rows = [_row(statement_id, number, line) for number, line in enumerate(lines, start=1)]
    if rows:
        await conn.execute(insert(partner_statement_lines), rows)
    facts = {"lines": len(rows)}
    await events.record(conn, "partners.statement_made", subject_id=round_id, at=at, facts=facts)
    return statement_id


def _row(statement_id: UUID, number: int, line: Line) -> dict[str, Any]:
    said = msgspec.structs.asdict(line)
    component = said.pop("kind")
    return said | {
        "id": new_id(),
        "statement_id": statement_id,
        "line_no": number,
        "component": component,
    }


DELIVERED = text("""
    SELECT component, sum(amount)::bigint AS amount FROM partner_deliveries
    WHERE round_id = :round_id GROUP BY component
""")


async def delivered_of(conn: AsyncConnection, round_id: RoundId) -> dict[str, int]:
    """Component to what it has brought so far, in its unit."""
    rows: Sequence[RowMapping] = (
        (await conn.execute(DELIVERED, {"round_id": round_id})).mappings().all()
    )
    return {row["component"]: row["amount"] for row in rows}
