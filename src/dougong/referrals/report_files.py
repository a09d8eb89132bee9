"""Reads a report's file: CSV with commas, semicolons or tabs, in the encodings of its mapping; or
the first sheet of an XLSX workbook. Cells are text, as they came.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from dougong.referrals.mapping_rules import Mapping, missing_columns, places_of
from dougong.referrals.rules import BadReport
from dougong.referrals.xlsx_files import NotXlsx, read_sheet

MAX_BYTES = 256_000_000
MAX_ROWS = 2_000_000
MAX_CELL = 32_000
HEADER_WITHIN = 20  # rows: some exports begin with a title


class RawRow(NamedTuple):
    """One row of a file: its line, and its cells by our fields. `why`: it is no row."""

    line: int
    cells: dict[str, str]
    why: str = ""


def read_report(data: bytes, mapping: Mapping) -> Iterator[RawRow]:
    """The rows of a file in their order.

    Raises BadReport (empty, too_big, encoding, missing_column, bad_workbook) before the first row.
    """
    if len(data) > MAX_BYTES:
        raise BadReport(field="file", why="too_big")
    if not data.strip():
        raise BadReport(field="file", why="empty")
    rows = _workbook(data) if data.startswith(b"PK\x03\x04") else _table(data, mapping)
    places = _header(rows, mapping)
    return _rows(rows, places)


def _rows(rows: Iterator[tuple[int, list[str], str]], places: dict[str, int]) -> Iterator[RawRow]:
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


def _header(rows: Iterator[tuple[int, list[str], str]], mapping: Mapping) -> dict[str, int]:
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


def _table(data: bytes, mapping: Mapping) -> Iterator[tuple[int, list[str], str]]:
    text = _decoded(data, mapping)
    if not text.strip():
        raise BadReport(field="file", why="empty")
    csv.field_size_limit(MAX_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
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


def _decoded(data: bytes, mapping: Mapping) -> str:
    encodings = list(mapping.encodings)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif data.startswith(b"\xef\xbb\xbf"):
        encodings = ["utf-8-sig"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadReport(field="file", why="encoding", tried=", ".join(encodings))


def _delimiter(text: str) -> str:
    head = text.lstrip("\ufeff\r\n")[:20_000].splitlines()[:HEADER_WITHIN]
    return max("\t,;", key=lambda mark: max((line.count(mark) for line in head), default=0))


def _workbook(data: bytes) -> Iterator[tuple[int, list[str], str]]:
    try:
        yield from ((line, cells, "") for line, cells in read_sheet(data))
    except (NotXlsx, zipfile.BadZipFile) as error:
        raise BadReport(field="file", why="bad_workbook") from error
