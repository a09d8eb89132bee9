"""Reads rows of stock from a file: pure; every bad row says which field and why."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from dougong.base.errors import BadInput
from dougong.supply.csv_rules import BadRow, cells_of
from dougong.supply.purchase_rules import MOST_QUANTITY
from dougong.supply.stock_rules import bin_name

COLUMNS = {
    "warehouse": ("warehouse", "warehouse_code", "仓库", "仓库编码"),
    "sku": ("sku", "sku_code", "code", "编码", "规格编码"),
    "quantity": ("quantity", "units", "on_hand", "数量", "现有"),
    "bin": ("bin", "货位"),
}
NEEDED = ("warehouse", "sku", "quantity")
WHOLE = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)


class Mode(StrEnum):
    """What a file's quantities say: so many lie there, or so many more (fewer: below 0)."""

    SET = "set"
    CHANGE = "change"


class StockRow(msgspec.Struct, frozen=True):
    """A row that can be read. `bin`: empty leaves the SKU in the bin where it is."""

    line: int
    warehouse: str
    sku: str
    quantity: int
    bin: str


def read_stock_rows(data: bytes, *, mode: Mode) -> Iterator[StockRow | BadRow]:
    """Every row after the header, in its order.

    Raises BadInput: empty, bad_encoding, missing_stock_column, too_many_rows.
    """
    rows = cells_of(data, columns=COLUMNS, needed=NEEDED, missing="missing_stock_column")
    for line, values in rows:
        yield _row(line, values, mode)


def _row(line: int, values: dict[str, str], mode: Mode) -> StockRow | BadRow:
    for name in ("warehouse", "sku"):
        if not values[name]:
            return BadRow(line, name, "missing", "")
    units = values["quantity"]
    if not WHOLE.fullmatch(units):
        return BadRow(line, "quantity", "bad_quantity", units[:80])
    quantity = int(units)
    if quantity < (0 if mode is Mode.SET else -MOST_QUANTITY) or quantity > MOST_QUANTITY:
        return BadRow(line, "quantity", "out_of_range", units[:80])
    try:
        name = bin_name(values.get("bin", ""))
    except BadInput as refusal:
        reason = str(refusal.facts["reason"])
        return BadRow(line, "bin", reason, values["bin"][:80])
    return StockRow(line, values["warehouse"].upper(), values["sku"], quantity, name)


def once_each(rows: Iterable[StockRow | BadRow]) -> tuple[list[StockRow], list[BadRow]]:
    """Rows to load, one SKU's together, and bad ones: with what is in the file already."""
    found: dict[tuple[str, str], StockRow] = {}
    bad: list[BadRow] = []
    for row in rows:
        if isinstance(row, BadRow):
            bad.append(row)
        elif (row.sku, row.warehouse) in found:
            bad.append(BadRow(row.line, "sku", "twice_in_file", row.sku[:80]))
        else:
            found[row.sku, row.warehouse] = row
    return [found[place] for place in sorted(found)], bad


def in_chunks(rows: Sequence[StockRow], least: int) -> Iterator[Sequence[StockRow]]:
    """At least so many rows at a time, and all rows of one SKU in one chunk."""
    start = 0
    while start < len(rows):
        end = min(start + least, len(rows))
        while end < len(rows) and rows[end].sku == rows[end - 1].sku:
            end += 1
        yield rows[start:end]
        start = end
