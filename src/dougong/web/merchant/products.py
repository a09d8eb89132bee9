"""A merchant's products: the list with search and bulk acts, and the feed as a file."""

from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import BadInput
from dougong.base.ids import ProductId, StoreId
from dougong.catalog.feed_export import Format, write_feed
from dougong.catalog.product_commands import set_state
from dougong.catalog.queries import category_tree, store_of
from dougong.infra.settings import settings
from dougong.reads.merchant_feed import feed_items, product_ids_by_code
from dougong.reads.merchant_products import product_rows, state_counts
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.merchant.common import STORE, many, merchant_page, see, store_url
from dougong.web.paging import PAGE_ROWS, cursor_values, cut, file_answer, first_url, next_url
from dougong.web.render import Page

ROUTE: dict[str, Any] = {"permission": Permission.CATALOG_MANAGE, "include_in_schema": False}
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}


class BulkForm(Form, kw_only=True):
    product_id: str | list[str] = ""
    state: Literal["active", "draft", "archived"]


@get(STORE + "/products", **ROUTE)
async def product_list(
    store_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    conn: Conn,
    q: FromQuery[str] = "",
    category: FromQuery[str] = "",
    show: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Page:
    ours = StoreId(store_id)
    start = cursor_values(after, tuple[UUID])
    rows = await product_rows(
        conn,
        store_id=ours,
        words=q.strip()[:100],
        category=category,
        state=show,
        before=start[0] if start else None,
        most=PAGE_ROWS + 1,
    )
    rows, following = cut(rows, lambda row: (row.id,))
    return await merchant_page(
        request,
        conn,
        "merchant/products.html",
        store_id=store_id,
        rows=rows,
        counts=await state_counts(conn, store_id=ours),
        categories=await category_tree(conn),
        q=q,
        category=category,
        state=show,
        next_url=next_url(request, following),
        first_url=first_url(request),
    )


@post(STORE + "/products/state", **ROUTE)
async def change_states(
    store_id: FromPath[UUID], data: FormData[BulkForm], who: Who, conn: Conn, now: Now
) -> Response[Any]:
    try:
        ids = [ProductId(UUID(one)) for one in many(data.product_id)]
    except ValueError as error:
        raise BadInput(field="product_id", reason="nothing_chosen") from error
    changed = await set_state(
        conn, store_id=StoreId(store_id), product_ids=ids, state=data.state, at=now
    )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="catalog.state_set",
        owner_id=store_id,
        subject=data.state,
        facts={"products": changed},
    )
    return see(store_url(store_id, "products"))


@get(STORE + "/feed/{how:str}", **ROUTE)
async def export_feed(store_id: FromPath[UUID], how: FromPath[str], conn: Conn) -> Response[bytes]:
    """The whole catalogue as a feed that can be imported again: csv, tsv or xml."""
    if how not in MEDIA_TYPES:
        raise BadInput(field="how", reason="unknown_value")
    data, code = await feed_file(conn, StoreId(store_id), how)
    return file_answer(data, f"{code}.{how}", MEDIA_TYPES[how])


async def feed_file(conn: Any, store_id: StoreId, how: Any) -> tuple[bytes, str]:
    """The feed of a store, and the store's code."""
    wanted: Format = how
    store = await store_of(conn, store_id=store_id)
    items = await feed_items(conn, store_id=store_id)
    ids = await product_ids_by_code(conn, store_id=store_id)
    pages = f"{settings().public_url.rstrip('/')}/p/{store_id}"
    made = write_feed(
        items,
        how=wanted,
        currency=store.currency,
        link_of=lambda item: f"{pages}/{ids[item.group]}",
        title=store.name_zh,
    )
    return b"".join(made), store.code


HANDLERS: list[HTTPRouteHandler] = [product_list, change_states, export_feed]
