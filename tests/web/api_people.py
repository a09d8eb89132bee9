"""People who ask the API, each by a name and with a token."""

from typing import Any

from tests.web.site import Client


class ApiPeople:
    """`tokens`: by the name that a test gives to each."""

    def __init__(self, client: Client, tokens: dict[str, str]) -> None:
        self.client, self.tokens = client, tokens

    async def ask(self, who: str, method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key:
            headers["Idempotency-Key"] = key
        content = {} if body is None else {"json": body}
        return await self.client.request(method, path, headers=headers, **content)

    async def get(self, who: str, path: str) -> Any:
        got = await self.ask(who, "GET", path)
        assert got.status_code == 200, (path, got.status_code, got.text[:500])
        return got.json()

    async def post(
        self, who: str, path: str, body: Any = None, *, key: str = "", status: int = 200
    ) -> Any:
        got = await self.ask(who, "POST", path, body, key)
        assert got.status_code == status, (path, got.status_code, got.text[:500])
        return got.json()

    async def refused(
        self, who: str, method: str, path: str, body: Any = None, key: str = ""
    ) -> tuple[int, str]:
        got = await self.ask(who, method, path, body, key)
        assert got.status_code >= 400, got.text[:500]
        return got.status_code, got.json()["code"]
