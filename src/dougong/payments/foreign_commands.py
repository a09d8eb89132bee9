"""Writes refunds that somebody made at a gateway by hand: told of there, decided about here."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PaymentId, PersonId, StoreId, new_id
from dougong.infra import events
from dougong.payments.rules import EventKind, ForeignRefundOver, GatewayEvent


class BookedAs(NamedTuple):
    """The refund of ours that one made at a gateway was booked as."""

    store_id: StoreId
    refund_id: UUID


async def note_foreign(
    conn: AsyncConnection, *, payment_id: PaymentId, event: GatewayEvent, at: datetime
) -> BookedAs | None:
    """Keep what a gateway says of a refund that is not ours, once per refund however often it is
    told; the refund that it was booked as, where it was. One that failed there stays failed."""
    has_failed = event.kind is EventKind.REFUND_FAILED
    row = (
        await conn.execute(
            text("""
                INSERT INTO foreign_refunds AS f (id, payment_id, gateway_ref, currency,
                  amount_minor, told_at, failed_at)
                VALUES (:id, :payment_id, :ref, :currency, :amount, :at, :failed_at)
                ON CONFLICT ON CONSTRAINT foreign_refunds_once
                  DO UPDATE SET failed_at = COALESCE(f.failed_at, excluded.failed_at)
                RETURNING id, store_id, refund_id
            """),
            {
                "id": (made := new_id()),
                "payment_id": payment_id,
                "ref": event.refund_ref or event.event_id,
                "currency": event.currency,
                "amount": event.amount_minor,
                "at": at,
                "failed_at": at if has_failed else None,
            },
        )
    ).one()
    if row.id == made:
        facts = {"amount_minor": event.amount_minor, "currency": event.currency}
        facts["state"] = str(event.kind)
        await events.record(
            conn, "payment.foreign_refund", subject_id=payment_id, at=at, facts=facts
        )
    return BookedAs(StoreId(row.store_id), row.refund_id) if row.refund_id else None


async def lock_foreign(conn: AsyncConnection, *, foreign_id: UUID) -> Any:
    """A refund made at a gateway that nobody has decided about yet.

    Raises NotFound, and ForeignRefundOver for one that was decided about or has failed there.
    """
    row = (
        await conn.execute(
            text("SELECT * FROM foreign_refunds WHERE id = :id FOR UPDATE"), {"id": foreign_id}
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.settled_at or row.failed_at:
        raise ForeignRefundOver(foreign_refund_id=str(foreign_id))
    return row


async def settle_foreign(
    conn: AsyncConnection,
    *,
    foreign_id: UUID,
    person_id: PersonId,
    booked_as: BookedAs | None,
    note: str,
    at: datetime,
) -> None:
    """Write what was decided about a locked one; `booked_as`: None where the books stay."""
    await conn.execute(
        text("""
            UPDATE foreign_refunds SET settled_at = :at, settled_by = :person_id, note = :note,
              store_id = CAST(:store_id AS uuid), refund_id = CAST(:refund_id AS uuid)
            WHERE id = :id
        """),
        {
            "id": foreign_id,
            "at": at,
            "person_id": person_id,
            "note": note,
            "store_id": booked_as.store_id if booked_as else None,
            "refund_id": booked_as.refund_id if booked_as else None,
        },
    )


async def is_sent_back(conn: AsyncConnection, *, unallocated_id: UUID) -> bool:
    """Whether this is money that no order waited for, which we have sent back ourselves."""
    found = text("SELECT 1 FROM unallocated_money WHERE id = :id AND resolution = 'sent_back'")
    return bool(await conn.scalar(found, {"id": unallocated_id}))
