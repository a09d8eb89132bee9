"""What we ask of UCP shops is signed where the platform has keys, as the specification says."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from tests.links.test_ucp_buy import bought
from tests.links.ucp_keys import Key, why_not_signed
from tests.links.ucp_shops import a_shop

from dougong.cli.ucp_command import command
from dougong.infra.settings import BadSetting, settings
from dougong.links.adapters.ucp_agent import agent_profile, agent_url
from dougong.links.adapters.ucp_keys import own_keys, signed_headers


def made_key(file: Path, kid: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, ["make-key", str(file), "--kid", kid])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The setting names a file that holds no key yet."""
    file = tmp_path / "keys.json"
    chosen = msgspec.structs.replace(settings(), ucp_signing_keys=str(file))
    monkeypatch.setattr("dougong.links.adapters.ucp_keys.settings", lambda: chosen)
    return file


def profile_keys() -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = agent_profile().get("signing_keys", [])
    return keys


def test_a_shop_that_wants_signed_requests_is_bought_from(key_file: Path) -> None:
    made_key(key_file, "platform-2026")
    with a_shop("wants_signed", "keys", "cart", "delivery", "order") as shop:
        shop.platform_keys = profile_keys()
        assert bought(shop.url)["outcome"] == "bought"
        signed = [headers for _, path, headers in shop.asked if not path.startswith("/.well-known")]
        assert len(signed) >= 3
        assert all("signature" in headers for headers in signed)


def test_without_a_key_such_a_shop_refuses_and_others_do_not() -> None:
    assert own_keys() == ()
    assert "signing_keys" not in agent_profile()
    with a_shop("wants_signed") as shop:
        assert bought(shop.url, code=1)["reason"] == "signature_missing"
    with a_shop() as shop:
        assert bought(shop.url)["outcome"] == "bought"
        assert not any("signature" in headers for _, _, headers in shop.asked)


def test_a_shop_that_knows_another_key_refuses(key_file: Path) -> None:
    made_key(key_file, "platform-2026")
    with a_shop("wants_signed") as shop:
        shop.platform_keys = [Key("platform-2026").jwk()]
        assert bought(shop.url, code=1)["reason"] == "signature_invalid"


def test_the_profile_shows_every_key_and_no_secret(key_file: Path) -> None:
    first, second = made_key(key_file, "a"), made_key(key_file, "b")
    assert profile_keys() == [first, second]
    assert all(set(one) == {"kid", "kty", "crv", "use", "alg", "x", "y"} for one in (first, second))
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert agent_url().endswith("/.well-known/ucp")
    again = CliRunner().invoke(command, ["make-key", str(key_file), "--kid", "a"])
    assert (again.exit_code, profile_keys()) == (1, [first, second])


ASKED = {"ucp-agent": 'profile="https://p.example/"', "idempotency-key": "k1",
         "content-type": "application/json"}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/checkout-sessions", b"{}"),
        ("GET", "/orders/1?view=all", b""),
        ("PUT", "/a", b"x"),
    ],
)
def test_everything_that_is_there_is_covered(
    key_file: Path, method: str, path: str, body: bytes
) -> None:
    public = made_key(key_file, "k")
    plain = dict(ASKED) if body else {"ucp-agent": ASKED["ucp-agent"]}
    url = f"https://shop.example:8443{path}"
    headers = signed_headers(
        own_keys(), method=method, url=url, headers=plain, body=body, at=1_780_000_000
    )
    sent = plain | headers | {"host": "shop.example:8443"}
    assert why_not_signed(method, path, sent, body, [public]) == ""
    assert ";created=1780000000;" in sent["signature-input"]
    for name, other in (("host", "other.example"), ("ucp-agent", 'profile="https://q.example/"')):
        wrong = why_not_signed(method, path, sent | {name: other}, body, [public])
        assert wrong == "signature_invalid", name
    assert why_not_signed("DELETE", path, sent, body, [public]) == "signature_invalid"
    if body:
        assert why_not_signed(method, path, sent, body + b" ", [public]) == "digest_mismatch"


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"keys":[]}', b'{"keys":[{"kid":"a","kty":"OKP","crv":"Ed25519"}]}'],
    ids=["empty", "no set", "no key", "another kind"],
)
def test_a_file_that_is_no_key_set_is_said(key_file: Path, content: bytes) -> None:
    with pytest.raises(BadSetting, match="ucp_signing_keys"):
        own_keys()
    key_file.write_bytes(content)
    with pytest.raises(BadSetting, match="ucp_signing_keys"):
        own_keys()


def test_halves_of_two_keys_are_no_key(key_file: Path) -> None:
    made_key(key_file, "a")
    made_key(key_file, "b")
    both = json.loads(key_file.read_bytes())
    both["keys"][0]["d"] = both["keys"][1]["d"]
    key_file.write_text(json.dumps(both))
    with pytest.raises(BadSetting, match="do not belong together"):
        own_keys()
