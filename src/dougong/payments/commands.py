"""Writes payments, their parts per order, refunds, and money that could not be allocated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, PaymentId, PersonId, StoreId, new_id
from dougong.payments.rules import GatewayEvent, Started


class Part(msgspec.Struct, frozen=True):
    """What one payment pays of one order."""

    store_id: StoreId
    order_id: OrderId
    amount_minor: int


FITTING_PAYMENT = text("""
    SELECT p.* FROM payments p
    WHERE p.checkout_id = :checkout_id AND p.payer_id = :payer_id
      AND p.state = 'started' AND p.gateway = :gateway AND p.amount_minor = :amount
      AND (SELECT count(*) FROM payment_parts x WHERE x.payment_id = p.id
           AND x.order_id = ANY(CAST(:orders AS uuid[]))) = :count
    ORDER BY p.started_at DESC LIMIT 1
""")

INSERT_PAYMENT = text("""
    INSERT INTO payments (id, checkout_id, payer_id, gateway, currency, amount_minor, state,
      started_at)
    VALUES (:id, :checkout_id, :payer_id, :gateway, :currency, :amount, 'started', :at)
    RETURNING *
""")

INSERT_PARTS = text("""
    INSERT INTO payment_parts (store_id, order_id, payment_id, amount_minor)
    SELECT store_id, order_id, :id, amount
    FROM unnest(CAST(:stores AS uuid[]), CAST(:orders AS uuid[]), CAST(:amounts AS bigint[]))
      AS p (store_id, order_id, amount)
""")


async def open_payment(
    conn: AsyncConnection,
    *,
    checkout_id: UUID,
    payer_id: PersonId,
    gateway: str,
    currency: str,
    parts: Sequence[Part],
    at: datetime,
) -> Any:
    """A started payment over exactly these parts; an earlier one that still fits is used again.

    Who asks for the same checkout at the same time waits, and gets the same payment.
    """
    values = {
        "id": new_id(),
        "checkout_id": checkout_id,
        "payer_id": payer_id,
        "gateway": gateway,
        "currency": currency,
        "amount": sum(part.amount_minor for part in parts),
        "at": at,
        "count": len(parts),
        "stores": [part.store_id for part in parts],
        "orders": [part.order_id for part in parts],
        "amounts": [part.amount_minor for part in parts],
    }
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"payment:{checkout_id}"},
    )
    row = (await conn.execute(FITTING_PAYMENT, values)).one_or_none()
    if row is None:
        row = (await conn.execute(INSERT_PAYMENT, values)).one()
        await conn.execute(INSERT_PARTS, values)
    return row


async def name_at_gateway(
    conn: AsyncConnection, *, payment_id: PaymentId, payer_id: PersonId, started: Started
) -> None:
    """Note how the gateway calls a payment, and where it is paid."""
    await conn.execute(
        text("""
            UPDATE payments SET gateway_ref = :ref, pay_url = :url
            WHERE id = :id AND payer_id = :payer_id AND pay_url IS NULL
        """),
        {
            "id": payment_id,
            "payer_id": payer_id,
            "ref": started.gateway_ref,
            "url": started.pay_url,
        },
    )


async def lock_payment(
    conn: AsyncConnection, *, gateway: str, gateway_ref: str, payment_id: PaymentId | None
) -> Any | None:
    """The payment that a gateway speaks of: by our id where it says that, else by its own name."""
    return (
        await conn.execute(
            text("""
                SELECT * FROM payments
                WHERE gateway = :gateway AND (gateway_ref = :ref OR id = CAST(:id AS uuid))
                ORDER BY id = CAST(:id AS uuid) DESC NULLS LAST LIMIT 1 FOR UPDATE
            """),
            {"gateway": gateway, "ref": gateway_ref, "id": payment_id},
        )
    ).one_or_none()


async def mark_captured(
    conn: AsyncConnection, *, payment_id: PaymentId, gateway_ref: str, at: datetime
) -> bool:
    """False when it was captured before. `gateway_ref`: what its money is called from now on."""
    done = await conn.execute(
        text("""
            UPDATE payments SET state = 'captured', captured_at = :at, gateway_ref = :ref
            WHERE id = :id AND state IN ('started', 'declined', 'abandoned')
        """),
        {"id": payment_id, "ref": gateway_ref, "at": at},
    )
    return done.rowcount == 1


async def mark_declined(conn: AsyncConnection, *, payment_id: PaymentId) -> bool:
    done = await conn.execute(
        text("UPDATE payments SET state = 'declined' WHERE id = :id AND state = 'started'"),
        {"id": payment_id},
    )
    return done.rowcount == 1


async def abandon(conn: AsyncConnection, *, payment_id: PaymentId) -> None:
    """Its gateway took something else than was asked: who wants to pay gets a new payment."""
    await conn.execute(
        text("UPDATE payments SET state = 'abandoned' WHERE id = :id AND state <> 'captured'"),
        {"id": payment_id},
    )


async def parts_to_book(conn: AsyncConnection, *, payment_id: PaymentId) -> Sequence[Any]:
    """(store_id, order_id, amount_minor) of a payment's parts that no order has received yet."""
    found = await conn.execute(
        text("""
            SELECT store_id, order_id, amount_minor FROM payment_parts
            WHERE payment_id = :id AND booked_at IS NULL ORDER BY store_id, order_id
        """),
        {"id": payment_id},
    )
    return found.all()


async def claim_part(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    payment_id: PaymentId,
    outcome: str,
    at: datetime,
) -> bool:
    """Mark a part as booked; False when it was. Whoever gets True books it, in this transaction."""
    done = await conn.execute(
        text("""
            UPDATE payment_parts SET booked_at = :at, outcome = :outcome
            WHERE store_id = :store_id AND order_id = :order_id AND payment_id = :payment_id
              AND booked_at IS NULL
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "payment_id": payment_id,
            "outcome": outcome,
            "at": at,
        },
    )
    return done.rowcount == 1


async def note_unallocated(
    conn: AsyncConnection,
    *,
    gateway: str,
    event: GatewayEvent,
    payment_id: PaymentId | None,
    order_id: OrderId | None,
    amount_minor: int,
    reason: str,
    at: datetime,
) -> UUID | None:
    """Keep money that belongs to no order in sight; None when it was noted before."""
    noted: UUID | None = await conn.scalar(
        text("""
            INSERT INTO unallocated_money (id, gateway, gateway_ref, payment_id, order_id, currency,
              amount_minor, reason, arrived_at)
            VALUES (:id, :gateway, :ref, CAST(:payment_id AS uuid), CAST(:order_id AS uuid),
              :currency, :amount, :reason, :at)
            ON CONFLICT ON CONSTRAINT unallocated_money_once DO NOTHING
            RETURNING id
        """),
        {
            "id": new_id(),
            "gateway": gateway,
            "ref": event.gateway_ref,
            "payment_id": payment_id,
            "order_id": order_id,
            "currency": event.currency,
            "amount": amount_minor,
            "reason": reason,
            "at": at,
        },
    )
    return noted


async def resolve_unallocated(
    conn: AsyncConnection,
    *,
    unallocated_id: UUID,
    person_id: PersonId,
    resolution: str,
    note: str,
    at: datetime,
) -> Any:
    """An operator's decision: sent_back, matched or kept_for_claim; what was kept may yet be
    sent back or matched.

    Raises NotFound when decided before.
    """
    row = (
        await conn.execute(
            text("""
                UPDATE unallocated_money SET resolved_at = :at, resolved_by = :person_id,
                  resolution = :resolution, note = :note
                WHERE id = :id AND (resolved_at IS NULL
                  OR (resolution = 'kept_for_claim' AND :resolution IN ('sent_back', 'matched')))
                RETURNING *
            """),
            {
                "id": unallocated_id,
                "person_id": person_id,
                "resolution": resolution,
                "note": note,
                "at": at,
            },
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


async def is_matched(
    conn: AsyncConnection, money: Any, *, store_id: StoreId, order_id: OrderId
) -> bool:
    """Whether this very order has been given this money (`unallocated_money` with payment_id)."""
    found = await conn.scalar(
        text("""
            SELECT true FROM payment_parts WHERE store_id = :store_id AND order_id = :order_id
              AND payment_id = :payment_id AND outcome = 'allocated' AND booked_at = :at
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "payment_id": money.payment_id,
            "at": money.resolved_at if money.resolution == "matched" else None,
        },
    )
    return bool(found)


async def give_to_order(
    conn: AsyncConnection,
    *,
    payment_id: PaymentId,
    store_id: StoreId,
    order_id: OrderId,
    amount_minor: int,
    at: datetime,
) -> None:
    """The payment that brought the money pays this order too: its refunds go back by it."""
    await conn.execute(
        text("""
            INSERT INTO payment_parts (store_id, order_id, payment_id, amount_minor, booked_at,
              outcome)
            VALUES (:store_id, :order_id, :payment_id, :amount, :at, 'allocated')
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "payment_id": payment_id,
            "amount": amount_minor,
            "at": at,
        },
    )


async def paying_payment(conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId) -> Any:
    """The payment whose money an order holds. Raises NotFound."""
    row = (
        await conn.execute(
            text("""
                SELECT p.* FROM payment_parts x JOIN payments p ON p.id = x.payment_id
                WHERE x.store_id = :store_id AND x.order_id = :order_id AND x.outcome = 'allocated'
            """),
            {"store_id": store_id, "order_id": order_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row
