"""A source that speaks UCP, as every adapter: its products by address and by words."""

from collections.abc import Sequence

import ada_url

from dougong.base.money import Money
from dougong.infra.http import Answer, OutsideFailed, UnsafeUrl
from dougong.links.adapters.page import item_id_of
from dougong.links.adapters.protocol import (
    MAX_TITLE,
    MOST_PRODUCTS,
    Availability,
    NoProductData,
    SeenProduct,
)
from dougong.links.adapters.ucp_agent import agent_url
from dougong.links.adapters.ucp_catalog import Chosen, Product, Variant, lookup, search
from dougong.links.adapters.ucp_client import Conversation
from dougong.links.adapters.ucp_profile import discover, origin_of
from dougong.links.price_rules import gtin_from
from dougong.links.source_rules import Source, host_of, source_of
from dougong.links.ucp_rules import ShopNotTrusted, ShopRefused

MAX_ID = 400


class UcpAdapter:
    """Asks the shop at the address, or at the first host of the source that is a name."""

    searches = True

    async def look_up(
        self, source: Source, url: str, *, answer: Answer | None = None
    ) -> Sequence[SeenProduct]:
        origin = origin_of(url)
        last = ada_url.URL(url).pathname.rstrip("/").rpartition("/")[2]
        named = dict.fromkeys((url, item_id_of(url, source), last))
        try:
            talk = await _talk(origin)
            products = await lookup(talk, [one for one in named if one])
        except ShopNotTrusted as error:
            raise _outside(error) from error
        except ShopRefused as error:
            if error.facts.get("reason") == "unreachable":
                raise _outside(error) from error
            raise NoProductData(field="address") from error
        found = [
            seen(product, variant, source, origin)
            for product in products
            for variant in product.variants or ()
            if _is_at(product, variant, url, set(named), source)
        ]
        if not found:
            raise NoProductData(field="address")
        return found[:MOST_PRODUCTS]

    async def search(self, source: Source, words: str) -> Sequence[SeenProduct]:
        origin = _home(source)
        try:
            products = await search(await _talk(origin), words)
        except (ShopNotTrusted, ShopRefused) as error:
            raise _outside(error) from error
        found = [
            seen(product, variant, source, origin)
            for product in products
            for variant in (product.variants or ())[:1]
        ]
        return found[:MOST_PRODUCTS]


async def _talk(origin: str) -> Conversation:
    return Conversation(await discover(origin), agent_url=agent_url(), language="zh-CN, en")


def _outside(error: ShopNotTrusted | ShopRefused) -> Exception:
    """What every adapter raises: the guarded client's own word, where there is one."""
    if isinstance(error.__cause__, OutsideFailed | UnsafeUrl):
        return error.__cause__
    return OutsideFailed(f"{error.facts.get('reason')}: {error.facts.get('detail')}")


def _home(source: Source) -> str:
    """Where a source's shop is asked: its first host that is a name, on loopback without TLS."""
    host = next((one for one in source.hosts if not one.startswith("*.")), "")
    if not host:
        raise NoProductData(field="address")
    plain = ada_url.URL(f"https://{host}/").hostname in ("127.0.0.1", "localhost", "[::1]")
    return f"{'http' if plain else 'https'}://{host}"


def _is_at(product: Product, variant: Variant, url: str, named: set[str], source: Source) -> bool:
    """Whether an answer is to the address that was asked, by what the shop itself says."""
    own = variant.url or product.url
    if own is not None and _same(own, url, source):
        return True
    asked = {one.id for one in variant.inputs or ()}
    return bool(named & (asked | {variant.id, product.id}))


def _same(one: str, other: str, source: Source) -> bool:
    try:
        return item_id_of(one, source) == item_id_of(other, source)
    except ValueError:
        return False


def _on_list(url: str | None, source: Source) -> bool:
    try:
        return url is not None and source_of(host_of(url), [source]) is not None
    except ValueError:
        return False


def seen(product: Product, variant: Variant, source: Source, origin: str) -> SeenProduct:
    """One thing that can be ordered, in the words of all adapters. Its id is the checkout's."""
    price = Chosen(product, variant).price
    own = next((x for x in (variant.url, product.url) if _on_list(x, source)), None)
    title = product.title
    if variant.title and variant.title not in title and len(product.variants or ()) > 1:
        title = f"{title} {variant.title}"
    there = variant.availability
    media = [one.url for one in (*(variant.media or ()), *(product.media or ())) if one.url]
    codes = [gtin_from(one.value) for one in variant.barcodes or ()]
    return SeenProduct(
        item_id=variant.id[:MAX_ID],
        url=own or f"{origin}/products/{variant.id}",
        title=(title or variant.title or variant.id)[:MAX_TITLE],
        price=Money(price.amount, price.currency) if price and price.amount >= 0 else None,
        image_url=next((x for x in media if x.startswith(("https://", "http://"))), None),
        gtin=next((x for x in codes if x), None),
        availability=(
            Availability.UNKNOWN
            if there is None
            else Availability.IN_STOCK
            if there.available
            else Availability.SOLD_OUT
        ),
        category=next((str(x.get("value", "")) for x in product.categories or ()), "")[:200],
    )
