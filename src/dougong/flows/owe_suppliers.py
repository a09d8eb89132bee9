"""What a store owes its suppliers, in its book: bills, credits, statements, payments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, StoreId
from dougong.infra import clock
from dougong.infra.events import record
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, Transfer
from dougong.supply.bill_commands import Bill, decide_bill, write_payment
from dougong.supply.dropship_commands import Statement, state_dropship
from dougong.supply.purchase_rules import BillState
from dougong.supply.supplier_return_commands import GoodsBack, Returned, send_back


def payable(supplier_id: UUID) -> AccountName:
    return AccountName(supplier_id, Purpose.SUPPLIER_PAYABLE)


def bill_entry(store_id: StoreId, bill: Bill, *, at: datetime) -> Entry:
    """Each line of the bill, and freight and duty, become owed."""
    src, dst = AccountName(store_id, Purpose.STOCK_VALUE), payable(bill.supplier_id)
    goods = tuple(
        Transfer(src, dst, line.quantity * line.price_minor, Part.GOODS, line.line_no)
        for line in bill.lines
        if line.price_minor
    )
    extra = (Transfer(src, dst, bill.extra_minor, Part.LANDED),) if bill.extra_minor else ()
    return Entry(
        kind=EntryKind.SUPPLIER_BILL,
        key=f"supplier_bill:{bill.id}",
        counts_at=at,
        transfers=goods + extra,
    )


async def _book(conn: AsyncConnection, store_id: StoreId, currency: str, entry: Entry) -> None:
    written_at = clock.wall_now()
    await book(conn, store_id=store_id, currency=currency, entries=[entry], written_at=written_at)


async def decide_about_bill(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    bill_id: UUID,
    state: BillState,
    reason: str,
    by_id: PersonId,
    at: datetime,
) -> Bill:
    """Approve (and owe), dispute or reject a bill. Raises what `decide_bill` raises."""
    bill = await decide_bill(
        conn, store_id=store_id, bill_id=bill_id, state=state, reason=reason, by_id=by_id, at=at
    )
    if state is BillState.APPROVED:
        await _book(conn, store_id, bill.currency, bill_entry(store_id, bill, at=at))
    facts = {
        "bill_no": bill.bill_no,
        "state": str(state),
        "total_minor": bill.goods_minor + bill.extra_minor,
        "currency": bill.currency,
        "differs": bool(bill.differences),
    }
    await record(
        conn, "supply.bill_decided", store_id=store_id, subject_id=bill_id, at=at, facts=facts
    )
    return bill


async def send_goods_back(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    goods: GoodsBack,
    by_id: PersonId,
    at: datetime,
) -> Returned:
    """Goods leave for the supplier; what was billed of them is owed no more. Raises what
    `send_back` raises."""
    made = await send_back(
        conn, store_id=store_id, order_id=order_id, goods=goods, by_id=by_id, at=at
    )
    if not made.is_new:
        return made
    if made.credit_minor:
        move = Transfer(
            payable(made.supplier_id),
            AccountName(store_id, Purpose.STOCK_VALUE),
            made.credit_minor,
            Part.GOODS_BACK,
        )
        entry = Entry(
            kind=EntryKind.SUPPLIER_CREDIT,
            key=f"supplier_return:{made.id}",
            counts_at=at,
            transfers=(move,),
        )
        await _book(conn, store_id, made.currency, entry)
    facts = {"number": made.number, "units": sum(goods.lines.values())}
    facts |= {"credit_minor": made.credit_minor, "currency": made.currency}
    await record(
        conn, "supply.goods_sent_back", store_id=store_id, subject_id=order_id, at=at, facts=facts
    )
    return made


async def pay_supplier(
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
    """A payment that was made; paying more than is owed leaves it as owed to the store.

    Raises PaymentKnown (409), BadInput.
    """
    payment_id = await write_payment(
        conn,
        store_id=store_id,
        supplier_id=supplier_id,
        currency=currency,
        amount_minor=amount_minor,
        reference=reference,
        by_id=by_id,
        at=at,
    )
    move = Transfer(
        payable(supplier_id),
        AccountName(store_id, Purpose.SUPPLIER_PAID),
        amount_minor,
        Part.SUPPLIER_PAYMENT,
    )
    entry = Entry(
        kind=EntryKind.SUPPLIER_PAID,
        key=f"supplier_payment:{payment_id}",
        counts_at=at,
        transfers=(move,),
    )
    await _book(conn, store_id, currency, entry)
    return payment_id


async def settle_dropship(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    until: datetime,
    by_id: PersonId,
    at: datetime,
) -> Statement:
    """State what a supplier sent before an instant, and owe it. Raises NothingToState (409)."""
    made = await state_dropship(
        conn, store_id=store_id, supplier_id=supplier_id, until=until, by_id=by_id, at=at
    )
    if made.total_minor:
        move = Transfer(
            AccountName(store_id, Purpose.STOCK_VALUE),
            payable(supplier_id),
            made.total_minor,
            Part.GOODS,
        )
        entry = Entry(
            kind=EntryKind.DROPSHIP,
            key=f"dropship_statement:{made.id}",
            counts_at=at,
            transfers=(move,),
        )
        await _book(conn, store_id, made.currency, entry)
    facts = {"number": made.number, "lines": made.lines, "total_minor": made.total_minor}
    facts |= {"currency": made.currency}
    await record(
        conn, "supply.dropship_stated", store_id=store_id, subject_id=made.id, at=at, facts=facts
    )
    return made
