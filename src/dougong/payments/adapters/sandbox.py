"""The gateway that comes with Dougong: a pay page where the payer chooses what happens.

It keeps its own table (`sandbox_charges`) as a real gateway keeps its own books, and speaks to us
only by webhooks signed as Standard Webhooks ask.
"""

import base64
import hashlib
from collections.abc import Mapping
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
from dougong.payments.rules import BadSignature, EventKind, GatewayEvent, Started


class Outcome(StrEnum):
    """What the payer can choose on the page."""

    PAID = "paid"
    DECLINED = "declined"
    VERIFY = "verify"  # an extra step, then paid
    SILENT = "silent"  # the gateway never answers
    TWICE = "twice"  # it answers twice
    LATE = "late"  # it answers after the order's time is over
    WRONG_AMOUNT = "wrong_amount"  # it answers with one minor unit less


LATE_S = 20 * 60


class SignedEvent(msgspec.Struct, frozen=True):
    """A webhook as it goes over the wire; `delay_s` in business time."""

    body: bytes
    headers: dict[str, str]
    delay_s: int = 0


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
                    ON CONFLICT (id) DO NOTHING
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
        self, *, gateway_ref: str, refund_id: UUID, amount_minor: int, currency: str
    ) -> str:
        refuse_in_transaction()
        return f"sbr_{refund_id.hex}"

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

    A charge that is paid or declined stays so: choosing again sends the same event again.
    """
    row = await charge(conn, charge_id=charge_id)
    if row.state == "paid":
        outcome = Outcome.PAID
    states = {Outcome.DECLINED: "declined", Outcome.VERIFY: "verifying", Outcome.SILENT: "silent"}
    await conn.execute(
        text("UPDATE sandbox_charges SET state = :state WHERE id = :id AND state <> 'paid'"),
        {"id": charge_id, "state": states.get(outcome, "paid")},
    )
    if outcome in (Outcome.VERIFY, Outcome.SILENT):
        return []
    kind = EventKind.DECLINED if outcome is Outcome.DECLINED else EventKind.CAPTURED
    short = 1 if outcome is Outcome.WRONG_AMOUNT else 0
    event = GatewayEvent(
        event_id=f"evt_{kind}_{charge_id.hex}",
        kind=kind,
        gateway_ref=row.reference,
        amount_minor=row.amount_minor - short,
        currency=row.currency,
        at=now(),
    )
    signed = sign(event)
    if outcome is Outcome.TWICE:
        return [signed, signed]
    if outcome is Outcome.LATE:
        return [SignedEvent(signed.body, signed.headers, delay_s=LATE_S)]
    return [signed]
