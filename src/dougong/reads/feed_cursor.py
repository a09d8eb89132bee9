"""Where a reader of the feed stands: short opaque texts, checked when they come back."""

import base64
import binascii
import math
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from dougong.base.errors import BadInput

RANKED = struct.Struct(">QBd16s")
TIMED = struct.Struct(">q16s")
MICROSECOND = timedelta(microseconds=1)
UNIX = datetime(1970, 1, 1, tzinfo=UTC)
LAST_ID = UUID(int=2**128 - 1)


class Place(NamedTuple):
    """A video's place in an epoch's order; group 1 is what the reader had seen before."""

    group: int
    minus_score: float
    video_id: UUID

    def key(self) -> tuple[float, UUID]:
        return self.minus_score, self.video_id


class Cursor(NamedTuple):
    """`epoch` in Unix seconds; `after` is the last video shown."""

    epoch: int
    after: Place | None

    def text(self) -> str:
        assert self.after is not None  # noqa: S101
        group, minus_score, video_id = self.after
        return _text(RANKED.pack(self.epoch, group, minus_score, video_id.bytes))

    @classmethod
    def parse(cls, text: str) -> Self:
        epoch, group, minus_score, raw = _unpack(RANKED, text)
        if group > 1 or not math.isfinite(minus_score) or epoch > 2**40:
            raise BadInput(field="cursor", reason="unknown")
        return cls(epoch, Place(group, minus_score, UUID(bytes=raw)))


class TimeCursor(NamedTuple):
    """After (older than) this video."""

    at: datetime
    video_id: UUID

    def text(self) -> str:
        return _text(TIMED.pack((self.at - UNIX) // MICROSECOND, self.video_id.bytes))

    @classmethod
    def parse(cls, text: str) -> Self:
        micros, raw = _unpack(TIMED, text)
        try:
            return cls(UNIX + micros * MICROSECOND, UUID(bytes=raw))
        except OverflowError as error:
            raise BadInput(field="cursor", reason="unknown") from error

    @classmethod
    def newest(cls, at: datetime) -> Self:
        return cls(at, LAST_ID)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unpack(shape: struct.Struct, text: str) -> tuple:  # type: ignore[type-arg]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return shape.unpack(raw)
    except (binascii.Error, ValueError, struct.error) as error:
        raise BadInput(field="cursor", reason="unknown") from error
