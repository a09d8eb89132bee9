"""Which rule decides a case at an instant, and why every other one does not."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.base.access import Permission
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, PRECEDENCE, Facts, Lost, Rule, Verdict
from dougong.reads.operator_rules import categories_named, sources_named, stores_for_rules
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext, mark, pick
from dougong.web.operator.common import instant_from, local_text
from dougong.web.operator.rules import (
    CHOICES,
    COLUMNS,
    FAMILIES,
    KINDS,
    Screen,
    kinds_of,
    span_words,
)
from dougong.web.operator.words import cell_words
from dougong.web.render import Page, page, when

READ: dict[str, Any] = {"permission": Permission.RULE_READ, "include_in_schema": False}


class Loser(msgspec.Struct, frozen=True):
    rule: Rule
    why: str


class Decided(msgspec.Struct, frozen=True):
    """What one kind comes to in the case."""

    kind: str
    rule: Rule | None
    losers: list[Loser]


def _why(lost: Any) -> str:
    """Why a row did not decide, in words."""
    column = gettext(COLUMNS.get(lost.column, lost.column))
    match lost.why:
        case Lost.NOT_YET:
            return gettext(mark("in force only from {at}")).format(at=when(lost.rule.starts))
        case Lost.OVER:
            return gettext(mark("ended on {at}")).format(at=when(lost.rule.ends))
        case Lost.OUTSIDE_ROLLOUT:
            return gettext(mark("this party is not in its rollout"))
        case Lost.LESS_SPECIFIC:
            return gettext(mark("less specific: the winner names the {column}")).format(
                column=column
            )
    return gettext(mark("for another {column}")).format(column=column)


def _decided(kind: str, verdict: Verdict) -> Decided:
    """Rows for other cases stand last."""
    lost = sorted(verdict.considered, key=lambda one: one.why is Lost.NO_MATCH)
    return Decided(kind, verdict.rule, [Loser(one.rule, _why(one)) for one in lost])


def _choices(sources: list[str]) -> dict[str, list[str]]:
    """A case is of one source, surface and route: never "any" of them."""
    rest = {name: [one for one in CHOICES[name] if one != ANY] for name in ("surface", "route")}
    return {"source": ["own", *sources], **rest}


@get("/operator/{screen:str}/case", **READ)
async def case_page(
    screen: FromPath[Screen],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    category: FromQuery[str] = "",
    store: FromQuery[UUID | None] = None,
    source: FromQuery[str] = "own",
    surface: FromQuery[str] = "video",
    route: FromQuery[str] = "direct",
) -> Page:
    """The evaluator's own answer: what an order of this case would be frozen with."""
    moment = instant_from(at, field="at", default=now)
    stores, sources = await stores_for_rules(conn), await sources_named(conn)
    shop = next((one for one in stores if one.id == store), None)
    book = await rules_book(conn)
    case = {
        "source": source,
        "surface": surface,
        "route": route,
        "category": category or ANY,
        "party_class": "merchant",
        "party": str(shop.org_id) if shop else "",
        "merchant_class": shop.merchant_class if shop else "",
    }
    return page(
        request,
        "operator/rule_case.html",
        screen=screen,
        family=FAMILIES[screen],
        moment_text=local_text(moment),
        moment=moment,
        case=case,
        chosen_store=store,
        stores=stores,
        categories=await categories_named(conn),
        choices=_choices([one.code for one in sources]),
        sources={one.code: pick(one, "name") for one in sources},
        columns={column: gettext(words) for column, words in COLUMNS.items()},
        kinds={kind: gettext(words) for kind, words in KINDS.items()},
        precedence=PRECEDENCE,
        decided=[
            _decided(kind, book.explain(Facts(kind=kind, at=moment, **case)))
            for kind in kinds_of(screen)
        ],
        cell_words=cell_words,
        span_words=span_words,
    )


HANDLERS: list[HTTPRouteHandler] = [case_page]
