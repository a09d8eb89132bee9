"""How a report's columns become facts: a mapping is data (`mappings/*.toml`), this reads by it.

A row becomes `Reported`, or a problem with its field, reason and value. Nothing is guessed: an
unknown status, an amount that is none, amounts that disagree are each said.
"""

from collections.abc import Mapping as Cells
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from dougong.base.money import BadAmount, minor_from_text
from dougong.referrals.order_rules import Refund, RefundKind, Reported, State

MOST_TEXT = 300
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 (a serial number has no zone)
AMOUNTS = (
    "paid",
    "estimated_gross",
    "estimated_alliance_fee",
    "estimated_media_fee",
    "settled_base",
    "settled_gross",
    "alliance_fee",
    "media_fee",
    "refund_base",
    "refund_commission",
)
TIMES = ("paid_at", "received_at", "settled_at", "closed_at", "refunded_at")
RATES = ("commission_rate", "alliance_rate", "media_rate")
TEXTS = (
    "order_ref",
    "parent_ref",
    "sku_id",
    "item_id",
    "title",
    "quantity",
    "currency",
    "status",
    "refund_case",
    "refund_ref",
    "sub_id",
    "share_code",
    "task_ref",
    "ad_ref",
    "claimant",
)
FIELDS = frozenset((*AMOUNTS, *TIMES, *RATES, *TEXTS))


class RefundTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Case words that take money back, and those that only tell; `is_total`: an amount is of all
    refunds of the order so far, not of one."""

    clawback: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    is_total: bool = True


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of report. `columns`: our field to the names that its column may have."""

    name: str
    title_zh: str
    title_en: str
    timezone: str
    currency: str
    amount_unit: str = "major"  # or "minor"
    rate_unit: str = "percent"  # or "fraction"
    encodings: tuple[str, ...] = ("utf-8-sig", "gb18030")
    time_formats: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S",)
    empty: tuple[str, ...] = ("", "-", "--")
    tolerance_minor: int = 1
    required: tuple[str, ...] = ("order_ref",)
    one_of: tuple[str, ...] = ("status", "refund_case")
    ref_parts: tuple[str, ...] = ()  # further fields that tell the rows of one order number apart
    columns: dict[str, tuple[str, ...]]
    states: dict[str, tuple[str, ...]] = {}
    refunds: RefundTerms = RefundTerms()
    notes: str = ""

    def check(self) -> "Mapping":
        """Raises ValueError, saying what is wrong, for a mapping that cannot be read by."""
        if unknown := set(self.columns) - FIELDS:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        if unknown := set(self.ref_parts) - set(TEXTS):
            raise ValueError(f"unknown fields in ref_parts: {', '.join(sorted(unknown))}")
        if unknown := set(self.states) - {state.value for state in State}:
            raise ValueError(f"unknown states: {', '.join(sorted(unknown))}")
        words = [plain(word) for group in self.states.values() for word in group]
        if len(words) != len(set(words)):
            raise ValueError("a status stands for two states")
        if self.amount_unit not in ("major", "minor") or self.rate_unit not in (
            "percent",
            "fraction",
        ):
            raise ValueError("amount_unit is major or minor, rate_unit percent or fraction")
        ZoneInfo(self.timezone)
        return self


class Problem(msgspec.Struct, frozen=True):
    """Why a row cannot be read: `field` is ours, `value` what stood there."""

    field: str
    reason: str
    value: str = ""


class _Bad(Exception):
    def __init__(self, field: str, reason: str, value: object = "") -> None:
        super().__init__(field, reason)
        self.problem = Problem(field, reason, str(value)[:MOST_TEXT])


@lru_cache(maxsize=4_096)
def plain(word: str) -> str:
    """As names of columns and words of status are compared."""
    return " ".join(word.strip().strip("\ufeff").split()).casefold()


def places_of(mapping: Mapping, header: list[str]) -> dict[str, int]:
    """Our fields to their places in a header; the first of a field's names that is there counts."""
    there: dict[str, int] = {}
    for place, name in enumerate(header):
        there.setdefault(plain(name), place)
    found = {}
    for field, names in mapping.columns.items():
        named = [there[plain(name)] for name in names if plain(name) in there]
        if named:
            found[field] = named[0]
    return found


def missing_columns(mapping: Mapping, fields: Cells[str, object]) -> list[str]:
    """What a file of this kind must have and this one has not; `a|b` where one of them will do."""
    missing = [field for field in mapping.required if field not in fields]
    if mapping.one_of and not any(field in fields for field in mapping.one_of):
        missing.append("|".join(mapping.one_of))
    return missing


def read_row(mapping: Mapping, cells: Cells[str, str]) -> Reported | Problem:
    """A row by its fields; the first thing that is wrong with it where it cannot be taken."""
    try:
        return _Row(mapping, cells).read()
    except _Bad as bad:
        return bad.problem


class _Row:
    """One row on its way to facts."""

    def __init__(self, mapping: Mapping, cells: Cells[str, str]) -> None:
        self.mapping = mapping
        self.cells = {k: v for k, v in cells.items() if v.strip() not in mapping.empty}
        self.currency = self.cells.get("currency", mapping.currency).strip().upper()
        self.zone = ZoneInfo(mapping.timezone)

    def read(self) -> Reported:
        order_ref = self._id("order_ref")
        if not order_ref:
            raise _Bad("order_ref", "missing")
        parts = [part for name in self.mapping.ref_parts if (part := self._id(name))]
        order_ref = ":".join((order_ref, *parts))
        if len(self.currency) != 3 or not self.currency.isalpha():
            raise _Bad("currency", "unknown_value", self.currency)
        state, refund = self._state(), self._refund()
        if state is None and refund is None:
            raise _Bad("status", "missing")
        row = Reported(
            order_ref=order_ref,
            currency=self.currency,
            status=self._text("status") or self._text("refund_case"),
            state=state,
            parent_ref=self._id("parent_ref"),
            item_id=self._id("item_id"),
            title=self._text("title"),
            quantity=self._quantity(),
            paid_minor=self._amount("paid") or 0,
            estimated_gross_minor=self._amount("estimated_gross") or 0,
            estimated_fees_minor=self._estimated_fees(),
            settled_base_minor=self._amount("settled_base"),
            settled_gross_minor=self._amount("settled_gross") if state is State.SETTLED else None,
            alliance_fee_minor=self._fee("alliance_fee") if state is State.SETTLED else 0,
            media_fee_minor=self._fee("media_fee") if state is State.SETTLED else 0,
            **{name: self._time(name) for name in TIMES if name != "refunded_at"},
            sub_id=self._id("sub_id"),
            share_code=self._id("share_code"),
            task_ref=self._id("task_ref"),
            ad_ref=self._id("ad_ref"),
            claimant=self._id("claimant"),
            refund=refund,
        )
        self._whole(row)
        return row

    def _whole(self, row: Reported) -> None:
        """What a state needs is there, and the amounts agree."""
        if row.state is None:
            return
        if row.paid_at is None:
            raise _Bad("paid_at", "missing")
        if row.state is State.SETTLED:
            if row.settled_gross_minor is None:
                raise _Bad("settled_gross", "missing")
            if row.settled_at is None:
                raise _Bad("settled_at", "missing")
            if row.alliance_fee_minor + row.media_fee_minor > row.settled_gross_minor:
                raise _Bad("alliance_fee", "fees_above_commission", row.alliance_fee_minor)
            self._agree("settled_gross", row.settled_base_minor, row.settled_gross_minor)
        elif row.state is not State.CLOSED:
            if "estimated_gross" not in self.cells:
                raise _Bad("estimated_gross", "missing")
            self._agree("estimated_gross", row.paid_minor, row.estimated_gross_minor)
        if row.settled_at and row.settled_at < row.paid_at:
            raise _Bad("settled_at", "before_payment", self.cells.get("settled_at", ""))

    def _agree(self, field: str, base: int | None, commission: int) -> None:
        """`commission` is `base` × the rate that stands beside it, give or take the tolerance."""
        rate = self._rate("commission_rate")
        if rate is None or base is None:
            if base is not None and commission > base:
                raise _Bad(field, "amounts_disagree", self.cells.get(field, ""))
            return
        if abs(Decimal(base) * rate - commission) > self.mapping.tolerance_minor:
            raise _Bad(field, "amounts_disagree", self.cells.get(field, ""))

    def _state(self) -> State | None:
        word = self._text("status")
        if not word:
            return None
        for state, words in self.mapping.states.items():
            if plain(word) in map(plain, words):
                return State(state)
        raise _Bad("status", "unknown_status", word)

    def _refund(self) -> Refund | None:
        case = self._text("refund_case")
        if not case:
            return None
        terms = self.mapping.refunds
        if plain(case) in map(plain, terms.clawback):
            kind = RefundKind.CLAWBACK
        elif plain(case) in map(plain, terms.noted):
            kind = RefundKind.NOTED
        else:
            raise _Bad("refund_case", "unknown_status", case)
        ref = self._id("refund_ref")
        if not terms.is_total and not ref:
            raise _Bad("refund_ref", "missing")
        return Refund(
            case=case,
            kind=kind,
            ref=ref,
            base_minor=self._amount("refund_base"),
            commission_minor=self._amount("refund_commission"),
            is_total=terms.is_total,
        )

    def _estimated_fees(self) -> int:
        """What the alliance will keep, by its own figures or, without them, by its rates."""
        gross = self._amount("estimated_gross") or 0
        fees = 0
        for name, base in (("alliance", gross), ("media", self._amount("paid") or 0)):
            told = self._amount(f"estimated_{name}_fee")
            rate = self._rate(f"{name}_rate")
            fees += told if told is not None else int(base * rate) if rate is not None else 0
        return min(fees, gross)

    def _fee(self, field: str) -> int:
        """A fee that the alliance keeps; it must be what its rate says where both are told."""
        told = self._amount(field)
        rate = self._rate(field.replace("_fee", "_rate"))
        base = self._amount("settled_gross" if field == "alliance_fee" else "settled_base")
        if rate is None or base is None:
            return told or 0
        wanted = Decimal(base) * rate
        if told is None:
            return int(wanted)
        if abs(wanted - told) > self.mapping.tolerance_minor:
            raise _Bad(field, "amounts_disagree", self.cells.get(field, ""))
        return told

    def _text(self, field: str) -> str:
        value = " ".join(self.cells.get(field, "").split())
        if not value.isprintable():
            value = "".join(c for c in value if c.isprintable())
        return value[:MOST_TEXT]

    def _id(self, field: str) -> str:
        """A number that names something: without what spreadsheets put around it."""
        value = self._text(field)
        if value.startswith('="') and value.endswith('"'):
            value = value[2:-1]
        value = value.strip("'`\t ")
        if value[:1].isdigit() and "e+" in value.lower():
            raise _Bad(field, "digits_lost", value)
        return value

    def _quantity(self) -> int:
        value = self._text("quantity")
        if not value:
            return 1
        if not value.isascii() or not value.isdigit() or not 0 < int(value) < 1_000_000:
            raise _Bad("quantity", "bad_number", value)
        return int(value)

    def _amount(self, field: str) -> int | None:
        text = self.cells.get(field)
        if text is None:
            return None
        bare = text.strip().lstrip("¥￥$€£").removesuffix("元").replace(",", "").strip()
        try:
            if self.mapping.amount_unit == "minor":
                if not (bare.isascii() and bare.isdigit() and len(bare) <= 16):
                    raise BadAmount(bare)
                return int(bare)
            minor = minor_from_text(bare, self.currency)
        except BadAmount:
            raise _Bad(field, "bad_amount", text) from None
        if minor < 0:
            raise _Bad(field, "negative_amount", text)
        return minor

    def _rate(self, field: str) -> Decimal | None:
        text = self.cells.get(field)
        if text is None:
            return None
        value = _share(text.strip(), self.mapping.rate_unit)
        if value is None:
            raise _Bad(field, "bad_number", text)
        return value

    def _time(self, field: str) -> datetime | None:
        text = self.cells.get(field)
        if text is None:
            return None
        bare = text.strip()
        for form in self.mapping.time_formats:
            try:
                return _instant(bare, form, self.zone)
            except (ValueError, OverflowError):
                continue
        raise _Bad(field, "bad_time", text)


@lru_cache(maxsize=8_192)
def _instant(text: str, form: str, zone: ZoneInfo) -> datetime:
    """`excel`: the serial number of a spreadsheet; `unix`: whole seconds; else strptime."""
    if form == "excel":
        days = Decimal(text) if text.replace(".", "", 1).isdigit() else None
        if days is None or not 20_000 <= days <= 80_000:
            raise ValueError(text)
        at = EXCEL_EPOCH + timedelta(seconds=round(float(days) * 86_400))
        return at.replace(tzinfo=zone)
    if form == "unix":
        if not text.isdigit() or not 9 <= len(text) <= 11:
            raise ValueError(text)
        return datetime.fromtimestamp(int(text), tz=zone)
    at = datetime.strptime(text, form)  # noqa: DTZ007 (the mapping's zone follows)
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


@lru_cache(maxsize=4_096)
def _share(text: str, unit: str) -> Decimal | None:
    """A rate from 0 to 1; None for what is none."""
    try:
        value = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        return None
    if text.endswith("%") or unit == "percent":
        value /= 100
    return value if value.is_finite() and 0 <= value <= 1 else None
