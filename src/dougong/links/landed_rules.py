"""What one sale of an outside product leaves to everybody: the landed margin. Pure.

As an order reported by the source is shared out: the source's shop pays the commission, the
source's alliance keeps its fee of it, the platform its service fee of what arrives and its cut of
the rest, and the creator has what is left. Rounding is down to whole minor units; what it leaves
over stays with the creator, and before the commission with the shop.
"""

from uuid import UUID

import msgspec

from dougong.base.money import BadAmount, Money, part_of

# Everything that the price falls into.
PARTS = (
    "refunds",
    "merchant",
    "alliance_fee",
    "payment_cost",
    "service_fee",
    "commission_cut",
    "creator",
)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One share of the price. `of_minor` and `rate_bp`: how it was taken, where it was by a rate.

    `by`: what gave the rate: a rule (`rule_id`), the product's own offer, the source's settings,
    the store's history; or `rest`.
    """

    what: str
    minor: int
    of_minor: int = 0
    rate_bp: int | None = None
    by: str = "rest"
    rule_id: UUID | None = None


class Landed(msgspec.Struct, frozen=True):
    """One sale at `price`. `commission`: what the shop pays, before anybody takes of it."""

    price: Money
    commission: Part
    parts: tuple[Part, ...]

    def of(self, what: str) -> int:
        return sum(part.minor for part in self.parts if part.what == what)

    @property
    def creator_minor(self) -> int:
        return self.of("creator")

    @property
    def merchant_minor(self) -> int:
        return self.of("merchant")

    @property
    def platform_minor(self) -> int:
        """The platform's income: service fee and cut, not what payment costs."""
        return self.of("service_fee") + self.of("commission_cut")

    @property
    def residual_minor(self) -> int:
        """What the parts do not explain of the price: always 0."""
        return self.price.minor - sum(part.minor for part in self.parts)


class Rate(msgspec.Struct, frozen=True):
    """A rate in basis points and what gave it."""

    bp: int
    by: str
    rule_id: UUID | None = None


def landed_outside(
    price: Money,
    *,
    refunds: Rate,
    commission: Rate,
    alliance_fee: Rate,
    service_fee: Rate,
    commission_cut: Rate,
) -> Landed:
    """Raises BadAmount below zero, BadRate outside 0 to 10 000 basis points."""
    if price.minor < 0:
        raise BadAmount(price)
    back = taken("refunds", price.minor, refunds)
    kept = price.minor - back.minor
    paid = taken("commission", kept, commission)
    alliance = taken("alliance_fee", paid.minor, alliance_fee)
    received = paid.minor - alliance.minor
    fee = taken("service_fee", received, service_fee)
    cut = taken("commission_cut", received - fee.minor, commission_cut)
    rest = Part(what="creator", minor=received - fee.minor - cut.minor)
    shop = Part(what="merchant", minor=kept - paid.minor)
    return Landed(price, paid, (back, shop, alliance, fee, cut, rest))


def taken(what: str, of_minor: int, rate: Rate) -> Part:
    return Part(
        what=what,
        minor=part_of(of_minor, rate.bp),
        of_minor=of_minor,
        rate_bp=rate.bp,
        by=rate.by,
        rule_id=rate.rule_id,
    )
