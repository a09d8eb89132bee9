"""API: a store's webhook endpoints and the log of deliveries."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows.deliver_webhooks import save_endpoint
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import After, Limit, MaybeKey, once_if
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.paging import cursor_values, cut
from dougong.webhooks import commands, delivery_commands, queries

BASE = "/api/v1/stores/{store_id:uuid}/webhooks"
ONE = BASE + "/{endpoint_id:uuid}"
ROUTE: dict[str, Any] = {"permission": Permission.WEBHOOK_MANAGE, "tags": ["webhooks"]}


class EndpointInput(Input):
    """`kinds`: kinds of event, or ["*"] for all."""

    url: Annotated[str, msgspec.Meta(max_length=2000)]
    kinds: Annotated[list[str], msgspec.Meta(max_length=50)]


class Switch(Input):
    on: bool


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
    """`state`: waiting, retrying, done, failed or disabled. `last_answer`: what the endpoint said,
    in its first 500 characters."""

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
    last_answer: str | None


class Deliveries(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[Delivery]
    after: str | None


class Made(msgspec.Struct):
    delivery_id: UUID


@get(BASE, summary="Endpoints of a store", **ROUTE)
async def list_endpoints(store_id: FromPath[UUID], conn: Conn) -> Endpoints:
    """With their secrets; those that were removed are left out."""
    rows = await queries.endpoints_of(conn, store_id=StoreId(store_id))
    return Endpoints([_endpoint(row) for row in rows])


async def _read(store_id: UUID, endpoint_id: UUID) -> Endpoint:
    async with transaction() as conn:
        return _endpoint(
            await queries.endpoint(conn, store_id=StoreId(store_id), endpoint_id=endpoint_id)
        )


@post(BASE, summary="Add an endpoint", **ROUTE)
async def add_endpoint(
    store_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    data: JSONBody[EndpointInput],
    key: MaybeKey = None,
) -> Endpoint:
    """The address must be public. 422 `unsafe_url` or `bad_kinds`; 409 when ten are kept."""
    endpoint_id = await save_endpoint(
        person_id=who.person_id,
        store_id=StoreId(store_id),
        endpoint_id=None,
        url=data.url,
        kinds=data.kinds,
        key=key,
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
    """Address and kinds; secret and log stay."""
    await save_endpoint(
        person_id=who.person_id,
        store_id=StoreId(store_id),
        endpoint_id=endpoint_id,
        url=data.url,
        kinds=data.kinds,
        request_id=request_id(request),
    )
    return await _read(store_id, endpoint_id)


@put(ONE + "/switch", summary="Switch an endpoint off or on", **ROUTE)
async def switch(
    store_id: FromPath[UUID], endpoint_id: FromPath[UUID], data: JSONBody[Switch], conn: Conn
) -> Endpoint:
    """What waits meanwhile is sent when it is on again."""
    ours = StoreId(store_id)
    await commands.switch_endpoint(
        conn, store_id=ours, endpoint_id=endpoint_id, on=data.on, at=wall_now()
    )
    return _endpoint(await queries.endpoint(conn, store_id=ours, endpoint_id=endpoint_id))


@post(ONE + "/secret", summary="Make a new secret", **ROUTE)
async def rotate(
    store_id: FromPath[UUID],
    endpoint_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
    key: MaybeKey = None,
) -> Endpoint:
    """The one before signs too for 24 hours: every message carries both signatures then."""
    ours = StoreId(store_id)

    async def make() -> Endpoint:
        await commands.rotate_secret(conn, store_id=ours, endpoint_id=endpoint_id, at=wall_now())
        await _note(conn, "webhooks.secret_rotated", store_id, endpoint_id, request, who, now)
        return _endpoint(await queries.endpoint(conn, store_id=ours, endpoint_id=endpoint_id))

    return await once_if(
        conn,
        key=key,
        owner_id=store_id,
        route=f"POST webhooks/{endpoint_id}/secret",
        request=None,
        answer=Endpoint,
        at=now,
        make=make,
    )


async def _note(
    conn: Conn,
    action: str,
    store_id: UUID,
    endpoint_id: UUID,
    request: AnyRequest,
    who: Who,
    now: Now,
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=str(endpoint_id),
        request_id=request_id(request),
    )


@delete(ONE, summary="Remove an endpoint", **ROUTE)
async def remove_endpoint(
    store_id: FromPath[UUID],
    endpoint_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> None:
    """For good; its log stays."""
    await commands.remove_endpoint(
        conn, store_id=StoreId(store_id), endpoint_id=endpoint_id, at=wall_now()
    )
    await _note(conn, "webhooks.endpoint_removed", store_id, endpoint_id, request, who, now)


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
    store_id: FromPath[UUID], conn: Conn, after: After = "", limit: Limit = 50
) -> Deliveries:
    """The newest events first."""
    found = await queries.deliveries(
        conn,
        store_id=StoreId(store_id),
        before=cursor_values(after, tuple[int, UUID]),
        most=limit + 1,
    )
    rows, following = cut(found, lambda row: (row.event_id, row.id), limit)
    return Deliveries([_delivery(row) for row in rows], following or None)


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
        last_answer=row.last_answer,
    )


HANDLERS: list[HTTPRouteHandler] = [
    list_endpoints,
    add_endpoint,
    change_endpoint,
    switch,
    rotate,
    remove_endpoint,
    send_test,
    list_deliveries,
    replay,
]
