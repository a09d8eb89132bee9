"""Waiting for stock: lines of paid orders that no warehouse has set aside yet, and why."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, StoreId
from dougong.flows.allocate_order import allocate_order
from dougong.flows.serve_waiting import serve_waiting
from dougong.reads.waiting_allocations import waiting_lines
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.i18n import gettext
from dougong.web.merchant.common import STORE, merchant_page, see, store_url
from dougong.web.merchant.purchasing import local_day
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}
HERE = STORE + "/fulfilment/waiting"


class AgainForm(Form, kw_only=True):
    """`order`: one of them; none for all."""

    order: str = ""


def reasons(line: Any) -> list[str]:
    """Why units of a line lie nowhere for it, in words; what may end that comes last."""
    told = []
    if line.ready:
        told.append(gettext("{n} free now").format(n=line.ready))
    elif line.elsewhere:
        told.append(gettext("{n} lie in a warehouse that does not ship").format(n=line.elsewhere))
    else:
        told.append(gettext("None is free"))
    if line.transit:
        told.append(gettext("{n} on the way between warehouses").format(n=line.transit))
    if line.inspecting:
        told.append(gettext("{n} in inspection").format(n=line.inspecting))
    return told


@get(HERE, **WORK)
async def waiting_page(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    after: FromQuery[str] = "",
) -> Page:
    found = await waiting_lines(
        conn,
        store_id=StoreId(store_id),
        after=cursor_values(after, tuple[datetime, UUID, int]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(found, lambda row: (row.paid_at, row.order_id, row.line_no))
    return await merchant_page(
        request,
        conn,
        "merchant/waiting.html",
        store_id=store_id,
        rows=rows,
        reasons=reasons,
        today=local_day(now),
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@post(HERE, **WORK)
async def try_again(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[AgainForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """Ask the warehouses again: for one order at once, for all of them in a job."""
    ours = StoreId(store_id)
    if data.order:
        try:
            order_id = OrderId(UUID(data.order))
        except ValueError as error:
            raise BadInput(field="order", reason="unknown_value") from error
        await allocate_order(conn, store_id=ours, order_id=order_id, at=now)
    else:
        await serve_waiting(conn, store_id=ours)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="supply.waiting_served",
        owner_id=store_id,
        subject=data.order or "all",
        request_id=request_id(request),
    )
    return see(store_url(store_id, "fulfilment/waiting"))


HANDLERS: list[HTTPRouteHandler] = [waiting_page, try_again]
