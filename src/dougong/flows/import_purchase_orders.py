"""Purchase orders from a file: drafts by supplier and number, progress, bad rows by line."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.catalog.import_runs import begin_run, end_run, note_progress, run_of
from dougong.catalog.queries import store_of
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.purchasing import skus_by_code, suppliers_by_code
from dougong.supply.csv_rules import BadRow
from dougong.supply.purchase_commands import draft_order
from dougong.supply.purchase_file_rules import FileRow, read_rows
from dougong.supply.purchase_rules import WantedLine

MOST_BYTES = 20_000_000
Group = list[FileRow]


class Report(msgspec.Struct):
    """What became of a file, as the page of imports shows it."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    refused: str = ""
    field: str = ""
    bad: list[BadRow] = []
    notes: list[BadRow] = []


def _kept(run_id: UUID) -> Path:
    return settings().data_dir / "purchase_imports" / str(run_id)


async def start_purchase_import(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    file_name: str,
    data: bytes,
    started_by: PersonId,
    at: datetime,
) -> UUID:
    """Keep the file and queue its import; the run's row tells how it goes. Raises BadInput."""
    if len(data) > MOST_BYTES:
        raise BadInput(field="file", reason="too_big")
    if not data.strip():
        raise BadInput(field="file", reason="empty")
    run_id = await begin_run(
        conn,
        store_id=store_id,
        kind="purchase_orders",
        file_name=file_name,
        started_by=started_by,
        at=at,
    )

    def keep() -> None:
        _kept(run_id).parent.mkdir(parents=True, exist_ok=True)
        _kept(run_id).write_bytes(data)

    await asyncio.to_thread(keep)
    names: dict[str, Any] = {"store_id": str(store_id), "run_id": str(run_id)}
    await defer(conn, "supply.import_purchase_orders", lock=f"purchases:{store_id}", **names)
    return run_id


@task("supply.import_purchase_orders", retries=3)
async def run_purchase_import(store_id: str, run_id: str) -> None:
    """Each order in a transaction of its own; one that was loaded before a stop is not loaded
    again, because how far it came is written with it."""
    ours, run = StoreId(UUID(store_id)), UUID(run_id)
    async with transaction() as conn:
        row = await run_of(conn, store_id=ours, run_id=run)
        currency = (await store_of(conn, store_id=ours)).currency
    if row.state in ("done", "failed"):
        return
    kept = _kept(run)
    report = Report()
    try:
        data = await asyncio.to_thread(kept.read_bytes)
        rows = await asyncio.to_thread(lambda: list(read_rows(data, currency=currency)))
    except BadInput as refusal:
        report.refused, report.field = str(refusal.facts["reason"]), str(refusal.field)
        await _end(ours, run, "failed", report)
    else:
        await _load(ours, run, row, rows)
    await asyncio.to_thread(kept.unlink)


async def _end(store_id: StoreId, run_id: UUID, state: str, report: Report) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        told = msgspec.to_builtins(report)
        await end_run(conn, store_id=store_id, run_id=run_id, state=state, report=told, at=at)


def grouped(rows: Sequence[FileRow | BadRow]) -> list[Group]:
    """Rows that become one order, in the order in which they begin."""
    found: dict[tuple[str, str], Group] = {}
    for row in rows:
        if isinstance(row, FileRow):
            found.setdefault((row.supplier, row.number), []).append(row)
    return list(found.values())


async def _load(
    store_id: StoreId,
    run_id: UUID,
    run: Any,
    rows: Sequence[FileRow | BadRow],
) -> None:
    """`run`: its row, which says how far it came before a stop."""
    report = Report(rows=len(rows), bad=[row for row in rows if isinstance(row, BadRow)])
    done = len(report.bad)
    for group in grouped(rows):
        async with transaction() as conn:
            at = await clock.refresh(conn)
            tried = await conn.begin_nested()
            bad = await _draft(conn, store_id, PersonId(run.started_by), group, at)
            report.created += len(bad) < len(group)
            report.bad += bad
            done += len(group)
            if done <= run.rows_done:  # loaded before the stop: only its report is made again
                await tried.rollback()
                continue
            await tried.commit()
            far: dict[str, Any] = {"total": len(rows), "done": done, "bad": len(report.bad)}
            await note_progress(conn, store_id=store_id, run_id=run_id, **far)
    report.bad.sort(key=lambda row: row.line)
    report.bad_rows = len(report.bad)
    await _end(store_id, run_id, "done", report)


async def _draft(
    conn: AsyncConnection, store_id: StoreId, by_id: PersonId, group: Group, at: datetime
) -> list[BadRow]:
    """One draft of the rows that are good; answers the others."""
    supplier = group[0].supplier
    suppliers = await suppliers_by_code(conn, store_id=store_id, codes=[supplier])
    if supplier not in suppliers:
        return [BadRow(row.line, "supplier", "unknown_supplier", supplier[:80]) for row in group]
    skus = await skus_by_code(conn, store_id=store_id, codes=[row.sku for row in group])
    bad: list[BadRow] = []
    lines: dict[UUID, tuple[FileRow, WantedLine]] = {}
    for row in group:
        sku_id = skus.get(row.sku)
        if sku_id is None:
            bad.append(BadRow(row.line, "sku", "unknown_sku", row.sku[:80]))
        elif sku_id in lines:
            bad.append(BadRow(row.line, "sku", "duplicate_id", row.sku[:80]))
        else:
            lines[sku_id] = (row, WantedLine(sku_id, row.quantity, row.price_minor))
    if not lines:
        return bad
    order: dict[str, Any] = {"store_id": store_id, "supplier_id": suppliers[supplier]}
    order |= {"warehouse_id": None, "note": group[0].number, "by_id": by_id, "at": at}
    wanted = [line for _, line in lines.values()]
    expected = next((row.expected_on for row in group if row.expected_on), None)
    try:
        async with conn.begin_nested():
            await draft_order(conn, lines=wanted, expected_on=expected, **order)
    except Refusal as refusal:
        reason = str(refusal.facts.get("reason", refusal.code))
        bad += [BadRow(r.line, refusal.field or "", reason, r.sku) for r, _ in lines.values()]
    return bad
