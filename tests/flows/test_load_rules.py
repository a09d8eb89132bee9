"""A file of rules is taken in whole or not at all, and twice is once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.factories import an_org
from tests.policy.factories import a_rule

from dougong.base.ids import PersonId, new_id
from dougong.base.money import Money
from dougong.flows.agree_task import agree_task
from dougong.flows.load_rules import LoadReport, load_rules
from dougong.policy.commands import draft_rule, end_rule, install_default_rules
from dougong.policy.queries import forget_book, rules_book
from dougong.policy.rule_file import write_book
from dougong.policy.rules import Rule, SecondPersonNeeded

pytestmark = pytest.mark.money
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ANNA, BO = PersonId(new_id()), PersonId(new_id())


@pytest.fixture
async def conn(ruleless: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction on a database without rules, rolled back at the end of the test."""
    forget_book()
    async with ruleless.connect() as made:
        await made.begin()
        yield made
        await made.rollback()
    forget_book()


def a_file(*rules: Rule) -> bytes:
    return write_book(rules, zone=ZoneInfo("Asia/Shanghai")).encode()


def a_book() -> list[Rule]:
    return [
        a_rule(kind="link", source="taobao", value=1, starts=NOW + DAY),
        a_rule(source="outside", route="task", value=2000, starts=NOW + DAY),
        a_rule(kind="pay_within_s", value=900, starts=NOW + DAY),
    ]


async def load(conn: AsyncConnection, data: bytes, *, is_history: bool = False) -> LoadReport:
    return await load_rules(conn, data=data, at=NOW, is_history=is_history)


def said(report: LoadReport) -> list[tuple[str, str]]:
    return [(bad.field, bad.reason) for bad in report.bad]


async def test_twice_is_once(conn: AsyncConnection) -> None:
    book = a_book()
    first, again = await load(conn, a_file(*book)), await load(conn, a_file(*book))
    assert (first.rows, first.made, first.kept) == (3, 3, 0)
    assert (again.rows, again.made, again.kept) == (3, 0, 3)
    assert set((await rules_book(conn, fresh=True)).rules) == set(book)
    events = await conn.scalar(
        text("SELECT count(*) FROM events WHERE kind = 'policy.rules_loaded' AND at = :at"),
        {"at": NOW},
    )
    assert events == 1
    saved = a_file(*(await rules_book(conn, fresh=True)).rules)
    assert (await load(conn, saved)).made == 0


async def test_one_bad_row_leaves_all_out_and_every_bad_row_is_told(conn: AsyncConnection) -> None:
    book = a_book()
    await load(conn, a_file(book[0]))
    clash = a_rule(kind="link", source="taobao", value=0, starts=NOW + 2 * DAY)
    twin = a_rule(source="outside", route="task", value=1, starts=NOW + 9 * DAY)
    data = a_file(book[0], book[1], clash, twin, book[1], a_rule(value=500, starts=NOW + DAY))
    data = data.replace(b"rate_bp = 500", b"rate_bp = 5.0")
    report = await load(conn, data)
    assert (report.rows, report.made) == (6, 0)
    assert sorted(said(report)) == [
        ("code", "repeated"),
        ("rate_bp", "not_whole_number"),
        ("starts", "overlaps"),
        ("starts", "overlaps"),
    ]
    others = {bad.other for bad in report.bad if bad.reason == "overlaps"}
    assert str(book[0].id) in others
    assert all(bad.line for bad in report.bad)
    assert (await rules_book(conn, fresh=True)).rules == (book[0],)


async def test_an_approved_row_is_not_edited_by_a_file(conn: AsyncConnection) -> None:
    book = a_book()
    await load(conn, a_file(*book))
    changed = a_rule(**_fields(book[1]) | {"value": 3000})
    assert said(await load(conn, a_file(changed))) == [("value", "differs")]
    longer = a_rule(**_fields(book[1]) | {"ends": NOW + 9 * DAY})
    assert said(await load(conn, a_file(longer))) == [("ends", "differs")]


async def test_what_has_ended_since_is_still_the_same_row(conn: AsyncConnection) -> None:
    now = datetime.now(UTC)
    rule = a_rule(kind="link", source="jd", value=1, starts=now - DAY)
    await load_rules(conn, data=a_file(rule), at=now)
    await end_rule(conn, rule_id=rule.id, ends=now + DAY, at=now)
    report = await load_rules(conn, data=a_file(rule), at=now)
    assert (report.made, report.kept, report.bad) == (0, 1, [])


async def test_a_draft_of_the_same_id_is_not_passed_over(conn: AsyncConnection) -> None:
    book = a_book()
    await draft_rule(conn, rule=book[0], author_id=ANNA, at=NOW)
    assert said(await load(conn, a_file(*book))) == [("id", "waits_for_approval")]


async def test_the_past_is_open_until_something_is_agreed(conn: AsyncConnection) -> None:
    old, older = (a_rule(value=1, starts=NOW - n * DAY, ends=NOW - n * DAY + DAY) for n in (3, 4))
    assert (await load(conn, a_file(old))).made == 1
    await install_default_rules(conn, at=NOW, author_id=ANNA, approver_id=BO)
    brand, creator = await an_org(conn, kind="advertiser"), await an_org(conn, kind="creator")
    await agree_task(
        conn,
        task_id=new_id(),
        brand_id=brand,
        creator_id=creator,
        surface="live",
        source="own",
        category="",
        price=Money(100, "CNY"),
        agreed_at=NOW,
        ends_at=NOW + DAY,
    )
    assert said(await load(conn, a_file(old, older))) == [("starts", "in_the_past")]
    assert (await load(conn, a_file(old, older), is_history=True)).made == 1


async def test_two_people_stand_for_a_file(conn: AsyncConnection) -> None:
    with pytest.raises(SecondPersonNeeded):
        await load_rules(conn, data=a_file(*a_book()), at=NOW, author_id=ANNA, approver_id=ANNA)
    assert (await rules_book(conn, fresh=True)).rules == ()


def _fields(rule: Rule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in Rule.__struct_fields__}
