"""The merchant sends money back: whole or in part, by line, before or after the order is final.

Booked at once, with the order locked; a job then tells the gateway, as often as it takes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, PersonId, SkuId, StoreId, new_id
from dougong.flows.book_orders import BookedOrder, refund_entry
from dougong.flows.order_for_books import booked_order
from dougong.flows.serve_waiting import units_came
from dougong.flows.ship_order import after_shipping
from dougong.infra import clock, pause
from dougong.infra.events import drop_deadline, record
from dougong.infra.jobs import defer
from dougong.ledger.commands import book
from dougong.orders.commands import add_refunded, lock_order, mark_refunded, units_to_ship
from dougong.orders.rules import PAID_STATES, OrderState, RefundTooMuch, WrongState
from dougong.payments.commands import paying_payment
from dougong.payments.refund_commands import RefundDraft, insert_refund, refund_before
from dougong.supply.ledger_commands import About
from dougong.supply.stock_commands import release_lines


async def refund_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    amounts: Mapping[int, int],
    reason: str,
    asked_by: PersonId | None,
    key: str,
    at: datetime,
    taken_back: Mapping[int, int] | None = None,
    done_as: str | None = None,
) -> Any:
    """Refund `amounts` (line number to minor units); answers the row of `refunds`.

    A line refunded whole gives back its unshipped units; of others, `taken_back` are not to be
    shipped any more. `done_as`: the name of a refund that the gateway has made already; else a job
    asks it to. The same key answers the same refund.
    Raises NotFound, WrongState, RefundTooMuch, BadInput, KeyReused.
    """
    request_hash = _hash_of(order_id, amounts, reason)
    await pause.point("refund: asked")
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    before = await refund_before(conn, store_id=store_id, key=key, request_hash=request_hash)
    if before is not None:
        return before
    _refuse_unpaid(order.state)
    booked, rows = await booked_order(conn, store_id=store_id, order_id=order_id)
    units = {**(taken_back or {}), **_unshipped_of_whole(rows, amounts)}
    await pause.point("refund: read the lines")
    await add_refunded(conn, store_id=store_id, order_id=order_id, amounts=amounts, returned=units)
    draft = RefundDraft(
        store_id=store_id,
        id=new_id(),
        order_id=order_id,
        payment_id=(await paying_payment(conn, store_id=store_id, order_id=order_id)).id,
        currency=order.currency,
        amounts=amounts,
        units=units,
        reason=reason,
        asked_by=asked_by,
        key=key,
        request_hash=request_hash,
        at=at,
        done_as=done_as,
    )
    refund = await insert_refund(conn, draft)
    await _book_refund(conn, draft, booked, is_final=order.state == OrderState.FINAL)
    await _follow(conn, order=order, rows=rows, draft=draft)
    return refund


async def _follow(
    conn: AsyncConnection, *, order: Any, rows: Sequence[Any], draft: RefundDraft
) -> None:
    await _give_back_units(conn, draft, rows=rows)
    await _move_on(conn, order=order, rows=rows, draft=draft)
    await _tell(conn, draft, number=order.number)


def _refuse_unpaid(state: str) -> None:
    if state not in PAID_STATES:
        raise WrongState(order_state=state)


def _hash_of(order_id: OrderId, amounts: Mapping[int, int], reason: str) -> bytes:
    """The same for the same wish: what a key was used for. Raises BadInput for no amount."""
    if not amounts or min(amounts.values()) < 1:
        raise BadInput(field="lines", reason="nothing_to_refund")
    asked = {"order": str(order_id), "amounts": sorted(amounts.items()), "reason": reason}
    return hashlib.sha256(msgspec.json.encode(asked)).digest()


async def _book_refund(
    conn: AsyncConnection, draft: RefundDraft, order: BookedOrder, *, is_final: bool
) -> None:
    entry = refund_entry(
        order, refund_id=draft.id, amounts=draft.amounts, is_final=is_final, at=draft.at
    )
    await book(
        conn,
        store_id=draft.store_id,
        currency=draft.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


async def _tell(conn: AsyncConnection, draft: RefundDraft, *, number: str) -> None:
    """The platform by an event, the gateway by a job where it does not know."""
    amount = sum(draft.amounts.values())
    await record(
        conn,
        "order.refunded",
        store_id=draft.store_id,
        subject_id=draft.order_id,
        at=draft.at,
        facts={"number": number, "amount_minor": amount, "reason": draft.reason},
    )
    if draft.done_as is not None:
        return
    store_id, refund_id = str(draft.store_id), str(draft.id)
    await defer(conn, "payments.send_refund", store_id=store_id, refund_id=refund_id)


def _unshipped_of_whole(rows: Sequence[Any], amounts: Mapping[int, int]) -> dict[int, int]:
    """Units that need not be shipped any more: of lines of which no money is left."""
    known = {row.line_no: row for row in rows}
    if unknown := [n for n in amounts if n not in known]:
        raise RefundTooMuch(field="lines", line_no=unknown[0])
    return {
        n: known[n].quantity - known[n].shipped_quantity - known[n].returned_quantity
        for n, amount in amounts.items()
        if known[n].kind == "goods" and known[n].refunded_minor + amount == known[n].paid_minor
    }


async def _give_back_units(
    conn: AsyncConnection, draft: RefundDraft, *, rows: Sequence[Any]
) -> None:
    """Units that need not be shipped any more can be sold again."""
    lines = {
        row.line_no: (SkuId(row.sku_id), draft.units[row.line_no])
        for row in rows
        if row.sku_id is not None and draft.units.get(row.line_no)
    }
    await release_lines(
        conn,
        store_id=draft.store_id,
        order_id=draft.order_id,
        lines=lines,
        about=About("refund", draft.id, draft.at, draft.asked_by),
        key=f"refund:{draft.id}",
    )
    came = {sku_id for sku_id, units in lines.values() if units}
    await units_came(conn, store_id=draft.store_id, sku_ids=came)


async def _move_on(
    conn: AsyncConnection,
    *,
    order: Any,
    rows: Sequence[Any],
    draft: RefundDraft,
) -> None:
    """Nothing left: the order ends here. Nothing left to ship: it is shipped."""
    if order.state == OrderState.FINAL:
        return
    left = sum(
        row.paid_minor - row.refunded_minor - draft.amounts.get(row.line_no, 0) for row in rows
    )
    if left == 0:
        await mark_refunded(conn, store_id=order.store_id, order_id=order.id, at=draft.at)
        for kind in ("receive_by", "final_at"):
            await drop_deadline(
                conn,
                store_id=order.store_id,
                kind=kind,
                subject_id=order.id,
                at=draft.at,
                why="refunded",
            )
    elif (
        order.state in (OrderState.PAID, OrderState.PART_SHIPPED)
        and await units_to_ship(conn, store_id=order.store_id, order_id=order.id) == 0
    ):
        await after_shipping(conn, store_id=order.store_id, order_id=order.id, at=draft.at)
