"""Forms of agreements: what is typed becomes terms, and terms become what a form shows."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from dougong.base.errors import BadInput
from dougong.base.money import BadAmount, decimal_text, minor_from_text
from dougong.partners.rules import (
    MONEY_UNITS,
    BadTerms,
    Component,
    ComponentKind,
    Exclusivity,
    FeeOverride,
    Grant,
    Side,
    Terms,
    Tier,
    TierMethod,
    Unit,
)
from dougong.web.forms import Form
from dougong.web.operator.common import instant_from, local_text

FEE_ROWS = 4
Many = list[str] | str  # a field that may come once or more


class OfferForm(Form):
    """`committed` and the fields below it come once for each kind of component, in their order;
    those of a fee once for each row. An empty amount or rate: nothing of that."""

    starts: str
    ends: str
    currency: str
    committed: list[str]
    unit: list[str]
    committed_by: list[str]
    unit_value: list[str]
    shortfall: list[str]
    tier_method: list[str]
    tiers: list[str]
    fee_kind: list[str]
    fee_source: list[str]
    fee_surface: list[str]
    fee_route: list[str]
    fee_rate: list[str]
    grants: Many = ""
    exclusivity: str = "none"
    notice_days: str = "30"
    clauses: str = ""
    message: str = ""
    days: str = "7"


class SignForm(Form):
    number: int
    hash: str
    name: str


class NumberForm(Form):
    number: int
    reason: str = ""


class KeyedForm(Form):
    """`key`: of this form as it was shown; what it says is written once."""

    key: Annotated[str, Meta(min_length=8, max_length=200)]


class WordsForm(KeyedForm):
    body: str
    number: int | None = None
    term: str = ""


class EndForm(Form):
    reason: str = ""


class DisputeForm(KeyedForm):
    subject: str
    body: str
    component: str = "all"


class NoteForm(KeyedForm):
    body: str


class CloseForm(Form):
    resolution: str


class AmountForm(KeyedForm):
    """`kind`: reported or confirmed. `times`: how often the last round, if that was said."""

    kind: str
    amount: str
    unit: str
    component: str
    source: str
    said_on: str
    currency: str = "CNY"
    citation: str = ""
    is_about: str = ""
    times: str = ""


class DeliveryForm(Form):
    """`how`: manual (a record) or bill (booked in the ledger). `key`: of this form, once."""

    how: str
    component: str
    day: str
    amount: str
    note: str
    key: str


class RoundForm(Form):
    partner: str
    name_zh: str
    name_en: str
    previous: str = ""


def many(value: Many) -> list[str]:
    return [value] if isinstance(value, str) and value else list(value)


def amount_from(text: str, unit: Unit, currency: str, *, field: str) -> int:
    """An amount as it is typed: money with its decimals, counts whole. Raises BadTerms."""
    plain = text.strip().replace(",", "").replace("，", "")
    try:
        if unit in MONEY_UNITS:
            return minor_from_text(plain, currency)
        return int(plain)
    except (BadAmount, ValueError):
        raise BadTerms(field=field, reason="not_a_number") from None


def share_from(text: str, *, field: str) -> int:
    """Per cent as basis points; nothing is 0. Raises BadTerms."""
    plain = text.strip().rstrip("%").strip()
    try:
        return minor_from_text(plain, "CNY") if plain else 0
    except BadAmount:
        raise BadTerms(field=field, reason="0–100 %") from None


def whole_from(text: str, *, field: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        raise BadTerms(field=field, reason="not_a_number") from None


def day_start(text: str, *, field: str) -> datetime:
    """The first instant of a typed local day, or an instant. Raises BadTerms."""
    try:
        return instant_from(text.strip(), field=field, default=None)
    except BadInput:
        raise BadTerms(field=field, reason="no_date") from None


def terms_from(form: OfferForm) -> Terms:
    """Raises BadTerms, naming the field."""
    rows = (form.committed, form.unit, form.committed_by, form.unit_value, form.shortfall,
            form.tier_method, form.tiers)  # fmt: skip
    fees = (form.fee_kind, form.fee_source, form.fee_surface, form.fee_route, form.fee_rate)
    if any(len(one) != len(ComponentKind) for one in rows):
        raise BadTerms(field="components", reason="missing")
    if len({len(one) for one in fees}) != 1:
        raise BadTerms(field="fees", reason="missing")
    if form.currency != "CNY" and (len(form.currency) != 3 or not form.currency.isupper()):
        raise BadTerms(field="currency", reason="unknown")
    components = [
        _component(kind, form.currency, dict(zip(_NAMES, cells, strict=True)))
        for kind, *cells in zip(ComponentKind, *rows, strict=True)
        if cells[0].strip()
    ]
    overrides = [
        FeeOverride(
            kind=kind,
            source=source,
            surface=surface,
            route=route,
            rate_bp=share_from(rate, field="fees"),
        )
        for kind, source, surface, route, rate in zip(*fees, strict=True)
        if rate.strip()
    ]
    return Terms(
        currency=form.currency,
        starts=day_start(form.starts, field="starts"),
        ends=day_start(form.ends, field="ends"),
        components=tuple(components),
        grants=tuple(_grant(one) for one in many(form.grants)),
        fee_overrides=tuple(overrides),
        exclusivity=_word(Exclusivity, form.exclusivity, field="exclusivity"),
        notice_days=whole_from(form.notice_days, field="notice_days"),
        clauses=form.clauses.replace("\r\n", "\n"),
    )


_NAMES = ("committed", "unit", "committed_by", "unit_value", "shortfall", "tier_method", "tiers")


def _word(kind: Any, text: str, *, field: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadTerms(field=field, reason="unknown") from None


def _grant(text: str) -> Grant:
    source, _, surface = text.partition(":")
    return Grant(source, surface)


def _component(kind: ComponentKind, currency: str, cells: dict[str, str]) -> Component:
    field = kind.value
    unit = _word(Unit, cells["unit"], field=field)
    tiers = []
    for line in cells["tiers"].splitlines():
        parts = line.replace("：", " ").replace(":", " ").split()
        if not parts:
            continue
        if len(parts) != 2:
            raise BadTerms(field=field, reason="tier_line")
        amount = amount_from(parts[0], unit, currency, field=field)
        tiers.append(Tier(amount, share_from(parts[1], field=field)))
    value = cells["unit_value"].strip()
    return Component(
        kind=kind,
        unit=unit,
        committed=amount_from(cells["committed"], unit, currency, field=field),
        committed_by=_word(Side, cells["committed_by"], field=field),
        unit_value_minor=amount_from(value, Unit.SPEND, currency, field=field) if value else 0,
        shortfall_bp=share_from(cells["shortfall"], field=field),
        tier_method=_word(TierMethod, cells["tier_method"], field=field),
        tiers=tuple(tiers),
    )


class ComponentCells(msgspec.Struct):
    """A component as its row of the form shows it."""

    kind: str
    committed: str = ""
    unit: str = Unit.SPEND.value
    committed_by: str = Side.PARTNER.value
    unit_value: str = ""
    shortfall: str = ""
    tier_method: str = TierMethod.WHOLE.value
    tiers: str = ""


class Shown(msgspec.Struct):
    """All fields of the offer's form, as text."""

    starts: str
    ends: str
    currency: str
    components: list[ComponentCells]
    fees: list[dict[str, str]]
    grants: list[str]
    exclusivity: str
    notice_days: str
    clauses: str
    message: str = ""
    days: str = "7"


NO_FEE = {"kind": "platform_service_fee", "source": "", "surface": "*", "route": "*", "rate": ""}


def shown_terms(terms: Terms | None, *, now: datetime) -> Shown:
    """What a form begins with: the terms it answers, or a year from the next day on."""
    if terms is None:
        starts = now + timedelta(days=14)
        terms = Terms(currency="CNY", starts=starts, ends=starts + timedelta(days=365))
    by_kind = {one.kind: _cells(one, terms.currency) for one in terms.components}
    fees = [
        {"kind": one.kind, "source": one.source, "surface": one.surface, "route": one.route,
         "rate": decimal_text(one.rate_bp, "CNY")}
        for one in terms.fee_overrides
    ]  # fmt: skip
    fees += [NO_FEE] * max(1, FEE_ROWS - len(fees))
    return Shown(
        starts=local_text(terms.starts),
        ends=local_text(terms.ends),
        currency=terms.currency,
        components=[by_kind.get(kind, ComponentCells(kind.value)) for kind in ComponentKind],
        fees=fees,
        grants=[f"{one.source}:{one.surface}" for one in terms.grants],
        exclusivity=terms.exclusivity.value,
        notice_days=str(terms.notice_days),
        clauses=terms.clauses,
    )


def _cells(one: Component, currency: str) -> ComponentCells:
    def amount(value: int) -> str:
        return decimal_text(value, currency) if one.unit in MONEY_UNITS else str(value)

    tiers = (f"{amount(t.from_amount)} {decimal_text(t.rebate_bp, 'CNY')}" for t in one.tiers)
    return ComponentCells(
        kind=one.kind.value,
        committed=amount(one.committed),
        unit=one.unit.value,
        committed_by=one.committed_by.value,
        unit_value=decimal_text(one.unit_value_minor, currency) if one.unit_value_minor else "",
        shortfall=decimal_text(one.shortfall_bp, "CNY") if one.shortfall_bp else "",
        tier_method=one.tier_method.value,
        tiers="\n".join(tiers),
    )


def shown_form(form: OfferForm) -> Shown:
    """What was typed, shown again beside what is wrong with it."""
    rows = zip(ComponentKind, form.committed, form.unit, form.committed_by, form.unit_value,
               form.shortfall, form.tier_method, form.tiers, strict=False)  # fmt: skip
    names = ("kind", "source", "surface", "route", "rate")
    fees = zip(form.fee_kind, form.fee_source, form.fee_surface, form.fee_route, form.fee_rate,
               strict=False)  # fmt: skip
    return Shown(
        starts=form.starts,
        ends=form.ends,
        currency=form.currency,
        components=[ComponentCells(kind.value, *cells) for kind, *cells in rows],
        fees=[dict(zip(names, cells, strict=True)) for cells in fees],
        grants=many(form.grants),
        exclusivity=form.exclusivity,
        notice_days=form.notice_days,
        clauses=form.clauses,
        message=form.message,
        days=form.days,
    )
