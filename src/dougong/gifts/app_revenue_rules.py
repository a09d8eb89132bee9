"""Reads a table of what other apps took in, as somebody outside has counted it.

A CSV or TSV file with the columns `month` (YYYY-MM), `market` (two letters, or ALL), `app`,
`revenue` (a plain decimal) and `currency`; `source` may say who counted.
"""

import csv
from collections.abc import Iterator
from datetime import date

import msgspec

from dougong.base.money import BadAmount, minor_from_text

NEEDED = ("month", "market", "app", "revenue", "currency")
MOST_ROWS = 50_000
LONGEST = 120


class AppRow(msgspec.Struct, frozen=True):
    month: date
    market: str
    app: str
    currency: str
    revenue_minor: int
    source: str


class BadRow(msgspec.Struct, frozen=True):
    """`line` counts from 1, the head; `reason`: missing, unknown_value, too_long, repeated."""

    line: int
    field: str
    reason: str


def read_table(text: str) -> Iterator[AppRow | BadRow]:
    """Good rows and bad ones, in their order. A missing column is one bad row of line 1."""
    lines = text.removeprefix("\ufeff").splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    reader = csv.DictReader(lines, delimiter=delimiter)
    heads = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
    if missing := [name for name in NEEDED if name not in heads]:
        yield BadRow(1, missing[0], "missing")
        return
    met: set[tuple[date, str, str]] = set()
    for row in reader:
        if reader.line_num > MOST_ROWS + 1:
            yield BadRow(reader.line_num, "month", "too_many")
            return
        told = {name: (row.get(head) or "").strip() for name, head in heads.items()}
        read = _read_row(told, line=reader.line_num)
        if isinstance(read, AppRow):
            of = (read.month, read.market, read.app)
            if of in met:
                read = BadRow(reader.line_num, "app", "repeated")
            met.add(of)
        yield read


def _read_row(told: dict[str, str], *, line: int) -> AppRow | BadRow:
    for name in NEEDED:
        if not told[name]:
            return BadRow(line, name, "missing")
        if len(told[name]) > LONGEST:
            return BadRow(line, name, "too_long")
    try:
        month = date.fromisoformat(told["month"] + "-01")
    except ValueError:
        return BadRow(line, "month", "unknown_value")
    market, currency = told["market"].upper(), told["currency"].upper()
    if not (market.isalpha() and market.isascii() and len(market) in (2, 3)):
        return BadRow(line, "market", "unknown_value")
    if not (currency.isalpha() and currency.isascii() and len(currency) == 3):
        return BadRow(line, "currency", "unknown_value")
    try:
        minor = minor_from_text(told["revenue"], currency)
    except BadAmount:
        return BadRow(line, "revenue", "unknown_value")
    if minor < 0:
        return BadRow(line, "revenue", "unknown_value")
    return AppRow(month, market, told["app"], currency, minor, told.get("source", "")[:LONGEST])
