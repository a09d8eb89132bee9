"""Writes how an import goes, so that a page can show its progress and its report."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
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
    await begin_once(
        conn,
        run_id=run_id,
        store_id=store_id,
        kind=kind,
        file_name=file_name,
        started_by=started_by,
        at=at,
    )
    return run_id


async def begin_once(
    conn: AsyncConnection,
    *,
    run_id: UUID,
    store_id: StoreId,
    kind: str,
    file_name: str,
    started_by: PersonId | None,
    at: datetime,
) -> bool:
    """`run_id`: the caller's key; False when a run of the store has it already."""
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
    found = await conn.execute(
        insert(import_runs).values(row).on_conflict_do_nothing().returning(import_runs.c.id)
    )
    return found.one_or_none() is not None


async def note_progress(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    run_id: UUID,
    total: int,
    done: int,
    bad: int,
    report: Mapping[str, Any] | None = None,
) -> None:
    """Rows so far; `report`: what is known of them, for an import that goes on from there."""
    values: dict[str, Any] = {"rows_total": total, "rows_done": done, "rows_bad": bad}
    if report is not None:
        values["report"] = dict(report)
    await _change(conn, store_id, run_id, {"state": "running"} | values)


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


async def run_of(
    conn: AsyncConnection, *, store_id: StoreId, run_id: UUID, is_held: bool = False
) -> Any:
    """One run's row; `is_held`: locked until the transaction ends. Raises NotFound."""
    asked = select(import_runs).where(
        import_runs.c.store_id == store_id, import_runs.c.id == run_id
    )
    found = await conn.execute(asked.with_for_update() if is_held else asked)
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row
