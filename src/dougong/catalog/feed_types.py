"""The words of a product feed: its fields, what a row becomes, what is wrong with it. Pure."""

import re
from collections.abc import Iterable

import msgspec

# Columns that become a SKU's options, by their feed names.
OPTION_FIELDS = ("color", "size", "material", "pattern")
# Kept as they are, for the next system that reads our export.
KEPT_FIELDS = ("mpn", "condition", *(f"custom_label_{n}" for n in range(5)))
# Ours, beside Google's: what would be lost otherwise.
OWN_FIELDS = ("title_en", "description_en", "options", "commission", "product_state")
FIELDS = (
    "id",
    "item_group_id",
    "title",
    "title_en",
    "description",
    "description_en",
    "link",
    "image_link",
    "additional_image_link",
    "availability",
    "quantity",
    "price",
    "sale_price",
    "brand",
    "gtin",
    "mpn",
    "condition",
    "google_product_category",
    "product_type",
    *OPTION_FIELDS,
    "options",
    "shipping_weight",
    *KEPT_FIELDS[2:],
    "commission",
    "product_state",
)


class Problem(msgspec.Struct, frozen=True):
    """Why a row was not loaded. `line` counts from 1; `value` is the start of what was found."""

    line: int
    field: str
    reason: str
    value: str = ""


class FeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One SKU of a feed. None: the feed does not say, what is there stays.

    Money in minor units of the store's currency, weight in grams, commission in basis points.
    """

    line: int
    code: str
    group: str
    title: str
    price_minor: int
    list_price_minor: int | None
    options: dict[str, str] | None = None
    title_en: str | None = None
    description: str | None = None
    description_en: str | None = None
    brand: str | None = None
    category: str | None = None
    gtin: str | None = None
    weight_g: int | None = None
    quantity: int | None = None
    attributes: dict[str, str] | None = None
    image_links: tuple[str, ...] | None = None
    commission_bp: int | None = None
    state: str | None = None
    assumed_quantity: int | None = None  # of a new SKU, "in stock" without a quantity


class FeedRow(msgspec.Struct, frozen=True):
    """What became of one row: an item, or problems; notes are no reason to refuse it."""

    line: int
    item: FeedItem | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()


class Categories:
    """Finds our category for the words of a feed: its path, or its name in either language."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """rows: path, Chinese name, English name."""
        self._found: dict[str, str] = {}
        for path, *names in sorted(rows, key=lambda row: -row[0].count("/")):
            for word in (path, path.rsplit("/", 1)[-1], *names):
                self._found.setdefault(word.strip().casefold(), path)
        for path in [p for p in self._found.values() if "/" not in p]:
            self._found[path.casefold()] = path
        self._known = {path: path for path in self._found.values()}
        self._seen: dict[str, str | None] = {}

    def find(self, words: str) -> str | None:
        """`food/tea`, `Tea`, `茶叶` or `Food > Tea`; the most specific part that we know."""
        if words not in self._seen:
            self._seen[words] = self._look(words)
        return self._seen[words]

    def _look(self, words: str) -> str | None:
        whole = words.strip().casefold()
        if whole in self._known:
            return whole
        parts = [part.strip() for part in re.split(r"[>/＞»]", whole)]
        found = (self._found.get(part) for part in [whole, *reversed(parts)] if part)
        return next((path for path in found if path), None)
