"""The preview of a fee rule replays orders at other platforms, as rulings freeze their rates."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import approved
from tests.referrals.world import (
    CLICKED,
    ALink,
    a_row,
    a_source,
    a_task,
    an_outside_link,
    settled,
    take,
)

from dougong.base.ids import RuleId, new_id
from dougong.policy.rules import Rule
from dougong.reads.policy_impact import Owner, impact_of

DAY = timedelta(days=1)
NOW = CLICKED + 10 * DAY
PAID = date(2020, 8, 20)


def a_fee(source: str, value: int, **columns: Any) -> Rule:
    made = {"kind": "platform_service_fee", "starts": CLICKED - 90 * DAY} | columns
    return Rule(
        id=RuleId(new_id()), source=source, announced_at=made["starts"], ends=None, value=value,
        reason_zh="规则", reason_en="by rule", **made,
    )  # fmt: skip


@pytest.fixture
async def link(conn: AsyncConnection) -> ALink:
    """5 % service fee and 10 % cut at this source."""
    source = await a_source(conn)
    cut = a_fee(source, 1_000, kind="commission_cut")
    await approved(conn, a_fee(source, 500), cut)
    return await an_outside_link(conn, source=source)


async def fees(conn: AsyncConnection, rule: Rule, creator: UUID) -> Owner | None:
    found = await impact_of(conn, rule=rule, now=NOW)
    return next((one for one in found.owners if one.id == creator), None)


def drafted(link: ALink, value: int, **columns: Any) -> Rule:
    return a_fee(link.source, value, starts=NOW + DAY, party=str(link.creator_id), **columns)


async def test_a_settled_and_an_estimated_order_are_replayed(
    conn: AsyncConnection, link: ALink
) -> None:
    row = a_row(link)
    await take(conn, link, [row])
    await take(conn, link, [settled(row)])  # 33.83 arrives
    await take(conn, link, [a_row(link)])  # as much is expected
    found = await impact_of(conn, rule=drafted(link, 2_000), now=NOW)
    assert [one.id for one in found.owners] == [link.creator_id]
    (mine,) = found.owners
    assert (mine.kind, mine.orders, mine.paid_minor) == ("creator", 2, 2 * 19_900)
    assert (mine.before_minor, mine.after_minor) == (2 * 169, 2 * 676)
    assert found.by_day == {PAID: [2, mine.before_minor, mine.after_minor]}


async def test_the_cut_is_taken_of_what_the_service_fee_leaves(
    conn: AsyncConnection, link: ALink
) -> None:
    row = a_row(link)
    await take(conn, link, [row])
    await take(conn, link, [settled(row)])
    mine = await fees(conn, drafted(link, 3_000, kind="commission_cut"), link.creator_id)
    assert mine is not None
    assert (mine.before_minor, mine.after_minor) == (321, 964)  # of 33.83 less 1.69


async def test_a_task_keeps_the_service_fee_that_was_agreed(
    conn: AsyncConnection, link: ALink
) -> None:
    creator = link.creator_id
    task = await a_task(
        conn, creator_id=creator, source=link.source, service_fee_bp=500, agreed_at=CLICKED - DAY
    )
    by_task = await an_outside_link(
        conn, source=link.source, creator_id=creator, surface="live", task_id=task
    )
    await take(conn, by_task, [a_row(by_task)])
    assert await fees(conn, drafted(link, 2_000), creator) is None
    cut = await fees(conn, drafted(link, 3_000, kind="commission_cut"), creator)
    assert cut is not None and cut.orders == 1


async def test_what_was_closed_or_is_too_long_ago_is_not_replayed(
    conn: AsyncConnection, link: ALink
) -> None:
    await take(conn, link, [a_row(link, tk_status="13")])
    assert await fees(conn, drafted(link, 2_000), link.creator_id) is None
    await take(conn, link, [a_row(link)])
    rule = drafted(link, 2_000)
    late = await impact_of(conn, rule=rule, now=NOW, days=5)
    assert link.creator_id not in [one.id for one in late.owners]
