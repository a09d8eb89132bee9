"""Products as shoppers see them: the sheet over the feed, the page, a store, a search."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.infra import clock
from dougong.infra.db import engine
from dougong.links.rules import hand_off_url
from dougong.links.share_rules import code_in
from dougong.reads.feed_items import outside_card
from dougong.reads.market_front import market_front
from dougong.reads.sharing import shared_video
from dougong.reads.shopper_products import (
    ProductView,
    link_code,
    open_store,
    product_cards,
    product_view,
    top_categories,
    video_cards,
)
from dougong.web.account.common import AnyRequest, go
from dougong.web.deps import Actor, Conn, Now
from dougong.web.i18n import locale_of_request
from dougong.web.render import Page, media_url, page, text
from dougong.web.shopper.share import spend_share
from dougong.web.shopper.structured_data import absolute, product_json_ld
from dougong.web.visits import token_for

OPEN: dict[str, Any] = {"permission": Permission.PUBLIC, "include_in_schema": False}
SHEET_LIFE_S = 1.0
KEPT_SHEETS = 2_000
MAX_WORDS = 100

SheetKey = tuple[UUID, UUID, UUID | None, str]


class SheetCache:
    """Rendered sheets for up to a second: the same bytes for everybody who looks at once."""

    def __init__(self, make: Callable[[SheetKey], Awaitable[bytes]]) -> None:
        self._make = make
        self._kept: dict[SheetKey, tuple[float, bytes]] = {}
        self._making: dict[SheetKey, asyncio.Task[bytes]] = {}

    async def get(self, key: SheetKey) -> bytes:
        """Raises what making it raised, for everybody who waited for it."""
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < SHEET_LIFE_S:
            return kept[1]
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(self._fill(key))
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(making)

    async def _fill(self, key: SheetKey) -> bytes:
        read_at = time.monotonic()
        made = await self._make(key)
        if len(self._kept) >= KEPT_SHEETS:
            self._kept.clear()
        self._kept[key] = (read_at, made)
        return made


async def _render(key: SheetKey) -> bytes:
    store_id, product_id, link_id, locale = key
    async with engine().connect() as conn:
        at = await clock.refresh(conn)
        found = await product_view(
            conn, store_id=store_id, product_id=product_id, link_id=link_id, at=at
        )
        if found is None:
            raise NotFound
        code = await _code(conn, found, link_id)
    locale_of_request.set(locale)
    way = way_out(found, code=code, token="")
    shown = {"product": found, "go_to": way, "link_id": link_id, "csrf_token": "", "is_sheet": True}
    return text("shopper/sheet.html", shown).encode()


async def _code(conn: AsyncConnection, product: ProductView, link_id: UUID | None) -> str | None:
    """Of the link by which a product came to be seen, where it is really bought elsewhere."""
    if product.away is None:
        return None
    place = {"store_id": product.store.id, "product_id": product.id}
    return await link_code(conn, link_id=link_id, **place)


def way_out(product: ProductView, *, code: str | None, token: str) -> str | None:
    """Where a product is bought that is not bought here: by the hand-off of the link that showed
    it, else at its own address; None for any other, and where nobody may be sent there."""
    away = product.away
    if away is None or not away.is_open:
        return None
    if code:
        return f"/go/{code}?t={token}" if token else f"/go/{code}"
    return hand_off_url(away.url, hosts=away.hosts, parameter="", sub_id="")


_sheets = SheetCache(_render)


@get("/sheet/{store_id:uuid}/{product_id:uuid}", **OPEN)
async def sheet(
    store_id: FromPath[UUID], product_id: FromPath[UUID], link: FromQuery[UUID | None] = None
) -> Response[bytes]:
    """The product as a fragment without a word about who looks at it."""
    made = await _sheets.get((store_id, product_id, link, locale_of_request.get()))
    return Response(made, media_type=MediaType.HTML)


@get("/sheet/links/{link_id:uuid}", **OPEN)
async def outside_sheet(
    link_id: FromPath[UUID],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
    share: FromQuery[str] = "",
) -> Page:
    """A product of another platform: what was seen of it, and the way there. `share`: the share
    code by which its video was opened."""
    found = await outside_card(conn, link_id=link_id, at=now)
    if found is None:
        raise NotFound
    by = code_in(share)
    token = token_for(request, actor, code=found.go.removeprefix("/go/"), now=now)
    go_to = f"{found.go}?share={by}&t={token}" if by else f"{found.go}?t={token}"
    return page(request, "shopper/outside_sheet.html", link=found, go_to=go_to)


async def _on_sale(
    conn: Conn, store_id: UUID, product_id: UUID, link_id: UUID | None, now: Now
) -> ProductView:
    found = await product_view(
        conn, store_id=store_id, product_id=product_id, link_id=link_id, at=now
    )
    if found is None:
        raise NotFound
    return found


@get("/p/{store_id:uuid}/{product_id:uuid}", **OPEN)
async def product_page(
    store_id: FromPath[UUID],
    product_id: FromPath[UUID],
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
    link: FromQuery[UUID | None] = None,
) -> Page:
    product = await _on_sale(conn, store_id, product_id, link, now)
    code = await _code(conn, product, link)
    token = token_for(request, actor, code=code, now=now) if code else ""
    images = [media_url(one.file) for one in product.images]
    videos = await video_cards(conn, at=now, store_id=store_id, product_id=product_id, most=6)
    more, _ = await product_cards(conn, store_id=store_id)
    return page(
        request,
        "shopper/product.html",
        product=product,
        link_id=link,
        go_to=way_out(product, code=code, token=token),
        is_sheet=False,
        videos=videos,
        others=[card for card in more if card.product_id != product_id][:6],
        json_ld=product_json_ld(product, images=images),
        address=absolute(f"/p/{store_id}/{product_id}"),
        picture=absolute(images[0]) if images else "",
    )


@get("/s/{code:str}", **OPEN)
async def store_page(
    code: FromPath[str],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    page_no: FromQuery[int] = 0,
) -> Page:
    store = await open_store(conn, code=code)
    if store is None:
        raise NotFound
    number = min(max(page_no, 0), 500)
    words = q.strip()[:MAX_WORDS]
    cards, has_more = await product_cards(conn, store_id=store.id, words=words, page=number)
    videos = await video_cards(conn, at=now, store_id=store.id, most=8)
    return page(
        request,
        "shopper/store.html",
        store=store,
        cards=cards,
        videos=videos,
        words=words,
        page_no=number,
        has_more=has_more,
    )


@get("/search", **OPEN)
async def search(
    request: AnyRequest,
    actor: Actor,
    conn: Conn,
    now: Now,
    q: FromQuery[str] = "",
    category: FromQuery[str] = "",
    page_no: FromQuery[int] = 0,
) -> Response[str]:
    """Products and videos in which every word is found; without words, what is new. A pasted share
    code opens its video."""
    code = code_in(q)
    if code:
        await spend_share(request, actor)
        video_id = await shared_video(conn, code=code, at=now)
        if video_id:
            return go(f"/v/{video_id}?share={code}")
    words = q.replace("\x00", "").strip()[:MAX_WORDS]
    number = min(max(page_no, 0), 500)
    chosen = category.replace("\x00", "")[:200] or None
    if words or chosen:
        cards, has_more = await product_cards(conn, words=words, category=chosen, page=number)
    else:
        cards, has_more = await market_front(conn, page=number)
    wants_videos = bool(words) and number == 0
    videos = await video_cards(conn, at=now, words=words, most=8) if wants_videos else []
    return page(
        request,
        "shopper/search.html",
        words=words,
        category=category,
        categories=await top_categories(conn),
        cards=cards,
        videos=videos,
        page_no=number,
        has_more=has_more,
    )


HANDLERS: list[HTTPRouteHandler] = [sheet, outside_sheet, product_page, store_page, search]
