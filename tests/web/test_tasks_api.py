"""The task market over the API: one task from its brief to its ratings, and what is refused."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from tests.tasks.market import DAY
from tests.web.task_api import PRICE, Api, a_key, an_api

from dougong.flows import work_on_task
from dougong.infra.db import transaction

pytestmark = pytest.mark.money
INVOICE = {"kind": "special", "title": "美妆有限公司", "tax_no": "91330100XXXX"}


@pytest.fixture
async def api(connections: None) -> AsyncIterator[Api]:
    async with an_api() as made:
        yield made


def amounts(node: Any) -> dict[str, int]:
    found = {node["label"]: node["amount"]["minor"]}
    for child in node["children"]:
        found |= amounts(child)
    return found


async def test_a_whole_task_by_the_api_only(api: Api) -> None:
    samples_by = (api.now() + 2 * DAY).isoformat()
    brief_id = await api.posted(samples_by=samples_by, blacklist=["最好"], invoice=INVOICE)

    seen = await api.get("creator", f"{api.creator}/briefs/{brief_id}")
    now = seen["offer"]["now"]
    assert (now["fee_bp"], now["fee_minor"], now["net_minor"]) == (500, 5_000, PRICE - 5_000)
    assert seen["terms"]["invoice"] == {"kind": "special", "title": "", "tax_no": ""}
    assert (await api.applied(brief_id))["task_id"] is None

    ours = f"{api.brand}/briefs/{brief_id}/applications"
    (waiting,) = (await api.get("brand", ours))["items"]
    assert (waiting["state"], waiting["note"]) == ("applied", "试过")
    task_id = (await api.post("brand", f"{ours}/{waiting['id']}/agree"))["task_id"]
    brands, creators = f"{api.brand}/tasks/{task_id}", f"{api.creator}/tasks/{task_id}"
    told = await api.get("creator", creators)
    assert (told["task"]["funded_minor"], told["service_fee_bp"]) == (PRICE, 500)
    assert told["terms"]["invoice"] == INVOICE
    assert (told["samples"]["state"], told["may"]) == ("due", ["cancelled", "delivered"])

    await api.post("brand", f"{brands}/samples", {"note": "SF0001"})
    await api.post("creator", f"{creators}/samples/received", {"note": "完好"})
    assert (await api.get("brand", brands))["samples"]["state"] == "received"

    await api.shown(task_id)
    await api.post("creator", f"{creators}/deliveries", {"note": "完成"}, key=a_key(), status=201)
    told = await api.get("brand", brands)
    assert told["deliveries"][0]["evidence"]["shown"] == told["record"]["wanted"] == 30 * 60
    done = await api.post("brand", f"{brands}/accept")
    assert (done["state"], done["fee_minor"], done["creator_minor"]) == (
        "accepted", 5_000, PRICE - 5_000,
    )  # fmt: skip
    tree = await api.get("creator", f"{creators}/explanation")
    assert tree["residual"]["minor"] == 0
    assert amounts(tree) == {
        "task": PRICE, "task_earned": PRICE, "service_fee": 5_000, "task_net": PRICE - 5_000,
        "task_pay": PRICE - 5_000,
    }  # fmt: skip
    await api.post("brand", f"{brands}/rating", {"stars": 5, "words": "守时"})
    await api.post("creator", f"{creators}/rating", {"stars": 4})
    await api.post("creator", f"{creators}/rating", {"stars": 1}, status=409)
    told = await api.get("creator", creators)
    assert [(one["side"], one["stars"]) for one in told["ratings"]] == [
        ("brand", 5),
        ("creator", 4),
    ]
    assert [(one["side"], one["kind"]) for one in told["notes"]] == [
        ("brand", "samples"), ("creator", "received"),
    ]  # fmt: skip


async def test_a_brief_with_its_key_is_written_once(api: Api) -> None:
    body, key, place = api.a_brief(), a_key(), f"{api.brand}/briefs"
    first = await api.post("brand", place, body, key=key, status=201)
    assert await api.post("brand", place, body, key=key, status=201) == first
    await api.post("brand", place, body | {"places": 1}, key=key, status=409)
    listed = await api.get("brand", f"{place}?show=draft")
    assert [one["id"] for one in listed["items"]] == [first["id"]]
    assert await api.get("brand", f"{place}/{first['id']}") == first


async def test_a_draft_is_changed_and_what_is_posted_is_not(api: Api) -> None:
    body, place = api.a_brief(), f"{api.brand}/briefs"
    made = await api.post("brand", place, body, key=a_key(), status=201)
    mine = f"{place}/{made['id']}"
    changed = await api("brand", "PUT", mine, body | {"price_minor": 9}, status=200)
    assert changed["terms"]["price_minor"] == 9
    await api.post("brand", f"{mine}/post")
    refused = await api("brand", "PUT", mine, body, status=409)
    assert refused["code"] == "brief_closed"


async def test_an_asked_creator_takes_its_place_at_once(api: Api) -> None:
    handle = await api.sql("SELECT handle FROM organisations WHERE id = :id", id=api.market.creator)
    brief_id = await api.posted(way="assigned", least_followers=1_000)
    place, theirs = f"{api.brand}/briefs/{brief_id}", f"{api.creator}/briefs/{brief_id}"
    await api.get("creator", theirs, status=404)
    body, key = {"handle": f"@{handle}", "note": "请来"}, a_key()
    asked = await api.post("brand", f"{place}/invitations", body, key=key, status=201)
    assert await api.post("brand", f"{place}/invitations", body, key=key, status=201) == asked
    again = await api.post("brand", f"{place}/invitations", body, key=a_key(), status=409)
    assert (asked["state"], again["code"]) == ("invited", "applied_already")
    body = {"handle": "nobody-of-that-name"}
    wrong = await api.post("brand", f"{place}/invitations", body, key=a_key(), status=422)
    assert wrong["field"] == "handle"
    seen = await api.get("creator", theirs)
    assert (seen["mine"], seen["note"]) == ("invited", "请来")
    assert (await api.applied(brief_id))["task_id"] is not None


async def test_who_is_asked_to_a_recruiting_brief_needs_no_followers(api: Api) -> None:
    handle = await api.sql("SELECT handle FROM organisations WHERE id = :id", id=api.market.creator)
    brief_id = await api.posted(way="recruiting", least_followers=1_000)
    theirs = f"{api.creator}/briefs/{brief_id}/applications"
    small = await api.post("creator", theirs, {}, key=a_key(), status=409)
    assert small["code"] == "not_invited"
    invited = f"{api.brand}/briefs/{brief_id}/invitations"
    await api.post("brand", invited, {"handle": handle}, key=a_key(), status=201)
    assert (await api.applied(brief_id))["task_id"] is not None


async def test_a_task_is_agreed_and_accepted_once_with_any_key(api: Api) -> None:
    brief_id = await api.posted()
    theirs, key = f"{api.creator}/briefs/{brief_id}/applications", a_key()
    first = await api.post("creator", theirs, {"note": "试过"}, key=key, status=201)
    assert await api.post("creator", theirs, {"note": "试过"}, key=key, status=201) == first
    again = await api.post("creator", theirs, {"note": "试过"}, key=a_key(), status=409)
    assert again["code"] == "applied_already"
    agree = f"{api.brand}/briefs/{brief_id}/applications/{first['application_id']}/agree"
    task = await api.post("brand", agree)
    assert await api.post("brand", agree) == task
    listed = (await api.get("creator", f"{api.creator}/tasks"))["items"]
    assert [one["task_id"] for one in listed] == [task["task_id"]]
    await api.shown(task["task_id"])
    place, key = f"{api.creator}/tasks/{task['task_id']}/deliveries", a_key()
    made = await api.post("creator", place, {}, key=key, status=201)
    assert await api.post("creator", place, {}, key=key, status=201) == made
    await api.post("creator", place, {}, key=a_key(), status=409)
    accept = f"{api.brand}/tasks/{task['task_id']}/accept"
    done = await api.post("brand", accept, key=(key := a_key()))
    for other in (key, a_key(), ""):
        assert await api.post("brand", accept, key=other) == done
    paid = await api.sql(
        "SELECT count(*) FROM ledger_entries WHERE order_id = :id AND kind = 'task_settled'",
        id=task["task_id"],
    )
    assert paid == 1


async def test_a_stranger_finds_nothing(api: Api) -> None:
    draft = await api.post("brand", f"{api.brand}/briefs", api.a_brief(), key=a_key(), status=201)
    task_id = await api.agreed()
    for who, place in (
        ("other_brand", f"{api.other_brand}/briefs/{draft['id']}"),
        ("creator", f"{api.creator}/briefs/{draft['id']}"),
        ("other_brand", f"{api.other_brand}/tasks/{task_id}"),
        ("other_creator", f"{api.other_creator}/tasks/{task_id}"),
        ("other_creator", f"{api.other_creator}/tasks/{task_id}/explanation"),
        ("other_brand", f"{api.brand}/tasks/{task_id}"),
        ("creator", f"{api.brand}/tasks/{task_id}"),
    ):
        await api.get(who, place, status=404)
    for act, body in (("cancel", {"reason": "x"}), ("rating", {"stars": 1}), ("accept", None)):
        place = f"{api.other_brand}/tasks/{task_id}/{act}"
        await api.post("other_brand", place, body, status=404)
    await api.post("other_brand", f"{api.other_brand}/briefs/{draft['id']}/post", status=404)


async def test_money_that_runs_out_between_application_and_agreement(api: Api) -> None:
    brief_id = await api.posted(price_minor=6_000_000, budget_minor=12_000_000)
    mine, theirs = await api.applied(brief_id), await api.applied(brief_id, who="other_creator")
    place = f"{api.brand}/briefs/{brief_id}/applications"
    await api.post("brand", f"{place}/{mine['application_id']}/agree")
    short = await api.post("brand", f"{place}/{theirs['application_id']}/agree", status=409)
    assert short["code"] == "funds_short"
    assert (short["facts"]["needed_minor"], short["facts"]["available_minor"]) == (
        6_000_000, 4_000_000,
    )  # fmt: skip
    states = {one["id"]: one["state"] for one in (await api.get("brand", place))["items"]}
    assert states[theirs["application_id"]] == "applied"
    recruiting = await api.posted(way="recruiting", price_minor=6_000_000, budget_minor=12_000_000)
    wait = f"{api.other_creator}/briefs/{recruiting}/applications"
    told = await api.post("other_creator", wait, {}, key=a_key(), status=409)
    assert (told["code"], told["facts"]) == ("brand_funds_short", {})


async def test_a_dispute_is_read_with_its_evidence_and_its_ruling(api: Api) -> None:
    task_id = await api.delivered(29)
    brands, creators = f"{api.brand}/tasks/{task_id}", f"{api.creator}/tasks/{task_id}"
    part = {"share_bp": 5_000, "reason": "少一半"}
    offered = await api.post("brand", f"{brands}/part", part)
    assert (offered["state"], offered["offered_bp"]) == ("part_offered", 5_000)
    key = a_key()
    for _ in range(2):
        told = await api.post("creator", f"{creators}/dispute", {"reason": "只差一分钟"}, key=key)
        assert told["state"] == "disputed"
    await api.post("creator", f"{creators}/dispute", {"reason": "只差一分钟"}, status=409)
    await api.post("brand", f"{brands}/statement", {"reason": "镜头切走了"})
    async with transaction() as conn:
        await work_on_task.rule(
            conn, task_id=UUID(task_id), share_bp=9_666, reason="按记录",
            person_id=api.market.person, at=api.now(),
        )  # fmt: skip
    told = await api.get("creator", creators)
    assert [(one["side"], one["kind"], one["share_bp"]) for one in told["notes"]] == [
        ("brand", "part", 5_000), ("creator", "dispute", None), ("brand", "statement", None),
        ("operator", "ruling", 9_666),
    ]  # fmt: skip
    evidence = told["notes"][1]["evidence"]
    assert (evidence["shown"], evidence["wanted"], evidence["share_bp"]) == (1_740, 1_800, 9_666)
    assert (told["task"]["state"], told["task"]["back_minor"]) == ("ruled", PRICE - 96_660)


async def test_either_side_cancels_and_an_application_is_withdrawn(api: Api) -> None:
    task_id = await api.agreed()
    api.wait(2 * DAY)
    told = (await api.get("brand", f"{api.brand}/tasks/{task_id}"))["cancel"]
    assert (told["stage"], told["share_bp"], told["paid_minor"]) == ("begun", 5_000, PRICE // 2)
    place, why = f"{api.brand}/tasks/{task_id}/cancel", {"reason": "计划有变"}
    moved = await api.post("brand", place, why | {"stage": "before"}, status=409)
    assert moved["code"] == "cancel_terms_moved"
    key = a_key()
    gone = await api.post("brand", place, why, key=key)
    assert await api.post("brand", place, why, key=key) == gone
    assert (gone["state"], gone["back_minor"]) == ("cancelled", PRICE - PRICE // 2)
    refused = await api.post("brand", place, why, status=409)
    assert refused["code"] == "task_work_closed"
    other = await api.agreed()
    theirs = await api.post("creator", f"{api.creator}/tasks/{other}/cancel", why)
    assert theirs["back_minor"] == PRICE
    brief_id = await api.posted()
    await api.applied(brief_id)
    for status in (204, 409):
        await api.post("creator", f"{api.creator}/briefs/{brief_id}/withdraw", status=status)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product_id": "0190b0b0-0000-7000-8000-000000000000"}, "product_id"),
        ({"price_minor": 0}, "price"),
        ({"budget_minor": PRICE - 1}, "budget"),
        ({"price_model": "tiered", "price_minor": 0, "most_minor": 9, "measure": "views"}, "tiers"),
        ({"samples_by": "2020-01-01T00:00:00Z"}, "samples_by"),
        ({"invoice": {"kind": "normal"}}, "invoice_title"),
        ({"product_id": None}, "product"),
    ],
)
async def test_a_brief_that_no_task_can_have(api: Api, change: dict[str, Any], field: str) -> None:
    body = api.a_brief(**change)
    told = await api.post("brand", f"{api.brand}/briefs", body, key=a_key(), status=422)
    assert (told["code"], told["field"]) == ("bad_brief", field)


async def test_a_video_task_is_delivered_with_a_video(api: Api) -> None:
    task_id = await api.agreed(surface="video", pinned_minutes=0, rooms=0, public_days=7)
    place = f"{api.creator}/tasks/{task_id}/deliveries"
    early = await api.post("creator", place, {}, key=a_key(), status=409)
    assert early["code"] == "task_not_begun"
    api.wait(2 * DAY)
    told = await api.post("creator", place, {}, key=a_key(), status=422)
    assert told["field"] == "video"
    strange = {"video_id": "0190b0b0-0000-7000-8000-000000000000"}
    told = await api.post("creator", place, strange, key=a_key(), status=409)
    assert told["code"] == "task_no_evidence"
