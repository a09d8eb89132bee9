"""The task market over the API: written, posted, applied for, agreed, delivered, accepted."""

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.factories import the_rules
from tests.tasks.market import DAY, AMarket, a_task_market
from tests.web.accounts import a_person, a_session

from dougong.accounts.commands import give_role
from dougong.base.access import Role
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.web.app import create_app


@cache
def app() -> Litestar:
    return create_app()


class Api:
    """A market with a token for each side."""

    def __init__(
        self, client: AsyncTestClient[Litestar], market: AMarket, tokens: dict[str, str]
    ) -> None:
        self.client, self.market, self.tokens = client, market, tokens
        self.brand = f"/api/v1/brands/{market.brand}"
        self.creator = f"/api/v1/creators/{market.creator}"

    async def __call__(
        self, who: str, method: str, path: str, body: Any = None, key: str = "", *, status: int
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        got = await self.client.request(method, path, json=body, headers=headers)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return got.json() if got.text else None


@pytest.fixture
async def api(connections: None) -> Any:
    people = {who: await a_person() for who in ("brand", "creator")}
    async with transaction() as conn:
        await the_rules(conn)
        at = await clock.refresh(conn)
        market = await a_task_market(conn)
        for who, org, role in (
            ("brand", market.brand, Role.ADVERTISER),
            ("creator", market.creator, Role.CREATOR),
        ):
            await give_role(conn, person_id=people[who], org_id=org, role=role, at=at)
    tokens = {who: await a_session(person) for who, person in people.items()}
    async with AsyncTestClient(app()) as client:
        yield Api(client, market, tokens)


def a_brief(api: Api, **change: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "title_zh": "秋季面霜", "surface": "live", "product_id": str(api.market.own[1]),
        "price_minor": 100_001, "budget_minor": 200_002, "places": 2, "pinned_minutes": 30,
        "rooms": 1, "apply_until": (now + DAY).isoformat(),
        "starts_at": (now + timedelta(seconds=1)).isoformat(),
        "ends_at": (now + 10 * DAY).isoformat(),
    } | change  # fmt: skip


async def posted(api: Api, **change: Any) -> str:
    body = a_brief(api, **change)
    made = await api("brand", "POST", f"{api.brand}/briefs", body, uuid4().hex, status=201)
    place = f"{api.brand}/briefs/{made['id']}"
    assert (await api("brand", "POST", f"{place}/post", status=200))["state"] == "posted"
    return str(made["id"])


async def test_a_brief_with_its_key_is_written_once(api: Api) -> None:
    body, key = a_brief(api), uuid4().hex
    first = await api("brand", "POST", f"{api.brand}/briefs", body, key, status=201)
    again = await api("brand", "POST", f"{api.brand}/briefs", body, key, status=201)
    assert again == first
    other = body | {"places": 1}
    await api("brand", "POST", f"{api.brand}/briefs", other, key, status=409)
    listed = await api("brand", "GET", f"{api.brand}/briefs?show=draft", status=200)
    assert [one["id"] for one in listed["items"]] == [first["id"]]
    assert await api("brand", "GET", f"{api.brand}/briefs/{first['id']}", status=200) == first


async def test_a_task_over_the_api(api: Api) -> None:
    brief_id = await posted(api)
    listed = await api("creator", "GET", f"{api.creator}/briefs", status=200)
    assert brief_id in [one["id"] for one in listed["items"]]
    place, key = f"{api.creator}/briefs/{brief_id}/applications", uuid4().hex
    applied = await api("creator", "POST", place, {"note": "试过"}, key, status=201)
    assert applied["task_id"] is None
    assert await api("creator", "POST", place, {"note": "试过"}, key, status=201) == applied
    ours = f"{api.brand}/briefs/{brief_id}/applications"
    (waiting,) = (await api("brand", "GET", ours, status=200))["items"]
    assert (waiting["state"], waiting["note"]) == ("applied", "试过")
    agree = f"{ours}/{applied['application_id']}/agree"
    task_id = (await api("brand", "POST", agree, status=200))["task_id"]
    assert (await api("brand", "POST", agree, status=200))["task_id"] == task_id
    theirs = f"{api.creator}/tasks/{task_id}"
    told = await api("creator", "GET", theirs, status=200)
    assert (told["task"]["state"], told["task"]["funded_minor"]) == ("agreed", 100_001)
    await api("creator", "GET", f"{api.brand}/tasks/{task_id}", status=404)


async def delivered(api: Api) -> str:
    """A task that began two days ago, delivered over the API."""
    async with transaction() as conn:
        api.market.conn = conn
        at = clock.now() - 3 * DAY
        task_id = await api.market.a_task(at=at)
        await api.market.shown_live(task_id, (at + 2 * DAY, timedelta(minutes=30)))
    place, key = f"{api.creator}/tasks/{task_id}/deliveries", uuid4().hex
    made = await api("creator", "POST", place, {"note": "完成"}, key, status=201)
    assert await api("creator", "POST", place, {"note": "完成"}, key, status=201) == made
    return str(task_id)


async def test_what_is_delivered_is_accepted_and_paid_once(api: Api) -> None:
    task_id = await delivered(api)
    place = f"{api.brand}/tasks/{task_id}"
    done = await api("brand", "POST", f"{place}/accept", status=200)
    assert done["state"] == "accepted"
    assert done["fee_minor"] + done["creator_minor"] + done["back_minor"] == 100_001
    assert await api("brand", "POST", f"{place}/accept", status=200) == done
    told = await api("brand", "GET", place, status=200)
    assert [one["number"] for one in told["deliveries"]] == [1]


async def test_a_part_is_offered_and_disputed(api: Api) -> None:
    task_id = await delivered(api)
    part = {"share_bp": 5_000, "reason": "少一半"}
    offered = await api("brand", "POST", f"{api.brand}/tasks/{task_id}/part", part, status=200)
    assert (offered["state"], offered["offered_bp"]) == ("part_offered", 5_000)
    place, key = f"{api.creator}/tasks/{task_id}/dispute", uuid4().hex
    for _ in range(2):
        told = await api("creator", "POST", place, {"reason": "不是"}, key, status=200)
        assert told["state"] == "disputed"
    await api("creator", "POST", place, {"reason": "不是"}, status=409)


async def test_a_brief_that_names_others_is_not_there(api: Api) -> None:
    brief_id = await posted(api, way="assigned")
    await api("creator", "GET", f"{api.creator}/briefs/{brief_id}", status=404)
