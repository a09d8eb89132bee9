"""Stripe, by its official SDK: a Checkout Session per payment, which is Stripe's hosted page.

The session's PaymentIntent comes to be when the payer confirms: its events name our payment in
their metadata, and from its capture on the payment is known by the intent's id.
Source of shapes and signatures: Stripe's API reference (Checkout Session, PaymentIntent, Refund,
webhooks).
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
from dougong.payments.rules import (
    BadSignature,
    EventKind,
    GatewayDown,
    GatewayEvent,
    GatewayRefused,
    RefundState,
    SentRefund,
    Started,
)

KINDS = {
    "payment_intent.succeeded": EventKind.CAPTURED,
    "payment_intent.payment_failed": EventKind.DECLINED,
    "refund.created": EventKind.REFUNDED,
    "refund.updated": EventKind.REFUNDED,
    "charge.refund.updated": EventKind.REFUNDED,
    "refund.failed": EventKind.REFUND_FAILED,
}
# How far a refund has come, by Stripe's word for it; any other word: it is on its way.
REFUND_STATES = {
    "succeeded": RefundState.DONE,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
SIGNATURE_TOLERANCE_S = 300
TIMEOUT_S = 20


class Stripe:
    code = "stripe"

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[stripe.StripeClient]:
        """A client for one call, its connections closed afterwards. Raises GatewayDown for any
        answer but the one that was asked for; GatewayRefused where it will stay that one."""
        base = settings().stripe_api_base
        addresses: Any = {"api": base} if base else {}
        http = stripe.HTTPXClient(timeout=TIMEOUT_S)
        try:
            yield stripe.StripeClient(
                settings().stripe_api_key, base_addresses=addresses, http_client=http
            )
        except (stripe.InvalidRequestError, stripe.CardError) as error:
            raise GatewayRefused(reason=str(error)[:200]) from error
        except stripe.StripeError as error:
            raise GatewayDown(reason=str(error)[:200]) from error
        finally:
            await http.close_async()  # type: ignore[no-untyped-call]

    async def start(
        self, *, payment_id: PaymentId, amount_minor: int, currency: str, return_url: str
    ) -> Started:
        refuse_in_transaction()
        named, back = {"payment_id": str(payment_id)}, settings().public_url + return_url
        async with self._client() as client:
            made = await client.v1.checkout.sessions.create_async(
                {
                    "mode": "payment",
                    "client_reference_id": str(payment_id),
                    "line_items": [_all_of_it(amount_minor, currency)],
                    "payment_intent_data": {"metadata": named},
                    "metadata": named,
                    "success_url": back,
                    "cancel_url": back,
                },
                {"idempotency_key": f"pay-{payment_id}"},
            )
        if made.url is None:
            raise GatewayDown(reason="a session without its page")
        return Started(made.id, made.url)

    async def refund(
        self, *, gateway_ref: str, refund_id: UUID, attempt: int, amount_minor: int, currency: str
    ) -> SentRefund:
        refuse_in_transaction()
        async with self._client() as client:
            made = await client.v1.refunds.create_async(
                {
                    "payment_intent": gateway_ref,
                    "amount": amount_minor,
                    "metadata": {"refund_id": str(refund_id), "attempt": str(attempt)},
                },
                {"idempotency_key": f"refund-{refund_id}-{attempt}"},
            )
        return SentRefund(str(made.id), REFUND_STATES.get(made.status or "", RefundState.SENT))

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


def _all_of_it(amount_minor: int, currency: str) -> Any:
    """The orders of a checkout as one line: what each costs is told by our own pages."""
    price = {
        "currency": currency.lower(),
        "unit_amount": amount_minor,
        "product_data": {"name": "Dougong"},
    }
    return {"quantity": 1, "price_data": price}


def _read(event: dict[str, Any], kind: EventKind) -> GatewayEvent | None:
    found = event["data"]["object"]
    said = found.get("metadata") or {}
    is_refund = kind in (EventKind.REFUNDED, EventKind.REFUND_FAILED)
    if is_refund:
        state = REFUND_STATES.get(found.get("status") or "")
        if state is None or not found.get("payment_intent"):
            return None  # on its way; or of a charge that no PaymentIntent of ours has made
        kind = EventKind.REFUNDED if state is RefundState.DONE else EventKind.REFUND_FAILED
    received = found.get("amount_received") if kind is EventKind.CAPTURED else None
    return GatewayEvent(
        event_id=event["id"],
        kind=kind,
        gateway_ref=found["payment_intent"] if is_refund else found["id"],
        amount_minor=int(found["amount"] if received is None else received),
        currency=found["currency"].upper(),
        at=datetime.fromtimestamp(event["created"], UTC),
        refund_id=_our_id(said.get("refund_id")),
        attempt=int(said["attempt"]) if str(said.get("attempt", "")).isdecimal() else 1,
        payment_id=None if is_refund else _our_payment(said.get("payment_id")),
        refund_ref=found["id"] if is_refund else "",
    )


def _our_payment(text: object) -> PaymentId | None:
    found = _our_id(text)
    return PaymentId(found) if found else None


def _our_id(text: object) -> UUID | None:
    """None for what somebody has typed into Stripe's dashboard."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
