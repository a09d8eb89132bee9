"""How the money of an order moves, entry by entry.

Which amounts: `orders.rules.line_shares`. Which accounts: here, and nowhere else. Live orders and
imported history are booked by the same functions.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from dougong.base.ids import OrderId, OrgId, StoreId
from dougong.ledger.rules import (
    AccountName,
    Entry,
    EntryKind,
    Part,
    Purpose,
    Transfer,
    moved,
    platform,
)
from dougong.orders.rules import LineMoney, Shares, line_shares

CLEARING = platform(Purpose.GATEWAY_CLEARING)


class BookedLine(msgspec.Struct, frozen=True):
    """A line with those who share in it."""

    line_no: int
    money: LineMoney
    refunded_minor: int
    creator_id: UUID | None
    discount_creator_id: UUID | None


class BookedOrder(msgspec.Struct, frozen=True):
    """What the books must know of an order."""

    store_id: StoreId
    order_id: OrderId
    merchant_id: OrgId
    lines: tuple[BookedLine, ...]


class Accounts(msgspec.Struct, frozen=True):
    """The accounts that one line's money moves between."""

    escrow: AccountName
    merchant: AccountName
    creator: AccountName
    merchant_coupons: AccountName
    platform_coupons: AccountName
    creator_coupons: AccountName
    coupon_creator: AccountName


def accounts_of(order: BookedOrder, line: BookedLine) -> Accounts:
    creator = line.creator_id or order.merchant_id  # without a creator its share is 0
    funder = line.discount_creator_id or order.merchant_id  # likewise for its coupons
    return Accounts(
        escrow=AccountName(order.store_id, Purpose.ESCROW),
        merchant=AccountName(order.merchant_id, Purpose.MERCHANT_PAYABLE),
        creator=AccountName(creator, Purpose.CREATOR_PAYABLE),
        merchant_coupons=AccountName(order.merchant_id, Purpose.COUPON_COST),
        platform_coupons=platform(Purpose.COUPON_COST),
        creator_coupons=AccountName(funder, Purpose.COUPON_COST),
        coupon_creator=AccountName(funder, Purpose.CREATOR_PAYABLE),
    )


def capture_entry(order: BookedOrder, *, at: datetime) -> Entry:
    """Paid: the buyer's money and every funder's discount go into escrow."""
    transfers: list[Transfer] = []
    for line in order.lines:
        a, money, n = accounts_of(order, line), line.money, line.line_no
        transfers += moved(CLEARING, a.escrow, money.paid_minor, Part.PAID, n)
        transfers += _funded(a, a.escrow, line_shares(money, refunded_minor=0), None, n)
    return _entry(order, EntryKind.CAPTURE, f"capture:{order.order_id}", at, transfers)


def final_entry(order: BookedOrder, *, at: datetime) -> Entry | None:
    """Final: escrow goes to its shares; merchant and creator pay the coupons they funded.

    None when all was refunded before.
    """
    transfers: list[Transfer] = []
    for line in order.lines:
        a, n = accounts_of(order, line), line.line_no
        shares = line_shares(line.money, refunded_minor=line.refunded_minor)
        transfers += _shared_out(a, shares, None, n)
    if not transfers:
        return None
    return _entry(order, EntryKind.FINAL, f"final:{order.order_id}", at, transfers)


def refund_entry(
    order: BookedOrder,
    *,
    refund_id: UUID,
    amounts: Mapping[int, int],
    is_final: bool,
    at: datetime,
) -> Entry:
    """Money back to the buyer: `amounts` by line, beside what `refunded_minor` says went before.

    Before the order is final escrow gives it, and each funder's part goes home. After that, every
    share first gives back to escrow what the smaller line no longer earns.
    """
    transfers: list[Transfer] = []
    for line in order.lines:
        amount = amounts.get(line.line_no, 0)
        if amount == 0:
            continue
        a, n = accounts_of(order, line), line.line_no
        before = line_shares(line.money, refunded_minor=line.refunded_minor)
        after = line_shares(line.money, refunded_minor=line.refunded_minor + amount)
        if is_final:
            transfers += _shared_out(a, after, before, n)
        transfers += moved(a.escrow, CLEARING, amount, Part.PAID, n)
        transfers += _funded(a, a.escrow, after, before, n)
    kind = EntryKind.REFUND_AFTER_FINAL if is_final else EntryKind.REFUND
    return _entry(order, kind, f"refund:{refund_id}", at, transfers)


def _funded(
    a: Accounts, escrow: AccountName, now: Shares, before: Shares | None, n: int
) -> Iterable[Transfer]:
    """Discounts from their funders into escrow, as the difference to before."""
    yield from _moved_by(a.merchant_coupons, escrow, Part.MERCHANT_DISCOUNT, now, before, n)
    yield from _moved_by(a.platform_coupons, escrow, Part.PLATFORM_DISCOUNT, now, before, n)
    yield from _moved_by(a.creator_coupons, escrow, Part.CREATOR_DISCOUNT, now, before, n)


def _shared_out(a: Accounts, now: Shares, before: Shares | None, n: int) -> Sequence[Transfer]:
    """Escrow to each share, and payables to the coupons they funded, as the difference."""
    ways = (
        (a.escrow, platform(Purpose.PLATFORM_SERVICE_FEE), Part.SERVICE_FEE),
        (a.escrow, platform(Purpose.PLATFORM_COMMISSION_CUT), Part.COMMISSION_CUT),
        (a.escrow, platform(Purpose.PLATFORM_PAYMENT_COST), Part.PAYMENT_COST),
        (a.escrow, a.creator, Part.CREATOR),
        (a.escrow, a.merchant, Part.MERCHANT),
        (a.merchant, a.merchant_coupons, Part.MERCHANT_DISCOUNT),
        (a.coupon_creator, a.creator_coupons, Part.CREATOR_DISCOUNT),
    )
    return [
        transfer
        for src, dst, part in ways
        for transfer in _moved_by(src, dst, part, now, before, n)
    ]


def _moved_by(
    src: AccountName, dst: AccountName, part: Part, now: Shares, before: Shares | None, n: int
) -> list[Transfer]:
    amount: int = getattr(now, part.value)
    earlier: int = getattr(before, part.value) if before else 0
    return moved(src, dst, amount - earlier, part, n)


def _entry(
    order: BookedOrder, kind: EntryKind, key: str, at: datetime, transfers: Sequence[Transfer]
) -> Entry:
    return Entry(
        kind=kind, key=key, order_id=order.order_id, counts_at=at, transfers=tuple(transfers)
    )
