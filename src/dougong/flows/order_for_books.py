"""Reads an order into the shape that `book_orders` books."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId
from dougong.flows.book_orders import BookedLine, BookedOrder
from dougong.orders.rules import LineMoney
from dougong.reads.order_books import lines_of, merchant_of


def line_money(row: Any) -> LineMoney:
    """The frozen money facts of a row of `order_lines`."""
    return LineMoney(
        gross_minor=row.gross_minor,
        merchant_discount_minor=row.merchant_discount_minor,
        platform_discount_minor=row.platform_discount_minor,
        creator_discount_minor=row.creator_discount_minor,
        paid_minor=row.paid_minor,
        service_fee_bp=row.service_fee_bp,
        commission_bp=row.commission_bp,
        commission_cut_bp=row.commission_cut_bp,
        payment_cost_bp=row.payment_cost_bp,
    )


async def booked_order(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> tuple[BookedOrder, Sequence[Any]]:
    """The order for the books, and its lines' rows."""
    rows = await lines_of(conn, store_id=store_id, order_id=order_id)
    lines = tuple(
        BookedLine(
            row.line_no,
            line_money(row),
            row.refunded_minor,
            row.creator_id,
            row.discount_creator_id,
        )
        for row in rows
    )
    merchant_id = await merchant_of(conn, store_id=store_id)
    return BookedOrder(store_id, order_id, merchant_id, lines), rows
