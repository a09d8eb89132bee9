"""Orders of another platform become history here: at their own dates, by the rules of those dates,
in the same books.

Rows are read and turned into COPY data piece by piece, while PostgreSQL still writes the pieces
before: two at a time, in two transactions that commit together at the end. Only a stop between
these two leaves a part of the list, of whole orders; the same list again adds the rest.
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
from dougong.flows.import_orders_lanes import Lanes, second_connection
from dougong.flows.import_orders_store import ensure_rules, find_or_open
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
# A piece is written while the next is read: the first are small, so that PostgreSQL starts soon,
# and so are the last, so that both connections end at about the same time.
FIRST_PIECE_ROWS, MOST_PIECE_ROWS, LAST_PIECE_ROWS = 500, 4_000, 1_000
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
        async with second_connection(), transaction(slow=True) as conn:
            pieces = await _open(conn, source, store_code, may_open_store, on_progress)
            report, lane = pieces.report, Lanes([conn])
            with short_turns():
                rows = await pieces.next_new(lane)
                if rows is None or all_or_nothing:
                    await _load(lane, pieces, rows)
            _refuse_without_rules(report)
            if all_or_nothing and report.bad_rows:
                raise _NothingLoaded
            if all_or_nothing:
                await _tell(conn, report, now=pieces.now)
        if rows is not None and not all_or_nothing:
            await _load_by_two(pieces, rows)
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


async def _open(
    conn: AsyncConnection,
    source: "Source",
    store_code: str,
    may_open_store: bool,
    on_progress: Callable[[int], None],
) -> "Pieces":
    """The store, the rules and the accounts are there then."""
    now = await clock.refresh(conn)
    rules_installed = await ensure_rules(conn, at=now)
    store = await find_or_open(conn, code=store_code, may_open=may_open_store, at=now)
    if not await lock_history(conn, store_id=store.store_id):
        raise ImportRunning(field="store")
    report = Report(
        store=store_code,
        store_id=store.store_id,
        store_created=store.created,
        rules_installed=rules_installed,
        bad=[],
    )
    terms = DatedTerms(
        await rules_book(conn), merchant_id=store.merchant_id, merchant_class=store.merchant_class
    )
    book = HistoryBook(store_id=store.store_id, merchant_id=store.merchant_id)
    await book.open(conn)
    may_know = await has_history(conn, store_id=store.store_id)
    return Pieces(source, terms, book, report, now=now, may_know=may_know, on_progress=on_progress)


async def _load_by_two(pieces: "Pieces", rows: HistoryRows) -> None:
    async with transaction(slow=True) as conn, transaction(slow=True) as other:
        if not await lock_history(conn, store_id=pieces.report.store_id):
            raise ImportRunning(field="store")
        with short_turns():
            await _load(Lanes([conn, other]), pieces, rows)
        await _tell(conn, pieces.report, now=pieces.now)
        # Both are asked within a millisecond: one after the other would wait for the disk between.
        await asyncio.gather(conn.commit(), other.commit())


async def _load(lanes: Lanes, pieces: "Pieces", rows: HistoryRows | None) -> None:
    """Write these rows and all that follow."""
    try:
        while rows is not None:
            await lanes.write(rows)
            rows = await pieces.next_new(lanes)
    finally:
        await lanes.finish()


class Source:
    """A file's rows. Raises BadFile, UnknownColumns."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MOST_BYTES:
            raise BadFile(field="file", reason="too_big")
        text = _decoded(data)
        self._all = text.count("\n")
        self._file = io.StringIO(text, newline="")
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
    def lines_left(self) -> int:
        """About how many lines are still to be read."""
        return max(0, self._all - self._reader.line_num)

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


class Piece(msgspec.Struct):
    """Some rows of the file, read and judged."""

    orders: list[tuple[int, HistoryOrder]]
    bad: list[BadRow]


class Pieces:
    """The list, piece by piece, as rows for the database; counts them in `report`."""

    def __init__(
        self,
        source: Source,
        terms: DatedTerms,
        book: HistoryBook,
        report: Report,
        *,
        now: datetime,
        may_know: bool,
        on_progress: Callable[[int], None],
    ) -> None:
        self.report, self.now = report, now
        self._source, self._terms, self._book, self._ids = source, terms, book, Ids()
        self._may_know, self._on_progress = may_know, on_progress
        self._judged = read_tmall(source.rows(), places=source.places, now=now)
        self._written_at = clock.wall_now()
        self._most = FIRST_PIECE_ROWS

    async def next_new(self, lanes: Lanes) -> HistoryRows | None:
        """The rows of the next piece in which an order is new; None at the end."""
        while True:
            piece = await asyncio.to_thread(_next_piece, self._judged, self._source, self._most)
            if not piece.orders and not piece.bad:
                return None
            # Up to a third of what is left then.
            at_end = max(self._source.lines_left // 3, LAST_PIECE_ROWS)
            self._most = min(2 * self._most, MOST_PIECE_ROWS, at_end)
            known: Mapping[str, bytes] = {}
            if self._may_know:
                numbers = [order.number for _, order in piece.orders]
                conn, store_id = await lanes.free(), self.report.store_id
                known = await loaded_before(conn, store_id=store_id, numbers=numbers)
            rows = HistoryRows(self._book, self._ids, now=self.now, written_at=self._written_at)
            await asyncio.to_thread(_fill, rows, piece, known, self._terms, self.report)
            self._on_progress(self._source.position)
            if rows.count:
                return rows


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
