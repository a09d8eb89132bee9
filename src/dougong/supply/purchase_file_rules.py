"""Reads rows of purchase orders from a file: pure; every bad row says which field and why."""

import csv
import io
from collections.abc import Iterator
from datetime import date

import msgspec

from dougong.base.errors import BadInput
from dougong.base.money import BadAmount, minor_from_text
from dougong.supply.purchase_rules import MOST_PRICE_MINOR, MOST_QUANTITY

MOST_ROWS = 50_000
COLUMNS = {
    "number": ("number", "order", "采购单号", "单号"),
    "supplier": ("supplier", "supplier_code", "供应商", "供应商编码"),
    "sku": ("sku", "code", "编码", "规格编码"),
    "quantity": ("quantity", "units", "数量"),
    "price": ("price", "单价", "价格"),
    "expected_on": ("expected_on", "expected", "预计到货"),
}
NEEDED = ("supplier", "sku", "quantity")


class FileRow(msgspec.Struct, frozen=True):
    """A row that can be read. `number`: rows of one supplier and number become one order;
    `price_minor` None: the price in force."""

    line: int
    number: str
    supplier: str
    sku: str
    quantity: int
    price_minor: int | None
    expected_on: date | None


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


def read_rows(data: bytes, *, currency: str) -> Iterator[FileRow | BadRow]:
    """Every row after the header, in its order.

    Raises BadInput: empty, bad_encoding, missing_purchase_column, too_many_rows.
    """
    text = decode(data).replace("\0", "")
    first = text.lstrip().partition("\n")[0]
    delimiter = max("\t,;", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        at = _header(next(lines))
    except StopIteration as error:
        raise BadInput(field="file", reason="empty") from error
    start, count = lines.line_num + 1, 0
    for cells in lines:
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MOST_ROWS:
                raise BadInput(field="file", reason="too_many_rows")
            values = {
                name: cells[place].strip().lstrip("'") if place < len(cells) else ""
                for name, place in at.items()
            }
            yield _row(start, values, currency)
        start = lines.line_num + 1


def _header(cells: list[str]) -> dict[str, int]:
    """Where each known column stands."""
    plain = [cell.strip().casefold() for cell in cells]
    if not any(plain):
        raise BadInput(field="file", reason="empty")
    at = {
        name: next(n for n, cell in enumerate(plain) if cell in words)
        for name, words in COLUMNS.items()
        if any(cell in words for cell in plain)
    }
    if any(name not in at for name in NEEDED):
        raise BadInput(field="file", reason="missing_purchase_column")
    return at


def _row(line: int, values: dict[str, str], currency: str) -> FileRow | BadRow:
    units = values["quantity"]
    for name in ("supplier", "sku"):
        if not values[name]:
            return BadRow(line, name, "missing", "")
    if not (units.isascii() and units.isdigit()) or not 1 <= int(units[:12]) <= MOST_QUANTITY:
        return BadRow(line, "quantity", "bad_quantity", units[:80])
    price = None
    if typed := values.get("price", ""):
        try:
            price = minor_from_text(typed.replace("¥", "").replace(",", ""), currency)
        except BadAmount:
            return BadRow(line, "price", "not_an_amount", typed[:80])
        if not 0 <= price <= MOST_PRICE_MINOR:
            return BadRow(line, "price", "out_of_range", typed[:80])
    expected = None
    if day := values.get("expected_on", ""):
        try:
            expected = date.fromisoformat(day)
        except ValueError:
            return BadRow(line, "expected_on", "not_a_date", day[:80])
    number = values.get("number", "")[:40]
    return FileRow(line, number, values["supplier"], values["sku"], int(units), price, expected)
