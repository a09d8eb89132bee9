"""Lucky draws that anybody can check.

The formula, in full:

1. Before anybody enters, a seed of 32 bytes is fixed and `seed_hash` = SHA-256(seed) is shown.
2. Each entrant gets a ticket: the first 16 hexadecimal digits of SHA-256(draw id, a zero byte,
   person id), both ids as lower-case text with hyphens. Tickets say who is who to nobody else.
3. Entrants stand in the order in which they entered; `entropy` = SHA-256 of their tickets in that
   order, each followed by a line feed, as ASCII.
4. For n = 1, 2, …: take SHA-256(seed, entropy, n as four bytes, the highest first) as a whole
   number, modulo the entrants that are left; the one at that place (counted from 0) wins and leaves
   the row. Until there are as many winners as promised, or nobody is left.
5. The seed is shown with the winners. Whoever has the tickets and the seed finds the same winners,
   and that the seed was not chosen after the entrants were known.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from dougong.base.errors import BadInput, Conflict, NotFound

MOST_WINNERS = 100
LONGEST_DRAW = timedelta(hours=2)
TICKET_DIGITS = 16


class DrawGone(NotFound):
    code = "draw_gone"


class DrawClosed(Conflict):
    """Nobody can enter any more."""

    code = "draw_closed"


def seed_of(draw_id: UUID, *, secret: bytes) -> bytes:
    """The draw's seed, 32 bytes: kept nowhere, so that nobody can read it before it is shown."""
    return hmac.new(secret, b"draw\0" + draw_id.bytes, hashlib.sha256).digest()


def seed_hash(seed: bytes) -> bytes:
    return hashlib.sha256(seed).digest()


def ticket_of(draw_id: UUID, person_id: UUID) -> str:
    said = f"{draw_id}\0{person_id}".encode()
    return hashlib.sha256(said).hexdigest()[:TICKET_DIGITS]


def entropy_of(tickets: Sequence[str]) -> bytes:
    return hashlib.sha256("".join(f"{one}\n" for one in tickets).encode()).digest()


def winners_of(tickets: Sequence[str], *, seed: bytes, winners: int) -> list[str]:
    """The winning tickets, in the order in which they were drawn."""
    left, entropy = list(tickets), entropy_of(tickets)
    drawn: list[str] = []
    for n in range(1, min(winners, len(left)) + 1):
        number = hashlib.sha256(seed + entropy + n.to_bytes(4, "big")).digest()
        drawn.append(left.pop(int.from_bytes(number, "big") % len(left)))
    return drawn


def check_draw(*, prize: str, winners: int, opens_at: datetime, closes_at: datetime) -> None:
    """Raises BadInput, naming the field."""
    if not prize.strip():
        raise BadInput(field="prize", reason="empty")
    if not 1 <= winners <= MOST_WINNERS:
        raise BadInput(field="winners", reason=f"1–{MOST_WINNERS}")
    if not timedelta(0) < closes_at - opens_at <= LONGEST_DRAW:
        raise BadInput(field="minutes", reason="too_long")
