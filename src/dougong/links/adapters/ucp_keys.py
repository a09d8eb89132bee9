"""Our own keys: what we sign requests to UCP shops with, and what they read to check it.

Private JWKs (EC, P-256 or P-384) in a file that only the platform reads. The first one signs; all
of them are published without their secret, so that a new one can be known before it signs.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import ada_url
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dougong.infra.settings import BadSetting, settings
from dougong.links.adapters.structured_fields import InnerList, read_dictionary
from dougong.links.adapters.ucp_signatures import CURVES, Message, Request, signature_base

ALGORITHMS = {"P-256": "ES256", "P-384": "ES384"}
# What a signature covers of a request wherever it is there (specification 2026-04-08, "REST
# Request Signing"); the method, the host and the path always are.
COVERED_HEADERS = ("ucp-agent", "idempotency-key", "content-digest", "content-type")


class PrivateJwk(msgspec.Struct, frozen=True):
    """One key as the file has it; numbers in base64url."""

    kid: str
    kty: str
    crv: str
    x: str
    y: str
    d: str


class KeySet(msgspec.Struct, frozen=True):
    keys: list[PrivateJwk]


class OwnKey(NamedTuple):
    jwk: PrivateJwk
    private: EllipticCurvePrivateKey

    def public_jwk(self) -> dict[str, str]:
        shown = {"kid": self.jwk.kid, "kty": "EC", "crv": self.jwk.crv, "use": "sig"}
        return shown | {"alg": ALGORITHMS[self.jwk.crv], "x": self.jwk.x, "y": self.jwk.y}

    def sign(self, base: bytes) -> bytes:
        """r and s side by side, each of the curve's width (RFC 9421, 3.3.4)."""
        _, digest, width = CURVES[self.jwk.crv]
        r, s = decode_dss_signature(self.private.sign(base, ECDSA(digest)))
        return r.to_bytes(width) + s.to_bytes(width)


def own_keys() -> tuple[OwnKey, ...]:
    """The platform's keys, none where the setting names no file. Raises BadSetting."""
    if not settings().ucp_signing_keys:
        return ()
    path = Path(settings().ucp_signing_keys)
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise BadSetting(f"ucp_signing_keys: {error}") from error
    return _read(path, changed_ns)


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> tuple[OwnKey, ...]:
    """`changed_ns`: a file that has changed is read anew."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=KeySet).keys
        keys = tuple(OwnKey(one, _private(one)) for one in found)
    except (OSError, ValueError) as error:  # msgspec's own are ValueErrors too
        raise BadSetting(f"ucp_signing_keys: {error}") from error
    if not keys or len({one.jwk.kid for one in keys}) != len(keys):
        raise BadSetting("ucp_signing_keys needs keys, each with an id of its own")
    return keys


def _private(jwk: PrivateJwk) -> EllipticCurvePrivateKey:
    """Raises ValueError where the file says of a key what is not so."""
    if jwk.kty != "EC" or jwk.crv not in CURVES or not jwk.kid.isascii() or '"' in jwk.kid:
        raise ValueError(f"key {jwk.kid!r} is {jwk.kty} {jwk.crv}: EC P-256 or P-384 is needed")
    curve, _, width = CURVES[jwk.crv]
    private = derive_private_key(int.from_bytes(_from_text(jwk.d)), curve)
    numbers = private.public_key().public_numbers()
    if (_text(numbers.x, width), _text(numbers.y, width)) != (jwk.x, jwk.y):
        raise ValueError(f"the halves of key {jwk.kid!r} do not belong together")
    return private


def _text(number: int, width: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(width)).decode().rstrip("=")


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed_headers(
    keys: Sequence[OwnKey],
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    at: float,
) -> dict[str, str]:
    """What a signed request has beside `headers` (names in lower case); nothing without a key.
    `at`: now, in seconds."""
    if not keys:
        return {}
    key, added = keys[0], dict[str, str]()
    if body:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        added["content-digest"] = f"sha-256=:{digest}:"
    there = ada_url.URL(url)
    request = Request(
        method=method,
        scheme=there.protocol.removesuffix(":"),
        authority=there.host,
        path=there.pathname,
        query=there.search,
        headers={**headers, **added},
    )
    names = ["@method", "@authority", "@path", *(["@query"] if request.query else [])]
    names += [name for name in COVERED_HEADERS if name in request.headers]
    covered = " ".join(f'"{name}"' for name in names)
    added["signature-input"] = f'sig1=({covered});created={int(at)};keyid="{key.jwk.kid}"'
    inner = read_dictionary(added["signature-input"])["sig1"]
    if not isinstance(inner, InnerList):
        raise TypeError(added["signature-input"])  # it was written above
    made = key.sign(signature_base(Message(request.headers, body, request), inner))
    added["signature"] = f"sig1=:{base64.b64encode(made).decode()}:"
    return added


def add_key(path: Path, *, kid: str) -> dict[str, Any]:
    """A new P-256 key, put last into the file (which is made where it is not there): it is known
    from now on, and signs once it stands first. Answers its public half.

    Raises ValueError for an id that is there already, or a file that is no key set.
    """
    curve, _, width = CURVES["P-256"]
    private = generate_private_key(curve)
    numbers = private.private_numbers()
    x, y = numbers.public_numbers.x, numbers.public_numbers.y
    jwk = PrivateJwk(
        kid=kid,
        kty="EC",
        crv="P-256",
        x=_text(x, width),
        y=_text(y, width),
        d=_text(numbers.private_value, width),
    )
    before = msgspec.json.decode(path.read_bytes(), type=KeySet).keys if path.exists() else []
    if any(one.kid == kid for one in before):
        raise ValueError(f"key {kid!r} is there already")
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(KeySet([*before, jwk])))
    draft.replace(path)
    return OwnKey(jwk, private).public_jwk()
