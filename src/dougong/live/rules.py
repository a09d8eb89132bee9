"""What is true of live rooms by rule: a room's life, who may say what, how long things last."""

import math
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import BadInput, Conflict, NotAllowed, NotFound, Refusal, TooMany

MAX_TITLE_CHARACTERS = 120
MAX_MESSAGE_CHARACTERS = 200
MAX_KEYWORD_CHARACTERS = 40
MOST_KEYWORDS = 200
MOST_MODERATORS = 20
MOST_PLANNED = 20  # rooms of one creator that are announced at a time
LONGEST_SLOW_MODE_S = 300
# Nobody writes more than this, whatever the room's own settings say.
MOST_MESSAGES, TOO_FAST_WITHIN = 8, timedelta(seconds=10)

# Followers and whoever asked are told this long before the announced instant.
REMIND_BEFORE = timedelta(minutes=10)
# A room that nobody has started so long after its announced instant is over.
NEVER_CAME_AFTER = timedelta(hours=2)
# A break that the creator asked for may be longer.
LONGEST_BREAK = timedelta(minutes=30)
FURTHEST_AHEAD = timedelta(days=60)


class RoomState(StrEnum):
    SCHEDULED = "scheduled"
    LIVE = "live"
    PAUSED = "paused"  # a break, or the pictures have stopped: it may go on
    ENDED = "ended"


MOVES: dict[RoomState, set[RoomState]] = {
    RoomState.SCHEDULED: {RoomState.LIVE, RoomState.ENDED},
    RoomState.LIVE: {RoomState.PAUSED, RoomState.ENDED},
    RoomState.PAUSED: {RoomState.LIVE, RoomState.ENDED},
    RoomState.ENDED: set(),
}
ON_AIR = (RoomState.LIVE, RoomState.PAUSED)


class EndReason(StrEnum):
    CREATOR = "creator"
    OPERATOR = "operator"
    SILENT = "silent"  # the pictures stopped, or never came
    CANCELLED = "cancelled"  # before it began


class Chat(StrEnum):
    OPEN = "open"
    FOLLOWERS = "followers"
    CLOSED = "closed"


class CameFrom(StrEnum):
    """Where a viewer came into a room from."""

    FOLLOW = "follow"
    FEED = "feed"
    SEARCH = "search"
    SHARE = "share"
    PAID = "paid"
    UNKNOWN = "unknown"


def states_before(state: RoomState) -> list[RoomState]:
    """The states from which a room may move to `state`."""
    return [before for before, after in MOVES.items() if state in after]


class RoomGone(NotFound):
    """No room of this id, or another creator's."""

    code = "room_gone"


class WrongRoomState(Conflict):
    """The room is not in a state in which this can be done. Facts: `state`."""

    code = "wrong_room_state"


class OnAirAlready(Conflict):
    """Another room of this creator is on air. Facts: `room_id`."""

    code = "on_air_already"


class TooManyRooms(Conflict):
    """Facts: `most` announced rooms of one creator."""

    code = "too_many_rooms"


class BadTitle(Refusal):
    """Empty in both languages after cleaning, or too long. Facts: `most`, in characters."""

    code = "bad_room_title"


class BadRoomTime(Refusal):
    """In the past, or too far ahead. Facts: `days` at most."""

    code = "bad_room_time"


class MessageRefused(Refusal):
    """Empty after cleaning, or too long. Facts: `most`, in characters."""

    code = "message_refused"


class Muted(Refusal):
    """A moderator has muted this person in this room. Facts: `until`; None: for good."""

    code = "muted"
    status = 403


class WordRefused(Refusal):
    """The message holds a word that the creator does not want to see."""

    code = "word_refused"


class ChatClosed(Refusal):
    """The room is not on air, or its chat is closed."""

    code = "chat_closed"
    status = 409


class FollowersOnly(Refusal):
    """Only who follows the creator may write."""

    code = "followers_only"
    status = 403


class TooFast(TooMany):
    """Slow mode, or too many messages. Facts: `retry_after_s`."""

    code = "chat_too_fast"


class BadSetting(BadInput):
    """A setting of the room out of its bounds. Facts: `most`."""

    code = "bad_room_setting"


def check_announced(announced_for: datetime, *, at: datetime) -> None:
    """A room may be announced for now or later. Raises BadRoomTime."""
    if not at - timedelta(minutes=5) <= announced_for <= at + FURTHEST_AHEAD:
        raise BadRoomTime(field="announced_for", days=FURTHEST_AHEAD.days)


def comparable(text: str) -> str:
    """A text as keywords are compared with it: small letters, no spaces, no signs between."""
    return "".join(c for c in text.casefold() if c.isalnum())


def holds_keyword(body: str, words: frozenset[str]) -> bool:
    """Whether a message holds one of the words (`comparable` already)."""
    plain = comparable(body)
    return any(word in plain for word in words)


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of somebody who wants to write in a room, at that instant.

    `muted_until`: None when not muted for a time; `is_muted` also for good. `recent`: messages of
    the last TOO_FAST_WITHIN. `leads`: the creator's own people, its moderators, the operator.
    """

    state: RoomState
    chat: Chat
    slow_mode_s: int
    creator_id: UUID
    name: str
    is_active: bool
    is_muted: bool
    muted_until: datetime | None
    follows: bool
    role: str  # creator, moderator or viewer
    last_at: datetime | None
    recent: int
    words: frozenset[str] = frozenset()

    @property
    def leads(self) -> bool:
        return self.role != "viewer"


def check_body(body: str) -> str:
    """A message of one line, as plain text is. Raises MessageRefused."""
    clean = " ".join(body.split())
    if not 1 <= len(clean) <= MAX_MESSAGE_CHARACTERS:
        raise MessageRefused(field="body", most=MAX_MESSAGE_CHARACTERS)
    return clean


def check_may_write(speaker: Speaker | None, body: str, *, at: datetime) -> None:
    """Raises RoomGone, NotAllowed (suspended), Muted, ChatClosed, FollowersOnly, TooFast,
    WordRefused."""
    if speaker is None:
        raise RoomGone
    if not speaker.is_active:
        raise NotAllowed
    if speaker.state not in ON_AIR and speaker.state != RoomState.SCHEDULED:
        raise ChatClosed
    if speaker.is_muted:
        until = speaker.muted_until.isoformat() if speaker.muted_until else None
        raise Muted(until=until)
    if speaker.recent >= MOST_MESSAGES:
        raise TooFast(retry_after_s=int(TOO_FAST_WITHIN.total_seconds()))
    if speaker.leads:
        return
    if speaker.chat == Chat.CLOSED:
        raise ChatClosed
    if speaker.chat == Chat.FOLLOWERS and not speaker.follows:
        raise FollowersOnly
    if speaker.last_at is not None and speaker.slow_mode_s:
        left_s = (speaker.last_at - at).total_seconds() + speaker.slow_mode_s
        if left_s > 0:
            raise TooFast(retry_after_s=math.ceil(left_s))
    if holds_keyword(body, speaker.words):
        raise WordRefused(field="body")
