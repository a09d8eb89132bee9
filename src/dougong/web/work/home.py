"""The phone's first page: how much of each kind of work there is."""

from typing import Any
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.ids import StoreId
from dougong.reads.work import work_to_do
from dougong.web.deps import Conn, Now
from dougong.web.merchant.purchasing import local_day
from dougong.web.render import Page
from dougong.web.work.common import HOME, AnyRequest, work_page

WORK: dict[str, Any] = {"permission": Permission.FULFILMENT_WORK, "include_in_schema": False}


@get(HOME, **WORK)
async def work_home(store_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now) -> Page:
    todo = await work_to_do(conn, store_id=StoreId(store_id), today=local_day(now))
    return await work_page(request, conn, "home", store_id=store_id, todo=todo)


HANDLERS: list[HTTPRouteHandler] = [work_home]
