"""Reconciliation as the operator sees it: runs, what they found, payment files, cases."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.infra.db import like_literal
from dougong.settlement.rules import AGES


class SourceName(msgspec.Struct, frozen=True):
    code: str
    name_zh: str
    name_en: str
    partner_id: UUID | None


async def source_names(conn: AsyncConnection) -> dict[str, SourceName]:
    found = await conn.execute(
        text("SELECT code, name_zh, name_en, partner_id FROM sources ORDER BY code")
    )
    return {row["code"]: SourceName(**row) for row in found.mappings()}


class RunRow(msgspec.Struct, frozen=True):
    """A run; its period is [starts_at, ends_at)."""

    id: UUID
    source: str
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    state: str
    step: str
    inputs: dict[str, Any]
    terms: dict[str, Any]
    sides: list[dict[str, Any]]
    orders: int
    differences: int
    carried: int
    settled_themselves: int
    failure: str
    started_at: datetime
    ended_at: datetime | None
    starter: str | None


RUNS = text("""
    SELECT n.id, n.source, n.starts_at, n.ends_at, n.as_of, n.state, n.step, n.inputs, n.terms,
      n.sides, n.orders, n.differences, n.carried, n.settled_themselves, n.failure, n.started_at,
      n.ended_at, p.name AS starter
    FROM reconciliation_runs n LEFT JOIN people p ON p.id = n.started_by
    WHERE (:source = '' OR n.source = :source)
      AND (CAST(:id AS uuid) IS NULL OR n.id = :id)
      AND (CAST(:before AS timestamptz) IS NULL OR (n.started_at, n.id) < (:before, :before_id))
    ORDER BY n.started_at DESC, n.id DESC LIMIT :most
""")


async def run_rows(
    conn: AsyncConnection, *, source: str, before: tuple[datetime, UUID] | None, most: int
) -> list[RunRow]:
    """The newest first."""
    at, run_id = before or (None, None)
    where = {"source": source, "before": at, "before_id": run_id, "most": most, "id": None}
    return [RunRow(**row) for row in (await conn.execute(RUNS, where)).mappings()]


async def one_run(conn: AsyncConnection, *, run_id: UUID) -> RunRow:
    """Raises NotFound."""
    where = {"source": "", "before": None, "before_id": None, "most": 1, "id": run_id}
    row = (await conn.execute(RUNS, where)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return RunRow(**row)


class SumRow(msgspec.Struct, frozen=True):
    currency: str
    outcome: str
    orders: int
    ours_minor: int
    theirs_minor: int
    received_minor: int
    gap_minor: int


SUMS = text("""
    SELECT currency::text, outcome, orders, ours_minor, theirs_minor, received_minor, gap_minor
    FROM reconciliation_sums WHERE run_id = :run_id ORDER BY currency, orders DESC, outcome
""")


async def sums_of(conn: AsyncConnection, *, run_id: UUID) -> list[SumRow]:
    return [SumRow(**row) for row in (await conn.execute(SUMS, {"run_id": run_id})).mappings()]


class ReasonRow(msgspec.Struct, frozen=True):
    """Differences of one reason and currency; `ages`: how many in each bucket of `AGES`."""

    outcome: str
    reason: str
    currency: str
    orders: int
    gap_minor: int
    ages: list[int]


REASONS = text("""
    SELECT outcome, reason, currency::text, count(*) AS orders, sum(gap_minor)::bigint AS gap_minor,
      ARRAY[count(*) FILTER (WHERE age_days <= :week),
        count(*) FILTER (WHERE age_days > :week AND age_days <= :month),
        count(*) FILTER (WHERE age_days > :month AND age_days <= :two),
        count(*) FILTER (WHERE age_days > :two AND age_days <= :three),
        count(*) FILTER (WHERE age_days > :three)] AS ages
    FROM reconciliation_rows WHERE run_id = :run_id
    GROUP BY outcome, reason, currency ORDER BY orders DESC, outcome, reason, currency
""")


async def reasons_of(conn: AsyncConnection, *, run_id: UUID) -> list[ReasonRow]:
    week, month, two, three = AGES
    where = {"run_id": run_id, "week": week, "month": month, "two": two, "three": three}
    return [ReasonRow(**row) for row in (await conn.execute(REASONS, where)).mappings()]


class DifferenceRow(msgspec.Struct, frozen=True):
    """One order that did not agree, with where its case stands now."""

    case_id: UUID
    subject: str
    currency: str
    outcome: str
    reason: str
    detail: str
    ours_minor: int | None
    booked_minor: int
    theirs_minor: int | None
    received_minor: int | None
    gap_minor: int
    order_at: datetime
    age_days: int
    state: str


DIFFERENCES = text("""
    SELECT r.case_id, r.subject, r.currency::text, r.outcome, r.reason, r.detail, r.ours_minor,
      r.booked_minor, r.theirs_minor, r.received_minor, r.gap_minor, r.order_at, r.age_days, c.state
    FROM reconciliation_rows r JOIN reconciliation_cases c ON c.id = r.case_id
    WHERE r.run_id = :run_id
      AND (:outcome = '' OR r.outcome = :outcome)
      AND (:reason = '' OR r.reason = :reason)
      AND (:state = '' OR c.state = :state)
      AND (:age < 0 OR r.age_days BETWEEN :age_from AND :age_to)
      AND (:prefix = '' OR r.subject LIKE :prefix || '%')
      AND (CAST(:after_gap AS bigint) IS NULL
        OR (-abs(r.gap_minor), r.case_id) > (-CAST(:after_gap AS bigint), :after_id))
    ORDER BY abs(r.gap_minor) DESC, r.case_id LIMIT :most
""")
LONGEST_AGE = 1_000_000


async def differences_of(
    conn: AsyncConnection,
    *,
    run_id: UUID,
    outcome: str = "",
    reason: str = "",
    state: str = "",
    age: int = -1,
    q: str = "",
    after: tuple[int, UUID] | None = None,
    most: int,
) -> list[DifferenceRow]:
    """The largest gaps first. `age`: a bucket of `AGES`, or -1; `q`: how a number begins."""
    limits = (-1, *AGES, LONGEST_AGE)
    bucket = age if 0 <= age <= len(AGES) else 0
    gap, case_id = after or (None, None)
    where = {
        "run_id": run_id,
        "outcome": outcome,
        "reason": reason,
        "state": state,
        "age": age,
        "age_from": limits[bucket] + 1,
        "age_to": limits[bucket + 1],
        "prefix": like_literal(q.strip()),
        "after_gap": gap,
        "after_id": case_id,
        "most": most,
    }
    found = await conn.execute(DIFFERENCES, where)
    return [DifferenceRow(**row) for row in found.mappings()]


class FileRow(msgspec.Struct, frozen=True):
    id: UUID
    source: str
    mapping: str
    file_name: str
    state: str
    rows_total: int
    rows_taken: int
    rows_repeated: int
    rows_parked: int
    rows_refused: int
    failure: str
    failure_field: str
    started_at: datetime
    starter: str | None
    problems: list[dict[str, Any]]


FILES = text("""
    SELECT f.id, f.source, f.mapping, f.file_name, f.state, f.rows_total, f.rows_taken,
      f.rows_repeated, f.rows_parked, f.rows_refused, f.failure, f.failure_field, f.started_at,
      p.name AS starter, coalesce((
        SELECT json_agg(x ORDER BY x.line) FROM (
          SELECT line, outcome, field, reason, value FROM receipt_problems
          WHERE file_id = f.id ORDER BY line LIMIT :most_problems) x), '[]') AS problems
    FROM receipt_files f LEFT JOIN people p ON p.id = f.started_by
    WHERE (CAST(:id AS uuid) IS NULL OR f.id = :id)
    ORDER BY f.started_at DESC, f.id DESC LIMIT :most
""")


async def file_rows(conn: AsyncConnection, *, most: int) -> list[FileRow]:
    """Payment files, the newest first, each with the first rows that were not taken."""
    where = {"id": None, "most": most, "most_problems": 20}
    return [FileRow(**row) for row in (await conn.execute(FILES, where)).mappings()]


async def payment_file(conn: AsyncConnection, *, file_id: UUID) -> FileRow:
    where = {"id": file_id, "most": 1, "most_problems": 1_000}
    return FileRow(**(await conn.execute(FILES, where)).mappings().one())


async def told_run(conn: AsyncConnection, *, run_id: UUID) -> dict[str, Any]:
    """A run as plain data: for the command line."""
    run = msgspec.to_builtins(await one_run(conn, run_id=run_id))
    run["sums"] = msgspec.to_builtins(await sums_of(conn, run_id=run_id))
    run["reasons"] = msgspec.to_builtins(await reasons_of(conn, run_id=run_id))
    return dict(run)
