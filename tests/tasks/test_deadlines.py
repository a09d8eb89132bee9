"""Deadlines of briefs and tasks pass: each fires once, also when it is looked at late."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from tests.tasks.market import DAY, MINUTE, T0, AMarket

from dougong.flows import work_on_task as work
from dougong.flows.deadlines import act_on_one
from dougong.tasks.brief_rules import Way

pytestmark = pytest.mark.money
PRICE = 100_001


async def pass_all(market: AMarket, at: datetime) -> list[tuple[str, str]]:
    """Let what is due happen, twice over; which deadlines fired, and what each did."""
    for _ in range(2):
        while await act_on_one(market.conn, at=at):
            pass
    rows = await market.conn.execute(
        text("""
            SELECT kind, outcome FROM deadlines
            WHERE done_at IS NOT NULL AND kind LIKE 'task%' ORDER BY due_at, kind
        """)
    )
    return [(row.kind, row.outcome) for row in rows]


async def settled(market: AMarket, task_id: Any) -> int:
    asked = text("""
        SELECT count(*) FROM ledger_entries WHERE order_id = :id AND kind = 'task_settled'
    """)
    return int(await market.conn.scalar(asked, {"id": task_id}) or 0)


async def act(market: AMarket, task_id: Any, what: str) -> None:
    brand: dict[str, Any] = {"task_id": task_id, "brand_id": market.brand}
    if what == "sent":
        who = {"person_id": market.person, "at": T0 + DAY - MINUTE}
        await work.send_samples(market.conn, note="SF0001", **brand, **who)
    if what in ("short", "redo", "whole"):
        minutes = 30 if what == "whole" else 15
        await market.shown_live(task_id, (T0 + 2 * DAY, minutes * MINUTE))
        await work.deliver(
            market.conn, task_id=task_id, creator_id=market.creator, video_id=None, note="",
            person_id=market.person, at=T0 + 3 * DAY,
        )  # fmt: skip
    if what == "redo":
        await work.ask_again(
            market.conn, reason="x", person_id=market.person, at=T0 + 4 * DAY, **brand
        )


CLOSES, SAMPLES, DELIVER = "task_brief_closes", "task_samples_by", "task_deliver_by"


@pytest.mark.parametrize(
    ("what", "fired", "state", "back"),
    [
        ("nothing", {SAMPLES: "cancelled", DELIVER: "not_needed"}, "cancelled", PRICE),
        ("sent", {SAMPLES: "sent", DELIVER: "lapsed"}, "lapsed", PRICE),
        (
            "short",
            {SAMPLES: "not_needed", DELIVER: "delivered", "task_accept_by": "part_offered",
             "task_part_by": "part_taken"},
            "part_accepted", PRICE - 50_000,
        ),
        (
            "redo",
            {SAMPLES: "not_needed", DELIVER: "delivered", "task_accept_by": "redo",
             "task_redo_by": "lapsed"},
            "lapsed", PRICE,
        ),
        (
            "whole",
            {SAMPLES: "not_needed", DELIVER: "delivered", "task_accept_by": "accepted"},
            "accepted", 0,
        ),
    ],
)  # fmt: skip
async def test_each_deadline_fires_once(
    market: AMarket, what: str, fired: dict[str, str], state: str, back: int
) -> None:
    samples_by = T0 + (DAY if what in ("nothing", "sent") else 5 * DAY)
    task_id = await market.a_task(samples_by=samples_by)
    await act(market, task_id, what)
    told = await pass_all(market, T0 + 60 * DAY)
    told += await pass_all(market, T0 + 90 * DAY)  # what is offered waits for an answer first
    assert dict(told) == fired | {CLOSES: "closed"}
    row = await market.row(task_id)
    assert (row.state, row.back_minor, await settled(market, task_id)) == (state, back, 1)


async def test_a_brief_closes_once_and_who_waits_is_told_no(market: AMarket) -> None:
    brief_id = await market.a_brief(way=Way.OPEN)
    taken = await market.take(brief_id)
    assert await pass_all(market, T0 + DAY - MINUTE) == []
    assert await pass_all(market, T0 + DAY) == [(CLOSES, "closed")]
    state = await market.conn.scalar(
        text("SELECT state FROM task_applications WHERE id = :id"), {"id": taken.application_id}
    )
    closed = await market.conn.scalar(
        text("SELECT count(*) FROM events WHERE subject_id = :id AND kind = 'tasks.brief_closed'"),
        {"id": brief_id},
    )
    assert (state, closed) == ("lapsed", 1)
