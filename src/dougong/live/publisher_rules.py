"""What is true of publishers by rule: stream keys, and who may send pictures into a room."""

import hashlib
import secrets

from dougong.base.errors import Conflict, Refusal

KEY_PREFIX = "live_"
MOST_KEYS = 10  # of one room, that are not revoked
# A publisher that was not heard for so long can be replaced by one with a key of the same room.
REPLACED_AFTER_S = 3.0


class StrangeKey(Refusal):
    """No stream key, a revoked one, or another room's."""

    code = "stream_key_refused"
    status = 401


class PublishedAlready(Conflict):
    """Somebody is sending pictures into this room."""

    code = "published_already"


class RoomOver(Refusal):
    """The room has ended; its address will not come back."""

    code = "room_over"
    status = 410


class MediaOfferRefused(Refusal):
    """An offer that was read, and cannot be taken. Facts: `reason`."""

    code = "media_refused"


class TooManyKeys(Conflict):
    """Facts: `most` stream keys of one room that are not revoked."""

    code = "too_many_stream_keys"


def new_stream_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)


def stream_key_hash(key: str) -> bytes:
    """What the database keeps of a stream key: 256 random bits need no salt."""
    return hashlib.sha256(key.encode()).digest()
