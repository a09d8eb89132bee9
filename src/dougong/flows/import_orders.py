"""Orders of another platform become history here: at their own dates, by the rules of those dates,
in the same books.

One transaction: all good rows of a file are there afterwards, or none. Rows are read and turned
into COPY data piece by piece, while PostgreSQL still writes the piece before.
"""

import asyncio
import csv
import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import Conflict, Refusal
from dougong.base.ids import StoreId
from dougong.flows.import_orders_books import HistoryBook, HistoryRows, Ids
from dougong.flows.import_orders_store import HistoryStore, ensure_rules, find_or_open
from dougong.flows.import_orders_terms import DatedTerms
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.statistics import refresh_statistics
from dougong.orders.history_commands import has_history, loaded_before, lock_history
from dougong.orders.history_rules import (
    BadRow,
    HistoryOrder,
    RowRefused,
    UnknownColumns,
    column_places,
    read_tmall,
)
from dougong.policy.queries import rules_book

MOST_BYTES = 500_000_000
MOST_BAD_ROWS = 10_000
# A piece is written while the next is read: the first are small, so that PostgreSQL starts soon.
FIRST_PIECE_ROWS, MOST_PIECE_ROWS = 500, 4_000
TURN_S = 0.0005
MANY = 1_000  # orders, after which PostgreSQL should look at its tables anew


class ImportRunning(Conflict):
    """Another import of this store is running."""

    code = "import_running"


class BadFile(Refusal):
    """The file cannot be read as such a list. Facts: `reason`: too_big, encoding."""

    code = "bad_import_file"


class NoRulesThen(Refusal):
    """No rules were in force when these orders were placed. Facts: `first`, `last`, `reason`."""

    code = "no_rules_then"
    status = 409


class Report(msgspec.Struct, kw_only=True):
    """What a file held, counted over its good rows, whether they are new or not; `created` and
    `unchanged` say which. Amounts in minor units of `currency`."""

    store: str
    store_id: StoreId
    store_created: bool
    rules_installed: int
    currency: str = "CNY"
    loaded: bool = True
    lines: int = 0
    orders: int = 0
    paid: int = 0
    unpaid: int = 0
    refunded: int = 0
    partly_refunded: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0
    kept_minor: int = 0
    created: int = 0
    unchanged: int = 0
    bad_rows: int = 0
    bad: list[BadRow]
    seconds: float = 0.0
    lines_per_second: int = 0

    def count(self, order: HistoryOrder) -> None:
        self.orders += 1
        if order.paid_at is None:
            self.unpaid += 1
            return
        self.paid += 1
        self.paid_minor += order.total_minor
        if order.refunded_minor:
            self.refunded += 1
            self.refunded_minor += order.refunded_minor
            self.partly_refunded += order.refunded_minor < order.total_minor
        self.kept_minor += order.total_minor - order.refunded_minor

    def refuse(self, bad: BadRow) -> None:
        self.bad_rows += 1
        if len(self.bad) < MOST_BAD_ROWS:
            self.bad.append(bad)


class _NothingLoaded(Exception):
    """Leaves the transaction without its writes."""


async def import_orders(
    *,
    data: bytes,
    store_code: str,
    may_open_store: bool,
    all_or_nothing: bool,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Load a Tmall order list (CSV) into a store; a repeat changes nothing.

    Bad rows are reported and the good ones load; or, with `all_or_nothing`, one bad row keeps all
    out (`loaded` is False then). `on_progress` hears how many bytes of text have been read.
    Raises BadFile, UnknownColumns, NotFound, OtherCurrency, ImportRunning, NoRulesThen.
    """
    started = time.perf_counter()
    source = Source(data)
    report: Report | None = None
    try:
        async with transaction(slow=True) as conn:
            now = await clock.refresh(conn)
            rules_installed = await ensure_rules(conn, at=now)
            store = await find_or_open(conn, code=store_code, may_open=may_open_store, at=now)
            report = Report(
                store=store_code,
                store_id=store.store_id,
                store_created=store.created,
                rules_installed=rules_installed,
                bad=[],
            )
            with short_turns():
                await _load(conn, source, store, report, now=now, on_progress=on_progress)
            _refuse_without_rules(report)
            if all_or_nothing and report.bad_rows:
                raise _NothingLoaded
            await _tell(conn, report, now=now)
    except _NothingLoaded:
        if report is None:
            raise
        report.loaded, report.created = False, 0
        report.store_created, report.rules_installed = False, 0
    report.lines = source.lines
    report.seconds = round(time.perf_counter() - started, 4)
    report.lines_per_second = int(source.lines / max(report.seconds, 0.0001))
    if report.created >= MANY:
        await refresh_statistics()
    return report


class Source:
    """A file's rows. Raises BadFile, UnknownColumns."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MOST_BYTES:
            raise BadFile(field="file", reason="too_big")
        self._file = io.StringIO(_decoded(data), newline="")
        self._reader = csv.reader(self._file, strict=True)
        try:
            self.places = column_places(next(self._reader, []))
        except csv.Error as error:
            raise UnknownColumns(field="file", missing=[], unknown=[]) from error
        self.broken: list[BadRow] = []
        self.lines = 0

    def rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """(line, values); a record that is no CSV goes to `broken`."""
        while True:
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                self.broken.append(BadRow(self._reader.line_num, "row", "bad_csv"))
                continue
            self.lines += bool(row)
            yield self._reader.line_num, row

    @property
    def position(self) -> int:
        return self._file.tell()


def _decoded(data: bytes) -> str:
    """UTF-8, or the GB 18030 in which the platform's own tool writes."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile(field="file", reason="encoding")


class Piece(msgspec.Struct):
    """Some rows of the file, read and judged."""

    orders: list[tuple[int, HistoryOrder]]
    bad: list[BadRow]


@contextmanager
def short_turns() -> Iterator[None]:
    """Let the thread that feeds PostgreSQL take its turn soon while another computes: otherwise
    each answer of the server may wait 5 ms to be heard."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def _load(
    conn: AsyncConnection,
    source: Source,
    store: HistoryStore,
    report: Report,
    *,
    now: datetime,
    on_progress: Callable[[int], None],
) -> None:
    if not await lock_history(conn, store_id=store.store_id):
        raise ImportRunning(field="store")
    terms = DatedTerms(
        await rules_book(conn), merchant_id=store.merchant_id, merchant_class=store.merchant_class
    )
    book, ids = HistoryBook(store_id=store.store_id, merchant_id=store.merchant_id), Ids()
    await book.open(conn)
    may_know = await has_history(conn, store_id=store.store_id)
    judged = read_tmall(source.rows(), places=source.places, now=now)
    written_at = clock.wall_now()
    writing: asyncio.Task[None] | None = None
    most = FIRST_PIECE_ROWS
    try:
        while True:
            piece = await asyncio.to_thread(_next_piece, judged, source, most)
            most = min(2 * most, MOST_PIECE_ROWS)
            if not piece.orders and not piece.bad:
                break
            known: Mapping[str, bytes] = {}
            if may_know:
                if writing:
                    await writing
                numbers = [order.number for _, order in piece.orders]
                known = await loaded_before(conn, store_id=store.store_id, numbers=numbers)
            rows = HistoryRows(book, ids, now=now, written_at=written_at)
            await asyncio.to_thread(_fill, rows, piece, known, terms, report)
            if writing:
                await writing
            writing = asyncio.create_task(rows.write(conn))
            on_progress(source.position)
    finally:
        if writing:
            await writing


def _next_piece(
    judged: Iterator[tuple[int, HistoryOrder] | BadRow], source: Source, most: int
) -> Piece:
    piece = Piece([], [])
    for one in islice(judged, most):
        if isinstance(one, BadRow):
            piece.bad.append(one)
        else:
            piece.orders.append(one)
    piece.bad += source.broken
    source.broken.clear()
    return piece


def _fill(
    rows: HistoryRows,
    piece: Piece,
    known: Mapping[str, bytes],
    terms: DatedTerms,
    report: Report,
) -> None:
    """Turn a piece's orders into rows, and count."""
    for bad in piece.bad:
        report.refuse(bad)
    for line, order in piece.orders:
        try:
            its_terms = terms.at(order.placed_at)
        except RowRefused as refused:
            report.refuse(BadRow(line, refused.field, refused.reason))
            continue
        before = known.get(order.number)
        if before is None:
            rows.add(order, its_terms)
            report.created += 1
        elif before == order.digest:
            report.unchanged += 1
        else:
            report.refuse(BadRow(line, "number", "differs_from_loaded"))
            continue
        report.count(order)


def _refuse_without_rules(report: Report) -> None:
    """Rows of no time with rules are bad rows; when there are no others, the book is at fault."""
    without = [bad for bad in report.bad if bad.reason.startswith("no_rule_for_")]
    if without and not report.orders and len(without) == report.bad_rows:
        raise NoRulesThen(field="file", reason=without[0].reason, rows=report.bad_rows)


async def _tell(conn: AsyncConnection, report: Report, *, now: datetime) -> None:
    """One event and one line of the audit log for a whole history."""
    if not report.created:
        return
    facts = {"created": report.created, "bad_rows": report.bad_rows, "format": "tmall"}
    facts |= {"paid_minor": report.paid_minor, "refunded_minor": report.refunded_minor}
    await record(
        conn,
        "orders.history_imported",
        store_id=report.store_id,
        subject_id=report.store_id,
        at=now,
        facts=facts,
    )
    await audit(
        conn,
        at=now,
        person_id=None,
        action="orders.import_history",
        owner_id=report.store_id,
        subject=report.store,
        facts=facts,
    )
