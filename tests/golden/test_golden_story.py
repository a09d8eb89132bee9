"""The demo's book of 2018 to 2022, on the dates that it is about. Times are Asia/Shanghai."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

import dougong.cli.demo
from dougong.base.ids import RuleId, derived_id, new_id
from dougong.flows.load_rules import load_rules
from dougong.policy.defaults import default_rules
from dougong.policy.queries import RuleBook, decide_many, rules_book
from dougong.policy.rule_file import BOOK, parse_book
from dougong.policy.rules import Facts, Rule, link_case, task_fee_case

pytestmark = pytest.mark.money
FILE = Path(dougong.cli.demo.__file__).with_name("douyin_taobao.toml")
ROWS = [row.rule for row in parse_book(FILE.read_bytes()).rows]
ZONE = ZoneInfo("Asia/Shanghai")


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ZONE)


def rule_id(code: str, table: str = "link") -> RuleId:
    return RuleId(derived_id(BOOK, f"{table}:{code}"))


def link(
    day: str, source: str = "taobao", surface: str = "live", route: str = "direct", **more: str
) -> Facts:
    case: dict[str, Any] = {"category": "food", "creator": "c-1"} | more
    return link_case(source=source, surface=surface, route=route, at=at(day), **case)


BEAUTY = {"category": "beauty"}
LINKS: list[tuple[Facts, bool, str]] = [
    (link("2018-03-20T23:59:59.999999"), False, ""),
    (link("2018-03-21"), True, "taobao-joins"),
    (link("2018-03-21", "tmall", "video"), True, "tmall-joins"),
    (link("2018-12-10", "jd"), False, ""),
    (link("2018-12-11", "jd"), True, "jd-joins"),
    # own-store goods that lead to Taobao; links to Taobao itself are still open
    (link("2020-06-17", merchant_class="flagship"), True, "taobao-joins"),
    (link("2020-06-18", merchant_class="flagship"), False, "purchase-at-taobao-flagship"),
    (link("2020-06-18", merchant_class="standard"), False, "purchase-at-taobao-standard"),
    (link("2020-06-18"), True, "taobao-joins"),
    (link("2020-06-30", **BEAUTY), True, "taobao-joins"),
    (link("2020-06-30T23:59:59.999999"), True, "taobao-joins"),
    (link("2020-07-01", **BEAUTY), False, "no-more-taobao"),
    (link("2020-07-01", "tmall", "video"), False, "no-more-tmall"),
    (link("2020-07-01", "taobao", "live", "task"), False, "no-more-taobao"),
    (link("2020-07-01", "jd"), True, "jd-joins"),
    (link("2020-07-01", "own"), True, ""),
    # beauty from outside enters live rooms only by task
    (link("2020-08-04", "jd", **BEAUTY), True, "jd-joins"),
    (link("2020-08-05", "jd", category="beauty/skincare"), False, "beauty-live-by-task"),
    (link("2020-08-05", "jd", "live", "task", **BEAUTY), True, "jd-joins"),
    (link("2020-08-05", "jd", "video", **BEAUTY), True, "jd-joins"),
    (link("2020-08-05", "jd"), True, "jd-joins"),
    (link("2020-08-05", "own", **BEAUTY), True, ""),
    # then all goods from outside
    (link("2020-09-05", "jd"), True, "jd-joins"),
    (link("2020-09-06", "jd"), False, "outside-live-by-task"),
    (link("2020-09-06", "jd", **BEAUTY), False, "outside-live-by-task"),
    (link("2020-09-06", "jd", "live", "task"), True, "jd-joins"),
    (link("2020-09-06", "own"), True, ""),
    # then not at all in live rooms, still in short videos
    (link("2020-10-09", **BEAUTY), False, "outside-not-live-direct"),
    (link("2020-10-09", "jd", "live", "task"), False, "outside-not-live-task"),
    (link("2020-10-09", "taobao", "video", **BEAUTY), True, "outside-in-video"),
    (link("2020-10-09", "jd", "video"), True, "outside-in-video"),
    (link("2020-10-09", "own"), True, ""),
    # the cut of 2022
    (link("2021-11-01", "jd"), True, "jd-live-trial-direct"),
    (link("2022-02-28", "taobao", "live", "task"), True, "taobao-live-trial-task"),
    (link("2022-03-01"), False, "taobao-live-cut-direct"),
    (link("2022-03-01", "jd"), False, "jd-live-cut-direct"),
    (link("2022-03-01", "tmall"), False, "outside-not-live-direct"),
    (link("2022-03-01", "jd", "video"), True, "outside-in-video"),
    (link("2022-10-04", "jd"), True, "jd-live-again-4-direct"),
    (link("2026-01-01", "taobao", "live", "task"), True, "taobao-live-again-4-task"),
]
FEES = [
    ("2020-08-19T23:59:59.999999", "taobao", "beauty", 500, "task-outside-2018"),
    ("2020-08-19T23:59:59.999999", "own", "beauty", 500, "task-own-2018"),
    ("2020-08-17", "jd", "beauty", 500, "task-outside-2018"),  # announced is not in force
    ("2020-08-20", "taobao", "beauty", 2000, "task-outside-2020"),
    ("2020-08-20", "jd", "digital", 2000, "task-outside-2020"),
    ("2020-08-20", "own", "beauty", 500, "task-own-2020"),
    ("2020-08-20", "own", "digital", 500, "task-own-2020"),
    ("2020-08-20", "own", "food/tea", 500, "task-own-2020"),
]


@pytest.mark.parametrize(("case", "allowed", "code"), LINKS)
def test_a_link_on_its_day(case: Facts, allowed: bool, code: str) -> None:
    verdict = RuleBook(ROWS).judge(case)
    assert verdict.allowed is allowed
    assert (verdict.rule.id if verdict.rule else None) == (rule_id(code) if code else None)


@pytest.mark.parametrize("rules", [ROWS, [*ROWS, *default_rules()]], ids=["alone", "beside"])
@pytest.mark.parametrize(("day", "source", "category", "rate_bp", "code"), FEES)
def test_what_a_task_costs(
    rules: list[Rule], day: str, source: str, category: str, rate_bp: int, code: str
) -> None:
    """The first rules of a platform say nothing else of tasks."""
    case = task_fee_case(
        source=source, surface="live", category=category, creator="c-1", at=at(day)
    )
    rule = RuleBook(rules).decide(case).rule
    assert rule is not None
    assert (rule.value, rule.id) == (rate_bp, rule_id(code, "fee"))


def test_own_sales_pay_what_they_paid() -> None:
    book = RuleBook([*ROWS, *default_rules()])
    for category, rate_bp in (("digital", 200), ("food", 300), ("home", 500), ("beauty", 500)):
        sale = Facts(
            kind="platform_service_fee",
            source="own",
            surface="live",
            category=category,
            route="direct",
            party_class="merchant",
            party="m-1",
            merchant_class="standard",
            at=at("2020-08-20"),
        )
        rule = book.decide(sale).rule
        assert rule is not None
        assert rule.value == rate_bp


def test_live_carts_come_back_creator_by_creator_in_four_days() -> None:
    book = RuleBook(ROWS)
    creators = [str(new_id()) for _ in range(400)]

    def back_on(day: str) -> set[str]:
        return {one for one in creators if book.judge(link(day, "jd", creator=one)).allowed}

    days = [back_on(f"2022-{day}") for day in ("09-30", "10-01", "10-02", "10-03", "10-04")]
    assert not days[0]
    assert days[1] < days[2] < days[3] < days[4] == set(creators)  # who is in stays in
    shares = [len(back) / len(creators) for back in days[1:4]]
    assert all(abs(s - w) < 0.12 for s, w in zip(shares, (0.25, 0.5, 0.75), strict=True))


async def test_the_database_says_the_same_of_all_of_them(conn: AsyncConnection) -> None:
    await load_rules(conn, data=FILE.read_bytes(), at=at("2018-01-01"))
    assert set((await rules_book(conn, fresh=True)).rules) == set(ROWS)
    found = await decide_many(conn, [case for case, _, _ in LINKS])
    assert found == [rule_id(code) if code else None for _, _, code in LINKS]
