"""What a brand can ask for: price models, what is to be shown, samples, terms of cancelling."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, NotFound
from dougong.base.money import FULL_BP
from dougong.tasks.rules import SURFACES

MOST_MINUTES, MOST_ROOMS, MOST_DAYS, MOST_WORDS, MOST_TIERS = 600, 100, 365, 100, 10
MOST_MINOR = 9_000_000_000_000
LONGEST = timedelta(days=366)
OWN = "own"


class Way(StrEnum):
    """How a creator comes to a task. Assigned: the brand names creators, and each says yes or no.
    Open: creators apply, and the brand chooses. Recruiting: whoever is large enough has a place at
    once, while there are places and money."""

    ASSIGNED = "assigned"
    OPEN = "open"
    RECRUITING = "recruiting"


class Model(StrEnum):
    ONE_PRICE = "one_price"
    COMMISSION = "commission"
    PRICE_AND_COMMISSION = "price_and_commission"
    PER_THOUSAND_VIEWS = "per_thousand_views"
    TIERED = "tiered"


class Measure(StrEnum):
    """What a tier counts: viewers, orders paid, or what they paid in minor units."""

    VIEWS = "views"
    ORDERS = "orders"
    SALES = "sales"


class BriefState(StrEnum):
    DRAFT = "draft"
    POSTED = "posted"
    CLOSED = "closed"


BRIEF_MOVES: dict[BriefState, set[BriefState]] = {
    BriefState.DRAFT: {BriefState.POSTED, BriefState.CLOSED},
    BriefState.POSTED: {BriefState.CLOSED},
    BriefState.CLOSED: set(),
}


class ApplicationState(StrEnum):
    INVITED = "invited"
    APPLIED = "applied"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


APPLICATION_MOVES: dict[ApplicationState, set[ApplicationState]] = {
    ApplicationState.INVITED: {
        ApplicationState.AGREED,
        ApplicationState.DECLINED,
        ApplicationState.LAPSED,
    },
    ApplicationState.APPLIED: {
        ApplicationState.AGREED,
        ApplicationState.DECLINED,
        ApplicationState.WITHDRAWN,
        ApplicationState.LAPSED,
    },
    ApplicationState.WITHDRAWN: {ApplicationState.APPLIED},
    ApplicationState.AGREED: set(),
    ApplicationState.DECLINED: set(),
    ApplicationState.LAPSED: set(),
}


class Tier(msgspec.Struct, frozen=True):
    """From `reached` on (half-open, up to the next tier), the price in minor units."""

    reached: int
    price_minor: int


class Invoice(msgspec.Struct, frozen=True):
    """Whom the creator's invoice is for. `kind`: none, normal or special (with deductible VAT)."""

    kind: str = "none"
    title: str = ""
    tax_no: str = ""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """All that a task is agreed on; frozen on it as it was.

    The task is shown in [starts_at, ends_at). For a video `public_days` counts, for a live room
    `pinned_minutes` in each of `rooms`. `most_minor`: the most a task by result can come to.
    A task by result may also have a fixed part, `price_minor`. `deliver_within_days`: after
    `ends_at`. `review_days`: what the brand does not answer by then is decided by the evidence.
    The brand that cancels pays of the fixed part `cancel_samples_bp` once samples were sent,
    `cancel_during_bp` from `starts_at` on, `cancel_delivered_bp` once something was delivered; and
    from `starts_at` on `cancel_reached_bp` of what the part by result has reached until then.
    """

    surface: str
    source: str
    category: str
    store_id: UUID | None = None
    product_id: UUID | None = None
    outside_product_id: UUID | None = None
    link_url: str = ""
    product_zh: str = ""
    product_en: str = ""
    model: Model
    currency: str
    price_minor: int
    per_thousand_minor: int
    tiers: tuple[Tier, ...] = ()
    measure: Measure | None = None
    most_minor: int
    starts_at: datetime
    ends_at: datetime
    deliver_within_days: int
    review_days: int
    pinned_minutes: int
    rooms: int
    public_days: int
    blacklist: tuple[str, ...] = ()
    samples_by: datetime | None = None
    cancel_samples_bp: int
    cancel_during_bp: int
    cancel_delivered_bp: int
    cancel_reached_bp: int
    invoice: Invoice = Invoice()
    least_followers: int = 0


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What a brand posts. `budget_minor` is for all `places`."""

    id: UUID
    brand_id: UUID
    way: Way
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    terms: Terms
    budget_minor: int
    places: int
    apply_until: datetime


class BadBrief(BadInput):
    """Terms that no task can have. `field` names one."""

    code = "bad_brief"
    status = 422


class BriefClosed(Conflict):
    """Not posted, closed, or too late to apply."""

    code = "brief_closed"


class BriefGone(NotFound):
    code = "brief_gone"


class NotInvited(Conflict):
    """This brief is for creators whom the brand names, or asks for more followers. Fact: `why`."""

    code = "not_invited"


class AppliedAlready(Conflict):
    code = "applied_already"


class ApplicationClosed(Conflict):
    """Agreed, declined or withdrawn before. Fact: `state`."""

    code = "application_closed"


class PlacesTaken(Conflict):
    """All places, or the whole budget, are taken. Fact: `what`."""

    code = "places_taken"


class FundsShort(Conflict):
    """The brand has not paid in enough. Facts: `needed_minor`, `available_minor`, `currency`."""

    code = "funds_short"


class WaitForMoney(Conflict):
    """As FundsShort, as a creator is told it: not how much a brand has."""

    code = "brand_funds_short"


def funded_minor(terms: Terms) -> int:
    """What is held for one task, in minor units: its price, or the most that it can come to."""
    if terms.model is Model.COMMISSION:
        return 0
    if terms.model in (Model.ONE_PRICE, Model.PRICE_AND_COMMISSION):
        return terms.price_minor
    return terms.most_minor


def is_by_result(terms: Terms) -> bool:
    return terms.model in (Model.PER_THOUSAND_VIEWS, Model.TIERED)


def fixed_minor(terms: Terms) -> int:
    """The part of the price that does not go by result, in minor units."""
    return 0 if terms.model is Model.COMMISSION else terms.price_minor


def reached_minor(terms: Terms, measured: int | None) -> int:
    """What the part by result has come to. `measured`: views (per thousand), or what tiers count.

    Rounded down to a whole minor unit, and with the fixed part never more than is held.
    """
    reached = 0
    if terms.model is Model.PER_THOUSAND_VIEWS:
        reached = (measured or 0) * terms.per_thousand_minor // 1_000
    elif terms.model is Model.TIERED:
        tiers = [tier.price_minor for tier in terms.tiers if (measured or 0) >= tier.reached]
        reached = tiers[-1] if tiers else 0
    return min(reached, funded_minor(terms) - fixed_minor(terms))


def earned_minor(terms: Terms, measured: int | None) -> int:
    """The price of work that is done whole: its fixed part, and what was reached by result."""
    return fixed_minor(terms) + reached_minor(terms, measured)


def check_brief(brief: Brief, *, at: datetime) -> Brief:
    """Raises BadBrief, naming the field."""
    if not 1 <= len(brief.title_zh.strip()) <= 120 or len(brief.title_en) > 120:
        raise BadBrief(field="title_zh", reason="empty")
    for name in ("body_zh", "body_en"):
        if len(getattr(brief, name)) > 4_000:
            raise BadBrief(field=name, reason="too_long")
    _within(brief.places, "places", 1, 10_000)
    check_terms(brief.terms)
    if not at < brief.apply_until <= brief.terms.ends_at:
        raise BadBrief(field="apply_until", reason="out_of_range")
    if brief.terms.samples_by is not None and brief.terms.samples_by < brief.apply_until:
        raise BadBrief(field="samples_by", reason="before_agreement")
    needed = funded_minor(brief.terms) * brief.places
    if brief.way is not Way.OPEN and brief.budget_minor < needed:
        raise BadBrief(field="budget", reason="too_small")
    _within(brief.budget_minor, "budget", funded_minor(brief.terms), MOST_MINOR)
    return brief


def check_terms(terms: Terms) -> Terms:
    """Raises BadBrief, naming the field."""
    if terms.surface not in SURFACES:
        raise BadBrief(field="surface", reason="unknown")
    for name in ("source", "category", "currency"):
        if not getattr(terms, name).strip():
            raise BadBrief(field=name, reason="empty")
    is_own = terms.store_id is not None and terms.product_id is not None
    if is_own and terms.outside_product_id is not None:
        raise BadBrief(field="product", reason="both")
    if terms.source == OWN and not is_own:
        raise BadBrief(field="product", reason="missing")
    _check_price(terms)
    _check_dates(terms)
    _check_shown(terms)
    if terms.invoice.kind not in ("none", "normal", "special"):
        raise BadBrief(field="invoice_kind", reason="unknown")
    if terms.invoice.kind != "none" and not terms.invoice.title.strip():
        raise BadBrief(field="invoice_title", reason="empty")
    _within(terms.least_followers, "least_followers", 0, 10**9)
    return terms


def _check_price(terms: Terms) -> None:
    fixed = terms.model in (Model.ONE_PRICE, Model.PRICE_AND_COMMISSION)
    _within(terms.price_minor, "price", 1 if fixed else 0, MOST_MINOR)
    by_result = is_by_result(terms)
    _within(terms.most_minor, "most", terms.price_minor + 1 if by_result else 0, MOST_MINOR)
    per_thousand = terms.model is Model.PER_THOUSAND_VIEWS
    _within(terms.per_thousand_minor, "per_thousand", int(per_thousand), MOST_MINOR)
    if terms.model is Model.TIERED:
        if terms.measure is None:
            raise BadBrief(field="measure", reason="missing")
        if not 1 <= len(terms.tiers) <= MOST_TIERS:
            raise BadBrief(field="tiers", reason="empty")
        for before, tier in zip((Tier(-1, 0), *terms.tiers), terms.tiers, strict=False):
            if tier.reached <= before.reached or tier.price_minor <= before.price_minor:
                raise BadBrief(field="tiers", reason="not_rising")
        if terms.price_minor + terms.tiers[-1].price_minor > terms.most_minor:
            raise BadBrief(field="most", reason="too_small")


def _check_dates(terms: Terms) -> None:
    if not timedelta(0) < terms.ends_at - terms.starts_at <= LONGEST:
        raise BadBrief(field="ends_at", reason="before_start")
    if terms.samples_by is not None and terms.samples_by >= terms.ends_at:
        raise BadBrief(field="samples_by", reason="after_end")
    _within(terms.deliver_within_days, "deliver_within_days", 1, 90)
    _within(terms.review_days, "review_days", 1, 30)
    _within(terms.cancel_samples_bp, "cancel_samples", 0, FULL_BP)
    _within(terms.cancel_during_bp, "cancel_during", terms.cancel_samples_bp, FULL_BP)
    _within(terms.cancel_delivered_bp, "cancel_delivered", terms.cancel_during_bp, FULL_BP)
    _within(terms.cancel_reached_bp, "cancel_reached", 0, FULL_BP)


def _check_shown(terms: Terms) -> None:
    is_live = terms.surface == "live"
    _within(terms.pinned_minutes, "pinned_minutes", int(is_live), MOST_MINUTES if is_live else 0)
    _within(terms.rooms, "rooms", int(is_live), MOST_ROOMS if is_live else 0)
    _within(terms.public_days, "public_days", int(not is_live), 0 if is_live else MOST_DAYS)
    if len(terms.blacklist) > MOST_WORDS or any(not 1 <= len(w) <= 40 for w in terms.blacklist):
        raise BadBrief(field="blacklist", reason="too_long")


def _within(value: int, field: str, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadBrief(field=field, reason="out_of_range", least=least, most=most)


def states_before(state: ApplicationState) -> list[ApplicationState]:
    return [one for one, after in APPLICATION_MOVES.items() if state in after]
