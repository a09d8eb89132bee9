"""What one row of a product feed says: the common Google Merchant fields. Pure.

A row is read whole: every field that cannot be taken is named, so that one pass mends a file.
The names are those of Google's product data specification.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from dougong.base.errors import BadInput
from dougong.base.money import BadAmount, minor_from_text
from dougong.catalog.feed_types import (
    KEPT_FIELDS,
    OPTION_FIELDS,
    Categories,
    FeedItem,
    FeedRow,
    Problem,
)
from dougong.catalog.rules import (
    MAX_BRAND,
    MAX_CODE,
    MAX_COMMISSION_BP,
    MAX_DESCRIPTION,
    MAX_IMAGES,
    MAX_PRICE_MINOR,
    MAX_QUANTITY,
    MAX_TITLE,
    MAX_WEIGHT_G,
    OTHER,
    STATES,
    check_options,
    clean_gtin,
    clean_text,
)
from dougong.infra.feed_text import RawRow, read_rows
from dougong.infra.feed_xml import MAX_CELL

MAX_LINK = 2_000
AVAILABILITIES = ("in_stock", "out_of_stock", "preorder", "backorder")
CONDITIONS = ("", "new", "refurbished", "used")
GRAMS = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "mg": Decimal("0.001"),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
PRICE = re.compile(r"(?:([A-Z]{3}) ?)?(-?[0-9.,]+)(?: ?([A-Z]{3}))?")
WEIGHT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]{1,2})")
UNREAD = 80


class Reader:
    """Reads rows of one feed for one store; remembers the ids it has seen."""

    def __init__(
        self, *, currency: str, categories: Categories, assumed_quantity: int, at: datetime
    ) -> None:
        """assumed_quantity: units of a new SKU that is "in stock" without a quantity. at: decides
        whether a sale price with dates is the price now."""
        self._at = at
        self._currency = currency
        self._categories = categories
        self._assumed = assumed_quantity
        self._seen: dict[str, int] = {}

    def read(self, raw: Mapping[str, Sequence[str]], *, line: int) -> FeedRow:
        """raw: field to its values, most have one; a field the file lacks is not in it."""
        row = _Row(raw, line)
        item = self._item(row)
        if item is not None and item.code in self._seen:
            row.wrong("id", "duplicate_id", item.code)
        if item is None or row.problems:
            return FeedRow(line, None, tuple(row.problems), tuple(row.notes))
        self._seen[item.code] = line
        return FeedRow(line, item, (), tuple(row.notes))

    def _item(self, row: "_Row") -> FeedItem | None:
        code = row.text("id", MAX_CODE, required=True)
        title = row.text("title", MAX_TITLE, required=True)
        price_minor, list_price_minor = self._prices(row)
        fields: dict[str, Any] = {
            "group": row.text("item_group_id", MAX_CODE) or code,
            "title_en": row.text("title_en", MAX_TITLE),
            "description": row.text("description", MAX_DESCRIPTION),
            "description_en": row.text("description_en", MAX_DESCRIPTION),
            "brand": row.text("brand", MAX_BRAND),
            "category": self._category(row),
            "options": row.options(),
            "gtin": row.gtin(),
            "weight_g": row.weight(),
            **self._quantity(row),
            "attributes": row.attributes(),
            "image_links": row.image_links(),
            "commission_bp": row.commission(),
            "state": row.choice("product_state", STATES),
        }
        if row.problems or code is None or title is None or price_minor is None:
            return None
        return FeedItem(
            line=row.line,
            code=code,
            title=title,
            price_minor=price_minor,
            list_price_minor=list_price_minor,
            **fields,
        )

    def _prices(self, row: "_Row") -> tuple[int | None, int | None]:
        """Selling price and, above it, the price before."""
        price = self._price(row, "price", required=True)
        sale = self._price(row, "sale_price")
        if price is None or sale is None or sale == price:
            return price, None
        if sale > price:
            row.wrong("sale_price", "sale_price_above_price")
        return (sale, price) if self._is_sale(row) else (price, None)

    def _is_sale(self, row: "_Row") -> bool:
        """Whether the sale price is the price now: without dates it is."""
        text = row.text("sale_price_effective_date", 100)
        if not text:
            return True
        try:
            start, end = (_instant(part) for part in text.split("/"))
        except ValueError:
            row.wrong("sale_price_effective_date", "bad_dates")
            return False
        if not start <= self._at < end:
            row.note("sale_price_effective_date", "no_sale_now")
        return start <= self._at < end

    def _price(self, row: "_Row", field: str, *, required: bool = False) -> int | None:
        text = row.text(field, 60, required=required)
        if not text:
            return None
        found = PRICE.fullmatch(text.upper())
        if found is None or (found[1] and found[3]):
            row.wrong(field, "bad_price")
            return None
        if (found[1] or found[3] or self._currency) != self._currency:
            row.wrong(field, "wrong_currency")
            return None
        try:
            minor = minor_from_text(found[2], self._currency)
        except BadAmount:
            row.wrong(field, "bad_price")
            return None
        if not 1 <= minor <= MAX_PRICE_MINOR:
            row.wrong(field, "out_of_range")
            return None
        return minor

    def _category(self, row: "_Row") -> str | None:
        words = [row.text(f, 500) for f in ("product_type", "google_product_category")]
        given = [word for word in words if word]
        for word in given:
            found = self._categories.find(word)
            if found:
                return found
        if given:
            row.note("product_type", "unknown_category", given[0])
            return OTHER
        return None

    def _quantity(self, row: "_Row") -> dict[str, int | None]:
        availability = row.choice("availability", AVAILABILITIES)
        text = row.text("quantity", 20)
        if text:
            if not (text.isascii() and text.isdigit()) or int(text) > MAX_QUANTITY:
                row.wrong("quantity", "bad_quantity")
                return {}
            return {"quantity": 0 if availability == "out_of_stock" else int(text)}
        if availability == "out_of_stock":
            return {"quantity": 0}
        if availability != "in_stock":
            return {}
        if not self._assumed:
            row.note("quantity", "in_stock_without_quantity")
        return {"assumed_quantity": self._assumed or None}


def read_feed(data: bytes, reader: Reader) -> Iterator[FeedRow]:
    """Every row of a feed file in its order, as an item or as problems. Raises FeedRefused."""
    for row in read_rows(data):
        yield reader.read(row.fields, line=row.line) if not row.reason else _unread(row)


def _unread(row: RawRow) -> FeedRow:
    problem = Problem(row.line, row.field, row.reason, row.value)
    return FeedRow(row.line, None, (problem,))


class _Row:
    """One raw row, and what is wrong with it so far."""

    def __init__(self, raw: Mapping[str, Sequence[str]], line: int) -> None:
        self.raw = raw
        self.line = line
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def wrong(self, field: str, reason: str, value: str | None = None) -> None:
        self.problems.append(self._problem(field, reason, value))

    def note(self, field: str, reason: str, value: str | None = None) -> None:
        self.notes.append(self._problem(field, reason, value))

    def _problem(self, field: str, reason: str, value: str | None) -> Problem:
        found = value if value is not None else next(iter(self.raw.get(field, ())), "")
        plain = "".join(c if c.isprintable() else "�" for c in found[:UNREAD])
        return Problem(self.line, field, reason, plain)

    def text(self, field: str, most: int, *, required: bool = False) -> str | None:
        """The first value, clean; None when the file has no such field, or it is wrong."""
        values = self.raw.get(field)
        if values is None:
            if required:
                self.wrong(field, "missing")
            return None
        return self._clean(field, values[0] if values else "", most, required=required)

    def _clean(self, field: str, value: str, most: int, *, required: bool = False) -> str | None:
        try:
            return clean_text(value, field=field, most=most, required=required)
        except BadInput as bad:
            self.wrong(field, bad.facts["reason"])
            return None

    def choice(self, field: str, choices: Sequence[str]) -> str | None:
        text = self.text(field, 60)
        if not text:
            return None
        plain = text.casefold().replace(" ", "_")
        if plain not in choices:
            self.wrong(field, "unknown_value")
            return None
        return plain

    def options(self) -> dict[str, str] | None:
        """The four option columns and our own `options` (a JSON object of texts)."""
        options: dict[str, str] = {}
        for field in OPTION_FIELDS:
            if value := self.text(field, 80):
                options[field] = value
        if text := self.text("options", 2_000):
            try:
                options |= msgspec.json.decode(text, type=dict[str, str])
                options = check_options(options, field="options")
            except (msgspec.MsgspecError, BadInput, ValueError):
                self.wrong("options", "bad_options")
        given = any(field in self.raw for field in (*OPTION_FIELDS, "options"))
        return options if given else None

    def gtin(self) -> str | None:
        text = self.text("gtin", 60)
        try:
            return text and (clean_gtin(text, field="gtin") or "")
        except BadInput as bad:
            self.wrong("gtin", bad.facts["reason"])
            return None

    def weight(self) -> int | None:
        """Whole grams, rounded to the nearest."""
        text = self.text("shipping_weight", 40)
        if not text:
            return 0 if text == "" else None
        found = WEIGHT.fullmatch(text.casefold())
        if found is None or found[2] not in GRAMS:
            self.wrong("shipping_weight", "bad_weight")
            return None
        try:
            grams = int((Decimal(found[1]) * GRAMS[found[2]]).to_integral_value())
        except InvalidOperation:
            grams = MAX_WEIGHT_G + 1
        if grams > MAX_WEIGHT_G:
            self.wrong("shipping_weight", "out_of_range")
            return None
        return grams

    def attributes(self) -> dict[str, str] | None:
        self.choice("condition", CONDITIONS)
        kept = {field: self.text(field, 100) for field in KEPT_FIELDS if field in self.raw}
        return {field: value for field, value in kept.items() if value} if kept else None

    def image_links(self) -> tuple[str, ...] | None:
        if "image_link" not in self.raw:
            return None
        links = [*self.raw["image_link"][:1], *self._more_links()]
        clean = [self._clean("image_link", link, _room(link)) for link in links]
        found = tuple(dict.fromkeys(link for link in clean if link))
        if len(found) > MAX_IMAGES:
            self.note("additional_image_link", "too_many_images")
        return found[:MAX_IMAGES]

    def _more_links(self) -> list[str]:
        values = self.raw.get("additional_image_link", ())
        return [
            link
            for value in values
            for link in ([value] if value.startswith("data:") else value.split(","))
        ]

    def commission(self) -> int | None:
        """`12.5%` or `12.5`, in basis points."""
        text = self.text("commission", 20)
        if not text:
            return None
        try:
            rate_bp = minor_from_text(text.removesuffix("%").strip(), "CNY")
        except BadAmount:
            rate_bp = -1
        if not 0 <= rate_bp <= MAX_COMMISSION_BP:
            self.wrong("commission", "bad_commission")
            return None
        return rate_bp


def _instant(text: str) -> datetime:
    """ISO 8601; UTC where no zone is written. Raises ValueError."""
    read = datetime.fromisoformat(text.strip())
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _room(link: str) -> int:
    """A picture inside the feed may be as large as a cell may be; an address is short."""
    return MAX_CELL if link.startswith("data:") else MAX_LINK
