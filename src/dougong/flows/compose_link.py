"""What a creator may know before a link is published: the product, where the link really ends,
where it may stand and why, and what one sale leaves to everybody, here and there.

Asks outside first and the database after; nothing is written.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.money import Money, part_of
from dougong.catalog.feed_types import Categories
from dougong.catalog.queries import category_tree
from dougong.flows.resolve_link import Resolved, products_at, resolve_link
from dougong.infra.db import transaction
from dougong.infra.settings import settings
from dougong.links.adapters.protocol import NoProductData, SeenProduct
from dougong.links.landed_rules import Landed, Part, Rate, landed_outside
from dougong.links.paste_rules import NoAddress, read_pasted
from dougong.links.source_rules import Source, host_of
from dougong.orders.rules import LineMoney, capped_rate, line_shares
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import Facts, LinkVerdict, RuleKind, link_case
from dougong.policy.verdict_rules import Change, next_change
from dougong.reads.composer import OwnOffer, behind_code, own_offers, picture_of

SURFACES = ("video", "live", "profile", "search")
ROUTES = ("direct", "task")
OWN_PAGE = re.compile(r"/p/([0-9a-f-]{36})/([0-9a-f-]{36})")
OWN_CODE = re.compile(r"/go/([0-9a-z]{4,40})")


class Standing(msgspec.Struct, frozen=True):
    """Whether a link may stand on a surface by a route, and the next change that is known."""

    surface: str
    route: str
    verdict: LinkVerdict
    change: Change | None


class Compared(msgspec.Struct, frozen=True):
    """An offer of our own, and what one sale of it leaves to everybody."""

    offer: OwnOffer
    landed: Landed


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the composer shows of one pasted text.

    `resolved` None: the product is one of ours (`own`). `chosen`: the product that is meant;
    None where the page says nothing of one. `category`: one of our paths or ''; `is_guessed` when
    it comes from the source's words. `outside` None: no price, or no commission, is known.
    `picture`: our own of the chosen product, where somebody has linked it before.
    """

    asked: str
    source: str
    resolved: Resolved | None = None
    products: Sequence[SeenProduct] = ()
    chosen: SeenProduct | None = None
    own: OwnOffer | None = None
    category: str
    is_guessed: bool = False
    standings: Sequence[Standing]
    outside: Landed | None = None
    picture: str | None = None
    offers: Sequence[Compared]
    book: RuleBook

    def standing(self, surface: str, route: str) -> Standing:
        return next(s for s in self.standings if (s.surface, s.route) == (surface, route))


async def compose_link(
    pasted: str,
    *,
    creator_id: UUID,
    item_id: str = "",
    category: str = "",
    compare: str = "",
    at: datetime,
) -> Composition:
    """`item_id`: which of a page's products; `category`: what the creator chose; `compare`: words
    that find the offers of ours to compare with, instead of the GTIN.

    Raises NoAddress, LinkUnresolved, UnlistedHost.
    """
    found = read_pasted(pasted)
    url = found.url
    async with transaction() as conn:
        own = await _own_target(conn, url, found.codes, at=at)
        if isinstance(own, OwnOffer):
            return await _of_own(conn, own, pasted, creator_id=creator_id, compare=compare, at=at)
        url = own or url
    if not url:
        raise NoAddress(field="address")
    resolved = await resolve_link(url, at=at)
    try:
        products = await products_at(resolved)
    except NoProductData:
        products = []
    chosen = next((p for p in products if p.item_id == item_id), products[0] if products else None)
    async with transaction() as conn:
        return await _of_outside(
            conn,
            resolved,
            products,
            chosen,
            creator_id=creator_id,
            category=category,
            compare=compare,
            at=at,
        )


async def _own_target(
    conn: AsyncConnection, url: str, codes: Sequence[str], *, at: datetime
) -> OwnOffer | str | None:
    """The product of ours that an address or a share code of ours means, or the outside address
    that is behind it."""
    place = None
    if url and (path := _own_path(url)) is not None:
        if page := OWN_PAGE.fullmatch(path):
            place = _ids(*page.groups())
        elif code := OWN_CODE.fullmatch(path):
            behind = await behind_code(conn, link_code=code[1])
            if behind and behind.url:
                return behind.url
            if behind and behind.store_id and behind.product_id:
                place = (behind.store_id, behind.product_id)
        if place is None:
            raise NoAddress(field="address")
    elif not url and codes:
        behind = await behind_code(conn, codes=codes)
        if behind and behind.url:
            return behind.url
        if behind and behind.store_id and behind.product_id:
            place = (behind.store_id, behind.product_id)
    if place is None:
        return None
    offers = await own_offers(conn, product=place, at=at)
    if not offers:
        raise NoAddress(field="address")
    return offers[0]


def _own_path(url: str) -> str | None:
    """The path of an address of this platform; None for any other."""
    try:
        ours, host = host_of(settings().public_url), host_of(url)
    except ValueError:
        return None
    rest = re.sub(r"^https?://[^/]*", "", url, flags=re.IGNORECASE)
    return re.split(r"[?#]", rest)[0].rstrip("/").lower() if host == ours else None


def _ids(store: str, product: str) -> tuple[UUID, UUID] | None:
    try:
        return UUID(store), UUID(product)
    except ValueError:
        return None


async def _of_own(
    conn: AsyncConnection,
    own: OwnOffer,
    asked: str,
    *,
    creator_id: UUID,
    compare: str,
    at: datetime,
) -> Composition:
    book = await rules_book(conn)
    others = await own_offers(conn, words=compare, at=at) if compare else []
    offers = [own, *(one for one in others if one.product_id != own.product_id)]
    return Composition(
        asked=asked,
        source=own.purchase_source,
        own=own,
        category=own.category,
        standings=standings(
            book,
            source=own.purchase_source,
            category=own.category,
            creator_id=creator_id,
            merchant_class=own.merchant_class,
            at=at,
        ),
        offers=[Compared(one, landed_own(one, book, at=at)) for one in offers],
        book=book,
    )


async def _of_outside(
    conn: AsyncConnection,
    resolved: Resolved,
    products: Sequence[SeenProduct],
    chosen: SeenProduct | None,
    *,
    creator_id: UUID,
    category: str,
    compare: str,
    at: datetime,
) -> Composition:
    book = await rules_book(conn)
    gtin = chosen.gtin if chosen else None
    offers = await own_offers(conn, gtin=gtin, words=compare, at=at)
    same = offers if not compare else []
    path, is_guessed = await category_for(conn, chosen, same, wanted=category)
    source = resolved.source
    outside = None
    if chosen and chosen.price:
        case = Case(source=source, category=path, creator_id=creator_id, route="direct", at=at)
        outside = landed_of(case, chosen, chosen.price, book)
    return Composition(
        asked=resolved.asked,
        source=source.code,
        resolved=resolved,
        products=products,
        chosen=chosen,
        category=path,
        is_guessed=is_guessed,
        standings=standings(book, source=source.code, category=path, creator_id=creator_id, at=at),
        outside=outside,
        picture=await picture_of(conn, source=source.code, item_id=chosen.item_id)
        if chosen
        else None,
        offers=[Compared(one, landed_own(one, book, at=at)) for one in offers],
        book=book,
    )


async def category_for(
    conn: AsyncConnection, seen: SeenProduct | None, same: Sequence[OwnOffer], *, wanted: str
) -> tuple[str, bool]:
    """Our category of an outside product, and whether it is a guess: that of our own offers of the
    same GTIN, else the creator's choice, else what the source's words are here; '' for none."""
    if same:
        return same[0].category, False
    tree = await category_tree(conn)
    if wanted and wanted in {row.path for row in tree}:
        return wanted, False
    words = Categories([(row.path, row.name_zh, row.name_en) for row in tree])
    found = words.find(seen.category) if seen and seen.category else None
    return found or "", found is not None


def standings(
    book: RuleBook,
    *,
    source: str,
    category: str,
    creator_id: UUID,
    merchant_class: str = "",
    at: datetime,
) -> list[Standing]:
    """Every surface by every route."""
    made = []
    for surface in SURFACES:
        for route in ROUTES:
            facts = link_case(
                source=source,
                surface=surface,
                category=category,
                route=route,
                creator=str(creator_id),
                merchant_class=merchant_class,
                at=at,
            )
            change = next_change(book.rules, facts)
            made.append(Standing(surface, route, book.judge(facts), change))
    return made


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One outside product on a video, as fee rules see it."""

    source: Source
    category: str
    creator_id: UUID
    route: str
    at: datetime


def landed_of(case: Case, seen: SeenProduct, price: Money, book: RuleBook) -> Landed | None:
    """What one sale of an outside product leaves; None where nobody says what it pays."""
    terms = case.source.terms
    offered = seen.commission_bp if seen.commission_bp is not None else terms.commission_bp
    if offered is None:
        return None
    by = "product" if seen.commission_bp is not None else "source"
    return landed_outside(
        price,
        refunds=Rate(terms.refund_bp, "source"),
        commission=Rate(offered, by),
        alliance_fee=Rate(terms.alliance_fee_bp, "source"),
        service_fee=fee_rate(book, case, RuleKind.PLATFORM_SERVICE_FEE),
        commission_cut=fee_rate(book, case, RuleKind.COMMISSION_CUT),
    )


def fee_rate(book: RuleBook, case: Case, kind: RuleKind) -> Rate:
    """As an order at the source will be ruled on (flows/rule_referral.py): the party of the
    platform's fees is the creator."""
    facts = Facts(
        kind=kind.value,
        source=case.source.code,
        surface="video",
        category=case.category,
        route=case.route,
        party_class="creator",
        party=str(case.creator_id),
        merchant_class="",
        at=case.at,
    )
    rule = book.decide(facts).rule
    return Rate(rule.value, "rule", rule.id) if rule else Rate(0, "no_rule")


def landed_own(offer: OwnOffer, book: RuleBook, *, at: datetime) -> Landed:
    """What one sale of an own product from a video leaves, with the shares of an order line of
    which the store's usual part was refunded."""

    def rate(kind: RuleKind) -> Rate:
        facts = Facts(
            kind=kind.value,
            source="own",
            surface="video",
            category=offer.category,
            route="direct",
            party_class="merchant",
            party=str(offer.merchant_id),
            merchant_class=offer.merchant_class,
            at=at,
        )
        rule = book.decide(facts).rule
        return Rate(rule.value, "rule", rule.id) if rule else Rate(0, "no_rule")

    fee, cost = rate(RuleKind.PLATFORM_SERVICE_FEE), rate(RuleKind.PAYMENT_COST)
    cut = rate(RuleKind.COMMISSION_CUT)
    offered = rate(RuleKind.CREATOR_COMMISSION)
    if offer.commission_bp is not None:
        offered = Rate(offer.commission_bp, "product")
    commission_bp = capped_rate(offered.bp, cost.bp, fee.bp)
    price = offer.price_minor
    line = LineMoney(price, 0, 0, 0, price, fee.bp, commission_bp, cut.bp, cost.bp)
    back = part_of(price, offer.returned_bp)
    got = line_shares(line, refunded_minor=back)

    def part(what: str, minor: int, of_minor: int, by: Rate) -> Part:
        return Part(
            what=what, minor=minor, of_minor=of_minor, rate_bp=by.bp, by=by.by, rule_id=by.rule_id
        )

    paid = Rate(commission_bp, offered.by, offered.rule_id)
    return Landed(
        Money(price, offer.currency),
        part("commission", got.commission, got.fee_base, paid),
        (
            part("refunds", back, price, Rate(offer.returned_bp, "history")),
            Part(what="merchant", minor=got.merchant),
            part("payment_cost", got.payment_cost, got.paid, cost),
            part("service_fee", got.service_fee, got.fee_base, fee),
            part("commission_cut", got.commission_cut, got.commission, cut),
            Part(what="creator", minor=got.creator),
        ),
    )
