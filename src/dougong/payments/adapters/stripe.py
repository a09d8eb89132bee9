"""Stripe, by its official SDK: a PaymentIntent per payment, confirmed on Stripe's hosted page.

Source of shapes and signatures: Stripe's API reference (PaymentIntent, Refund, webhooks).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stripe

from dougong.base.ids import PaymentId
from dougong.infra.db import refuse_in_transaction
from dougong.infra.settings import settings
from dougong.payments.rules import BadSignature, EventKind, GatewayDown, GatewayEvent, Started

KINDS = {
    "payment_intent.succeeded": EventKind.CAPTURED,
    "payment_intent.payment_failed": EventKind.DECLINED,
    "refund.updated": EventKind.REFUNDED,
    "charge.refund.updated": EventKind.REFUNDED,
    "refund.failed": EventKind.REFUND_FAILED,
}
SIGNATURE_TOLERANCE_S = 300
TIMEOUT_S = 20


class Stripe:
    code = "stripe"

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[stripe.StripeClient]:
        """A client for one call, its connections closed afterwards. Raises GatewayDown for any
        answer but the one that was asked for."""
        base = settings().stripe_api_base
        addresses: Any = {"api": base} if base else {}
        http = stripe.HTTPXClient(timeout=TIMEOUT_S)
        try:
            yield stripe.StripeClient(
                settings().stripe_api_key, base_addresses=addresses, http_client=http
            )
        except stripe.StripeError as error:
            raise GatewayDown(reason=str(error)[:200]) from error
        finally:
            await http.close_async()  # type: ignore[no-untyped-call]

    async def start(
        self, *, payment_id: PaymentId, amount_minor: int, currency: str, return_url: str
    ) -> Started:
        refuse_in_transaction()
        async with self._client() as client:
            made = await client.v1.payment_intents.create_async(
                {
                    "amount": amount_minor,
                    "currency": currency.lower(),
                    "metadata": {"payment_id": str(payment_id)},
                },
                {"idempotency_key": f"pay-{payment_id}"},
            )
        return Started(made.id, f"/pay/stripe/{payment_id}")

    async def refund(
        self, *, gateway_ref: str, refund_id: UUID, amount_minor: int, currency: str
    ) -> str:
        refuse_in_transaction()
        async with self._client() as client:
            made = await client.v1.refunds.create_async(
                {
                    "payment_intent": gateway_ref,
                    "amount": amount_minor,
                    "metadata": {"refund_id": str(refund_id)},
                },
                {"idempotency_key": f"refund-{refund_id}"},
            )
        return str(made.id)

    def read_event(self, *, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            event = stripe.Webhook.construct_event(
                body,
                lower.get("stripe-signature", ""),
                settings().stripe_webhook_secret,
                tolerance=SIGNATURE_TOLERANCE_S,
            ).to_dict()
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise BadSignature from error
        kind = KINDS.get(event["type"])
        return None if kind is None else _read(event, kind)


def _read(event: dict[str, Any], kind: EventKind) -> GatewayEvent | None:
    found = event["data"]["object"]
    refund_id = _our_id((found.get("metadata") or {}).get("refund_id"))
    if kind is EventKind.REFUNDED and found.get("status") not in ("succeeded", "failed"):
        return None
    if kind is EventKind.REFUNDED and found["status"] == "failed":
        kind = EventKind.REFUND_FAILED
    is_refund = kind in (EventKind.REFUNDED, EventKind.REFUND_FAILED)
    amount = found.get("amount_received") if kind is EventKind.CAPTURED else found["amount"]
    return GatewayEvent(
        event_id=event["id"],
        kind=kind,
        gateway_ref=found["payment_intent"] if is_refund else found["id"],
        amount_minor=int(amount or found["amount"]),
        currency=found["currency"].upper(),
        at=datetime.fromtimestamp(event["created"], UTC),
        refund_id=refund_id,
    )


def _our_id(text: object) -> UUID | None:
    """None for what somebody has typed into Stripe's dashboard."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
