"""A store's API with two of its people, and another merchant with a store of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from tests.factories import AStore, a_store
from tests.web.accounts import a_person, a_session
from tests.web.site import Client

from dougong.accounts.commands import give_role
from dougong.base.access import Role
from dougong.base.ids import PersonId
from dougong.infra import clock
from dougong.infra.db import transaction


def a_key() -> str:
    return f"key-{uuid4().hex}"


class StoreApi:
    """Who acts: `owner`, `second` (of the same organisation), `stranger` (of another store)."""

    def __init__(
        self,
        client: Client,
        store: AStore,
        theirs: AStore,
        people: dict[str, PersonId],
        tokens: dict[str, str],
    ) -> None:
        self.client, self.store, self.theirs = client, store, theirs
        self.people, self.tokens = people, tokens
        self.base = f"/api/v1/stores/{store.store_id}"
        self.sku, self.other_sku = (str(one) for one in store.skus)

    async def ask(
        self, method: str, path: str, body: Any = None, *, who: str = "owner", key: str = ""
    ) -> Any:
        """The answer as it comes. `path`: below the store's."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        content = {} if body is None else {"json": body}
        return await self.client.request(
            method, path if path.startswith("/api") else f"{self.base}/{path}", headers=headers,
            **content,
        )  # fmt: skip

    async def get(self, path: str, *, who: str = "owner") -> Any:
        got = await self.ask("GET", path, who=who)
        assert got.status_code == 200, (path, got.status_code, got.text[:500])
        return got.json()

    async def post(
        self, path: str, body: Any = None, *, status: int = 200, who: str = "owner", key: str = ""
    ) -> Any:
        """With a fresh key, if none is given."""
        got = await self.ask("POST", path, body, who=who, key=key or a_key())
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return got.json()

    async def put(self, path: str, body: Any, *, status: int = 200, who: str = "owner") -> Any:
        got = await self.ask("PUT", path, body, who=who)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return got.json() if got.content else None

    async def refused(
        self, method: str, path: str, body: Any = None, *, who: str = "owner", key: str = ""
    ) -> tuple[int, str, str | None]:
        """Status, code and field of a refusal."""
        keyed = key or (a_key() if method == "POST" else "")
        got = await self.ask(method, path, body, who=who, key=keyed)
        assert got.status_code >= 400, got.text[:500]
        told = got.json()
        return got.status_code, told["code"], told["field"]

    async def levels(self, sku: str = "") -> dict[str, tuple[int, int, int]]:
        """Warehouse code to units on hand, damaged and on their way, of one SKU."""
        found = await self.get(f"stock-levels?sku_id={sku or self.sku}")
        return {
            one["warehouse"]: (one["on_hand"], one["damaged"], one["transit"])
            for one in found["items"]
        }

    async def warehouse(self, code: str) -> str:
        """A new one's id."""
        body = {"code": code, "name_zh": "南仓", "province": "广东"}
        return str((await self.post("warehouses", body, status=201))["id"])

    async def main(self) -> str:
        """The default warehouse's id."""
        return str((await self.get("warehouses"))["items"][0]["id"])

    async def explained(self) -> bool:
        """Whether the moves of each SKU and warehouse add up to what lies there."""
        found: dict[tuple[str, str, str], int] = {}
        for move in await self.every("stock-moves"):
            for end, units in (("src", -move["quantity"]), ("dst", move["quantity"])):
                if warehouse := move[f"{end}_warehouse"]:
                    place = (move["sku_id"], warehouse, move[end])
                    found[place] = found.get(place, 0) + units
        there = {
            (one["sku_id"], one["warehouse_id"], place): one[place]
            for one in await self.every("stock-levels")
            for place in ("free", "allocated", "damaged", "inspecting", "transit")
        }
        return {k: n for k, n in found.items() if n} == {k: n for k, n in there.items() if n}

    async def every(self, path: str) -> list[Any]:
        """All pages of a list, three rows each."""
        rows: list[Any] = []
        joint = "&" if "?" in path else "?"
        page = await self.get(f"{path}{joint}limit=3")
        rows += page["items"]
        while page["after"] and page.get("more", True):
            page = await self.get(f"{path}{joint}limit=3&after={page['after']}")
            rows += page["items"]
        return rows


@asynccontextmanager
async def a_store_api(*, on_hand: int = 100) -> AsyncIterator[StoreApi]:
    """Two SKUs at 99.00 and 5.00."""
    people = {name: await a_person(name=name) for name in ("owner", "second", "stranger")}
    async with transaction() as conn:
        at = await clock.refresh(conn)
        store = await a_store(conn, prices=(9_900, 500), on_hand=on_hand, owner_id=people["owner"])
        await give_role(
            conn, person_id=people["second"], org_id=store.org_id, role=Role.MERCHANT, at=at
        )
        theirs = await a_store(
            conn, prices=(9_900, 500), on_hand=on_hand, owner_id=people["stranger"]
        )
    tokens = {name: await a_session(person) for name, person in people.items()}
    async with Client() as client:
        yield StoreApi(client, store, theirs, people, tokens)
