"""Golden days of orders at another platform: who gets what of each, to the fen."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import an_org
from tests.policy.factories import a_rule
from tests.referrals.world import a_row, a_source, an_outside_link, refund, settled, take

import dougong.cli.demo
from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, RuleId, new_id
from dougong.base.money import Money
from dougong.flows.agree_task import agree_task
from dougong.flows.load_rules import load_rules
from dougong.policy.commands import install_rules
from dougong.policy.queries import forget_book
from dougong.reads.explain import explain_order

GOLDEN = tomllib.loads((Path(__file__).parent / "referrals_2020.toml").read_text("utf-8"))
STORY = Path(dougong.cli.demo.__file__).parent / "douyin_taobao.toml"
SOURCE = "jd"  # open to tasks on both days
NOW = datetime(2020, 9, 30, tzinfo=UTC)


@pytest.fixture
async def story(conn: AsyncConnection) -> AsyncConnection:
    """The story's rule book, and the part of commissions that the platform keeps."""
    await a_source(conn, code=SOURCE)
    await load_rules(conn, data=STORY.read_bytes(), at=NOW, is_history=True)
    start = datetime(2018, 1, 1, tzinfo=UTC)
    cut = a_rule(
        id=RuleId(new_id()), kind="commission_cut", source="outside", party_class="creator",
        value=GOLDEN["cut"]["rate_bp"], announced_at=start, starts=start,
    )  # fmt: skip
    people = {"author_id": PersonId(new_id()), "approver_id": PersonId(new_id())}
    await install_rules(conn, rules=[cut], at=NOW, **people)
    forget_book()
    return conn


@pytest.mark.parametrize("example", GOLDEN["orders"], ids=lambda e: e["says"])
async def test_golden_order(story: AsyncConnection, example: dict[str, Any]) -> None:
    creator = OrgId(await an_org(story, kind="creator"))
    task_id = None
    if "agreed" in example:
        task = await agree_task(
            story,
            task_id=new_id(),
            brand_id=OrgId(await an_org(story, kind="advertiser")),
            creator_id=creator,
            surface="live",
            source=SOURCE,
            category="beauty",
            price=Money(100_000, "CNY"),
            agreed_at=example["agreed"],
            ends_at=example["agreed"] + timedelta(days=30),
        )
        task_id = task.id
    link = await an_outside_link(
        story, source=SOURCE, creator_id=creator, surface="live", task_id=task_id,
        clicked_at=example["clicked"],
    )  # fmt: skip
    row = settled(a_row(link, tk_paid_time=example["paid"]))
    rows = [row, refund(row, example["taken_back"])] if "taken_back" in example else [row]
    await take(story, link, rows)
    order_id = await story.scalar(
        text("SELECT id FROM referral_orders WHERE order_ref = :ref"), {"ref": row["trade_id"]}
    )
    tree = await explain_order(story, store_id=PLATFORM_BOOK, order_id=order_id)
    reached = next(part for part in tree.children if part.label == "reaches_us")
    parts = {part.label: part.amount_minor for part in reached.children}
    assert tree.residual_minor == 0
    assert [parts.get(name, 0) for name in ("service_fee", "commission_cut", "referral")] == [
        example[name] for name in ("service_fee", "commission_cut", "creator")
    ]
