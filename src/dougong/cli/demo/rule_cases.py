"""Rules beside the first ones: the story of links to other platforms; and fee rules, one that is
over, one announced, two that wait for approval.

The audit log is kept in the order of writing, so what is dated earlier is written earlier.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.ids import PersonId, RuleId, derived_id
from dougong.base.money import FULL_BP
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.load_rules import load_rules
from dougong.infra.db import transaction
from dougong.policy.commands import approve_rule, draft_rule
from dougong.policy.rules import Rule, RuleKind

MIDNIGHT_H = 16  # in UTC, of Asia/Shanghai


class Case(NamedTuple):
    """Days count from today: before it below zero. `approved`: None while it waits."""

    name: str
    kind: RuleKind
    category: str
    value_bp: int
    drafted: int
    approved: int | None
    starts: int
    ends: int | None
    rollout_bp: int
    author: str
    zh: str
    en: str


FEE, CUT = RuleKind.PLATFORM_SERVICE_FEE, RuleKind.COMMISSION_CUT
CASES = (
    Case("gifts", RuleKind.GIFT_FEE, "*", 5_000, -58, -57, -50, None, FULL_BP, "operator",
         "直播礼物平台与创作者各得一半", "Of a gift the creator and the platform have a half each"),
    Case("tea", FEE, "food/tea", 100, -42, -41, -35, -21, FULL_BP, "operator",
         "新茶上市两周，茶叶服务费降到 1%", "Two weeks for new tea: the fee comes down to 1%"),
    Case("clothing", FEE, "fashion/clothing", 400, -4, -3, 14, None, FULL_BP, "operator",
         "服装退货多，长期下调一个点", "Clothing comes back often: one point less for good"),
    Case("cut", CUT, "*", 800, -2, None, 21, None, FULL_BP, "second-operator",
         "让利创作者，佣金分成降到 8%", "More for creators: the platform's part comes down to 8%"),
    Case("toys", FEE, "kids/toys", 300, -1, None, 10, 70, 5_000, "operator",
         "玩具类目先向一半商家试行两个月", "Toys: tried with half of the merchants for two months"),
)  # fmt: skip


STORY = Path(__file__).with_name("douyin_taobao.toml")


async def write_story_rules(conn: AsyncConnection, market: Market, *, now: datetime) -> None:
    """Which links to other platforms were allowed when, and what tasks cost: from 2018 on."""
    report = await load_rules(
        conn,
        data=STORY.read_bytes(),
        at=now,
        author_id=market.people["operator"],
        approver_id=market.people["second-operator"],
        is_history=True,
    )
    assert report.made == report.rows, report.bad  # noqa: S101 (our own file)


async def write_past_rules(conn: AsyncConnection, market: Market, *, now: datetime) -> None:
    """Before any order, so that orders of those days go by them."""
    for case in CASES:
        if case.starts < 0:
            await _write(conn, market, case, now=now)


async def write_rules(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if await begin_piece(conn, "rules", at=now):
            for case in CASES:
                if case.starts > 0:
                    await _write(conn, market, case, now=now)


async def _write(conn: AsyncConnection, market: Market, case: Case, *, now: datetime) -> None:
    """One operator drafts, and the other approves or has yet to."""
    author, second = market.people["operator"], market.people["second-operator"]
    if case.author == "second-operator":
        author, second = second, author
    at, rule = now + timedelta(days=case.drafted), _rule(case, author, now=now)
    rule_id = await draft_rule(conn, rule=rule, author_id=author, at=at)
    subject = str(rule_id)
    await audit(conn, at=at, person_id=author, action="policy.draft", subject=subject)
    if case.approved is not None:
        at = now + timedelta(days=case.approved)
        await approve_rule(conn, rule_id=rule_id, approver_id=second, at=at)
        await audit(conn, at=at, person_id=second, action="policy.approve", subject=subject)


def _rule(case: Case, author: PersonId, *, now: datetime) -> Rule:
    """Fee rules begin and end at midnight in Shanghai."""
    day = now.replace(hour=MIDNIGHT_H, minute=0, second=0, microsecond=0)
    return Rule(
        id=RuleId(derived_id(author, f"rule {case.name}")),
        kind=case.kind.value,
        source="own",
        category=case.category,
        announced_at=now + timedelta(days=case.drafted),
        starts=day + timedelta(days=case.starts),
        ends=None if case.ends is None else day + timedelta(days=case.ends),
        rollout_bp=case.rollout_bp,
        value=case.value_bp,
        reason_zh=case.zh,
        reason_en=case.en,
        citation=f"斗拱规则公告 {now.year} / {case.name}",
    )
