"""Standard Webhooks: what is sent, how it is signed, when it is tried again.

The specification is at standardwebhooks.com: id, timestamp and body are signed together with
HMAC-SHA256; a receiver tells a repeat by `webhook-id`.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from dougong.base.errors import Conflict, Refusal

# Waiting times between eight tries: a day less a quarter of an hour in all.
WAITS = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1_800, 7_200, 21_600, 54_000))
MOST_TRIES = len(WAITS) + 1
# An endpoint that took nothing for this long is switched off.
GIVE_UP_AFTER = timedelta(days=5)
# Both secrets sign for this long after a rotation.
ROTATION = timedelta(hours=24)
# How long a delivery in flight is left alone before another worker tries it.
LEASE = timedelta(seconds=60)
MOST_ENDPOINTS = 10
EVERY_KIND = "*"
TEST_KIND = "webhooks.test"
DISABLED_KIND = "webhooks.endpoint_disabled"

# What a merchant can ask to be told of; each is recorded with the store's id.
KINDS = (
    "order.placed",
    "order.paid",
    "order.cancelled",
    "order.package_shipped",
    "order.received",
    "order.final",
    "order.refunded",
    "order.refund_failed",
    "order.ship_late",
    "package.packed",
    "package.unpacked",
    "package.waybill_made",
    "package.waybill_answered",
    "package.handed_over",
    "case.opened",
    "case.moved",
    "case.freight_paid",
    "case.closed",
    "case.extended",
    "case.extension_asked",
    "case.extension_declined",
    "case.message",
    "case.evidence",
    "case.ruling_overdue",
    "package.tracked",
    "package.state_changed",
    "catalog.product_created",
    "catalog.product_changed",
    "catalog.product_state_changed",
    "catalog.store_changed",
    "catalog.feed_loaded",
    "supply.stock_set",
    "supply.stock_value_corrected",
    "supply.batch_withdrawn",
    "supply.purchase_order_approved",
    "supply.purchase_order_sent",
    "supply.purchase_order_cancelled",
    "supply.purchase_order_closed",
    "supply.goods_received",
    "supply.goods_sent_back",
    "supply.bill_decided",
    "supply.dropship_sent",
    "supply.dropship_accepted",
    "supply.dropship_shipped",
    "supply.dropship_refused",
    "supply.dropship_cancelled",
    "supply.dropship_stated",
    "payout.booked",
    "payout.held",
    "payout.released",
    "payout.sent",
    "payout.confirmed",
    "payout.returned",
    "standing.penalised",
    "standing.appealed",
    "standing.appeal_answered",
    "standing.penalty_reversed",
    "links.link_published",
    "links.link_removed",
    DISABLED_KIND,
)


class BadKinds(Refusal):
    """No kind of event, or one that there is not."""

    code = "bad_kinds"


class TooManyEndpoints(Conflict):
    code = "too_many_kept"


class NotReplayable(Conflict):
    """The delivery still waits, or its endpoint is switched off."""

    code = "not_replayable"


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64, as the specification asks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def kinds_of(asked: Iterable[str]) -> list[str]:
    """Known kinds, each once and in their order; "*" stands for all. Raises BadKinds."""
    wanted = set(asked)
    if EVERY_KIND in wanted:
        return [EVERY_KIND]
    if not wanted or wanted - set(KINDS):
        raise BadKinds(field="kinds")
    return [kind for kind in KINDS if kind in wanted]


def next_try(attempts: int, at: datetime) -> datetime | None:
    """When to try again after `attempts` failed ones (at least one); None: never."""
    return at + WAITS[attempts - 1] if attempts < MOST_TRIES else None


def kept_answer(text: str | None) -> str | None:
    """What the log keeps of an answer: 500 characters that can be shown."""
    if text is None:
        return None
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text[:500]).strip()


def given_up(endpoint: Any) -> bool:
    """Whether an endpoint's row says that it was switched off, and not by a person."""
    return endpoint.disabled_at is not None and endpoint.disabled_why != "person"


def is_given_up(failing_since: datetime, at: datetime) -> bool:
    return at - failing_since >= GIVE_UP_AFTER


def body(
    *, kind: str, store_id: UUID, subject_id: UUID, at: datetime, facts: Mapping[str, Any]
) -> bytes:
    """The JSON that is signed and sent: the same bytes each time."""
    data = {**facts, "store_id": str(store_id), "subject_id": str(subject_id)}
    told = {"type": kind, "timestamp": at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def headers(
    *, delivery_id: UUID, sent_at: datetime, content: bytes, signing: Iterable[str]
) -> dict[str, str]:
    """Headers for one try, with a signature by each secret. `sent_at`: wall clock, UTC."""
    name = f"msg_{delivery_id.hex}"
    signed = [
        Webhook(secret).sign(msg_id=name, timestamp=sent_at, data=content.decode())
        for secret in signing
    ]
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
