"""An operator gives money that nobody waited for to an order of its payer that waits for it.

One transaction: the money leaves the platform's book as it came, and the order is booked as if
its gateway had just told of it; its refunds go back by the payment that brought the money.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.ids import PLATFORM_BOOK, OrderId, PersonId, StoreId
from dougong.flows.payment_arrived import book_paid
from dougong.infra import clock
from dougong.infra.events import record
from dougong.ledger.commands import book
from dougong.ledger.rules import Entry, EntryKind, Part, Purpose, moved, platform
from dougong.orders.commands import lock_order
from dougong.orders.rules import OrderState
from dougong.payments.commands import give_to_order, is_matched, resolve_unallocated
from dougong.payments.rules import NotMatchable, PaymentState
from dougong.reads.operator_money import stray_money


async def match(
    conn: AsyncConnection,
    *,
    unallocated_id: UUID,
    store_id: StoreId,
    order_id: OrderId,
    person_id: PersonId,
    note: str,
    at: datetime,
) -> None:
    """The same match again changes nothing.

    Raises NotFound where there is no such money or order, or somebody has decided before;
    NotMatchable when the order is not this payer's, not over this amount, or not to be paid now.
    """
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    money = await stray_money(conn, unallocated_id=unallocated_id)
    if await is_matched(conn, money, store_id=store_id, order_id=order_id):
        return
    if why := _refused(money, order, at):
        raise NotMatchable(why=why)
    row = await resolve_unallocated(
        conn,
        unallocated_id=unallocated_id,
        person_id=person_id,
        resolution="matched",
        note=note,
        at=at,
    )
    await give_to_order(
        conn,
        payment_id=money.payment_id,
        store_id=store_id,
        order_id=order_id,
        amount_minor=row.amount_minor,
        at=at,
    )
    await _take_from_platform(conn, row, at)
    await book_paid(conn, order=order, currency=row.currency, at=at)
    await _tell(conn, row, order_id=order_id, person_id=person_id, at=at)


async def _tell(
    conn: AsyncConnection, row: Any, *, order_id: OrderId, person_id: PersonId, at: datetime
) -> None:
    facts = {"amount_minor": row.amount_minor, "currency": row.currency, "resolution": "matched"}
    facts |= {"order_id": str(order_id)}
    await record(conn, "payment.unallocated_resolved", subject_id=row.id, at=at, facts=facts)
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="payments.resolve_unallocated",
        subject=str(row.id),
        facts=facts | {"note": row.note},
    )


def _refused(money: Any, order: Any, at: datetime) -> str:
    """Why this money is not for this order; "" when it is."""
    if money.payer_id is None or money.payment_state != PaymentState.CAPTURED:
        return "payer_unknown"
    if order.buyer_id != money.payer_id:
        return "other_payer"
    if (order.currency, order.total_minor) != (money.currency, money.amount_minor):
        return "other_amount"
    return "" if order.state == OrderState.PLACED and at < order.pay_by else "not_to_be_paid"


async def _take_from_platform(conn: AsyncConnection, row: Any, at: datetime) -> None:
    """Out of the platform's book by the way it came in: the store's book takes it from there."""
    held, clearing = platform(Purpose.UNALLOCATED), platform(Purpose.GATEWAY_CLEARING)
    entry = Entry(
        kind=EntryKind.UNALLOCATED_MATCHED,
        key=f"unallocated_matched:{row.id}",
        counts_at=at,
        transfers=tuple(moved(held, clearing, row.amount_minor, Part.UNALLOCATED)),
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=row.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )
