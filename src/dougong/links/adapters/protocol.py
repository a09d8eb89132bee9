"""What every adapter does, in our own types: other people's models stay inside their adapter."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from dougong.base.errors import Refusal
from dougong.base.money import Money
from dougong.infra.http import Answer
from dougong.links.source_rules import Source

MAX_TITLE = 200
MOST_PRODUCTS = 50


class Availability(StrEnum):
    IN_STOCK = "in_stock"
    SOLD_OUT = "sold_out"
    UNKNOWN = "unknown"


class SeenProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product of a source as it was seen there just now.

    `item_id` names it within its source and stays when its page changes. `url` is on the source's
    host list. `price`: of the cheapest offer; None where none could be read without doubt.
    `gtin`: with its check digit right, else None. `commission_bp`: of the price, where the source
    says. `category`: the source's own words.
    """

    item_id: str
    url: str
    title: str
    price: Money | None = None
    image_url: str | None = None
    gtin: str | None = None
    availability: Availability = Availability.UNKNOWN
    commission_bp: int | None = None
    category: str = ""


class NoProductData(Refusal):
    """What stands at the address says nothing of a product that could be read."""

    code = "no_product_data"


class Adapter(Protocol):
    """One way to look products up. Both calls go outside: never inside a transaction.

    They raise OutsideFailed and UnsafeUrl, and NoProductData where nothing is found at an address.
    """

    searches: bool  # whether `search` finds anything

    async def look_up(
        self, source: Source, url: str, *, answer: Answer | None = None
    ) -> Sequence[SeenProduct]:
        """The products at an address of the source, the main one first; at least one.

        `answer`: what was just received from there, if anything was.
        """
        ...

    async def search(self, source: Source, words: str) -> Sequence[SeenProduct]:
        """Up to MOST_PRODUCTS products with these words; none where the source cannot search."""
        ...
