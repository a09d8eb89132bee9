"""Every address of the corpus is refused: asked for directly, and as where a redirect leads.

`corpora/addresses.jsonl`: an address a line, and what its name resolves to where a name matters.
Canaries listen on loopback, at the port that the guard takes for http's and https's own; nobody may
ever reach them.
"""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dougong.infra import http
from dougong.infra.addresses import may_call
from dougong.infra.http import OutsideFailed, UnsafeUrl, call

CORPUS = Path(__file__).parent / "corpora/addresses.jsonl"
CANARIES = ("127.0.0.1", "127.127.127.127", "127.255.255.254", "::1")
START = "127.0.0.77"  # the one address of loopback that these tests let the guard call
PUBLIC = "93.184.215.14"


class Hostile(msgspec.Struct, frozen=True):
    kind: str
    url: str
    resolves: list[str] = []


ROWS = [msgspec.json.decode(line, type=Hostile) for line in CORPUS.read_bytes().splitlines()]
each_row = pytest.mark.parametrize("row", ROWS, ids=[f"{r.kind}: {r.url[:50]!a}" for r in ROWS])


class Watched(msgspec.Struct):
    """`port`: of the canaries and of the redirecting server; `called`: who was connected to."""

    port: int
    canary_hits: list[str] = []
    called: list[str] = []
    location: str = ""


@pytest.fixture
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    kept = Watched(0)

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept.canary_hits.append(str(writer.get_extra_info("sockname")))
        writer.close()

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        location = kept.location.replace("NUMBER", str(len(kept.called)))
        head = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
        writer.write(head.encode("latin-1"))
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    canaries = await asyncio.start_server(hear, CANARIES[0])
    kept.port = canaries.sockets[0].getsockname()[1]
    others = await asyncio.start_server(hear, list(CANARIES[1:]), kept.port)
    start = await asyncio.start_server(redirect, START, kept.port)
    inner = http.httpx.AsyncHTTPTransport.handle_async_request

    async def watch(self: Any, request: http.httpx.Request) -> http.httpx.Response:
        kept.called.append(request.url.host)
        if not ipaddress.ip_address(request.url.host).is_loopback:
            raise http.httpx.ConnectError("not from a test")
        return await inner(self, request)

    monkeypatch.setattr(http.httpx.AsyncHTTPTransport, "handle_async_request", watch)
    monkeypatch.setattr(http, "loopback_allowed", lambda: False)
    monkeypatch.setattr(http, "PORTS", {"http:": kept.port, "https:": kept.port, "unused:": 80})
    own = ipaddress.ip_address(START).packed
    monkeypatch.setattr(http, "may_call", lambda packed: packed == own or may_call(packed))
    yield kept
    for server in (canaries, others, start):
        server.close()


def resolver_of(row: Hostile) -> http.Resolve:
    """Names lead where the row says, else to a public address; what is a number, or localhost,
    goes to the system's own resolver, as it would outside a test."""

    async def resolver(host: str, port: int) -> Sequence[bytes]:
        if host == "start.example":
            return [ipaddress.ip_address(START).packed]
        if row.resolves:
            return [ipaddress.ip_address(one).packed for one in row.resolves]
        is_name = any(c.isalpha() for c in host) and ":" not in host and host != "localhost"
        return [ipaddress.ip_address(PUBLIC).packed] if is_name else await http.resolve(host, port)

    return resolver


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(ROWS) == len({(row.url, *row.resolves) for row in ROWS}) >= 200


@each_row
async def test_a_hostile_address_is_refused(watched: Watched, row: Hostile) -> None:
    with pytest.raises(UnsafeUrl):
        await call("GET", row.url, hops=5, resolver=resolver_of(row))
    assert (watched.called, watched.canary_hits) == ([], [])


REDIRECTED = [row for row in ROWS if row.url.isprintable() and row.url.strip() == row.url]
# Seen from the page that redirects, these are paths of its own host; typed, they are no address.
RELATIVE = {"", "/127.0.0.1", "127.0.0.1", "http:", "http:127.0.0.1/", "http:/127.0.0.1/"}


@pytest.mark.parametrize("row", [row for row in REDIRECTED if row.url not in RELATIVE],
                         ids=lambda row: f"{row.kind}: {row.url[:50]!a}")  # fmt: skip
async def test_nor_is_it_reached_by_a_redirect(watched: Watched, row: Hostile) -> None:
    watched.location = row.url.encode().decode("latin-1")
    with pytest.raises(UnsafeUrl):
        await call("GET", "http://start.example/", hops=5, resolver=resolver_of(row))
    assert (set(watched.called), watched.canary_hits) == ({START}, [])


async def test_a_name_that_turns_private_between_two_hops_is_refused(watched: Watched) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[bytes]:
        asked.append(host)
        return [ipaddress.ip_address(START if len(asked) < 3 else "127.0.0.1").packed]

    watched.location = "/NUMBER"
    with pytest.raises(UnsafeUrl):
        await call("GET", "http://rebind.example/", hops=5, resolver=rebinding)
    assert (asked, watched.called) == (["rebind.example"] * 3, [START, START])
    assert watched.canary_hits == []


async def test_a_name_is_asked_once_a_call_so_that_it_cannot_change_in_between(
    watched: Watched,
) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[bytes]:
        asked.append(host)
        return [ipaddress.ip_address(START if len(asked) == 1 else "127.0.0.1").packed]

    watched.location = "/x"
    answer = await call("GET", "http://rebind.example/", resolver=rebinding)
    assert (answer.status, asked, watched.called) == (302, ["rebind.example"], [START])
    assert watched.canary_hits == []


@pytest.mark.parametrize("hops", [1, 2, 3, 4, 5])
async def test_a_chain_of_redirects_ends(watched: Watched, hops: int) -> None:
    watched.location = "http://start.example/NUMBER"
    row = Hostile("a chain", "http://start.example/0")
    with pytest.raises(OutsideFailed, match="too many"):
        await call("GET", row.url, hops=hops, resolver=resolver_of(row))
    assert watched.called == [START] * (hops + 1)


def test_the_corpus_can_be_read_by_anybody() -> None:
    for line in CORPUS.read_text().splitlines():
        assert line.isascii()
        assert set(json.loads(line)) <= {"kind", "url", "resolves"}
