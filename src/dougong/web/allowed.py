"""What is allowed here, and what does it cost: for creators and merchants, at any instant."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.base.money import part_of
from dougong.catalog.queries import store_of
from dougong.infra.settings import settings
from dougong.policy.answers import seen_by
from dougong.policy.queries import RuleBook, rules_book
from dougong.policy.rules import ANY, FEE_KINDS, OUTSIDE, OWN, Facts, LinkVerdict, Rule, link_case
from dougong.reads.operator_rules import categories_named
from dougong.reads.sources_named import sources_named
from dougong.web.creator.common import creator_page
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext, pick
from dougong.web.merchant.common import STORE, merchant_page
from dougong.web.operator.common import instant_from, local_text
from dougong.web.operator.rules import KINDS, span_words
from dougong.web.operator.words import cell_words
from dougong.web.render import Page, rate

T = TypeVar("T")
SURFACES = ("video", "live", "profile", "search")
TASK_SURFACES = {"video", "live"}
EXAMPLE_MINOR = 10_000
MOST_CHANGES = 60  # instants after the one asked for that are looked at
# Kinds on each page with the cases that are shown: source and route.
CREATOR_FEES = (
    ("platform_service_fee", OWN, "task"),
    ("platform_service_fee", OUTSIDE, "task"),
    ("commission_cut", OWN, "direct"),
    ("creator_commission", OWN, "direct"),
    ("gift_fee", OWN, "direct"),
)
MERCHANT_FEES = (
    ("platform_service_fee", OWN, "direct"),
    ("platform_service_fee", OWN, "task"),
    ("creator_commission", OWN, "direct"),
    ("payment_cost", OWN, "direct"),
    ("pay_within_s", OWN, "direct"),
    ("receive_within_s", OWN, "direct"),
    ("after_sales_window_s", OWN, "direct"),
)


class Place(msgspec.Struct, frozen=True):
    """One source on one surface. `says`: yes, task (only by task) or no. `rule`: None where no row
    says anything. `then`, `from_`: what it comes to next, and when."""

    surface: str
    says: str
    verdict: LinkVerdict
    then: str | None
    from_: datetime | None


class Cost(msgspec.Struct, frozen=True):
    """One fee or term. `example_minor`: of 100.00 of the platform's currency; None of a term."""

    kind: str
    source: str
    route: str
    rule: Rule | None
    example_minor: int | None
    then: Rule | None
    from_: datetime | None


class Asked(msgspec.Struct, frozen=True):
    """Whose page it is, and for which instant and category."""

    party: str
    party_class: str
    merchant_class: str
    category: str
    at: datetime


def _next(
    rules: Iterable[Rule], kind: str, at: datetime, now: T, then: Callable[[datetime], T]
) -> tuple[T | None, datetime | None]:
    """What an answer comes to next: (answer, instant), looked for at every start and end."""
    ends = {one for r in rules if r.kind == kind for one in (r.starts, r.ends) if one and one > at}
    for instant in sorted(ends)[:MOST_CHANGES]:
        if (found := then(instant)) != now:
            return found, instant
    return None, None


def _places(book: RuleBook, asked: Asked, source: str) -> list[Place]:
    def says(surface: str, at: datetime) -> tuple[str, LinkVerdict]:
        def judged(route: str) -> LinkVerdict:
            return book.judge(
                link_case(
                    source=source,
                    surface=surface,
                    category=asked.category,
                    route=route,
                    creator=asked.party if asked.party_class == "creator" else "",
                    at=at,
                )
            )

        direct = judged("direct")
        if direct.allowed:
            return "yes", direct
        if surface not in TASK_SURFACES:
            return "no", direct
        by_task = judged("task")  # its reason is the one that says why there is no way at all
        return ("task", direct) if by_task.allowed else ("no", by_task)

    places = []
    for surface in SURFACES:
        word, verdict = says(surface, asked.at)

        def later(at: datetime, surface: str = surface) -> str:
            return says(surface, at)[0]

        then, when = _next(book.rules, "link", asked.at, word, later)
        places.append(Place(surface, word, verdict, then, when))
    return places


def _cost(book: RuleBook, asked: Asked, kind: str, source: str, route: str) -> Cost:
    def decided(at: datetime) -> Rule | None:
        is_creators = route == "task"
        mine = asked.party_class == ("creator" if is_creators else "merchant")
        return book.decide(
            Facts(
                kind=kind,
                source=source,
                surface="live" if is_creators else "video",
                category=asked.category or ANY,
                route=route,
                party_class="creator" if is_creators else "merchant",
                party=asked.party if mine else "",
                merchant_class="" if is_creators else asked.merchant_class,
                at=at,
            )
        ).rule

    def taken(at: datetime) -> int:
        rule = decided(at)
        return rule.value if rule else 0

    value = taken(asked.at)
    _, when = _next(book.rules, kind, asked.at, value, taken)
    example = part_of(EXAMPLE_MINOR, value) if kind in FEE_KINDS else None
    then = decided(when) if when else None
    return Cost(kind, source, route, decided(asked.at), example, then, when)


async def overview(
    conn: AsyncConnection, asked: Asked, *, now: datetime, fees: Iterable[tuple[str, str, str]]
) -> dict[str, Any]:
    """All that the page shows; rows that name others, or are not announced yet, stay unseen."""
    whole = await rules_book(conn)
    seen = seen_by(whole.rules, party=asked.party, at=now)
    book = whole if len(seen) == len(whole.rules) else RuleBook(seen)
    registered = {one.code: pick(one, "name") for one in await sources_named(conn)}
    named = {rule.source for rule in seen if rule.kind == "link"} - {ANY, OWN, OUTSIDE}
    codes = [OWN, *sorted(named | set(registered)), OUTSIDE]
    return {
        "sources": [(code, _places(book, asked, code)) for code in codes],
        "costs": [_cost(book, asked, *fee) for fee in fees],
        "source_words": lambda code: registered.get(code) or cell_words(code),
        "value_words": _value_words,
        "kinds": {kind: gettext(words) for kind, words in KINDS.items()},
        "cell_words": cell_words,
        "surfaces": SURFACES,
        "categories": await categories_named(conn),
        "category": asked.category,
        "moment": asked.at,
        "moment_text": local_text(asked.at),
        "currency": settings().currency,
        "example_minor": EXAMPLE_MINOR,
    }


def _value_words(kind: str, rule: Rule | None) -> str:
    if kind in FEE_KINDS:
        return rate(rule.value if rule else 0)
    return span_words(rule.value) if rule else "–"


@get(
    "/creator/{creator_id:uuid}/allowed",
    permission=Permission.LINK_MANAGE,
    include_in_schema=False,
)
async def creator_allowed(
    creator_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    category: FromQuery[str] = "",
) -> Page:
    moment = instant_from(at, field="at", default=now)
    asked = Asked(str(creator_id), "creator", "", category, moment)
    shown = await overview(conn, asked, now=now, fees=CREATOR_FEES)
    return await creator_page(request, conn, "creator/allowed.html", creator_id=creator_id, **shown)


@get(f"{STORE}/allowed", permission=Permission.STORE_READ, include_in_schema=False)
async def merchant_allowed(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    category: FromQuery[str] = "",
) -> Page:
    moment = instant_from(at, field="at", default=now)
    store = await store_of(conn, store_id=StoreId(store_id))
    asked = Asked(str(store.org_id), "merchant", store.merchant_class, category, moment)
    shown = await overview(conn, asked, now=now, fees=MERCHANT_FEES)
    return await merchant_page(request, conn, "merchant/allowed.html", store_id=store_id, **shown)


HANDLERS: list[HTTPRouteHandler] = [creator_allowed, merchant_allowed]
