"""Reads a report's file: CSV with commas, semicolons or tabs, in the encodings of its mapping; or
the first sheet of an XLSX workbook. Cells are text, as they came; the file streams.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from dougong.referrals.mapping_rules import Mapping, missing_columns, places_of
from dougong.referrals.rules import BadReport
from dougong.referrals.xlsx_files import NotXlsx, read_sheet

MAX_BYTES = 256_000_000
MAX_ROWS = 2_000_000
MAX_CELL = 32_000
HEADER_WITHIN = 20  # rows: some exports begin with a title
HEAD_CHARACTERS = 20_000  # by which the delimiter is told
READ_BYTES = 1_000_000

Lines = Iterator[tuple[int, list[str], str]]


class RawRow(NamedTuple):
    """One row of a file: its line, and its cells by our fields. `why`: it is no row."""

    line: int
    cells: dict[str, str]
    why: str = ""


class ReportFile:
    """A report's file, open. `bytes_read` says how far into its `size` its rows have come."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._mapping = mapping
        self._file: BinaryIO = path.open("rb")
        self._text: io.TextIOWrapper | None = None
        self.size = path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def bytes_read(self) -> int:
        return self._file.tell()

    def rows(self, *, after: int = 0) -> Iterator[RawRow]:
        """The rows in their order, but for the first `after` ones.

        Raises BadReport (empty, too_big, encoding, missing_column, bad_workbook) before the first.
        """
        if self.size > MAX_BYTES:
            raise BadReport(field="file", why="too_big")
        is_book = self._file.read(4) == b"PK\x03\x04"
        self._file.seek(0)
        lines = _workbook(self._file) if is_book else self._table()
        places = _header(lines, self._mapping)
        for n, row in enumerate(_rows(lines, places)):
            if n >= after:
                yield row

    def _table(self) -> Lines:
        encoding, head = _encoding(self._file, self._mapping)
        if not head.strip():
            raise BadReport(field="file", why="empty")
        self._file.seek(0)
        self._text = io.TextIOWrapper(self._file, encoding=encoding, newline="")
        csv.field_size_limit(MAX_CELL)
        lines = csv.reader(self._text, delimiter=_delimiter(head))
        start = 1
        while True:
            try:
                cells, why = next(lines), ""
            except StopIteration:
                return
            except csv.Error:
                cells, why = [], "cell_too_big"
            yield start, cells, why
            start = lines.line_num + 1


def _rows(rows: Lines, places: dict[str, int]) -> Iterator[RawRow]:
    most = max(places.values())
    for count, (line, cells, why) in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise BadReport(field="file", why="too_many_rows")
        if why:
            yield RawRow(line, {}, why)
        elif not any(cell.strip() for cell in cells):
            continue
        elif len(cells) <= most and len(cells) < 2:
            yield RawRow(line, {"order_ref": _cell(cells[0])}, "too_few_cells")
        else:
            yield RawRow(line, {f: _cell(cells[p]) for f, p in places.items() if p < len(cells)})


def _cell(text: str) -> str:
    return text.replace("\x00", "").strip()


def _header(rows: Lines, mapping: Mapping) -> dict[str, int]:
    """Where our fields are; the header is the first row that has all that are needed."""
    best: list[str] | None = None
    for n, (_, cells, _why) in enumerate(rows, start=1):
        places = places_of(mapping, cells)
        missing = missing_columns(mapping, places)
        if not missing:
            return places
        if best is None or len(missing) < len(best):
            best = missing
        if n >= HEADER_WITHIN:
            break
    if best is None:
        raise BadReport(field="file", why="empty")
    names = [mapping.columns.get(f.split("|")[0], (f,))[0] for f in best]
    raise BadReport(field=best[0], why="missing_column", columns=", ".join(names))


def _encoding(file: BinaryIO, mapping: Mapping) -> tuple[str, str]:
    """The first of the encodings that can read all of the file, and how the text begins."""
    start = file.read(3)
    encodings = list(mapping.encodings)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif start.startswith(b"\xef\xbb\xbf"):
        encodings = ["utf-8-sig"]
    for encoding in encodings:
        head = _readable(file, encoding)
        if head is not None:
            return encoding, head
    raise BadReport(field="file", why="encoding", tried=", ".join(encodings))


def _readable(file: BinaryIO, encoding: str) -> str | None:
    """How the text begins, without what is empty before it; None where it is in other encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    head = ""
    file.seek(0)
    try:
        while chunk := file.read(READ_BYTES):
            text = decoder.decode(chunk)
            if len(head) < HEAD_CHARACTERS:
                head = (head + text).lstrip("\ufeff\r\n")[:HEAD_CHARACTERS]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return head


def _delimiter(head: str) -> str:
    lines = head.splitlines()[:HEADER_WITHIN]
    return max("\t,;", key=lambda mark: max((line.count(mark) for line in lines), default=0))


def _workbook(file: BinaryIO) -> Lines:
    try:
        yield from ((line, cells, "") for line, cells in read_sheet(file))
    except (NotXlsx, zipfile.BadZipFile) as error:
        raise BadReport(field="file", why="bad_workbook") from error
