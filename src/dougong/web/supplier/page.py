"""A supplier's own page: what to send to buyers, tracking numbers, statements. No account: the
address is the secret, and can be made void at any time."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.ids import OrderId, StoreId
from dougong.catalog.queries import store_of
from dougong.flows.dropship import accept_from_supplier, refuse_from_supplier, ship_from_supplier
from dougong.infra.limits import spend
from dougong.reads.dropship import dropship_rows, statement_rows
from dougong.supply.supplier_commands import supplier_by_token
from dougong.web.account.common import caller_of
from dougong.web.deps import Conn, Now
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import problem_words, see
from dougong.web.merchant.dropship import statement_csv, statement_parts
from dougong.web.merchant.shipping import CARRIERS
from dougong.web.render import Page, page

OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
OWN = "/supplier/{token:str}"
LINE = OWN + "/orders/{order_id:uuid}/{line_no:int}"
MOST_LINES = 200
MOST_A_MINUTE = 120
AnyRequest = Request[Any, Any, Any]


class ShipForm(Form, kw_only=True):
    carrier: str
    tracking_no: str


class AcceptForm(Form):
    """A button."""


class RefuseForm(Form, kw_only=True):
    reason: str = ""


async def _supplier(request: AnyRequest, conn: AsyncConnection, token: str) -> Any:
    """Raises NotFound, TooMany: nobody shall try addresses."""
    await spend(f"supplier:{caller_of(request).address}", most=MOST_A_MINUTE, window_s=60)
    return await supplier_by_token(conn, token=token)


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    supplier: Any,
    token: str,
    error: Refusal | None = None,
    at_line: tuple[UUID, int] | None = None,
) -> Page:
    ours = StoreId(supplier.store_id)
    named: dict[str, Any] = {"store_id": ours, "supplier_id": supplier.id}
    waiting = await dropship_rows(conn, states=["sent"], most=MOST_LINES, **named)
    made = page(
        request,
        "purchasing/own.html",
        status=error.status if error else 200,
        supplier=supplier,
        store=await store_of(conn, store_id=ours),
        own=f"/supplier/{token}",
        waiting=[row for row in waiting if row.is_wanted],
        gone=[row for row in waiting if not row.is_wanted],
        shipped=await dropship_rows(conn, states=["shipped"], most=60, **named),
        statements=await statement_rows(conn, **named),
        carriers=CARRIERS,
        problem=problem_words(error) if error else "",
        at_line=at_line,
    )
    made.headers["referrer-policy"] = "no-referrer"
    made.headers["cache-control"] = "no-store"
    return made


@get(OWN, **OPEN)
async def own_page(token: FromPath[str], request: AnyRequest, conn: Conn) -> Page:
    return await _page(request, conn, await _supplier(request, conn, token), token)


async def _acted(
    request: AnyRequest,
    conn: Conn,
    token: str,
    line: tuple[UUID, int],
    act: Callable[..., Awaitable[object]],
    **said: Any,
) -> Response[Any]:
    """The supplier does something with a line; what is refused is told at that line."""
    supplier = await _supplier(request, conn, token)
    try:
        async with conn.begin_nested():
            await act(
                conn,
                store_id=StoreId(supplier.store_id),
                supplier_id=supplier.id,
                order_id=OrderId(line[0]),
                line_no=line[1],
                **said,
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _page(request, conn, supplier, token, refusal, line)
    return see(f"/supplier/{token}")


@post(LINE + "/ship", **OPEN)
async def ship_line(
    token: FromPath[str],
    order_id: FromPath[UUID],
    line_no: FromPath[int],
    data: FormData[ShipForm],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """The parcel is on its way; the buyer sees it at once."""
    said = {"carrier": data.carrier[:60], "tracking_no": data.tracking_no[:60], "at": now}
    line = (order_id, line_no)
    return await _acted(request, conn, token, line, ship_from_supplier, **said)


@post(LINE + "/accept", **OPEN)
async def accept_line(
    token: FromPath[str],
    order_id: FromPath[UUID],
    line_no: FromPath[int],
    data: FormData[AcceptForm],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """The store reads that it will be sent."""
    return await _acted(request, conn, token, (order_id, line_no), accept_from_supplier, at=now)


@post(LINE + "/refuse", **OPEN)
async def refuse_line(
    token: FromPath[str],
    order_id: FromPath[UUID],
    line_no: FromPath[int],
    data: FormData[RefuseForm],
    request: AnyRequest,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """The store decides what becomes of it."""
    said = {"reason": data.reason, "at": now}
    return await _acted(request, conn, token, (order_id, line_no), refuse_from_supplier, **said)


@get(OWN + "/statements/{statement_id:uuid}/lines.csv", **OPEN)
async def own_statement(
    token: FromPath[str], statement_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Response[bytes]:
    supplier = await _supplier(request, conn, token)
    statement, lines = await statement_parts(
        conn,
        store_id=StoreId(supplier.store_id),
        statement_id=statement_id,
        supplier_id=supplier.id,
    )
    return statement_csv(statement, lines)


HANDLERS: list[HTTPRouteHandler] = [
    own_page,
    ship_line,
    accept_line,
    refuse_line,
    own_statement,
]
