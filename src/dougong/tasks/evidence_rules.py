"""What the platform's own record says of a delivery, beside what was agreed. Pure.

A live task counts seconds for which the product was pinned, room by room: the rooms with the most
count, none for more than the minutes agreed. A video counts whole days for which it was public.
A word of the blacklist in what was published counts all of it as nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from dougong.base.money import FULL_BP
from dougong.tasks.brief_rules import Terms

DAY = timedelta(days=1)


class RoomShown(msgspec.Struct, frozen=True):
    """One room: for how many whole seconds the product was pinned, before how many viewers."""

    room_id: UUID
    title_zh: str
    title_en: str
    seconds: int
    viewers: int
    started_at: datetime | None = None


class VideoShown(msgspec.Struct, frozen=True):
    """A video with the product's link. `public_until`: when it was taken away, if it was."""

    video_id: UUID
    caption_zh: str
    caption_en: str
    public_from: datetime | None
    public_until: datetime | None
    views: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """`shown` of `wanted`: seconds for live rooms, days for a video. `measured`: what a price by
    result goes by."""

    at: datetime
    wanted: int
    shown: int
    rooms: tuple[RoomShown, ...] = ()
    video: VideoShown | None = None
    words: tuple[str, ...] = ()  # of the blacklist, found
    views: int = 0
    orders: int = 0
    sales_minor: int = 0

    @property
    def share_bp(self) -> int:
        """How much of what was agreed is there, rounded down; nothing with a forbidden word."""
        return 0 if self.words else self.shown * FULL_BP // self.wanted

    @property
    def is_enough(self) -> bool:
        return not self.words and self.shown >= self.wanted


def live_evidence(
    terms: Terms, rooms: Sequence[RoomShown], *, texts: Sequence[str], at: datetime
) -> Evidence:
    """`texts`: titles of the rooms, which the blacklist is held against."""
    each = terms.pinned_minutes * 60
    best = sorted((min(each, room.seconds) for room in rooms), reverse=True)[: terms.rooms]
    return Evidence(
        at=at,
        wanted=each * terms.rooms,
        shown=sum(best),
        rooms=tuple(rooms),
        words=words_found(terms, texts),
        views=sum(room.viewers for room in rooms),
    )


def video_evidence(terms: Terms, video: VideoShown | None, *, at: datetime) -> Evidence:
    days = 0
    if video is not None and video.public_from is not None:
        until = min(at, video.public_until or at)
        days = min(terms.public_days, max(timedelta(0), until - video.public_from) // DAY)
    texts = (video.caption_zh, video.caption_en) if video else ()
    return Evidence(
        at=at,
        wanted=terms.public_days,
        shown=days,
        video=video,
        words=words_found(terms, texts),
        views=video.views if video else 0,
    )


def words_found(terms: Terms, texts: Sequence[str]) -> tuple[str, ...]:
    """The words of the blacklist that stand in the texts, whatever their case."""
    whole = "\n".join(texts).casefold()
    return tuple(word for word in terms.blacklist if word.casefold() in whole)


def measured_of(terms: Terms, evidence: Evidence) -> int | None:
    """What a price by result goes by; None where there is none."""
    if terms.measure is not None:
        found = {
            "views": evidence.views,
            "orders": evidence.orders,
            "sales": evidence.sales_minor,
        }
        return found[terms.measure.value]
    return evidence.views if terms.per_thousand_minor else None
