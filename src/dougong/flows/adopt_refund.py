"""An operator decides about a refund that somebody made at a gateway by hand.

The money has gone back already. Booked as a refund of an order, it takes back from everybody what
a refund asked for here would; else it is set aside with a reason, and the books stay.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.base.money import split
from dougong.flows.refund_lines import refund_lines
from dougong.orders.commands import lock_order
from dougong.orders.rules import RefundTooMuch
from dougong.payments.commands import paying_payment
from dougong.payments.foreign_commands import BookedAs, lock_foreign, settle_foreign
from dougong.payments.rules import NotOfThatOrder
from dougong.reads.order_books import lines_of


async def book_foreign(
    conn: AsyncConnection,
    *,
    foreign_id: UUID,
    store_id: StoreId,
    order_id: OrderId,
    person_id: PersonId,
    note: str,
    at: datetime,
) -> Any:
    """Book it as a refund of this order, over its lines by what is left of each; answers the row
    of `refunds`, which the gateway is not asked for again.

    Raises NotFound, ForeignRefundOver, NotOfThatOrder, RefundTooMuch, WrongState.
    """
    foreign = await lock_foreign(conn, foreign_id=foreign_id)
    await _check_paid_by(conn, foreign.payment_id, store_id, order_id)
    await lock_order(conn, store_id=store_id, order_id=order_id)
    refund = await refund_lines(
        conn,
        store_id=store_id,
        order_id=order_id,
        amounts=await _amounts(conn, store_id, order_id, foreign.amount_minor),
        reason=note,
        asked_by=person_id,
        key=f"foreign:{foreign_id}",
        at=at,
        done_as=foreign.gateway_ref,
    )
    booked_as = BookedAs(store_id, refund.id)
    await settle_foreign(
        conn, foreign_id=foreign_id, person_id=person_id, booked_as=booked_as, note=note, at=at
    )
    facts = {"order_id": str(order_id), "refund_id": str(refund.id)}
    await _tell(conn, "payments.book_foreign_refund", foreign, person_id, facts, note, at)
    return refund


async def set_aside_foreign(
    conn: AsyncConnection, *, foreign_id: UUID, person_id: PersonId, note: str, at: datetime
) -> None:
    """Leave the books as they are, for a reason. Raises NotFound, ForeignRefundOver, BadInput."""
    if not note.strip():
        raise BadInput(field="note", reason="missing")
    foreign = await lock_foreign(conn, foreign_id=foreign_id)
    await settle_foreign(
        conn, foreign_id=foreign_id, person_id=person_id, booked_as=None, note=note, at=at
    )
    await _tell(conn, "payments.set_aside_foreign_refund", foreign, person_id, {}, note, at)


async def _check_paid_by(
    conn: AsyncConnection, payment_id: UUID, store_id: StoreId, order_id: OrderId
) -> None:
    try:
        paying = await paying_payment(conn, store_id=store_id, order_id=order_id)
    except NotFound:
        raise NotOfThatOrder from None
    if paying.id != payment_id:
        raise NotOfThatOrder


async def _amounts(
    conn: AsyncConnection, store_id: StoreId, order_id: OrderId, amount_minor: int
) -> dict[int, int]:
    """The amount over the lines of a locked order. Raises RefundTooMuch."""
    lines = await lines_of(conn, store_id=store_id, order_id=order_id)
    left = {line.line_no: line.paid_minor - line.refunded_minor for line in lines}
    if amount_minor > sum(left.values()):
        raise RefundTooMuch(field="lines", left_minor=sum(left.values()))
    shares = zip(left, split(amount_minor, list(left.values())), strict=True)
    return {line_no: share for line_no, share in shares if share}


async def _tell(
    conn: AsyncConnection,
    action: str,
    foreign: Any,
    person_id: PersonId,
    facts: dict[str, Any],
    note: str,
    at: datetime,
) -> None:
    money = {"amount_minor": foreign.amount_minor, "currency": foreign.currency}
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action=action,
        subject=str(foreign.id),
        facts=money | facts | {"note": note},
    )
