"""Both sides of the task market with a token each, at instants of the tests' choosing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from tests.factories import an_org, the_rules
from tests.tasks.market import DAY, AMarket, a_task_market
from tests.web.accounts import a_person, a_session
from tests.web.site import Client

from dougong.accounts.commands import give_role
from dougong.base.access import Role
from dougong.infra import clock
from dougong.infra.db import transaction

PRICE = 100_001


class Api:
    """Who acts: `brand`, `creator`, and strangers to them, `other_brand` and `other_creator`."""

    def __init__(
        self,
        client: Client,
        market: AMarket,
        tokens: dict[str, str],
        others: tuple[UUID, UUID],
    ) -> None:
        self.client, self.market, self.tokens = client, market, tokens
        self.ahead = timedelta(0)
        self.brand = f"/api/v1/brands/{market.brand}"
        self.creator = f"/api/v1/creators/{market.creator}"
        self.other_brand = f"/api/v1/brands/{others[0]}"
        self.other_creator = f"/api/v1/creators/{others[1]}"

    def wait(self, span: timedelta) -> None:
        """From now on all happens so much later."""
        self.ahead += span
        clock.pin(self.ahead)

    def now(self) -> datetime:
        return clock.wall_now() + self.ahead

    async def __call__(
        self, who: str, method: str, path: str, body: Any = None, key: str = "", *, status: int
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        clock.pin(self.ahead)
        got = await self.client.request(method, path, json=body, headers=headers)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return got.json() if got.text else None

    async def get(self, who: str, path: str, *, status: int = 200) -> Any:
        return await self(who, "GET", path, status=status)

    async def post(
        self, who: str, path: str, body: Any = None, *, key: str = "", status: int = 200
    ) -> Any:
        return await self(who, "POST", path, body, key, status=status)

    async def posted(self, **change: Any) -> str:
        """The id of a brief that creators can see."""
        body = self.a_brief(**change)
        made = await self.post("brand", f"{self.brand}/briefs", body, key=a_key(), status=201)
        await self.post("brand", f"{self.brand}/briefs/{made['id']}/post")
        return str(made["id"])

    def a_brief(self, **change: Any) -> dict[str, Any]:
        now = self.now()
        return {
            "title_zh": "秋季面霜", "surface": "live", "product_id": str(self.market.own[1]),
            "price_minor": PRICE, "budget_minor": 2 * PRICE, "places": 2, "pinned_minutes": 30,
            "rooms": 1, "apply_until": (now + DAY).isoformat(),
            "starts_at": (now + DAY).isoformat(), "ends_at": (now + 10 * DAY).isoformat(),
        } | change  # fmt: skip

    async def applied(self, brief_id: str, *, who: str = "creator") -> Any:
        place = f"{getattr(self, who)}/briefs/{brief_id}/applications"
        return await self.post(who, place, {"note": "试过"}, key=a_key(), status=201)

    async def agreed(self, **change: Any) -> str:
        """The id of a task that both agreed on."""
        brief_id = await self.posted(**change)
        application = (await self.applied(brief_id))["application_id"]
        place = f"{self.brand}/briefs/{brief_id}/applications/{application}/agree"
        return str((await self.post("brand", place))["task_id"])

    async def shown(self, task_id: str, minutes: int = 30, **room: Any) -> None:
        """Two days on: pinned for so long, half a day ago."""
        self.wait(2 * DAY)
        async with transaction() as conn:
            self.market.conn = conn
            at = self.now() - DAY / 2
            await self.market.shown_live(
                UUID(task_id), (at, minutes * timedelta(minutes=1)), **room
            )

    async def delivered(self, minutes: int = 30, **change: Any) -> str:
        """The id of a task that is shown and delivered."""
        task_id = await self.agreed(**change)
        await self.shown(task_id, minutes)
        place = f"{self.creator}/tasks/{task_id}/deliveries"
        await self.post("creator", place, {"note": "完成"}, key=a_key(), status=201)
        return task_id

    async def sql(self, words: str, **values: Any) -> Any:
        async with transaction() as conn:
            return await conn.scalar(text(words), values)


def a_key() -> str:
    return uuid4().hex


@asynccontextmanager
async def an_api() -> AsyncIterator[Api]:
    names = ("brand", "creator", "other_brand", "other_creator")
    people = {who: await a_person() for who in names}
    async with transaction() as conn:
        await the_rules(conn)
        at = await clock.refresh(conn)
        market = await a_task_market(conn)
        orgs = {"brand": market.brand, "creator": market.creator}
        orgs["other_brand"] = await an_org(conn, kind="advertiser")
        orgs["other_creator"] = await an_org(conn, kind="creator")
        for who, org in orgs.items():
            role = Role.ADVERTISER if "brand" in who else Role.CREATOR
            await give_role(conn, person_id=people[who], org_id=org, role=role, at=at)
    tokens = {who: await a_session(person) for who, person in people.items()}
    try:
        async with Client() as client:
            yield Api(client, market, tokens, (orgs["other_brand"], orgs["other_creator"]))
    finally:
        clock.pin(timedelta(0))
