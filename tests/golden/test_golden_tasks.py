"""Golden days of tasks: the 20 % rule of August 2020, and who gets what of each, to the fen."""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import an_org
from tests.tasks.market import DAY, AMarket, a_task_market

import dougong.cli.demo
from dougong.flows import work_on_task
from dougong.flows.deadlines import act_on_one
from dougong.flows.load_rules import load_rules
from dougong.policy.queries import forget_book
from dougong.reads.explain import explain_order, find_order
from dougong.reads.explain_tree import Node
from dougong.tasks.agency_commands import answer_contract, offer_contract
from dougong.tasks.brief_rules import Measure, Model, Tier

GOLDEN = tomllib.loads((Path(__file__).parent / "tasks_2020.toml").read_text("utf-8"))
STORY = Path(dougong.cli.demo.__file__).parent / "douyin_taobao.toml"
pytestmark = pytest.mark.money


@pytest.fixture
async def market(conn: AsyncConnection) -> AMarket:
    """Under the story's rule book, with a brand that has paid in."""
    made = await a_task_market(conn, funds_minor=GOLDEN["funds_minor"])
    at = GOLDEN["tasks"][0]["agreed"] + timedelta(days=365)
    await load_rules(conn, data=STORY.read_bytes(), at=at, is_history=True)
    forget_book()
    return made


async def an_agency(market: AMarket, share_bp: int, example: dict[str, Any]) -> None:
    agency, at = await an_org(market.conn, kind="creator"), example["agreed"] - DAY
    contract = await offer_contract(
        market.conn, agency_id=agency, creator_id=market.creator, share_bp=share_bp, starts=at,
        ends=None, person_id=market.person, at=at,
    )  # fmt: skip
    await answer_contract(
        market.conn, contract_id=contract, creator_id=market.creator, accept=True,
        person_id=market.person, at=at,
    )  # fmt: skip


async def live(market: AMarket, example: dict[str, Any], task_id: UUID) -> None:
    """Shown on 22 August, delivered on the 23rd; then what the example says."""
    agreed, conn, person = example["agreed"], market.conn, market.person
    on_air = agreed + 2 * DAY
    if example["pinned_s"]:
        await market.shown_live(
            task_id, (on_air, timedelta(seconds=example["pinned_s"])),
            is_own=example["source"] == "own", viewers=example.get("viewers", 0),
        )  # fmt: skip
    if example["pinned_s"] and example.get("is_delivered", True):
        await work_on_task.deliver(
            conn, task_id=task_id, creator_id=market.creator, video_id=None, note="",
            person_id=person, at=agreed + 3 * DAY,
        )  # fmt: skip
    if example["then"] in ("silence", "nothing"):
        for days in (60, 90):  # what is offered then counts as taken later
            while await act_on_one(conn, at=agreed + days * DAY):
                pass
        return
    later = {"task_id": task_id, "person_id": person, "at": agreed + example.get("days", 4) * DAY}
    match example["then"]:
        case "accept":
            await work_on_task.accept(conn, brand_id=market.brand, **later)
        case "cancel":
            await work_on_task.cancel(conn, party_id=market.brand, reason="不再需要", **later)
        case "creator cancels":
            await work_on_task.cancel(conn, party_id=market.creator, reason="生病", **later)
        case "samples, cancel":
            sent = later | {"at": agreed, "note": "SF0001"}
            await work_on_task.send_samples(conn, brand_id=market.brand, **sent)
            await work_on_task.cancel(conn, party_id=market.brand, reason="不再需要", **later)
        case "redo, cancel":
            await work_on_task.ask_again(conn, brand_id=market.brand, reason="再来一次", **later)
            await work_on_task.cancel(conn, party_id=market.brand, reason="不再需要", **later)
        case "dispute":
            await work_on_task.dispute(conn, party_id=market.brand, statement="少了一分钟", **later)
            await work_on_task.state(conn, party_id=market.creator, statement="镜头切换", **later)
            later["at"] = agreed + 9 * DAY
            await work_on_task.rule(conn, share_bp=example["ruled_bp"], reason="按记录", **later)


def amounts(node: Node) -> dict[str, int]:
    found = {node.label: node.amount_minor}
    for child in node.children:
        found |= amounts(child)
    return found


def price_of(example: dict[str, Any]) -> dict[str, Any]:
    """The terms of its price: one price, or `per_thousand` or `tiers` beside a fixed part."""
    terms: dict[str, Any] = {"blacklist": tuple(example.get("blacklist", ()))}
    if example["then"] == "samples, cancel":
        terms["samples_by"] = example["agreed"] + 2 * DAY
    if "most" not in example:
        return terms | {"price_minor": GOLDEN["price_minor"]}
    terms |= {"price_minor": example["fixed"], "most_minor": example["most"]}
    if "tiers" in example:
        tiers = tuple(Tier(*one) for one in example["tiers"])
        return terms | {"model": Model.TIERED, "measure": Measure.VIEWS, "tiers": tiers}
    per_thousand = example["per_thousand"]
    return terms | {"model": Model.PER_THOUSAND_VIEWS, "per_thousand_minor": per_thousand}


@pytest.mark.parametrize("example", GOLDEN["tasks"], ids=lambda e: e["says"])
async def test_golden_task(market: AMarket, example: dict[str, Any]) -> None:
    if "agency_bp" in example:
        await an_agency(market, example["agency_bp"], example)
    before = await market.money()
    task_id = await market.a_task(
        at=example["agreed"], source=example["source"], **price_of(example)
    )
    whole = example.get("most", GOLDEN["price_minor"])
    held = await market.money()
    assert held["task_escrow"] == whole
    assert held["advertiser_funds"] == GOLDEN["funds_minor"] - whole

    await live(market, example, task_id)

    row, after = await market.row(task_id), await market.money()
    paid = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    wanted = {
        "platform_service_fee": example["fee"],
        "creator_payable": example["creator"],
        "agency_payable": example.get("agency", 0),
        "advertiser_funds": example["back"] - whole,
        "task_escrow": 0,
    }
    assert row.state == example["state"]
    assert {name: paid.get(name, 0) for name in wanted} == wanted
    book = await find_order(market.conn, order_id=task_id)
    tree = await explain_order(market.conn, store_id=book, order_id=task_id)
    parts = amounts(tree)
    assert tree.residual_minor == 0
    assert tree.amount_minor == whole
    assert [parts.get(name, 0) for name in ("service_fee", "agency", "task_pay", "task_back")] == [
        example["fee"], example.get("agency", 0), example["creator"], example["back"],
    ]  # fmt: skip
