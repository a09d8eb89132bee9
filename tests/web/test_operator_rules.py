"""Rules on the operator's screens: two people for one, which decides a case, and refusals."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.factories import (
    T0,
    ARequest,
    a_buyer,
    a_link_rule,
    a_store,
    an_outside_link,
    the_rules,
)
from tests.factories import approved as approve_rows
from tests.flows.test_order_life import a_placed_order, pay
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.base.ids import new_id
from dougong.infra import clock
from dougong.infra.db import transaction

__all__ = ["client", "desk"]  # fixtures of the operator's tests


def a_draft(**changes: str) -> dict[str, str]:
    starts = (clock.wall_now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    values = {
        "kind": "platform_service_fee",
        "value": "4.5",
        "starts": starts,
        "party": str(new_id()),
        "reason_zh": "合同",
        "reason_en": "A contract",
    }
    return values | changes


async def rule_of(party: str) -> Any:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM fee_rules WHERE party = :party"), {"party": party}
        )
        return found.one_or_none()


async def test_one_person_drafts_and_another_approves(client: Client, desk: Desk) -> None:
    form = a_draft()
    drafted = await as_(client, desk.one).post(
        "/operator/rules/draft", data=form, follow_redirects=False
    )
    assert drafted.status_code == 303
    rule = await rule_of(form["party"])
    assert (rule.rate_bp, rule.approver_id) == (450, None)
    path = f"/operator/rules/{rule.id}/approve"
    refused = await as_(client, desk.one).post(path, data={})
    assert (refused.status_code, "ask a second person" in refused.text) == (403, True)
    approved = await as_(client, desk.two).post(path, data={}, follow_redirects=False)
    assert approved.status_code == 303
    assert (await rule_of(form["party"])).approver_id is not None
    ends = (clock.wall_now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    ended = await as_(client, desk.one).post(
        f"/operator/rules/{rule.id}/end", data={"ends": ends}, follow_redirects=False
    )
    assert ended.status_code == 303
    assert (await rule_of(form["party"])).in_force.upper is not None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": "101"}, "value"),
        ({"value": "1.234"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"starts": "2020-01-01T00:00"}, "starts"),
        ({"starts": "tomorrow"}, "starts"),
        ({"ends": "2020-01-01T00:00"}, "ends"),
        ({"reason_zh": " "}, "reason_zh"),
        ({"kind": "tax"}, "kind"),
    ],
)
async def test_a_bad_draft_is_refused_at_its_field(
    client: Client, desk: Desk, change: dict[str, str], field: str
) -> None:
    form = a_draft(**change)
    answer = await as_(client, desk.one).post("/operator/rules/draft", data=form)
    assert answer.status_code in (400, 422)
    assert f'id="error-{field}"' in answer.text
    assert await rule_of(form["party"]) is None


async def approved(client: Client, desk: Desk, **changes: str) -> None:
    draft = a_draft(**changes)
    await as_(client, desk.one).post("/operator/rules/draft", data=draft)
    async with transaction() as conn:
        rule_id = await conn.scalar(
            text("SELECT id FROM fee_rules WHERE party = :party AND category = :category"),
            {"party": draft["party"], "category": draft.get("category", "*")},
        )
    await as_(client, desk.two).post(f"/operator/rules/{rule_id}/approve", data={})


async def test_the_case_page_says_which_rule_decides_and_why_not_the_others(
    client: Client, desk: Desk
) -> None:
    async with transaction() as conn:
        store = await a_store(conn)
    party = str(store.org_id)
    await approved(client, desk, value="1.25", party=party)
    await approved(client, desk, value="0.75", party=party, category="food/tea")
    case = {"store": str(store.store_id), "category": "food/tea"}
    now = await client.get("/operator/rules/case", params=case)
    assert now.status_code == 200
    assert now.text.count("in force only from") == 2
    assert '<div class="case-value">0.75%</div>' not in now.text
    later = {"at": (clock.wall_now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")}
    then = await client.get("/operator/rules/case", params=case | later)
    assert '<div class="case-value">0.75%</div>' in then.text
    assert "less specific: the winner names the Category" in then.text
    terms = await client.get("/operator/terms/case", params={"surface": "live"})
    assert terms.status_code == 200


async def test_rules_come_as_a_file_and_are_searched_in_words(client: Client, desk: Desk) -> None:
    await as_(client, desk.one, "zh").post("/operator/rules/draft", data=a_draft())
    found = await client.get("/operator/rules?q=服务费&show=draft")
    assert "<strong>平台服务费</strong>" in found.text
    none = await client.get("/operator/rules?q=没有这样的规则&show=all")
    assert "<tbody>" not in none.text
    file = await client.get("/operator/rules?file=csv&show=all")
    assert file.text.startswith("\ufeffkind,value,state,starts,ends,party")
    assert "platform_service_fee" in file.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": "101"}, "Give a rate from 0 to 100 %."),
        ({"value": "a lot"}, "Give a rate from 0 to 100 %."),
        ({"starts": "soon"}, "Please give a date and a time."),
        ({"reason_en": " "}, "This is needed."),
    ],
)
async def test_a_draft_is_refused_in_words_at_the_field(
    client: Client, desk: Desk, changes: dict[str, str], words: str
) -> None:
    page = await as_(client, desk.one).post("/operator/rules/draft", data=a_draft(**changes))
    assert page.status_code in {400, 422}
    (field,) = changes
    assert f'id="error-{field}">{words}' in page.text


async def test_a_link_rule_shows_what_it_would_hide_before_it_is_approved(
    client: Client, desk: Desk
) -> None:
    source = f"src{new_id().hex[-8:]}"
    async with transaction() as conn:
        await approve_rows(conn, a_link_rule(source, allowed=True, starts=T0))
        link_id = await an_outside_link(conn, source)
        await conn.execute(
            text("INSERT INTO clicks (id, link_id, at) VALUES (:id, :link, :at)"),
            {"id": new_id(), "link": link_id, "at": clock.wall_now()},
        )
    draft = a_draft(
        kind="link", value="0", unit="verdict", party="*", source=source, surface="video"
    )
    drafted = await as_(client, desk.one).post(
        "/operator/link-rules/draft", data=draft, follow_redirects=False
    )
    assert drafted.status_code == 303
    async with transaction() as conn:
        rule_id = await conn.scalar(
            text("SELECT id FROM link_rules WHERE source = :s AND NOT allowed"), {"s": source}
        )
    path = f"/operator/link-rules/{rule_id}"
    listed = await as_(client, desk.two).get("/operator/link-rules", params={"show": "draft"})
    assert f"{path}/impact" in listed.text
    seen = await client.get(f"{path}/impact")
    assert (seen.status_code, f"{path}/approve" in seen.text) == (200, True)
    lines = (await client.get(f"{path}/impact", params={"file": "csv"})).text.splitlines()
    assert lines[1:] == ["creator,creator,1,0,1,0,0,0,0"]
    assert (await client.post(f"{path}/approve", data={}, follow_redirects=False)).is_redirect
    gone = await client.get(f"/operator/link-rules/{new_id()}/impact")
    assert gone.status_code == 404


async def test_a_fee_rule_shows_what_the_last_orders_would_have_paid(
    client: Client, desk: Desk
) -> None:
    async with transaction() as conn:
        await the_rules(conn)
        store, buyer = await a_store(conn), await a_buyer(conn)
    await pay(await a_placed_order(ARequest(store, buyer, 9_900)), buyer)
    party = str(store.org_id)
    await approved(client, desk, value="5", party=party, category="beauty")
    draft = a_draft(party=party, category="beauty/skincare", value="8")
    await as_(client, desk.one).post("/operator/rules/draft", data=draft)
    async with transaction() as conn:
        rule = (
            await conn.execute(
                text("SELECT id FROM fee_rules WHERE party = :p AND approver_id IS NULL"),
                {"p": party},
            )
        ).one()
    answer = await client.get(f"/operator/rules/{rule.id}/impact", params={"file": "csv"})
    assert answer.text.splitlines()[1:] == ["merchant,merchant,0,0,0,1,9900,495,792"]
