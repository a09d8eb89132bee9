"""Reads a feed file, gzip or not: TSV, CSV or RSS XML, in UTF-8, UTF-16 or GB18030.

What comes out are raw rows: field to its values. What they mean is for the area that asked.
"""

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dougong.infra.feed_xml import ALIASES, MAX_CELL, FeedRefused, read_xml

REQUIRED = ("id", "title", "price")

MAX_BYTES = 256_000_000
MAX_ROWS = 500_000
MANY = ("additional_image_link",)
BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
GZIP = b"\x1f\x8b"
GZIP_WINDOW = 16 + zlib.MAX_WBITS
# What `safe_cell` in catalog/feed_export.py puts an apostrophe before, and this takes it off again.
GUARDED = re.compile(r"'+[=+\-@\t\r]")


class RawRow(NamedTuple):
    """One row as it stands. `reason`: why it cannot be read, with its field and what was found;
    `line` counts from 1."""

    line: int
    fields: Mapping[str, list[str]]
    reason: str = ""
    field: str = ""
    value: str = ""


def read_rows(data: bytes) -> Iterator[RawRow]:
    """Every row of the file in its order.

    Raises FeedRefused when the file as a whole cannot be read; what was yielded before stands
    only where the caller wants it to.
    """
    text = decode(unpack(data))
    if not text.strip():
        raise FeedRefused(field="file", why="empty")
    rows = _xml(text) if text.lstrip().startswith("<") else _table(text)
    for count, row in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise FeedRefused(field="file", why="too_many_rows")
        yield row


def unpack(data: bytes) -> bytes:
    """What is inside a gzip file; other files as they are. Raises FeedRefused (too_big, bad_gzip)
    without ever holding more than MAX_BYTES of it."""
    if data.startswith(GZIP):
        stream = zlib.decompressobj(GZIP_WINDOW)
        try:
            data = stream.decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            raise FeedRefused(field="file", why="bad_gzip") from error
        if len(data) <= MAX_BYTES and (not stream.eof or stream.unused_data):
            raise FeedRefused(field="file", why="bad_gzip")
    if len(data) > MAX_BYTES:
        raise FeedRefused(field="file", why="too_big")
    return data


def decode(data: bytes) -> str:
    """Raises FeedRefused (bad_encoding) for bytes that are no text we know."""
    for encoding in _encodings(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FeedRefused(field="file", why="bad_encoding")


def _encodings(data: bytes) -> list[str]:
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return [encoding]
    head = data[:200]
    if head[1::2].count(0) > len(head) // 4:
        return ["utf-16-le"]
    if head[::2].count(0) > len(head) // 4:
        return ["utf-16-be"]
    return ["utf-8", "gb18030"]


def _xml(text: str) -> Iterator[RawRow]:
    for one in read_xml(text):
        yield RawRow(*one)


def _table(text: str) -> Iterator[RawRow]:
    csv.field_size_limit(MAX_CELL)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        header = _header(next(lines))
    except csv.Error as error:
        raise FeedRefused(field="file", why="too_big") from error
    start = lines.line_num + 1
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error:
            yield RawRow(start, {}, "cell_too_big")
            start = lines.line_num + 1
            continue
        if any(cells):
            yield _row(header, cells, start)
        start = lines.line_num + 1


def _row(header: list[str], cells: list[str], line: int) -> RawRow:
    if len(cells) != len(header):
        reason = "too_many_cells" if len(cells) > len(header) else "too_few_cells"
        return RawRow(line, {}, reason, value=str(len(cells)))
    raw: dict[str, list[str]] = {}
    for field, cell in zip(header, cells, strict=True):
        value = cell[1:] if cell[:1] == "'" and GUARDED.match(cell) else cell
        raw.setdefault(field, []).append(value)
    return RawRow(line, raw)


def _delimiter(text: str) -> str:
    first = text.lstrip("\ufeff\r\n").partition("\n")[0]
    return max("\t,;", key=first.count)


def _header(cells: list[str]) -> list[str]:
    """Raises FeedRefused: missing_column, duplicate_column."""
    fields = [field_name(cell) for cell in cells]
    for field in REQUIRED:
        if field not in fields:
            raise FeedRefused(field=field, why="missing_column")
    twice = [f for f in fields if f and f not in MANY and fields.count(f) > 1]
    if twice:
        raise FeedRefused(field=twice[0], why="duplicate_column")
    return fields


def field_name(word: str) -> str:
    """`g:Image Link` is `image_link`."""
    plain = word.strip().strip("\ufeff").casefold().removeprefix("g:").strip()
    plain = re.sub(r"[\s_-]+", "_", plain)
    return ALIASES.get(plain, plain)
