"""A merchant's rows that answer cases by themselves: what is there, what a new one would have done
in the last 90 days, made, ended early; nothing of what they answered changes."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.aftersales.answer_commands import add_rule, end_rule
from dougong.aftersales.answer_queries import kept_rule, kept_rules, rules_in_force, won_by
from dougong.aftersales.answer_rules import (
    ANY,
    ANY_AMOUNT,
    PRECEDENCE,
    Answer,
    CaseRule,
    check_rule,
)
from dougong.aftersales.rules import BadCase
from dougong.base.access import Access, Permission
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import StoreId, new_id
from dougong.catalog.queries import category_tree, store_of
from dougong.reads.case_desk import buyer_of_order, cases_of_rule
from dougong.web.account.common import request_id
from dougong.web.cases.pages import Answer as Reply
from dougong.web.cases.pages import AnyRequest
from dougong.web.cases.words import (
    ANSWERS,
    COLUMNS,
    KINDS,
    REASONS,
    STAGES,
    case_words,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, pick
from dougong.web.merchant.common import STORE, amount, merchant_page, problem_words, see, store_url
from dougong.web.operator.common import instant_from, local_text
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page

LIST = STORE + "/service-rules"
ONE = LIST + "/{rule_id:uuid}"
READ: dict[str, Any] = {"permission": Permission.CASE_MANAGE, "include_in_schema": False}
WRITE: dict[str, Any] = {"permission": Permission.CASE_RULE_WRITE, "include_in_schema": False}
SHOWN: dict[str, bool | None] = {"": True, "over": False, "all": None}
PREVIEWED = timedelta(days=90)
MOST_PREVIEWED = 20
MOST_ANSWERED = 50


class RuleForm(Form, kw_only=True):
    """A row as it is typed; `order_no` names the buyer by one of its orders, nothing any amount."""

    order_no: str = ""
    kind: str = ANY
    reason: str = ANY
    category: str = ANY
    order_state: str = ANY
    up_to: str = ""
    outcome: Answer
    says_zh: str = ""
    says_en: str = ""
    starts: str = ""
    ends: str = ""
    do: Literal["preview", "make"] = "preview"


class EndForm(Form):
    """A button."""


@get(LIST, **READ)
async def rule_list(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    who: Who,
    show: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    """Rows that answer now or will, or the history."""
    chosen = show if show in SHOWN else ""
    found = await kept_rules(
        conn, store_id=StoreId(store_id), at=now, is_open=SHOWN[chosen],
        before=cursor_values(after, tuple[datetime, UUID]), most=PAGE_ROWS + 1,
    )  # fmt: skip
    rows, following = cut(found, lambda row: (row.made_at, row.rule.id))
    return await merchant_page(
        request, conn, "cases/rules.html", store_id=store_id, rows=rows, show=chosen,
        may_write=who.may(Permission.CASE_RULE_WRITE, store_id),
        next_url=next_url(request, following), first_url=first_url(request),
        **await rule_words(conn),
    )  # fmt: skip


async def rule_words(conn: AsyncConnection) -> dict[str, Any]:
    """Words for the columns of rows, and what forms offer."""
    names = {row.path: pick(row, "name") for row in await category_tree(conn)}
    return {
        **case_words(),
        "any_amount": ANY_AMOUNT,
        "category_words": lambda path: names.get(path, path),
        "precedence": [gettext(COLUMNS[column]) for column in PRECEDENCE],
        "kinds": [(code, gettext(words)) for code, words in KINDS.items()],
        "reasons": [(code, gettext(words)) for code, words in REASONS.items()],
        "stages": [(code, gettext(words)) for code, words in STAGES.items()],
        "answers": [(code, gettext(words)) for code, words in ANSWERS.items()],
        "categories": [("　" * path.count("/") + name, path) for path, name in names.items()],
    }


async def _form_page(
    request: AnyRequest,
    conn: AsyncConnection,
    now: datetime,
    store_id: UUID,
    *,
    typed: RuleForm | None = None,
    refusal: Refusal | None = None,
    rule: CaseRule | None = None,
    **preview: Any,
) -> Page:
    return await merchant_page(
        request, conn, "cases/rule_new.html", store_id=store_id,
        status=refusal.status if refusal else 200, typed=typed, now_text=local_text(now), rule=rule,
        bad_field=refusal.field if refusal else "",
        bad_words=problem_words(refusal) if refusal else "",
        **await rule_words(conn), **preview,
    )  # fmt: skip


@get(LIST + "/new", **WRITE)
async def new_page(store_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    return await _form_page(request, conn, now, store_id)


@post(LIST, status_code=303, **WRITE)
async def new_rule(
    store_id: FromPath[UUID],
    data: FormData[RuleForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Reply:
    """`do=preview` shows what the row would have answered; `make` puts it into force."""
    try:
        async with conn.begin_nested():
            rule = await _rule(conn, data, store_id, now)
            if data.do == "make":
                await add_rule(
                    conn, store_id=StoreId(store_id), rule=rule, by=who.person_id, at=now
                )
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        return await _form_page(request, conn, now, store_id, typed=data, refusal=refusal)
    if data.do == "preview":
        shown = await _preview(conn, store_id, rule, now)
        return await _form_page(request, conn, now, store_id, typed=data, rule=rule, **shown)
    facts = {**rule.columns, "outcome": rule.outcome.value}
    await _note(conn, request, who, now, store_id, "aftersales.rule_made", rule.id, facts)
    return see(store_url(store_id, f"service-rules/{rule.id}"))


async def _rule(conn: AsyncConnection, data: RuleForm, store_id: UUID, now: datetime) -> CaseRule:
    """Raises BadCase, BadInput."""
    store = await store_of(conn, store_id=StoreId(store_id))
    up_to = amount(data.up_to, store.currency, field="up_to", required=False)
    if data.category != ANY and data.category not in {
        row.path for row in await category_tree(conn)
    }:
        raise BadCase(field="category", reason="unknown_category")
    rule = CaseRule(
        id=new_id(), buyer=await _buyer(conn, data, store_id), kind=data.kind, reason=data.reason,
        category=data.category, order_state=data.order_state,
        up_to_minor=ANY_AMOUNT if up_to is None else up_to, outcome=data.outcome,
        says_zh=data.says_zh.strip(), says_en=data.says_en.strip(),
        starts=instant_from(data.starts, field="starts", default=now),
        ends=instant_from(data.ends, field="ends", default=None) if data.ends else None,
    )  # fmt: skip
    check_rule(rule)
    return rule


async def _buyer(conn: AsyncConnection, data: RuleForm, store_id: UUID) -> str:
    if not data.order_no.strip():
        return ANY
    found = await buyer_of_order(
        conn, store_id=StoreId(store_id), number=data.order_no.strip()[:60]
    )
    if found is None:
        raise BadCase(field="order_no", reason="unknown_order")
    return str(found)


async def _preview(
    conn: AsyncConnection, store_id: UUID, rule: CaseRule, now: datetime
) -> dict[str, Any]:
    """The cases of the last 90 days that the row would have decided, beside the rows that are in
    force at its start, as if all of them had been in force throughout."""
    since, until = now - PREVIEWED, now
    others = await rules_in_force(conn, store_id=StoreId(store_id), at=max(rule.starts, now))
    rules = [
        msgspec.structs.replace(one, starts=since, ends=None)
        for one in [*(other for other in others if other.id != rule.id), rule]
        if one is rule or one.columns != rule.columns
    ]
    rows = await won_by(
        conn, store_id=StoreId(store_id), rules=rules, rule_id=rule.id, since=since, until=until,
        most=MOST_PREVIEWED,
    )  # fmt: skip
    return {"won": rows, "sums": rows[0] if rows else None}


@get(ONE, **READ)
async def one_rule(
    store_id: FromPath[UUID],
    rule_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Page:
    return await _one_page(request, conn, who, now, store_id, rule_id)


async def _one_page(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    now: datetime,
    store_id: UUID,
    rule_id: UUID,
    refusal: Refusal | None = None,
) -> Page:
    kept = await kept_rule(conn, store_id=StoreId(store_id), rule_id=rule_id, at=now)
    answered = await cases_of_rule(
        conn, store_id=StoreId(store_id), rule_id=rule_id, most=MOST_ANSWERED
    )
    return await merchant_page(
        request, conn, "cases/rule.html", store_id=store_id, kept=kept, rows=answered,
        status=refusal.status if refusal else 200, state=kept.state(now),
        may_write=who.may(Permission.CASE_RULE_WRITE, store_id),
        bad_words=problem_words(refusal) if refusal else "",
        **await _preview(conn, store_id, kept.rule, now), **await rule_words(conn),
    )  # fmt: skip


@post(ONE + "/end", status_code=303, **WRITE)
async def end_one(
    store_id: FromPath[UUID],
    rule_id: FromPath[UUID],
    data: FormData[EndForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Reply:
    try:
        async with conn.begin_nested():
            await end_rule(
                conn, store_id=StoreId(store_id), rule_id=rule_id, by=who.person_id, at=now
            )
    except Refusal as refusal:
        if isinstance(refusal, NotFound):
            raise
        return await _one_page(request, conn, who, now, store_id, rule_id, refusal)
    await _note(conn, request, who, now, store_id, "aftersales.rule_ended", rule_id, {})
    return see(store_url(store_id, f"service-rules/{rule_id}"))


async def _note(
    conn: AsyncConnection,
    request: AnyRequest,
    who: Access,
    now: datetime,
    store_id: UUID,
    action: str,
    rule_id: UUID,
    facts: dict[str, Any],
) -> None:
    await audit(
        conn, at=now, person_id=who.person_id, action=action, owner_id=store_id,
        subject=str(rule_id), request_id=request_id(request), facts=facts,
    )  # fmt: skip


HANDLERS: list[HTTPRouteHandler] = [rule_list, new_page, new_rule, one_rule, end_one]
