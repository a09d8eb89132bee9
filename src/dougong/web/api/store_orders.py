"""API v1, the merchant's orders: what waits, shipping it, refunding it, and the money it brings."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra.idempotency import once
from dougong.reads.merchant_money import money_now, money_rows
from dougong.reads.merchant_orders import (
    OrderFilter,
    looked_to,
    order_rows,
    order_to_work_on,
    refund_rows,
)
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import STORE, After, Key, Limit, Search, plain
from dougong.web.api.store_orders_types import (
    BookedRefund,
    MoneyPage,
    MoneyRow,
    RefundInput,
    RefundPage,
    RefundRow,
    ShipInput,
    Shipped,
    StoreMoney,
    StoreOrder,
    StoreOrderPage,
    StoreOrderRow,
    store_order,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_of, cursor_values, cut

ORDER = STORE + "/orders/{order_id:uuid}"
TAGS = ["merchant orders"]
READ: dict[str, Any] = {"permission": Permission.ORDER_READ_STORE, "tags": TAGS}
MONEY: dict[str, Any] = {"permission": Permission.MONEY_READ, "tags": ["merchant money"]}
Show = Literal["all", "to_pay", "to_ship", "shipped", "done", "closed"]


@get(STORE + "/orders", summary="Orders of a store", **READ)
async def list_orders(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[Show] = "all",
    q: Search = "",
    after: After = "",
    limit: Limit = 50,
) -> StoreOrderPage:
    """The newest first. `q`: an order number, the recipient or the phone; a search looks at some
    thousand orders a page, so a page may be empty and still have a next one."""
    ours = StoreId(store_id)
    chosen = OrderFilter("" if show == "all" else show, plain(q))
    start = cursor_values(after, tuple[datetime, UUID])
    found = await order_rows(conn, store_id=ours, chosen=chosen, before=start, most=limit + 1)
    rows, following = cut(found, lambda row: (row.placed_at, row.id), limit)
    if not following:
        behind = await looked_to(conn, found, store_id=ours, chosen=chosen, before=start)
        following = cursor_of(*behind) if behind else ""
    items = [
        StoreOrderRow(
            order_id=row.id,
            number=row.number,
            state=row.state,
            total=Money(row.total_minor, row.currency),
            refunded=Money(row.refunded_minor or 0, row.currency),
            units=row.units or 0,
            recipient=row.recipient,
            city=row.city,
            placed_at=row.placed_at,
            paid_at=row.paid_at,
        )
        for row in rows
    ]
    return StoreOrderPage(items, following or None)


async def _order(conn: AsyncConnection, store_id: UUID, order_id: UUID) -> StoreOrder:
    found = await order_to_work_on(conn, store_id=StoreId(store_id), order_id=OrderId(order_id))
    return store_order(found)


@get(ORDER, summary="One order of a store", **READ)
async def read_order(store_id: FromPath[UUID], order_id: FromPath[UUID], conn: Conn) -> StoreOrder:
    """With its lines, where to send them, packages and refunds."""
    return await _order(conn, store_id, order_id)


@post(
    ORDER + "/packages",
    summary="Ship a package",
    status_code=201,
    permission=Permission.ORDER_SHIP,
    tags=TAGS,
)
async def ship(
    store_id: FromPath[UUID],
    order_id: FromPath[UUID],
    data: JSONBody[ShipInput],
    key: Key,
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Shipped:
    """Some or all units of a paid order; what is left waits for the next package."""

    async def make() -> Shipped:
        package_id = await ship_order(
            conn,
            store_id=StoreId(store_id),
            order_id=OrderId(order_id),
            carrier=data.carrier,
            tracking_no=data.tracking_no,
            lines=_each_once([(line.line_no, line.quantity) for line in data.lines]),
            at=now,
        )
        await audit(
            conn,
            at=now,
            person_id=who.person_id,
            action="orders.shipped",
            owner_id=store_id,
            subject=str(order_id),
            facts={"package_id": str(package_id)},
            request_id=request_id(request),
        )
        return Shipped(package_id, await _order(conn, store_id, order_id))

    return await once(
        conn,
        owner_id=store_id,
        route=f"POST orders/{order_id}/packages",
        key=key,
        request=data,
        answer=Shipped,
        at=now,
        make=make,
    )


@post(
    ORDER + "/refunds",
    summary="Refund an order",
    status_code=201,
    permission=Permission.ORDER_REFUND,
    tags=TAGS,
)
async def refund(
    store_id: FromPath[UUID],
    order_id: FromPath[UUID],
    data: JSONBody[RefundInput],
    key: Key,
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> BookedRefund:
    """By line, whole or in part, before or after the order is final. Booked at once; the gateway is
    told by a job. 422 `refund_too_much` when a line has less left."""

    async def make() -> BookedRefund:
        made = await refund_lines(
            conn,
            store_id=StoreId(store_id),
            order_id=OrderId(order_id),
            amounts=_each_once([(line.line_no, line.amount_minor) for line in data.lines]),
            reason=data.reason.strip(),
            asked_by=who.person_id,
            key=key,
            at=now,
        )
        await audit(
            conn,
            at=now,
            person_id=who.person_id,
            action="orders.refunded",
            owner_id=store_id,
            subject=str(order_id),
            facts={"refund_id": str(made.id), "amount_minor": made.amount_minor},
            request_id=request_id(request),
        )
        amount = Money(made.amount_minor, made.currency)
        return BookedRefund(made.id, amount, await _order(conn, store_id, order_id))

    return await once(
        conn,
        owner_id=store_id,
        route=f"POST orders/{order_id}/refunds",
        key=key,
        request=data,
        answer=BookedRefund,
        at=now,
        make=make,
    )


def _each_once(lines: list[tuple[int, int]]) -> dict[int, int]:
    """Line number to what is asked of it. Raises BadInput when a line is named twice."""
    made = dict(lines)
    if len(made) < len(lines):
        raise BadInput(field="lines", reason="duplicate_id")
    return made


@get(STORE + "/refunds", summary="Refunds of a store", **READ)
async def list_refunds(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[Literal["", "booked", "sent", "done", "failed"]] = "",
    q: Search = "",
    after: After = "",
    limit: Limit = 50,
) -> RefundPage:
    """The newest first. `q`: an order number, or words of the reason."""
    found = await refund_rows(
        conn,
        store_id=StoreId(store_id),
        state=show,
        words=plain(q),
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.asked_at, row.id), limit)
    items = [
        RefundRow(
            refund_id=row.id,
            order_id=row.order_id,
            number=row.number,
            amount=Money(row.amount_minor, row.currency),
            state=row.state,
            reason=row.reason,
            asked_at=row.asked_at,
            done_at=row.done_at,
            failure=row.failure,
        )
        for row in rows
    ]
    return RefundPage(items, following or None)


@get(STORE + "/money", summary="What a store has and will have", **MONEY)
async def read_money(store_id: FromPath[UUID], conn: Conn) -> StoreMoney:
    """From the books, now. Estimated and settled are two tracks, never added up."""
    store = await store_of(conn, store_id=StoreId(store_id))
    held = await money_now(conn, store_id=StoreId(store_id))
    return StoreMoney(
        *(Money(getattr(held, f"{name}_minor"), store.currency) for name in StoreMoney.names())
    )


@get(STORE + "/money/orders", summary="What each order brings", **MONEY)
async def list_money(
    store_id: FromPath[UUID],
    conn: Conn,
    track: FromQuery[Literal["", "estimated", "settled"]] = "",
    after: After = "",
    limit: Limit = 50,
) -> MoneyPage:
    """Paid orders, the newest first."""
    found = await money_rows(
        conn,
        store_id=StoreId(store_id),
        track=track,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.paid_at, row.id), limit)
    items = [
        MoneyRow(
            order_id=row.id,
            number=row.number,
            state=row.state,
            track="settled" if row.state == "final" else "estimated",
            paid=Money(row.paid_minor, row.currency),
            refunded=Money(row.refunded_minor, row.currency),
            taken=Money(row.taken_minor, row.currency),
            merchant=Money(row.merchant_minor, row.currency),
            paid_at=row.paid_at,
            final_at=row.final_at,
        )
        for row in rows
    ]
    return MoneyPage(items, following or None)


HANDLERS: list[HTTPRouteHandler] = [
    list_orders,
    read_order,
    ship,
    refund,
    list_refunds,
    read_money,
    list_money,
]
