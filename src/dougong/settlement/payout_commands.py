"""Writes payouts: what a book owes a payee on a day, and each step of it to the bank and back."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, StoreId
from dougong.settlement.payout_rules import (
    BankAnswer,
    PayoutNotFound,
    PayoutState,
    PayoutWrongState,
    Side,
    states_before,
)

MOVED = text("""
    INSERT INTO payout_moves (store_id, payout_id, n, to_state, side, person_id, why, at)
    SELECT p.store_id, p.id, 1 + (SELECT count(*) FROM payout_moves m
        WHERE m.store_id = p.store_id AND m.payout_id = p.id),
      :state, :side, :person_id, :why, :at
    FROM unnest(CAST(:stores AS uuid[]), CAST(:ids AS uuid[])) AS p (store_id, id)
""")

# Locked in one order, so that two files with the same payouts wait for one another.
CONFIRM = text("""
    WITH told AS MATERIALIZED (
      SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:refs AS text[]), CAST(:whys AS text[]))
        AS t (id, ref, why)
    ), held AS MATERIALIZED (
      SELECT store_id, id FROM payouts
      WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'sent' ORDER BY id FOR UPDATE
    )
    UPDATE payouts p SET state = 'confirmed', bank_ref = t.ref, why = t.why, done_at = :at
    FROM held h JOIN told t USING (id)
    WHERE p.store_id = h.store_id AND p.id = h.id
      AND NOT EXISTS (SELECT FROM payouts o WHERE o.bank_ref = t.ref AND o.id <> t.id)
    RETURNING p.*
""")


class NewPayout(msgspec.Struct, frozen=True):
    """`account_id`: where it is to be paid. `retry_of`: the one that came back before."""

    id: UUID
    payee_id: UUID
    account_id: UUID
    amount_minor: int
    retry_of: UUID | None = None


async def lock_payouts(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """Who pays out of a book waits here for whoever does already, until it commits."""
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(7300012, hashtext(CAST(:name AS text)))"),
        {"name": str(store_id)},
    )


async def insert_payouts(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    run_id: UUID,
    purpose: str,
    currency: str,
    day: date,
    payouts: Sequence[NewPayout],
    at: datetime,
) -> set[UUID]:
    """Answers which of them are new: a payee that was paid out of this book on that day already
    gets no second payout, and what came back is tried again once."""
    found = await conn.scalars(
        text("""
            INSERT INTO payouts (store_id, id, run_id, account_id, retry_of, payee_id, purpose,
              currency, day, amount_minor, booked_at)
            SELECT :store_id, p.id, :run_id, p.account_id, p.retry_of, p.payee_id, :purpose,
              :currency, :day, p.amount_minor, :at
            FROM unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:retries AS uuid[]),
              CAST(:payees AS uuid[]), CAST(:amounts AS bigint[]))
              AS p (id, account_id, retry_of, payee_id, amount_minor)
            ON CONFLICT DO NOTHING RETURNING id
        """),
        {"store_id": store_id, "run_id": run_id, "purpose": purpose, "currency": currency,
         "day": day, "at": at, "ids": [p.id for p in payouts],
         "accounts": [p.account_id for p in payouts], "retries": [p.retry_of for p in payouts],
         "payees": [p.payee_id for p in payouts], "amounts": [p.amount_minor for p in payouts]},
    )  # fmt: skip
    made = set(found.all())
    await note_moves(
        conn, payouts=[(store_id, one) for one in made], to=PayoutState.BOOKED, side=Side.PLATFORM,
        at=at,
    )  # fmt: skip
    return made


async def note_moves(
    conn: AsyncConnection,
    *,
    payouts: Sequence[tuple[StoreId, UUID]],
    to: PayoutState,
    side: Side,
    person_id: PersonId | None = None,
    why: str = "",
    at: datetime,
) -> None:
    """A line of the history of each, named by its book and its id."""
    if payouts:
        await conn.execute(
            MOVED,
            {"state": to, "side": side, "person_id": person_id, "why": why[:200], "at": at,
             "stores": [store_id for store_id, _ in payouts], "ids": [one for _, one in payouts]},
        )  # fmt: skip


async def lock_payout(conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID) -> Any:
    """Its row, locked. Raises PayoutNotFound."""
    found = await conn.execute(
        text("SELECT * FROM payouts WHERE store_id = :store_id AND id = :id FOR UPDATE"),
        {"store_id": store_id, "id": payout_id},
    )
    row = found.one_or_none()
    if row is None:
        raise PayoutNotFound(field="payout_id")
    return row


async def move_payout(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    payout_id: UUID,
    to: PayoutState,
    side: Side,
    person_id: PersonId | None = None,
    why: str = "",
    bank_ref: str | None = None,
    account_id: UUID | None = None,
    file_id: UUID | None = None,
    at: datetime,
) -> Any:
    """One step of one payout; answers its row as it stands then. Raises PayoutNotFound,
    PayoutWrongState."""
    found = await conn.execute(
        text("""
            UPDATE payouts SET state = CAST(:to AS text), why = :why,
              bank_ref = coalesce(CAST(:ref AS text), bank_ref),
              account_id = coalesce(CAST(:account_id AS uuid), account_id),
              file_id = coalesce(CAST(:file_id AS uuid), file_id),
              sent_at = CASE WHEN :to = 'sent' THEN CAST(:at AS timestamptz) ELSE sent_at END,
              asked_at = CASE WHEN :to = 'sent' THEN CAST(:at AS timestamptz) ELSE asked_at END,
              done_at = CASE WHEN :to IN ('confirmed', 'returned')
                THEN CAST(:at AS timestamptz) END
            WHERE store_id = :store_id AND id = :id AND state = ANY(CAST(:before AS text[]))
            RETURNING *
        """),
        {"store_id": store_id, "id": payout_id, "to": str(to), "why": why[:200], "ref": bank_ref,
         "account_id": account_id, "file_id": file_id, "at": at, "before": states_before(to)},
    )  # fmt: skip
    row = found.one_or_none()
    if row is None:
        seen = await lock_payout(conn, store_id=store_id, payout_id=payout_id)
        raise PayoutWrongState(field="payout_id", state=seen.state)
    await note_moves(
        conn, payouts=[(store_id, payout_id)], to=to, side=side, person_id=person_id, why=why, at=at
    )
    return row


async def confirm_payouts(
    conn: AsyncConnection, *, answers: Sequence[BankAnswer], at: datetime
) -> Sequence[Any]:
    """The bank has paid these, each under its own name; answers the rows of those that waited for
    it to say so. What stands elsewhere, and a name that another has, is left as it is."""
    found = await conn.execute(
        CONFIRM,
        {"ids": [one.payout_id for one in answers], "refs": [one.ref for one in answers],
         "whys": [one.why[:200] for one in answers], "at": at},
    )  # fmt: skip
    rows = found.all()
    await note_moves(
        conn, payouts=[(StoreId(row.store_id), row.id) for row in rows],
        to=PayoutState.CONFIRMED, side=Side.BANK, at=at,
    )  # fmt: skip
    return rows


async def note_asked(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, at: datetime
) -> None:
    """The bank was asked once more."""
    await conn.execute(
        text("""
            UPDATE payouts SET asked_at = :at
            WHERE store_id = :store_id AND id = :id AND state = 'sent'
        """),
        {"store_id": store_id, "id": payout_id, "at": at},
    )


async def ref_is_taken(conn: AsyncConnection, *, payout_id: UUID, bank_ref: str) -> bool:
    """Whether the bank's name belongs to another payout."""
    return bool(
        await conn.scalar(
            text("SELECT true FROM payouts WHERE bank_ref = :ref AND id <> :id"),
            {"ref": bank_ref, "id": payout_id},
        )
    )
