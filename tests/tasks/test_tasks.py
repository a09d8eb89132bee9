"""A task keeps the fee and the verdict of the instant at which it was agreed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import an_org
from tests.policy.factories import a_rule

from dougong.base.errors import Conflict
from dougong.base.ids import OrgId, PersonId, new_id
from dougong.base.money import Money
from dougong.flows.agree_task import agree_task
from dougong.policy.commands import install_rules
from dougong.policy.rules import Rule
from dougong.tasks.commands import cancel_task, finish_task
from dougong.tasks.queries import task_by_id, tasks_of_creator
from dougong.tasks.rules import (
    BadTask,
    SourceBarred,
    Task,
    TaskClosed,
    TaskDoesNotCover,
    TaskFeeMissing,
    TaskGone,
    check_covers,
)

pytestmark = pytest.mark.money
LONG_AGO = datetime(2018, 1, 1, tzinfo=UTC)
CHANGE = datetime(2020, 8, 19, 16, tzinfo=UTC)  # 20 August 2020 in Shanghai
BARRED = datetime(2020, 10, 8, 16, tzinfo=UTC)  # 9 October
SECOND = timedelta(seconds=1)


def a_book() -> list[Rule]:
    fee: dict[str, Any] = {"route": "task", "kind": "platform_service_fee"}
    return [
        a_rule(kind="link", source="taobao", value=1, starts=LONG_AGO),
        a_rule(kind="link", source="outside", surface="live", route="task", value=0, starts=BARRED),
        a_rule(**fee, source="outside", value=500, starts=LONG_AGO, ends=CHANGE),
        a_rule(**fee, source="outside", value=2000, starts=CHANGE),
        a_rule(**fee, source="own", value=500, starts=LONG_AGO),
    ]


@pytest.fixture
async def sides(conn: AsyncConnection) -> tuple[OrgId, OrgId]:
    """A brand and a creator, under the rules of 2020."""
    author, approver = PersonId(new_id()), PersonId(new_id())
    await install_rules(conn, rules=a_book(), at=LONG_AGO, author_id=author, approver_id=approver)
    return await an_org(conn, kind="advertiser"), await an_org(conn, kind="creator")


async def agree(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId], *, at: datetime, **change: Any
) -> Task:
    terms: dict[str, Any] = {
        "task_id": new_id(),
        "brand_id": sides[0],
        "creator_id": sides[1],
        "surface": "live",
        "source": "taobao",
        "category": "beauty",
        "price": Money(1_000_000, "CNY"),
        "agreed_at": at,
        "ends_at": at + timedelta(days=90),
    }
    return await agree_task(conn, **terms | change)


@pytest.mark.parametrize(
    ("source", "at", "rate_bp", "fee_minor"),
    [
        ("taobao", CHANGE - SECOND, 500, 50_000),
        ("taobao", CHANGE, 2000, 200_000),
        ("own", CHANGE - SECOND, 500, 50_000),
        ("own", CHANGE, 500, 50_000),
    ],
)
async def test_the_fee_is_that_of_the_instant_of_agreement(
    conn: AsyncConnection,
    sides: tuple[OrgId, OrgId],
    source: str,
    at: datetime,
    rate_bp: int,
    fee_minor: int,
) -> None:
    made = await agree(conn, sides, at=at, source=source)
    kept = await task_by_id(conn, task_id=made.id)
    assert kept == made
    assert (kept.frozen.service_fee_bp, kept.service_fee_minor) == (rate_bp, fee_minor)
    assert (kept.frozen.verdict_rule_id is None) == (source == "own")


async def test_a_later_rule_changes_nothing_that_was_agreed(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId]
) -> None:
    made = await agree(conn, sides, at=CHANGE - SECOND)
    check_covers(
        await task_by_id(conn, task_id=made.id),
        creator_id=sides[1],
        surface="live",
        source="taobao",
        category="beauty/skincare",
        at=BARRED,  # no such task could be agreed now
    )
    with pytest.raises(SourceBarred) as refused:
        await agree(conn, sides, at=BARRED)
    assert refused.value.facts["reason_en"] == "Platform service fee"  # of the row that bars it
    assert [one.id for one in await tasks_of_creator(conn, creator_id=sides[1])] == [made.id]


async def test_nothing_is_agreed_that_no_rule_lets_in_or_prices(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId]
) -> None:
    with pytest.raises(SourceBarred) as refused:
        await agree(conn, sides, at=CHANGE, source="jd")
    assert refused.value.facts["rule_id"] is None
    with pytest.raises(TaskFeeMissing):
        await agree(conn, sides, at=LONG_AGO - SECOND, source="own")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": Money(0, "CNY")}, "price_minor"),
        ({"ends_at": CHANGE}, "ends_at"),
        ({"surface": "search"}, "surface"),
    ],
)
async def test_terms_that_no_task_can_have(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId], change: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadTask) as refused:
        await agree(conn, sides, at=CHANGE, **change)
    assert refused.value.field == field
    with pytest.raises(BadTask):
        await agree(conn, (sides[0], sides[0]), at=CHANGE)


async def test_the_same_task_agreed_again_is_the_first_one(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId]
) -> None:
    first = await agree(conn, sides, at=CHANGE - SECOND)
    ends = first.ends_at
    again = await agree(conn, sides, at=CHANGE, task_id=first.id, ends_at=ends)
    assert again == first
    with pytest.raises(Conflict):
        await agree(conn, sides, at=CHANGE, task_id=first.id, ends_at=ends, source="own")


async def test_a_task_is_closed_once_and_only_by_its_sides(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId]
) -> None:
    brand, creator = sides
    done, cancelled = await agree(conn, sides, at=CHANGE), await agree(conn, sides, at=CHANGE)
    for close in (cancel_task(conn, task_id=done.id, party_id=OrgId(new_id()), at=CHANGE),
                  finish_task(conn, task_id=done.id, brand_id=creator, at=CHANGE),
                  finish_task(conn, task_id=new_id(), brand_id=brand, at=CHANGE)):  # fmt: skip
        with pytest.raises(TaskGone):
            await close
    await finish_task(conn, task_id=done.id, brand_id=brand, at=CHANGE)
    await cancel_task(conn, task_id=cancelled.id, party_id=creator, at=CHANGE)
    for task_id in (done.id, cancelled.id):
        with pytest.raises(TaskClosed):
            await cancel_task(conn, task_id=task_id, party_id=brand, at=CHANGE)
        with pytest.raises(TaskClosed):
            await finish_task(conn, task_id=task_id, brand_id=brand, at=CHANGE)
    found = await conn.execute(
        text("SELECT kind FROM events WHERE subject_id = :id ORDER BY id"), {"id": done.id}
    )
    assert list(found.scalars()) == ["tasks.agreed", "tasks.done"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"creator_id": UUID(int=7)}, "creator_id"),
        ({"surface": "video"}, "surface"),
        ({"source": "tmall"}, "source"),
        ({"category": "beautyful"}, "category"),
        ({"at": CHANGE - SECOND}, "at"),
        ({"at": CHANGE + timedelta(days=90)}, "at"),
    ],
)
async def test_a_link_must_be_what_was_agreed(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId], change: dict[str, Any], field: str
) -> None:
    task = await agree(conn, sides, at=CHANGE)
    link: dict[str, Any] = {
        "creator_id": sides[1],
        "surface": "live",
        "source": "taobao",
        "category": "beauty",
        "at": CHANGE,
    }
    check_covers(task, **link)
    with pytest.raises(TaskDoesNotCover) as refused:
        check_covers(task, **link | change)
    assert refused.value.field == field
    await cancel_task(conn, task_id=task.id, party_id=sides[0], at=CHANGE)
    with pytest.raises(TaskClosed):
        check_covers(await task_by_id(conn, task_id=task.id), **link)


async def test_the_database_holds_a_task_together(
    conn: AsyncConnection, sides: tuple[OrgId, OrgId]
) -> None:
    task = await agree(conn, sides, at=CHANGE)
    with pytest.raises(DBAPIError, match="task_agreements_closed"):
        async with conn.begin_nested():
            await conn.execute(
                text("UPDATE task_agreements SET state = 'done' WHERE id = :id"), {"id": task.id}
            )
    for change in (
        "UPDATE task_agreements SET ends_at = ends_at + interval '1 day' WHERE id = :id",
        "UPDATE task_agreements SET service_fee_bp = 500 WHERE id = :id",
        "DELETE FROM task_agreements WHERE id = :id",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with conn.begin_nested():
                await conn.execute(text(change), {"id": task.id})
