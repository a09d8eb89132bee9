"""What the API of the task market is fuzzed against."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tests.factories import an_org
from tests.tasks.market import DAY, MINUTE, AMarket

from dougong.flows.work_on_task import deliver, offer_part
from dougong.tasks.brief_rules import Way

PRICE = {"price_minor": 1_000}
REASON = {"body": {"reason": "Not as agreed"}}
Examples = dict[str, dict[str, Any]]


async def of_tasks(market: AMarket, *, at: datetime) -> Examples:
    """A brief, an application or a task for each thing that can be done to one only once."""
    now = at + 5 * DAY
    applied = {name: await _applied(market, now) for name in ("agree", "refuse")}
    to_take = await market.a_brief(at=now, way=Way.OPEN, **PRICE)
    taken = await market.a_brief(at=now, way=Way.OPEN, **PRICE)
    await market.take(taken, at=now)
    draft = await market.a_brief(at=now, posted=False, **PRICE)
    task = await _task(market, at, "accept")
    return {
        "*": {"brand_id": market.brand, "brief_id": taken, "task_id": task},
        "brand_tasks_make_brief": {"body": _brief(market, at)},
        "brand_tasks_show_brief": {"brief_id": draft},
        "brand_tasks_end_brief": {"brief_id": draft},
        "brand_tasks_agree": applied["agree"],
        "brand_tasks_refuse": applied["refuse"],
        "creator_tasks_apply": {"brief_id": to_take, "body": {"note": "Yes"}},
        **await _works(market, at),
    }


async def _works(market: AMarket, at: datetime) -> Examples:
    return {
        "brand_tasks_redo": {"task_id": await _task(market, at, "redo"), **REASON},
        "brand_tasks_part": {
            "task_id": await _task(market, at, "part"),
            "body": {"share_bp": 5_000, "reason": "Half"},
        },
        "brand_tasks_dispute": {"task_id": await _task(market, at, "dispute"), **REASON},
        "creator_tasks_deliver": {
            "task_id": await _task(market, at, "deliver"),
            "body": {"note": "Done"},
        },
        "creator_tasks_take": {"task_id": await _task(market, at, "take")},
        "creator_tasks_dispute": {"task_id": await _task(market, at, "answer"), **REASON},
    }


def _brief(market: AMarket, at: datetime) -> dict[str, Any]:
    return {
        "title_zh": "面霜", "surface": "live", "product_id": str(market.own[1]),
        "price_minor": 100, "budget_minor": 100, "pinned_minutes": 30, "rooms": 1,
        "apply_until": (at + 9 * DAY).isoformat(), "starts_at": (at + 9 * DAY).isoformat(),
        "ends_at": (at + 19 * DAY).isoformat(),
    }  # fmt: skip


async def _applied(market: AMarket, at: datetime) -> dict[str, Any]:
    brief_id = await market.a_brief(at=at, way=Way.OPEN, **PRICE)
    rival = await an_org(market.conn, kind="creator")
    taken = await market.take(brief_id, at=at, creator=rival)
    return {"brief_id": brief_id, "application_id": taken.application_id}


async def _task(market: AMarket, at: datetime, name: str) -> UUID:
    """Shown on the second day and, but where that is what is tried, delivered on the third."""
    task_id = await market.a_task(at=at, **PRICE)
    link_id = await market.a_link(task_id=task_id, surface="profile", is_own=True)
    await market.a_room((at + 2 * DAY, 30 * MINUTE), link_id=link_id, task_id=task_id, is_own=True)
    who: dict[str, Any] = {"task_id": task_id, "person_id": market.person}
    if name != "deliver":
        await deliver(
            market.conn, creator_id=market.creator, video_id=None, note="", at=at + 3 * DAY, **who
        )
    if name in ("take", "answer"):
        await offer_part(
            market.conn, brand_id=market.brand, share_bp=5_000, reason="x", at=at + 4 * DAY, **who
        )
    return task_id
