"""A small pure model of the shop: what an order is, and whose every fen is, without a database."""

from collections import Counter
from dataclasses import dataclass, field

from dougong.orders.rules import MOVES, LineMoney, OrderState, line_shares


@dataclass
class ModelLine:
    """A line as it was frozen, and what has happened to it since."""

    money: LineMoney
    sku: int | None
    quantity: int
    refunded_minor: int = 0
    shipped: int = 0
    returned: int = 0

    @property
    def left_minor(self) -> int:
        return self.money.paid_minor - self.refunded_minor

    @property
    def to_ship(self) -> int:
        return 0 if self.sku is None else self.quantity - self.shipped - self.returned


@dataclass
class ModelOrder:
    lines: dict[int, ModelLine]
    state: OrderState = OrderState.PLACED
    was_paid: bool = False
    keys: set[str] = field(default_factory=set)

    def move(self, to: OrderState) -> None:
        assert to in MOVES[self.state], (self.state, to)
        self.state = to

    def cancel(self) -> None:
        self.move(OrderState.CANCELLED)

    def pay(self) -> bool:
        """False when nobody waits for the money: it is unallocated."""
        if self.state is not OrderState.PLACED:
            return False
        self.move(OrderState.PAID)
        self.was_paid = True
        return True

    def ship(self, quantities: dict[int, int]) -> None:
        for n, quantity in quantities.items():
            self.lines[n].shipped += quantity
        self._after_shipping()

    def _after_shipping(self) -> None:
        whole = sum(line.to_ship for line in self.lines.values()) == 0
        self.move(OrderState.SHIPPED if whole else OrderState.PART_SHIPPED)

    def refund(self, amounts: dict[int, int]) -> None:
        for n, amount in amounts.items():
            line = self.lines[n]
            line.refunded_minor += amount
            if line.left_minor == 0:
                line.returned += line.to_ship
        if self.state is OrderState.FINAL:
            return
        if all(line.left_minor == 0 for line in self.lines.values()):
            self.move(OrderState.REFUNDED)
        elif self.state in (OrderState.PAID, OrderState.PART_SHIPPED) and not any(
            line.to_ship for line in self.lines.values()
        ):
            self._after_shipping()

    def reserved(self) -> Counter[int]:
        units: Counter[int] = Counter()
        if self.state is not OrderState.CANCELLED:
            for line in self.lines.values():
                if line.sku is not None:
                    units[line.sku] += line.to_ship
        return units

    def balances(self) -> Counter[str]:
        """Purpose to minor units, over all owners; `clearing` is what the gateway holds for us."""
        found: Counter[str] = Counter()
        if not self.was_paid:
            return found
        for line in self.lines.values():
            s = line_shares(line.money, refunded_minor=line.refunded_minor)
            found["gateway_clearing"] -= s.paid
            found["coupon_cost"] -= s.merchant_discount + s.platform_discount + s.creator_discount
            if self.state is not OrderState.FINAL:
                found["escrow"] += s.whole()
                continue
            found["platform_service_fee"] += s.service_fee
            found["platform_commission_cut"] += s.commission_cut
            found["platform_payment_cost"] += s.payment_cost
            found["creator_payable"] += s.creator - s.creator_discount
            found["merchant_payable"] += s.merchant - s.merchant_discount
            found["coupon_cost"] += s.merchant_discount + s.creator_discount
        return found
