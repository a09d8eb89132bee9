"""Reads rows of purchase orders from a file: pure; every bad row says which field and why."""

from collections.abc import Iterator
from datetime import date

import msgspec

from dougong.base.money import BadAmount, minor_from_text
from dougong.supply.csv_rules import BadRow, cells_of
from dougong.supply.purchase_rules import MOST_PRICE_MINOR, MOST_QUANTITY

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


def read_rows(data: bytes, *, currency: str) -> Iterator[FileRow | BadRow]:
    """Every row after the header, in its order.

    Raises BadInput: empty, bad_encoding, missing_purchase_column, too_many_rows.
    """
    rows = cells_of(data, columns=COLUMNS, needed=NEEDED, missing="missing_purchase_column")
    for line, values in rows:
        yield _row(line, values, currency)


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
