"""Units of a SKU set aside for a channel or a live room, and given back to all."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput, NotFound, Refusal
from dougong.base.ids import SkuId, StoreId
from dougong.flows.load_tracking import local_instant
from dougong.reads.stock_quotas import rooms_for_sku
from dougong.supply.quota_commands import end_quota, set_aside
from dougong.supply.quota_rules import Channel
from dougong.web.account.common import request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import see, store_url, whole
from dougong.web.merchant.stock_sku import ONE, show_sku

MANAGE: dict[str, Any] = {"permission": Permission.STOCK_MANAGE, "include_in_schema": False}


class QuotaForm(Form, kw_only=True):
    """`way`: a channel, or a room's id. Times as typed; empty: from now on, until it is ended."""

    way: str
    units: str
    starts: str = ""
    ends: str = ""


@post(ONE + "/quotas", **MANAGE)
async def new_quota(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    data: FormData[QuotaForm],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    of: dict[str, Any] = {"store_id": StoreId(store_id), "sku_id": SkuId(sku_id)}
    try:
        channel, room = await _way(conn, data.way, of)
        await set_aside(
            conn,
            **of,
            channel=channel,
            room=room,
            units=whole(data.units, field="units") or 0,
            starts_at=local_instant(data.starts) if data.starts.strip() else now,
            ends_at=local_instant(data.ends) if data.ends.strip() else None,
            by_id=who.person_id,
            at=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return await show_sku(request, conn, store_id, sku_id, now, error=refusal)
    await _note(conn, request, who, now, store_id, "supply.quota_set", f"{data.way}: {data.units}")
    return see(store_url(store_id, f"stock/{sku_id}"))


async def _way(
    conn: Conn, way: str, of: dict[str, Any]
) -> tuple[Channel, tuple[UUID, UUID] | None]:
    """A channel, or a room of those that sell the SKU with its host. Raises BadInput."""
    if way in set(Channel):
        return Channel(way), None
    for room in await rooms_for_sku(conn, **of):
        if str(room.id) == way:
            return Channel.LIVE, (room.id, room.host_id)
    raise BadInput(field="way", reason="unknown_value")


async def _note(
    conn: Conn, request: Any, who: Who, now: Now, store_id: UUID, action: str, subject: str
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=action,
        owner_id=store_id,
        subject=subject,
        request_id=request_id(request),
    )


@post(ONE + "/quotas/{quota_id:uuid}/end", **MANAGE)
async def end(
    store_id: FromPath[UUID],
    sku_id: FromPath[UUID],
    quota_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """What is left can be sold by everybody again."""
    await end_quota(conn, store_id=StoreId(store_id), quota_id=quota_id, at=now)
    await _note(conn, request, who, now, store_id, "supply.quota_ended", str(quota_id))
    return see(store_url(store_id, f"stock/{sku_id}"))


HANDLERS: list[HTTPRouteHandler] = [new_quota, end]
