"""At the instant at which a rule starts or ends, links follow, and come back exactly."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import (
    T0,
    a_link,
    a_link_rule,
    a_store,
    an_outside_link,
    approved,
    hidden_links,
)

from dougong.flows.sweep_links import judge
from dougong.policy.queries import rules_book
from dougong.reads.link_sweep import standing_links

DAY = timedelta(days=1)
BAN = T0 + 10 * DAY


async def judge_all(conn: AsyncConnection, at: datetime) -> tuple[int, int]:
    await rules_book(conn, fresh=True)
    return await judge(conn, await standing_links(conn, after=None, most=1_000), at=at)


async def test_a_ban_hides_and_its_end_brings_back_exactly_those(conn: AsyncConnection) -> None:
    ban = a_link_rule("taobao", allowed=False, starts=BAN, ends=BAN + 50 * DAY)
    first = a_link_rule("taobao", allowed=True, starts=T0 - DAY, ends=BAN)
    back = a_link_rule("taobao", allowed=True, starts=BAN + 50 * DAY)
    other = a_link_rule("jd", allowed=True, starts=T0 - DAY)
    await approved(conn, first, ban, back, other)
    banned, kept = await an_outside_link(conn, "taobao"), await an_outside_link(conn, "jd")
    own, _ = await a_link(conn, await a_store(conn))
    unknown = await an_outside_link(conn, "elsewhere")  # no rule ever lets it in

    assert await judge_all(conn, BAN - timedelta(microseconds=1)) == (1, 0)
    assert await hidden_links(conn) == {unknown: None}
    assert await judge_all(conn, BAN) == (1, 0)
    assert await hidden_links(conn) == {unknown: None, banned: ban.id}
    assert await judge_all(conn, BAN) == (0, 0)  # a repeat changes nothing
    assert await judge_all(conn, BAN + 50 * DAY) == (0, 1)
    assert await hidden_links(conn) == {unknown: None}
    assert not {kept, own} & (await hidden_links(conn)).keys()


async def test_owners_hear_why(conn: AsyncConnection) -> None:
    await approved(conn, ban := a_link_rule("taobao", allowed=False, starts=BAN))
    await an_outside_link(conn, "taobao")
    await judge_all(conn, BAN)
    told = (
        await conn.execute(
            text("SELECT facts FROM events WHERE kind = 'links.links_hidden' AND at = :at"),
            {"at": BAN},
        )
    ).one()
    assert told.facts == {
        "links": 1, "rule_id": str(ban.id), "reason_zh": "规则", "reason_en": "by rule",
    }  # fmt: skip


async def test_a_link_by_task_keeps_what_was_agreed(conn: AsyncConnection) -> None:
    await approved(conn, a_link_rule("taobao", allowed=False, starts=BAN, surface="live"))
    await an_outside_link(conn, "taobao", route="task", surface="live")
    assert await judge_all(conn, BAN) == (0, 0)


async def test_a_rollout_hides_more_with_every_step(conn: AsyncConnection) -> None:
    steps = [
        a_link_rule("taobao", allowed=False, starts=BAN + n * DAY, ends=BAN + (n + 1) * DAY,
               rollout_bp=bp)
        for n, bp in enumerate((2_500, 5_000, 7_500, 10_000))
    ]  # fmt: skip
    await approved(conn, *steps, a_link_rule("*", allowed=True, starts=T0 - DAY))
    for _ in range(40):
        await an_outside_link(conn, "taobao")
    before: set[UUID] = set()
    for n in range(4):
        await judge_all(conn, BAN + n * DAY)
        now = set((await hidden_links(conn)).keys())
        assert before < now  # whoever is in stays in
        before = now
    assert len(before) == 40
