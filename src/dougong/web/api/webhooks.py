"""API: a store's webhook endpoints and the log of deliveries."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows.deliver_webhooks import save_endpoint
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.deps import Conn, Who
from dougong.web.forms import Input
from dougong.webhooks import commands, delivery_commands, queries

BASE = "/api/v1/stores/{store_id:uuid}/webhooks"
ONE = BASE + "/{endpoint_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.WEBHOOK_MANAGE, "tags": ["webhooks"]}
MOST = 50


class EndpointInput(Input):
    """`kinds`: kinds of event, or ["*"] for all."""

    url: Annotated[str, msgspec.Meta(max_length=2000)]
    kinds: Annotated[list[str], msgspec.Meta(max_length=50)]


class Endpoint(msgspec.Struct):
    """`secret` checks signatures (Standard Webhooks); `previous_secret` too, until then."""

    id: UUID
    url: str
    kinds: list[str]
    secret: str
    previous_secret: str | None
    previous_until: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None


class Endpoints(msgspec.Struct):
    items: list[Endpoint]


class Delivery(msgspec.Struct):
    """`state`: waiting, retrying, done, failed or disabled."""

    id: UUID
    endpoint_id: UUID
    event_id: int
    kind: str
    subject_id: UUID
    at: datetime
    state: str
    attempts: int
    next_at: datetime
    last_status: int | None
    last_error: str | None


class Deliveries(msgspec.Struct):
    """`before`: give it to get the next page; null at the end."""

    items: list[Delivery]
    before: int | None


class Made(msgspec.Struct):
    delivery_id: UUID


@get(BASE, summary="Endpoints of a store", **ROUTE)
async def list_endpoints(store_id: FromPath[UUID], conn: Conn) -> Endpoints:
    rows = await queries.endpoints_of(conn, store_id=StoreId(store_id))
    return Endpoints([_endpoint(row) for row in rows])


async def _read(store_id: UUID, endpoint_id: UUID) -> Endpoint:
    async with transaction() as conn:
        return _endpoint(
            await queries.endpoint(conn, store_id=StoreId(store_id), endpoint_id=endpoint_id)
        )


@post(BASE, summary="Add an endpoint", **ROUTE)
async def add_endpoint(
    store_id: FromPath[UUID], request: AnyRequest, who: Who, data: JSONBody[EndpointInput]
) -> Endpoint:
    """The address must be public. 422 `unsafe_url` or `bad_kinds`."""
    endpoint_id = await save_endpoint(
        person_id=who.person_id,
        store_id=StoreId(store_id),
        endpoint_id=None,
        url=data.url,
        kinds=data.kinds,
        request_id=request_id(request),
    )
    return await _read(store_id, endpoint_id)


@put(ONE, summary="Change an endpoint", **ROUTE)
async def change_endpoint(
    store_id: FromPath[UUID],
    endpoint_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    data: JSONBody[EndpointInput],
) -> Endpoint:
    await save_endpoint(
        person_id=who.person_id,
        store_id=StoreId(store_id),
        endpoint_id=endpoint_id,
        url=data.url,
        kinds=data.kinds,
        request_id=request_id(request),
    )
    return await _read(store_id, endpoint_id)


@delete(ONE, summary="Remove an endpoint", **ROUTE)
async def remove_endpoint(
    store_id: FromPath[UUID], endpoint_id: FromPath[UUID], conn: Conn
) -> None:
    await commands.remove_endpoint(
        conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, at=wall_now()
    )


@post(ONE + "/test", summary="Send a test event", **ROUTE, status_code=202)
async def send_test(store_id: FromPath[UUID], endpoint_id: FromPath[UUID], conn: Conn) -> Made:
    """Send a `webhooks.test` event to this endpoint alone."""
    return Made(
        await delivery_commands.send_test(
            conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, at=wall_now()
        )
    )


@get("/api/v1/stores/{store_id:uuid}/webhook-deliveries", summary="The log of deliveries", **ROUTE)
async def list_deliveries(
    store_id: FromPath[UUID], conn: Conn, before: FromQuery[int | None] = None
) -> Deliveries:
    """The newest events first, 50 a page."""
    rows = await queries.deliveries(conn, store_id=StoreId(store_id), before=before, most=MOST + 1)
    shown = rows[:MOST]
    return Deliveries(
        [_delivery(row) for row in shown], shown[-1].event_id if len(rows) > MOST else None
    )


@post(
    "/api/v1/stores/{store_id:uuid}/webhook-deliveries/{delivery_id:uuid}/replay",
    summary="Deliver again",
    **ROUTE,
    status_code=202,
)
async def replay(store_id: FromPath[UUID], delivery_id: FromPath[UUID], conn: Conn) -> Made:
    """Send a finished delivery again, under the same `webhook-id`. 409 while it still waits."""
    await delivery_commands.replay(
        conn, store_id=StoreId(store_id), delivery_id=delivery_id, at=wall_now()
    )
    return Made(delivery_id)


def _endpoint(row: object) -> Endpoint:
    return Endpoint(*(getattr(row, name) for name in Endpoint.__struct_fields__))


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        kind=row.kind,
        subject_id=row.subject_id,
        at=row.at,
        state=queries.state_of(row, wall_now()),
        attempts=row.attempts,
        next_at=row.next_at,
        last_status=row.last_status,
        last_error=row.last_error,
    )


HANDLERS: list[HTTPRouteHandler] = [
    list_endpoints,
    add_endpoint,
    change_endpoint,
    remove_endpoint,
    send_test,
    list_deliveries,
    replay,
]
