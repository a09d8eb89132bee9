"""Which clicks count: only what a person does, once, and not for itself; and where they lead."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.base.ids import new_id
from dougong.links.rules import (
    Validity,
    Visit,
    click_of,
    hand_off_url,
    is_listed,
    is_shown,
    shelf_token,
    sub_id_of,
    validity_of,
    visitor_of,
)

SECRET = b"a secret of this data set"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
CHROME = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"
WECHAT = PHONE + " MicroMessenger/8.0.50"
TAP = ("navigate", "document", "?1")
HTML = "text/html,application/xhtml+xml"


def a_visit(
    fetch: tuple[str, str, str] = TAP,
    *,
    agent: str = PHONE,
    method: str = "GET",
    purpose: str = "",
    accept: str = HTML,
) -> Visit:
    mode, dest, user = fetch
    return Visit(method, agent, accept, mode, dest, user, purpose)


@pytest.mark.parametrize(
    ("visit", "want"),
    [
        (a_visit(), Validity.VALID),
        (a_visit(agent=WECHAT), Validity.VALID),
        (a_visit(("", "", "")), Validity.VALID),  # over plain HTTP
        (a_visit(("", "", ""))._replace(is_secure=True), Validity.NO_ACT),
        # An engine that never says whether somebody tapped, from our own page and from another.
        (a_visit(("navigate", "document", ""))._replace(fetch_site="same-origin"), Validity.VALID),
        (a_visit(("navigate", "document", ""))._replace(fetch_site="cross-site"), Validity.NO_ACT),
        (
            a_visit(("navigate", "document", ""), agent=CHROME)._replace(fetch_site="same-origin"),
            Validity.NO_ACT,
        ),
        (a_visit(method="POST"), Validity.VALID),
        (a_visit(("", "", ""), accept="image/*"), Validity.NO_ACT),
        (a_visit(("", "", ""), accept=""), Validity.NO_ACT),
        (a_visit(("navigate", "document", "")), Validity.NO_ACT),  # a script, nobody tapped
        (a_visit(("navigate", "iframe", "?1")), Validity.NO_ACT),
        (a_visit(("navigate", "embed", "?1")), Validity.NO_ACT),
        (a_visit(("navigate", "object", "")), Validity.NO_ACT),
        (a_visit(("no-cors", "image", "")), Validity.NO_ACT),
        (a_visit(("no-cors", "script", "")), Validity.NO_ACT),
        (a_visit(("no-cors", "style", "")), Validity.NO_ACT),
        (a_visit(("cors", "empty", "")), Validity.NO_ACT),
        (a_visit(("same-origin", "empty", "?1")), Validity.NO_ACT),
        (a_visit(("websocket", "websocket", "")), Validity.NO_ACT),
        (a_visit(method="HEAD"), Validity.PREFETCH),
        (a_visit(purpose="prefetch"), Validity.PREFETCH),
        (a_visit(purpose="prefetch;prerender"), Validity.PREFETCH),
        (a_visit(purpose="Prefetch; anonymous-client-ip"), Validity.PREFETCH),
        (a_visit(purpose="preview"), Validity.PREFETCH),
        (a_visit(agent=""), Validity.BOT),
        (a_visit(agent="   "), Validity.BOT),
        (a_visit(agent="Mozilla/5.0 (compatible; Googlebot/2.1)"), Validity.BOT),
        (a_visit(agent="Mozilla/5.0 (compatible; bingbot/2.0)"), Validity.BOT),
        (a_visit(agent="Baiduspider+(+http://www.baidu.com/search/spider.htm)"), Validity.BOT),
        (a_visit(agent="facebookexternalhit/1.1"), Validity.BOT),
        (a_visit(agent="Twitterbot/1.0"), Validity.BOT),
        (a_visit(agent="WhatsApp/2.23.20.0"), Validity.BOT),
        (a_visit(agent="curl/8.9.1"), Validity.BOT),
        (a_visit(agent="python-requests/2.32"), Validity.BOT),
        (a_visit(agent="Go-http-client/2.0"), Validity.BOT),
        (a_visit(agent="Mozilla/5.0 HeadlessChrome/140.0"), Validity.BOT),
        (a_visit(agent="Mozilla/5.0 (Linux; Android 14; CUBOT X30) Chrome/140"), Validity.VALID),
    ],
)
def test_only_a_persons_own_act_counts(visit: Visit, want: Validity) -> None:
    assert validity_of(visit, is_shown=True, is_own=False) == want


@pytest.mark.parametrize(
    ("is_shown", "is_own", "needs_page", "fetch", "want"),
    [
        (True, True, True, TAP, Validity.SELF),
        (False, True, True, TAP, Validity.HIDDEN),
        (False, False, True, ("no-cors", "image", ""), Validity.HIDDEN),
        (True, True, True, ("no-cors", "image", ""), Validity.NO_ACT),
        (True, False, False, ("cors", "empty", ""), Validity.VALID),  # a tap our page reports
        (True, True, False, ("cors", "empty", ""), Validity.SELF),
    ],
)
def test_the_first_reason_is_kept(
    is_shown: bool, is_own: bool, needs_page: bool, fetch: tuple[str, str, str], want: Validity
) -> None:
    found = validity_of(a_visit(fetch), is_shown=is_shown, is_own=is_own, needs_page=needs_page)
    assert found == want


@given(st.uuids(version=4), st.binary(min_size=1, max_size=64))
def test_a_sub_id_leads_back_to_its_click(click_id: object, secret: bytes) -> None:
    said = sub_id_of(click_id, secret=secret)  # type: ignore[arg-type]
    assert (len(said), said.isalnum(), said.islower() or said.isdigit()) == (32, True, True)
    assert click_of(said, secret=secret) == click_id
    assert click_of(f" {said.upper()} ", secret=secret) == click_id


def test_an_invented_sub_id_is_nobodys() -> None:
    ours = sub_id_of(new_id(), secret=SECRET)
    changed = ours[:-1] + ("a" if ours[-1] != "a" else "b")
    for said in (changed, ours[:-1], ours + "a", "", "ä" * 32, "0" * 32, ours[:-2]):
        assert click_of(said, secret=SECRET) is None
    assert click_of(ours, secret=b"another") is None


def test_a_visitor_is_a_person_else_an_address_with_a_browser() -> None:
    person = new_id()

    def key(person_id: object, address: str, agent: str) -> str:
        return visitor_of(person_id=person_id, address=address, agent=agent, secret=SECRET)  # type: ignore[arg-type]

    assert key(person, "1.2.3.4", "a") == key(person, "4.3.2.1", "b")
    different = [key(None, "1.2.3.4", "a"), key(None, "1.2.3.4", "b"), key(None, "1.2.3.5", "a")]
    assert len({*different, key(person, "1.2.3.4", "a")}) == 4


@pytest.mark.parametrize(
    ("host", "hosts", "want"),
    [
        ("item.taobao.com", ["item.taobao.com"], True),
        ("item.taobao.com", ["*.taobao.com"], True),
        ("a.b.taobao.com", ["*.taobao.com"], True),
        ("taobao.com", ["*.taobao.com"], False),
        ("evil-taobao.com", ["*.taobao.com", "taobao.com"], False),
        (".taobao.com", ["*.taobao.com"], False),
        ("item.taobao.com:8443", ["item.taobao.com", "*.taobao.com"], False),
        ("127.0.0.1:8443", ["127.0.0.1:8443"], True),
        ("item.taobao.com.", ["item.taobao.com"], False),
        ("item.taobao.com", [], False),
    ],
)
def test_a_host_is_on_the_list_itself_or_below_a_star(
    host: str, hosts: list[str], want: bool
) -> None:
    assert is_listed(host, hosts) is want


@pytest.mark.parametrize(
    ("url", "parameter", "want"),
    [
        ("https://item.taobao.com/i?id=1", "sub", "https://item.taobao.com/i?id=1&sub=S"),
        ("https://item.taobao.com/i", "sub", "https://item.taobao.com/i?sub=S"),
        (
            "https://item.taobao.com/i?sub=theirs&id=1",
            "sub",
            "https://item.taobao.com/i?sub=S&id=1",
        ),
        ("https://item.taobao.com/i?id=1#top", "sub", "https://item.taobao.com/i?id=1&sub=S#top"),
        ("https://item.taobao.com/i?q=%E7%93%B7", "", "https://item.taobao.com/i?q=%E7%93%B7"),
        ("HTTPS://ITEM.taobao.com:443/a/../b", "", "https://item.taobao.com/b"),
        ("http://item.taobao.com:80/", "", "http://item.taobao.com/"),
    ],
)
def test_the_address_is_handed_out_in_its_one_form(url: str, parameter: str, want: str) -> None:
    hosts = ["item.taobao.com"]
    assert hand_off_url(url, hosts=hosts, parameter=parameter, sub_id="S") == want


HOSTS = ["shop.example", "*.mall.example"]
CORPUS = Path(__file__).parent / "corpora/hand_off.jsonl"
HOSTILE = [json.loads(line)["url"] for line in CORPUS.read_text().splitlines()]


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 90


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
@pytest.mark.parametrize("parameter", ["sub", ""])
def test_no_hostile_address_is_handed_out(url: str, parameter: str) -> None:
    assert hand_off_url(url, hosts=HOSTS, parameter=parameter, sub_id="S") is None


@given(
    st.text(max_size=60), st.sampled_from(["", "https://", "//", "https://shop.example", "https:"])
)
def test_whatever_is_handed_out_is_listed(text: str, start: str) -> None:
    found = hand_off_url(start + text, hosts=HOSTS, parameter="sub", sub_id="S")
    if found is not None:
        read = ada_url.URL(found)
        assert read.href == found
        assert read.host == "shop.example" or read.host.endswith(".mall.example")
        assert (read.protocol in ("http:", "https:"), read.username, read.password) == (
            True,
            "",
            "",
        )


SHOWN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({}, True),
        ({"at": SHOWN + timedelta(minutes=30)}, True),
        ({"at": SHOWN + timedelta(minutes=30, seconds=1)}, False),
        ({"at": SHOWN - timedelta(seconds=1)}, False),
        ({"code": "other"}, False),
        ({"visitor": "another"}, False),
        ({"secret": b"a secret of another data set"}, False),
    ],
)
def test_a_token_is_for_one_link_and_visitor_and_half_an_hour(
    changes: dict[str, Any], want: bool
) -> None:
    about: dict[str, Any] = {"code": "abc", "visitor": "v1", "at": SHOWN, "secret": SECRET}
    token = shelf_token(**about, nonce=b"12345678")
    assert is_shown(token, **about | changes) is want
    spoilt = ("b" if token[0] == "a" else "a") + token[1:]
    assert not any(
        is_shown(one, **about) for one in (spoilt, token[:-1], token + "a", "", "0" * 40)
    )


def test_without_a_token_a_tap_is_kept_and_counts_nothing() -> None:
    said = {"is_shown": True, "has_token": False}
    assert validity_of(a_visit(), is_own=False, **said) == Validity.NO_SHELF
    assert validity_of(a_visit(), is_own=True, **said) == Validity.NO_SHELF
    assert validity_of(a_visit(("no-cors", "image", "")), is_own=False, **said) == Validity.NO_ACT
