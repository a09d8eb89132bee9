"""What is true of payments by rule, and the words that every gateway adapter speaks."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict, Refusal
from dougong.base.ids import PaymentId


class PaymentState(StrEnum):
    STARTED = "started"
    CAPTURED = "captured"
    DECLINED = "declined"
    ABANDONED = "abandoned"


class RefundState(StrEnum):
    BOOKED = "booked"  # in our books; the gateway has yet to be told
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


# Within one attempt. The gateway's word of a failure is its last, also after it said "done";
# a failed refund is tried again as the next attempt.
REFUND_MOVES: dict[RefundState, set[RefundState]] = {
    RefundState.BOOKED: {RefundState.SENT, RefundState.DONE, RefundState.FAILED},
    RefundState.SENT: {RefundState.DONE, RefundState.FAILED},
    RefundState.DONE: {RefundState.FAILED},
    RefundState.FAILED: set(),
}
MOST_REFUND_ATTEMPTS = 4  # by itself
MOST_REFUND_ATTEMPTS_BY_HAND = 9  # an operator may go on
REFUND_AGAIN_AFTER = timedelta(days=1)


class PayInPurpose(StrEnum):
    """What is paid in, where no order is paid."""

    COINS = "coins"
    FUNDS = "funds"  # an advertiser's, for tasks and advertising
    DEPOSIT = "deposit"  # a store's, with the platform


class EventKind(StrEnum):
    CAPTURED = "captured"
    DECLINED = "declined"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class Unallocated(StrEnum):
    """Why money that arrived belongs to no order."""

    UNKNOWN_PAYMENT = "unknown_payment"
    ORDER_CLOSED = "order_closed"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    PAID_TWICE = "paid_twice"


class BadSignature(Refusal):
    """A webhook that its gateway did not sign, or signed too long ago."""

    code = "bad_signature"
    status = 401


class NothingToPay(Conflict):
    """No order of this checkout waits for its payment."""

    code = "nothing_to_pay"


class NotMatchable(Conflict):
    """This money is not for that order: `why` says payer_unknown, other_payer, other_amount or
    not_to_be_paid."""

    code = "not_matchable"


class RefundNotFailed(Conflict):
    """The refund has been sent again since, has arrived, or no attempt is left."""

    code = "refund_not_failed"


class ForeignRefundOver(Conflict):
    """A refund made at a gateway by hand that has been decided about, or has failed there."""

    code = "foreign_refund_over"


class NotOfThatOrder(Conflict):
    """This refund's payment did not pay that order."""

    code = "refund_not_of_that_order"


class GatewayDown(Refusal):
    """The gateway could not be reached or refused; the same request may be sent again."""

    code = "gateway_unavailable"
    status = 503


class GatewayRefused(GatewayDown):
    """The gateway has said no, and will say it again: the same request need not be repeated."""


class GatewayEvent(msgspec.Struct, frozen=True):
    """What a gateway says has happened, its signature checked. Amounts in minor units.

    `payment_id` and `refund_id` are ours, where the gateway gives back what we told it;
    `attempt`: which of our tries to refund it is about; `refund_ref`: the refund's name there.
    """

    event_id: str
    kind: EventKind
    gateway_ref: str
    amount_minor: int
    currency: str
    at: datetime
    refund_id: UUID | None = None
    attempt: int = 1
    payment_id: PaymentId | None = None
    refund_ref: str = ""


class Started(msgspec.Struct, frozen=True):
    """A payment at its gateway: its name there, and where the payer goes."""

    gateway_ref: str
    pay_url: str


class SentRefund(msgspec.Struct, frozen=True):
    """A refund at its gateway: its name there, and how far it has come at once."""

    gateway_ref: str
    state: RefundState


class Gateway(Protocol):
    """What an adapter must do. Every call carries our id as its idempotency key; none is made
    inside a transaction."""

    code: str

    async def start(
        self, *, payment_id: PaymentId, amount_minor: int, currency: str, return_url: str
    ) -> Started:
        """Open a payment; the same id opens it once. Raises GatewayDown."""
        ...

    async def refund(
        self, *, gateway_ref: str, refund_id: UUID, attempt: int, amount_minor: int, currency: str
    ) -> SentRefund:
        """Send money back; the same id and attempt send it once.

        Raises GatewayDown, and GatewayRefused where asking again is of no use.
        """
        ...

    def read_event(self, *, body: bytes, headers: Mapping[str, str]) -> GatewayEvent | None:
        """The event of a webhook, or None for a kind that does not concern us.

        Raises BadSignature.
        """
        ...


def judge_capture(*, amount_minor: int, currency: str, event: GatewayEvent) -> Unallocated | None:
    """Why this money cannot be allocated to its payment, or None when it can."""
    if currency != event.currency:
        return Unallocated.WRONG_CURRENCY
    if amount_minor != event.amount_minor:
        return Unallocated.WRONG_AMOUNT
    return None
