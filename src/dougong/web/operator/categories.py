"""The category tree: added to, renamed, put in order, cut back."""

from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access, Permission
from dougong.base.errors import BadInput, Refusal
from dougong.catalog.commands import CategoryRow, ensure_categories, remove_category
from dougong.catalog.rules import OTHER
from dougong.reads.operator_categories import category_rows
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData

LIST = "/operator/categories"
ROUTE: dict[str, Any] = {"permission": Permission.CATEGORY_MANAGE, "include_in_schema": False}


class AddForm(Form):
    """`parent`: the path of the category above, or nothing; `path`: the last part only."""

    path: str
    name_zh: str
    name_en: str
    parent: str = ""
    position: int = 0


class ChangeForm(Form):
    path: str
    name_zh: str
    name_en: str
    position: int = 0


class RemoveForm(Form):
    path: str


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    *,
    refusal: Refusal | None = None,
    adding: AddForm | None = None,
    changing: ChangeForm | None = None,
) -> Response[str]:
    return form_page(
        request,
        "operator/categories.html",
        refusal=refusal,
        rows=await category_rows(conn),
        adding=adding or AddForm(path="", name_zh="", name_en=""),
        is_adding=adding is not None,
        changing=changing,
        needed=OTHER,
    )


async def _note(
    request: AnyRequest, conn: AsyncConnection, who: Access, now: datetime, act: str, path: str
) -> None:
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action=f"catalog.category_{act}",
        owner_id=None,
        subject=path,
        request_id=request_id(request),
    )


@get(LIST, **ROUTE)
async def categories_page(request: AnyRequest, conn: Conn) -> Response[str]:
    return await _page(request, conn)


@post(LIST, status_code=200, **ROUTE)
async def add_category(
    data: FormData[AddForm], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    last = data.path.strip().lower()
    path = f"{data.parent}/{last}" if data.parent else last
    try:
        if "/" in last:
            raise BadInput(field="path", reason="bad_path")
        if path in {row.path for row in await category_rows(conn)}:
            raise BadInput(field="path", reason="path_taken")
        row = CategoryRow(path, data.name_zh, data.name_en, data.position)
        await ensure_categories(conn, [row])
    except Refusal as refusal:
        return await _page(request, conn, refusal=refusal, adding=data)
    await _note(request, conn, who, now, "added", path)
    return go(LIST)


@post(f"{LIST}/change", status_code=200, **ROUTE)
async def change_category(
    data: FormData[ChangeForm], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    try:
        if data.path not in {row.path for row in await category_rows(conn)}:
            raise BadInput(field="path", reason="bad_path")
        row = CategoryRow(data.path, data.name_zh, data.name_en, data.position)
        await ensure_categories(conn, [row])
    except Refusal as refusal:
        return await _page(request, conn, refusal=refusal, changing=data)
    await _note(request, conn, who, now, "changed", data.path)
    return go(LIST)


@post(f"{LIST}/remove", status_code=200, **ROUTE)
async def take_category(
    data: FormData[RemoveForm], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> Response[str]:
    try:
        await remove_category(conn, path=data.path)
    except Refusal as refusal:
        return await _page(request, conn, refusal=refusal)
    await _note(request, conn, who, now, "removed", data.path)
    return go(LIST)


HANDLERS: list[HTTPRouteHandler] = [categories_page, add_category, change_category, take_category]
