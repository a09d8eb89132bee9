"""The first sheet of an XLSX workbook (ECMA-376), as text: what reports need, and nothing more.

Bounded at every step: a workbook is a zip, and a small one can hold a very large sheet.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

MAX_PART_BYTES = 512_000_000
MAX_TEXT = 32_000
MAX_COLUMNS = 1_000
PLACE = re.compile(r"([A-Z]{1,3})(\d+)$")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class NotXlsx(ValueError):
    """The file is a zip but no workbook that can be read."""


def read_sheet(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of the first sheet; missing cells are empty. Raises NotXlsx."""
    try:
        with zipfile.ZipFile(file) as book:
            names = set(book.namelist())
            sheets = sorted(
                (n for n in names if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n)),
                key=lambda n: int("".join(filter(str.isdigit, n))),
            )
            if not sheets:
                raise NotXlsx("no sheet")
            strings = _strings(book) if "xl/sharedStrings.xml" in names else []
            with _part(book, sheets[0]) as sheet:
                yield from _rows(sheet, strings)
    except (ParseError, DefusedXmlException, zipfile.BadZipFile, KeyError, IndexError) as error:
        raise NotXlsx(str(error)) from error


class _Bounded(io.RawIOBase):
    """A part of the zip that refuses to become larger than it may."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner, self._left = inner, MAX_PART_BYTES

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._inner.read(size if size > 0 else 65_536)
        self._left -= len(chunk)
        if self._left < 0:
            raise NotXlsx("too big")
        return chunk

    def close(self) -> None:
        self._inner.close()
        super().close()


def _part(book: zipfile.ZipFile, name: str) -> _Bounded:
    return _Bounded(book.open(name))


def _strings(book: zipfile.ZipFile) -> list[str]:
    """The shared strings, in their order; parts of rich text put together."""
    found = []
    with _part(book, "xl/sharedStrings.xml") as part:
        for _, element in iterparse(part):
            if element.tag == MAIN + "si":
                found.append(_text(element))
                element.clear()
    return found


def _text(element: Element) -> str:
    parts = [t.text or "" for t in element.iter(MAIN + "t")]
    return "".join(parts)[:MAX_TEXT]


def _rows(sheet: Any, strings: list[str]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    for _, element in iterparse(sheet):
        if element.tag != MAIN + "row":
            continue
        number = int(element.get("r") or number + 1)
        cells: list[str] = []
        for cell in element.iter(MAIN + "c"):
            column = _column(cell.get("r"), len(cells))
            if column >= MAX_COLUMNS:
                raise NotXlsx("too many columns")
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = _value(cell, strings)
        element.clear()
        yield number, cells


def _column(place: str | None, otherwise: int) -> int:
    """`AB12` is column 27, from 0."""
    found = PLACE.match(place or "")
    if not found:
        return otherwise
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: Element, strings: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = cell.findtext(MAIN + "v") or ""
    if kind == "s":
        return strings[int(value)]
    return _number(value) if kind == "n" else value[:MAX_TEXT]


def _number(text: str) -> str:
    """As a spreadsheet shows it: 15 digits, so that 0.1 + 0.2 is 0.3. More digits than that were
    lost when the file was written: such a number stays in the form that says so."""
    bare = text.strip()
    if re.fullmatch(r"-?\d{1,15}", bare) or not bare:
        return bare
    try:
        value = float(bare)
    except ValueError:
        return bare
    if abs(value) >= 1e15:
        return f"{value:.14E}"
    shown = f"{value:.15g}"
    return f"{value:.10f}".rstrip("0").rstrip(".") if "e" in shown else shown
