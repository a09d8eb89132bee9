"""Short secrets of others, such as account numbers, as they lie in the database: AES-256-GCM with
a key of the platform's secret. `about` binds a secret to its row: elsewhere it does not open."""

import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dougong.infra.settings import settings

NONCE_BYTES = 12


class NotSealedHere(Exception):
    """It was sealed with another secret key, for another row, or was changed."""


@lru_cache(maxsize=2)
def _cipher(secret: bytes) -> AESGCM:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"dougong sealed 1")
    return AESGCM(derive.derive(secret))


def seal_text(text: str, *, about: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(settings().secret()).encrypt(nonce, text.encode(), about)


def open_text(sealed: bytes, *, about: bytes) -> str:
    """Raises NotSealedHere."""
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return _cipher(settings().secret()).decrypt(nonce, rest, about).decode()
    except (InvalidTag, ValueError) as error:
        raise NotSealedHere from error


def fingerprint(text: str) -> bytes:
    """The same for the same text; without the platform's secret nobody tells from it what the text
    is, however few texts it can be."""
    return hmac.digest(settings().secret(), b"dougong fingerprint 1" + text.encode(), "sha256")
