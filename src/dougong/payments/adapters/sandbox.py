"""The gateway that comes with Dougong: a pay page where the payer chooses what happens.

It keeps its own table (`sandbox_charges`) as a real gateway keeps its own books, and speaks to us
only by webhooks signed as Standard Webhooks ask.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from dougong.base.errors import NotFound
from dougong.base.ids import PaymentId, derived_id
from dougong.infra.clock import now, wall_now
from dougong.infra.db import refuse_in_transaction, transaction
from dougong.infra.settings import settings
from dougong.payments.rules import (
    BadSignature,
    EventKind,
    GatewayEvent,
    RefundState,
    SentRefund,
    Started,
)


class Outcome(StrEnum):
    """What the payer can choose on the page."""

    PAID = "paid"
    DECLINED = "declined"
    VERIFY = "verify"  # an extra step, then paid
    SILENT = "silent"  # the gateway never answers
    TWICE = "twice"  # it answers twice
    LATE = "late"  # it answers 20 minutes later, when the order's time is over
    WRONG_AMOUNT = "wrong_amount"  # it answers with one minor unit less


LATE = timedelta(minutes=20)
STATES = {Outcome.DECLINED: "declined", Outcome.VERIFY: "verifying", Outcome.SILENT: "silent"}


class SignedEvent(msgspec.Struct, frozen=True):
    """A webhook as it goes over the wire."""

    body: bytes
    headers: dict[str, str]


def _webhook() -> Webhook:
    key = hashlib.sha256(b"sandbox webhooks" + settings().secret()).digest()
    return Webhook(base64.b64encode(key).decode())


def sign(event: GatewayEvent) -> SignedEvent:
    body = msgspec.json.encode(event)
    at = wall_now()
    headers = {
        "webhook-id": event.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": _webhook().sign(event.event_id, at, body.decode()),
    }
    return SignedEvent(body, headers)


class Sandbox:
    """Adapter and hosted gateway in one."""

    code = "sandbox"

    async def start(
        self, *, payment_id: PaymentId, amount_minor: int, currency: str, return_url: str
    ) -> Started:
        refuse_in_transaction()
        charge_id = derived_id(payment_id, "sandbox")
        async with transaction() as conn:
            await conn.execute(
                text("""
                    INSERT INTO sandbox_charges (id, reference, currency, amount_minor, state,
                      return_url, created_at)
                    VALUES (:id, :reference, :currency, :amount, 'open', :return_url, :at)
                    ON CONFLICT DO NOTHING -- two at once may meet at the reference, too
                """),
                {
                    "id": charge_id,
                    "reference": f"sb_{charge_id.hex}",
                    "currency": currency,
                    "amount": amount_minor,
                    "return_url": return_url,
                    "at": wall_now(),
                },
            )
        return Started(f"sb_{charge_id.hex}", f"/pay/sandbox/{charge_id}")

    async def refund(
        self, *, gateway_ref: str, refund_id: UUID, attempt: int, amount_minor: int, currency: str
    ) -> SentRefund:
        refuse_in_transaction()
        return SentRefund(f"sbr_{refund_id.hex}_{attempt}", RefundState.DONE)

    def read_event(self, *, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            _webhook().verify(body.decode(), lower)
            return msgspec.json.decode(body, type=GatewayEvent)
        except (WebhookVerificationError, msgspec.DecodeError, ValueError) as error:
            raise BadSignature from error


async def charge(conn: AsyncConnection, *, charge_id: UUID) -> Any:
    """The charge that a pay page shows. Raises NotFound."""
    row = (
        await conn.execute(
            text("SELECT * FROM sandbox_charges WHERE id = :id FOR UPDATE"), {"id": charge_id}
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


async def choose(conn: AsyncConnection, *, charge_id: UUID, outcome: Outcome) -> list[SignedEvent]:
    """Carry out what the payer chose; answers the webhooks that the gateway now sends.

    A charge that is paid stays so: choosing again sends the same event again, once it was sent. A
    declined one may be tried again.
    """
    row = await charge(conn, charge_id=charge_id)
    if row.state == "paid":
        return [] if row.answer_at else [_answer(row, EventKind.CAPTURED)]
    state = STATES.get(outcome, "paid")
    paid_minor = row.amount_minor - (1 if outcome is Outcome.WRONG_AMOUNT else 0)
    row = (
        await conn.execute(
            text("""
                UPDATE sandbox_charges SET state = :state, answer_at = :answer_at,
                  paid_minor = CASE WHEN :state = 'paid' THEN CAST(:paid AS bigint) END
                WHERE id = :id RETURNING *
            """),
            {
                "id": charge_id,
                "state": state,
                "paid": paid_minor,
                "answer_at": now() + LATE if outcome is Outcome.LATE else None,
            },
        )
    ).one()
    if outcome in (Outcome.VERIFY, Outcome.SILENT, Outcome.LATE):
        return []
    kind = EventKind.DECLINED if outcome is Outcome.DECLINED else EventKind.CAPTURED
    return [_answer(row, kind)] * (2 if outcome is Outcome.TWICE else 1)


def _answer(row: Any, kind: EventKind) -> SignedEvent:
    event = GatewayEvent(
        event_id=f"evt_{kind}_{row.id.hex}",
        kind=kind,
        gateway_ref=row.reference,
        amount_minor=row.amount_minor if row.paid_minor is None else row.paid_minor,
        currency=row.currency,
        at=now(),
    )
    return sign(event)


async def late_answers(
    conn: AsyncConnection, *, at: datetime, most: int
) -> list[tuple[UUID, SignedEvent]]:
    """What is to be answered late, by business time: charges with their webhooks."""
    found = await conn.execute(
        text("""
            SELECT * FROM sandbox_charges WHERE answer_at <= :at ORDER BY answer_at LIMIT :most
        """),
        {"at": at, "most": most},
    )
    return [(row.id, _answer(row, EventKind.CAPTURED)) for row in found]


async def note_answered(conn: AsyncConnection, *, charge_id: UUID) -> None:
    """A late answer was taken; as with every gateway, not before that it counts as sent."""
    await conn.execute(
        text("UPDATE sandbox_charges SET answer_at = NULL WHERE id = :id"), {"id": charge_id}
    )
