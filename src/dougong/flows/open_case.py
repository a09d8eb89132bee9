"""A buyer opens an after-sales case: its units and its money are frozen with it, and where a row of
the store's own table decides, it is answered at once."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.answer_queries import rules_in_force
from dougong.aftersales.answer_rules import (
    CaseFacts,
    CaseVerdict,
    decide,
    frozen_facts,
    order_stage,
)
from dougong.aftersales.commands import CaseDraft, LineDraft, case_before, insert_case, note_held
from dougong.aftersales.queries import Case, case_of
from dougong.aftersales.rules import (
    DUE,
    MOST_BODY,
    MOST_LINES,
    NOT_THE_BUYERS,
    REASONS,
    BadCase,
    CaseKind,
    CaseState,
    CaseTooLate,
    CaseTooMuch,
)
from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PersonId, StoreId, new_id
from dougong.base.money import pro_rata
from dougong.flows.answer_case import answer_by_rule
from dougong.flows.book_orders import BookedOrder
from dougong.flows.case_books import held_entry, holds_for
from dougong.flows.order_for_books import booked_order
from dougong.infra import clock, pause
from dougong.infra.events import drop_deadline, record, renew_deadline
from dougong.ledger.commands import book
from dougong.orders.commands import lock_order
from dougong.orders.rules import PAID_STATES, OrderState
from dougong.reads.case_facts import CaseStore, asked_by_line, case_store, prices_now


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer asks for. `lines`: line number to units (1 of freight). `amounts`: minor units
    by line, where less is asked than the units cost."""

    kind: CaseKind
    reason: str
    body: str
    lines: Mapping[int, int]
    amounts: Mapping[int, int] | None = None


async def open_case(
    conn: AsyncConnection,
    *,
    buyer_id: PersonId,
    store_id: StoreId,
    order_id: OrderId,
    wish: Wish,
    key: str,
    at: datetime,
) -> Case:
    """Open a case; the same key answers the same case.

    Raises NotFound for another's order, BadCase, CaseTooLate, CaseTooMuch, UnitInCase, KeyReused.
    """
    _check(wish)
    order = await lock_order(conn, store_id=store_id, order_id=order_id)
    if order.buyer_id != buyer_id:
        raise NotFound
    request_hash = hashlib.sha256(msgspec.json.encode((str(order_id), wish))).digest()
    before = await case_before(
        conn, store_id=store_id, buyer_id=buyer_id, key=key, request_hash=request_hash
    )
    if before is not None:
        return before
    await pause.point("case: asked")
    store = await case_store(conn, store_id=store_id)
    refuse_late(order, store, at=at)
    booked, rows = await booked_order(conn, store_id=store_id, order_id=order_id)
    lines = await _lines(conn, order=order, rows=rows, wish=wish, store=store, at=at)
    draft = _draft(order, wish, lines, store, key=key, request_hash=request_hash, at=at)
    verdict, draft = await _judged(conn, draft, order)
    await insert_case(conn, draft)
    await _hold(conn, draft, booked)
    await _tell(conn, draft, order)
    case = await case_of(conn, store_id=store_id, case_id=draft.id)
    if verdict.rule is None:
        return case
    return await answer_by_rule(conn, case, verdict.rule, at=at, store=store)


async def _judged(
    conn: AsyncConnection, draft: CaseDraft, order: Any
) -> tuple[CaseVerdict, CaseDraft]:
    """Which row of the store decides who answers; that, and why, goes with the case and stays."""
    rules = await rules_in_force(conn, store_id=draft.store_id, at=draft.opened_at)
    is_shipped = order.state not in (OrderState.PAID, OrderState.PLACED)
    facts = CaseFacts(
        buyer=str(draft.buyer_id),
        kind=draft.kind.value,
        reason=draft.reason,
        categories=tuple(sorted({line.category for line in draft.lines if line.sku_id})),
        order_state=order_stage(
            is_shipped=is_shipped,
            is_received=order.state in (OrderState.RECEIVED, OrderState.FINAL),
        ),
        asked_minor=draft.asked_minor,
        at=draft.opened_at,
    )
    verdict = decide(rules, facts)
    return verdict, msgspec.structs.replace(
        draft,
        rule_id=verdict.rule.id if verdict.rule else None,
        facts=frozen_facts(facts, verdict),
    )


def _check(wish: Wish) -> None:
    if wish.reason not in REASONS:
        raise BadCase(field="reason", reason="unknown")
    if len(wish.body) > MOST_BODY:
        raise BadCase(field="body", reason="too_long")
    if not wish.lines or len(wish.lines) > MOST_LINES or min(wish.lines.values()) < 1:
        raise BadCase(field="lines", reason="empty")
    if wish.amounts is not None and (
        set(wish.amounts) != set(wish.lines) or min(wish.amounts.values()) < 1
    ):
        raise BadCase(field="amounts", reason="unlike_lines")


def refuse_late(order: Any, store: CaseStore, *, at: datetime) -> None:
    """Raises CaseTooLate."""
    if order.state not in PAID_STATES:
        raise CaseTooLate(why=order.state)
    if order.state == OrderState.FINAL:
        late = timedelta(seconds=store.term_s("case_late_s", "*", at=at))
        if at >= order.final_at + late:
            raise CaseTooLate(why="over")


async def _lines(
    conn: AsyncConnection,
    *,
    order: Any,
    rows: Sequence[Any],
    wish: Wish,
    store: CaseStore,
    at: datetime,
) -> tuple[LineDraft, ...]:
    known = {row.line_no: row for row in rows}
    if unknown := [n for n in wish.lines if n not in known]:
        raise BadCase(field="lines", reason="unknown", line_no=unknown[0])
    if all(known[n].kind == "shipping" for n in wish.lines):
        raise BadCase(field="lines", reason="only_freight")
    prices = {}
    if wish.kind is CaseKind.PRICE_PROTECTION:
        refuse_unprotected(order, store, at=at)
        skus = [known[n].sku_id for n in wish.lines if known[n].sku_id]
        prices = await prices_now(conn, store_id=store.store_id, sku_ids=skus)
    open_now = await asked_by_line(conn, store_id=store.store_id, order_id=order.id)
    drafts = []
    for line_no, quantity in sorted(wish.lines.items()):
        row = known[line_no]
        _refuse_units(wish, row, quantity, open_now.get(line_no, (0, 0))[1])
        amount = _amount(wish, row, quantity, open_now.get(line_no, (0, 0)), prices)
        drafts.append(_line(row, quantity, amount))
    return tuple(drafts)


def refuse_unprotected(order: Any, store: CaseStore, *, at: datetime) -> None:
    """Raises CaseTooLate."""
    within = timedelta(seconds=store.term_s("price_protected_s", "*", at=at))
    if at >= order.paid_at + within:
        raise CaseTooLate(why="price_not_protected_any_more")


def units_left(kind: CaseKind, row: Any, gone: int) -> int:
    """Of how many units of a line of goods this can be asked. `gone`: those that are in open cases
    or have come back."""
    of_kind: int = row.shipped_quantity
    if kind is CaseKind.REFUND_UNSHIPPED:
        of_kind = row.quantity - row.shipped_quantity - row.returned_quantity
    elif kind is CaseKind.PRICE_PROTECTION:
        of_kind = row.quantity - row.returned_quantity
    left: int = min(of_kind, row.quantity - row.returned_quantity - gone)
    return max(0, left)


def goes_with_goods(kind: CaseKind, reason: str) -> bool:
    """Whether the shipping fee can be asked back with the goods."""
    return kind is CaseKind.REFUND_UNSHIPPED or reason in NOT_THE_BUYERS


def _refuse_units(wish: Wish, row: Any, quantity: int, gone: int) -> None:
    """Raises CaseTooMuch for more units than there are of the kind that is asked for."""
    if row.kind == "shipping":
        if quantity != 1 or not goes_with_goods(wish.kind, wish.reason):
            raise BadCase(field="lines", reason="freight_stays", line_no=row.line_no)
        return
    left = units_left(wish.kind, row, gone)
    if quantity > left:
        raise CaseTooMuch(field="lines", line_no=row.line_no, left=left)


def _amount(
    wish: Wish, row: Any, quantity: int, used: tuple[int, int], prices: Mapping[UUID, int]
) -> int:
    """What is asked of a line: what its units cost, or less. `used`: money and units that open
    cases ask for, units also that came back."""
    most = most_of(wish.kind, row, quantity, used, prices)
    if wish.kind is CaseKind.PRICE_PROTECTION and most <= 0:
        raise BadCase(field="kind", reason="not_cheaper", line_no=row.line_no)
    wanted = wish.amounts[row.line_no] if wish.amounts else most
    if wanted < 1 or wanted > most:
        raise CaseTooMuch(field="amounts", line_no=row.line_no, left_minor=most)
    return wanted


def most_of(
    kind: CaseKind, row: Any, quantity: int, used: tuple[int, int], prices: Mapping[UUID, int]
) -> int:
    """The most that can be asked of units of a line, in minor units; below 1: nothing."""
    asked, gone = used
    left: int = row.paid_minor - row.refunded_minor - asked
    is_rest = quantity == row.quantity - row.returned_quantity - gone
    most = left if is_rest else min(left, _cost(row, quantity))
    if kind is CaseKind.PRICE_PROTECTION:
        dropped = row.paid_minor // row.quantity - prices.get(row.sku_id, row.paid_minor)
        most = min(most, dropped * quantity)
    return most


def _cost(row: Any, quantity: int) -> int:
    return pro_rata(row.paid_minor, taken=quantity, whole=row.quantity)


def _line(row: Any, quantity: int, amount: int) -> LineDraft:
    is_goods = row.kind == "goods"
    return LineDraft(
        line_no=row.line_no,
        sku_id=row.sku_id if is_goods else None,
        category=row.category,
        quantity=quantity,
        amount_minor=amount,
        bought=row.quantity,
        shipped=row.shipped_quantity if is_goods else 0,
        paid_minor=row.paid_minor,
    )


def _draft(
    order: Any,
    wish: Wish,
    lines: tuple[LineDraft, ...],
    store: CaseStore,
    *,
    key: str,
    request_hash: bytes,
    at: datetime,
) -> CaseDraft:
    case_id = new_id()
    due_kind, term = DUE[CaseState.ASKED]
    category = next((line.category for line in lines if line.sku_id is not None), "*")
    return CaseDraft(
        store_id=store.store_id,
        id=case_id,
        number=f"A{at:%y%m%d}{case_id.int % 10**9:09d}",
        order_id=order.id,
        buyer_id=order.buyer_id,
        kind=wish.kind,
        reason=wish.reason,
        body=wish.body.strip(),
        currency=order.currency,
        asked_minor=sum(line.amount_minor for line in lines),
        was_final=order.state == OrderState.FINAL,
        idempotency_key=key,
        request_hash=request_hash,
        opened_at=at,
        due_at=at + timedelta(seconds=store.term_s(term, category, at=at)),
        due_kind=due_kind,
        rule_id=None,
        facts={},
        lines=lines,
    )


async def _hold(conn: AsyncConnection, draft: CaseDraft, booked: BookedOrder) -> None:
    """Freeze what is asked for: of escrow, or of those who have been given it."""
    amounts = {line.line_no: line.amount_minor for line in draft.lines}
    holds = holds_for(booked, amounts, is_final=draft.was_final)
    entry = held_entry(case_id=draft.id, order_id=draft.order_id, holds=holds, at=draft.opened_at)
    if entry is None:
        return
    await note_held(conn, draft, holds)
    await book(
        conn,
        store_id=draft.store_id,
        currency=draft.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


async def _tell(conn: AsyncConnection, draft: CaseDraft, order: Any) -> None:
    store_id, at = draft.store_id, draft.opened_at
    await renew_deadline(
        conn, store_id=store_id, kind=draft.due_kind, subject_id=draft.id, due_at=draft.due_at
    )
    await drop_deadline(
        conn, store_id=store_id, kind="final_at", subject_id=draft.order_id, at=at, why="case"
    )
    facts = {
        "number": draft.number,
        "order_id": str(draft.order_id),
        "order_number": order.number,
        "kind": draft.kind.value,
        "reason": draft.reason,
        "asked_minor": draft.asked_minor,
        "currency": draft.currency,
        "due_at": draft.due_at.isoformat(),
    }
    await record(conn, "case.opened", store_id=store_id, subject_id=draft.id, at=at, facts=facts)
