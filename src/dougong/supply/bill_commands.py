"""Writes suppliers' bills: entered, matched against order and receipt, decided; and payments."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.supply.purchase_commands import lock_purchase
from dougong.supply.purchase_queries import ordered_lines
from dougong.supply.purchase_rules import (
    BILL_MOVES,
    MOST_PRICE_MINOR,
    MOST_QUANTITY,
    BillDiffers,
    BilledLine,
    BillKnown,
    BillState,
    Difference,
    PaymentKnown,
    PurchaseState,
    WrongPurchaseState,
    match_bill,
    one_line,
    total_of,
)
from dougong.supply.supplier_commands import terms_at

BILLABLE = (PurchaseState.SENT, PurchaseState.PART_RECEIVED, PurchaseState.RECEIVED,
            PurchaseState.CLOSED)  # fmt: skip


class Bill(msgspec.Struct, frozen=True):
    """A bill as it was decided. `lines`: line number, units, a unit's price."""

    id: UUID
    supplier_id: UUID
    bill_no: str
    currency: str
    goods_minor: int
    extra_minor: int
    differences: list[Difference]
    lines: list[BilledLine]


class NewBill(msgspec.Struct, frozen=True, kw_only=True):
    """A bill as it came. `due_on` None: after the supplier's days of payment."""

    order_id: UUID
    bill_no: str
    billed_on: date
    due_on: date | None
    lines: Sequence[BilledLine]
    extra_minor: int
    payment_days: int

    def due(self) -> date:
        """Raises BadInput for a day before the bill's."""
        due = self.due_on or date.fromordinal(self.billed_on.toordinal() + self.payment_days)
        if due < self.billed_on:
            raise BadInput(field="due_on", reason="before_bill")
        return due


ENTER = text("""
    INSERT INTO supplier_bills (store_id, id, supplier_id, bill_no, order_id, billed_on, due_on,
      currency, goods_minor, extra_minor, total_minor, state, differs, entered_by, entered_at)
    VALUES (:store_id, :id, :supplier_id, :bill_no, :order_id, :billed_on, :due_on, :currency,
      :goods_minor, :extra_minor, :total_minor, 'entered', :differs, :by_id, :at)
    ON CONFLICT ON CONSTRAINT supplier_bills_once DO NOTHING
""")
ENTER_LINES = text("""
    INSERT INTO supplier_bill_lines (store_id, bill_id, line_no, quantity, price_minor)
    VALUES (:store_id, :bill_id, :line_no, :quantity, :price_minor)
""")


async def enter_bill(
    conn: AsyncConnection, *, store_id: StoreId, bill: NewBill, by_id: PersonId, at: datetime
) -> UUID:
    """Raises NotFound, WrongPurchaseState (409) of an order that was never sent, BillKnown (409),
    BadInput."""
    number = one_line(bill.bill_no, field="bill_no", most=80, required=True)
    due_on = bill.due()
    _check(bill.lines, bill.extra_minor)
    goods = total_of([(line.quantity, line.price_minor) for line in bill.lines])
    order = await lock_purchase(conn, store_id=store_id, order_id=bill.order_id)
    if order.state not in BILLABLE:
        raise WrongPurchaseState(state=order.state)
    if goods + bill.extra_minor <= 0:
        raise BadInput(field="lines", reason="nothing_billed")
    found = await _differences(conn, store_id, order.id, bill.lines, bill.extra_minor, at)
    bill_id = new_id()
    row = {
        "store_id": store_id, "id": bill_id, "supplier_id": order.supplier_id,
        "bill_no": number, "order_id": order.id, "billed_on": bill.billed_on, "due_on": due_on,
        "currency": order.currency, "goods_minor": goods, "extra_minor": bill.extra_minor,
        "total_minor": goods + bill.extra_minor, "differs": bool(found), "by_id": by_id, "at": at,
    }  # fmt: skip
    if (await conn.execute(ENTER, row)).rowcount != 1:
        raise BillKnown(field="bill_no")
    lines = [
        {"store_id": store_id, "bill_id": bill_id, **msgspec.structs.asdict(line)}
        for line in bill.lines
    ]
    if lines:
        await conn.execute(ENTER_LINES, lines)
    return bill_id


def _check(lines: Sequence[BilledLine], extra_minor: int) -> None:
    """Raises BadInput."""
    if len({line.line_no for line in lines}) < len(lines):
        raise BadInput(field="lines", reason="duplicate_id")
    for line in lines:
        if not 1 <= line.quantity <= MOST_QUANTITY:
            raise BadInput(field="quantity", reason="out_of_range")
        if not 0 <= line.price_minor <= MOST_PRICE_MINOR:
            raise BadInput(field="price", reason="out_of_range")
    if not 0 <= extra_minor <= MOST_PRICE_MINOR:
        raise BadInput(field="extra", reason="out_of_range")


EXTRA_KNOWN = text("""
    SELECT coalesce((SELECT sum(c.amount_minor) FROM landed_costs c
        JOIN goods_receipts r ON r.store_id = c.store_id AND r.id = c.receipt_id
        WHERE r.store_id = :store_id AND r.order_id = :order_id), 0)
      - coalesce((SELECT sum(extra_minor) FROM supplier_bills
        WHERE store_id = :store_id AND order_id = :order_id AND state = 'approved'), 0)
""")


async def _differences(
    conn: AsyncConnection,
    store_id: StoreId,
    order_id: UUID,
    lines: Sequence[BilledLine],
    extra_minor: int,
    at: datetime,
) -> list[Difference]:
    named = {"store_id": store_id, "order_id": order_id}
    return match_bill(
        await ordered_lines(conn, store_id=store_id, order_id=order_id),
        lines,
        extra_minor=extra_minor,
        extra_known_minor=int(await conn.scalar(EXTRA_KNOWN, named) or 0),
        terms=await terms_at(conn, store_id=store_id, at=at),
    )


async def bill_lines(
    conn: AsyncConnection, *, store_id: StoreId, bill_id: UUID
) -> list[BilledLine]:
    rows = await conn.execute(
        text("""
            SELECT line_no, quantity, price_minor FROM supplier_bill_lines
            WHERE store_id = :store_id AND bill_id = :bill_id ORDER BY line_no
        """),
        {"store_id": store_id, "bill_id": bill_id},
    )
    return [BilledLine(*row) for row in rows]


async def differences_of(
    conn: AsyncConnection, *, store_id: StoreId, bill: Any, at: datetime
) -> list[Difference]:
    """What of a bill does not match now; `bill`: its row."""
    lines = await bill_lines(conn, store_id=store_id, bill_id=bill.id)
    return await _differences(conn, store_id, bill.order_id, lines, bill.extra_minor, at)


async def _lock_bill(conn: AsyncConnection, *, store_id: StoreId, bill_id: UUID) -> Any:
    """A bill's row, kept for this transaction after its order's. Raises NotFound."""
    named = {"store_id": store_id, "id": bill_id}
    order_id = await conn.scalar(
        text("SELECT order_id FROM supplier_bills WHERE store_id = :store_id AND id = :id"), named
    )
    if order_id is None:
        raise NotFound
    await lock_purchase(conn, store_id=store_id, order_id=order_id)
    found = await conn.execute(
        text("SELECT * FROM supplier_bills WHERE store_id = :store_id AND id = :id FOR UPDATE"),
        named,
    )
    return found.one()


DECIDE = text("""
    UPDATE supplier_bills SET state = :state, differs = :differs, decided_by = :by_id,
      decided_at = :at, reason = :reason
    WHERE store_id = :store_id AND id = :id
""")


async def decide_bill(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    bill_id: UUID,
    state: BillState,
    reason: str,
    by_id: PersonId,
    at: datetime,
) -> Bill:
    """Approve, dispute or reject a bill; it is matched again as things stand now.

    Raises NotFound, WrongPurchaseState (409), BillDiffers (409) when it differs and is approved by
    who entered it or without a reason, BadInput.
    """
    why = one_line(reason, field="reason", most=500)
    if state is not BillState.APPROVED and not why:
        raise BadInput(field="reason", reason="missing")
    row = await _lock_bill(conn, store_id=store_id, bill_id=bill_id)
    if state not in BILL_MOVES[BillState(row.state)]:
        raise WrongPurchaseState(state=row.state)
    lines = await bill_lines(conn, store_id=store_id, bill_id=bill_id)
    found = await _differences(conn, store_id, row.order_id, lines, row.extra_minor, at)
    if state is BillState.APPROVED:
        if found and (by_id == row.entered_by or not why):
            raise BillDiffers(field="reason")
        await _bill_units(conn, store_id, row.order_id, lines)
    values = {"store_id": store_id, "id": bill_id, "state": state, "differs": bool(found)}
    await conn.execute(DECIDE, values | {"by_id": by_id, "at": at, "reason": why})
    money = (row.currency, row.goods_minor, row.extra_minor)
    return Bill(bill_id, row.supplier_id, row.bill_no, *money, differences=found, lines=lines)


async def _bill_units(
    conn: AsyncConnection, store_id: StoreId, order_id: UUID, lines: Sequence[BilledLine]
) -> None:
    await conn.execute(
        text("""
            UPDATE purchase_lines p SET billed = p.billed + b.quantity
            FROM unnest(CAST(:line_nos AS smallint[]), CAST(:quantities AS integer[]))
              AS b (line_no, quantity)
            WHERE p.store_id = :store_id AND p.order_id = :order_id AND p.line_no = b.line_no
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "line_nos": [line.line_no for line in lines],
            "quantities": [line.quantity for line in lines],
        },
    )


async def write_payment(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    currency: str,
    amount_minor: int,
    reference: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Money that went to a supplier. Raises PaymentKnown (409), BadInput, NotFound."""
    if not 1 <= amount_minor <= MOST_PRICE_MINOR:
        raise BadInput(field="amount", reason="out_of_range")
    payment_id = new_id()
    made = await conn.execute(
        text("""
            INSERT INTO supplier_payments (store_id, id, supplier_id, currency, amount_minor,
              reference, by_id, at)
            SELECT :store_id, :id, id, :currency, :amount_minor, :reference, :by_id, :at
            FROM suppliers WHERE store_id = :store_id AND id = :supplier_id
            ON CONFLICT ON CONSTRAINT supplier_payments_once DO NOTHING
        """),
        {
            "store_id": store_id,
            "id": payment_id,
            "supplier_id": supplier_id,
            "currency": currency,
            "amount_minor": amount_minor,
            "reference": one_line(reference, field="reference", most=80, required=True),
            "by_id": by_id,
            "at": at,
        },
    )
    if made.rowcount != 1:
        raise PaymentKnown(field="reference")
    return payment_id
