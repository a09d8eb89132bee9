"""What the sides of a task see of it and do with it: one page, from three seats."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access
from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.settle_task import evidence_now, leaving_now, shares_of
from dougong.reads.creator_videos import creator_organisation
from dougong.reads.explain_task import explain_task
from dougong.reads.task_desk import brand_organisation, task_videos, work_row, work_story
from dougong.tasks.brief_queries import brief_of
from dougong.tasks.evidence_rules import Evidence
from dougong.tasks.work_commands import Work, work_of
from dougong.tasks.work_rules import ENDED, MAY, MAY_DISPUTE, WORK_MOVES, Side, WorkState
from dougong.web.i18n import gettext, mark, pick
from dougong.web.operator.common import see
from dougong.web.render import page
from dougong.web.tasks.words import problem, task_words

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]
WANTED, SHOWN, SHORT = "#c9bdb3", "#2f7f86", "#e8a13a"


class Seat(msgspec.Struct, frozen=True):
    """From which side tasks are looked at; `base` is the address of its console."""

    side: Side
    org_id: UUID | None
    base: str

    async def home(self, conn: AsyncConnection) -> dict[str, Any]:
        """What the console of this side needs."""
        if self.org_id is None:
            return {"console": "operator", "seat": self}
        if self.side is Side.BRAND:
            brand = await brand_organisation(conn, brand_id=self.org_id)
            return {"console": "brand", "brand": brand, "seat": self}
        creator = await creator_organisation(conn, creator_id=self.org_id)
        return {"console": "creator", "creator": creator, "seat": self}


def brand_seat(brand_id: UUID) -> Seat:
    return Seat(Side.BRAND, brand_id, f"/brand/{brand_id}")


def creator_seat(creator_id: UUID) -> Seat:
    return Seat(Side.CREATOR, creator_id, f"/creator/{creator_id}")


OPERATOR = Seat(Side.OPERATOR, None, "/operator")


async def attempt(conn: AsyncConnection, act: Callable[[], Awaitable[object]]) -> Refusal | None:
    """Do something whole or not at all; the refusal, if there is one."""
    try:
        async with conn.begin_nested():
            await act()
    except NotFound:
        raise
    except Refusal as refusal:
        return refusal
    return None


async def work_page(
    request: AnyRequest,
    conn: AsyncConnection,
    seat: Seat,
    task_id: UUID,
    now: datetime,
    *,
    refusal: Refusal | None = None,
) -> Answer:
    """One task with its record, its money and what this side can do. Raises NotFound."""
    home = await seat.home(conn)
    work = await work_of(conn, task_id=task_id)
    if seat.org_id is not None and work.side_of(seat.org_id) is not seat.side:
        raise NotFound
    row = await work_row(conn, task_id=task_id)
    story = await work_story(conn, task_id=task_id)
    kept = await brief_of(conn, brief_id=work.brief_id)
    evidence = await evidence_now(conn, work=work, at=now)
    told = [msgspec.convert(one.evidence, Evidence) for one in story["deliveries"]]
    record = told[0] if told and work.state in ENDED else evidence
    can = can_do(work.state, seat.side)
    videos = []
    if seat.side is Side.CREATOR and work.terms.surface == "video":
        videos = await task_videos(conn, creator_id=work.creator_id, task_id=task_id)
    return page(
        request,
        "tasks/work.html",
        status=422 if refusal else 200,
        **home,
        **task_words(),
        **problem(refusal),
        work=work,
        now=now,
        row=row,
        brief=kept.brief,
        story=story,
        told=dict(zip([one.number for one in story["deliveries"]], told, strict=True)),
        evidence=record,
        chart=evidence_chart(record, work.terms.pinned_minutes),
        tree=await explain_task(conn, task_id=task_id),
        explain_url=f"/explain/{PLATFORM_BOOK}/{task_id}",
        can=can,
        **await cost_of_leaving(conn, work, seat.side, can, now),
        rated={one.side for one in story["ratings"]},
        videos=videos,
        note_evidence=lambda note: msgspec.convert(note.evidence, Evidence),
    )


async def cost_of_leaving(
    conn: AsyncConnection, work: Work, side: Side, can: set[str], at: datetime
) -> dict[str, Any]:
    """What is said before a side cancels; nothing where it cannot."""
    if WorkState.CANCELLED not in can or side is Side.OPERATOR:
        return {"cost": None, "cost_shares": None}
    cost = await leaving_now(conn, work=work, side=side, at=at)
    return {"cost": cost, "cost_shares": shares_of(work, cost)}


def can_do(state: WorkState, side: Side) -> set[str]:
    """The states into which this side can bring the task, by name; and what else it can do."""
    found = {
        after.value
        for after in WORK_MOVES[state]
        if after is not WorkState.DISPUTED and side in MAY[after]
    }
    if MAY_DISPUTE.get(state) is side:
        found.add("disputed")
    if state is WorkState.DISPUTED and side is not Side.OPERATOR:
        found.add("statement")
    if state in ENDED and side is not Side.OPERATOR:
        found.add("rate")
    return found


def evidence_chart(evidence: Evidence, pinned_minutes: int) -> dict[str, Any]:
    """Minutes room by room beside what was agreed, or days of a video."""
    if evidence.video is not None or not pinned_minutes:
        names = [gettext(mark("Days public"))]
        shown, wanted = [float(evidence.shown)], [evidence.wanted]
    else:
        names = [pick(room, "title") or str(room.room_id)[:8] for room in evidence.rooms]
        shown = [round(room.seconds / 60, 1) for room in evidence.rooms]
        wanted = [pinned_minutes for _ in evidence.rooms]
    bars = [
        {"value": value, "itemStyle": {"color": SHOWN if value >= least else SHORT}}
        for value, least in zip(shown, wanted, strict=True)
    ]
    return {
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value"},
        "legend": {"bottom": 0},
        "grid": {"left": 8, "right": 12, "top": 16, "bottom": 40, "containLabel": True},
        "series": [
            {"type": "bar", "name": gettext(mark("On record")), "data": bars},
            {
                "type": "bar",
                "name": gettext(mark("As agreed")),
                "data": wanted,
                "itemStyle": {"color": WANTED},
            },
        ],
    }


async def on_task(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    seat: Seat,
    task_id: UUID,
    now: datetime,
    action: str,
    act: Callable[[], Awaitable[object]],
) -> Answer:
    """Do it, note it, and look at the task again."""

    async def whole() -> None:
        await act()
        await audit(
            conn, at=now, person_id=who.person_id, action=f"tasks.{action}",
            owner_id=seat.org_id or PLATFORM_BOOK, subject=str(task_id),
        )  # fmt: skip

    if refusal := await attempt(conn, whole):
        return await work_page(request, conn, seat, task_id, now, refusal=refusal)
    return see(f"{seat.base}/tasks/{task_id}")
