"""API v1, a store's packages: packed, given to a carrier, labelled, followed on their way."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows.pack_orders import open_package, pack_orders
from dougong.flows.track_packages import type_event
from dougong.flows.waybills import cancel_waybill, give_to_carrier, intercept
from dougong.infra.db import transaction
from dougong.infra.idempotency import once
from dougong.reads.fulfilment import package_rows, package_story, packages_found, waybills_of
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import STORE, After, Key, Limit, MaybeKey, Search, once_if, plain
from dougong.web.api.fulfilment import note
from dougong.web.api.fulfilment_types import (
    EventInput,
    LabelsInput,
    NumberInput,
    PackageDetail,
    PackagePage,
    PackageRow,
    PackInput,
    package_detail,
    parts_of,
)
from dougong.web.deps import Conn, Now, Who
from dougong.web.paging import cursor_values, cut
from dougong.web.parcel_labels import labels_answer

PACKAGES = STORE + "/packages"
PACKAGE = PACKAGES + "/{package_id:uuid}"
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "tags": ["fulfilment"]}
Show = Literal["packed", "on_the_way", "trouble", "stuck", "delivered", "returned"]


async def _package(conn: AsyncConnection, store_id: UUID, package_id: UUID) -> PackageDetail:
    ours = StoreId(store_id)
    story = await package_story(conn, store_id=ours, package_id=package_id)
    return package_detail(story, await waybills_of(conn, store_id=ours, package_id=package_id))


@get(PACKAGES, summary="Packages of a store", **WORK)
async def list_packages(
    store_id: FromPath[UUID],
    conn: Conn,
    now: Now,
    show: FromQuery[Show] = "packed",
    q: Search = "",
    after: After = "",
    limit: Limit = 50,
) -> PackagePage:
    """What has waited longest comes first, of what is done the newest. `stuck`: without news for
    too long. `q`: a whole tracking number or order number finds packages wherever they are."""
    ours, words = StoreId(store_id), plain(q)
    start = cursor_values(after, tuple[datetime, UUID])
    if words:
        found = await packages_found(conn, store_id=ours, words=words, most=limit)
        return PackagePage([PackageRow.of(row) for row in found], None)
    rows = await package_rows(conn, store_id=ours, tab=show, after=start, most=limit + 1, now=now)
    at = "watch_at" if show == "stuck" else "state_at"
    shown, following = cut(rows, lambda row: (getattr(row, at), row.id), limit)
    return PackagePage([PackageRow.of(row) for row in shown], following or None)


@post(PACKAGES, status_code=201, summary="Pack a package", **WORK)
async def pack(
    store_id: FromPath[UUID],
    data: JSONBody[PackInput],
    key: Key,
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> PackageDetail:
    """Nothing is shipped by that: the package can be opened again. 409 `packed_already` for more
    units than are left, `not_combinable` for orders of two buyers or addresses."""
    ours = StoreId(store_id)

    async def make() -> PackageDetail:
        made = await pack_orders(
            conn,
            store_id=ours,
            parts=parts_of(data),
            weight_g=data.weight_g,
            size_mm=data.size_mm,
            warehouse_id=data.warehouse_id,
            by_id=who.person_id,
            at=now,
        )
        if data.carrier:
            await give_to_carrier(
                conn,
                store_id=ours,
                package_id=made.id,
                carrier=data.carrier,
                tracking_no=data.tracking_no,
                by_id=who.person_id,
                at=now,
            )
        await note(conn, request, who, now, store_id, "supply.package_packed", made.id)
        return await _package(conn, store_id, made.id)

    return await once(
        conn, owner_id=store_id, route="POST packages of store", key=key, request=data,
        answer=PackageDetail, at=now, make=make,
    )  # fmt: skip


@get(PACKAGE, summary="A package with its story", **WORK)
async def read_package(
    store_id: FromPath[UUID], package_id: FromPath[UUID], conn: Conn
) -> PackageDetail:
    """What lies in it, what was told of it, and its waybills."""
    return await _package(conn, store_id, package_id)


@post(PACKAGE + "/open", status_code=200, summary="Open a package again", **WORK)
async def open_again(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> PackageDetail:
    """Its units wait anew and its waybill is called off. 409 `wrong_package_state` once it has
    left."""
    await open_package(
        conn, store_id=StoreId(store_id), package_id=package_id, by_id=who.person_id,
        reason="by hand", at=now,
    )  # fmt: skip
    await note(conn, request, who, now, store_id, "supply.parcels_open", package_id)
    return await _package(conn, store_id, package_id)


@put(PACKAGE + "/carrier", status_code=200, summary="Say who carries a package", **WORK)
async def give(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    data: JSONBody[NumberInput],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> PackageDetail:
    """A carrier that makes waybills is asked for one, after the answer: read the package again, or
    wait for `package.waybill_made`. For any other, `tracking_no` is the number. 409 when it has
    one, or waits for one."""
    await give_to_carrier(
        conn,
        store_id=StoreId(store_id),
        package_id=package_id,
        carrier=data.carrier,
        tracking_no=data.tracking_no,
        by_id=who.person_id,
        at=now,
    )
    await note(conn, request, who, now, store_id, "supply.parcels_waybills", package_id)
    return await _package(conn, store_id, package_id)


@delete(PACKAGE + "/carrier", status_code=200, summary="Call off a waybill", **WORK)
async def call_off(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> PackageDetail:
    """The carrier hears it after the answer, and may refuse. 404 where there is none."""
    await cancel_waybill(conn, store_id=StoreId(store_id), package_id=package_id, at=now)
    await note(conn, request, who, now, store_id, "supply.waybill_cancelled", package_id)
    return await _package(conn, store_id, package_id)


@post(PACKAGE + "/interception", status_code=200, summary="Turn a parcel round", **WORK)
async def turn_round(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> PackageDetail:
    """The carrier is asked after the answer, and may refuse. 404 without a waybill."""
    await intercept(conn, store_id=StoreId(store_id), package_id=package_id, at=now)
    await note(conn, request, who, now, store_id, "supply.parcel_intercepted", package_id)
    return await _package(conn, store_id, package_id)


@post(PACKAGE + "/events", status_code=201, summary="Say where a parcel is", **WORK)
async def add_event(
    store_id: FromPath[UUID],
    package_id: FromPath[UUID],
    data: JSONBody[EventInput],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
    key: MaybeKey = None,
) -> PackageDetail:
    """Kept once for each instant and status; the package's state follows from all its events in
    the order in which they happened. 400 for what is still to come."""

    async def make() -> PackageDetail:
        await type_event(
            conn,
            store_id=StoreId(store_id),
            package_id=package_id,
            status=data.status,
            happened_at=data.at or now,
            place=data.place,
            province=data.province,
            by_id=who.person_id,
            at=now,
            request_id=request_id(request),
        )
        return await _package(conn, store_id, package_id)

    return await once_if(
        conn, key=key, owner_id=store_id, route="POST package events", request=(package_id, data),
        answer=PackageDetail, at=now, make=make,
    )  # fmt: skip


PDF: dict[str, Any] = {
    "responses": {200: ResponseSpec(bytes, generate_examples=False, description="The labels.")},
    "files": ("application/pdf",),
}


@get(PACKAGE + "/label.pdf", summary="The label of a package", **PDF, **WORK)
async def read_label(store_id: FromPath[UUID], package_id: FromPath[UUID]) -> Response[bytes]:
    """With its number as Code 128. 400 before it has one."""
    async with transaction() as conn:
        await package_story(conn, store_id=StoreId(store_id), package_id=package_id)
    return await labels_answer(StoreId(store_id), [package_id])


@post(STORE + "/labels", status_code=200, summary="Labels of many packages", **PDF, **WORK)
async def make_labels(store_id: FromPath[UUID], data: JSONBody[LabelsInput]) -> Response[bytes]:
    """One PDF, a page for each that has a number. 400 where none has."""
    return await labels_answer(StoreId(store_id), data.ids)


HANDLERS: list[HTTPRouteHandler] = [
    list_packages, pack, read_package, open_again, give, call_off, turn_round, add_event,
    read_label,
    make_labels,
]  # fmt: skip
