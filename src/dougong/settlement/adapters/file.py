"""A bank that takes a list of payments as a file, and answers by a file of its own.

The list is CSV in UTF-8 with a byte order mark; amounts are decimal. The answers are CSV as
`payout_rules.read_answers` reads them, in UTF-8 or GB18030, parted by commas, semicolons or tabs.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from dougong.base.money import decimal_text
from dougong.settlement.payout_rules import BadAnswerFile

HEAD = ("payout_id", "holder", "bank", "account_number", "amount", "currency", "text")
MOST_BYTES = 30_000_000
MOST_CELL = 1_000


def payment_list(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """The file for the bank: id, holder, bank, number, minor units, currency, text of each."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for payout_id, holder, bank, number, minor, currency, text in rows:
        amount = decimal_text(minor, currency)
        writer.writerow((payout_id, cell(holder), cell(bank), number, amount, currency, text))
    return ("\ufeff" + out.getvalue()).encode()


def cell(text: str) -> str:
    """What somebody typed, as no spreadsheet runs it."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def answer_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The file's lines, numbered from 1. Raises BadAnswerFile for what is no text or no table."""
    if len(data) > MOST_BYTES:
        raise BadAnswerFile(field="file", why="too_big")
    if not data.strip():
        raise BadAnswerFile(field="file", why="empty")
    text = _text(data)
    first = text.split("\n", 1)[0]
    comma = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma)
    try:
        for cells in reader:
            yield reader.line_num, [cell[:MOST_CELL] for cell in cells]
    except csv.Error as error:
        raise BadAnswerFile(field="file", why="no_table") from error


def _text(data: bytes) -> str:
    if b"\x00" in data:
        raise BadAnswerFile(field="file", why="encoding")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadAnswerFile(field="file", why="encoding")
