"""API v1: a store's service desk, its addresses and templates; and the platform's rulings."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from dougong.aftersales.queries import case_of
from dougong.aftersales.rules import CaseState, Side
from dougong.aftersales.ruling_commands import Ruling
from dougong.aftersales.talk_commands import add_template, remove_template, set_return_address
from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows import rule_case
from dougong.reads.case_desk import (
    desk_rows,
    operator_queue,
    queue_counts,
    store_cases,
    store_queue,
)
from dougong.reads.explain_case import explain_cases
from dougong.web.api.case_acts import (
    MAX_BODY,
    STEPS_OF_STORE,
    STORE_CASE,
    act_of,
    add_evidence,
    done_once,
    speak,
    store_step,
)
from dougong.web.api.case_types import (
    CaseDetail,
    CasePage,
    CaseRow,
    EvidenceInput,
    RulingInput,
    WordsInput,
    case_detail,
)
from dougong.web.api.common import (
    STORE,
    After,
    Filled,
    Limit,
    MaybeKey,
    OneLine,
    Search,
    filled,
    plain,
)
from dougong.web.api.explain import Explanation, explanation
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.paging import cursor_values, cut

RULED = "/api/v1/arbitrations"
MERCHANT: dict[str, Any] = {"permission": Permission.CASE_MANAGE, "tags": ["service desk"]}
RULE: dict[str, Any] = {"permission": Permission.CASE_RULE, "tags": ["arbitration"]}
MOST = 200
Stage = Literal[
    "", "asked", "offered", "refused", "to_ship_back", "shipped_back", "received", "to_resend",
    "resent", "arbitration", "ruled", "appealed",
]  # fmt: skip


class CaseCounts(msgspec.Struct):
    """How many open cases wait for whom; `time`: of how many the buyer asks for more time."""

    merchant: int = 0
    buyer: int = 0
    operator: int = 0
    nobody: int = 0
    time: int = 0


class AddressInput(Input, kw_only=True):
    recipient: Annotated[Filled, Meta(min_length=1, max_length=80)]
    phone: Annotated[Filled, Meta(min_length=5, max_length=30)]
    province: Annotated[OneLine, Meta(max_length=60)] = ""
    city: Annotated[OneLine, Meta(max_length=60)] = ""
    line: Annotated[Filled, Meta(min_length=1, max_length=200)]


class ReturnAddress(msgspec.Struct):
    id: UUID
    recipient: str
    phone: str
    province: str
    city: str
    line: str
    is_default: bool


class TemplateInput(Input):
    name: Annotated[Filled, Meta(min_length=1, max_length=60)]
    body: Annotated[Filled, Meta(min_length=1, max_length=1_000)]


class Template(msgspec.Struct):
    id: UUID
    name: str
    body: str


class DeskRows(msgspec.Struct):
    templates: list[Template]
    addresses: list[ReturnAddress]


@get(STORE + "/cases", summary="Cases of a store", **MERCHANT)
async def list_cases(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[Literal["merchant", "buyer", "time", "operator", "nobody", "all"]] = "merchant",
    stage: FromQuery[Stage] = "",
    q: Search = "",
    after: After = "",
    limit: Limit = 50,
) -> CasePage:
    """Open ones by deadline, whose turn it is (`stage`: in one state only; `time`: whose buyer asks
    for more time); with `all` every one, the newest first. `q`: how the number of a case or an
    order begins."""
    asked: dict[str, Any] = {"store_id": StoreId(store_id), "words": plain(q), "most": limit + 1}
    start = cursor_values(after, tuple[datetime, UUID])
    if show == "all":
        found = await store_cases(conn, before=start, **asked)
        rows, following = cut(found, lambda row: (row.opened_at, row.id), limit)
    else:
        is_time = show == "time"
        found = await store_queue(
            conn, waiting="buyer" if is_time else show, state=stage, asks_for_time=is_time,
            after=start, **asked,
        )  # fmt: skip
        rows, following = cut(found, lambda row: (row.due_at, row.id), limit)
    return CasePage([CaseRow.of(row) for row in rows], following or None)


@get(STORE + "/case-counts", summary="How many cases wait for whom", **MERCHANT)
async def count_cases(store_id: FromPath[UUID], conn: Conn) -> CaseCounts:
    """Open ones."""
    return CaseCounts(**await queue_counts(conn, store_id=StoreId(store_id)))


@get(STORE_CASE, summary="A case with its course", **MERCHANT)
async def read_case(store_id: FromPath[UUID], case_id: FromPath[UUID], conn: Conn) -> CaseDetail:
    """What is asked, held and given, its deadline, and all that was done and said."""
    return await case_detail(conn, store_id=store_id, case_id=case_id, side=Side.MERCHANT)


@get(STORE_CASE + "/explanation", summary="Where the money of a case went", **MERCHANT)
async def explain_case(
    store_id: FromPath[UUID], case_id: FromPath[UUID], conn: Conn
) -> Explanation:
    """What waits, was refunded and was not granted, with every booking; `residual` is 0."""
    case = await case_of(conn, store_id=StoreId(store_id), case_id=case_id)
    nodes = await explain_cases(conn, store_id=store_id, order_id=case.order_id)
    return explanation(next(node for node in nodes if node.name_zh == case.number))


@post(STORE_CASE + "/messages", status_code=201, summary="Say something in a case", **MERCHANT)
async def say_in(
    store_id: FromPath[UUID],
    case_id: FromPath[UUID],
    data: JSONBody[WordsInput],
    conn: Conn,
    who: Who,
    now: Now,
    key: MaybeKey = None,
) -> CaseDetail:
    """While it is open; the buyer and the platform read it."""
    return await speak(Side.MERCHANT, store_id, case_id, data, conn, who, now, key)


@post(
    STORE_CASE + "/evidence",
    status_code=201,
    summary="Show a file as evidence",
    request_max_body_size=MAX_BODY,
    **MERCHANT,
)
async def show_in(
    store_id: FromPath[UUID],
    case_id: FromPath[UUID],
    data: JSONBody[EvidenceInput],
    who: Who,
    key: MaybeKey = None,
) -> CaseDetail:
    """As a buyer does. 422 `bad_case` for a file that is not taken."""
    return await add_evidence(Side.MERCHANT, store_id, case_id, data, who, key)


@get(STORE + "/service-desk", summary="Reply templates and return addresses", **MERCHANT)
async def read_desk(store_id: FromPath[UUID], conn: Conn) -> DeskRows:
    """Those in use; the default address first."""
    return await _desk(conn, store_id)


async def _desk(conn: Conn, store_id: UUID) -> DeskRows:
    templates, addresses = await desk_rows(conn, store_id=StoreId(store_id))
    return DeskRows(
        [filled(Template, row) for row in templates],
        [filled(ReturnAddress, row) for row in addresses],
    )


@post(STORE + "/return-addresses", status_code=201, summary="Set the return address", **MERCHANT)
async def make_address(
    store_id: FromPath[UUID], data: JSONBody[AddressInput], conn: Conn, now: Now
) -> DeskRows:
    """Buyers ship back to it from now on."""
    await set_return_address(
        conn, store_id=StoreId(store_id), recipient=data.recipient, phone=data.phone,
        province=data.province, city=data.city, line=data.line, at=now,
    )  # fmt: skip
    return await _desk(conn, store_id)


@post(STORE + "/reply-templates", status_code=201, summary="Add a reply template", **MERCHANT)
async def make_template(
    store_id: FromPath[UUID], data: JSONBody[TemplateInput], conn: Conn, now: Now
) -> Template:
    """Words to answer with."""
    template_id = await add_template(
        conn, store_id=StoreId(store_id), name=data.name, body=data.body, at=now
    )
    return Template(template_id, data.name.strip(), data.body.strip())


@delete(
    STORE + "/reply-templates/{template_id:uuid}",
    status_code=204,
    summary="Remove a reply template",
    **MERCHANT,
)
async def drop_template(
    store_id: FromPath[UUID], template_id: FromPath[UUID], conn: Conn, now: Now
) -> None:
    """What was said with it stays."""
    await remove_template(conn, store_id=StoreId(store_id), template_id=template_id, at=now)


@get(RULED, summary="Cases that wait for a ruling", **RULE)
async def list_arbitrations(conn: Conn) -> CasePage:
    """The most urgent first; 200 at most."""
    rows = await operator_queue(conn, most=MOST)
    return CasePage([CaseRow.of(row) for row in rows], None)


@get(RULED + "/{store:uuid}/{case_id:uuid}", summary="A case to be ruled", **RULE)
async def read_arbitration(
    store: FromPath[UUID], case_id: FromPath[UUID], conn: Conn
) -> CaseDetail:
    """With what both sides have said and shown."""
    return await case_detail(conn, store_id=store, case_id=case_id, side=Side.OPERATOR)


@post(
    RULED + "/{store:uuid}/{case_id:uuid}/messages",
    status_code=201,
    summary="Ask both sides",
    **RULE,
)
async def ask_sides(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: JSONBody[WordsInput],
    conn: Conn,
    who: Who,
    now: Now,
    key: MaybeKey = None,
) -> CaseDetail:
    """Before a ruling: buyer and store read it, answer and show evidence. 409 `case_closed` where
    no ruling is asked for."""
    return await speak(Side.OPERATOR, store, case_id, data, conn, who, now, key)


@post(
    RULED + "/{store:uuid}/{case_id:uuid}/rulings", status_code=201, summary="Rule a case", **RULE
)
async def rule(
    store: FromPath[UUID],
    case_id: FromPath[UUID],
    data: JSONBody[RulingInput],
    conn: Conn,
    who: Who,
    now: Now,
    key: MaybeKey = None,
) -> CaseDetail:
    """The first ruling, open to one appeal; after an appeal the last, carried out at once. 409
    `case_closed` where none is asked for."""
    act = act_of(Side.OPERATOR, store, case_id, who, now)

    async def do() -> None:
        case = await case_of(conn, store_id=StoreId(store), case_id=case_id)
        ruling = filled(Ruling, data)
        again = case.state is CaseState.APPEALED
        await (rule_case.rule_again if again else rule_case.rule)(conn, act, ruling)

    return await done_once(conn, key, Side.OPERATOR, "rule", act, data, do)


HANDLERS: list[HTTPRouteHandler] = [
    list_cases, count_cases, read_case, explain_case, say_in, show_in, read_desk, make_address,
    make_template, drop_template, list_arbitrations, read_arbitration, ask_sides, rule,
    *(store_step(name) for name in STEPS_OF_STORE),
]  # fmt: skip
