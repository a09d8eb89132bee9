"""What suppliers send to buyers: where it stands, back and forth, and the statements of it."""

import asyncio
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import OrderId, StoreId
from dougong.catalog.queries import store_of
from dougong.flows.dropship import decide_line
from dougong.flows.owe_suppliers import settle_dropship
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.pdf import Document
from dougong.reads.dropship import dropship_rows, statement_rows, unstated
from dougong.supply.purchase_rules import DropshipState
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext, locale_of_request, pick
from dougong.web.merchant.common import (
    STORE,
    amount,
    merchant_page,
    problem_words,
    see,
    store_url,
)
from dougong.web.options import option_text
from dougong.web.paging import (
    MOST_CSV_ROWS,
    PAGE_ROWS,
    csv_answer,
    cursor_values,
    cut,
    file_answer,
    first_url,
    next_url,
)
from dougong.web.render import Page, money, when

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "include_in_schema": False}
DESK = STORE + "/purchasing/dropship"
AnyRequest = Request[Any, Any, Any]
STATEMENT = DESK + "/statements/{statement_id:uuid}"
SHOWN: dict[str, list[str] | None] = {
    "open": None,
    "shipped": ["shipped"],
    "all": None,
}
STATEMENT_COLUMNS = ("order", "line_no", "sku", "quantity", "cost_minor", "amount_minor",
                     "currency", "shipped_at", "carrier", "tracking_no")  # fmt: skip


class LineForm(Form, kw_only=True):
    order_id: UUID
    line_no: int
    act: Literal["sent", "cancelled"]
    supplier_id: UUID | None = None
    cost: str = ""


class StateForm(Form, kw_only=True):
    supplier_id: UUID


@get(DESK, **ROUTE)
async def desk(
    store_id: FromPath[UUID],
    request: AnyRequest,
    conn: Conn,
    show: FromQuery[str] = "open",
    after: FromQuery[str] = "",
) -> Page:
    if show not in SHOWN:
        raise BadInput(field="show", reason="unknown_value")
    return await _desk(request, conn, store_id, show=show, after=after)


async def _desk(
    request: AnyRequest,
    conn: AsyncConnection,
    store_id: UUID,
    *,
    show: str = "open",
    after: str = "",
    error: Refusal | None = None,
) -> Page:
    ours = StoreId(store_id)
    rows = await dropship_rows(
        conn,
        store_id=ours,
        states=SHOWN[show],
        only_open=show == "open",
        before=cursor_values(after, tuple[datetime, UUID, int]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.made_at, row.order_id, row.line_no))
    return await merchant_page(
        request,
        conn,
        "purchasing/dropship.html",
        store_id=store_id,
        status=error.status if error else 200,
        problem=problem_words(error) if error else "",
        rows=rows,
        show=show,
        statements=await statement_rows(conn, store_id=ours),
        unstated=await unstated(conn, store_id=ours),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@post(DESK, **ROUTE)
async def decide(
    store_id: FromPath[UUID],
    request: AnyRequest,
    data: FormData[LineForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Hand a line to a supplier, or take it back into the store's own hands."""
    store = await store_of(conn, store_id=StoreId(store_id))
    try:
        async with conn.begin_nested():
            await decide_line(
                conn,
                store_id=StoreId(store_id),
                order_id=OrderId(data.order_id),
                line_no=data.line_no,
                state=DropshipState(data.act),
                cost_minor=amount(data.cost, store.currency, field="cost", required=False),
                supplier_id=data.supplier_id,
                at=now,
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _desk(request, conn, store_id, error=refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action=f"supply.dropship_{data.act}",
        owner_id=store_id, subject=str(data.order_id), facts={"line_no": data.line_no},
    )  # fmt: skip
    return see(store_url(store_id, "purchasing/dropship"))


@post(DESK + "/statements", **ROUTE)
async def settle(
    store_id: FromPath[UUID], data: FormData[StateForm], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    """State what a supplier has sent until now, and owe it."""
    made = await settle_dropship(
        conn,
        store_id=StoreId(store_id),
        supplier_id=data.supplier_id,
        until=now,
        by_id=who.person_id,
        at=now,
    )
    await audit(
        conn, at=now, person_id=who.person_id, action="supply.dropship_stated",
        owner_id=store_id, subject=made.number,
        facts={"amount_minor": made.total_minor, "currency": made.currency},
    )  # fmt: skip
    return see(store_url(store_id, "purchasing/dropship?show=shipped"))


async def statement_parts(
    conn: Any, *, store_id: StoreId, statement_id: UUID, supplier_id: UUID | None = None
) -> tuple[Any, list[Any]]:
    """A statement and its lines. Raises NotFound, also for another supplier's."""
    found = await statement_rows(
        conn, store_id=store_id, supplier_id=supplier_id, statement_id=statement_id, most=1
    )
    if not found:
        raise NotFound
    lines = await dropship_rows(
        conn, store_id=store_id, statement_id=statement_id, most=MOST_CSV_ROWS
    )
    return found[0], list(lines)


def statement_csv(statement: Any, lines: list[Any]) -> Response[bytes]:
    rows = [
        (row.number, row.line_no, row.code, row.quantity, row.cost_minor,
         row.cost_minor * row.quantity, statement.currency, row.answered_at.isoformat(),
         row.carrier, row.tracking_no)
        for row in lines
    ]  # fmt: skip
    return csv_answer(f"{statement.number}.csv", STATEMENT_COLUMNS, rows)


@get(STATEMENT + "/lines.csv", **ROUTE)
async def statement_file(
    store_id: FromPath[UUID], statement_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    found = await statement_parts(conn, store_id=StoreId(store_id), statement_id=statement_id)
    return statement_csv(*found)


@get(STATEMENT + "/statement.pdf", **ROUTE)
async def statement_document(
    store_id: FromPath[UUID], statement_id: FromPath[UUID]
) -> Response[bytes]:
    return await statement_pdf(store_id=StoreId(store_id), statement_id=statement_id)


async def statement_pdf(*, store_id: StoreId, statement_id: UUID) -> Response[bytes]:
    """Drawn without a transaction: fonts take their time. Raises NotFound."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        statement, lines = await statement_parts(conn, store_id=store_id, statement_id=statement_id)
    data = await asyncio.to_thread(document, statement, lines, at, locale_of_request.get())
    return file_answer(data, f"{statement.number}.pdf", "application/pdf")


def document(statement: Any, lines: list[Any], at: datetime, locale: str) -> bytes:
    """In the language of `locale`. Runs in a thread: contexts are copied there."""
    locale_of_request.set(locale)
    made = Document(
        title=f"{gettext('Statement')} {statement.number}",
        subtitle=f"{statement.supplier_name} · {when(statement.starts_at, 'date')} – "
        f"{when(statement.ends_at, 'date')}",
        made_at=at,
        language="zh-CN" if locale == "zh" else "en",
    )
    made.figures(
        [
            (gettext("Lines"), str(statement.lines)),
            (gettext("Total"), money(statement.total_minor, statement.currency)),
        ]
    )
    made.heading(gettext("Sent to buyers"))
    made.rows(
        [gettext("Product"), gettext("Order"), gettext("Units"), gettext("Amount")],
        [
            [
                " ".join(filter(None, (row.code, pick(row, "title"), option_text(row.options)))),
                row.number,
                str(row.quantity),
                money(row.cost_minor * row.quantity, statement.currency),
            ]
            for row in lines
        ],
        widths=(50, 22, 10, 18),
    )
    return made.file()


HANDLERS: list[HTTPRouteHandler] = [
    desk,
    decide,
    settle,
    statement_file,
    statement_document,
]
