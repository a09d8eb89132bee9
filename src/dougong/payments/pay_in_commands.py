"""Writes what is paid in for something else than orders: coins, an advertiser's funds."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import KeyReused
from dougong.base.ids import PaymentId, PersonId, new_id
from dougong.base.money import Money
from dougong.payments.rules import PayInPurpose
from dougong.payments.tables import pay_ins, payments


async def ask_pay_in(
    conn: AsyncConnection,
    *,
    purpose: PayInPurpose,
    owner_id: UUID,
    subject_id: UUID | None,
    payer_id: PersonId,
    amount: Money,
    key: str,
    at: datetime,
) -> Any:
    """The payer's pay-in under this key, made once. Raises KeyReused when the key asked for
    something else."""
    asked = {
        "purpose": purpose,
        "owner_id": owner_id,
        "subject_id": subject_id,
        "currency": amount.currency,
        "amount_minor": amount.minor,
    }
    row = {"id": new_id(), "payer_id": payer_id, "idempotency_key": key, "asked_at": at, **asked}
    once = upsert(pay_ins).values(**row).on_conflict_do_nothing(constraint="pay_ins_one_key")
    await conn.execute(once)
    mine = pay_ins.c.payer_id == payer_id, pay_ins.c.idempotency_key == key
    kept = (await conn.execute(select(pay_ins).where(*mine))).one()
    if any(getattr(kept, name) != value for name, value in asked.items()):
        raise KeyReused(field="idempotency_key")
    return kept


async def open_pay_in_payment(
    conn: AsyncConnection, *, pay_in: Any, gateway: str, at: datetime
) -> Any:
    """A started payment of a pay-in at this gateway; who asks at the same time gets the same."""
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"payment:{pay_in.id}"},
    )
    fitting = (
        select(payments)
        .where(payments.c.checkout_id == pay_in.id, payments.c.payer_id == pay_in.payer_id)
        .where(payments.c.state == "started", payments.c.gateway == gateway)
        .order_by(payments.c.started_at.desc())
        .limit(1)
    )
    if (row := (await conn.execute(fitting)).one_or_none()) is not None:
        return row
    opened = insert(payments).values(
        id=new_id(),
        checkout_id=pay_in.id,
        payer_id=pay_in.payer_id,
        gateway=gateway,
        currency=pay_in.currency,
        amount_minor=pay_in.amount_minor,
        state="started",
        started_at=at,
    )
    return (await conn.execute(opened.returning(payments))).one()


async def pay_in_of(conn: AsyncConnection, *, checkout_id: UUID) -> Any | None:
    """What the payments of this checkout pay in; None where they pay orders."""
    found = await conn.execute(select(pay_ins).where(pay_ins.c.id == checkout_id))
    return found.one_or_none()


async def claim_pay_in(
    conn: AsyncConnection, *, pay_in_id: UUID, payment_id: PaymentId, at: datetime
) -> bool:
    """Mark it as brought by this payment. Whoever gets True books it, in this transaction."""
    done = await conn.execute(
        update(pay_ins)
        .where(pay_ins.c.id == pay_in_id, pay_ins.c.payment_id.is_(None))
        .values(payment_id=payment_id, booked_at=at)
    )
    return done.rowcount == 1
