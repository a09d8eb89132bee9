"""Batches that expire soon: how long each may still be sold, and out of the sale with it."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.base.ids import StoreId
from dougong.flows.expire_batches import take_off_sale
from dougong.reads.expiring import SOON_DAYS, expiring_rows
from dougong.web.deps import Conn, Now, Who
from dougong.web.merchant.common import STORE, merchant_page, problem_words, see, store_url
from dougong.web.merchant.purchasing import local_day
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, first_url, next_url
from dougong.web.render import Page

MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}


async def _page(
    request: Request[Any, Any, Any],
    conn: Conn,
    store_id: UUID,
    now: Now,
    *,
    after: str = "",
    done: int = 0,
    error: Refusal | None = None,
) -> Page:
    today = local_day(now)
    rows = await expiring_rows(
        conn,
        store_id=StoreId(store_id),
        until=today + timedelta(days=SOON_DAYS),
        at=now,
        after=cursor_values(after, tuple[date, UUID]),
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.sold_until, row.id))
    return await merchant_page(
        request,
        conn,
        "merchant/expiring.html",
        store_id=store_id,
        status=error.status if error else 200,
        rows=rows,
        today=today,
        soon_days=SOON_DAYS,
        done=done,
        bad_words=problem_words(error) if error else "",
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@get(STORE + "/expiring", **MANAGE)
async def expiring_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    now: Now,
    after: FromQuery[str] = "",
    done: FromQuery[int] = 0,
) -> Page:
    return await _page(request, conn, store_id, now, after=after, done=done)


@post(STORE + "/expiring/{batch_id:uuid}", **MANAGE)
async def to_damaged(
    store_id: FromPath[UUID],
    batch_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What of a batch no order was promised is not for sale any more."""
    try:
        async with conn.begin_nested():
            done = await take_off_sale(
                conn, store_id=StoreId(store_id), batch_id=batch_id, by_id=who.person_id, at=now
            )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _page(request, conn, store_id, now, error=refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="supply.batch_withdrawn",
        owner_id=store_id,
        subject=str(batch_id),
        facts={"units": done.units},
    )
    return see(store_url(store_id, f"expiring?done={done.units}"))


HANDLERS: list[HTTPRouteHandler] = [expiring_list, to_damaged]
