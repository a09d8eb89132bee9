"""The application as tests ask it: one for all tests of a process, in the tests' own event loop.

To make an application takes more than a second of CPU, and a client that ends its life span throws
away the connections and every statement that was compiled for them.
"""

import asyncio
from contextvars import Context
from functools import cache

import httpx
from litestar import Litestar

from dougong.web.app import create_app


@cache
def app() -> Litestar:
    return create_app()


class ARequestOfItsOwn(httpx.ASGITransport):
    """Each request in a context of its own, as a server would: a test's open transaction, say, is
    none of the request's."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = super().handle_async_request(request)
        return await asyncio.create_task(asked, context=Context())


class Client(httpx.AsyncClient):
    """A browser, or a program with a key. A fault of the application reaches the test."""

    def __init__(self, of: Litestar | None = None, *, host: str = "testclient") -> None:
        self.app = of or app()
        super().__init__(
            transport=ARequestOfItsOwn(app=self.app, client=(host, 50_000)),
            base_url="http://testserver.local",
            headers={"user-agent": "testclient"},
            follow_redirects=True,
            timeout=None,
        )
