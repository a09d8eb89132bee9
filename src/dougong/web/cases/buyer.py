"""A buyer's cases: opened in three taps, followed on a page of their own."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.aftersales.queries import case_of
from dougong.aftersales.rules import REASONS, BadCase, CaseGone, CaseKind, Side
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import OrderId, StoreId, new_id
from dougong.flows.answer_case import Act
from dougong.flows.case_options import CaseOptions, Possible, case_options
from dougong.flows.open_case import Wish, open_case
from dougong.flows.talk_in_case import say
from dougong.reads.case_desk import buyer_cases, evidence_file
from dougong.reads.shopper_orders import order_detail
from dougong.web.cases.pages import (
    ActForm,
    Answer,
    AnyRequest,
    SayForm,
    Seat,
    case_page,
    do_act,
    evidence_answer,
    on_case,
    take_evidence,
)
from dougong.web.cases.words import KINDS, REASONS_OF, case_words
from dougong.web.cases.words import REASONS as REASON_WORDS
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.merchant.common import amount, many, see, whole
from dougong.web.refusals import message_for
from dougong.web.render import Page, page

CASE = "/cases/{store:uuid}/{case_id:uuid}"
ORDER = "/orders/{store:uuid}/{order_id:uuid}"
READ: dict[str, Any] = {"permission": Permission.ORDER_READ_OWN, "include_in_schema": False}
# Kinds of case that can bring the shipping fee back with the goods.
WITH_FREIGHT = ("refund_unshipped", "refund_only", "return_refund")
ACT: dict[str, Any] = {
    "permission": Permission.CASE_OPEN,
    "include_in_schema": False,
    "status_code": 303,
}


class OpenForm(Form):
    """The units by line, and why; `amount` asks for less than they cost, of one line only;
    `freight`: the line of the shipping fee, where it is asked back too."""

    kind: str
    reason: str = ""
    body: str = ""
    key: str = ""
    line_no: str | list[str] = ""
    quantity: str | list[str] = ""
    amount: str = ""
    freight: str = ""


def seat_of(who: Who, store_id: UUID, case_id: UUID) -> Seat:
    base = f"/cases/{store_id}/{case_id}"
    return Seat(Side.BUYER, "layouts/shopper.html", base, "/cases", who.person_id)


@get("/cases", **READ)
async def cases_page(request: AnyRequest, conn: Conn, who: Who) -> Page:
    rows = await buyer_cases(conn, buyer_id=who.person_id)
    return page(request, "cases/list.html", rows=rows, **case_words())


class KindOffered(NamedTuple):
    """A kind that can be asked for at least one line: what it can bring, and by line number."""

    code: str
    most_minor: int
    lines: dict[int, Possible]


async def _opening(
    request: AnyRequest, conn: Conn, who: Who, store: UUID, order_id: UUID, kind: str, now: Now,
    *, refusal: Refusal | None = None, asked: OpenForm | None = None,
) -> Page:  # fmt: skip
    """`asked`: what was sent and refused, to be mended."""
    detail = await order_detail(conn, buyer_id=who.person_id, store_id=store, order_id=order_id)
    options = await case_options(conn, order=detail.order, at=now)
    offered = _offered(options)
    chosen = offered.get(kind)
    reasons = REASONS_OF.get(kind, REASONS)
    before = await buyer_cases(conn, buyer_id=who.person_id, order_id=order_id)
    return page(
        request,
        "cases/open.html",
        status=refusal.status if refusal else 200,
        order=detail.order,
        goods=[line for line in detail.lines if line.kind == "goods"],
        offered=list(offered.values()),
        refused=_refused(options, offered),
        why_by_line={o.line_no: o.why for o in options.not_possible if o.kind == kind},
        freight=options.freight if kind in WITH_FREIGHT else None,
        open_before=[row for row in before if row.closed_at is None],
        reasons=[(r, gettext(REASON_WORDS[r])) for r in reasons],
        chosen=chosen,
        asked=asked,
        units_asked=_units_shown(asked),
        key=new_id().hex,
        bad_words=message_for(refusal.code, refusal.facts) if refusal else "",
        bad_field=refusal.field if refusal else "",
        **case_words(),
    )


def _units_shown(asked: OpenForm | None) -> dict[int, int]:
    """Those that were sent, as far as they can be read."""
    with suppress(BadInput):
        return _units(asked) if asked else {}
    return {}


def _offered(options: CaseOptions) -> dict[str, KindOffered]:
    found: dict[str, KindOffered] = {}
    for one in options.possible:
        before = found.get(one.kind.value, KindOffered(one.kind.value, 0, {}))
        found[one.kind.value] = KindOffered(
            one.kind.value, before.most_minor + one.most_minor, before.lines | {one.line_no: one}
        )
    return {code: found[code] for code in KINDS if code in found}


def _refused(
    options: CaseOptions, offered: Mapping[str, Any]
) -> list[tuple[tuple[str, ...], list[str]]]:
    """Kinds that cannot be asked for any line, with why: those of the same reasons together."""
    whys: dict[str, list[str]] = {}
    for one in options.not_possible:
        said = whys.setdefault(one.kind.value, [])
        if one.why not in said:
            said.append(one.why)
    found: dict[tuple[str, ...], list[str]] = {}
    for code in KINDS:
        if code in whys and code not in offered:
            found.setdefault(tuple(whys[code]), []).append(code)
    return list(found.items())


@get(ORDER + "/case", **READ)
async def open_page(
    store: FromPath[UUID],
    order_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
    kind: FromQuery[str] = "",
) -> Page:
    """First what is wanted, of what can be had; then of what and why."""
    return await _opening(request, conn, who, store, order_id, kind, now)


@post(ORDER + "/case", **ACT)
async def open_one(
    store: FromPath[UUID],
    order_id: FromPath[UUID],
    data: FormData[OpenForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    try:
        async with conn.begin_nested():
            detail = await order_detail(
                conn, buyer_id=who.person_id, store_id=store, order_id=order_id
            )
            wish = _wish(data, detail.order.currency)
            case = await open_case(
                conn, buyer_id=who.person_id, store_id=StoreId(store),
                order_id=OrderId(order_id), wish=wish, key=data.key or new_id().hex, at=now,
            )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return await _opening(
            request, conn, who, store, order_id, data.kind, now, refusal=refusal, asked=data
        )
    return see(f"/cases/{store}/{case.id}")


def _wish(data: OpenForm, currency: str) -> Wish:
    """Raises BadCase, BadInput."""
    if data.kind not in KINDS:
        raise BadCase(field="kind", reason="unknown")
    lines = _units(data)
    if not lines:
        raise BadCase(field="lines", reason="empty")
    asked = amount(data.amount, currency, field="amount", required=False)
    freight = whole(data.freight, field="lines") if data.freight else None
    if freight:
        lines[freight] = 1
    if asked is not None and len(lines) != 1:
        raise BadCase(field="amount", reason="one_line_only")
    amounts = {next(iter(lines)): asked} if asked is not None else None
    return Wish(
        kind=CaseKind(data.kind), reason=data.reason, body=data.body, lines=lines, amounts=amounts
    )


def _units(data: OpenForm) -> dict[int, int]:
    """Line number to units, those above none. Raises BadInput."""
    asked = zip(many(data.line_no), many(data.quantity), strict=False)
    found = ((whole(n, field="lines"), whole(units, field="lines")) for n, units in asked)
    return {n: units for n, units in found if n and units}


@get(CASE, **READ)
async def one_page(
    store: FromPath[UUID], case_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who
) -> Page:
    return await case_page(request, conn, seat_of(who, store, case_id), StoreId(store), case_id)


@post(CASE + "/act", **ACT)
async def act_on(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[ActForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    seat, store_id = seat_of(who, store, case_id), StoreId(store)
    act = Act(
        store_id=store_id, case_id=case_id, person_id=who.person_id, at=now,
        buyer_id=who.person_id,
    )  # fmt: skip
    case = await case_of(conn, store_id=store_id, case_id=case_id)
    return await on_case(
        request, conn, seat, store_id, case_id,
        lambda: do_act(conn, act, Side.BUYER, data, case.currency),
    )  # fmt: skip


@post(CASE + "/say", **ACT)
async def say_in(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[SayForm],
    request: AnyRequest,
    conn: Conn,
    who: Who,
    now: Now,
) -> Answer:
    seat, store_id = seat_of(who, store, case_id), StoreId(store)
    act = Act(
        store_id=store_id, case_id=case_id, person_id=who.person_id, at=now,
        buyer_id=who.person_id,
    )  # fmt: skip
    return await on_case(
        request, conn, seat, store_id, case_id,
        lambda: say(conn, act, side=Side.BUYER, body=data.body),
    )  # fmt: skip


@post(CASE + "/evidence", **ACT)
async def show_in(
    store: FromPath[UUID], case_id: FromPath[UUID], request: AnyRequest, who: Who
) -> Answer:
    seat = seat_of(who, store, case_id)
    return await take_evidence(request, seat, who, StoreId(store), case_id)


@get(CASE + "/evidence/{evidence_id:uuid}/{name:str}", **READ)
async def evidence(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    evidence_id: FromPath[UUID],
    name: FromPath[str],
    conn: Conn,
    who: Who,
) -> Response[bytes]:
    """For the buyer, the store that is asked, and the operator."""
    row = await evidence_file(
        conn, store_id=StoreId(store), case_id=case_id, evidence_id=evidence_id
    )
    may = who.may(Permission.CASE_MANAGE, store) or who.may(Permission.CASE_RULE)
    if row.buyer_id != who.person_id and not may:
        raise CaseGone(field="case_id")
    return evidence_answer(row, name)


HANDLERS: list[HTTPRouteHandler] = [
    cases_page, open_page, open_one, one_page, act_on, say_in, show_in, evidence,
]  # fmt: skip
