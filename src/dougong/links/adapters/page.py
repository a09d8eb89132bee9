"""Any product page with schema.org data: JSON-LD, microdata, and Open Graph where there is no more.

Vocabulary: schema.org Product, ProductGroup, Offer, AggregateOffer (30.0); Open Graph and its
product namespace.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import ada_url

from dougong.base.money import Money
from dougong.infra.http import MAX_HOPS, Answer, OutsideFailed, call
from dougong.links.adapters.page_data import Item, PageData, page_text
from dougong.links.adapters.protocol import (
    MAX_TITLE,
    MOST_PRODUCTS,
    Availability,
    NoProductData,
    SeenProduct,
)
from dougong.links.price_rules import currency_from, gtin_from, price_from
from dougong.links.source_rules import Source, host_of, source_of

PRODUCTS = {"product", "individualproduct", "productmodel", "productgroup", "someproducts"}
GTINS = ("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "isbn")
IN_STOCK = {"instock", "instoreonly", "limitedavailability", "onlineonly", "preorder", "presale"}
SOLD_OUT = {"outofstock", "soldout", "discontinued", "backorder", "reserved"}
# Query parameters that say where a visitor came from, not what is shown.
TRACKING = re.compile(r"utm_\w+|spm|scm|gclid|fbclid|ref|pvid|abbucket|clk\w*")


class PageAdapter:
    """Reads the page that stands at the address; it cannot search."""

    searches = False

    async def look_up(
        self, source: Source, url: str, *, answer: Answer | None = None
    ) -> Sequence[SeenProduct]:
        found = answer or await call("GET", url, hops=MAX_HOPS)
        if found.status >= 400:
            raise OutsideFailed(f"status {found.status}")
        products = await asyncio.to_thread(read_page, found, source)
        if not products:
            raise NoProductData(field="address")
        return products

    async def search(self, source: Source, words: str) -> Sequence[SeenProduct]:
        return []


def read_page(answer: Answer, source: Source) -> list[SeenProduct]:
    """Every product of a page once, the page's own first. Pure, but slow for a big page: run it
    beside the event loop."""
    page = PageData(page_text(answer), answer.url)
    return products_on(page, source)


def products_on(page: PageData, source: Source) -> list[SeenProduct]:
    found: dict[str, SeenProduct] = {}
    items = [item for item in page.items if _types(item) & PRODUCTS]
    for item in items:
        made = _product(item, page, source, is_only=len(items) == 1)
        known = found.get(made.item_id) if made else None
        if made and (known is None or (known.price is None and made.price is not None)):
            found[made.item_id] = made
    if not found and (made := _from_graph(page, source)):
        found[made.item_id] = made
    mine = item_id_of(page.url, source)
    ordered = sorted(found.values(), key=lambda one: one.item_id != mine)
    return ordered[:MOST_PRODUCTS]


def item_id_of(url: str, source: Source) -> str:
    """What names a product within its source: the parameters that the source says do, else the
    address without what only tracks; long ones as a digest."""
    read = ada_url.URL(url)
    asked = list(ada_url.URLSearchParams(read.search).items())
    named = [(name, value) for name, value in asked if name in source.terms.item_params and value]
    if named:
        text = "&".join(value for _, value in named)
    else:
        kept = sorted(pair for pair in asked if not TRACKING.fullmatch(pair[0]))
        query = "&".join(f"{name}={value}" for name, value in kept)
        text = f"{read.host}{read.pathname.rstrip('/') or '/'}{'?' if query else ''}{query}"
    return text if len(text) <= 300 else f"sha256:{sha256(text.encode()).hexdigest()}"


def _product(item: Item, page: PageData, source: Source, *, is_only: bool) -> SeenProduct | None:
    title = _first_text(item, "name") or (page.title() if is_only else "")
    if not title:
        return None
    url, item_id = _place(item, page, source, is_only=is_only)
    offers = list(_offers(item))
    return SeenProduct(
        item_id=item_id,
        url=url,
        title=title[:MAX_TITLE],
        price=_lowest(offers, source),
        image_url=_image(item, page),
        gtin=_gtin([item, *offers]),
        availability=_availability(offers),
        category=_first_text(item, "category")[:120],
    )


def _place(item: Item, page: PageData, source: Source, *, is_only: bool) -> tuple[str, str]:
    """Address and item id. A page of one product is that product's place, whatever it says of
    itself; one of several is where its own address says, when that is on the source's hosts."""
    if is_only:
        return page.url, item_id_of(page.url, source)
    said = page.joined(_first_text(item, "url")) if _first_text(item, "url") else None
    if said and source_of(host_of(said), [source]) and said.startswith(("http://", "https://")):
        return said, item_id_of(said, source)
    number = _first_text(item, "sku") or _first_text(item, "productID") or _gtin([item]) or ""
    mine = item_id_of(page.url, source)
    return page.url, f"{mine}#{number}"[:400] if number else mine


def _offers(item: Item) -> Iterator[Item]:
    for offer in item.get("offers", []):
        if isinstance(offer, dict):
            yield offer
            yield from (one for one in offer.get("offers", []) if isinstance(one, dict))
    for variant in item.get("hasVariant", []):
        if isinstance(variant, dict):
            yield from (one for one in variant.get("offers", []) if isinstance(one, dict))


def _lowest(offers: Sequence[Item], source: Source) -> Money | None:
    prices = [price for offer in offers for price in _prices(offer, source)]
    same = [price for price in prices if price.currency == prices[0].currency]
    return min(same, key=lambda price: price.minor) if same else None


def _prices(offer: Item, source: Source) -> Iterator[Money]:
    places = [offer, *(one for one in offer.get("priceSpecification", []) if isinstance(one, dict))]
    for place in places:
        currency = currency_from(_first_text(place, "priceCurrency"), source.terms.currency)
        for name in ("lowPrice", "price"):
            price = price_from(_first_text(place, name), currency)
            if price is not None:
                yield price
                break


def _availability(offers: Sequence[Item]) -> Availability:
    said = {_last(_first_text(offer, "availability")) for offer in offers}
    if said & IN_STOCK:
        return Availability.IN_STOCK
    return Availability.SOLD_OUT if said & SOLD_OUT else Availability.UNKNOWN


def _gtin(items: Sequence[Item]) -> str | None:
    said = (gtin_from(_first_text(item, name)) for item in items for name in GTINS)
    return next((one for one in said if one), None)


def _image(item: Item, page: PageData) -> str | None:
    for image in item.get("image", []):
        text = image if isinstance(image, str) else _first_text(image, "url", "contentUrl")
        whole = page.joined(text) if text else None
        if whole and whole.startswith(("http://", "https://")) and len(whole) <= 2_000:
            return whole
    return None


def _from_graph(page: PageData, source: Source) -> SeenProduct | None:
    """A page that speaks Open Graph only; it must name itself a product, or a price."""
    graph = page.graph
    price_text = _first_text(graph, "product:price:amount", "og:price:amount")
    kind = _first_text(graph, "og:type").lower()
    title = _first_text(graph, "og:title")
    if not title or not (price_text or kind.startswith(("product", "og:product"))):
        return None
    said = _first_text(graph, "product:price:currency", "og:price:currency")
    stock = _last(_first_text(graph, "product:availability", "og:availability"))
    image = _image({"image": graph.get("og:image", [])}, page)
    known = Availability.IN_STOCK if stock in IN_STOCK else Availability.SOLD_OUT
    return SeenProduct(
        item_id=item_id_of(page.url, source),
        url=page.url,
        title=title[:MAX_TITLE],
        price=price_from(price_text, currency_from(said, source.terms.currency)),
        image_url=image,
        gtin=gtin_from(_first_text(graph, "product:gtin", "product:ean", "product:upc")),
        availability=known if stock in IN_STOCK | SOLD_OUT else Availability.UNKNOWN,
        category=_first_text(graph, "product:category")[:120],
    )


def _types(item: Item) -> set[str]:
    return {_last(one) for one in item.get("@type", []) if isinstance(one, str)}


def _last(text: str) -> str:
    """`instock` of `https://schema.org/InStock`, and of `in stock`."""
    return re.sub(r"[\s_-]", "", re.split(r"[/#:]", text)[-1]).lower()


def _first_text(item: Any, *names: str) -> str:
    for name in names:
        for value in item.get(name, []):
            if isinstance(value, str) and value.strip():
                return value.strip()
            if isinstance(value, dict) and (inner := _first_text(value, "name", "@id")):
                return inner
    return ""
