"""What a refund would take back from whom, by the rules frozen on each line."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dougong.orders.rules import LineMoney, RefundTooMuch, line_shares


class Reversal(msgspec.Struct):
    """What each party gives back, in minor units; they sum to what the buyer gets, and coupons."""

    buyer: int = 0
    merchant: int = 0
    service_fee: int = 0
    creator: int = 0
    commission_cut: int = 0
    payment_cost: int = 0
    platform_coupon: int = 0
    creator_coupon: int = 0


def preview(lines: Sequence[Any], amounts: Mapping[int, int]) -> Reversal:
    """amounts: line number to minor units. Raises RefundTooMuch."""
    made = Reversal()
    known = {line.line_no: line for line in lines}
    for line_no, minor in amounts.items():
        line = known.get(line_no)
        if line is None or minor > line.left_minor:
            left = line.left_minor if line else 0
            raise RefundTooMuch(field="refund", line_no=line_no, left_minor=left)
        money = LineMoney(**{name: getattr(line, name) for name in LineMoney.__struct_fields__})
        before = line_shares(money, refunded_minor=line.refunded_minor)
        after = line_shares(money, refunded_minor=line.refunded_minor + minor)
        made.buyer += before.paid - after.paid
        made.merchant += (before.merchant - before.merchant_discount) - (
            after.merchant - after.merchant_discount
        )
        made.service_fee += before.service_fee - after.service_fee
        made.creator += before.creator - after.creator
        made.commission_cut += before.commission_cut - after.commission_cut
        made.payment_cost += before.payment_cost - after.payment_cost
        made.platform_coupon += before.platform_discount - after.platform_discount
        made.creator_coupon += before.creator_discount - after.creator_discount
    return made
