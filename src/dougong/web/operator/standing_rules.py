"""The dated rules about merchants: what is in force, what is planned, a draft, its approval."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, Refusal
from dougong.base.money import BadAmount, minor_from_text
from dougong.catalog.rules import clean_text
from dougong.infra.settings import settings
from dougong.standing.commands import approve_rule, draft_rule
from dougong.standing.queries import all_rules
from dougong.standing.rules import ANY, Deposit, Formula, Measure, Metric, Part, Tariff, Terms
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import rate_bp
from dougong.web.operator.common import instant_from, local_text
from dougong.web.standing_words import (
    MEASURES,
    METRICS,
    measure_words,
    metric_words,
    standing_words,
)

GOVERN: dict[str, Any] = {"permission": Permission.MERCHANT_GOVERN, "include_in_schema": False}
RULES = "/operator/standing/rules"
KINDS_NEW = ("deposit", "penalty", "score")
Short = Annotated[str, msgspec.Meta(max_length=300)]


class Dated(Form, kw_only=True):
    """What every rule says of itself."""

    starts: Short = ""
    reason_zh: Short = ""
    reason_en: Short = ""
    citation: Short = ""


class DepositForm(Dated, kw_only=True):
    category: Short = ANY
    amount: Short


class TariffForm(Dated, kw_only=True):
    violation: Short
    fixed: Short = ""
    share: Short = ""
    most: Short
    measure: Measure = Measure.NONE
    measure_days: int = 0
    appeal_days: int = 7


class FormulaForm(Dated, kw_only=True):
    """Weight, floor and goal of each metric, in the order of METRICS; weight 0 leaves it out."""

    days: int
    weight: list[Short]
    floor: list[Short]
    goal: list[Short]


class Button(Form):
    """A button."""


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    now: datetime,
    *,
    new: str,
    refusal: Refusal | None = None,
) -> Response[Any]:
    rules = await all_rules(conn)
    shown = next(
        (one.terms for one in rules if isinstance(one.terms, Formula) and one.starts <= now), None
    )
    by_metric = {part.metric: part for part in shown.parts} if shown else {}
    return form_page(
        request,
        "operator/standing_rules.html",
        refusal=refusal,
        **standing_words(),
        show="rules",
        new=new if new in KINDS_NEW else KINDS_NEW[0],
        rules=rules,
        formula=shown,
        parts=[(metric_words(metric), by_metric.get(metric)) for metric in METRICS],
        measures=[(one.value, measure_words(one)) for one in MEASURES],
        now_text=local_text(now),
        now=now,
        currency=settings().currency,
    )


@get(RULES, **GOVERN)
async def rules_page(
    request: AnyRequest, conn: Conn, now: Now, new: FromQuery[str] = ""
) -> Response[Any]:
    """`new`: which form is shown: deposit, penalty, score."""
    return await _page(request, conn, now, new=new)


def _minor(text: str, field: str) -> int:
    try:
        return minor_from_text(text.strip() or "0", settings().currency)
    except BadAmount as error:
        raise BadInput(field=field, reason="not_an_amount") from error


def _deposit(data: DepositForm) -> tuple[str, Terms]:
    return data.category.strip() or ANY, Deposit(_minor(data.amount, "amount"), settings().currency)


def _tariff(data: TariffForm) -> tuple[str, Terms]:
    violation = data.violation.strip()
    if not violation.replace("_", "").isalnum() or not violation.isascii():
        raise BadInput(field="violation", reason="bad_code")
    return violation, Tariff(
        fixed_minor=_minor(data.fixed, "fixed"),
        share_bp=rate_bp(data.share, field="share") or 0,
        most_minor=_minor(data.most, "most"),
        currency=settings().currency,
        measure=data.measure,
        measure_days=data.measure_days,
        appeal_days=data.appeal_days,
    )


def _formula(data: FormulaForm) -> tuple[str, Terms]:
    columns = (data.weight, data.floor, data.goal)
    if any(len(column) != len(METRICS) for column in columns):
        raise BadInput(field="parts", reason="out_of_range")
    parts = [_part(metric, *values) for metric, *values in zip(METRICS, *columns, strict=True)]
    terms = Formula(
        days=data.days,
        parts=tuple(part for part in parts if part.weight_bp),
    )
    return ANY, terms


def _part(metric: Metric, weight: str, floor: str, goal: str) -> Part:
    return Part(
        metric,
        rate_bp(weight, field="weight") or 0,
        rate_bp(floor, field="floor") or 0,
        rate_bp(goal, field="goal") or 0,
    )


async def _draft(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    now: datetime,
    data: Dated,
    read: Any,
    new: str,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            subject, terms = read(data)
            rule_id = await draft_rule(
                conn,
                subject=subject,
                terms=terms,
                starts=instant_from(data.starts, field="starts", default=now),
                reason_zh=clean_text(data.reason_zh, field="reason_zh", most=300, required=True),
                reason_en=clean_text(data.reason_en, field="reason_en", most=300, required=True),
                citation=data.citation.strip(),
                author_id=who.person_id,
                at=now,
            )
    except Refusal as refusal:
        return await _page(request, conn, now, new=new, refusal=refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="standing.rule_drafted",
        subject=str(rule_id), request_id=request_id(request), facts={"subject": subject},
    )  # fmt: skip
    return go(RULES)


@post(RULES + "/deposits", status_code=303, **GOVERN)
async def draft_deposit(
    data: FormData[DepositForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[Any]:
    return await _draft(request, conn, who, now, data, _deposit, "deposit")


@post(RULES + "/tariffs", status_code=303, **GOVERN)
async def draft_tariff(
    data: FormData[TariffForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[Any]:
    return await _draft(request, conn, who, now, data, _tariff, "penalty")


@post(RULES + "/formulas", status_code=303, **GOVERN)
async def draft_formula(
    data: FormData[FormulaForm], request: AnyRequest, who: Who, conn: Conn, now: Now
) -> Response[Any]:
    return await _draft(request, conn, who, now, data, _formula, "score")


@post(RULES + "/{rule_id:uuid}/approval", status_code=303, **GOVERN)
async def approve(
    rule_id: FromPath[UUID],
    data: FormData[Button],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    try:
        async with conn.begin_nested():
            await approve_rule(conn, rule_id=rule_id, approver_id=who.person_id, at=now)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _page(request, conn, now, new="", refusal=refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="standing.rule_approved",
        subject=str(rule_id), request_id=request_id(request), facts={},
    )  # fmt: skip
    return go(RULES)


HANDLERS: list[HTTPRouteHandler] = [
    rules_page, draft_deposit, draft_tariff, draft_formula, approve,
]  # fmt: skip
