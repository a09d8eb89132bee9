"""A proxy between the app and PostgreSQL that loses replies: the server has done it, nobody hears.

It listens on a unix socket directory of its own and forwards to the real one. Requests always
arrive whole; only what comes back is cut, delayed, chopped into single bytes or half-closed.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT\x00"


class Proxy:
    """`cut_commit`: chance that the reply to a COMMIT is lost; `cut_other`: of any other reply."""

    def __init__(self, real_dir: str, own_dir: Path, *, seed: int) -> None:
        self.real = f"{real_dir}/{SOCKET}"
        self.own_dir = own_dir
        self.chance = random.Random(seed)
        self.cut_commit = 0.0
        self.cut_other = 0.0
        self.done: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self.own_dir.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.own_dir / SOCKET))

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        server, to_server = await asyncio.open_unix_connection(self.real)
        line = _Line(self, client, to_client, server, to_server)
        try:
            await line.run()
        finally:
            for writer in (to_client, to_server):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()


class _Line:
    """One connection, both ways."""

    def __init__(
        self,
        proxy: Proxy,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self.proxy = proxy
        self.client, self.to_client = client, to_client
        self.server, self.to_server = server, to_server
        self.is_commit = False

    async def run(self) -> None:
        ways = [asyncio.create_task(self._ask()), asyncio.create_task(self._reply())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _ask(self) -> None:
        with suppress(OSError):
            while data := await self.client.read(65_536):
                self.is_commit = COMMIT in data
                self.to_server.write(data)
                await self.to_server.drain()

    async def _reply(self) -> None:
        with suppress(OSError):
            while data := await self.server.read(65_536):
                if await self._is_cut(data):
                    return
                self.to_client.write(data)
                await self.to_client.drain()

    async def _is_cut(self, data: bytes) -> bool:
        """Whether this reply ends the connection, and how."""
        proxy, chance = self.proxy, self.proxy.chance
        odds = proxy.cut_commit if self.is_commit else proxy.cut_other
        if chance.random() >= odds:
            if chance.random() < odds / 2:
                await asyncio.sleep(chance.uniform(0.001, 0.03))
                proxy.done["delayed"] += 1
            return False
        where = "commit" if self.is_commit else "other"
        proxy.done[f"cut at {where}"] += 1
        match chance.choice(("at once", "in the middle", "half-closed")):
            case "in the middle":
                for n in range(len(data) // 2):
                    self.to_client.write(data[n : n + 1])
                await self.to_client.drain()
            case "half-closed":
                self.to_client.write_eof()
                await asyncio.sleep(0.01)
        return True
