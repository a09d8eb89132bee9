"""API v1, what leaves a store's house: lists that drivers sign, and files of tracking events."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.flows.hand_over import hand_over, list_parcels
from dougong.flows.load_tracking import Loaded, load_tracking, rows_from
from dougong.infra.db import transaction
from dougong.infra.idempotency import once
from dougong.reads.fulfilment import strays
from dougong.reads.waves import list_history, list_row, parcels_of
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import STORE, After, Key, Limit, OneLine, filled, refusal_body
from dougong.web.api.fulfilment import note
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Input
from dougong.web.paging import cursor_values, cut
from dougong.web.refusals import RefusalBody

LISTS = STORE + "/hand-overs"
LIST = LISTS + "/{list_id:uuid}"
WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "tags": ["fulfilment"]}
MOST_STRAYS = 100


class ListInput(Input):
    """Packed packages of one carrier that have their numbers."""

    package_ids: Annotated[list[UUID], Meta(min_length=1, max_length=500)]


class SignedInput(Input):
    """`taken_by`: who has signed for the parcels."""

    taken_by: Annotated[OneLine, Meta(max_length=80)] = ""


class HandOver(msgspec.Struct):
    """`state`: open or closed; `parcels`: those that are on it or have gone."""

    id: UUID
    number: int
    carrier: str
    state: str
    made_at: datetime
    closed_at: datetime | None
    taken_by: str
    parcels: int


class HandOvers(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[HandOver]
    after: str | None


class Parcel(msgspec.Struct):
    """`outcome`: listed, gone or held_back; `reason`: the refusal's code."""

    package_id: UUID
    outcome: str
    reason: str
    tracking_no: str | None
    weight_g: int | None
    number: str


class HandOverDetail(msgspec.Struct):
    hand_over: HandOver
    parcels: list[Parcel]


class TrackingFile(Input):
    """`content`: CSV with a header: tracking_no, at, status, and place, province where known; up
    to 5 000 rows. `at` without an offset is in the platform's zone."""

    content: Annotated[str, Meta(min_length=1, max_length=2_000_000)]


class LoadedRow(msgspec.Struct):
    """`outcome`: new, repeated, unknown (kept until a package has the number) or refused."""

    line: int
    tracking_no: str
    outcome: str
    refusal: RefusalBody | None


class LoadedFile(msgspec.Struct):
    new: int
    repeated: int
    unknown: int
    refused: int
    rows: list[LoadedRow]


class StrayEvent(msgspec.Struct):
    tracking_no: str
    status: str
    place: str
    at: datetime
    source: str
    arrived_at: datetime


class StrayEvents(msgspec.Struct):
    items: list[StrayEvent]


async def _list(conn: AsyncConnection, store_id: UUID, list_id: UUID) -> HandOverDetail:
    ours = StoreId(store_id)
    row = await list_row(conn, store_id=ours, list_id=list_id)
    rows = await parcels_of(conn, store_id=ours, list_id=list_id)
    return HandOverDetail(filled(HandOver, row), [filled(Parcel, one) for one in rows])


@get(LISTS, summary="Hand-over lists, the newest first", **WORK)
async def list_lists(
    store_id: FromPath[UUID],
    conn: Conn,
    show: FromQuery[Literal["", "open", "closed"]] = "",
    after: After = "",
    limit: Limit = 50,
) -> HandOvers:
    """Open, closed or all."""
    start = cursor_values(after, tuple[datetime, UUID])
    found = await list_history(
        conn, store_id=StoreId(store_id), state=show, before=start, most=limit + 1
    )
    rows, following = cut(found, lambda row: (row.made_at, row.id), limit)
    return HandOvers([filled(HandOver, row) for row in rows], following or None)


@post(LISTS, status_code=201, summary="Make a hand-over list", **WORK)
async def make_list(
    store_id: FromPath[UUID],
    data: JSONBody[ListInput],
    key: Key,
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> HandOverDetail:
    """409 when a package is on another open list, or has left; 400 for two carriers."""

    async def make() -> HandOverDetail:
        list_id = await list_parcels(
            conn, store_id=StoreId(store_id), package_ids=data.package_ids, by_id=who.person_id,
            at=now,
        )  # fmt: skip
        await note(conn, request, who, now, store_id, "supply.parcels_list", list_id)
        return await _list(conn, store_id, list_id)

    return await once(
        conn, owner_id=store_id, route="POST hand-overs", key=key, request=data,
        answer=HandOverDetail, at=now, make=make,
    )  # fmt: skip


@get(LIST, summary="A hand-over list with its parcels", **WORK)
async def read_list(
    store_id: FromPath[UUID], list_id: FromPath[UUID], conn: Conn
) -> HandOverDetail:
    """And what became of each."""
    return await _list(conn, store_id, list_id)


@post(LIST + "/confirmation", status_code=200, summary="The driver has signed", **WORK)
async def confirm(
    store_id: FromPath[UUID], list_id: FromPath[UUID], data: JSONBody[SignedInput], who: Who
) -> HandOverDetail:
    """Every parcel of the list is shipped, or held back and opened again with its reason (refunded
    in the meantime, say). Sent again after a stop it goes on; 409 `hand_over_closed` when done."""
    await hand_over(
        store_id=StoreId(store_id), list_id=list_id, taken_by=data.taken_by, by_id=who.person_id
    )
    async with transaction() as conn:
        return await _list(conn, store_id, list_id)


@post(STORE + "/tracking-files", status_code=200, summary="Load tracking events", **WORK)
async def load(
    store_id: FromPath[UUID], data: JSONBody[TrackingFile], request: AnyRequest, who: Who
) -> LoadedFile:
    """The good rows are taken, the bad ones told by line; a file that is sent again changes
    nothing."""
    done = await load_tracking(
        store_id=StoreId(store_id),
        person_id=who.person_id,
        rows=rows_from(data.content),
        request_id=request_id(request),
    )
    rows = [_loaded(one) for one in done]
    counts = {
        name: sum(row.outcome == name for row in rows)
        for name in ("new", "repeated", "unknown", "refused")
    }
    return LoadedFile(**counts, rows=rows)


def _loaded(one: Loaded) -> LoadedRow:
    refusal = refusal_body(one.refusal) if one.refusal else None
    return LoadedRow(one.row.line, one.row.tracking_no, one.outcome, refusal)


@get(STORE + "/stray-events", summary="Events of numbers that no package has", **WORK)
async def list_strays(store_id: FromPath[UUID], conn: Conn) -> StrayEvents:
    """The newest 100; they count once a package has the number."""
    rows = await strays(conn, store_id=StoreId(store_id), most=MOST_STRAYS)
    return StrayEvents([filled(StrayEvent, row) for row in rows])


HANDLERS: list[HTTPRouteHandler] = [
    list_lists, make_list, read_list, confirm, load, list_strays,
]  # fmt: skip
