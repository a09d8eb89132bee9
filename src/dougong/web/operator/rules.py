"""Rules in force on a date, and the way to new ones: one person drafts, another approves."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.ids import RuleId, new_id
from dougong.base.money import BadAmount, minor_from_text
from dougong.policy.commands import approve_rule, draft_rule, end_rule
from dougong.policy.rules import ANY, FEE_KINDS, LINK_KINDS, PRECEDENCE, TERM_KINDS, Rule
from dougong.reads.operator_rules import (
    RuleRow,
    categories_named,
    parties_named,
    rule_rows,
    sources_named,
    stores_for_rules,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark, pick
from dougong.web.operator.case_words import CASE_TERMS
from dougong.web.operator.common import csv_file, instant_from, local_text, see
from dougong.web.operator.words import RULE_REASONS, cell_words
from dougong.web.refusals import message_for
from dougong.web.render import Page, page

KINDS = {
    "platform_service_fee": mark("Platform service fee"),
    "creator_commission": mark("Creator commission, where none is offered"),
    "commission_cut": mark("The platform's part of the commission"),
    "payment_cost": mark("Payment cost"),
    "gift_fee": mark("The platform's part of a gift"),
    "pay_within_s": mark("Time to pay"),
    "ship_within_s": mark("To be shipped within"),
    "receive_within_s": mark("Counts as received after"),
    "after_sales_window_s": mark("After-sales window"),
    "evidence_kept_s": mark("Evidence of live rooms kept for"),
    "explained_grace_s": mark("Grace of a product that is being explained"),
    **CASE_TERMS,
    "link": mark("Product link"),
}
COLUMNS = {
    "party": mark("Party"),
    "merchant_class": mark("Merchant class"),
    "party_class": mark("Party class"),
    "category": mark("Category"),
    "route": mark("Route"),
    "surface": mark("Surface"),
    "source": mark("Source"),
}
CHOICES = {
    "source": ["*", "own", "outside"],  # and every source of the registry
    "surface": ["*", "video", "live", "profile", "search"],
    "route": ["*", "direct", "task"],
    "party_class": ["*", "merchant", "creator"],
}
# As they are printed: first what most orders meet.
ORDER = (
    "platform_service_fee",
    "creator_commission",
    "commission_cut",
    "payment_cost",
    "gift_fee",
    "pay_within_s",
    "ship_within_s",
    "receive_within_s",
    "after_sales_window_s",
    "evidence_kept_s",
    "explained_grace_s",
    *CASE_TERMS,
    "link",
)
UNITS = {"minutes": 60, "hours": 3_600, "days": 86_400}
Screen = Literal["rules", "terms", "link-rules"]
FAMILIES = {"rules": "fee", "terms": "term", "link-rules": "link"}
FAMILY_KINDS = {"fee": FEE_KINDS, "term": TERM_KINDS, "link": LINK_KINDS}
READ: dict[str, Any] = {"permission": Permission.RULE_READ, "include_in_schema": False}
WRITE: dict[str, Any] = {"permission": Permission.RULE_WRITE, "include_in_schema": False}


class Draft(Form, kw_only=True):
    kind: str
    value: str
    unit: Literal["percent", "minutes", "hours", "days", "verdict"] = "percent"
    starts: str
    ends: str = ""
    rollout: str = "100"
    source: str = ANY
    surface: str = ANY
    category: str = ANY
    route: str = ANY
    party_class: str = ANY
    party: str = ANY
    merchant_class: str = ANY
    reason_zh: str
    reason_en: str
    citation: str = ""


class End(Form):
    ends: str


class Nothing(Form):
    pass


def kinds_of(screen: str) -> list[str]:
    """The kinds of one screen, in the order of print."""
    family = {str(kind) for kind in FAMILY_KINDS[FAMILIES[screen]]}
    return [kind for kind in ORDER if kind in family]


def span_words(seconds: int) -> str:
    """`10 days` for 864 000 seconds: the largest unit that fits exactly."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % size == 0 and seconds:
            words = {"days": mark("{n} days"), "hours": mark("{n} hours")}
            return gettext(words.get(unit, mark("{n} minutes"))).format(n=seconds // size)
    return gettext(mark("{n} seconds")).format(n=seconds)


async def _list(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: datetime,
    *,
    screen: str,
    at: str = "",
    show: str = "",
    q: str = "",
    file: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:
    """`at`: any past or future instant; `show`: in_force (as of then), draft, or all."""
    moment = instant_from(at, field="at", default=now)
    show = show if show in ("draft", "all") else "in_force"
    rows = await rule_rows(conn, family=FAMILIES[screen])
    drafts = sum(row.approved_at is None for row in rows)
    names = {one.path: pick(one, "name") for one in await categories_named(conn)}
    paths = set(names)
    names |= {str(one.id): pick(one, "name") for one in await parties_named(conn)}
    names |= {one.code: pick(one, "name") for one in await sources_named(conn)}
    seen = [row for row in rows if show in ("all", row.state_at(moment))]
    seen = [row for row in seen if q.strip().lower() in _said(row, names)]
    seen.sort(key=lambda row: (ORDER.index(row.kind), row.category, -row.starts.timestamp()))
    if file == "csv":
        return csv_file(
            f"{screen}-{moment:%Y-%m-%d}", CSV_HEAD, [_csv_row(r, moment) for r in seen]
        )
    return page(
        request,
        "operator/rules.html",
        status=refusal.status if refusal else 200,
        screen=screen,
        rows=seen,
        drafts=drafts,
        moment=moment,
        moment_text=local_text(moment),
        now_text=local_text(now),
        show=show,
        q=q,
        kinds={kind: gettext(words) for kind, words in KINDS.items()},
        columns={column: gettext(words) for column, words in COLUMNS.items()},
        precedence=PRECEDENCE,
        span_words=span_words,
        paths=paths,
        cell=lambda value: names.get(value) or cell_words(value),
        refusal=message_for(refusal.code, refusal.facts) if refusal else "",
    )


CSV_HEAD = ("kind", "value", "state", "starts", "ends", *PRECEDENCE, "rollout_bp",
            "reason_zh", "reason_en", "citation", "author", "approver")  # fmt: skip


def _said(row: RuleRow, names: dict[str, str]) -> str:
    """What a search looks through: as printed, and as kept."""
    words = (gettext(KINDS.get(row.kind, "")), names.get(row.category), names.get(row.party))
    kept = (row.kind, row.category, row.party, row.reason_zh, row.reason_en, row.citation)
    return " ".join(filter(None, (*words, *kept))).lower()


def _csv_row(row: RuleRow, moment: datetime) -> list[Any]:
    ends = row.ends.isoformat() if row.ends else ""
    head = [row.kind, row.value, row.state_at(moment), row.starts.isoformat(), ends]
    tail = [row.reason_zh, row.reason_en, row.citation, row.author, row.approver or ""]
    return [*head, *(getattr(row, column) for column in PRECEDENCE), row.rollout_bp, *tail]


@get("/operator/rules", **READ)
async def fee_rules(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    return await _list(request, conn, now, screen="rules", at=at, show=show, q=q, file=file)


@get("/operator/link-rules", **READ)
async def link_rules(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    return await _list(request, conn, now, screen="link-rules", at=at, show=show, q=q, file=file)


@get("/operator/terms", **READ)
async def term_rules(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
    file: FromQuery[str] = "",
) -> Response[Any]:
    return await _list(request, conn, now, screen="terms", at=at, show=show, q=q, file=file)


async def _form(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: datetime,
    *,
    screen: str,
    given: Draft | None = None,
    refusal: Refusal | None = None,
) -> Page:
    facts = (refusal.facts | {"field": ""}) if refusal else {}
    reason = RULE_REASONS.get(str(facts.get("reason", "")))
    stores = await stores_for_rules(conn)
    return page(
        request,
        "operator/rule_form.html",
        status=refusal.status if refusal else 200,
        screen=screen,
        given=given,
        kinds=[(kind, gettext(KINDS[kind])) for kind in kinds_of(screen)],
        columns={column: gettext(words) for column, words in COLUMNS.items()},
        choices=CHOICES,
        sources=await sources_named(conn),
        categories=await categories_named(conn),
        parties=await parties_named(conn),
        merchant_classes=sorted({one.merchant_class for one in stores if one.merchant_class}),
        cell_words=cell_words,
        error_field=refusal.field if refusal else "",
        error=gettext(reason) if reason else message_for(refusal.code, facts) if refusal else "",
        now_text=local_text(now),
    )


@get("/operator/{screen:str}/draft", **WRITE)
async def draft_form(
    screen: FromPath[Screen],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
) -> Page:
    return await _form(request, conn, now, screen=screen)


@post("/operator/{screen:str}/draft", **WRITE)
async def draft(
    screen: FromPath[Screen],
    data: FormData[Draft],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        rule = _rule_from(data, now=now)
        rule_id = await draft_rule(conn, rule=rule, author_id=who.person_id, at=now)
    except Refusal as refusal:
        return await _form(request, conn, now, screen=screen, given=data, refusal=refusal)
    await _audit(conn, who, now, "policy.draft", rule_id)
    return see(f"/operator/{screen}?show=draft")


def _rule_from(data: Draft, *, now: datetime) -> Rule:
    """Raises BadInput, naming the field."""
    if data.kind not in KINDS:
        raise BadInput(field="kind", reason="unknown")
    starts = instant_from(data.starts, field="starts", default=None)
    columns: dict[str, Any] = {c: getattr(data, c).strip() or ANY for c in PRECEDENCE}
    return Rule(
        id=RuleId(new_id()),
        kind=data.kind,
        **columns,
        announced_at=min(now, starts),
        starts=starts,
        ends=instant_from(data.ends, field="ends", default=None) if data.ends else None,
        rollout_bp=_hundredths(data.rollout, field="rollout_bp"),
        value=_value(data),
        reason_zh=data.reason_zh,
        reason_en=data.reason_en,
        citation=data.citation,
    )


def _value(data: Draft) -> int:
    if data.kind in FEE_KINDS:
        return _hundredths(data.value, field="value")
    return _whole(data.value) * UNITS.get(data.unit, 1)


def _hundredths(text: str, *, field: str) -> int:
    """`5.25` per cent as 525 basis points."""
    try:
        return minor_from_text(text.strip(), "CNY")
    except BadAmount:
        raise BadInput(field=field, reason="0–100 %") from None


def _whole(text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 9):
        raise BadInput(field="value", reason="0, 1, 2, …")
    return int(text)


@post("/operator/{screen:str}/{rule_id:uuid}/approve", **WRITE)
async def approve(
    screen: FromPath[Screen],
    rule_id: FromPath[UUID],
    data: FormData[Nothing],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        await approve_rule(conn, rule_id=RuleId(rule_id), approver_id=who.person_id, at=now)
    except Refusal as refusal:
        return await _list(request, conn, now, screen=screen, show="draft", refusal=refusal)
    await _audit(conn, who, now, "policy.approve", rule_id)
    return see(f"/operator/{screen}?show=all")


@post("/operator/{screen:str}/{rule_id:uuid}/end", **WRITE)
async def end(
    screen: FromPath[Screen],
    rule_id: FromPath[UUID],
    data: FormData[End],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        ends = instant_from(data.ends, field="ends", default=None)
        await end_rule(conn, rule_id=RuleId(rule_id), ends=ends, at=now)
    except Refusal as refusal:
        return await _list(request, conn, now, screen=screen, refusal=refusal)
    await _audit(conn, who, now, "policy.end", rule_id)
    return see(f"/operator/{screen}?show=all")


async def _audit(conn: Conn, who: Who, now: datetime, action: str, rule_id: UUID) -> None:
    await audit(conn, at=now, person_id=who.person_id, action=action, subject=str(rule_id))


HANDLERS: list[HTTPRouteHandler] = [
    fee_rules,
    link_rules,
    term_rules,
    draft_form,
    draft,
    approve,
    end,
]
