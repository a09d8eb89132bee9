"""Stock from a file: levels and bins by warehouse, in chunks or all at once; bad rows by line."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, StoreId
from dougong.catalog.import_runs import begin_once, end_run, note_progress, run_of
from dougong.flows.serve_waiting import units_came
from dougong.infra import clock, events, pause
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.stock_codes import sku_ids_of, warehouses_of_codes
from dougong.supply.bin_commands import set_bins
from dougong.supply.csv_rules import BadRow
from dougong.supply.ledger_commands import About
from dougong.supply.stock_file_commands import GoodRows, WantedLevel, load_levels
from dougong.supply.stock_file_rules import (
    Mode,
    StockRow,
    in_chunks,
    once_each,
    read_stock_rows,
)

MOST_BYTES = 20_000_000
MOST_PROBLEMS = 5_000
CHUNK_ROWS = 2_000


class StockReport(msgspec.Struct):
    """What became of a file. `bad` is cut at MOST_PROBLEMS, `bad_rows` counts them all."""

    rows: int = 0
    changed: int = 0
    unchanged: int = 0
    bins: int = 0
    bad_rows: int = 0
    bad: list[BadRow] = []
    refused: str = ""  # why nothing of the file was loaded
    field: str = ""

    def add_bad(self, rows: Sequence[BadRow]) -> None:
        self.bad_rows += len(rows)
        self.bad.extend(rows[: max(0, MOST_PROBLEMS - len(self.bad))])


class _BadRows(Exception):
    """Some row is bad and the merchant wants all or nothing."""


def _kept(run_id: UUID) -> Path:
    return settings().data_dir / "stock_imports" / str(run_id)


async def start_stock_import(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    key: UUID,
    file_name: str,
    data: bytes,
    mode: Mode,
    all_or_nothing: bool,
    started_by: PersonId,
    at: datetime,
) -> bool:
    """Keep the file and queue its import; the run's row tells how it goes.

    `key`: the run's id. False: a file came with this key before, and nothing is done again.
    Raises BadInput: empty, too_big, or a name of the file that cannot be kept.
    """
    if len(data) > MOST_BYTES:
        raise BadInput(field="file", reason="too_big")
    if not data.strip():
        raise BadInput(field="file", reason="empty")
    run: dict[str, Any] = {"kind": "stock", "file_name": file_name, "started_by": started_by}
    if not await begin_once(conn, run_id=key, store_id=store_id, at=at, **run):
        return False

    def keep() -> None:
        _kept(key).parent.mkdir(parents=True, exist_ok=True)
        _kept(key).write_bytes(data)

    await asyncio.to_thread(keep)
    names: dict[str, Any] = {"store_id": str(store_id), "run_id": str(key), "mode": mode.value}
    names["all_or_nothing"] = all_or_nothing
    await defer(conn, "supply.import_stock", lock=f"stock:{store_id}", **names)
    return True


@task("supply.import_stock", retries=3)
async def run_stock_import(store_id: str, run_id: str, mode: str, all_or_nothing: bool) -> None:
    """Import a kept file. Cut off in the middle it goes on behind the last chunk: how far it came
    and what it found is written with each."""
    load = _Load(StoreId(UUID(store_id)), UUID(run_id), Mode(mode))
    kept = _kept(load.run_id)
    async with transaction() as conn:
        run = await run_of(conn, store_id=load.store_id, run_id=load.run_id)
    if run.state not in ("done", "failed"):
        try:
            data = await asyncio.to_thread(kept.read_bytes)
            read = await asyncio.to_thread(lambda: list(read_stock_rows(data, mode=load.mode)))
        except BadInput as refusal:
            why = str(refusal.facts["reason"])
            await load.fail(StockReport(refused=why, field=str(refusal.field)))
        except FileNotFoundError:
            await load.fail(StockReport(refused="file_gone"))
        else:
            good, bad = once_each(read)
            await (load.at_once if all_or_nothing else load.in_chunks)(good, bad)
    await asyncio.to_thread(kept.unlink, missing_ok=True)


class _Load:
    """One import on its way."""

    def __init__(self, store_id: StoreId, run_id: UUID, mode: Mode) -> None:
        self.store_id = store_id
        self.run_id = run_id
        self.mode = mode

    async def held(self, conn: AsyncConnection) -> Any:
        """The run, locked: whoever else has this job waits, and then sees what is done."""
        return await run_of(conn, store_id=self.store_id, run_id=self.run_id, is_held=True)

    async def end(self, conn: AsyncConnection, report: StockReport, at: datetime) -> None:
        report.bad.sort(key=lambda row: row.line)
        state = "failed" if report.refused else "done"
        told = msgspec.to_builtins(report)
        of: dict[str, Any] = {"store_id": self.store_id, "run_id": self.run_id}
        await end_run(conn, **of, state=state, report=told, at=at)

    async def fail(self, report: StockReport) -> None:
        async with transaction() as conn:
            await self.end(conn, report, await clock.refresh(conn))

    async def in_chunks(self, good: Sequence[StockRow], bad: Sequence[BadRow]) -> None:
        """Each chunk with its part of the report in a transaction of its own."""
        total, far = len(good) + len(bad), len(bad)
        for chunk in [(), *in_chunks(good, CHUNK_ROWS)]:  # first what cannot be read
            far += len(chunk)
            async with transaction(slow=True) as conn:
                at = await clock.refresh(conn)
                run = await self.held(conn)
                is_begun = run.state == "running"
                if is_begun and run.rows_done >= far:
                    continue
                report = StockReport(rows=total)
                if is_begun:
                    report = msgspec.convert(run.report, StockReport)
                else:
                    report.add_bad(bad)
                await self.one(conn, chunk, report, PersonId(run.started_by), at)
                seen: dict[str, Any] = {"total": total, "done": far, "bad": report.bad_rows}
                told = msgspec.to_builtins(report)
                of: dict[str, Any] = {"store_id": self.store_id, "run_id": self.run_id}
                await note_progress(conn, **of, **seen, report=told)
            await pause.point("stock import: a chunk is loaded")
        async with transaction() as conn:
            run = await self.held(conn)
            report = msgspec.convert(run.report, StockReport)
            await self.end(conn, report, await clock.refresh(conn))

    async def at_once(self, good: Sequence[StockRow], bad: Sequence[BadRow]) -> None:
        """Everything in one transaction, its end too; or nothing."""
        report = StockReport(rows=len(good) + len(bad))
        report.add_bad(bad)
        try:
            async with transaction(slow=True) as conn:
                at = await clock.refresh(conn)
                run = await self.held(conn)
                if run.state in ("done", "failed"):
                    return
                await self.one(conn, good, report, PersonId(run.started_by), at)
                if report.bad_rows:
                    raise _BadRows
                await self.end(conn, report, at)
        except _BadRows:
            left: dict[str, Any] = {"changed": 0, "unchanged": 0, "bins": 0}
            await self.fail(msgspec.structs.replace(report, refused="bad_rows", **left))

    async def one(
        self,
        conn: AsyncConnection,
        rows: Sequence[StockRow],
        report: StockReport,
        by_id: PersonId,
        at: datetime,
    ) -> None:
        """Load rows, in this transaction, and add them to the report."""
        places, bad = await self.placed(conn, rows)
        if not places:
            report.add_bad(bad)
            return
        loaded, below = await load_levels(
            conn,
            store_id=self.store_id,
            rows=[wanted for wanted, _ in places],
            mode=self.mode,
            key=f"file:{self.run_id}",
            about=About("import", self.run_id, at, by_id),
        )
        report.add_bad([*bad, *below])
        bins = {
            (wanted.sku_id, wanted.warehouse_id): row.bin
            for wanted, row in places
            if row.bin and wanted in loaded
        }
        await set_bins(conn, store_id=self.store_id, bins=bins)
        changed = {row: one for row, one in loaded.items() if one.units}
        report.changed += len(changed)
        report.unchanged += len(loaded) - len(changed)
        report.bins += len(bins)
        rises = {row.sku_id for row, one in changed.items() if one.units > 0}
        await units_came(conn, store_id=self.store_id, sku_ids=rises)
        await self.tell(conn, changed, at)

    async def placed(
        self, conn: AsyncConnection, rows: Sequence[StockRow]
    ) -> tuple[list[tuple[WantedLevel, StockRow]], list[BadRow]]:
        """Rows with the SKU and the warehouse that they name, and those that name none."""
        skus = await sku_ids_of(conn, store_id=self.store_id, codes=[row.sku for row in rows])
        warehouses = await warehouses_of_codes(conn, store_id=self.store_id)
        found: list[tuple[WantedLevel, StockRow]] = []
        bad: list[BadRow] = []
        for row in rows:
            sku_id, place = skus.get(row.sku), warehouses.get(row.warehouse)
            if place is None:
                bad.append(BadRow(row.line, "warehouse", "unknown_warehouse", row.warehouse[:80]))
            elif not place.is_open:
                bad.append(BadRow(row.line, "warehouse", "closed_warehouse", row.warehouse))
            elif sku_id is None:
                bad.append(BadRow(row.line, "sku", "unknown_sku", row.sku[:80]))
            else:
                found.append((WantedLevel(row.line, sku_id, place.id, row.quantity), row))
        return found, bad

    async def tell(self, conn: AsyncConnection, changed: GoodRows, at: datetime) -> None:
        """What lies in each warehouse now, to whoever listens."""
        by_place: dict[UUID, dict[str, int]] = {}
        for row, one in changed.items():
            by_place.setdefault(row.warehouse_id, {})[str(row.sku_id)] = one.level
        for warehouse_id, levels in by_place.items():
            await events.record(
                conn,
                "supply.stock_set",
                subject_id=self.store_id,
                store_id=self.store_id,
                at=at,
                facts={"warehouse_id": str(warehouse_id), "levels": levels},
            )
