"""Webhooks of carriers and tracking services: signed, kept once, in any order.

The address names the store's carrier. The sandbox carrier signs as Standard Webhooks asks; a
carrier of a price list is followed by a tracking service that speaks AfterShip's tongue
(docs/how-to/tracking-webhooks.md).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.flows.track_packages import tracking_arrived
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.payments.rules import BadSignature
from dougong.supply.adapters.sandbox import read_news
from dougong.supply.carrier_queries import carrier_of
from dougong.supply.carrier_rules import CarrierKind, CarrierUnknown, province_of
from dougong.supply.tracking_rules import (
    BadTrackingNumber,
    Status,
    Told,
    status_of,
    tracking_number,
)


class Checkpoint(msgspec.Struct):
    checkpoint_time: datetime
    tag: str = ""
    subtag: str = ""
    city: str | None = None
    state: str | None = None
    location: str | None = None


class Message(msgspec.Struct):
    tracking_number: str
    checkpoints: list[Checkpoint] = []


class Update(msgspec.Struct):
    """What AfterShip posts, as far as it is read here."""

    msg: Message


async def receive_events(
    *, store_id: StoreId, code: str, body: bytes, headers: Mapping[str, str]
) -> int:
    """Take in a webhook; answers how many events were new. Raises NotFound, BadSignature."""
    async with transaction() as conn:
        try:
            carrier = await carrier_of(conn, store_id=store_id, code=code)
        except CarrierUnknown as error:
            raise NotFound from error
    source, number, events = _read(carrier, body, headers)
    async with transaction() as conn:
        noted = await tracking_arrived(
            conn,
            store_id=store_id,
            tracking_no=number,
            carrier=carrier.name,
            events=events,
            source=source,
            at=await clock.refresh(conn),
        )
    return sum(len(one.news) for one in noted)


def _read(carrier: Any, body: bytes, headers: Mapping[str, str]) -> tuple[str, str, list[Told]]:
    try:
        if carrier.kind == CarrierKind.SANDBOX:
            number, event = read_news(body=body, headers=headers, secret=carrier.secret)
            return "carrier", tracking_number(number), [event]
        update = read_update(body=body, headers=headers, secret=carrier.secret)
        number = tracking_number(update.msg.tracking_number)
        return "aggregator", number, [told(one) for one in update.msg.checkpoints]
    except (ValueError, msgspec.MsgspecError, BadTrackingNumber) as error:
        raise BadSignature from error


def read_update(*, body: bytes, headers: Mapping[str, str], secret: str) -> Update:
    """Raises ValueError for what the tracking service has not signed, or cannot be read."""
    sent = {name.lower(): value for name, value in headers.items()}.get("aftership-hmac-sha256", "")
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest).decode(), sent):
        raise ValueError("not signed by this secret")
    return msgspec.json.decode(body, type=Update)


def told(point: Checkpoint) -> Told:
    """A checkpoint in our words; its time and code make it the same each time it is told."""
    code = point.subtag or point.tag
    status = status_of("aftership", point.subtag, point.tag) or Status.HELD
    place = point.location or point.city or ""
    at = point.checkpoint_time
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    key = f"{at.isoformat()}:{code}"
    return Told(key, at, status, code[:40], place[:80], province_of(point.state or "")[:20])
