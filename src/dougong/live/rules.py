"""What is true of live rooms by rule: a room's life, who may say what, how long things last."""

from datetime import datetime, timedelta
from enum import StrEnum

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal, TooMany

MAX_TITLE_CHARACTERS = 120
MAX_MESSAGE_CHARACTERS = 200
MAX_KEYWORD_CHARACTERS = 40
MOST_KEYWORDS = 200
MOST_MODERATORS = 20
MOST_PLANNED = 20  # rooms of one creator that are announced at a time
LONGEST_SLOW_MODE_S = 300

# Followers and whoever asked are told this long before the announced instant.
REMIND_BEFORE = timedelta(minutes=10)
# A room that nobody has started so long after its announced instant is over.
NEVER_CAME_AFTER = timedelta(hours=2)
# A room on air whose pictures stop comes back within this, or is over.
SILENT_AFTER = timedelta(minutes=5)
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
