"""The guarded client calls no private address, in no disguise, and no hop escapes judgement."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence

import pytest

from dougong.infra import http
from dougong.infra.addresses import is_loopback, may_call
from dougong.infra.db import OutsideCallInTransaction, transaction
from dougong.infra.http import OutsideFailed, UnsafeUrl, call, parse

PUBLIC = ["93.184.215.14", "8.8.8.8", "1.1.1.1", "2606:4700::6810:84e5", "2a00:1450:4001::200e",
          "::ffff:8.8.8.8", "64:ff9b::808:808", "172.15.255.255", "172.32.0.1", "100.63.255.255",
          "100.128.0.1", "168.63.129.15", "223.255.255.255", "192.0.1.0"]  # fmt: skip

PRIVATE = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::a00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "64:ff9b:1:7f00:1::",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2001:10::1",
    "2001:20::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:42::42",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_may_be_called(address: str) -> None:
    assert may_call(ipaddress.ip_address(address).packed)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_may_not_be_called(address: str) -> None:
    assert not may_call(ipaddress.ip_address(address).packed)


def test_loopback_is_loopback_without_disguise() -> None:
    said = [is_loopback(ipaddress.ip_address(one).packed) for one in ("127.9.9.9", "::1")]
    assert said == [True, True]
    assert not is_loopback(ipaddress.ip_address("::ffff:127.0.0.1").packed)


# {} is the canary's port. Each of these reaches loopback with some common client.
LOOPBACK_FORMS = [
    "http://127.0.0.1:{}/",
    "http://127.1:{}/",
    "http://127.0.1:{}/",
    "http://0:{}/",
    "http://0.0.0.0:{}/",
    "http://2130706433:{}/",
    "http://0x7f000001:{}/",
    "http://0x7f.1:{}/",
    "http://0177.0.0.1:{}/",
    "http://017700000001:{}/",
    "http://0x7F.0x0.0x0.0x1:{}/",
    "http://127.0.0.1.:{}/",
    "http://①②⑦.⓪.⓪.①:{}/",
    "http://１２７.０.０.１:{}/",
    "http://127。0。0。1:{}/",
    "http://localhost:{}/",
    "http://LOCALHOST:{}/",
    "http://localhost.:{}/",
    "http://loc%61lhost:{}/",
    "http://%31%32%37.0.0.1:{}/",
    "http://[::1]:{}/",
    "http://[0:0:0:0:0:0:0:1]:{}/",
    "http://[::ffff:127.0.0.1]:{}/",
    "http://[::ffff:7f00:1]:{}/",
    "http://[::127.0.0.1]:{}/",
    "http://[::]:{}/",
    "http://[64:ff9b::7f00:1]:{}/",
    "http://[2002:7f00:1::]:{}/",
    "http:127.0.0.1:{}/",
    "http:/127.0.0.1:{}/",
    "http:\\\\127.0.0.1:{}/",
    "http:///127.0.0.1:{}/",
    "http://user@127.0.0.1:{}/",
    "http://example.com@127.0.0.1:{}/",
    "http://example.com:80@127.0.0.1:{}/",
    "http://127.0.0.1:{}\\@example.com/",
    "http://127.0.0.1:{}#@example.com/",
    "http://127.0.0.1:{}?@x.com/",
    "https://127.0.0.1:{}/",
    "http://127.255.255.254:{}/",
    "http://127.0.0.1:{}/../../x",
]


@pytest.fixture
async def canary(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[int, list[str]]]:
    """A listener on loopback that must never hear anything; the guard would allow its port."""
    heard: list[str] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(hear, ["127.0.0.1", "::1"])
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(http, "loopback_allowed", lambda: False)
    monkeypatch.setattr(http, "PORTS", {"http:": port, "https:": 443, "unused:": 80})
    yield port, heard
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("form", LOOPBACK_FORMS)
async def test_no_form_of_loopback_is_called(
    canary: tuple[int, list[str]], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, heard = canary
    monkeypatch.setitem(http.PORTS, "https:", port)
    with pytest.raises((UnsafeUrl, OutsideFailed)):
        await call("GET", form.replace("{}", str(port)))
    assert heard == []


@pytest.mark.parametrize("address", PRIVATE)
async def test_no_name_of_a_private_address_is_called(
    canary: tuple[int, list[str]], address: str
) -> None:
    async def resolver(host: str, port: int) -> Sequence[bytes]:
        return [ipaddress.ip_address(address).packed]

    with pytest.raises(UnsafeUrl) as refused:
        await call("GET", f"http://shop.example:{canary[0]}/", resolver=resolver)
    assert (refused.value.facts["reason"], canary[1]) == ("private_address", [])


async def test_one_private_address_among_public_ones_refuses_the_host(
    canary: tuple[int, list[str]],
) -> None:
    async def resolver(host: str, port: int) -> Sequence[bytes]:
        return [ipaddress.ip_address(one).packed for one in ("93.184.215.14", "::1")]

    with pytest.raises(UnsafeUrl):
        await call("GET", "http://shop.example/", resolver=resolver)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://example.com:80/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/plain,x", "scheme"),
        ("http://li:secret@example.com/", "user_info"),
        ("http://example.com:22/", "port"),
        ("http://example.com:6379/", "port"),
        ("https://example.com:8443/", "port"),
        ("http://", "not_an_address"),
        ("//example.com/", "not_an_address"),
        ("/relative", "not_an_address"),
        ("http://exa mple.com/", "not_an_address"),
        ("http://example.com/\r\nX-Injected: 1", "not_an_address"),
        ("http://[fe80::1%25eth0]/", "not_an_address"),
        ("http://" + "a" * 3000 + ".com/", "not_an_address"),
    ],
)
def test_bad_url_is_refused(url: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "loopback_allowed", lambda: False)
    with pytest.raises(UnsafeUrl) as refused:
        parse(url)
    assert refused.value.facts["reason"] == reason


def test_what_parsers_disagree_on_is_read_as_a_browser_does() -> None:
    assert parse("https://evil.example\\@item.taobao.com/").host == "evil.example"
    assert parse("https://例子.example/路?q=é").href == (
        "https://xn--fsqu00a.example/%E8%B7%AF?q=%C3%A9"
    )


async def test_nothing_is_called_inside_a_transaction() -> None:
    async with transaction():
        with pytest.raises(OutsideCallInTransaction):
            await call("GET", "http://example.com/")
