"""API v1: lines that suppliers send to buyers, and the statements of what they sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, StoreId
from dougong.flows.dropship import decide_line
from dougong.flows.owe_suppliers import settle_dropship
from dougong.reads.dropship import dropship_rows, statement_rows
from dougong.supply.purchase_rules import DropshipState
from dougong.web.api.common import STORE, After, Key, Limit, MaybeKey
from dougong.web.api.deeds import Deed, StoreDeed
from dougong.web.api.dropship_types import (
    DropshipLine,
    DropshipPage,
    DropshipStatement,
    DropshipStatementPage,
    HandOver,
    StatementDetail,
    StatementInput,
    TakeBack,
)
from dougong.web.api.purchases import FILE
from dougong.web.api.receipts import OfSupplier
from dougong.web.deps import Conn
from dougong.web.merchant.dropship import statement_csv, statement_parts, statement_pdf
from dougong.web.paging import cursor_values, cut

ROUTE: dict[str, Any] = {"permission": Permission.PURCHASE_MANAGE, "tags": ["purchasing"]}
LINES = STORE + "/dropship-lines"
STATEMENTS = STORE + "/dropship-statements"
STATEMENT = STATEMENTS + "/{statement_id:uuid}"


@get(LINES, summary="What suppliers send to buyers", **ROUTE)
async def list_dropship(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[DropshipState | None] = None,
    supplier_id: OfSupplier = None,
    after: After = "",
    limit: Limit = 50,
) -> DropshipPage:
    """The newest first. `show`: only of this state."""
    found = await dropship_rows(
        conn,
        store_id=StoreId(store_id),
        supplier_id=supplier_id,
        states=[show] if show else None,
        before=cursor_values(after, tuple[datetime, UUID, int]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.made_at, row.order_id, row.line_no), limit)
    return DropshipPage([DropshipLine.of(row) for row in rows], following or None)


async def _line(
    conn: AsyncConnection, store_id: StoreId, order_id: UUID, line_no: int
) -> DropshipLine:
    """Raises NotFound."""
    for row in await dropship_rows(
        conn, store_id=store_id, order_id=order_id, line_no=line_no, most=1
    ):
        return DropshipLine.of(row)
    raise NotFound


async def _decide(
    deed: StoreDeed, key: str | None, state: DropshipState, data: HandOver | TakeBack
) -> DropshipLine:
    async def make() -> DropshipLine:
        await decide_line(
            deed.conn,
            order_id=OrderId(data.order_id),
            line_no=data.line_no,
            state=state,
            cost_minor=data.cost_minor if isinstance(data, HandOver) else None,
            supplier_id=data.supplier_id if isinstance(data, HandOver) else None,
            **deed.named(),
        )
        await deed.note(f"supply.dropship_{state}", data.order_id, line_no=data.line_no)
        return await _line(deed.conn, deed.store_id, data.order_id, data.line_no)

    return await deed.once(f"dropship.{state}", key, data, DropshipLine, make)


@post(LINES + "/send", status_code=200, summary="Hand a line to its supplier", **ROUTE)
async def hand_over(data: JSONBody[HandOver], deed: Deed, key: MaybeKey = None) -> DropshipLine:
    """One that waits for its cost, or that was refused: to the same or another that sells it. 409
    `wrong_purchase_state` otherwise, `line_in_hand` while it is picked or packed here."""
    return await _decide(deed, key, DropshipState.SENT, data)


@post(LINES + "/take-back", status_code=200, summary="Take a line back", **ROUTE)
async def take_back(data: JSONBody[TakeBack], deed: Deed, key: MaybeKey = None) -> DropshipLine:
    """The store sends it itself. 409 `wrong_purchase_state` when it was sent already."""
    return await _decide(deed, key, DropshipState.CANCELLED, data)


@get(STATEMENTS, summary="Statements of suppliers", **ROUTE)
async def list_statements(
    store_id: FromPath[UUID],
    conn: Conn,
    supplier_id: OfSupplier = None,
    after: After = "",
    limit: Limit = 50,
) -> DropshipStatementPage:
    """The newest first."""
    found = await statement_rows(
        conn,
        store_id=StoreId(store_id),
        supplier_id=supplier_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.at, row.id), limit)
    return DropshipStatementPage([DropshipStatement.of(row) for row in rows], following or None)


async def _statement(
    conn: AsyncConnection, store_id: StoreId, statement_id: UUID
) -> StatementDetail:
    """Raises NotFound."""
    one, lines = await statement_parts(conn, store_id=store_id, statement_id=statement_id)
    return StatementDetail(DropshipStatement.of(one), [DropshipLine.of(row) for row in lines])


@get(STATEMENT, summary="One statement with its lines", **ROUTE)
async def read_statement(
    store_id: FromPath[UUID], statement_id: FromPath[UUID], conn: Conn
) -> StatementDetail:
    return await _statement(conn, StoreId(store_id), statement_id)


@post(STATEMENTS, status_code=201, summary="State what a supplier sent", **ROUTE)
async def new_statement(data: JSONBody[StatementInput], key: Key, deed: Deed) -> StatementDetail:
    """Until now, and on no statement yet; it is owed from now on. 409 `nothing_to_state`."""

    async def make() -> StatementDetail:
        named = deed.named(by_id=deed.by_id)
        made = await settle_dropship(
            deed.conn, supplier_id=data.supplier_id, until=deed.at, **named
        )
        facts = {"amount_minor": made.total_minor, "currency": made.currency}
        await deed.note("supply.dropship_stated", made.number, **facts)
        return await _statement(deed.conn, deed.store_id, made.id)

    return await deed.once("POST dropship-statements", key, data, StatementDetail, make)


@get(STATEMENT + "/lines.csv", summary="A statement as CSV", responses=FILE, **ROUTE)
async def statement_file(
    store_id: FromPath[UUID], statement_id: FromPath[UUID], conn: Conn
) -> Response[bytes]:
    found = await statement_parts(conn, store_id=StoreId(store_id), statement_id=statement_id)
    return statement_csv(*found)


@get(STATEMENT + "/statement.pdf", summary="A statement as PDF", responses=FILE, **ROUTE)
async def statement_document(
    store_id: FromPath[UUID], statement_id: FromPath[UUID]
) -> Response[bytes]:
    """In the language that is asked for."""
    return await statement_pdf(store_id=StoreId(store_id), statement_id=statement_id)


HANDLERS: list[HTTPRouteHandler] = [
    list_dropship,
    hand_over,
    take_back,
    list_statements,
    read_statement,
    new_statement,
    statement_file,
    statement_document,
]
