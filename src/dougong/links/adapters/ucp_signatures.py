"""Signatures of shops: HTTP message signatures with ECDSA (RFC 9421) and body digests (RFC 9530).

Keys are the JWKs that a shop publishes in its profile. A signature counts when it covers what it
must, was made by a published key, and is neither over nor from another day.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import ada_url
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    EllipticCurve,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

from dougong.infra.http import Answer
from dougong.links.adapters.structured_fields import (
    BadField,
    InnerList,
    Item,
    read_dictionary,
    write_item,
)
from dougong.links.ucp_rules import ShopNotTrusted, distrust

TOLERANCE_S = 300
CURVES: dict[str, tuple[EllipticCurve, HashAlgorithm, int]] = {
    "P-256": (SECP256R1(), SHA256(), 32),
    "P-384": (SECP384R1(), SHA384(), 48),
}


class PublishedKey(msgspec.Struct, frozen=True):
    """A public JWK as a profile has it; what is not read here is passed over."""

    kid: str
    kty: str
    crv: str = ""
    x: str = ""
    y: str = ""


class Request(NamedTuple):
    """What a request was, for what a signature may cover of it. `authority`: host and port."""

    method: str
    scheme: str
    authority: str
    path: str
    query: str  # with its question mark, or empty
    headers: Mapping[str, str]  # by names in lower case


class Message(NamedTuple):
    """What came in: an answer (with `status` and the request it answers), or a request."""

    headers: Mapping[str, str]  # by names in lower case
    body: bytes
    request: Request
    status: int | None = None


def answer_message(method: str, headers: Mapping[str, str], answer: Answer) -> Message:
    """An answer, with the request that it answers (`headers` as they were sent)."""
    url = ada_url.URL(answer.url)
    request = Request(
        method=method,
        scheme=url.protocol.removesuffix(":"),
        authority=url.host,
        path=url.pathname,
        query=url.search,
        headers=headers,
    )
    lower = {name.lower(): value for name, value in answer.headers.items()}
    return Message(lower, answer.body, request, answer.status)


def is_signed(message: Message) -> bool:
    return "signature" in message.headers or "signature-input" in message.headers


def check_digest(message: Message, *, needed: bool) -> None:
    """The body is the one that the digest was made of. Raises ShopNotTrusted."""
    text = message.headers.get("content-digest")
    if text is None:
        if needed:
            raise distrust("signature_invalid", "the body is signed, but there is no digest of it")
        return
    try:
        said = read_dictionary(text).get("sha-256")
    except BadField as error:
        raise distrust("digest_mismatch", "the digest cannot be read") from error
    if said is None and not needed:
        return
    real = hashlib.sha256(message.body).digest()
    if not isinstance(said, Item) or not isinstance(said.value, bytes):
        raise distrust("digest_mismatch", "there is no sha-256 in the digest")
    if not hmac.compare_digest(said.value, real):
        raise distrust("digest_mismatch", "the body is not the one that was digested")


def verify(message: Message, keys: Sequence[PublishedKey], *, at: float) -> str:
    """The id of the key that signed. `at`: now, in seconds. Raises ShopNotTrusted.

    Of several signatures one that is good is enough: the others are for other readers.
    """
    headers = message.headers
    if not ("signature" in headers and "signature-input" in headers):
        raise distrust("signature_missing", "a signature needs Signature and Signature-Input")
    try:
        inputs = read_dictionary(headers["signature-input"])
        values = read_dictionary(headers["signature"])
    except BadField as error:
        raise distrust("signature_invalid", "the signature headers cannot be read") from error
    refused: ShopNotTrusted = distrust("signature_missing", "no signature in the headers")
    for label, covered in inputs.items():
        value = values.get(label)
        try:
            if not isinstance(covered, InnerList) or not isinstance(value, Item):
                raise distrust("signature_invalid", f"{label} is not a signature")
            return _verify_one(message, covered, value.value, keys, at)
        except ShopNotTrusted as error:
            refused = error
    raise refused


def _verify_one(
    message: Message, covered: InnerList, value: object, keys: Sequence[PublishedKey], at: float
) -> str:
    key_id = covered.parameters.get("keyid")
    key = next((one for one in keys if one.kid == key_id), None)
    if key is None:
        raise distrust("key_not_found", f"key {key_id!r} is not published")
    names = [str(item.value) for item in covered.items if "req" not in item.parameters]
    needed = {"@status"} if message.status is not None else {"@method", "@authority", "@path"}
    if message.body:
        needed.add("content-digest")
    if missing := sorted(needed - set(names)):
        raise distrust("signature_invalid", f"not covered: {', '.join(missing)}")
    _check_times(covered, at)
    check_digest(message, needed="content-digest" in names)
    base = signature_base(message, covered)
    if not isinstance(value, bytes) or not _signed_by(key, value, base):
        raise distrust("signature_invalid", f"not made by key {key.kid}")
    return key.kid


def _check_times(covered: InnerList, at: float) -> None:
    created, expires = covered.parameters.get("created"), covered.parameters.get("expires")
    for name, value in (("created", created), ("expires", expires)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise distrust("signature_invalid", f"{name} is not an instant")
    if isinstance(expires, int) and expires < at - TOLERANCE_S / 10:
        raise distrust("signature_expired", f"it ended {int(at - expires)} s ago")
    if isinstance(created, int) and abs(at - created) > TOLERANCE_S:
        raise distrust("signature_stale", f"it was made {int(at - created)} s ago")


def signature_base(message: Message, covered: InnerList) -> bytes:
    """What was signed, as RFC 9421 builds it. Raises ShopNotTrusted for an unknown component."""
    rows = []
    for item in covered.items:
        name = str(item.value)
        if set(item.parameters) - {"req"}:
            raise distrust("signature_invalid", f"{name} is covered in an unknown way")
        rows.append(f"{write_item(name, item.parameters)}: {_component(message, item)}")
    if len(set(rows)) != len(rows):
        raise distrust("signature_invalid", "a component is covered twice")
    rows.append(f'"@signature-params": {covered.text}')
    return "\n".join(rows).encode()


def _component(message: Message, item: Item) -> str:
    name, of_request = str(item.value), "req" in item.parameters or message.status is None
    if not name.startswith("@"):
        found = (message.request.headers if of_request else message.headers).get(name)
        if found is None:
            raise distrust("signature_invalid", f"{name} is covered, but not there")
        return found.strip()
    if name == "@status" and message.status is not None and "req" not in item.parameters:
        return str(message.status)
    request = message.request
    derived = {
        "@method": request.method,
        "@authority": request.authority,
        "@scheme": request.scheme,
        "@path": request.path,
        "@query": request.query or "?",
        "@request-target": request.path + request.query,
        "@target-uri": f"{request.scheme}://{request.authority}{request.path}{request.query}",
    }
    if name not in derived or not of_request:
        raise distrust("signature_invalid", f"{name} cannot be covered")
    return derived[name]


def _signed_by(key: PublishedKey, value: bytes, base: bytes) -> bool:
    public, digest, width = _public(key)
    if len(value) != 2 * width:
        return False
    der = encode_dss_signature(int.from_bytes(value[:width]), int.from_bytes(value[width:]))
    try:
        public.verify(der, base, ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _public(key: PublishedKey) -> tuple[EllipticCurvePublicKey, HashAlgorithm, int]:
    if key.kty != "EC" or key.crv not in CURVES:
        raise distrust("algorithm_unsupported", f"key {key.kid} is {key.kty} {key.crv}")
    curve, digest, width = CURVES[key.crv]
    try:
        x, y = (int.from_bytes(_from_base64url(one)) for one in (key.x, key.y))
        return EllipticCurvePublicNumbers(x, y, curve).public_key(), digest, width
    except (ValueError, binascii.Error) as error:
        raise distrust("key_malformed", f"key {key.kid} is not a point of {key.crv}") from error


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
