"""API v1, a buyer's after-sales cases: what can be asked, asking it, and what comes of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody

from dougong.aftersales.rules import CaseGone, Side
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, StoreId
from dougong.base.money import Money
from dougong.flows.case_options import case_options
from dougong.flows.open_case import Wish, open_case
from dougong.infra.idempotency import once
from dougong.reads.case_desk import buyer_cases, evidence_file
from dougong.reads.shopper_orders import order_detail
from dougong.web.api.case_acts import (
    BUYER_CASE,
    MAX_BODY,
    STEPS_OF_BUYER,
    add_evidence,
    buyer_step,
    speak,
)
from dougong.web.api.case_types import (
    CaseDetail,
    CaseInput,
    CasePage,
    CaseRow,
    EvidenceInput,
    WordsInput,
    case_detail,
)
from dougong.web.api.common import After, Key, Limit, MaybeKey
from dougong.web.cases.pages import TYPES, evidence_answer
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut

ORDER = "/api/v1/orders/{store:uuid}/{order_id:uuid}"
BUYER: dict[str, Any] = {"permission": Permission.CASE_OPEN, "tags": ["cases"]}
READ: dict[str, Any] = {"permission": Permission.ORDER_READ_OWN, "tags": ["cases"]}
FILE: dict[str, Any] = {
    "responses": {200: ResponseSpec(bytes, generate_examples=False, description="The file.")},
    "files": tuple(TYPES.values()),
}


class CaseOption(msgspec.Struct):
    """Of one line: up to so many units, and at most so much money."""

    kind: str
    line_no: int
    units: int
    most: Money


class CaseRefused(msgspec.Struct):
    """`why`: not_paid, over, not_protected, not_shipped, shipped, in_case, refunded or
    not_cheaper."""

    kind: str
    line_no: int
    why: str


class FreightOption(msgspec.Struct):
    """The line of the shipping fee: asked back with goods only, for a reason that is not the
    buyer's, or before anything is shipped."""

    line_no: int
    most: Money


class CaseOptions(msgspec.Struct):
    """Each kind with each line of goods is in `items` or in `not_possible`."""

    items: list[CaseOption]
    not_possible: list[CaseRefused]
    freight: FreightOption | None


@get(ORDER + "/case-options", summary="What can be asked of an order", **READ)
async def list_options(
    store: FromPath[UUID], order_id: FromPath[UUID], who: Who, conn: Conn, now: Now
) -> CaseOptions:
    """By line of goods, and why the rest cannot be asked."""
    detail = await order_detail(conn, buyer_id=who.person_id, store_id=store, order_id=order_id)
    found = await case_options(conn, order=detail.order, at=now)
    currency, fee = detail.order.currency, found.freight
    return CaseOptions(
        [
            CaseOption(o.kind, o.line_no, o.units, Money(o.most_minor, currency))
            for o in found.possible
        ],
        [CaseRefused(o.kind, o.line_no, o.why) for o in found.not_possible],
        FreightOption(fee.line_no, Money(fee.left_minor, currency)) if fee else None,
    )


@post(ORDER + "/cases", status_code=201, summary="Open a case", **BUYER)
async def open_one(
    store: FromPath[UUID],
    order_id: FromPath[UUID],
    data: JSONBody[CaseInput],
    key: Key,
    who: Who,
    conn: Conn,
    now: Now,
) -> CaseDetail:
    """Its units and its money are frozen with it. 422 `case_too_much` for more than is left, 409
    `unit_in_case` for units of another open case, `case_too_late` when after-sales is over."""

    async def make() -> CaseDetail:
        case = await open_case(
            conn, buyer_id=who.person_id, store_id=StoreId(store), order_id=OrderId(order_id),
            wish=_wish(data), key=key, at=now,
        )  # fmt: skip
        return await case_detail(
            conn, store_id=store, case_id=case.id, side=Side.BUYER, buyer_id=who.person_id
        )

    return await once(
        conn, owner_id=who.person_id, route="POST cases", key=key,
        request=(store, order_id, data), answer=CaseDetail, at=now, make=make,
    )  # fmt: skip


def _wish(data: CaseInput) -> Wish:
    """Raises BadInput when a line is named twice, or has no amount where another has."""
    lines = {line.line_no: line.quantity for line in data.lines}
    if len(lines) < len(data.lines):
        raise BadInput(field="lines", reason="duplicate_id")
    amounts = {line.line_no: line.amount_minor for line in data.lines if line.amount_minor}
    return Wish(
        kind=data.kind, reason=data.reason, body=data.body, lines=lines, amounts=amounts or None
    )


@get("/api/v1/cases", summary="My cases", **READ)
async def list_mine(
    who: Who,
    conn: Conn,
    order_id: FromQuery[UUID | None] = None,
    after: After = "",
    limit: Limit = 50,
) -> CasePage:
    """The newest first; of one order, or of all."""
    start = cursor_values(after, tuple[datetime, UUID])
    found = await buyer_cases(
        conn, buyer_id=who.person_id, order_id=order_id, before=start, most=limit + 1
    )
    rows, following = cut(found, lambda row: (row.opened_at, row.id), limit)
    return CasePage([CaseRow.of(row) for row in rows], following or None)


@get(BUYER_CASE, summary="One of my cases", **READ)
async def read_mine(
    store: FromPath[UUID], case_id: FromPath[UUID], who: Who, conn: Conn
) -> CaseDetail:
    """With its lines, course, messages, evidence and rulings."""
    return await case_detail(
        conn, store_id=store, case_id=case_id, side=Side.BUYER, buyer_id=who.person_id
    )


@post(BUYER_CASE + "/messages", status_code=201, summary="Say something in a case", **BUYER)
async def say_in(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: JSONBody[WordsInput],
    conn: Conn,
    who: Who,
    now: Now,
    key: MaybeKey = None,
) -> CaseDetail:
    """While it is open; the store and the platform read it."""
    return await speak(Side.BUYER, store, case_id, data, conn, who, now, key)


@post(
    BUYER_CASE + "/evidence",
    status_code=201,
    summary="Show a file as evidence",
    request_max_body_size=MAX_BODY,
    **BUYER,
)
async def show_in(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: JSONBody[EvidenceInput],
    who: Who,
    key: MaybeKey = None,
) -> CaseDetail:
    """Read apart with bounded memory and time, and encoded anew. 422 `bad_case` for what is no
    picture, film or PDF, is too big, or does something by itself."""
    return await add_evidence(Side.BUYER, store, case_id, data, who, key)


@get(BUYER_CASE + "/evidence/{evidence_id:uuid}/{name:str}", summary="A file", **FILE, **READ)
async def read_file(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    evidence_id: FromPath[UUID],
    name: FromPath[str],
    conn: Conn,
    who: Who,
) -> Response[bytes]:
    """`name`: `picture.webp`, `file.pdf`; of a film `poster.jpg`, `index.m3u8` and its parts. For
    the buyer, the store that is asked, and the platform."""
    row = await evidence_file(
        conn, store_id=StoreId(store), case_id=case_id, evidence_id=evidence_id
    )
    may = who.may(Permission.CASE_MANAGE, store) or who.may(Permission.CASE_RULE)
    if row.buyer_id != who.person_id and not may:
        raise CaseGone(field="case_id")
    return evidence_answer(row, name)


HANDLERS: list[HTTPRouteHandler] = [
    list_options, open_one, list_mine, read_mine, say_in, show_in, read_file,
    *(buyer_step(name) for name in STEPS_OF_BUYER),
]  # fmt: skip
