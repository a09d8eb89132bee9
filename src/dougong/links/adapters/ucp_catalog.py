"""Products of a UCP shop: search, lookup, and the choice of one that can be bought."""

from typing import Any

import msgspec

from dougong.links.adapters.ucp_client import Conversation
from dougong.links.adapters.ucp_profile import LOOKUP, SEARCH
from dougong.links.adapters.ucp_wire import Body, read
from dougong.links.ucp_rules import Quote, ShopRefused

PAGE = 10
# Shops differ in what they take for "show me something": the first one that finds any counts.
BROWSING: tuple[Body, ...] = (
    {"filters": {"price": {"min": 0}}},
    {"query": ""},
    {"query": "*"},
    *({"query": letter} for letter in "aeiou"),
)


class Price(msgspec.Struct):
    amount: int
    currency: str


class Range(msgspec.Struct):
    min: Price
    max: Price | None = None


class Availability(msgspec.Struct):
    available: bool = True


class Media(msgspec.Struct):
    url: str = ""
    type: str = "image"


class Barcode(msgspec.Struct):
    type: str
    value: str


class Input(msgspec.Struct):
    """Which of the ids asked for led here."""

    id: str


class Variant(msgspec.Struct):
    id: str
    title: str = ""
    price: Price | None = None
    availability: Availability | None = None
    url: str | None = None
    barcodes: list[Barcode] | None = None
    inputs: list[Input] | None = None
    media: list[Media] | None = None


class Product(msgspec.Struct):
    id: str
    title: str = ""
    url: str | None = None
    price_range: Range | None = None
    variants: list[Variant] | None = None
    media: list[Media] | None = None
    categories: list[dict[str, Any]] | None = None

    def only_price(self) -> Price | None:
        """The price, when there is but one."""
        prices = self.price_range
        return prices.min if prices and prices.max in (None, prices.min) else None


class Found(msgspec.Struct):
    products: list[Product]


class OneFound(msgspec.Struct):
    product: Product | None = None
    products: list[Product] = []


class Chosen(msgspec.Struct, frozen=True):
    """What can be ordered, with its price as the catalogue has it."""

    product: Product
    variant: Variant | None

    @property
    def item_id(self) -> str:
        return self.variant.id if self.variant else self.product.id

    @property
    def price(self) -> Price | None:
        return self.variant.price if self.variant else self.product.only_price()

    def quote(self, quantity: int) -> Quote:
        price = self.price
        return Quote(
            self.item_id,
            quantity,
            price.amount if price else None,
            price.currency if price else None,
        )


async def search(talk: Conversation, words: str | None) -> list[Product]:
    """Products for these words, or any at all. Raises ShopRefused where there is no search.

    A shop that does not list search is asked all the same: a catalogue is no secret.
    """
    refused: ShopRefused | None = None
    for asked in ({"query": words},) if words else BROWSING:
        sent = asked | {"pagination": {"limit": PAGE}}
        try:
            body = await talk.send("POST", "/catalog/search", sent)
        except ShopRefused as error:
            refused = error
            continue
        found = read(body, Found, "search").products
        if found:
            return found
    if refused is not None and not talk.shop.offers(SEARCH):
        raise ShopRefused(reason="no_search", detail="the shop has no search: name an item")
    if refused is not None:
        raise refused
    return []


async def lookup(talk: Conversation, item_ids: list[str]) -> list[Product]:
    """Products by their ids. Raises ShopRefused where there is no lookup."""
    if not talk.shop.offers(LOOKUP):
        raise ShopRefused(reason="no_lookup", detail="the shop offers no lookup in its catalogue")
    body = await talk.send("POST", "/catalog/lookup", {"ids": item_ids})
    return read(body, OneFound, "lookup").products


def choose(products: list[Product], item_id: str | None = None) -> Chosen | None:
    """The first thing that can be bought; with an id, that one only."""
    for product in products:
        variants = product.variants or []
        for variant in variants:
            there = variant.availability is None or variant.availability.available
            if item_id in (None, variant.id, product.id) and there:
                return Chosen(product, variant)
        if not variants and item_id in (None, product.id):
            return Chosen(product, None)
    return None
