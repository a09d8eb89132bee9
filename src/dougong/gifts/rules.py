"""What is true of coins and gifts by rule: what coins cost, who may give how many, who gets what.

Coins are bought in packs, and each pack that a person has bought is a lot with a price of its own.
Coins leave the oldest lot first and take their part of the money that is left in it, rounded down;
the last coin takes the rest, so that a lot that is used up has given away exactly its price.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict, NotFound, Refusal
from dougong.base.money import part_of

MOST_AT_ONCE = 999  # gifts of one kind in one sending


class NotEnoughCoins(Conflict):
    """Facts: `coins` that the gift costs, `balance` that the person holds."""

    code = "not_enough_coins"


class AgeUnknown(Refusal):
    """Who wants to give must have said when they were born."""

    code = "age_unknown"
    status = 409


class GiftLimit(Refusal):
    """More than a person of that age may give on one day. Facts: `coins_per_day`, `given`,
    `reason_zh`, `reason_en`."""

    code = "gift_limit"
    status = 409


class GiftGone(NotFound):
    """No such gift or coin pack is on offer."""

    code = "gift_gone"


class RoomNotOnAir(Conflict):
    """A gift is given while its room is on air, and not to oneself."""

    code = "room_not_on_air"


class ReversedBefore(Conflict):
    """A gift is taken back once."""

    code = "gift_reversed"


class BornTwice(Conflict):
    """The day of birth is said once; afterwards only the operator changes it."""

    code = "born_on_known"


class NothingLeft(Conflict):
    """No coin of this purchase is left to be refunded."""

    code = "no_coins_left"


class Lot(msgspec.Struct, frozen=True):
    """Coins of one purchase. `used`: given away or refunded, with `used_minor` of `price_minor`."""

    pay_in_id: UUID
    coins: int
    used: int
    price_minor: int
    used_minor: int

    @property
    def left(self) -> int:
        return self.coins - self.used

    def worth(self, coins: int) -> int:
        """What the next `coins` of it, of which there is one at least, were paid with."""
        return (self.price_minor - self.used_minor) * coins // self.left


class Use(msgspec.Struct, frozen=True):
    """Coins taken from a lot, and what they were paid with."""

    pay_in_id: UUID
    coins: int
    value_minor: int


def take(lots: Sequence[Lot], coins: int) -> list[Use]:
    """Coins from the lots in their order. Raises NotEnoughCoins."""
    balance = sum(lot.left for lot in lots)
    if coins > balance:
        raise NotEnoughCoins(coins=coins, balance=balance)
    uses = []
    for lot in lots:
        if part := min(lot.left, coins):
            uses.append(Use(lot.pay_in_id, part, lot.worth(part)))
            coins -= part
    return uses


class Limit(msgspec.Struct, frozen=True):
    """How many coins a person from `from_age` years on may give on one day; 0: none at all."""

    from_age: int
    coins_per_day: int
    reason_zh: str
    reason_en: str


def age_on(day: date, *, born_on: date) -> int:
    """Full years. Who was born on 29 February grows older on 1 March in other years."""
    had_birthday = (day.month, day.day) >= (born_on.month, born_on.day)
    return day.year - born_on.year - (not had_birthday)


def check_limit(limits: Iterable[Limit], *, age: int, given: int, coins: int) -> None:
    """The row with the highest `from_age` that the person has reached decides; without a row there
    is no limit. `given`: coins of the same day. Raises GiftLimit."""
    reached = [one for one in limits if one.from_age <= age]
    if not reached:
        return
    limit = max(reached, key=lambda one: one.from_age)
    if given + coins > limit.coins_per_day:
        raise GiftLimit(
            coins_per_day=limit.coins_per_day,
            given=given,
            reason_zh=limit.reason_zh,
            reason_en=limit.reason_en,
        )


class Shares(msgspec.Struct, frozen=True):
    """Of what a gift was paid with: the platform's fee, rounded down, and the creator's rest."""

    platform_minor: int
    creator_minor: int


def shares(value_minor: int, *, fee_bp: int) -> Shares:
    fee = part_of(value_minor, fee_bp)
    return Shares(fee, value_minor - fee)
