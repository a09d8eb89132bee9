"""What a room shows of those who buy and of what is sold, by rule."""

from datetime import timedelta

from dougong.base.errors import Conflict, NotAllowed, NotFound

SHOWN, HIDDEN = 1, "**"
LONGEST_DROP = timedelta(hours=1)


class NotInRoom(NotAllowed):
    """Only who is in the room can have what is given away in it."""

    code = "not_in_room"


class DropGone(NotFound):
    code = "drop_gone"


class DropOver(Conflict):
    """All of a coupon drop is taken, or it has ended."""

    code = "drop_over"


class OfferNeedsStore(NotAllowed):
    """Only who sets a store's prices can lower one for a while."""

    code = "offer_needs_store"


def masked(name: str) -> str:
    """A name that its owner knows and nobody else does: the first sign, and two stars."""
    plain = name.strip()
    return plain[:SHOWN] + HIDDEN


def stepped(stock: int) -> int:
    """Stock as it is told and kept: exact below 20, then in tens, from 200 on in hundreds, rounded
    down. So that a sale of a thousand units is some dozens of facts, not a thousand."""
    for step, below in ((1, 20), (10, 200), (100, 2_000)):
        if stock < below:
            return stock - stock % step
    return stock - stock % 1_000
