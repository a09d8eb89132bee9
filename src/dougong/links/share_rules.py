"""What is true of sharing to other platforms: channels, their states by date, share codes. Pure."""

import re
import secrets
import unicodedata
from enum import StrEnum

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal

# Without 0 O 1 I L, which people mistake for one another: 31 signs, so 10 of them are one of
# 8 × 10¹⁴ codes.
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 10
MAX_TEXT = 1_000
MAX_REASON = 300
# Between money signs, as share texts have it; or a code alone.
IN_TEXT = re.compile(rf"[¥$]\s*([{LETTERS}]{{{LENGTH}}})\s*[¥$]")
ALONE = re.compile(rf"[{LETTERS}]{{{LENGTH}}}")


class ChannelState(StrEnum):
    """Open: our links open there. Blocked: they do not, so a text with a code is shared instead.
    A channel without a state at an instant is open."""

    OPEN = "open"
    BLOCKED = "blocked"


class ChannelGone(NotFound):
    code = "channel_gone"


class ChannelStateTaken(Conflict):
    """A later state of the channel is planned already, or one from the same instant on."""

    code = "channel_state_taken"


class ChannelStateInPast(Refusal):
    """A channel's state changes from now on at the earliest."""

    code = "channel_state_in_past"


def new_code() -> str:
    """A share code that nobody can guess."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def code_in(said: str) -> str | None:
    """The share code in a pasted text, or what is one by itself; None when there is none.

    Full-width letters and signs are read as plain ones, small letters as capitals.
    """
    plain = unicodedata.normalize("NFKC", said[:MAX_TEXT]).upper()
    found = IN_TEXT.search(plain)
    if found:
        return found[1]
    alone = plain.strip()
    return alone if ALONE.fullmatch(alone) else None


def share_text(*, code: str, title: str, how: str) -> str:
    """What is shared where links are blocked: the code first, so that a short box still holds it,
    and no address at all. `how`: what to do with it, in the reader's language."""
    shown = " ".join(title.split())[:60]
    return f"￥{code}￥ {shown}\n{how}" if shown else f"￥{code}￥\n{how}"


def checked_reason(text: str, *, field: str) -> str:
    """Raises BadInput."""
    plain = text.strip()
    if not 0 < len(plain) <= MAX_REASON:
        raise BadInput(field=field, reason="empty" if not plain else "too_long")
    return plain
