"""What a look at a linked product's address found, and when to look again. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from dougong.base.money import Money
from dougong.links.adapters.protocol import SeenProduct

EVERY = timedelta(hours=6)
FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=12)
# A shop may be away for an evening; a page that says itself that it is gone is asked once more.
GONE_AFTER = 6
SAID_GONE_AFTER = 2
# How alike two titles are that speak of one product, of 1; less when their numbers differ too.
ALIKE = 0.2
ALIKE_WITH_OTHER_NUMBER = 0.5


class Finding(StrEnum):
    SAME = "same"
    GONE = "gone"  # not there, or away for too long
    MOVED = "moved"  # ends at a host that is not its source's
    SWAPPED = "swapped"  # another product stands there
    AWAY = "away"  # not known: looked at again soon


class Known(NamedTuple):
    """A linked product as its links promise it."""

    item_id: str
    title: str
    gtin: str | None
    price: Money | None


class Outcome(NamedTuple):
    """`failures` in a row, and when to look again. `why`: where it leads now, or what stands there.
    `source`: of the host where it ends now, if that is another one."""

    finding: Finding
    failures: int
    check_after: datetime
    price: Money | None = None
    why: str = ""
    source: str = ""


def likeness(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1: shared pairs of letters (Dice's coefficient), so that it
    works without words, as Chinese is written."""
    first, second = _pairs(one), _pairs(other)
    if not first or not second:
        return float(first == second)
    return 2 * len(first & second) / (len(first) + len(second))


def _pairs(said: str) -> set[str]:
    plain = "".join(c for c in said.casefold() if c.isalnum())
    return {plain[i : i + 2] for i in range(len(plain) - 1)} or set(plain)


def is_swapped(known: Known, seen: SeenProduct) -> bool:
    """Whether another product stands there: its number and title differ much. The same number is
    the same product under any title."""
    alike = likeness(known.title, seen.title)
    if known.gtin and seen.gtin:
        if known.gtin.zfill(14) == seen.gtin.zfill(14):
            return False
        return alike < ALIKE_WITH_OTHER_NUMBER
    return bool(known.title) and alike < ALIKE


def found(known: Known, products: Sequence[SeenProduct], *, at: datetime) -> Outcome:
    """From what stands at the address now: at least one product, the main one first."""
    seen = next((one for one in products if one.item_id == known.item_id), products[0])
    if is_swapped(known, seen):
        return Outcome(Finding.SWAPPED, 0, at + EVERY, why=seen.title)
    return Outcome(Finding.SAME, 0, at + EVERY, price=seen.price)


def failed(failures: int, *, said_gone: bool, why: str, at: datetime) -> Outcome:
    """From a look that found nothing. `failures`: in a row before this one; `said_gone`: the shop
    itself says that there is nothing (404, 410)."""
    count = failures + 1
    if count >= (SAID_GONE_AFTER if said_gone else GONE_AFTER):
        return Outcome(Finding.GONE, count, at + LONGEST_WAIT, why=why)
    wait = min(FIRST_WAIT * 2**failures, LONGEST_WAIT)
    return Outcome(Finding.AWAY, count, at + wait, why=why)


def moved(where: str, *, source: str = "", at: datetime) -> Outcome:
    """To a host of no source, or of another one."""
    return Outcome(Finding.MOVED, 0, at + LONGEST_WAIT, why=where, source=source)
