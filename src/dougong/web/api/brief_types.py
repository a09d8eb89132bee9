"""API v1: what briefs say and are told, and what one would leave its creator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.flows.price_task import Offer, Quote
from dougong.infra.settings import settings
from dougong.reads.task_desk import own_product
from dougong.tasks.brief_queries import KeptBrief
from dougong.tasks.brief_rules import BadBrief, Brief, Invoice, Measure, Model, Terms, Tier, Way
from dougong.web.api.common import Filled, Instant, Lines, Minor, OneLine
from dougong.web.forms import Input

Bp = Annotated[int, Meta(ge=0, le=10_000, description="Basis points.")]
Days = Annotated[int, Meta(ge=0, le=365)]
Words = Annotated[Lines, Meta(max_length=4_000)]
Barred = Annotated[Filled, Meta(min_length=1, max_length=40)]
NAMES = ("measure", "tiers", "blacklist", "invoice")  # of other shapes than the terms have


class TierShown(Input):
    """From `reached` on, up to the next tier."""

    reached: Annotated[int, Meta(ge=0, le=10**9)]
    price_minor: Minor


class InvoiceShown(Input):
    """Whom the creator's invoice is for. `special`: with deductible VAT. `title` and `tax_no` are
    told to the brand, and to the creator of an agreed task."""

    kind: Literal["none", "normal", "special"] = "none"
    title: Annotated[OneLine, Meta(max_length=200)] = ""
    tax_no: Annotated[OneLine, Meta(max_length=40)] = ""


class BriefInput(Input, kw_only=True):
    """`product_id`: of a mini-store; without one, `source` and `category` say what may be shown,
    and `link_url` where it is sold. What does not belong to the price model stays 0; by result,
    `price_minor` is a fixed part that comes with it. Amounts are in minor units of the platform's
    currency. `blacklist`: words that must not be said. `cancel_…_bp`: what the brand pays of the
    fixed part when it cancels after samples, once begun, once delivered; and, once begun, of what
    was reached by result."""

    title_zh: Annotated[Filled, Meta(max_length=120)]
    title_en: Annotated[OneLine, Meta(max_length=120)] = ""
    body_zh: Words = ""
    body_en: Words = ""
    way: Literal["assigned", "open", "recruiting"] = "open"
    surface: Literal["video", "live"]
    product_id: UUID | None = None
    source: Annotated[OneLine, Meta(max_length=40)] = "own"
    category: Annotated[OneLine, Meta(max_length=200)] = "*"
    link_url: Annotated[OneLine, Meta(max_length=2_000)] = ""
    price_model: Literal[
        "one_price", "commission", "price_and_commission", "per_thousand_views", "tiered"
    ] = "one_price"
    price_minor: Minor = 0
    per_thousand_minor: Minor = 0
    most_minor: Minor = 0
    measure: Literal["views", "orders", "sales"] | None = None
    tiers: Annotated[tuple[TierShown, ...], Meta(max_length=20)] = ()
    budget_minor: Minor
    places: Annotated[int, Meta(ge=1, le=10_000)] = 1
    apply_until: Instant
    starts_at: Instant
    ends_at: Instant
    samples_by: Instant | None = None
    deliver_within_days: Annotated[int, Meta(ge=1, le=90)] = 3
    review_days: Annotated[int, Meta(ge=1, le=30)] = 5
    pinned_minutes: Annotated[int, Meta(ge=0, le=1_440)] = 0
    rooms: Annotated[int, Meta(ge=0, le=100)] = 0
    public_days: Days = 0
    blacklist: Annotated[tuple[Barred, ...], Meta(max_length=100)] = ()
    cancel_samples_bp: Bp = 0
    cancel_during_bp: Bp = 5_000
    cancel_delivered_bp: Bp = 10_000
    cancel_reached_bp: Bp = 10_000
    invoice: InvoiceShown = msgspec.field(default_factory=InvoiceShown)
    least_followers: Annotated[int, Meta(ge=0, le=10**9)] = 0


class InviteInput(Input):
    """`handle`: as a creator's page shows it, with or without its @."""

    handle: Annotated[Filled, Meta(max_length=60)]
    note: Annotated[Lines, Meta(max_length=1_000)] = ""


class TermsShown(msgspec.Struct):
    """What a task is agreed on. `samples_by`: the brand sends samples by then, or it ends."""

    surface: str
    source: str
    category: str
    store_id: UUID | None
    product_id: UUID | None
    outside_product_id: UUID | None
    link_url: str
    product_zh: str
    product_en: str
    price_model: str
    currency: str
    price_minor: int
    per_thousand_minor: int
    most_minor: int
    measure: str | None
    tiers: tuple[TierShown, ...]
    starts_at: datetime
    ends_at: datetime
    samples_by: datetime | None
    deliver_within_days: int
    review_days: int
    pinned_minutes: int
    rooms: int
    public_days: int
    blacklist: tuple[str, ...]
    cancel_samples_bp: int
    cancel_during_bp: int
    cancel_delivered_bp: int
    cancel_reached_bp: int
    invoice: InvoiceShown
    least_followers: int

    @classmethod
    def of(cls, terms: Terms, *, with_invoice: bool) -> Self:
        own: dict[str, Any] = {
            "price_model": terms.model.value,
            "measure": terms.measure and terms.measure.value,
            "tiers": tuple(
                TierShown(reached=one.reached, price_minor=one.price_minor) for one in terms.tiers
            ),
            "invoice": invoice_shown(terms.invoice, whole=with_invoice),
        }
        names = [name for name in cls.__struct_fields__ if name not in own]
        return cls(**own, **{name: getattr(terms, name) for name in names})


class QuoteShown(msgspec.Struct):
    """What would be left if it was agreed at an instant, of the whole price (by result: of the most
    that it can come to). `allowed`: whether it could be agreed at all; `reason` says by which
    rule."""

    at: datetime
    allowed: bool
    price_minor: int
    currency: str
    fee_bp: int
    fee_minor: int
    agency_bp: int
    agency_minor: int
    net_minor: int
    fee_rule_id: UUID | None
    reason_zh: str
    reason_en: str
    citation: str

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls(**{name: getattr(quote, name) for name in cls.__struct_fields__})


class OfferShown(msgspec.Struct):
    """As of now, and each later answer that an announced rule makes, from its instant on."""

    now: QuoteShown
    coming: list[QuoteShown]

    @classmethod
    def of(cls, offer: Offer) -> Self:
        return cls(QuoteShown.of(offer.now), [QuoteShown.of(one) for one in offer.coming])


class BriefShown(msgspec.Struct, kw_only=True):
    """`state`: draft, posted or closed. `taken`: places, `taken_minor`: of the budget."""

    id: UUID
    brand_id: UUID
    state: str
    way: str
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    terms: TermsShown
    budget_minor: int
    taken_minor: int
    places: int
    taken: int
    apply_until: datetime

    @classmethod
    def of(cls, kept: KeptBrief) -> Self:
        """As its brand sees it."""
        terms = TermsShown.of(kept.brief.terms, with_invoice=True)
        return cls(
            **_of_brief(kept),
            terms=terms,
            budget_minor=kept.brief.budget_minor,
            taken_minor=kept.taken_minor,
        )


class BriefToTake(msgspec.Struct, kw_only=True):
    """A brief as a creator sees it. `mine`: invited, applied, agreed, declined, withdrawn or
    lapsed; null where it has not applied. `stars`: of the brand, by those who worked for it."""

    id: UUID
    brand_id: UUID
    state: str
    way: str
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    terms: TermsShown
    places: int
    taken: int
    apply_until: datetime
    offer: OfferShown
    mine: str | None
    note: str
    ratings: int
    stars: float | None

    @classmethod
    def of(
        cls, kept: KeptBrief, offer: Offer, *, mine: Row[Any] | None, stars: tuple[int, int]
    ) -> Self:
        return cls(
            **_of_brief(kept),
            terms=TermsShown.of(kept.brief.terms, with_invoice=False),
            offer=OfferShown.of(offer),
            mine=mine.state if mine else None,
            note=mine.note if mine else "",
            ratings=stars[0],
            stars=round(stars[1] / stars[0], 1) if stars[0] else None,
        )


def _of_brief(kept: KeptBrief) -> dict[str, Any]:
    names = ("id", "brand_id", "title_zh", "title_en", "body_zh", "body_en", "places",
             "apply_until")  # fmt: skip
    same = {name: getattr(kept.brief, name) for name in names}
    return same | {"state": kept.state.value, "way": kept.brief.way.value, "taken": kept.taken}


def invoice_shown(invoice: Invoice, *, whole: bool) -> InvoiceShown:
    kind: Any = invoice.kind
    if not whole:
        return InvoiceShown(kind=kind)
    return InvoiceShown(kind=kind, title=invoice.title, tax_no=invoice.tax_no)


class BriefLine(msgspec.Struct):
    """A brief in a list. `waiting`: how many have applied and wait. `mine`: where the creator that
    asks stands with it."""

    id: UUID
    state: str
    way: str
    title_zh: str
    title_en: str
    surface: str
    source: str
    price_model: str
    currency: str
    most_minor: int
    places: int
    taken: int
    waiting: int
    apply_until: datetime
    mine: str | None


class Briefs(msgspec.Struct):
    """`after`: for the next page, empty at the end."""

    items: list[BriefLine]
    after: str


class ApplicationShown(msgspec.Struct):
    """`state`: invited, applied, agreed, declined, withdrawn or lapsed."""

    id: UUID
    creator_id: UUID
    handle: str
    state: str
    note: str
    followers: int
    made_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class Applications(msgspec.Struct):
    items: list[ApplicationShown]


class Applied(msgspec.Struct):
    """`task_id`: agreed at once, or none while the brand has yet to choose."""

    application_id: UUID
    task_id: UUID | None


class Agreed(msgspec.Struct):
    task_id: UUID


def lines_of(rows: Sequence[Row[Any]]) -> list[BriefLine]:
    return [BriefLine(**{n: getattr(r, n) for n in BriefLine.__struct_fields__}) for r in rows]


async def brief_asked(
    conn: AsyncConnection, data: BriefInput, *, brief_id: UUID, brand_id: UUID
) -> Brief:
    """Raises BadBrief."""
    product = None
    if data.product_id is not None:
        product = await own_product(conn, words=str(data.product_id))
        if product is None:
            raise BadBrief(field="product_id", reason="unknown")
    own = {name: getattr(data, name) for name in Terms.__struct_fields__
           if name in BriefInput.__struct_fields__ and name not in NAMES}  # fmt: skip
    if product is not None:
        own |= {"source": product.source, "category": product.category}
        own |= {"product_zh": product.title_zh, "product_en": product.title_en}
    terms = Terms(
        **own,
        store_id=product.store_id if product else None,
        model=Model(data.price_model),
        measure=Measure(data.measure) if data.measure else None,
        tiers=tuple(Tier(one.reached, one.price_minor) for one in data.tiers),
        blacklist=tuple(data.blacklist),
        invoice=Invoice(data.invoice.kind, data.invoice.title.strip(), data.invoice.tax_no.strip()),
        currency=settings().currency,
    )
    names = ("title_zh", "title_en", "body_zh", "body_en", "budget_minor", "places", "apply_until")
    return Brief(
        id=brief_id,
        brand_id=brand_id,
        way=Way(data.way),
        terms=terms,
        **{name: getattr(data, name) for name in names},
    )
