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
from dougong.policy.rules import ANY, FEE_KINDS, PRECEDENCE, TERM_KINDS, Rule
from dougong.reads.operator_rules import category_paths, rule_rows
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, mark
from dougong.web.operator.common import instant_from, local_text, see
from dougong.web.refusals import message_for
from dougong.web.render import Page, page

KINDS = {
    "platform_service_fee": mark("Platform service fee"),
    "creator_commission": mark("Creator commission, where none is offered"),
    "commission_cut": mark("The platform's part of the commission"),
    "payment_cost": mark("Payment cost"),
    "pay_within_s": mark("Time to pay"),
    "receive_within_s": mark("Counts as received after"),
    "after_sales_window_s": mark("After-sales window"),
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
    "source": ["*", "own", "taobao", "tmall", "jd"],
    "surface": ["*", "video", "live", "profile", "search"],
    "route": ["*", "direct", "task"],
    "party_class": ["*", "merchant", "creator"],
}
UNITS = {"minutes": 60, "hours": 3_600, "days": 86_400}
FAMILIES = {"rules": "fee", "terms": "term"}
READ: dict[str, Any] = {"permission": Permission.RULE_READ, "include_in_schema": False}
WRITE: dict[str, Any] = {"permission": Permission.RULE_WRITE, "include_in_schema": False}


class Draft(Form, kw_only=True):
    kind: str
    value: str
    unit: Literal["percent", "minutes", "hours", "days"] = "percent"
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
    refusal: Refusal | None = None,
) -> Page:
    """`at`: any past or future instant; `show`: in_force (as of then), draft, or all."""
    moment = instant_from(at, field="at", default=now)
    show = show if show in ("draft", "all") else "in_force"
    rows = await rule_rows(conn, family=FAMILIES[screen])
    drafts = sum(row.approved_at is None for row in rows)
    seen = [row for row in rows if show in ("all", row.state_at(moment))]
    if q:
        seen = [r for r in seen if q.lower() in f"{r.kind} {r.category} {r.party} {r.reason_zh} "
                f"{r.reason_en}".lower()]  # fmt: skip
    return page(
        request,
        "operator/rules.html",
        status=refusal.status if refusal else 200,
        screen=screen,
        rows=seen,
        drafts=drafts,
        moment=moment,
        moment_text=local_text(moment),
        show=show,
        q=q,
        kinds={kind: gettext(words) for kind, words in KINDS.items()},
        columns={column: gettext(words) for column, words in COLUMNS.items()},
        precedence=PRECEDENCE,
        span_words=span_words,
        refusal=message_for(refusal.code, refusal.facts) if refusal else "",
    )


@get("/operator/rules", **READ)
async def fee_rules(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
) -> Page:
    return await _list(request, conn, now, screen="rules", at=at, show=show, q=q)


@get("/operator/terms", **READ)
async def term_rules(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    at: FromQuery[str] = "",
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
) -> Page:
    return await _list(request, conn, now, screen="terms", at=at, show=show, q=q)


async def _form(
    request: Request[Any, Any, Any],
    conn: Conn,
    now: datetime,
    *,
    screen: str,
    given: Draft | None = None,
    refusal: Refusal | None = None,
) -> Page:
    kinds = FEE_KINDS if screen == "rules" else TERM_KINDS
    facts = (refusal.facts | {"field": ""}) if refusal else {}
    return page(
        request,
        "operator/rule_form.html",
        status=refusal.status if refusal else 200,
        screen=screen,
        given=given,
        kinds=[(kind.value, gettext(KINDS[kind])) for kind in sorted(kinds)],
        columns={column: gettext(words) for column, words in COLUMNS.items()},
        choices=CHOICES,
        categories=await category_paths(conn),
        error_field=refusal.field if refusal else "",
        error=message_for(refusal.code, facts) if refusal else "",
        now_text=local_text(now),
    )


@get("/operator/{screen:str}/draft", **WRITE)
async def draft_form(
    screen: FromPath[Literal["rules", "terms"]],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
) -> Page:
    return await _form(request, conn, now, screen=screen)


@post("/operator/{screen:str}/draft", **WRITE)
async def draft(
    screen: FromPath[Literal["rules", "terms"]],
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
    columns = {column: getattr(data, column).strip() or ANY for column in PRECEDENCE}
    return Rule(
        id=RuleId(new_id()),
        kind=data.kind,
        **columns,
        announced_at=min(now, starts),
        starts=starts,
        ends=instant_from(data.ends, field="ends", default=None) if data.ends else None,
        rollout_bp=_hundredths(data.rollout, field="rollout_bp"),
        value=_hundredths(data.value, field="value")
        if data.kind in FEE_KINDS
        else _whole(data.value) * UNITS.get(data.unit, 1),
        reason_zh=data.reason_zh,
        reason_en=data.reason_en,
        citation=data.citation,
    )


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
    screen: FromPath[Literal["rules", "terms"]],
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
    screen: FromPath[Literal["rules", "terms"]],
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


HANDLERS: list[HTTPRouteHandler] = [fee_rules, term_rules, draft_form, draft, approve, end]
