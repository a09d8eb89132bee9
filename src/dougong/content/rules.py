"""What is true of content by rule: a video's life, limits on what people write, the ranking."""

import math
from datetime import datetime
from enum import StrEnum

import msgspec

from dougong.base.errors import Conflict, NotFound, Refusal

MAX_CAPTION_CHARACTERS = 300
MAX_COMMENT_CHARACTERS = 500
MAX_NOTE_CHARACTERS = 500
MAX_FILE_NAME_CHARACTERS = 200
# One report of watching covers at most this long: a page left open is no audience.
MAX_WATCHED_MS = 600_000
# An upload that nobody continues is removed after this long.
STALE_UPLOAD_S = 24 * 3600
MAX_OPEN_UPLOADS = 5

PLAYLIST = "index.m3u8"
POSTER = "poster.jpg"


class VideoState(StrEnum):
    PROCESSING = "processing"
    READY = "ready"  # can be watched by its creator, is not public yet
    PUBLISHED = "published"
    FAILED = "failed"
    REMOVED = "removed"


MOVES: dict[VideoState, set[VideoState]] = {
    VideoState.PROCESSING: {VideoState.READY, VideoState.FAILED, VideoState.REMOVED},
    VideoState.READY: {VideoState.PUBLISHED, VideoState.REMOVED},
    VideoState.PUBLISHED: {VideoState.REMOVED},
    VideoState.FAILED: {VideoState.PROCESSING, VideoState.REMOVED},
    VideoState.REMOVED: set(),  # what the operator removed, it may restore (commands.restore)
}


def states_before(state: VideoState) -> list[VideoState]:
    """The states from which a video may move to `state`."""
    return [before for before, after in MOVES.items() if state in after]


class WrongVideoState(Conflict):
    """The video is not in a state in which this can be done, or not this creator's."""

    code = "wrong_video_state"


class CaptionTooLong(Refusal):
    """Facts: `most`, in characters."""

    code = "caption_too_long"


class CommentRefused(Refusal):
    """Empty after cleaning, or too long. Facts: `most`, in characters."""

    code = "comment_refused"


class VideoGone(NotFound):
    """No published video of this id."""

    code = "video_gone"


class BadReport(Refusal):
    code = "bad_report"


class UploadTooBig(Refusal):
    """Facts: `most_mb`."""

    code = "upload_too_big"
    status = 413


class TooManyUploads(Conflict):
    """Facts: `most` unfinished uploads of one creator."""

    code = "too_many_uploads"


class WrongOffset(Conflict):
    """A chunk for another place than where the upload stands. Facts: `offset`, in bytes."""

    code = "wrong_offset"


REPORT_REASONS = ("spam", "fake", "unsafe", "rights", "other")


# the ranking of "for you" ---------------------------------------------------------------------

HALF_LIFE_H = 36.0
# What one act of the audience says, next to one view.
LIKE_WEIGHT = 4.0
COMMENT_WEIGHT = 8.0
LINK_CLICK_WEIGHT = 6.0
# Views that a new video is credited with, so that its first like does not decide everything.
PRIOR_VIEWS = 50.0
PRIOR_RATE = 0.5
# How much a well-liked video outweighs recency; and how much a large audience counts by itself.
RATE_SHARE = 1.0
REACH_SHARE = 0.15


class Engagement(msgspec.Struct, frozen=True):
    """What the audience did with a video so far."""

    views: int
    likes: int
    comments: int
    link_clicks: int


def freshness(*, published_at: datetime, at: datetime) -> float:
    """1 at publication, one half after each HALF_LIFE_H hours; 1 for a future instant."""
    age_h = max((at - published_at).total_seconds(), 0.0) / 3600
    return float(0.5 ** (age_h / HALF_LIFE_H))


def engagement_rate(seen: Engagement) -> float:
    """Weighted acts per view, drawn towards PRIOR_RATE by PRIOR_VIEWS imagined views."""
    acts = (
        LIKE_WEIGHT * seen.likes
        + COMMENT_WEIGHT * seen.comments
        + LINK_CLICK_WEIGHT * seen.link_clicks
    )
    return (acts + PRIOR_RATE * PRIOR_VIEWS) / (seen.views + PRIOR_VIEWS)


def feed_score(seen: Engagement, *, published_at: datetime, at: datetime) -> float:
    """The place of a video in "for you": higher comes first.

    freshness + RATE_SHARE × rate ÷ (1 + rate) + REACH_SHARE × log10(1 + views)

    Freshness and the engagement term are each below 1 (the latter is one third for a video that
    nobody has seen), so a new video starts ahead and has to earn its place within days; reach
    grows by 0.15 for each tenfold audience.
    """
    rate = engagement_rate(seen)
    return (
        freshness(published_at=published_at, at=at)
        + RATE_SHARE * rate / (1 + rate)
        + REACH_SHARE * math.log10(1 + max(seen.views, 0))
    )
