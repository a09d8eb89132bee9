"""A merchant's product feed by its address: the rows that a shop publishes for every channel.

Fields: Google's product data specification (id, title, link, image_link, price, sale_price, gtin,
availability) and our own `commission`. The feed is read at most every five minutes in a process, up
to 50 MiB in 30 seconds (`infra.http.FEED`, packed or not): it streams into a file, and a thread
reads it there.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple

import ada_url

from dougong.base.money import BadAmount, Money, minor_from_text
from dougong.infra.feed_text import read_rows
from dougong.infra.feed_xml import FeedRefused
from dougong.infra.http import FEED, MAX_HOPS, Answer, OutsideFailed, call
from dougong.links.adapters.page import item_id_of
from dougong.links.adapters.protocol import (
    MAX_TITLE,
    MOST_PRODUCTS,
    Availability,
    NoProductData,
    SeenProduct,
)
from dougong.links.price_rules import currency_from, gtin_from, price_from
from dougong.links.source_rules import Source, host_of, source_of

FRESH_S = 300.0
MOST_KEPT = 400_000  # products of all feeds together
Fields = Mapping[str, Sequence[str]]


class _Read(NamedTuple):
    """A feed as it was: its products, and those of each item."""

    at_s: float
    products: list[SeenProduct]
    by_item: Mapping[str, list[SeenProduct]]


class FeedAdapter:
    """Finds products in the feed of the source's settings, by address and by words."""

    searches = True

    def __init__(self) -> None:
        self._kept: dict[str, _Read] = {}

    async def look_up(
        self, source: Source, url: str, *, answer: Answer | None = None
    ) -> Sequence[SeenProduct]:
        known = await self._read(source)
        found = known.by_item.get(item_id_of(url, source), [])
        if not found:
            raise NoProductData(field="address")
        return found[:MOST_PRODUCTS]

    async def search(self, source: Source, words: str) -> Sequence[SeenProduct]:
        wanted = words.casefold().split()[:10]
        found = (await self._read(source)).products
        fits = (p for p in found if all(w in p.title.casefold() or w == p.gtin for w in wanted))
        return list(fits)[:MOST_PRODUCTS]

    async def _read(self, source: Source) -> _Read:
        name = f"{source.code} {source.terms.feed_url}"
        kept = self._kept.get(name)
        if kept is None or time.monotonic() - kept.at_s > FRESH_S:
            kept = await _fetch(source)
            others = sum(len(one.products) for key, one in self._kept.items() if key != name)
            if others + len(kept.products) > MOST_KEPT:
                self._kept.clear()
            self._kept[name] = kept
        return kept


async def _fetch(source: Source) -> _Read:
    """The whole feed. Raises OutsideFailed: away, too slow, too big, or no feed."""
    with tempfile.TemporaryFile() as file:
        answer = await call("GET", source.terms.feed_url, hops=MAX_HOPS, limits=FEED, into=file)
        if answer.status >= 400:
            raise OutsideFailed(f"status {answer.status}")
        return await asyncio.to_thread(_read_file, file, source)


def _read_file(file: BinaryIO, source: Source) -> _Read:
    file.seek(0)
    products = read_products(file.read(), source)
    by_item: dict[str, list[SeenProduct]] = {}
    for one in products:
        by_item.setdefault(item_id_of(one.url, source), []).append(one)
    return _Read(time.monotonic(), products, by_item)


def read_products(data: bytes, source: Source) -> list[SeenProduct]:
    """The rows that stand on the source's hosts and have a title; others are passed over. Raises
    OutsideFailed for a file that is no feed."""
    try:
        made = [_product(row.fields, source) for row in read_rows(data) if not row.reason]
    except FeedRefused as error:
        raise OutsideFailed(f"no feed: {error.facts['why']}") from error
    return [one for one in made if one is not None]


def _product(fields: Fields, source: Source) -> SeenProduct | None:
    link, title, number = (_text(fields, name) for name in ("link", "title", "id"))
    try:
        is_there = source_of(host_of(link), [source]) is not None
    except ValueError:
        return None
    if not is_there or not title or not number or not link.startswith(("http://", "https://")):
        return None
    stock = _text(fields, "availability").casefold().replace(" ", "_")
    known = {"in_stock": Availability.IN_STOCK, "preorder": Availability.IN_STOCK}
    known |= {"out_of_stock": Availability.SOLD_OUT, "backorder": Availability.SOLD_OUT}
    return SeenProduct(
        item_id=number[:300],
        url=str(ada_url.URL(link).href),
        title=title[:MAX_TITLE],
        price=_price(fields, source),
        image_url=_text(fields, "image_link")[:2_000] or None,
        gtin=gtin_from(_text(fields, "gtin")),
        availability=known.get(stock, Availability.UNKNOWN),
        commission_bp=_commission(_text(fields, "commission")),
        category=_text(fields, "product_type")[:120],
    )


def _price(fields: Fields, source: Source) -> Money | None:
    for name in ("sale_price", "price"):
        text = _text(fields, name).upper()
        code = re.search(r"[A-Z]{3}", text)
        currency = currency_from(code[0] if code else "", source.terms.currency)
        found = price_from(re.sub(r"[A-Z]{3}", "", text), currency)
        if found is not None:
            return found
    return None


def _commission(text: str) -> int | None:
    """`12.5%` as 1250 basis points."""
    try:
        rate_bp = minor_from_text(text.removesuffix("%").strip(), "CNY")
    except BadAmount:
        return None
    return rate_bp if 0 <= rate_bp <= 10_000 else None


def _text(fields: Fields, name: str) -> str:
    return next((value.strip() for value in fields.get(name, ()) if value.strip()), "")
