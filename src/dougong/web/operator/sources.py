"""Third-party sources: their hosts and terms, and their state by date."""

import re
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.money import BadAmount, minor_from_text
from dougong.infra.settings import settings
from dougong.links.adapters.registry import ADAPTERS
from dougong.links.source_commands import (
    SourceDraft,
    add_source,
    change_source,
    set_source_state,
    source_subject,
)
from dougong.links.source_queries import source_at, sources_at, states_of
from dougong.links.source_rules import Source, SourceSettings, SourceState
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import instant_from, local_text

LIST = "/operator/sources"
ONE = LIST + "/{code:str}"
ROUTE: dict[str, Any] = {"permission": Permission.SOURCE_MANAGE, "include_in_schema": False}
OURS = set(SourceSettings.__struct_fields__)


class SourceForm(Form):
    """`hosts`: one a line; `item_params`: separated by commas; rates in per cent."""

    code: str = ""
    name_zh: str = ""
    name_en: str = ""
    hosts: str = ""
    adapter: str = "page"
    currency: str = ""
    item_params: str = ""
    sub_id_parameter: str = ""
    commission: str = ""
    alliance_fee: str = ""
    refunds: str = ""
    feed_url: str = ""
    asks_before_leaving: bool = False
    when_denied: str = "hide"


class StateForm(Form):
    state: SourceState
    starts: str = ""
    reason_zh: str = ""
    reason_en: str = ""


def draft_of(data: SourceForm, known: Source | None) -> SourceDraft:
    """What was typed. Settings of an adapter's own stay as they are. Raises BadInput."""
    terms = SourceSettings(
        currency=data.currency.strip().upper(),
        item_params=tuple(one for one in re.split(r"[\s,，]+", data.item_params) if one),
        commission_bp=_rate(data.commission, "commission") if data.commission.strip() else None,
        alliance_fee_bp=_rate(data.alliance_fee or "0", "alliance_fee"),
        refund_bp=_rate(data.refunds or "0", "refunds"),
        feed_url=data.feed_url.strip(),
        sub_id_parameter=data.sub_id_parameter.strip(),
    )
    more = {k: v for k, v in known.settings.items() if k not in OURS} if known else {}
    return SourceDraft(
        code=known.code if known else data.code.strip().lower(),
        name_zh=data.name_zh,
        name_en=data.name_en,
        hosts=data.hosts.splitlines(),
        adapter=data.adapter,
        settings=terms,
        more=more,
        asks_before_leaving=data.asks_before_leaving,
        when_denied=data.when_denied,
        partner_id=known.partner_id if known else None,
    )


def _rate(text: str, field: str) -> int:
    """`12.5` per cent as 1250 basis points."""
    try:
        return minor_from_text(text.strip().removesuffix("%").strip(), "CNY")
    except BadAmount:
        raise BadInput(field=field, reason="out_of_range") from None


def typed_of(source: Source) -> SourceForm:
    terms = source.terms

    def percent(bp: int) -> str:
        return f"{bp // 100}.{bp % 100:02d}".rstrip("0").rstrip(".")

    return SourceForm(
        code=source.code,
        name_zh=source.name_zh,
        name_en=source.name_en,
        hosts="\n".join(source.hosts),
        adapter=source.adapter,
        currency=terms.currency,
        item_params=", ".join(terms.item_params),
        sub_id_parameter=terms.sub_id_parameter,
        commission="" if terms.commission_bp is None else percent(terms.commission_bp),
        alliance_fee=percent(terms.alliance_fee_bp),
        refunds=percent(terms.refund_bp),
        feed_url=terms.feed_url,
        asks_before_leaving=source.asks_before_leaving,
        when_denied=source.when_denied,
    )


@get(LIST, **ROUTE)
async def source_list(request: AnyRequest, conn: Conn, now: Now) -> Response[str]:
    return form_page(request, "operator/sources.html", rows=await sources_at(conn, at=now))


@get(LIST + "/new", **ROUTE)
async def new_source(request: AnyRequest) -> Response[str]:
    return _form(request, SourceForm(currency=settings().currency))


def _form(
    request: AnyRequest, typed: SourceForm, *, refusal: Refusal | None = None
) -> Response[str]:
    names = {"commission_bp": "commission", "alliance_fee_bp": "alliance_fee"}
    if refusal is not None:
        refusal.field = (names | {"refund_bp": "refunds"}).get(refusal.field or "", refusal.field)
    return form_page(
        request,
        "operator/source.html",
        refusal=refusal,
        source=None,
        typed=typed,
        adapters=sorted(ADAPTERS),
    )


@post(LIST, status_code=200, **ROUTE)
async def make_source(
    data: FormData[SourceForm], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    try:
        draft = draft_of(data, None)
        async with conn.begin_nested():
            await add_source(conn, draft=draft, at=now)
    except Refusal as refusal:
        return _form(request, data, refusal=refusal)
    await _note(request, conn, who, now, "added", draft.code)
    return go(f"{LIST}/{draft.code}")


async def _known(conn: AsyncConnection, code: str, now: datetime) -> Source:
    found = await source_at(conn, code=code, at=now)
    if found is None:
        raise NotFound
    return found


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    code: str,
    now: datetime,
    *,
    typed: SourceForm | None = None,
    planned: StateForm | None = None,
    refusal: Refusal | None = None,
) -> Response[str]:
    source = await _known(conn, code, now)
    names = {"commission_bp": "commission", "alliance_fee_bp": "alliance_fee"}
    if refusal is not None:
        refusal.field = (names | {"refund_bp": "refunds"}).get(refusal.field or "", refusal.field)
    return form_page(
        request,
        "operator/source.html",
        refusal=refusal,
        source=source,
        typed=typed or typed_of(source),
        planned=planned,
        states=list(reversed(await states_of(conn, source=code))),
        adapters=sorted(ADAPTERS),
        now_text=local_text(now),
    )


@get(ONE, **ROUTE)
async def source_page(
    code: FromPath[str], request: AnyRequest, conn: Conn, now: Now
) -> Response[str]:
    return await _page(request, conn, code, now)


@post(ONE, status_code=200, **ROUTE)
async def save_source(
    code: FromPath[str],
    data: FormData[SourceForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    try:
        draft = draft_of(data, await _known(conn, code, now))
        async with conn.begin_nested():
            await change_source(conn, draft=draft, at=now)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(request, conn, code, now, typed=data, refusal=refusal)
    await _note(request, conn, who, now, "changed", code)
    return go(f"{LIST}/{code}")


@post(ONE + "/states", status_code=200, **ROUTE)
async def plan_state(
    code: FromPath[str],
    data: FormData[StateForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Response[str]:
    """From an instant on, or from now when none is typed."""
    try:
        starts = instant_from(data.starts, field="starts", default=now)
        async with conn.begin_nested():
            await set_source_state(
                conn,
                source=code,
                state=data.state,
                starts=starts,
                reason_zh=data.reason_zh,
                reason_en=data.reason_en,
                at=now,
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(request, conn, code, now, planned=data, refusal=refusal)
    facts = {"state": data.state.value, "starts": starts.isoformat()}
    await _note(request, conn, who, now, "state_set", code, facts)
    return go(f"{LIST}/{code}#states")


async def _note(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    now: datetime,
    act: str,
    code: str,
    facts: dict[str, str] | None = None,
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=f"links.source_{act}",
        owner_id=None,
        subject=f"{code} {source_subject(code)}",
        facts=facts or {},
        request_id=request_id(request),
    )


HANDLERS: list[HTTPRouteHandler] = [
    source_list,
    new_source,
    make_source,
    source_page,
    save_source,
    plan_state,
]
