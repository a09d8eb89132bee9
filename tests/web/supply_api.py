"""A store, its buyer, the platform and strangers to them, each with a token of the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy import text
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_store, the_rules
from tests.flows.test_order_life import a_placed_order, pay
from tests.web.accounts import a_person, a_role, a_session

from dougong.base.access import Role
from dougong.flows.place_orders import Placed
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.web.app import create_app


@cache
def app() -> Litestar:
    return create_app()


class Api:
    """Who acts: `merchant`, `buyer`, `operator`, `second` (of the platform too), and strangers:
    `other_merchant` and `other_buyer`. `store`, `theirs`: paths of the stores of the merchants."""

    def __init__(
        self,
        client: AsyncTestClient[Litestar],
        tokens: dict[str, str],
        shop: AStore,
        other: AStore,
        person: ABuyer,
    ) -> None:
        self.client, self.tokens, self.shop, self.person = client, tokens, shop, person
        self.ahead = timedelta(0)
        self.store = f"/api/v1/stores/{shop.store_id}"
        self.theirs = f"/api/v1/stores/{other.store_id}"

    def wait(self, span: timedelta) -> None:
        """From now on all happens so much later."""
        self.ahead += span
        clock.pin(self.ahead)

    def now(self) -> datetime:
        return clock.wall_now() + self.ahead

    async def __call__(
        self, who: str, method: str, path: str, body: Any = None, key: str = "", *, status: int
    ) -> Any:
        got = await self.raw(who, method, path, body, key)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return got.json() if got.text else None

    async def raw(self, who: str, method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        clock.pin(self.ahead)
        return await self.client.request(method, path, json=body, headers=headers)

    async def get(self, who: str, path: str, *, status: int = 200) -> Any:
        return await self(who, "GET", path, status=status)

    async def post(
        self, who: str, path: str, body: Any = None, *, key: str = "", status: int = 200
    ) -> Any:
        return await self(who, "POST", path, body, key, status=status)

    async def make(self, who: str, path: str, body: Any = None) -> Any:
        """A thing that did not exist, with a key of its own."""
        return await self.post(who, path, body, key=a_key(), status=201)

    async def refused(
        self, who: str, path: str, body: Any = None, *, method: str = "POST"
    ) -> tuple[int, str]:
        """Status and code of what is refused."""
        got = await self.raw(who, method, path, body, a_key() if method == "POST" else "")
        assert got.status_code >= 400, got.text[:500]
        return got.status_code, got.json()["code"]

    async def an_order(self, quantity: int = 1) -> Placed:
        """A paid order of so many of 99.00."""
        order = await a_placed_order(
            ARequest(self.shop, self.person, 9_900 * quantity, {0: quantity})
        )
        await pay(order, self.person)
        return order

    async def sql(self, words: str, **values: Any) -> Any:
        async with transaction() as conn:
            return await conn.scalar(text(words), values)


def a_key() -> str:
    return uuid4().hex


@asynccontextmanager
async def an_api() -> AsyncIterator[Api]:
    people = {who: await a_person() for who in ("merchant", "other_merchant", "operator", "second")}
    async with transaction() as conn:
        await the_rules(conn)
        shop = await a_store(conn, prices=(9_900, 101), owner_id=people["merchant"])
        other = await a_store(conn, owner_id=people["other_merchant"])
        person, stranger = await a_buyer(conn), await a_buyer(conn)
    for who in ("operator", "second"):
        await a_role(people[who], Role.OPERATOR)
    people |= {"buyer": person.person_id, "other_buyer": stranger.person_id}
    tokens = {who: await a_session(one) for who, one in people.items()}
    try:
        async with AsyncTestClient(app()) as client:
            yield Api(client, tokens, shop, other, person)
    finally:
        clock.pin(timedelta(0))
