"""Writes how an import goes, so that a page can show its progress and its report."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.catalog.rules import clean_text
from dougong.catalog.tables import import_runs

MAX_FILE_NAME = 200


async def begin_run(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    kind: str,
    file_name: str,
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    run_id = new_id()
    name = "".join(c if c.isprintable() else " " for c in file_name)[-MAX_FILE_NAME:]
    row = {
        "store_id": store_id,
        "id": run_id,
        "kind": kind,
        "file_name": clean_text(name, field="file", most=MAX_FILE_NAME),
        "state": "waiting",
        "started_by": started_by,
        "started_at": at,
    }
    await conn.execute(insert(import_runs).values(row))
    return run_id


async def note_progress(
    conn: AsyncConnection, *, store_id: StoreId, run_id: UUID, total: int, done: int, bad: int
) -> None:
    """Rows so far."""
    await _change(
        conn,
        store_id,
        run_id,
        {"state": "running", "rows_total": total, "rows_done": done, "rows_bad": bad},
    )


async def end_run(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    run_id: UUID,
    state: str,
    report: Mapping[str, Any],
    at: datetime,
) -> None:
    """state: done or failed; report: as the flow made it, with `rows` and `bad_rows`."""
    values = {"state": state, "report": dict(report), "ended_at": at}
    if state == "done":
        values["rows_total"] = values["rows_done"] = report["rows"]
        values["rows_bad"] = report["bad_rows"]
    await _change(conn, store_id, run_id, values)


async def _change(
    conn: AsyncConnection, store_id: StoreId, run_id: UUID, values: Mapping[str, Any]
) -> None:
    change = (
        update(import_runs)
        .where(import_runs.c.store_id == store_id, import_runs.c.id == run_id)
        .where(import_runs.c.state.in_(("waiting", "running")))
        .values(values)
    )
    await conn.execute(change)


async def run_of(conn: AsyncConnection, *, store_id: StoreId, run_id: UUID) -> Any:
    """One run's row. Raises NotFound."""
    found = await conn.execute(
        select(import_runs).where(import_runs.c.store_id == store_id, import_runs.c.id == run_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row
