"""What terms, units and states are called, and how amounts in any unit read."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from babel.numbers import format_compact_currency

from dougong.base.money import scale
from dougong.partners.rules import (
    IMPRESSIONS_PER,
    MONEY_UNITS,
    Terms,
    Unit,
    flat,
)
from dougong.reads.partner_rounds import Proposal
from dougong.web.i18n import BABEL, gettext, locale_of_request, mark, pick
from dougong.web.operator.rules import KINDS
from dougong.web.operator.words import cell_words
from dougong.web.render import count, money, rate, when

COMPONENTS = {
    "all": mark("The whole round"),
    "advertising": mark("Advertising"),
    "ecommerce_traffic": mark("E-commerce traffic"),
    "app_revenue": mark("App revenue"),
    "other": mark("Other"),
}
UNITS = {
    "spend": mark("Spend"),
    "gmv": mark("GMV"),
    "orders": mark("Orders"),
    "clicks": mark("Clicks"),
    "impressions": mark("Impressions"),
}
SIDES = {"platform": mark("Platform"), "partner": mark("Partner")}
EXCLUSIVITY = {
    "none": mark("Not exclusive"),
    "categories": mark("Exclusive in the categories named below"),
    "full": mark("Fully exclusive"),
}
METHODS = {
    "whole": mark("The tier reached holds for all"),
    "marginal": mark("Each tier for its slice"),
}
ROUND_STATES = {
    "negotiating": (mark("Negotiating"), "orange"),
    "signed": (mark("Signed"), "green"),
    "ended": (mark("Ended"), "secondary"),
    "given_up": (mark("Given up"), "secondary"),
}
PROPOSAL_STATES = {
    "offered": (mark("On the table"), "orange"),
    "countered": (mark("Countered"), "secondary"),
    "withdrawn": (mark("Withdrawn"), "secondary"),
    "declined": (mark("Declined"), "red"),
    "expired": (mark("Expired"), "red"),
    "accepted": (mark("To be signed"), "blue"),
    "half_signed": (mark("Signed by one side"), "azure"),
    "signed": (mark("Signed"), "green"),
    "replaced": (mark("Replaced"), "secondary"),
}
ORIGINS = {
    "books": mark("Books"),
    "clicks": mark("Clicks counted"),
    "referrals": mark("Orders reported"),
    "manual": mark("By hand"),
}
OWED = {"rebate": mark("Rebate"), "shortfall": mark("Shortfall")}
_FIELDS = {
    "currency": mark("Currency"),
    "starts": mark("In force from"),
    "ends": mark("Until"),
    "exclusivity": mark("Exclusivity"),
    "notice_days": mark("Notice"),
    "clauses": mark("Other clauses"),
    "committed": mark("committed"),
    "unit": mark("counted in"),
    "committed_by": mark("promised by"),
    "shortfall_bp": mark("paid of what is missing"),
    "unit_value_minor": mark("worth of a unit"),
    "tier_method": mark("how tiers count"),
}
NOT_THERE = "–"


def said(words: Mapping[str, str], key: str) -> str:
    return gettext(words.get(key, key))


def big(minor: int, currency: str) -> str:
    """`¥200亿` or `CN¥20B`: a large amount at a glance, exact to two digits after the point."""
    locale, whole = locale_of_request.get(), 10 ** scale(currency)
    if abs(minor) < 10_000 * whole:
        return money(minor, currency)
    amount = minor / whole
    return str(format_compact_currency(amount, currency, locale=BABEL[locale], fraction_digits=2))


def amount_words(amount: int, unit: str, currency: str) -> str:
    """An amount of any unit; money compact."""
    return big(amount, currency) if Unit(unit) in MONEY_UNITS else count(amount)


def exact_words(amount: int, unit: str, currency: str) -> str:
    return money(amount, currency) if Unit(unit) in MONEY_UNITS else f"{amount:,}"


def times_words(times_bp: int | None) -> str:
    """`×3` for 30 000."""
    if times_bp is None:
        return ""
    text = f"{times_bp / 10_000:.2f}".rstrip("0").rstrip(".")
    return f"×{text}"


def term_words(name: str, terms: Terms, sources: Mapping[str, str]) -> str:
    """What a term of `partners.rules.flat` is called."""
    head, _, rest = name.partition(".")
    if head == "component":
        kind, _, field = rest.partition(".")
        words = said(COMPONENTS, kind)
        if field.startswith("tier."):
            return f"{words} · {_tier_words(kind, field, terms)}"
        return f"{words} · {said(_FIELDS, field)}"
    if head == "grant":
        source, surface = rest.split(".")
        granted = gettext(mark("Links to {source}")).format(source=sources.get(source, source))
        return f"{granted} · {cell_words(surface)}"
    if head == "fee":
        kind, *columns = rest.split(".")
        shown = [sources.get(one, cell_words(one)) for one in columns if one != "*"]
        return " · ".join([gettext(KINDS.get(kind, kind)), *shown])
    return said(_FIELDS, name)


def _tier_words(kind: str, field: str, terms: Terms) -> str:
    component = terms.component(kind)
    amount = int(field.removeprefix("tier."))
    unit = component.unit.value if component else Unit.ORDERS.value
    shown = amount_words(amount, unit, terms.currency)
    return gettext(mark("rebate from {amount}")).format(amount=shown)


def value_words(name: str, value: str | int | None, terms: Terms) -> str:
    """A term's value, in the language of the request."""
    if value is None:
        return NOT_THERE
    field = name.rpartition(".")[2]
    component = terms.component(name.split(".")[1]) if name.startswith("component.") else None
    if name in ("starts", "ends"):
        return when(datetime.fromisoformat(str(value)), "date")
    if name.startswith("grant."):
        return gettext(mark("allowed"))
    if field == "committed" and component:
        return amount_words(int(value), component.unit, terms.currency)
    if field == "unit_value_minor" and component:
        worth = money(int(value), terms.currency)
        many = component.unit is Unit.IMPRESSIONS
        return f"{worth} / {IMPRESSIONS_PER:,}" if many else worth
    if field == "shortfall_bp" or ".tier." in name or name.startswith("fee."):
        return rate(int(value))
    if name == "notice_days":
        return gettext(mark("{n} days")).format(n=value)
    for words in (UNITS, SIDES, EXCLUSIVITY, METHODS):
        if value in words:
            return said(words, str(value))
    return str(value)


class Cell(msgspec.Struct):
    """A term in one proposal; `moved`: it is not what it was in the one before."""

    text: str
    moved: bool


class Row(msgspec.Struct):
    """A term across proposals. `last_moved_by`: the side that moved it last, or empty."""

    term: str
    name: str
    cells: list[Cell]
    last_moved_by: str


def board(proposals: Sequence[Proposal], sources: Mapping[str, str]) -> list[Row]:
    """Every term of these proposals, one row each: who moved what, from left to right."""
    terms = [one.terms() for one in proposals]
    flats = [flat(one) for one in terms]
    names = list(dict.fromkeys(name for values in flats for name in values))
    order = {name: place for place, name in enumerate(flats[-1])} if flats else {}
    names.sort(key=lambda name: order.get(name, len(order)))
    rows = []
    for name in names:
        cells, mover = [], ""
        for place, values in enumerate(flats):
            moved = place > 0 and values.get(name) != flats[place - 1].get(name)
            mover = proposals[place].side if moved else mover
            cells.append(Cell(value_words(name, values.get(name), terms[place]), moved))
        has_it = next(t for t, f in zip(reversed(terms), reversed(flats), strict=True) if name in f)
        rows.append(Row(term_words(name, has_it, sources), name, cells, mover))
    return rows


def source_names(sources: Sequence[object]) -> dict[str, str]:
    return {str(getattr(one, "code", "")): pick(one, "name") for one in sources}
