"""A source reports orders: in a file, which is kept, or by an event. Every row is taken once.

A file streams piece by piece, each piece in a transaction of its own that notes how far it came;
cut off in the middle it goes on from there.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import PersonId
from dougong.base.money import FULL_BP
from dougong.flows.take_reported import (
    EVENT,
    BadRow,
    Taken,
    Told,
    raw_of,
    read_again,
    take_rows,
)
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.referral_claims import partners_of
from dougong.referrals.commands import Counts, begin_report, end_report, note_report
from dougong.referrals.mapping_rules import Mapping, Problem, read_row
from dougong.referrals.mappings import mapping_of
from dougong.referrals.order_rules import Outcome, Reported
from dougong.referrals.queries import report_of, row_to_retry
from dougong.referrals.report_files import MAX_BYTES, RawRow, ReportFile
from dougong.referrals.rules import BadReport, UnknownMapping

ROWS_PER_PIECE = 2_000
MOST_TOLD = 5_000  # bad rows that a report lists; all of them are kept

Progress = Callable[[int, Counts], Awaitable[None]]


class ReportResult(msgspec.Struct, kw_only=True):
    """What became of a file. `rows` is the sum of the five counts; `failure`: not read at all."""

    report_id: UUID
    source: str
    mapping: str
    rows: int
    applied: int
    repeated: int
    stale: int
    parked: int
    refused: int
    bad: list[BadRow]
    failure: str = ""
    field: str = ""


def kept_file(report_id: UUID) -> Path:
    """Where a report's file is kept, as it came: evidence of what a source has told."""
    return settings().data_dir / "reports" / str(report_id)


async def start_report(
    conn: AsyncConnection,
    *,
    source: str,
    mapping: str,
    file_name: str,
    data: bytes,
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    """Keep the file and queue its reading; the report's row tells how it goes.

    Raises NotFound (source), UnknownMapping, BadReport (empty, too_big, bad_mapping).
    """
    report_id = await _begin(
        conn,
        source=source,
        mapping=mapping,
        file_name=file_name,
        data=data,
        started_by=started_by,
        at=at,
    )
    await defer(conn, "referrals.read_report", lock=f"referrals:{source}", report_id=str(report_id))
    return report_id


async def _begin(
    conn: AsyncConnection,
    *,
    source: str,
    mapping: str,
    file_name: str,
    data: bytes,
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    mapping_of(mapping)
    if source not in await partners_of(conn, sources=[source]):
        raise NotFound(field="source")
    if not data.strip():
        raise BadReport(field="file", why="empty")
    if len(data) > MAX_BYTES:
        raise BadReport(field="file", why="too_big")
    report_id = await begin_report(
        conn,
        source=source,
        mapping=mapping,
        file_name=file_name,
        file_hash=hashlib.sha256(data).digest(),
        size=len(data),
        started_by=started_by,
        at=at,
    )
    target = kept_file(report_id)

    def keep() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    await asyncio.to_thread(keep)
    return report_id


@task("referrals.read_report", retries=3)
async def read_kept_report(report_id: str) -> None:
    """Read a kept file to its end, noting progress."""
    await read_report_file(report_id=UUID(report_id))


async def import_report(
    *,
    source: str,
    mapping: str,
    file_name: str,
    data: bytes,
    started_by: PersonId | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ReportResult:
    """Read a file now; the same file again changes nothing. `on_progress` hears rows done.

    Raises what `start_report` raises; a file that cannot be read at all is told in `failure`.
    """
    async with transaction() as conn:
        at = await clock.refresh(conn)
        report_id = await _begin(
            conn,
            source=source,
            mapping=mapping,
            file_name=file_name,
            data=data,
            started_by=started_by,
            at=at,
        )

    async def tell(done: int, _: Counts) -> None:
        on_progress(done)

    await read_report_file(report_id=report_id, progress=tell)
    async with transaction() as conn:
        return await result_of(conn, report_id=report_id)


async def read_report_file(*, report_id: UUID, progress: Progress | None = None) -> None:
    """Take the rows of a kept file that were not read yet; one that is no report ends `failed`.

    Raises ReadElsewhere when the same file is being read by somebody else.
    """
    async with transaction() as conn:
        at = await clock.refresh(conn)
        report = await report_of(conn, report_id=report_id)
    if report.state not in ("waiting", "running"):
        return
    failure: Refusal | None = None
    try:
        mapping = mapping_of(report.mapping)
        with await asyncio.to_thread(ReportFile, kept_file(report_id), mapping) as file:
            await _read_on(file, mapping, report, at=at, progress=progress)
    except FileNotFoundError:
        failure = BadReport(field="file", why="file_gone")
    except (BadReport, UnknownMapping) as refusal:
        failure = refusal
    async with transaction() as conn:
        await end_report(
            conn,
            report_id=report_id,
            at=at,
            failure=_why(failure) if failure else "",
            field=str(failure.facts.get("columns") or failure.field or "") if failure else "",
        )


async def _read_on(
    file: ReportFile,
    mapping: Mapping,
    report: Any,
    *,
    at: datetime,
    progress: Progress | None,
) -> None:
    """Piece by piece, from where the report's row says that it has come."""
    counts = Counts(**{f: getattr(report, f"rows_{f}") for f in Counts.__struct_fields__})
    done, told = report.rows_done, len(report.bad)
    rows = file.rows(after=done)
    while piece := await asyncio.to_thread(_piece, rows, mapping):
        async with transaction(slow=True) as conn:
            taken = await take_rows(
                conn,
                source=report.source,
                mapping=report.mapping,
                report_id=report.id,
                rows=piece,
                at=at,
            )
            counts.add(taken.counts)
            bad = taken.bad[: max(0, MOST_TOLD - told)]
            await note_report(
                conn,
                report_id=report.id,
                before=done,
                done=done + len(piece),
                bytes_done=min(file.bytes_read, file.size),
                counts=counts,
                bad=bad,
            )
        done, told = done + len(piece), told + len(bad)
        if progress:
            await progress(done, counts)


def share_read(report: Any) -> int:
    """How much of its file a report's row says to have been read, in basis points."""
    return int(report.bytes_done * FULL_BP // max(report.bytes_total, 1))


def _why(failure: Refusal) -> str:
    return str(failure.facts.get("why", failure.code))


def _piece(rows: Iterator[RawRow], mapping: Mapping) -> list[Told]:
    return [_told(raw, mapping) for raw in islice(rows, ROWS_PER_PIECE)]


def _told(raw: RawRow, mapping: Mapping) -> Told:
    if raw.why:
        cells = {**raw.cells, "line": str(raw.line)}  # nothing else tells such rows apart
        return Told(raw=cells, says=Problem("", raw.why), line=raw.line)
    cells = {field: value for field, value in raw.cells.items() if value}
    return Told(raw=cells, says=read_row(mapping, raw.cells), line=raw.line)


async def result_of(conn: AsyncConnection, *, report_id: UUID) -> ReportResult:
    """A report with its bad rows, as they were when it was read. Raises NotFound."""
    report = await report_of(conn, report_id=report_id)
    return ReportResult(
        report_id=report_id,
        source=report.source,
        mapping=report.mapping,
        rows=report.rows_done,
        applied=report.rows_applied,
        repeated=report.rows_repeated,
        stale=report.rows_stale,
        parked=report.rows_parked,
        refused=report.rows_refused,
        bad=msgspec.convert(report.bad, list[BadRow]),
        failure=report.failure,
        field=report.failure_field,
    )


# by an event, or once more ------------------------------------------------------------------------


async def order_reported(
    conn: AsyncConnection, *, source: str, row: Reported, told_by: str, at: datetime
) -> Outcome:
    """A source tells of one order by itself: what a report's row would do. `told_by`: the protocol.

    A repeat changes nothing, and is answered as applied. Raises NotFound for an unknown source.
    """
    if source not in await partners_of(conn, sources=[source]):
        raise NotFound(field="source")
    taken = await take_rows(
        conn,
        source=source,
        mapping=EVENT + told_by,
        report_id=None,
        rows=[Told(raw=raw_of(row), says=row)],
        at=at,
    )
    for outcome in Outcome:
        if getattr(taken.counts, outcome.value):
            return outcome
    return Outcome.APPLIED


async def retry_row(conn: AsyncConnection, *, row_id: UUID, at: datetime) -> Taken:
    """Look at a parked or refused row once more: its mapping, its clicks may be there now.

    Raises NotFound for a row that is not bad.
    """
    row = await row_to_retry(conn, row_id=row_id)
    told = Told(raw=row.raw, says=read_again(row.mapping, row.raw), line=row.line)
    return await take_rows(
        conn,
        source=row.source,
        mapping=row.mapping,
        report_id=row.report_id,
        rows=[told],
        at=at,
    )
