"""Reads a payment list: CSV with commas, semicolons or tabs, or the first sheet of a workbook."""

import csv
import io
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from dougong.base.errors import NotFound
from dougong.infra.settings import settings
from dougong.settlement.payment_rules import (
    Mapping,
    Payment,
    Problem,
    missing_columns,
    places_of,
    read_payment,
)
from dougong.settlement.rules import BadPaymentFile

OURS = Path(__file__).parent / "mappings"
MAX_BYTES = 200_000_000
MAX_UNPACKED = 1_000_000_000
MAX_ROWS = 2_000_000
HEADER_WITHIN = 20  # rows: some exports begin with a title

Lines = Iterator[tuple[int, list[str]]]


class UnknownPaymentMapping(NotFound):
    """There is no mapping of this name."""

    code = "unknown_payment_mapping"


def own_folder() -> Path:
    """Where an operator's own mappings are; they go before those of the same name here."""
    return settings().data_dir / "payment_mappings"


def mapping_names() -> list[str]:
    return sorted({file.stem for home in (OURS, own_folder()) for file in home.glob("*.toml")})


def mapping_of(name: str) -> Mapping:
    """Raises UnknownPaymentMapping, or BadPaymentFile (`bad_mapping`) saying what is wrong."""
    if name not in mapping_names():
        raise UnknownPaymentMapping(field="mapping")
    own = own_folder() / f"{name}.toml"
    file = own if own.exists() else OURS / f"{name}.toml"
    try:
        made = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Mapping).check()
    except (ValueError, KeyError, OSError) as error:  # also tomllib's and msgspec's own
        raise BadPaymentFile(field="mapping", why="bad_mapping", detail=str(error)) from error
    return made


def read_payments(data: bytes, mapping: Mapping) -> Iterator[Payment | Problem]:
    """The rows of a file in their order.

    Raises BadPaymentFile (empty, too_big, encoding, missing_column, bad_workbook, too_many_rows).
    """
    if len(data) > MAX_BYTES:
        raise BadPaymentFile(field="file", why="too_big")
    if not data.strip():
        raise BadPaymentFile(field="file", why="empty")
    rows = workbook_lines(data) if data.startswith(b"PK\x03\x04") else _table(data, mapping)
    places = _header(rows, mapping)
    return _rows(rows, places, mapping)


def _rows(rows: Lines, places: dict[str, int], mapping: Mapping) -> Iterator[Payment | Problem]:
    count = 0
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise BadPaymentFile(field="file", why="too_many_rows")
        fields = {field: cells[place] for field, place in places.items() if place < len(cells)}
        yield read_payment(mapping, line, fields)


def _header(rows: Lines, mapping: Mapping) -> dict[str, int]:
    """Where our fields are; the header is the first row that has all that are needed."""
    best: list[str] | None = None
    for n, (_, cells) in enumerate(rows, start=1):
        places = places_of(mapping, cells)
        missing = missing_columns(mapping, places)
        if not missing:
            return places
        if best is None or len(missing) < len(best):
            best = missing
        if n >= HEADER_WITHIN:
            break
    if best is None:
        raise BadPaymentFile(field="file", why="empty")
    names = [mapping.columns[field.split("|")[0]][0] for field in best]
    raise BadPaymentFile(field=best[0], why="missing_column", columns=", ".join(names))


def _table(data: bytes, mapping: Mapping) -> Lines:
    text = _decoded(data, mapping)
    head = text.lstrip("\ufeff\r\n")[:20_000].splitlines()[:HEADER_WITHIN]
    delimiter = max("\t,;", key=lambda mark: max((line.count(mark) for line in head), default=0))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    start = 1
    try:
        for cells in lines:
            yield start, cells
            start = lines.line_num + 1
    except csv.Error as error:
        raise BadPaymentFile(field="file", why="bad_table", line=start) from error


def _decoded(data: bytes, mapping: Mapping) -> str:
    utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ("utf-16",) if utf_16 else mapping.encodings
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadPaymentFile(field="file", why="encoding", tried=", ".join(encodings))


def workbook_lines(data: bytes) -> Lines:
    """The first sheet, as text. Bounded: a small workbook can hold a very large sheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED:
                raise BadPaymentFile(field="file", why="too_big")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            for line, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
                yield line, [_shown(value) for value in cells]
        finally:
            book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, ValueError) as error:
        raise BadPaymentFile(field="file", why="bad_workbook") from error


def _shown(value: Any) -> str:
    """A cell as a person sees it; a whole number has no point, a day no time."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        whole = int(value)
        if whole == value:
            return str(whole) if abs(whole) < 10**15 else f"{value:.14E}"
        return f"{value:.10f}".rstrip("0")
    return str(value)
