"""The guarded client against real servers: names kept, redirects judged, limits held."""

import asyncio
import ipaddress
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from dougong.infra import http
from dougong.infra.http import OutsideFailed, UnsafeUrl, call

LOOPBACK = ipaddress.ip_address("127.0.0.1").packed
Answer = Callable[[str], bytes]


def said(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def a_server(answer: Answer, *, delay_s: float = 0) -> AsyncIterator[tuple[int, list[str]]]:
    """Its port, and the heads it was sent."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        await asyncio.sleep(delay_s)
        writer.write(answer(head))
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()


def resolver_to(packed: bytes) -> http.Resolve:
    async def resolver(host: str, port: int) -> Sequence[bytes]:
        return [packed]

    return resolver


async def test_the_name_is_kept_and_the_judged_address_called() -> None:
    async with a_server(lambda head: said("200 OK", b"hello")) as (port, heads):
        url = f"http://shop.example:{port}/a?b=1"
        answer = await call("GET", url, resolver=resolver_to(LOOPBACK))
    assert (answer.status, answer.body, answer.url) == (200, b"hello", url)
    assert heads[0].startswith("GET /a?b=1 HTTP/1.1\r\n")
    assert f"Host: shop.example:{port}\r\n" in heads[0]


async def test_the_name_goes_into_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def handle(self: object, request: http.httpx.Request) -> http.httpx.Response:
        asked.append((request.url.host, request.headers["host"], request.extensions))
        return http.httpx.Response(204, stream=http.httpx.ByteStream(b""))

    monkeypatch.setattr(http.httpx.AsyncHTTPTransport, "handle_async_request", handle)
    public = ipaddress.ip_address("93.184.215.14").packed
    await call("GET", "https://shop.example/", resolver=resolver_to(public))
    host, header, extensions = asked[0]  # type: ignore[misc]
    assert (host, header, extensions["sni_hostname"]) == (
        "93.184.215.14",
        "shop.example",
        "shop.example",
    )


async def test_a_redirect_is_an_answer_unless_asked() -> None:
    async with a_server(lambda head: said("302 Found", location="/b")) as (port, heads):
        answer = await call("GET", f"http://127.0.0.1:{port}/a")
    assert (answer.status, len(heads)) == (302, 1)


async def test_redirects_are_followed_up_to_the_limit() -> None:
    def answer(head: str) -> bytes:
        step = int(head.split("/")[1].split(" ", maxsplit=1)[0])
        return said("302 Found", location=f"/{step + 1}") if step < 5 else said("200 OK", b"end")

    async with a_server(answer) as (port, heads):
        found = await call("GET", f"http://127.0.0.1:{port}/0", hops=5)
        assert (found.body, found.url) == (b"end", f"http://127.0.0.1:{port}/5")
        assert len(heads) == 6
        with pytest.raises(OutsideFailed, match="too many"):
            await call("GET", f"http://127.0.0.1:{port}/0", hops=4)


@pytest.mark.parametrize(
    "location",
    ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/",
     "//2852039166/", "file:///etc/passwd", "http://x@127.0.0.1/", "https://192.168.0.1:8443/"],
)  # fmt: skip
async def test_each_hop_is_judged(location: str) -> None:
    async with a_server(lambda head: said("302 Found", location=location)) as (port, _):
        with pytest.raises(UnsafeUrl):
            await call("GET", f"http://127.0.0.1:{port}/", hops=3)


async def test_a_name_that_changes_its_address_is_judged_again() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[bytes]:
        asked.append(host)
        return [LOOPBACK if len(asked) == 1 else ipaddress.ip_address("10.0.0.1").packed]

    async with a_server(lambda head: said("302 Found", location="/again")) as (port, heads):
        with pytest.raises(UnsafeUrl):
            await call("GET", f"http://shop.example:{port}/", hops=3, resolver=rebinding)
    assert (len(asked), len(heads)) == (2, 1)


async def test_headers_stay_behind_at_another_origin() -> None:
    async with a_server(lambda head: said("200 OK")) as (far, far_heads):
        target = f"http://127.0.0.1:{far}/"
        async with a_server(lambda head: said("302 Found", location=target)) as (near, heads):
            await call("GET", f"http://127.0.0.1:{near}/", headers={"x-secret": "1"}, hops=1)
    assert ("x-secret" in heads[0], "x-secret" in far_heads[0]) == (True, False)


async def test_a_slow_answer_is_given_up() -> None:
    limits = http.PAGE._replace(total_s=0.2)
    async with a_server(lambda head: said("200 OK"), delay_s=0.6) as (port, _):
        with pytest.raises(OutsideFailed):
            await call("GET", f"http://127.0.0.1:{port}/", limits=limits)
        await asyncio.sleep(0.5)


async def test_an_answer_that_comes_drop_by_drop_is_given_up() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(ConnectionError):
            for _ in range(20):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    limits = http.Limits(most_bytes=2_000, total_s=0.3)
    with pytest.raises(OutsideFailed, match="too slow"):
        await call("GET", f"http://127.0.0.1:{port}/", limits=limits)
    with tempfile.TemporaryFile() as file, pytest.raises(OutsideFailed, match="too slow"):
        await call("GET", f"http://127.0.0.1:{port}/", limits=limits, into=file)
    server.close()
    await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "answer",
    [said("200 OK", bytes(http.MAX_BYTES + 1)), said("200 OK", b"x", content_encoding="gzip"),
     b"garbage\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
     b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"],
    ids=["too big", "compressed", "garbage", "nothing", "half", "endless header"],
)  # fmt: skip
async def test_an_answer_that_cannot_be_read_is_a_failure(answer: bytes) -> None:
    async with a_server(lambda head: answer) as (port, _):
        with pytest.raises(OutsideFailed):
            await call("GET", f"http://127.0.0.1:{port}/")


async def test_a_longer_answer_streams_into_a_file_up_to_its_own_limit() -> None:
    long = bytes(3 * http.MIB)
    limits = http.Limits(most_bytes=len(long), total_s=10)
    async with a_server(lambda head: said("200 OK", long)) as (port, _):
        url = f"http://127.0.0.1:{port}/"
        with pytest.raises(OutsideFailed, match="answer too big"):
            await call("GET", url)
        with tempfile.TemporaryFile() as file:
            answer = await call("GET", url, limits=limits, into=file)
            assert (answer.status, answer.body, file.tell()) == (200, b"", len(long))
        smaller = limits._replace(most_bytes=len(long) - 1)
        with tempfile.TemporaryFile() as file, pytest.raises(OutsideFailed, match="too big"):
            await call("GET", url, limits=smaller, into=file)


async def test_what_a_redirect_says_never_reaches_the_file() -> None:
    def two(head: str) -> bytes:
        if head.startswith("GET / "):
            return said("302 Found", b"moved", location="/there")
        return said("200 OK", b"here")

    limits = http.Limits(most_bytes=100, total_s=10)
    async with a_server(two) as (port, _):
        with tempfile.TemporaryFile() as file:
            await call("GET", f"http://127.0.0.1:{port}/", hops=2, limits=limits, into=file)
            file.seek(0)
            assert file.read() == b"here"


async def test_nobody_there_is_a_failure() -> None:
    with pytest.raises(OutsideFailed):
        await call("POST", "http://127.0.0.1:9/", body=b"x")
