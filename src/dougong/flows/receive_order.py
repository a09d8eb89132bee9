"""The buyer has the goods, or the deadline says so; after the after-sales window it is final."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import open_cases
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.flows.book_orders import final_entry
from dougong.flows.order_for_books import booked_order
from dougong.infra import clock, pause
from dougong.infra.events import drop_deadline, record, set_deadline
from dougong.ledger.commands import book
from dougong.orders.commands import mark_final, mark_received, own_order
from dougong.orders.rules import WrongState
from dougong.supply.tracking_commands import stop_watching


async def confirm_receipt(
    conn: AsyncConnection,
    *,
    buyer_id: PersonId,
    store_id: StoreId,
    order_id: OrderId,
    at: datetime,
) -> None:
    """Raises NotFound for another's order, WrongState when not all is shipped."""
    await own_order(conn, buyer_id=buyer_id, store_id=store_id, order_id=order_id)
    await pause.point("receive: found it")
    await receive_order(conn, store_id=store_id, order_id=order_id, why="by_buyer", at=at)


async def receive_order(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, why: str, at: datetime
) -> None:
    """Received: the after-sales window, frozen on the order, starts now; it ends with its last case
    at the earliest (flows/step_cases.py)."""
    order = await mark_received(conn, store_id=store_id, order_id=order_id, at=at)
    await drop_deadline(
        conn, store_id=store_id, kind="receive_by", subject_id=order_id, at=at, why=why
    )
    if not await open_cases(conn, store_id=store_id, order_ids=[order_id]):
        await set_deadline(
            conn,
            store_id=store_id,
            kind="final_at",
            subject_id=order_id,
            due_at=at + timedelta(seconds=order.after_sales_window_s),
        )
    await stop_watching(conn, store_id=store_id, order_id=order_id)
    facts = {"number": order.number, "why": why}
    await record(conn, "order.received", store_id=store_id, subject_id=order_id, at=at, facts=facts)


async def finalise_order(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """The window is over: escrow is shared out. Raises WrongState, also while a case is open."""
    if await open_cases(conn, store_id=store_id, order_ids=[order_id]):
        raise WrongState(order_state="in_case")
    order = await mark_final(conn, store_id=store_id, order_id=order_id, at=at)
    booked, _ = await booked_order(conn, store_id=store_id, order_id=order_id)
    entry = final_entry(booked, at=at)
    await book(
        conn,
        store_id=store_id,
        currency=order.currency,
        entries=[entry] if entry else [],
        written_at=clock.wall_now(),
    )
    facts = {"number": order.number}
    await record(conn, "order.final", store_id=store_id, subject_id=order_id, at=at, facts=facts)
