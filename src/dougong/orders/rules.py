"""What is true of orders by rule: their life, their prices, and who gets what of each line."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from dougong.base.errors import Conflict, Refusal
from dougong.base.ids import LinkId, ProductId, SkuId
from dougong.base.money import FULL_BP, BadAmount, BadRate, part_of, pro_rata, split

MOST_LINES = 50
MOST_UNITS = 999


class OrderState(StrEnum):
    PLACED = "placed"
    PAID = "paid"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    RECEIVED = "received"
    FINAL = "final"
    CANCELLED = "cancelled"  # never paid: by the buyer, or by the deadline
    REFUNDED = "refunded"  # all money went back before the order was final


MOVES: dict[OrderState, set[OrderState]] = {
    OrderState.PLACED: {OrderState.PAID, OrderState.CANCELLED},
    OrderState.PAID: {OrderState.PART_SHIPPED, OrderState.SHIPPED, OrderState.REFUNDED},
    OrderState.PART_SHIPPED: {OrderState.PART_SHIPPED, OrderState.SHIPPED, OrderState.REFUNDED},
    OrderState.SHIPPED: {OrderState.RECEIVED, OrderState.REFUNDED},
    OrderState.RECEIVED: {OrderState.FINAL, OrderState.REFUNDED},
    OrderState.FINAL: set(),
    OrderState.CANCELLED: set(),
    OrderState.REFUNDED: set(),
}


def states_before(state: OrderState) -> list[OrderState]:
    """The states from which an order may move to `state`."""
    return [before for before, after in MOVES.items() if state in after]


PAID_STATES = (
    OrderState.PAID,
    OrderState.PART_SHIPPED,
    OrderState.SHIPPED,
    OrderState.RECEIVED,
    OrderState.FINAL,
)


class EmptyOrder(Refusal):
    code = "empty_order"


class TooManyLines(Refusal):
    code = "too_many_lines"


class NotForSale(Refusal):
    """The SKU is unknown here, archived, or its store is closed."""

    code = "not_for_sale"
    status = 409


class StaleTotal(Conflict):
    """The client's total is not the server's: prices, coupon or shipping changed.

    Facts: `expected_minor` as sent, `total_minor` as it is now.
    """

    code = "stale_total"


class CouponRefused(Refusal):
    """Facts: `why`: unknown, not_yet, over, used_up, already_used, below_minimum."""

    code = "coupon_refused"
    status = 409


class AddressMissing(Refusal):
    code = "address_missing"


class WrongState(Conflict):
    """The order is not in a state in which this can be done. Facts: `order_state`."""

    code = "wrong_order_state"


class RefundTooMuch(Refusal):
    """More than what is left of the line. Facts: `line_no`, `left_minor`."""

    code = "refund_too_much"


# prices -------------------------------------------------------------------------------------


class Offer(msgspec.Struct, frozen=True):
    """What the catalogue says of one SKU now, and of the link that led to it."""

    sku_id: SkuId
    product_id: ProductId
    title_zh: str
    title_en: str
    options: dict[str, str]
    image_file: str | None
    category: str
    price_minor: int
    offered_commission_bp: int | None


class Coupon(msgspec.Struct, frozen=True):
    """A coupon's terms: either an amount or a share off, from a minimum spend."""

    funder: str  # merchant, platform, creator
    funder_org_id: UUID
    amount_off_minor: int | None
    percent_off_bp: int | None
    min_spend_minor: int


class Shipping(msgspec.Struct, frozen=True):
    """A store's rule: a fee, free from a spend on (None: never free)."""

    fee_minor: int
    free_from_minor: int | None


class QuotedLine(msgspec.Struct, frozen=True):
    offer: Offer
    quantity: int
    link_id: LinkId | None
    gross_minor: int
    discount_minor: int


class Quote(msgspec.Struct, frozen=True):
    """An order's prices before it is placed; all in minor units of the store's currency."""

    lines: tuple[QuotedLine, ...]
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    total_minor: int


def coupon_discount(coupon: Coupon, gross: Sequence[int]) -> list[int]:
    """The discount of each line, in minor units, by largest remainder.

    Every line keeps at least one minor unit to pay, so a refund can always name what it takes
    back. Raises CouponRefused below the minimum spend.
    """
    goods = sum(gross)
    if goods < coupon.min_spend_minor:
        raise CouponRefused(field="coupon_code", why="below_minimum")
    room = [amount - 1 for amount in gross]
    off = coupon.amount_off_minor
    if off is None:
        off = part_of(goods, coupon.percent_off_bp or 0)
    off = min(off, sum(room))
    return split(off, room) if off > 0 else [0] * len(gross)


def quote(
    wanted: Sequence[tuple[Offer, int, LinkId | None]],
    *,
    coupon: Coupon | None,
    shipping: Shipping,
) -> Quote:
    """Prices of an order at one store. Shipping is judged on goods after the discount.

    Raises EmptyOrder, TooManyLines, CouponRefused.
    """
    if not wanted:
        raise EmptyOrder(field="lines")
    if len(wanted) > MOST_LINES or any(not 1 <= n <= MOST_UNITS for _, n, _ in wanted):
        raise TooManyLines(field="lines", most=MOST_LINES, most_units=MOST_UNITS)
    gross = [offer.price_minor * quantity for offer, quantity, _ in wanted]
    discounts = coupon_discount(coupon, gross) if coupon else [0] * len(gross)
    goods, discount = sum(gross), sum(discounts)
    is_free = shipping.free_from_minor is not None and goods - discount >= shipping.free_from_minor
    fee = 0 if is_free else shipping.fee_minor
    lines = tuple(
        QuotedLine(offer, quantity, link_id, line_gross, line_discount)
        for (offer, quantity, link_id), line_gross, line_discount in zip(
            wanted, gross, discounts, strict=True
        )
    )
    return Quote(lines, goods, discount, fee, goods - discount + fee)


# who gets what ------------------------------------------------------------------------------


class LineMoney(msgspec.Struct, frozen=True):
    """The frozen money facts of one order line: amounts in minor units, rates in basis points."""

    gross_minor: int
    merchant_discount_minor: int
    platform_discount_minor: int
    creator_discount_minor: int
    paid_minor: int
    service_fee_bp: int
    commission_bp: int
    commission_cut_bp: int
    payment_cost_bp: int

    def check(self) -> None:
        """Raises BadAmount when the parts do not make the whole, BadRate above 100 % in all."""
        off = (
            self.merchant_discount_minor
            + self.platform_discount_minor
            + self.creator_discount_minor
        )
        if self.paid_minor <= 0 or self.gross_minor - off != self.paid_minor:
            raise BadAmount(self)
        if self.service_fee_bp + self.commission_bp + self.payment_cost_bp > FULL_BP:
            raise BadRate(self)


class Shares(msgspec.Struct, frozen=True):
    """Where one line's money belongs, after what has been refunded; all in minor units.

    What came in (`paid` and the three discounts) equals what goes out (the five shares).
    """

    paid: int  # the buyer's, less refunds
    merchant_discount: int
    platform_discount: int
    creator_discount: int
    fee_base: int  # what fees are taken of: all that came in but the merchant's own discount
    service_fee: int
    commission: int  # of which:
    commission_cut: int
    creator: int
    payment_cost: int
    merchant: int  # before it pays its own discount

    def whole(self) -> int:
        return self.paid + self.merchant_discount + self.platform_discount + self.creator_discount

    def residual(self) -> int:
        """What the shares do not explain of the whole: always 0."""
        out = self.service_fee + self.commission_cut + self.creator + self.payment_cost
        return self.whole() - out - self.merchant


def line_shares(line: LineMoney, *, refunded_minor: int) -> Shares:
    """Who gets what of a line of which `refunded_minor` went back to the buyer so far.

    Everything follows from the cumulative refund alone, so any series of refunds ends where one
    refund of their sum ends, and a full refund leaves exactly nothing. Rounding is down to whole
    minor units; what rounding leaves over stays with the merchant. Raises BadAmount outside
    0 to paid.
    """

    def kept(amount: int) -> int:
        return amount - pro_rata(amount, taken=refunded_minor, whole=line.paid_minor)

    paid = line.paid_minor - refunded_minor
    merchant_discount = kept(line.merchant_discount_minor)
    platform_discount = kept(line.platform_discount_minor)
    creator_discount = kept(line.creator_discount_minor)
    base = paid + platform_discount + creator_discount
    service_fee = part_of(base, line.service_fee_bp)
    commission = part_of(base, line.commission_bp)
    cut = part_of(commission, line.commission_cut_bp)
    payment_cost = part_of(paid, line.payment_cost_bp)
    return Shares(
        paid=paid,
        merchant_discount=merchant_discount,
        platform_discount=platform_discount,
        creator_discount=creator_discount,
        fee_base=base,
        service_fee=service_fee,
        commission=commission,
        commission_cut=cut,
        creator=commission - cut,
        payment_cost=payment_cost,
        merchant=base + merchant_discount - service_fee - commission - payment_cost,
    )


def capped_rate(rate_bp: int, *before_bp: int) -> int:
    """The rate that takes no more than what the rates before it have left of the whole.

    The payment cost comes first, the service fee second, the commission last: whatever the rules
    say, the merchant is left with at least nothing.
    """
    return max(0, min(rate_bp, FULL_BP - sum(before_bp)))
