"""Shops of others: real servers on loopback that answer by path."""

import asyncio
import socketserver
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import new_id
from dougong.infra.db import transaction
from dougong.links.source_commands import SourceDraft, add_source
from dougong.links.source_rules import Source, SourceSettings, SourceState

RECORDED = Path(__file__).parents[1] / "recorded"
HTML = "text/html"


def recorded(name: str, *, host: str = "") -> bytes:
    return (RECORDED / name).read_bytes().replace(b"HOST", host.encode())


class Shop:
    """What stands at each path, and which paths were asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.host = ""

    def puts(
        self,
        path: str,
        body: bytes = b"",
        *,
        status: str = "200 OK",
        kind: str = HTML,
        to: str = "",
    ) -> str:
        """Its address. `to`: a redirect."""
        head = [f"HTTP/1.1 {'302 Found' if to else status}", f"Content-Length: {len(body)}"]
        head += [f"Content-Type: {kind}", "Connection: close"]
        head += [f"Location: {to}"] if to else []
        self.answers[path] = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        return self.at(path)

    def at(self, path: str) -> str:
        return f"http://{self.host}{path}"


@asynccontextmanager
async def a_shop(address: str = "127.0.0.1") -> AsyncIterator[Shop]:
    """In a thread of its own: it answers also while the test's own event loop is busy."""
    shop = Shop()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = self.rfile.readline().decode("latin-1")
            while self.rfile.readline().strip():
                pass
            path = head.split(" ")[1] if " " in head else ""
            shop.asked.append(path)
            missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            with suppress(ConnectionError):
                self.wfile.write(shop.answers.get(path, missing))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server((address, 0), Handler) as server:
        shop.host = f"{address}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield shop
        finally:
            await asyncio.to_thread(server.shutdown)


def a_source(
    *hosts: str, adapter: str = "page", settings: Mapping[str, object] | None = None
) -> Source:
    return Source(
        code="shop",
        name_zh="青山",
        name_en="Green Hill",
        hosts=hosts,
        adapter=adapter,
        settings=dict(settings or {}),
        asks_before_leaving=False,
        state=SourceState.OPEN,
    )


async def a_kept_source(
    conn: AsyncConnection,
    *hosts: str,
    adapter: str = "page",
    settings: SourceSettings | None = None,
) -> str:
    """The code of a new source in the database."""
    from tests.content.factories import AT

    code = f"s{new_id().hex[-20:]}"
    draft = SourceDraft(
        code=code,
        name_zh="青山",
        name_en="Green Hill",
        hosts=hosts,
        adapter=adapter,
        settings=settings or SourceSettings(),
    )
    await add_source(conn, draft=draft, at=AT)
    return code


async def take_links_off(creator_id: UUID) -> None:
    """What a test of a flow has committed: sweeps look at every link that stands."""
    async with transaction() as conn:
        await conn.execute(
            text("""
                UPDATE product_links SET removed_at = published_at
                WHERE creator_id = :creator AND removed_at IS NULL
            """),
            {"creator": creator_id},
        )
