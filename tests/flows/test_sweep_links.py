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

from dougong.base.ids import new_id
from dougong.flows.sweep_links import judge
from dougong.policy.queries import rules_book
from dougong.reads.link_sweep import standing_links

DAY = timedelta(days=1)
BAN = T0 + 10 * DAY


def a_code() -> str:
    """A source that no other test knows."""
    return f"s{new_id().hex[-12:]}"


async def judged(conn: AsyncConnection, at: datetime, *mine: UUID) -> tuple[int, int, int]:
    """Judge these links; what other tests have left stays as it is."""
    await rules_book(conn, fresh=True)
    found = await standing_links(conn, after=None, most=10_000)
    return await judge(conn, [link for link in found.links if link.id in mine], at=at)


async def hidden(conn: AsyncConnection, *mine: UUID) -> dict[UUID, UUID | None]:
    return {link: rule for link, rule in (await hidden_links(conn)).items() if link in mine}


async def test_a_ban_hides_and_its_end_brings_back_exactly_those(conn: AsyncConnection) -> None:
    source, other_source = a_code(), a_code()
    ban = a_link_rule(source, allowed=False, starts=BAN, ends=BAN + 50 * DAY)
    first = a_link_rule(source, allowed=True, starts=T0 - DAY, ends=BAN)
    back = a_link_rule(source, allowed=True, starts=BAN + 50 * DAY)
    other = a_link_rule(other_source, allowed=True, starts=T0 - DAY)
    await approved(conn, first, ban, back, other)
    banned = await an_outside_link(conn, source)
    kept = await an_outside_link(conn, other_source)
    unknown = await an_outside_link(conn, a_code())  # no rule ever lets it in
    own, _ = await a_link(conn, await a_store(conn))
    mine = (banned, kept, unknown, own)

    assert await judged(conn, BAN - timedelta(microseconds=1), *mine) == (1, 0, 0)
    assert await hidden(conn, *mine) == {unknown: None}
    assert await judged(conn, BAN, *mine) == (1, 0, 0)
    assert await hidden(conn, *mine) == {unknown: None, banned: ban.id}
    assert await judged(conn, BAN, *mine) == (0, 0, 0)  # a repeat changes nothing
    assert await judged(conn, BAN + 50 * DAY, *mine) == (0, 1, 0)
    assert await hidden(conn, *mine) == {unknown: None}


async def test_owners_hear_why(conn: AsyncConnection) -> None:
    source = a_code()
    await approved(conn, ban := a_link_rule(source, allowed=False, starts=BAN))
    link = await an_outside_link(conn, source)
    await judged(conn, BAN, link)
    told = await conn.scalar(
        text("""
            SELECT facts FROM events WHERE kind = 'links.links_hidden'
              AND subject_id = (SELECT creator_id FROM product_links WHERE id = :link)
        """),
        {"link": link},
    )
    assert told == {
        "links": 1, "rule_id": str(ban.id), "reason_zh": "规则", "reason_en": "by rule",
    }  # fmt: skip


async def test_a_link_by_task_keeps_what_was_agreed(conn: AsyncConnection) -> None:
    source = a_code()
    await approved(conn, a_link_rule(source, allowed=False, starts=BAN, surface="live"))
    link = await an_outside_link(conn, source, route="task", surface="live")
    assert await judged(conn, BAN, link) == (0, 0, 0)


async def test_a_rollout_hides_more_with_every_step(conn: AsyncConnection) -> None:
    source = a_code()
    steps = [
        a_link_rule(
            source, allowed=False, starts=BAN + n * DAY, ends=BAN + (n + 1) * DAY,
            rollout_bp=bp, surface="video",
        )
        for n, bp in enumerate((2_500, 5_000, 7_500, 10_000))
    ]  # fmt: skip
    await approved(conn, *steps, a_link_rule(source, allowed=True, starts=T0 - DAY))
    mine = [await an_outside_link(conn, source) for _ in range(40)]
    before: set[UUID] = set()
    for n in range(4):
        await judged(conn, BAN + n * DAY, *mine)
        now = set(await hidden(conn, *mine))
        assert before < now  # whoever is in stays in
        before = now
    assert before == set(mine)


async def test_a_page_is_cut_by_the_key_and_passes_over_what_does_not_stand(
    conn: AsyncConnection,
) -> None:
    first, removed, by_task, last = [
        await an_outside_link(conn, a_code(), route=route)
        for route in ("direct", "direct", "task", "direct")
    ]
    await conn.execute(
        text("UPDATE product_links SET removed_at = :at WHERE id = :id"), {"at": T0, "id": removed}
    )
    before = UUID(int=first.int - 1)
    page = await standing_links(conn, after=before, most=3)
    assert [link.id for link in page.links] == [first]
    assert (page.after, page.is_last) == (by_task, False)
    rest = await standing_links(conn, after=page.after, most=3)
    assert last in [link.id for link in rest.links]


async def test_a_hidden_link_names_the_rule_that_denies_it_now(conn: AsyncConnection) -> None:
    source = a_code()
    first = a_link_rule(source, allowed=False, starts=BAN, ends=BAN + DAY)
    second = a_link_rule(source, allowed=False, starts=BAN + DAY)
    await approved(conn, first, second)
    link = await an_outside_link(conn, source)
    assert await judged(conn, BAN, link) == (1, 0, 0)
    assert await judged(conn, BAN + DAY, link) == (0, 0, 0)  # hidden already: its owner has heard
    assert await hidden(conn, link) == {link: second.id}
