"""The true-up as a file: CSV, or a workbook with the amounts as numbers."""

import io
from collections.abc import Sequence
from typing import Any

from litestar import Response
from openpyxl import Workbook
from openpyxl.styles import Font

from dougong.base.money import decimal_text
from dougong.partners.rules import MONEY_UNITS, Unit
from dougong.reads.partner_rounds import RoundNames
from dougong.web.agreements.words import COMPONENTS, OWED, SIDES, UNITS, said
from dougong.web.i18n import gettext, mark, pick
from dougong.web.operator.common import cell, csv_file
from dougong.web.paging import file_answer

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = (
    mark("Round"),
    mark("Component"),
    mark("What is owed"),
    mark("Counted in"),
    mark("Promised"),
    mark("Delivered"),
    mark("Base"),
    mark("Rate in percent"),
    mark("Owed by"),
    mark("Amount"),
    mark("Currency"),
    mark("State"),
)


def statement_file(
    names: RoundNames, lines: Sequence[Any], currency: str, *, is_final: bool, how: str
) -> Response[Any]:
    """`how`: csv or xlsx."""
    state = gettext(mark("final")) if is_final else gettext(mark("as of today"))
    head = [gettext(one) for one in HEAD]
    rows = [_row(names, line, currency, state) for line in lines]
    name = f"statement-{names.round_id}"
    if how == "csv":
        return csv_file(name, head, rows)
    book = Workbook()
    sheet = book.active
    if sheet is None:
        raise RuntimeError("a new workbook has a sheet")
    sheet.title = gettext(mark("Statement"))
    sheet.append(head)
    for mark_ in sheet[1]:
        mark_.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([_number(value) for value in row])
    for place, width in enumerate((28, 20, 14, 12, 18, 18, 18, 10, 12, 18, 9, 12)):
        sheet.column_dimensions["ABCDEFGHIJKL"[place]].width = width
    out = io.BytesIO()
    book.save(out)
    return file_answer(out.getvalue(), f"{name}.xlsx", XLSX)


def _row(names: RoundNames, line: Any, currency: str, state: str) -> list[str]:
    component = getattr(line, "component", None) or line.kind.value
    unit = Unit(line.unit)

    def amount(value: int) -> str:
        return decimal_text(value, currency) if unit in MONEY_UNITS else str(value)

    return [
        pick(names, "name"),
        said(COMPONENTS, component),
        said(OWED, line.what),
        said(UNITS, unit.value),
        amount(line.committed),
        amount(line.delivered),
        decimal_text(line.base_minor, currency),
        decimal_text(line.rate_bp, "CNY") if line.rate_bp else "",
        said(SIDES, line.owed_by),
        decimal_text(line.amount_minor, currency),
        currency,
        state,
    ]


def _number(text: str) -> str | float | int:
    """A decimal text as a number for a spreadsheet; any other as text that is no formula."""
    plain = text.lstrip("-")
    if plain.replace(".", "", 1).isdigit() and len(plain) < 16:
        return float(text) if "." in text else int(text)
    return cell(text)
