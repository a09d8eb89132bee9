"""The guarded client: the one way to call an address that somebody typed.

One parser (WHATWG, ada-url) reads the address and writes the form that is used. The host is
resolved once, every address it has is judged (`infra/addresses.py`), and the connection goes to a
judged address with the name kept for TLS and Host. Nothing is called while a transaction is open.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import BinaryIO, NamedTuple

import ada_url
import httpx

from dougong.base.errors import Refusal
from dougong.infra.addresses import is_loopback, may_call
from dougong.infra.db import refuse_in_transaction
from dougong.infra.settings import settings

CONNECT_S = 3.0
TOTAL_S = 10.0
MIB = 1024 * 1024
MAX_BYTES = 2 * MIB
MAX_HOPS = 5
MAX_URL = 2_000
PORTS = {"http:": 80, "https:": 443}
USER_AGENT = "Dougong/1"
LOOPBACK_V4 = re.compile(r"127(\.\d{1,3}){3}$")
REDIRECTS = {301, 302, 303, 307, 308}

Packed = bytes
Resolve = Callable[[str, int], Awaitable[Sequence[Packed]]]


class UnsafeUrl(Refusal):
    """An address that this server does not call; `reason` says why in a word."""

    code = "unsafe_url"


class OutsideFailed(Exception):
    """The other side could not be reached, took too long, or answered what cannot be read."""


class SafeUrl(NamedTuple):
    """A parsed address with nothing in it to disagree about; made by `parse` only."""

    href: str
    scheme: str
    host: str  # a name in ASCII, or an address without brackets
    port: int
    target: str  # path and query


class Hop(NamedTuple):
    """One address that was really called, and what it answered."""

    url: str
    status: int


class Limits(NamedTuple):
    """How long an answer may be, and how long all of it may take, redirects too."""

    most_bytes: int
    total_s: float


PAGE = Limits(MAX_BYTES, TOTAL_S)
FEED = Limits(50 * MIB, 30.0)


class Answer(NamedTuple):
    """What came back. `url`: where it really came from, after redirects. `body`: empty where it
    went into a file."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


# Ports of this machine that whoever sits at it has named on a command line.
_opened_ports: ContextVar[frozenset[int]] = ContextVar("opened_ports", default=frozenset())


@contextmanager
def loopback_port(port: int) -> Iterator[None]:
    """Within this, one port of loopback may be called: for commands whose operator typed it.

    Never for an address that came from anywhere else (a page, a profile, a redirect).
    """
    before = _opened_ports.set(_opened_ports.get() | {port})
    try:
        yield
    finally:
        _opened_ports.reset(before)


def named_loopback(url: str) -> int | None:
    """The port of an address that plainly names this machine, or None for any other address."""
    try:
        read = ada_url.URL(url)
    except ValueError:
        return None
    host = read.hostname.removeprefix("[").removesuffix("]")
    if read.protocol not in PORTS or not (host in ("localhost", "::1") or LOOPBACK_V4.match(host)):
        return None
    return int(read.port or PORTS[read.protocol])


def loopback_allowed() -> bool:
    return settings().mode == "test" and settings().allow_loopback


def _may_be_loopback(port: int) -> bool:
    return port in _opened_ports.get() or loopback_allowed()


def parse(url: str) -> SafeUrl:
    """Read an address as a browser does. Raises UnsafeUrl: other schemes, user-info, no host,
    ports other than 80 and 443 (any, for the tests' loopback)."""
    if len(url) > MAX_URL or any(ord(c) < 0x21 or ord(c) == 0x7F for c in url):
        raise UnsafeUrl(field="url", reason="not_an_address")
    try:
        read = ada_url.URL(url)
    except ValueError as error:
        raise UnsafeUrl(field="url", reason="not_an_address") from error
    if read.protocol not in PORTS:
        raise UnsafeUrl(field="url", reason="scheme")
    if read.username or read.password:
        raise UnsafeUrl(field="url", reason="user_info")
    host = read.hostname.removeprefix("[").removesuffix("]").removesuffix(".")
    if not host:
        raise UnsafeUrl(field="url", reason="host")
    port = int(read.port or PORTS[read.protocol])
    if port not in PORTS.values() and not _may_be_loopback(port):
        raise UnsafeUrl(field="url", reason="port")
    scheme = read.protocol.removesuffix(":")
    return SafeUrl(read.href, scheme, host, port, read.pathname + read.search)


async def resolve(host: str, port: int) -> Sequence[Packed]:
    """All addresses of a host, asked once. Raises OutsideFailed."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise OutsideFailed("name not found") from error
    # A zone ("%eth0") is refused by ip_address: only link-local addresses have one.
    return [ipaddress.ip_address(str(one[4][0]).split("%")[0]).packed for one in found]


async def judge(url: SafeUrl, *, resolver: Resolve | None = None) -> Packed:
    """The address to connect to: the first, when the host has no refused one at all.

    Raises UnsafeUrl, or OutsideFailed when the name is not known. An outside call (DNS), so never
    inside a transaction.
    """
    refuse_in_transaction()
    found = await (resolver or resolve)(url.host, url.port)
    if not found:
        raise OutsideFailed("name not found")
    if _may_be_loopback(url.port) and all(is_loopback(packed) for packed in found):
        return min(found, key=len)  # a name of both kinds: what listens there has at least IPv4
    if url.port not in PORTS.values():
        raise UnsafeUrl(field="url", reason="port")
    if not all(may_call(packed) for packed in found):
        raise UnsafeUrl(field="url", reason="private_address")
    return found[0]


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Judges every request's address and connects to what was judged; nothing else gets out."""

    def __init__(self, resolver: Resolve | None = None) -> None:
        self.resolver = resolver
        self.inner = httpx.AsyncHTTPTransport(
            verify=_tls(), trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = parse(str(request.url))
        if url.host.encode() != request.url.raw_host.removesuffix(b"."):
            raise UnsafeUrl(field="url", reason="not_an_address")
        packed = await judge(url, resolver=self.resolver)
        request.url = request.url.copy_with(host=str(ipaddress.ip_address(packed)))
        request.extensions = request.extensions | {"sni_hostname": url.host}
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


async def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    hops: int = 0,
    trail: list[Hop] | None = None,
    limits: Limits | None = None,
    into: BinaryIO | None = None,
    resolver: Resolve | None = None,
) -> Answer:
    """Call an outside address: 3 s to connect; 10 s in all and an answer up to 2 MiB, or what
    `limits` says, uncompressed. `into`: the last answer's body streams there; what has come before
    something is raised is not whole.

    `hops`: redirects to follow (0 to 5), for GET and HEAD; each one is judged, and the caller's
    headers stay behind at another origin. `trail`: takes every address called with its status, as
    it goes, so that it says how far it went when something is raised. Raises UnsafeUrl,
    OutsideFailed ("redirect loop", "too many redirects"…), or OutsideCallInTransaction.
    """
    refuse_in_transaction()
    limits = limits or PAGE
    if not 0 <= hops <= MAX_HOPS or (hops and method not in {"GET", "HEAD"}):
        raise ValueError(hops)
    safe = parse(url)
    sent = dict(headers or {})
    take = _Take(GuardedTransport(resolver), limits, into)
    try:
        async with asyncio.timeout(limits.total_s), take.transport:
            if hops:
                return await _follow(take, method, safe, sent, hops, trail)
            answer = await _once(take, method, safe, sent, body)
            if trail is not None:
                trail.append(Hop(safe.href, answer.status))
            return answer
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError) as error:
        raise OutsideFailed(type(error).__name__) from error
    except (TimeoutError, OSError) as error:
        raise OutsideFailed("too slow" if isinstance(error, TimeoutError) else "away") from error


class _Take(NamedTuple):
    """How answers are fetched and kept."""

    transport: GuardedTransport
    limits: Limits
    into: BinaryIO | None


async def _follow(
    take: _Take,
    method: str,
    url: SafeUrl,
    headers: Mapping[str, str],
    hops: int,
    trail: list[Hop] | None,
) -> Answer:
    """The first answer that leads no further. Raises UnsafeUrl, OutsideFailed."""
    been: list[Hop] = [] if trail is None else trail
    for left in range(hops, -1, -1):
        answer = await _once(take, method, url, headers, b"")
        been.append(Hop(url.href, answer.status))
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or not location:
            return answer
        following = parse(_joined(url, location))
        if following.href in {hop.url for hop in been}:
            raise OutsideFailed("redirect loop")
        if left == 0:
            break
        if (following.scheme, following.host, following.port) != url[1:4]:
            headers = {}
        url = following
    raise OutsideFailed("too many redirects")


def _joined(base: SafeUrl, location: str) -> str:
    try:
        return str(ada_url.join_url(base.href, location))
    except ValueError as error:
        raise UnsafeUrl(field="url", reason="not_an_address") from error


async def _once(
    take: _Take,
    method: str,
    url: SafeUrl,
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    """One request, past httpx's client: that would read a redirect's address by its own parser.
    No cookie is kept from one to the next."""
    plain = {"accept-encoding": "identity", "user-agent": USER_AGENT}
    address = httpx.URL(
        scheme=url.scheme, host=url.host, port=url.port, raw_path=url.target.encode("ascii")
    )
    timeout = httpx.Timeout(TOTAL_S, connect=CONNECT_S).as_dict()
    sent = {"accept": "*/*", **headers, **plain}
    request = httpx.Request(
        method, address, headers=sent, content=body, extensions={"timeout": timeout}
    )
    found = await take.transport.handle_async_request(request)
    try:
        if found.headers.get("content-encoding", "identity") != "identity":
            raise OutsideFailed("compressed answer")
        body_of = await _received(found, take)
        return Answer(found.status_code, dict(found.headers), body_of, url.href)
    finally:
        await found.aclose()


async def _received(found: httpx.Response, take: _Take) -> bytes:
    """The body, or nothing where it went into the file; that of a redirect never does."""
    streams = take.into is not None and found.status_code not in REDIRECTS
    received, size = bytearray(), 0
    async for part in found.aiter_raw():
        size += len(part)
        if size > (take.limits.most_bytes if streams else min(MAX_BYTES, take.limits.most_bytes)):
            raise OutsideFailed("answer too big")
        if streams and take.into is not None:
            take.into.write(part)
        else:
            received += part
    return bytes(received)
