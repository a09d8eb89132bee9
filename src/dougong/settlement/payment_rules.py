"""How a payment list's columns become payments: a mapping is data (`mappings/*.toml`).

A row becomes `Payment`, or a problem with its field, reason and value. Nothing is guessed.
"""

import hashlib
from collections.abc import Mapping as Cells
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dougong.base.money import BadAmount, minor_from_text

MOST_TEXT = 120
FIELDS = ("payment_ref", "order_ref", "period_first_day", "period_last_day", "currency", "amount",
          "received_at")  # fmt: skip
SIGNS = "¥￥$€£"


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of list. `columns`: our field to the names that its column may have."""

    name: str
    title_zh: str
    title_en: str
    timezone: str
    currency: str
    amount_unit: str
    encodings: tuple[str, ...]
    time_formats: tuple[str, ...]
    required: tuple[str, ...]
    one_of: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]

    def check(self) -> "Mapping":
        """Raises ValueError, saying what is wrong, for a mapping that cannot be read by."""
        if unknown := set(self.columns) - set(FIELDS):
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        if missing := {*self.required, *self.one_of} - set(self.columns):
            raise ValueError(f"no column for: {', '.join(sorted(missing))}")
        if self.amount_unit not in ("major", "minor"):
            raise ValueError("amount_unit is major or minor")
        ZoneInfo(self.timezone)
        return self


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came. For an order, or, without one, for all of [period_starts, period_ends)."""

    line: int
    payment_ref: str
    order_ref: str
    period_starts: datetime | None
    period_ends: datetime | None
    currency: str
    amount_minor: int
    received_at: datetime

    def fingerprint(self) -> bytes:
        """The same payment told twice has the same; its line does not matter."""
        facts = (self.payment_ref, self.order_ref, self.period_starts, self.period_ends,
                 self.currency, self.amount_minor, self.received_at)  # fmt: skip
        return hashlib.sha256("\x1f".join(map(str, facts)).encode()).digest()


class Problem(msgspec.Struct, frozen=True):
    """Why a row was not taken: `parked` waits for a person, `refused` cannot be read."""

    line: int
    outcome: str
    field: str
    reason: str
    value: str = ""


class _Bad(Exception):
    def __init__(self, field: str, reason: str, value: str = "") -> None:
        super().__init__(field, reason)
        self.field, self.reason, self.value = field, reason, value


def plain(word: str) -> str:
    """As names of columns are compared."""
    return " ".join(word.strip().strip("\ufeff").split()).casefold()


def places_of(mapping: Mapping, header: list[str]) -> dict[str, int]:
    """Our fields to their places in a header; the first of a field's names that is there counts."""
    there: dict[str, int] = {}
    for place, title in enumerate(header):
        there.setdefault(plain(title), place)
    found: dict[str, int] = {}
    for field, names in mapping.columns.items():
        known = [there[plain(name)] for name in names if plain(name) in there]
        if known:
            found[field] = known[0]
    return found


def missing_columns(mapping: Mapping, fields: Cells[str, object]) -> list[str]:
    """What a list of this kind must have and this one has not; `a|b` where one of them will do."""
    missing = [field for field in mapping.required if field not in fields]
    if mapping.one_of and not any(field in fields for field in mapping.one_of):
        missing.append("|".join(mapping.one_of))
    return missing


def read_payment(mapping: Mapping, line: int, cells: Cells[str, str]) -> Payment | Problem:
    """A payment by its fields; the first thing that is wrong with it where it cannot be taken."""
    try:
        return _read(mapping, line, cells)
    except _Bad as bad:
        return Problem(line, "refused", bad.field, bad.reason, bad.value[:MOST_TEXT])


def _read(mapping: Mapping, line: int, cells: Cells[str, str]) -> Payment:
    currency = (_text(cells, "currency") or mapping.currency).upper()
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
        raise _Bad("currency", "unknown_value", currency)
    payment_ref = _id(cells, "payment_ref")
    if not payment_ref:
        raise _Bad("payment_ref", "missing")
    order_ref = _id(cells, "order_ref")
    starts, ends = (None, None) if order_ref else _period(mapping, cells)
    amount = _amount(mapping, cells, currency)
    if amount == 0:
        raise _Bad("amount", "zero", cells.get("amount", ""))
    return Payment(
        line=line,
        payment_ref=payment_ref,
        order_ref=order_ref,
        period_starts=starts,
        period_ends=ends,
        currency=currency,
        amount_minor=amount,
        received_at=_time(mapping, cells, "received_at"),
    )


def _period(mapping: Mapping, cells: Cells[str, str]) -> tuple[datetime, datetime]:
    """Local days, the last one included."""
    if not _text(cells, "period_first_day"):
        raise _Bad("order_ref", "missing")
    starts = _time(mapping, cells, "period_first_day")
    ends = _time(mapping, cells, "period_last_day") + timedelta(days=1)
    if ends <= starts:
        raise _Bad("period_last_day", "before_its_start", cells.get("period_last_day", ""))
    return starts, ends


def _text(cells: Cells[str, str], field: str) -> str:
    value = " ".join(cells.get(field, "").split())
    return "".join(c for c in value if c.isprintable())[:MOST_TEXT]


def _id(cells: Cells[str, str], field: str) -> str:
    """A number that names something: without what spreadsheets put around it."""
    value = _text(cells, field)
    if value.startswith('="') and value.endswith('"'):
        value = value[2:-1]
    value = value.strip("'`\t ")
    if value[:1].isdigit() and "e+" in value.lower():
        raise _Bad(field, "digits_lost", value)
    return value


def _amount(mapping: Mapping, cells: Cells[str, str], currency: str) -> int:
    text = cells.get("amount", "").strip()
    if not text:
        raise _Bad("amount", "missing")
    sign = "-" if text.startswith("-") else ""
    bare = text.lstrip("-+").strip().lstrip(SIGNS).removesuffix("元").replace(",", "").strip()
    try:
        if mapping.amount_unit == "minor" and "." in bare:
            raise BadAmount(bare)
        scaled = "JPY" if mapping.amount_unit == "minor" else currency  # JPY: no digits after it
        return minor_from_text(sign + bare, scaled)
    except BadAmount:
        raise _Bad("amount", "bad_amount", text) from None


def _time(mapping: Mapping, cells: Cells[str, str], field: str) -> datetime:
    text = cells.get(field, "").strip()
    if not text:
        raise _Bad(field, "missing")
    for form in mapping.time_formats:
        try:
            at = datetime.strptime(text, form)  # noqa: DTZ007 (the mapping's zone follows)
        except ValueError:
            continue
        return at.replace(tzinfo=ZoneInfo(mapping.timezone))
    raise _Bad(field, "bad_time", text)
