"""A product feed comes in: read, loaded in chunks, stocked, its pictures fetched, reported."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import Refusal
from dougong.base.ids import PersonId, ProductId, StoreId
from dougong.catalog.commands import ensure_other
from dougong.catalog.feed_commands import OWN_IMAGE, FeedLoader, LoadedRow, NewImages
from dougong.catalog.feed_rules import Reader, read_feed
from dougong.catalog.feed_types import Categories, FeedItem, FeedRow, Problem
from dougong.catalog.import_runs import begin_run, end_run, note_progress
from dougong.catalog.queries import category_tree, store_of
from dougong.flows.change_stock import change_stock
from dougong.flows.feed_images import keep_feed_images
from dougong.infra import clock, jobs
from dougong.infra.db import transaction
from dougong.infra.feed_xml import FeedRefused
from dougong.infra.jobs import defer
from dougong.infra.settings import settings
from dougong.infra.statistics import refresh_catalogue_statistics
from dougong.reads.merchant_stock import units_by_code
from dougong.supply.rules import StockBelowReserved

CHUNK_ROWS = 2_000
MOST_PROBLEMS = 5_000
MOST_NOTES = 500
TRIES = 3

Progress = Callable[[int, int, int], Awaitable[None]]


class FeedReport(msgspec.Struct):
    """What became of a feed; rows are SKUs. Lists are cut, the counts are not."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    bad: list[Problem] = []
    notes: list[Problem] = []
    pictures: int = 0
    refused: str = ""  # why the whole file was not taken, with `field`
    field: str = ""

    def add_bad(self, problems: Sequence[Problem]) -> None:
        self.bad_rows += 1
        self.bad.extend(problems[: max(0, MOST_PROBLEMS - len(self.bad))])

    def add_notes(self, notes: Sequence[Problem]) -> None:
        self.notes.extend(notes[: max(0, MOST_NOTES - len(self.notes))])

    def add_loaded(self, rows: Sequence[LoadedRow]) -> None:
        for row in rows:
            setattr(self, row.outcome, getattr(self, row.outcome) + 1)


class _BadRows(Exception):
    """Some row is bad and the caller wants all or nothing."""


async def import_feed(
    data: bytes,
    *,
    store_id: StoreId,
    at: datetime,
    all_or_nothing: bool = False,
    assumed_quantity: int = 0,
    beside: Path | None = None,
    progress: Progress | None = None,
) -> FeedReport:
    """Load a feed into a store, in transactions of its own; the same feed again changes nothing.

    assumed_quantity: units of a new SKU "in stock" without a quantity. beside: the directory in
    which pictures named by file are. progress: awaited with rows in all, done and bad.
    With all_or_nothing one bad row leaves everything as it was, and the report says
    `refused: bad_rows`. Raises FeedRefused for a file that is no feed, NotFound for the store.
    """
    async with transaction() as conn:
        store = await store_of(conn, store_id=store_id)
        await ensure_other(conn)
        tree = await category_tree(conn)
    categories = Categories([(row.path, row.name_zh, row.name_en) for row in tree])
    reader = Reader(
        currency=store.currency,
        categories=categories,
        assumed_quantity=assumed_quantity,
        at=at,
    )
    rows = await asyncio.to_thread(lambda: list(read_feed(data, reader)))
    report = FeedReport(rows=len(rows))
    items = _judge(rows, report)
    load = _Load(FeedLoader(store_id=store_id, at=at), store_id, at, beside, report, progress)
    if all_or_nothing:
        await _all_or_nothing(load, items)
    else:
        await load.chunks(items)
    return report


def _judge(rows: Sequence[FeedRow], report: FeedReport) -> list[FeedItem]:
    for row in rows:
        if row.problems:
            report.add_bad(row.problems)
        report.add_notes(row.notes)
    return [_own_links(row.item) for row in rows if row.item is not None]


def _own_links(item: FeedItem) -> FeedItem:
    """Links to pictures of this platform, as our own export writes them, are no outside ones."""
    ours = f"{settings().public_url}/media/"
    if not item.image_links or not any(link.startswith(ours) for link in item.image_links):
        return item
    links = tuple(
        OWN_IMAGE + link.removeprefix(ours) if link.startswith(ours) else link
        for link in item.image_links
    )
    return msgspec.structs.replace(item, image_links=links)


class _Load:
    """One import on its way."""

    def __init__(
        self,
        loader: FeedLoader,
        store_id: StoreId,
        at: datetime,
        beside: Path | None,
        report: FeedReport,
        progress: Progress | None,
    ) -> None:
        self.loader = loader
        self.store_id = store_id
        self.at = at
        self.beside = beside
        self.report = report
        self.progress = progress

    async def chunks(self, items: Sequence[FeedItem]) -> None:
        """Each chunk commits by itself; stock sold meanwhile makes it look again."""
        for start in range(0, max(len(items), 1), CHUNK_ROWS):
            chunk = items[start : start + CHUNK_ROWS]
            if self.progress:
                done = start + self.report.bad_rows
                await self.progress(self.report.rows, done, self.report.bad_rows)
            for left in range(TRIES, 0, -1):
                try:
                    async with transaction(slow=True) as conn:
                        made, bad, images = await self.one(conn, chunk)
                    break
                except StockBelowReserved:
                    if left == 1:
                        raise
            for problem in bad:
                self.report.add_bad([problem])
            self.report.add_loaded(made)
            await self.pictures(images)
            if start == 0 and len(items) > CHUNK_ROWS:
                await refresh_catalogue_statistics()

    async def one(
        self, conn: AsyncConnection, chunk: Sequence[FeedItem]
    ) -> tuple[list[LoadedRow], list[Problem], dict[ProductId, NewImages]]:
        """Load a chunk and set its stock; rows below what orders hold are left out whole."""
        codes = [item.code for item in chunk]
        units = await units_by_code(conn, store_id=self.store_id, codes=codes)
        bad = [
            Problem(item.line, "quantity", "below_reserved", str(item.quantity))
            for item in chunk
            if item.quantity is not None
            and item.code in units
            and item.quantity < units[item.code].reserved
        ]
        refused = {problem.line for problem in bad}
        good = [item for item in chunk if item.line not in refused]
        loaded = await self.loader.load(conn, good)
        levels = {}
        rows = []
        for row, item in zip(loaded.rows, good, strict=True):
            before = units.get(item.code)
            if row.quantity is not None and (before is None or before.on_hand != row.quantity):
                levels[row.sku_id] = row.quantity
                if row.outcome == "unchanged":
                    row = msgspec.structs.replace(row, outcome="updated")
            rows.append(row)
        await change_stock(conn, store_id=self.store_id, levels=levels, at=self.at)
        return rows, bad, loaded.images

    async def pictures(self, images: dict[ProductId, NewImages]) -> None:
        kept, notes = await keep_feed_images(
            images, store_id=self.store_id, beside=self.beside, at=self.at
        )
        self.report.pictures += kept
        self.report.add_notes(notes)


async def _all_or_nothing(load: _Load, items: Sequence[FeedItem]) -> None:
    report = load.report
    images: dict[ProductId, NewImages] = {}
    made: list[LoadedRow] = []
    try:
        if report.bad_rows:
            raise _BadRows
        async with transaction(slow=True) as conn:
            for start in range(0, len(items), CHUNK_ROWS):
                rows, bad, found = await load.one(conn, items[start : start + CHUNK_ROWS])
                for problem in bad:
                    report.add_bad([problem])
                made += rows
                images |= found
            if report.bad_rows:
                raise _BadRows
    except _BadRows:
        report.refused = "bad_rows"
        return
    report.add_loaded(made)
    await load.pictures(images)


# started on a page or by the API: the file waits on disk, a job loads it ------------------------


def _upload(store_id: StoreId, run_id: UUID) -> Path:
    return settings().data_dir / "imports" / str(store_id) / str(run_id)


async def start_import(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    file_name: str,
    data: bytes,
    started_by: PersonId | None,
    at: datetime,
    all_or_nothing: bool,
    assumed_quantity: int,
) -> UUID:
    """Keep the file and queue its import; the run's row tells how it goes.

    Raises FeedRefused for an empty file, BadInput for its name.
    """
    if not data.strip():
        raise FeedRefused(field="file", why="empty")
    run_id = await begin_run(
        conn, store_id=store_id, kind="feed", file_name=file_name, started_by=started_by, at=at
    )
    target = _upload(store_id, run_id)

    def keep() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    await asyncio.to_thread(keep)
    await defer(
        conn,
        "flows.import_feed",
        lock=f"feed:{store_id}",
        store_id=str(store_id),
        run_id=str(run_id),
        all_or_nothing=all_or_nothing,
        assumed_quantity=assumed_quantity,
    )
    return run_id


@jobs.task("flows.import_feed", retries=3)
async def run_import(
    store_id: str, run_id: str, all_or_nothing: bool, assumed_quantity: int
) -> None:
    """Import a kept file. Cut off in the middle it starts again: what is loaded is unchanged."""
    store, run = StoreId(UUID(store_id)), UUID(run_id)
    source = _upload(store, run)

    async def tell(total: int, done: int, bad: int) -> None:
        async with transaction() as conn:
            await note_progress(conn, store_id=store, run_id=run, total=total, done=done, bad=bad)

    async with transaction() as conn:
        at = await clock.refresh(conn)
    try:
        data = await asyncio.to_thread(source.read_bytes)
        report = await import_feed(
            data,
            store_id=store,
            at=at,
            all_or_nothing=all_or_nothing,
            assumed_quantity=assumed_quantity,
            progress=tell,
        )
    except Refusal as refusal:
        why = str(refusal.facts.get("why", refusal.code))
        report = FeedReport(refused=why, field=refusal.field or "")
    except FileNotFoundError:
        report = FeedReport(refused="file_gone")
    async with transaction() as conn:
        await end_run(
            conn,
            store_id=store,
            run_id=run,
            state="failed" if report.refused else "done",
            report=msgspec.to_builtins(report),
            at=at,
        )
    await asyncio.to_thread(source.unlink, missing_ok=True)
