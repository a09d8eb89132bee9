"""What the API of the task market is fuzzed against."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.factories import an_org
from tests.tasks.market import DAY, MINUTE, AMarket

from dougong.flows.work_on_task import accept, deliver, dispute, offer_part, send_samples
from dougong.tasks.brief_rules import Way

PRICE = {"price_minor": 1_000}
REASON = {"body": {"reason": "Not as agreed"}}
STARS = {"body": {"stars": 5, "words": "On time"}}
Examples = dict[str, dict[str, Any]]


async def of_tasks(market: AMarket, *, at: datetime) -> Examples:
    """A brief, an application or a task for each thing that can be done to one only once."""
    now = at + 5 * DAY
    applied = {name: await _applied(market, now) for name in ("agree", "refuse")}
    to_take, taken = [await market.a_brief(at=now, way=Way.OPEN, **PRICE) for _ in range(2)]
    to_ask = await market.a_brief(at=now, way=Way.ASSIGNED, **PRICE)
    await market.take(taken, at=now)
    shown, changed = [await market.a_brief(at=now, posted=False, **PRICE) for _ in range(2)]
    task = await _task(market, at, "accept")
    return {
        "*": {"brand_id": market.brand, "brief_id": taken, "task_id": task},
        "brand_briefs_make_brief": {"body": _brief(market, at)},
        "brand_briefs_change_brief": {"brief_id": changed, "body": _brief(market, at)},
        "brand_briefs_show_brief": {"brief_id": shown},
        "brand_briefs_end_brief": {"brief_id": shown},
        "brand_briefs_ask": {"brief_id": to_ask, "body": {"handle": await _handle(market)}},
        "brand_briefs_agree": applied["agree"],
        "brand_briefs_refuse": applied["refuse"],
        "creator_tasks_apply": {"brief_id": to_take, "body": {"note": "Yes"}},
        **await _works(market, at),
    }


async def _works(market: AMarket, at: datetime) -> Examples:
    """By operation: what is tried, on a task that is where it can be done."""
    half = {"body": {"share_bp": 5_000, "reason": "Half"}}
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        "brand_tasks_samples": ("samples", {"body": {"note": "SF0001"}}),
        "brand_tasks_redo": ("redo", REASON),
        "brand_tasks_part": ("part", half),
        "brand_tasks_dispute": ("dispute", REASON),
        "brand_tasks_statement": ("state", REASON),
        "brand_tasks_cancel_as_brand": ("cancel", REASON),
        "brand_tasks_rate_creator": ("rate", STARS),
        "creator_tasks_samples": ("received", {"body": {"note": "All there"}}),
        "creator_tasks_deliver": ("deliver", {"body": {"note": "Done"}}),
        "creator_tasks_take": ("take", {}),
        "creator_tasks_dispute": ("answer", REASON),
        "creator_tasks_statement": ("state", REASON),
        "creator_tasks_cancel_as_creator": ("cancel", REASON),
        "creator_tasks_rate_brand": ("rate", STARS),
    }
    return {
        operation: {"task_id": await _task(market, at, name), **more}
        for operation, (name, more) in wanted.items()
    }


def _brief(market: AMarket, at: datetime) -> dict[str, Any]:
    return {
        "title_zh": "面霜", "surface": "live", "product_id": str(market.own[1]),
        "price_minor": 100, "budget_minor": 100, "pinned_minutes": 30, "rooms": 1,
        "apply_until": (at + 9 * DAY).isoformat(), "starts_at": (at + 9 * DAY).isoformat(),
        "ends_at": (at + 19 * DAY).isoformat(), "samples_by": (at + 10 * DAY).isoformat(),
        "blacklist": ["最好"], "invoice": {"kind": "normal", "title": "美妆", "tax_no": "9133"},
    }  # fmt: skip


async def _handle(market: AMarket) -> str:
    asked = text("SELECT handle FROM organisations WHERE id = :id")
    return str(await market.conn.scalar(asked, {"id": market.creator}))


async def _applied(market: AMarket, at: datetime) -> dict[str, Any]:
    brief_id = await market.a_brief(at=at, way=Way.OPEN, **PRICE)
    rival = await an_org(market.conn, kind="creator")
    taken = await market.take(brief_id, at=at, creator=rival)
    return {"brief_id": brief_id, "application_id": taken.application_id}


async def _task(market: AMarket, at: datetime, name: str) -> UUID:
    """Shown on the second day; delivered on the third, and more done on the fourth, where `name`
    needs it."""
    samples = {"samples_by": at + 9 * DAY} if name in ("samples", "received") else {}
    task_id = await market.a_task(at=at, **PRICE, **samples)
    link_id = await market.a_link(task_id=task_id, surface="profile", is_own=True)
    await market.a_room((at + 2 * DAY, 30 * MINUTE), link_id=link_id, task_id=task_id, is_own=True)
    conn, who = market.conn, {"task_id": task_id, "person_id": market.person}
    brand, later = {"brand_id": market.brand, **who}, at + 4 * DAY
    if name == "received":
        await send_samples(conn, note="", at=at + DAY, **brand)
    if name in ("samples", "received", "deliver", "cancel"):
        return task_id
    await deliver(conn, creator_id=market.creator, video_id=None, note="", at=at + 3 * DAY, **who)
    if name in ("take", "answer"):
        await offer_part(conn, share_bp=5_000, reason="x", at=later, **brand)
    elif name == "state":
        await dispute(conn, party_id=market.brand, statement="x", at=later, **who)
    elif name == "rate":
        await accept(conn, at=later, **brand)
    return task_id
