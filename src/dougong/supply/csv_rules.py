"""Reads lists that somebody keeps in a spreadsheet: pure; which columns, which line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dougong.base.errors import BadInput

MOST_ROWS = 50_000

Columns = Mapping[str, Sequence[str]]  # a column's name to the heads that mean it


class BadRow(msgspec.Struct, frozen=True):
    """A row that was not loaded: its line in the file, the field, why, and what was found."""

    line: int
    field: str
    reason: str
    value: str


def decode(data: bytes) -> str:
    """UTF-8 or GB18030. Raises BadInput (bad_encoding)."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(field="file", reason="bad_encoding")


def cells_of(
    data: bytes, *, columns: Columns, needed: Sequence[str], missing: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """The line of every row after the header, and its cells by column; empty rows are left out.

    Parted by commas, semicolons or tabs, whatever the header has most of. `missing`: the reason
    when a needed column is not there. Raises BadInput: that, empty, bad_encoding, too_many_rows.
    """
    text = decode(data).replace("\0", "")
    first = text.lstrip().partition("\n")[0]
    delimiter = max("\t,;", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        at = _header(next(lines), columns)
    except StopIteration as error:
        raise BadInput(field="file", reason="empty") from error
    if any(name not in at for name in needed):
        raise BadInput(field="file", reason=missing)
    start, count = lines.line_num + 1, 0
    for cells in lines:
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MOST_ROWS:
                raise BadInput(field="file", reason="too_many_rows")
            yield (
                start,
                {
                    name: cells[place].strip().lstrip("'") if place < len(cells) else ""
                    for name, place in at.items()
                },
            )
        start = lines.line_num + 1


def _header(cells: list[str], columns: Columns) -> dict[str, int]:
    """Where each known column stands."""
    plain = [cell.strip().casefold() for cell in cells]
    if not any(plain):
        raise BadInput(field="file", reason="empty")
    return {
        name: next(n for n, cell in enumerate(plain) if cell in words)
        for name, words in columns.items()
        if any(cell in words for cell in plain)
    }
