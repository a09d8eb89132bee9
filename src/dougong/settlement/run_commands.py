"""Writes runs: begun, their differences put in at once, their cases opened or carried over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.sql import SQL
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, new_id
from dougong.settlement.compare import Side, Sum
from dougong.settlement.tables import reconciliation_runs, reconciliation_sums

PIECE_BYTES = 1_048_576
LONGEST_DAYS = 1_100


async def begin_run(
    conn: AsyncConnection,
    *,
    source: str,
    starts: datetime,
    ends: datetime,
    inputs: Mapping[str, Any],
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    """A run of [starts, ends) that waits for its job. Raises BadInput."""
    if not starts < ends or (ends - starts).days > LONGEST_DAYS:
        raise BadInput(field="to", reason="period")
    run_id = new_id()
    row = {"id": run_id, "source": source, "starts_at": starts, "ends_at": ends, "as_of": at}
    row |= {"state": "waiting", "inputs": dict(inputs), "started_by": started_by}
    await conn.execute(insert(reconciliation_runs).values(**row, started_at=at))
    return run_id


async def note_step(conn: AsyncConnection, *, run_id: UUID, step: str) -> None:
    await _change(conn, run_id, {"state": "running", "step": step})


async def fail_run(conn: AsyncConnection, *, run_id: UUID, why: str, at: datetime) -> None:
    await _change(conn, run_id, {"state": "failed", "failure": why, "ended_at": at})


async def end_run(
    conn: AsyncConnection,
    *,
    run_id: UUID,
    facts: Mapping[str, Any],
    sums: Sequence[Sum],
    sides: Sequence[Side],
    at: datetime,
) -> None:
    """facts: inputs, terms, differences, carried, settled_themselves."""
    if sums:
        rows = [
            {"run_id": run_id, "currency": s.currency, "outcome": s.outcome, "orders": s.orders,
             "ours_minor": s.ours_minor, "theirs_minor": s.theirs_minor,
             "received_minor": s.received_minor, "gap_minor": s.gap_minor}
            for s in sums
        ]  # fmt: skip
        await conn.execute(insert(reconciliation_sums), rows)
    told = [
        {"side": s.side, "currency": s.currency, "phase": s.phase, "orders": s.orders,
         "amount_minor": s.amount_minor}
        for s in sides
    ]  # fmt: skip
    done = {"state": "done", "step": "done", "sides": told, "ended_at": at}
    await _change(conn, run_id, done | {"orders": sum(s.orders for s in sums), **facts})


async def _change(conn: AsyncConnection, run_id: UUID, values: Mapping[str, Any]) -> None:
    change = (
        update(reconciliation_runs)
        .where(reconciliation_runs.c.id == run_id)
        .where(reconciliation_runs.c.state.in_(("waiting", "running")))
        .values(values)
    )
    await conn.execute(change)


ROWS = SQL("""
    COPY reconciliation_rows (run_id, case_id, subject, currency, outcome, reason, detail,
      ours_minor, booked_minor, theirs_minor, received_minor, gap_minor, order_at, since_at,
      age_days)
    FROM STDIN (FORMAT csv)
""")


async def put_rows(conn: AsyncConnection, file: Path) -> None:
    """Differences as `Comparison.write` wrote them."""
    driver: Any = (await conn.get_raw_connection()).driver_connection
    async with driver.cursor() as cursor, cursor.copy(ROWS) as copy:
        with file.open("rb") as source:
            while piece := source.read(PIECE_BYTES):
                await copy.write(piece)


CARRIED = text("""
    SELECT count(*) FROM reconciliation_rows r JOIN reconciliation_cases c ON c.id = r.case_id
    WHERE r.run_id = :run_id AND c.state NOT IN ('closed', 'accepted')
""")
# A case that was decided is opened again when what is wrong with its order has changed.
REOPENED = text("""
    INSERT INTO reconciliation_notes
      (id, case_id, run_id, side, from_state, to_state, note, at)
    SELECT gen_random_uuid(), c.id, r.run_id, 'platform', c.state, 'open', 'run:changed', :at
    FROM reconciliation_rows r JOIN reconciliation_cases c ON c.id = r.case_id
    WHERE r.run_id = :run_id AND c.state IN ('closed', 'accepted')
      AND (c.outcome, c.reason, c.gap_minor) <> (r.outcome, r.reason, r.gap_minor)
""")
CASES = text("""
    INSERT INTO reconciliation_cases AS c (id, source, subject, currency, state, outcome, reason,
      gap_minor, order_at, first_run_id, last_run_id, opened_at, changed_at)
    SELECT r.case_id, :source, r.subject, r.currency, 'open', r.outcome, r.reason, r.gap_minor,
      r.order_at, r.run_id, r.run_id, :at, :at
    FROM reconciliation_rows r WHERE r.run_id = :run_id
    ON CONFLICT (id) DO UPDATE SET currency = excluded.currency, outcome = excluded.outcome,
      reason = excluded.reason, gap_minor = excluded.gap_minor, order_at = excluded.order_at,
      last_run_id = excluded.last_run_id,
      state = CASE WHEN c.state IN ('closed', 'accepted')
        AND (c.outcome, c.reason, c.gap_minor)
          <> (excluded.outcome, excluded.reason, excluded.gap_minor) THEN 'open' ELSE c.state END,
      changed_at = CASE WHEN (c.outcome, c.reason, c.gap_minor)
          <> (excluded.outcome, excluded.reason, excluded.gap_minor) THEN :at ELSE c.changed_at END
""")
# What a run has looked at again and found in order needs nobody any more. A difference of a whole
# period's money is looked at again only by a run of the same period.
GONE = text("""
    WITH gone AS (
      SELECT c.id, c.state FROM reconciliation_cases c
      JOIN reconciliation_runs l ON l.id = c.last_run_id
      WHERE c.source = :source AND c.state NOT IN ('closed', 'accepted', 'to_approve')
        AND c.order_at >= :starts AND c.order_at < :ends AND c.last_run_id <> :run_id
        AND (c.subject NOT LIKE 'period %' OR (l.starts_at, l.ends_at) = (:starts, :ends))
      FOR UPDATE OF c
    ), told AS (
      INSERT INTO reconciliation_notes (id, case_id, run_id, side, from_state, to_state, note, at)
      SELECT gen_random_uuid(), id, :run_id, 'platform', state, 'closed', 'run:agrees', :at
      FROM gone
    )
    UPDATE reconciliation_cases c SET state = 'closed', last_run_id = :run_id, changed_at = :at
    FROM gone WHERE c.id = gone.id
""")


async def carry_over(
    conn: AsyncConnection,
    *,
    run_id: UUID,
    source: str,
    starts: datetime,
    ends: datetime,
    at: datetime,
) -> tuple[int, int]:
    """Open a case for each difference of the run, or carry the order's own case over; close those
    whose orders agree now. Answers how many were carried over, and how many have gone."""
    where = {"run_id": run_id}
    carried: int = (await conn.execute(CARRIED, where)).scalar_one()
    await conn.execute(REOPENED, where | {"at": at})
    await conn.execute(CASES, where | {"source": source, "at": at})
    window = {"source": source, "starts": starts, "ends": ends}
    gone = await conn.execute(GONE, where | window | {"at": at})
    return carried, gone.rowcount
