"""Keys and signatures of the tests' shops, made from the specification's words (RFC 9421, 9530)."""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

Body = dict[str, Any]


class Key:
    """A signing key of a shop, and its JWK."""

    def __init__(self, kid: str, *, big: bool = False) -> None:
        self.kid, self.big = kid, big
        self.private = ec.generate_private_key(ec.SECP384R1() if big else ec.SECP256R1())

    def jwk(self) -> Body:
        numbers = self.private.public_key().public_numbers()
        width = 48 if self.big else 32

        def text(number: int) -> str:
            return base64.urlsafe_b64encode(number.to_bytes(width)).decode().rstrip("=")

        curve = "P-384" if self.big else "P-256"
        found = {"kid": self.kid, "kty": "EC", "crv": curve, "use": "sig"}
        return found | {"x": text(numbers.x), "y": text(numbers.y)}

    def sign(self, base: str) -> str:
        width = 48 if self.big else 32
        r, s = decode_dss_signature(
            self.private.sign(base.encode(), ec.ECDSA(SHA384() if self.big else SHA256()))
        )
        return base64.b64encode(r.to_bytes(width) + s.to_bytes(width)).decode()


def digest_of(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signed_headers(
    key: Key, body: bytes, rows: list[tuple[str, str]], parameters: str = ""
) -> dict[str, str]:
    """Headers of a signed message; `rows`: what is covered beside the body, with its values."""
    digest = digest_of(body)
    rows = [*rows, ("content-digest", digest), ("content-type", "application/json")]
    names = " ".join(f'"{name}"' for name, _ in rows)
    covered = f'({names}){parameters};keyid="{key.kid}"'
    base = "\n".join(f'"{name}": {value}' for name, value in rows)
    base += f'\n"@signature-params": {covered}'
    return {
        "Content-Digest": digest,
        "Signature-Input": f"sig1={covered}",
        "Signature": f"sig1=:{key.sign(base)}:",
    }


def why_not_signed(
    method: str, target: str, headers: Mapping[str, str], body: bytes, keys: list[Body]
) -> str:
    """What a business that wants signed requests has against one; nothing when it is well signed.
    `headers`: by names in lower case; `target`: path and query as they were sent."""
    path, _, query = target.partition("?")
    values = {"@method": method, "@authority": headers["host"], "@path": path, **headers}
    needed = {"@method", "@authority", "@path", "ucp-agent"}
    if query:
        values["@query"] = f"?{query}"
        needed.add("@query")
    if "idempotency-key" in headers:
        needed.add("idempotency-key")
    if body:
        needed |= {"content-digest", "content-type"}
    said = re.fullmatch(r"sig1=(\(([^)]*)\)(.*))", headers.get("signature-input", ""))
    made = re.fullmatch(r"sig1=:([A-Za-z0-9+/=]+):", headers.get("signature", ""))
    if said is None or made is None:
        return "signature_missing"
    if body and headers.get("content-digest") != digest_of(body):
        return "digest_mismatch"
    names = re.findall(r'"([^"]+)"', said[2])
    if needed - set(names):
        return "coverage_insufficient"
    kid = re.search(r'keyid="([^"]*)"', said[3])
    jwk = next((one for one in keys if kid and one["kid"] == kid[1]), None)
    if jwk is None:
        return "key_not_found"
    base = "\n".join(f'"{name}": {values[name]}' for name in names)
    base += f'\n"@signature-params": {said[1]}'
    return "" if _fits(jwk, base.encode(), base64.b64decode(made[1])) else "signature_invalid"


def _fits(jwk: Body, base: bytes, raw: bytes) -> bool:
    big = jwk["crv"] == "P-384"
    width = 48 if big else 32
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "==")) for name in "xy")
    curve = ec.SECP384R1() if big else ec.SECP256R1()
    public = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    r, s = int.from_bytes(raw[:width]), int.from_bytes(raw[width:])
    try:
        public.verify(encode_dss_signature(r, s), base, ec.ECDSA(SHA384() if big else SHA256()))
    except InvalidSignature:
        return False
    return len(raw) == 2 * width
