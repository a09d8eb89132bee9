"""Structured fields, and signatures of outside shops: what is covered, by which key, when."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.links.ucp_keys import Key, digest_of, signed_headers

from dougong.links.adapters.structured_fields import BadField, InnerList, Item, read_dictionary
from dougong.links.adapters.ucp_signatures import Message, PublishedKey, Request, verify
from dougong.links.ucp_rules import ShopNotTrusted

AT = 1_780_000_000
BODY = b'{"id":"ord_1"}'
KEY = Key("k1")
REQUEST = Request("POST", "https", "us.example", "/hooks/ucp/shop", "", {})
JSON = {"content-type": "application/json"}


def published(key: Key) -> PublishedKey:
    jwk = key.jwk()
    return PublishedKey(jwk["kid"], jwk["kty"], jwk["crv"], jwk["x"], jwk["y"])


def answer(
    rows: list[tuple[str, str]] | None = None, parameters: str = f";created={AT}", key: Key = KEY
) -> dict[str, str]:
    made = signed_headers(key, BODY, [("@status", "200")] if rows is None else rows, parameters)
    return JSON | {name.lower(): value for name, value in made.items()}


def why(headers: dict[str, str], body: bytes = BODY, *, keys: list[Key] | None = None) -> str:
    known = [published(one) for one in (keys or [KEY])]
    try:
        return verify(Message(headers, body, REQUEST, 200), known, at=AT)
    except ShopNotTrusted as refusal:
        return str(refusal.facts["reason"])


def test_both_curves_verify() -> None:
    big = Key("k2", big=True)
    assert why(answer()) == "k1"
    assert why(answer(key=big), keys=[KEY, big]) == "k2"


@pytest.mark.parametrize(
    ("parameters", "want"),
    [
        ("", "k1"),
        (f";created={AT - 300}", "k1"),
        (f";created={AT + 300}", "k1"),
        (f";created={AT - 301}", "signature_stale"),
        (f";created={AT + 301}", "signature_stale"),
        (f";created={AT};expires={AT + 1}", "k1"),
        (f";created={AT};expires={AT - 60}", "signature_expired"),
        (';created="now"', "signature_invalid"),
        (";created=?1", "signature_invalid"),
        (';nonce="n";tag="t"', "k1"),
    ],
)
def test_times(parameters: str, want: str) -> None:
    assert why(answer(parameters=parameters)) == want


def test_what_is_not_covered_is_not_signed() -> None:
    assert why(answer(rows=[])) == "signature_invalid"
    uncovered = answer()
    uncovered["signature-input"] = f'sig1=("@status");created={AT};keyid="k1"'
    assert why(uncovered) == "signature_invalid"


@pytest.mark.parametrize(
    ("name", "value", "want"),
    [
        ("signature", None, "signature_missing"),
        ("signature-input", None, "signature_missing"),
        ("content-digest", None, "signature_invalid"),
        ("content-digest", "sha-256=AAAA", "digest_mismatch"),
        ("content-digest", "sha-512=:AAAA:", "digest_mismatch"),
        ("content-digest", "((", "digest_mismatch"),
        ("content-type", "text/plain", "signature_invalid"),
        ("signature", "sig1=:AAAA:", "signature_invalid"),
        ("signature", "sig2=:AAAA:", "signature_invalid"),
        ("signature", "sig1=AAAA", "signature_invalid"),
        ("signature", "", "signature_invalid"),
        ("signature-input", "sig1=5", "signature_invalid"),
        ("signature-input", "", "signature_missing"),
        ("signature-input", "sig1=(", "signature_invalid"),
    ],
)
def test_broken_headers(name: str, value: str | None, want: str) -> None:
    headers = answer()
    if value is None:
        del headers[name]
    else:
        headers[name] = value
    assert why(headers) == want


def test_another_status_body_or_key_does_not_verify() -> None:
    assert why(answer(rows=[("@status", "201")])) == "signature_invalid"
    assert why(answer(), BODY + b" ") == "digest_mismatch"
    assert why(answer(), keys=[Key("k1")]) == "signature_invalid"
    assert why(answer(), keys=[Key("other")]) == "key_not_found"


def test_one_good_signature_of_two_is_enough() -> None:
    first, second = answer(), answer(key=Key("unknown"))
    both = first | {
        "signature": first["signature"] + ", " + second["signature"].replace("sig1", "sig2"),
        "signature-input": (
            second["signature-input"].replace("sig1", "sig2") + ", " + first["signature-input"]
        ),
    }
    assert why(both) == "k1"
    both["signature"] = both["signature"].replace("sig1", "sig3")
    assert why(both) in ("key_not_found", "signature_invalid")


def test_an_answer_may_be_bound_to_its_request() -> None:
    digest = digest_of(BODY)
    covered = f'("@status" "@method";req "@path";req "content-digest");created={AT};keyid="k1"'
    base = (
        '"@status": 200\n"@method";req: POST\n"@path";req: /hooks/ucp/shop\n'
        f'"content-digest": {digest}\n"@signature-params": {covered}'
    )
    headers = JSON | {"content-digest": digest, "signature-input": f"sig1={covered}"}
    headers["signature"] = f"sig1=:{KEY.sign(base)}:"
    assert why(headers) == "k1"
    headers["signature-input"] = headers["signature-input"].replace("req", "bs")
    assert why(headers) == "signature_invalid"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", {}),
        ("a=1", {"a": Item(1, {})}),
        ("a=1;b, c=?0", {"a": Item(1, {"b": True}), "c": Item(False, {})}),
        ('a="x\\"y";q=0.5', {"a": Item('x"y', {"q": 0.5})}),
        ("a=:AQI=:", {"a": Item(b"\x01\x02", {})}),
        ("a=tok/en, a=2", {"a": Item(2, {})}),
    ],
)
def test_dictionaries(text: str, want: dict[str, Item]) -> None:
    assert read_dictionary(text) == want


def test_an_inner_list_keeps_its_own_text() -> None:
    found = read_dictionary('s=("a" "b";req);x=1 ,  t=2')["s"]
    assert isinstance(found, InnerList)
    assert [item.value for item in found.items] == ["a", "b"]
    assert found.text == '("a" "b";req);x=1'


@pytest.mark.parametrize(
    "text", ["A=1", "a=", "a=1 b=2", "a=(1", 'a="x', "a=:!:", "a=?2", ",", "é"]
)
def test_what_is_no_dictionary(text: str) -> None:
    with pytest.raises(BadField):
        read_dictionary(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadField):
        read_dictionary(text)
