"""What would this order cost, and which rules would it freeze? Used by checkout and by intake.

Reads the catalogue and the policy book once for many requests of one store; prices each by itself,
so that one bad request is one refusal.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import Refusal
from dougong.base.ids import LinkId, PersonId, SkuId, StoreId
from dougong.live.offer_queries import offers_by_id
from dougong.live.offer_rules import Offer as FlashOffer
from dougong.live.offer_rules import usable
from dougong.orders.rules import (
    AddressMissing,
    Coupon,
    CouponRefused,
    NotForSale,
    Offer,
    Quote,
    Shipping,
    capped_rate,
    quote,
)
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import TERM_WITHOUT_RULE, Facts, Rule, RuleKind
from dougong.reads.offers import (
    CouponTerms,
    LinkOrigin,
    SkuOffer,
    StoreTerms,
    addresses_of,
    coupons_of,
    link_origins,
    offers_of,
    store_terms,
)
from dougong.supply.quota_rules import Channel


class WantedLine(msgspec.Struct, frozen=True):
    """`offer_id`: the flash offer whose price it is to have."""

    sku_id: SkuId
    quantity: int
    link_id: LinkId | None = None
    offer_id: UUID | None = None


class Wanted(msgspec.Struct, frozen=True):
    """What one buyer wants of one store. `straight`: the way of lines that no link has brought."""

    buyer_id: PersonId
    lines: tuple[WantedLine, ...]
    coupon_code: str | None
    address_id: UUID | None
    straight: Channel = Channel.SHOP


class FrozenRate(msgspec.Struct, frozen=True):
    """A rate in basis points, and the rule that said so (None: the merchant's own offer)."""

    rate_bp: int
    rule_id: UUID | None


class LineRates(msgspec.Struct, frozen=True):
    """The rates that a line will keep, whatever the rules say later."""

    creator_id: UUID | None
    service_fee: FrozenRate
    commission: FrozenRate
    commission_cut: FrozenRate
    payment_cost: FrozenRate


class Term(msgspec.Struct, frozen=True):
    """A span in seconds, and the rule that said so."""

    seconds: int
    rule_id: UUID | None


class Priced(msgspec.Struct, frozen=True):
    """An order as it would be placed now."""

    currency: str
    quote: Quote
    rates: tuple[LineRates, ...]
    shipping_rates: LineRates
    coupon: CouponTerms | None
    address: dict[str, str] | None
    pay_within: Term
    receive_within: Term
    after_sales_window: Term


class Shelf(msgspec.Struct, frozen=True):
    """All that must be known to price a batch of requests of one store."""

    store: StoreTerms
    offers: dict[SkuId, SkuOffer]
    coupons: dict[str, CouponTerms]
    links: dict[LinkId, LinkOrigin]
    addresses: dict[tuple[UUID, UUID], dict[str, str]]
    rules: RuleBook
    flash: dict[UUID, FlashOffer] = {}
    # What the rules said of the same facts before, within this batch.
    decided: dict[Facts, Rule | None] = {}

    def decide(self, facts: Facts) -> Rule | None:
        if facts not in self.decided:
            self.decided[facts] = self.rules.decide(facts).rule
        return self.decided[facts]


async def read_shelf(
    conn: AsyncConnection, *, store_id: StoreId, requests: Sequence[Wanted]
) -> Shelf | None:
    """None where the store is unknown or closed."""
    store = await store_terms(conn, store_id=store_id)
    if store is None:
        return None
    lines = [line for request in requests for line in request.lines]
    flash = await offers_by_id(
        conn, store_id=store_id, offer_ids={li.offer_id for li in lines if li.offer_id}
    )
    linked = [li.link_id for li in lines if li.link_id]
    linked += [LinkId(one.link_id) for one in flash.values()]
    asked = [(r.buyer_id, r.address_id) for r in requests if r.address_id]
    return Shelf(
        store=store,
        offers=await offers_of(conn, store_id=store_id, sku_ids=[li.sku_id for li in lines]),
        coupons=await coupons_of(
            conn, store_id=store_id, codes=[r.coupon_code for r in requests if r.coupon_code]
        ),
        links=await link_origins(conn, link_ids=linked),
        addresses=await addresses_of(conn, wanted=asked) if asked else {},
        rules=await rules_book(conn),
        flash=flash,
    )


def price(shelf: Shelf, wanted: Wanted, *, at: datetime) -> Priced:
    """Raises NotForSale, OfferRefused, CouponRefused, AddressMissing, EmptyOrder, TooManyLines."""
    priced = quote(
        [(_offer(shelf, line, at), line.quantity, _link(shelf, line)) for line in wanted.lines],
        coupon=_coupon(shelf, wanted.coupon_code, at=at),
        shipping=Shipping(shelf.store.shipping_fee_minor, shelf.store.free_shipping_from_minor),
    )
    address = None
    if wanted.address_id:
        address = shelf.addresses.get((wanted.buyer_id, wanted.address_id))
        if address is None:
            raise AddressMissing(field="address_id")
    lines = [
        (line.offer.category, shelf.links.get(line.link_id) if line.link_id else None, line.offer)
        for line in priced.lines
    ]
    categories = {line.offer.category for line in priced.lines}
    return Priced(
        currency=shelf.store.currency,
        quote=priced,
        rates=tuple(_rates(shelf, category, link, offer, at) for category, link, offer in lines),
        shipping_rates=_shipping_rates(shelf, at),
        coupon=shelf.coupons.get(wanted.coupon_code) if wanted.coupon_code else None,
        address=address,
        pay_within=_longest(shelf, RuleKind.PAY_WITHIN_S, categories, at),
        receive_within=_longest(shelf, RuleKind.RECEIVE_WITHIN_S, categories, at),
        after_sales_window=_longest(shelf, RuleKind.AFTER_SALES_WINDOW_S, categories, at),
    )


def _link(shelf: Shelf, line: WantedLine) -> LinkId | None:
    """The link that led here; a flash offer is its own link's."""
    if line.link_id or not line.offer_id:
        return line.link_id
    flash = shelf.flash.get(line.offer_id)
    return LinkId(flash.link_id) if flash else None


def _offer(shelf: Shelf, line: WantedLine, at: datetime) -> Offer:
    found = shelf.offers.get(line.sku_id)
    if found is None:
        raise NotForSale(field="lines", sku_id=line.sku_id)
    price_minor = found.price_minor
    if line.offer_id:
        flash = usable(shelf.flash.get(line.offer_id), sku_id=line.sku_id, at=at)
        price_minor = flash.price_minor
    return Offer(
        sku_id=found.sku_id,
        product_id=found.product_id,  # type: ignore[arg-type]
        title_zh=found.title_zh,
        title_en=found.title_en,
        options=found.options,
        image_file=found.image_file,
        category=found.category,
        price_minor=price_minor,
        offered_commission_bp=found.commission_bp,
    )


def _coupon(shelf: Shelf, code: str | None, *, at: datetime) -> Coupon | None:
    if not code:
        return None
    terms = shelf.coupons.get(code)
    if terms is None:
        raise CouponRefused(field="coupon_code", why="unknown")
    if at < terms.starts_at:
        raise CouponRefused(field="coupon_code", why="not_yet")
    if at >= terms.ends_at:
        raise CouponRefused(field="coupon_code", why="over")
    return Coupon(
        terms.funder,
        terms.funder_org_id,
        terms.amount_off_minor,
        terms.percent_off_bp,
        terms.min_spend_minor,
    )


def _facts(shelf: Shelf, kind: str, category: str, link: LinkOrigin | None, at: datetime) -> Facts:
    return Facts(
        kind=kind,
        source="own",
        surface=link.surface if link else "search",
        category=category,
        route=link.route if link else "direct",
        party_class="merchant",
        party=str(shelf.store.org_id),
        merchant_class=shelf.store.merchant_class,
        at=at,
    )


def _rate(shelf: Shelf, facts: Facts) -> FrozenRate:
    rule = shelf.decide(facts)
    return FrozenRate(rule.value, rule.id) if rule else FrozenRate(0, None)


NOTHING = FrozenRate(0, None)


def _rates(
    shelf: Shelf, category: str, link: LinkOrigin | None, offer: Offer, at: datetime
) -> LineRates:
    def rate(kind: str) -> FrozenRate:
        return _rate(shelf, _facts(shelf, kind, category, link, at))

    payment_cost, service_fee = rate("payment_cost"), rate("platform_service_fee")
    left = capped_rate(service_fee.rate_bp, payment_cost.rate_bp)
    service_fee = FrozenRate(left, service_fee.rule_id)
    # A link earns for the product it shows, not for whatever else is in the cart.
    if link is None or link.product_id != offer.product_id:
        return LineRates(None, service_fee, NOTHING, NOTHING, payment_cost)
    commission = rate("creator_commission")
    if offer.offered_commission_bp is not None:
        commission = FrozenRate(offer.offered_commission_bp, None)
    capped = capped_rate(commission.rate_bp, service_fee.rate_bp, payment_cost.rate_bp)
    return LineRates(
        creator_id=link.creator_id,
        service_fee=service_fee,
        commission=FrozenRate(capped, commission.rule_id),
        commission_cut=rate("commission_cut"),
        payment_cost=payment_cost,
    )


def _shipping_rates(shelf: Shelf, at: datetime) -> LineRates:
    """Freight pays for its payment, and nothing else."""
    cost = _rate(shelf, _facts(shelf, "payment_cost", "*", None, at))
    return LineRates(None, NOTHING, NOTHING, NOTHING, cost)


def _term(shelf: Shelf, kind: RuleKind, category: str, at: datetime) -> Term:
    rule = shelf.decide(_facts(shelf, kind, category, None, at))
    return Term(rule.value, rule.id) if rule else Term(TERM_WITHOUT_RULE[kind], None)


def _longest(shelf: Shelf, kind: RuleKind, categories: Collection[str], at: datetime) -> Term:
    """An order waits for its last line: the longest span of its categories."""
    terms = [_term(shelf, kind, category, at) for category in categories]
    return max(terms, key=lambda term: (term.seconds, str(term.rule_id)))


async def price_for(
    conn: AsyncConnection, *, store_id: StoreId, wanted: Wanted, at: datetime
) -> Priced | Refusal:
    """One buyer's preview of one store's part of a checkout; a refusal is an answer too."""
    shelf = await read_shelf(conn, store_id=store_id, requests=[wanted])
    if shelf is None:
        return NotForSale(field="store_id")
    try:
        return price(shelf, wanted, at=at)
    except Refusal as refusal:
        return refusal
