"""A reconciliation with a partner: three sides read from one snapshot, compared, kept as a run."""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import PersonId
from dougong.infra import clock
from dougong.infra.db import snapshot, transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.reconciliation_inputs import (
    Sides,
    inputs_of,
    lumps_of,
    source_partner,
    write_sides,
)
from dougong.settlement.compare import Comparison, Side, Sum, compared, microseconds
from dougong.settlement.queries import run_of, terms_at
from dougong.settlement.rules import AGREED, Terms
from dougong.settlement.run_commands import (
    begin_run,
    carry_over,
    end_run,
    fail_run,
    note_step,
    put_rows,
)
from dougong.settlement.statement_files import Statement, take_statement


class UnknownSource(NotFound):
    """There is no such source."""

    code = "unknown_source"


class _Read(NamedTuple):
    """What a run compares, as its snapshot says."""

    sides: Sides
    terms: dict[str, tuple[UUID, Terms]]
    lumps: dict[str, int]
    inputs: dict[str, Any]


class _Found(NamedTuple):
    sums: list[Sum]
    sides: list[Side]
    differences: int


def _folder(run_id: UUID) -> Path:
    return settings().data_dir / "reconcile" / str(run_id)


async def start_run(
    conn: AsyncConnection,
    *,
    source: str,
    starts: datetime,
    ends: datetime,
    started_by: PersonId | None,
    at: datetime,
    statement: tuple[str, bytes] | None = None,
    is_queued: bool = True,
) -> UUID:
    """Queue a run of [starts, ends); its row tells how it goes. Not `is_queued`: the caller
    reconciles it itself. `statement`: name and bytes of the
    partner's own list of orders, which is compared in place of the reports that we took.

    Raises UnknownSource, BadInput.
    """
    if not (await source_partner(conn, source=source))[0]:
        raise UnknownSource(field="source")
    inputs = {"statement": statement[0]} if statement else {}
    run_id = await begin_run(
        conn, source=source, starts=starts, ends=ends, inputs=inputs, started_by=started_by, at=at
    )
    if statement:
        await asyncio.to_thread(_keep, _folder(run_id) / "statement", statement[1])
    if is_queued:
        await defer(conn, "flows.reconcile", lock=f"reconcile:{source}", run_id=str(run_id))
    facts = {"source": source, "from": starts.isoformat(), "to": ends.isoformat()}
    await audit(
        conn,
        at=at,
        person_id=started_by,
        action="settlement.reconciled",
        subject=str(run_id),
        facts=facts,
    )
    return run_id


def _keep(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


@task("flows.reconcile", retries=3)
async def run_queued(run_id: str) -> None:
    """Cut off in the middle it starts again: nothing is kept before the end."""
    await reconcile(UUID(run_id))


async def reconcile(run_id: UUID) -> None:
    """Compare, and keep what came of it; what is done already is left alone. Raises RunNotFound."""
    async with transaction() as conn:
        run = await run_of(conn, run_id=run_id)
        if run.state in ("done", "failed"):
            return
        await note_step(conn, run_id=run_id, step="reading")
    folder = _folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        read, statement = await _read(run, folder)
        await _tell(run_id, "comparing")
        found = await asyncio.to_thread(_compare, run, read, folder)
        await _tell(run_id, "writing")
        await _keep_run(run, read, statement, found, folder / "rows.csv")
    except Refusal as refusal:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            why = str(refusal.facts.get("why", refusal.code))
            await fail_run(conn, run_id=run_id, why=why, at=at)
    await asyncio.to_thread(shutil.rmtree, folder)


async def _tell(run_id: UUID, step: str) -> None:
    async with transaction() as conn:
        await note_step(conn, run_id=run_id, step=step)


async def _read(run: Any, folder: Path) -> tuple[_Read, Statement | None]:
    window = {"source": run.source, "starts": run.starts_at, "ends": run.ends_at}
    file = folder / "statement"
    has_file = "statement" in run.inputs
    async with snapshot(slow=True) as conn:
        sides = await write_sides(
            conn, **window, as_of=run.as_of, folder=folder, with_report=not has_file
        )
        terms = await terms_at(conn, source=run.source, at=run.as_of)
        lumps = await lumps_of(conn, **window, as_of=run.as_of)
        inputs = await inputs_of(conn, **window, as_of=run.as_of)
    statement = None
    if has_file:
        statement = await asyncio.to_thread(
            take_statement,
            file,
            sides.theirs,
            starts_us=microseconds(run.starts_at),
            ends_us=microseconds(run.ends_at),
        )
        inputs["reports"] = []
        inputs["statement"] = {"file_name": run.inputs["statement"]} | msgspec.to_builtins(
            statement
        )
    return _Read(sides, terms, lumps, inputs), statement


def comparison(
    sides: Sides,
    *,
    terms: Mapping[str, Terms],
    lumps: Mapping[str, int],
    starts: datetime,
    ends: datetime,
    as_of: datetime,
    folder: Path,
) -> AbstractContextManager[Comparison]:
    """The comparison of three files that were written for [starts, ends)."""
    return compared(
        *sides,
        terms=terms,
        lumps=lumps,
        lump_subject=f"period {starts:%Y%m%dT%H%MZ}/{ends:%Y%m%dT%H%MZ}",
        starts_us=microseconds(starts),
        as_of_us=microseconds(as_of),
        beside=folder,
    )


def _compare(run: Any, read: _Read, folder: Path) -> _Found:
    with comparison(
        read.sides,
        terms={currency: terms for currency, (_, terms) in read.terms.items()},
        lumps=read.lumps,
        starts=run.starts_at,
        ends=run.ends_at,
        as_of=run.as_of,
        folder=folder,
    ) as found:
        found.write(folder / "rows.csv", run_id=run.id, source=run.source)
        sums = found.sums()
        differences = sum(one.orders for one in sums if one.outcome not in AGREED)
        return _Found(sums, found.sides(), differences)


async def _keep_run(
    run: Any, read: _Read, statement: Statement | None, found: _Found, rows: Path
) -> None:
    terms = {
        currency: {"id": str(row_id), **msgspec.to_builtins(one)}
        for currency, (row_id, one) in read.terms.items()
    }
    async with transaction(slow=True) as conn:
        at = await clock.refresh(conn)
        await put_rows(conn, rows)
        carried, gone = await carry_over(
            conn,
            run_id=run.id,
            source=run.source,
            starts=run.starts_at,
            ends=run.ends_at,
            at=at,
        )
        facts = {"inputs": read.inputs, "terms": terms, "differences": found.differences}
        facts |= {"carried": carried, "settled_themselves": gone}
        await end_run(conn, run_id=run.id, facts=facts, sums=found.sums, sides=found.sides, at=at)
        await record(
            conn,
            "settlement.reconciled",
            subject_id=run.id,
            at=at,
            facts={"source": run.source, "differences": found.differences, "carried": carried},
        )
