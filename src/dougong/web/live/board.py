"""A room's board: the big screen while it is on air, and afterwards a report to keep."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.pdf import Document
from dougong.infra.settings import settings
from dougong.reads.live_board import Board, board
from dougong.web.creator.common import creator_page
from dougong.web.deps import Conn, Now
from dougong.web.i18n import gettext, locale_of_request, mark, pick
from dougong.web.operator.common import csv_file
from dougong.web.paging import file_answer
from dougong.web.render import Page, count, money, rate, when

BOARD = "/creator/{creator_id:uuid}/live/{room_id:uuid}/board"
ROUTE: dict[str, Any] = {"permission": Permission.LIVE_MANAGE, "include_in_schema": False}
AnyRequest = Request[Any, Any, Any]
ORIGINS = {
    "follow": mark("Following"),
    "feed": mark("Feed"),
    "search": mark("Search"),
    "share": mark("Shared links"),
    "paid": mark("Advertising"),
    "unknown": mark("Unknown"),
}
HEAD = ("minute", "viewers", "joined", "messages", "paid_minor", "currency")


async def board_of(
    conn: AsyncConnection, *, creator_id: UUID, room_id: UUID, at: datetime
) -> Board:
    """Raises NotFound: another creator's room, or one that has not begun."""
    found = await board(
        conn, room_id=room_id, creator_id=creator_id, currency=settings().currency, at=at
    )
    if found is None:
        raise NotFound
    return found


def by_minute(found: Board) -> dict[str, Any]:
    """Viewers as a line, what was paid as bars."""
    return {
        "xAxis": {"type": "category", "data": [when(m.minute, "time") for m in found.minutes]},
        "yAxis": [{"type": "value", "minInterval": 1}, {"type": "value", "show": False}],
        "series": [
            {
                "type": "line",
                "name": gettext("Viewers"),
                "data": [one.viewers for one in found.minutes],
                "areaStyle": {"opacity": 0.12},
            },
            {
                "type": "bar",
                "name": gettext("New viewers"),
                "data": [one.joined for one in found.minutes],
            },
        ],
    }


def paid_by_minute(found: Board) -> dict[str, Any]:
    return {
        "xAxis": {"type": "category", "data": [when(m.minute, "time") for m in found.minutes]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "name": gettext("Paid"),
                "data": [one.paid_minor for one in found.minutes],
            }
        ],
    }


def by_origin(found: Board) -> dict[str, Any]:
    rows = [*reversed(found.origins)]
    return {
        "grid": {"left": 8, "right": 56, "top": 8, "bottom": 4, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {"type": "category", "data": [gettext(ORIGINS[r.came_from]) for r in rows]},
        "series": [
            {
                "type": "bar",
                "name": gettext("Visits"),
                "label": {"show": True, "position": "right"},
                "data": [one.visits for one in rows],
            }
        ],
    }


async def _page(
    request: AnyRequest, conn: AsyncConnection, name: str, *, creator_id: UUID, found: Board
) -> Page:
    return await creator_page(
        request,
        conn,
        name,
        creator_id=creator_id,
        found=found,
        origins={name: gettext(words) for name, words in ORIGINS.items()},
        by_minute=by_minute(found),
        paid_by_minute=paid_by_minute(found),
        by_origin=by_origin(found),
    )


@get(BOARD, **ROUTE)
async def board_page(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page:
    found = await board_of(conn, creator_id=creator_id, room_id=room_id, at=now)
    return await _page(request, conn, "creator/board.html", creator_id=creator_id, found=found)


@get(BOARD + "/figures", **ROUTE)
async def figures(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page:
    """The figures alone: asked for each second while the room is on air."""
    found = await board_of(conn, creator_id=creator_id, room_id=room_id, at=now)
    name = "creator/board_figures.html"
    return await _page(request, conn, name, creator_id=creator_id, found=found)


@get(BOARD + "/charts", **ROUTE)
async def charts(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], request: AnyRequest, conn: Conn, now: Now
) -> Page:
    """The charts alone: they change by the minute."""
    found = await board_of(conn, creator_id=creator_id, room_id=room_id, at=now)
    name = "creator/board_charts.html"
    return await _page(request, conn, name, creator_id=creator_id, found=found)


@get(BOARD + "/minutes.csv", **ROUTE)
async def minutes_file(
    creator_id: FromPath[UUID], room_id: FromPath[UUID], conn: Conn, now: Now
) -> Response[bytes]:
    found = await board_of(conn, creator_id=creator_id, room_id=room_id, at=now)
    lines = [
        (m.minute.isoformat(), m.viewers, m.joined, m.messages, m.paid_minor, found.currency)
        for m in found.minutes
    ]
    return csv_file(f"live-{room_id}", HEAD, lines)


@get(BOARD + "/report.pdf", **ROUTE)
async def report_file(creator_id: FromPath[UUID], room_id: FromPath[UUID]) -> Response[bytes]:
    """The same figures as a document to keep; drawn without a transaction."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        found = await board_of(conn, creator_id=creator_id, room_id=room_id, at=at)
    data = await asyncio.to_thread(report, found, at=at, locale=locale_of_request.get())
    return file_answer(data, f"live-{room_id}.pdf", "application/pdf")


def told(found: Board) -> list[tuple[str, str]]:
    """Every figure of the board with its label."""
    return [
        (gettext("Paid"), money(found.paid_minor, found.currency)),
        (gettext("Paid, after refunds"), money(found.net_minor, found.currency)),
        (gettext("Ordered"), money(found.placed_minor, found.currency)),
        (gettext("Conversion"), rate(found.conversion_bp())),
        (gettext("Viewers at most"), count(found.viewers_most)),
        (gettext("Visitors"), count(found.visitors)),
        (gettext("Buyers"), count(found.buyers)),
        (gettext("Paid orders"), count(found.orders_paid)),
        (gettext("Units"), count(found.units)),
        (gettext("Likes"), count(found.likes)),
        (gettext("Messages"), count(found.messages)),
        (gettext("Gifts"), money(found.gift_minor, found.currency)),
    ]


def report(found: Board, *, at: datetime, locale: str) -> bytes:
    """In the language of `locale`. Runs in a thread: contexts are copied there."""
    locale_of_request.set(locale)
    ended = when(found.ended_at, "time") if found.ended_at else gettext("on air")
    made = Document(
        title=pick(found, "title"),
        subtitle=f"{found.creator} · {when(found.started_at)} – {ended}",
        made_at=at,
        language="zh-CN" if locale == "zh" else "en",
    )
    made.figures(told(found))
    made.heading(gettext("By product"))
    made.rows(
        [gettext("Product"), gettext("Explained"), gettext("Units"), gettext("Paid"),
         gettext("Refunded")],
        [
            [pick(p, "title"), minutes_words(p.explained_s), count(p.units),
             money(p.paid_minor, found.currency), money(p.refunded_minor, found.currency)]
            for p in found.products
        ],
        widths=(44, 14, 10, 16, 16),
    )  # fmt: skip
    made.heading(gettext("Where they came from"))
    made.rows(
        [gettext("Source"), gettext("Visits"), gettext("Buyers"), gettext("Paid")],
        [
            [gettext(ORIGINS[o.came_from]), count(o.visits), count(o.buyers),
             money(o.paid_minor, found.currency)]
            for o in found.origins
        ],
        widths=(40, 20, 20, 20),
    )  # fmt: skip
    return made.file()


def minutes_words(seconds: int) -> str:
    """`12:05`: minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02d}"


HANDLERS: list[HTTPRouteHandler] = [board_page, figures, charts, minutes_file, report_file]
