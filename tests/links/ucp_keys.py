"""Keys and signatures of the tests' shops, made from the specification's words (RFC 9421, 9530)."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
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
