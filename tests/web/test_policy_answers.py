"""What is allowed and what it costs, over HTTP: for oneself, at any instant, and why."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import the_rules
from tests.policy.factories import NOW, a_rule
from tests.web.test_operator import Client, Desk, as_, client, desk

from dougong.base.ids import OrgId, PersonId, new_id
from dougong.infra.db import transaction
from dougong.policy.commands import install_rules
from dougong.policy.rules import Rule

__all__ = ["client", "desk"]  # fixtures of the operator's tests

CODE = f"p{new_id().hex[:12]}"  # a platform of these tests alone
LATER = NOW + timedelta(days=30)
PAST = NOW - timedelta(days=30)
VERDICT = {"source": CODE, "surface": "live", "at": "2026-03-02T00:00:00+08:00"}
FEE = VERDICT | {"kind": "platform_service_fee", "route": "task", "base_minor": "1000001"}


async def ask(client: Client, token: str, what: str, params: dict[str, str]) -> Response:
    bearer = {"authorization": f"Bearer {token}"}
    return await client.get(f"/api/v1/policy/{what}", params=params, headers=bearer)


async def put(conn: AsyncConnection, *rules: Rule) -> None:
    await the_rules(conn)
    author, approver = PersonId(new_id()), PersonId(new_id())
    await install_rules(conn, rules=rules, at=NOW, author_id=author, approver_id=approver)


@pytest.fixture(scope="module")
async def book(connections: None) -> dict[str, Any]:
    """Rules about one platform, committed; they say nothing of any other."""
    rules = {
        "joined": a_rule(kind="link", source=CODE, value=1, starts=PAST, reason_zh="已接入",
                         reason_en="It has joined", citation="2026/1"),
        "by_task": a_rule(kind="link", source=CODE, surface="live", route="direct", value=0,
                          reason_en="Only by task"),
        "barred": a_rule(kind="link", source=CODE, surface="live", route="task", value=0,
                         starts=LATER, reason_en="Barred from live rooms"),
        "fee": a_rule(source=CODE, route="task", value=2000),
    }  # fmt: skip
    async with transaction() as conn:
        await put(conn, *rules.values())
    return rules


async def test_a_verdict_and_a_fee_name_their_rules(
    client: Client, desk: Desk, book: dict[str, Rule]
) -> None:
    async def asked(what: str, params: dict[str, str]) -> Any:
        return (await ask(client, desk.creator, what, params)).json()

    said = await asked("verdict", VERDICT)
    assert (said["allowed"], said["reason_en"]) == (False, "Only by task")
    assert said["rule"]["id"] == str(book["by_task"].id)
    joined = next(one for one in said["considered"] if one["rule"]["id"] == str(book["joined"].id))
    assert (joined["why"], joined["column"]) == ("less_specific", "route")
    assert (await asked("verdict", VERDICT | {"route": "task"}))["allowed"] is True
    later = VERDICT | {"route": "task", "at": LATER.isoformat()}
    assert (await asked("verdict", later))["allowed"] is False
    before = VERDICT | {"at": (PAST - timedelta(days=1)).isoformat()}
    nothing = await asked("verdict", before)
    assert (nothing["allowed"], nothing["rule"]) == (False, None)
    fee = await asked("fee", FEE)
    assert (fee["fee_minor"], fee["rate_bp"], fee["rule"]["id"]) == (
        200_000,
        2000,
        str(book["fee"].id),
    )


async def test_a_party_asks_for_itself_and_an_operator_for_anybody(
    client: Client, desk: Desk, book: dict[str, Rule]
) -> None:
    mine = OrgId(desk.market.creator_id)
    grant = a_rule(kind="link", source=CODE, party=str(mine), surface="profile", value=0)
    async with transaction() as conn:
        await put(conn, grant)
    case = VERDICT | {"surface": "profile", "party": str(mine)}

    for who in (desk.creator, desk.one):
        said = (await ask(client, who, "verdict", case)).json()
        assert (said["allowed"], said["rule"]["id"]) == (False, str(grant.id))
        assert said["facts"]["party_class"] == "creator"
    assert (await ask(client, desk.merchant, "verdict", case)).status_code == 404
    for_nobody = {name: value for name, value in case.items() if name != "party"}
    others = (await ask(client, desk.merchant, "verdict", for_nobody)).json()
    assert others["allowed"] is True
    seen = {one["rule"]["id"] for one in others["considered"]}
    assert str(grant.id) not in seen  # who has a contract is nobody else's business
    operators = (await ask(client, desk.one, "verdict", for_nobody)).json()
    assert str(grant.id) in {one["rule"]["id"] for one in operators["considered"]}


async def test_what_is_not_announced_is_an_operators_to_see(client: Client, desk: Desk) -> None:
    code, start = f"p{new_id().hex[:12]}", NOW + timedelta(days=36_500)
    secret = a_rule(kind="link", source=code, value=1, starts=start, announced_at=start)
    async with transaction() as conn:
        await put(conn, secret)
    case = {"source": code, "surface": "video", "at": start.isoformat()}
    for who, allowed in ((desk.creator, False), (desk.one, True)):
        said = await ask(client, who, "verdict", case)
        assert said.json()["allowed"] is allowed


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "Tao Bao"},
        {"surface": "radio"},
        {"route": "tasks"},
        {"at": "2026-03-02T00:00:00"},
        {"at": "soon"},
        {"party": "me"},
        {"category": "a b"},
    ],
)
async def test_a_question_that_cannot_be_answered(
    client: Client, desk: Desk, wrong: dict[str, str]
) -> None:
    answer = await ask(client, desk.creator, "verdict", VERDICT | wrong)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_input"


async def test_nobody_asks_without_signing_in() -> None:
    async with Client() as stranger:
        assert (await stranger.get("/api/v1/policy/fee", params=FEE)).status_code == 401


@pytest.mark.parametrize(("locale", "word", "then"), [
    ("en", "only by task", "It has joined"),
    ("zh", "须走任务", "已接入"),
])  # fmt: skip
async def test_creator_and_merchant_see_it_on_a_page(
    client: Client, desk: Desk, book: dict[str, Rule], locale: str, word: str, then: str
) -> None:
    pages = {
        "creator": f"/creator/{desk.market.creator_id}/allowed",
        "merchant": f"/merchant/stores/{desk.market.store_id}/allowed",
    }
    for who, url in pages.items():
        params = {"at": "2026-03-02T00:00", "category": "beauty"}
        page = await as_(client, getattr(desk, who), locale).get(url, params=params)
        assert page.status_code == 200, page.text[:500]
        part = page.text.split(f'data-source="{CODE}"')[1].split("</tbody>")[0]
        assert 'data-says="task"' in part
        assert word in part
        assert then in part  # why the short video is open
        live = part.split('data-surface="live"')[1].split("</tr>")[0]
        assert {"en": ": no", "zh": "：不可以"}[locale] in live  # from LATER on
        assert f'href="{url}"' in page.text  # the menu leads here
        assert 'data-kind="platform_service_fee"' in page.text
        wrong = await as_(client, getattr(desk, who), locale).get(url, params={"at": "soon"})
        assert wrong.status_code == 400
