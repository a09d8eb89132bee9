"""A merchant is punished by a dated rule, appeals, and is answered; taken back means taken back to
the fen: the entry of the fine is reversed, and a measure holds only while its penalty does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput, KeyReused
from dougong.base.ids import PLATFORM_BOOK, EntryId, PersonId, StoreId, new_id
from dougong.catalog.queries import store_of
from dougong.infra import clock, events
from dougong.ledger.commands import book, reverse
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.reads.standing import deposit_of, orders_named
from dougong.standing import commands
from dougong.standing.queries import StandingRule, penalty_before, tariff_at
from dougong.standing.rules import MOST_ORDERS, Tariff, fine, measure_until


async def penalise(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    violation: str,
    order_numbers: Sequence[str],
    words: str,
    person_id: PersonId,
    key: str,
    at: datetime,
) -> UUID:
    """Decide a penalty by the rule in force now, take its fine out of the deposit, and write down
    the orders that it is about as they stand. The same key decides once.

    A fine may be more than what is left of the deposit: the store owes the rest then.
    Raises NoStandingRule, BadInput (an order that is not the store's), KeyReused.
    """
    await _one_at_a_time(conn, f"penalty:{store_id}:{key}")
    before = await penalty_before(conn, store_id=store_id, key=key)
    if before is not None:
        if (before.violation, before.words) != (violation, words):
            raise KeyReused(field="idempotency_key")
        return UUID(str(before.id))
    store = await store_of(conn, store_id=store_id)
    rule, tariff = await tariff_at(conn, violation=violation, at=at)
    if tariff.currency != store.currency:
        raise BadInput(field="violation", reason="wrong_currency")
    orders = await _orders(conn, store_id, order_numbers)
    paid_minor = sum(order.total_minor for order in orders)
    penalty_id, fine_minor = new_id(), fine(tariff, paid_minor=paid_minor)
    row = {
        "store_id": store_id,
        "id": penalty_id,
        "violation": violation,
        "facts": {"orders": len(orders), "paid_minor": paid_minor},
        "words": words,
        "fine_minor": fine_minor,
        "decided_by": person_id,
        "decided_at": at,
        "idempotency_key": key,
        **_terms(rule, tariff, at=at),
    }
    await commands.write_penalty(conn, row=row, orders=[_as_stood(order) for order in orders])
    await _take_fine(conn, store_id, store.currency, penalty_id, fine_minor, at=at)
    facts = {"violation": violation, "fine_minor": fine_minor, "measure": tariff.measure.value}
    await _said(conn, (store_id, penalty_id), "standing.penalised", person_id, at, facts)
    return penalty_id


def _terms(rule: StandingRule, tariff: Tariff, *, at: datetime) -> dict[str, Any]:
    """What of a rule is frozen on a penalty."""
    return {
        "rule_id": rule.id,
        "currency": tariff.currency,
        "measure": tariff.measure.value,
        "measure_until": measure_until(tariff, at=at),
        "appeal_until": at + timedelta(days=tariff.appeal_days),
    }


async def _one_at_a_time(conn: AsyncConnection, name: str) -> None:
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
    )


async def _orders(
    conn: AsyncConnection, store_id: StoreId, numbers: Sequence[str]
) -> Sequence[Any]:
    wanted = sorted({number.strip() for number in numbers if number.strip()})
    if len(wanted) > MOST_ORDERS:
        raise BadInput(field="orders", reason="too_many")
    found = await orders_named(conn, store_id=store_id, numbers=wanted)
    if len(found) != len(wanted):
        raise BadInput(field="orders", reason="unknown_order")
    return found


def _as_stood(order: Any) -> tuple[UUID, dict[str, Any]]:
    return order.id, {
        "state": order.state,
        "total_minor": order.total_minor,
        "paid_at": order.paid_at.isoformat() if order.paid_at else None,
        "shipped_at": order.shipped_at.isoformat() if order.shipped_at else None,
    }


def fine_key(penalty_id: UUID) -> str:
    return f"fine:{penalty_id}"


async def _take_fine(
    conn: AsyncConnection,
    store_id: StoreId,
    currency: str,
    penalty_id: UUID,
    minor: int,
    *,
    at: datetime,
) -> None:
    if not minor:
        return
    deposit = AccountName(store_id, Purpose.DEPOSIT)
    entry = Entry(
        kind=EntryKind.FINE,
        key=fine_key(penalty_id),
        counts_at=at,
        transfers=tuple(moved(deposit, platform(Purpose.PLATFORM_FINES), minor, Part.FINE)),
    )
    await book(
        conn, store_id=PLATFORM_BOOK, currency=currency, entries=[entry],
        written_at=clock.wall_now(),
    )  # fmt: skip


async def appeal(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    penalty_id: UUID,
    words: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Raises NotFound, PenaltyReversed, AppealTooLate, AppealedAlready."""
    await commands.appeal(
        conn, store_id=store_id, penalty_id=penalty_id, words=words, person_id=person_id, at=at
    )
    await audit(
        conn, at=at, person_id=person_id, action="standing.appealed", owner_id=store_id,
        subject=str(penalty_id),
    )  # fmt: skip


async def answer_appeal(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    penalty_id: UUID,
    is_reversed: bool,
    answer: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Uphold the penalty, or take it back. Raises NotFound where no appeal waits,
    OtherPersonNeeded, PenaltyReversed."""
    penalty = await commands.lock_penalty(conn, store_id=store_id, penalty_id=penalty_id)
    outcome = "reversed" if is_reversed else "upheld"
    await commands.answer_appeal(
        conn, penalty=penalty, outcome=outcome, answer=answer, person_id=person_id, at=at
    )
    if is_reversed:
        await _take_back(conn, penalty, why=answer, person_id=person_id, at=at)
    facts = {"outcome": outcome}
    await _said(conn, (store_id, penalty_id), "standing.appeal_answered", person_id, at, facts)


async def take_back(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    penalty_id: UUID,
    why: str,
    person_id: PersonId,
    at: datetime,
) -> None:
    """Without an appeal: whoever sees that it was wrong. Raises NotFound, PenaltyReversed."""
    penalty = await commands.lock_penalty(conn, store_id=store_id, penalty_id=penalty_id)
    await _take_back(conn, penalty, why=why, person_id=person_id, at=at)
    facts = {"why": why}
    await _said(conn, (store_id, penalty_id), "standing.penalty_reversed", person_id, at, facts)


async def _take_back(
    conn: AsyncConnection, penalty: Any, *, why: str, person_id: PersonId, at: datetime
) -> None:
    await commands.mark_reversed(conn, penalty=penalty, why=why, person_id=person_id, at=at)
    if not penalty.fine_minor:
        return
    entry_id = await conn.scalar(
        text("SELECT id FROM ledger_entries WHERE store_id = :book AND key = :key"),
        {"book": PLATFORM_BOOK, "key": fine_key(penalty.id)},
    )
    await reverse(
        conn,
        store_id=PLATFORM_BOOK,
        entry_id=EntryId(UUID(str(entry_id))),
        key=f"fine_back:{penalty.id}",
        counts_at=at,
        written_at=clock.wall_now(),
    )


async def _said(
    conn: AsyncConnection,
    penalty: tuple[StoreId, UUID],
    kind: str,
    person_id: PersonId,
    at: datetime,
    facts: dict[str, Any],
) -> None:
    """An event of the store, and a line of the audit log."""
    store_id, penalty_id = penalty
    await events.record(conn, kind, store_id=store_id, subject_id=penalty_id, at=at, facts=facts)
    await audit(
        conn, at=at, person_id=person_id, action=kind, owner_id=store_id,
        subject=str(penalty_id), facts=facts,
    )  # fmt: skip


async def return_spare_deposit(
    conn: AsyncConnection, *, store_id: StoreId, person_id: PersonId, key: str, at: datetime
) -> int:
    """What the store need not leave any more becomes payable to its merchant; answers how much, in
    minor units. The same key returns once. Raises BadInput when there is nothing to return."""
    store = await store_of(conn, store_id=store_id)
    await _one_at_a_time(conn, f"deposit:{store_id}")
    before = await conn.scalar(
        text("""
            SELECT t.amount_minor FROM ledger_entries e
            JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
            WHERE e.store_id = :book AND e.key = :key
        """),
        {"book": PLATFORM_BOOK, "key": f"deposit_back:{store_id}:{key}"},
    )
    if before is not None:
        return int(before)
    state = await deposit_of(conn, store_id=store_id, currency=store.currency, at=at)
    if not state.spare_minor:
        raise BadInput(field="amount", reason="nothing_to_return")
    deposit = AccountName(store_id, Purpose.DEPOSIT)
    payable = AccountName(store.org_id, Purpose.MERCHANT_PAYABLE)
    entry = Entry(
        kind=EntryKind.DEPOSIT_RETURNED,
        key=f"deposit_back:{store_id}:{key}",
        counts_at=at,
        transfers=tuple(moved(deposit, payable, state.spare_minor, Part.DEPOSIT)),
    )
    await book(
        conn, store_id=PLATFORM_BOOK, currency=store.currency, entries=[entry],
        written_at=clock.wall_now(),
    )  # fmt: skip
    facts = {"amount_minor": state.spare_minor}
    await audit(
        conn, at=at, person_id=person_id, action="standing.deposit_returned", owner_id=store_id,
        subject=store.code, facts=facts,
    )  # fmt: skip
    return state.spare_minor
