"""How the money of a case moves: frozen when it is opened, given back when it ends, borne by
whoever bears it. The refund itself is that of flows/refund_lines.py."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from dougong.aftersales.commands import Hold
from dougong.aftersales.rules import BadCase, Bearer
from dougong.base.ids import OrderId
from dougong.flows.book_orders import BookedLine, BookedOrder, accounts_of
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
from dougong.orders.rules import Shares, line_shares


def holds_for(order: BookedOrder, amounts: Mapping[int, int], *, is_final: bool) -> list[Hold]:
    """What is frozen for `amounts` by line: of escrow, or what each payee would give back."""
    holds = []
    for line in order.lines:
        asked = min(amounts.get(line.line_no, 0), line.money.paid_minor - line.refunded_minor)
        if asked <= 0:
            continue
        if not is_final:
            holds.append(Hold(line.line_no, Purpose.ESCROW, order.store_id, asked))
            continue
        before, after = _shares(line, 0), _shares(line, asked)
        a = accounts_of(order, line)
        for name, minor in (
            (a.merchant, _merchant_net(before) - _merchant_net(after)),
            (a.creator, before.creator - after.creator),
        ):
            if minor > 0:
                holds.append(Hold(line.line_no, name.purpose, name.owner_id, minor))
    return holds


def _shares(line: BookedLine, more: int) -> Shares:
    return line_shares(line.money, refunded_minor=line.refunded_minor + more)


def _merchant_net(shares: Shares) -> int:
    return shares.merchant - shares.merchant_discount


def held_entry(
    *, case_id: UUID, order_id: OrderId, holds: Sequence[Hold], at: datetime
) -> Entry | None:
    """Frozen. None when there is nothing to freeze."""
    return _entry(EntryKind.CASE_HELD, f"case_held:{case_id}", order_id, at, _held(holds, 1))


def released_entry(
    *, case_id: UUID, order_id: OrderId, holds: Sequence[Hold], at: datetime
) -> Entry | None:
    """Given back, to the accounts it came from."""
    return _entry(
        EntryKind.CASE_RELEASED, f"case_released:{case_id}", order_id, at, _held(holds, -1)
    )


def _held(holds: Sequence[Hold], sign: int) -> list[Transfer]:
    return [
        transfer
        for hold in holds
        for transfer in moved(
            AccountName(hold.owner_id, Purpose(hold.purpose)),
            AccountName(hold.owner_id, Purpose.CASE_HOLD),
            sign * hold.amount_minor,
            Part.CASE_HOLD,
            hold.line_no,
        )
    ]


def _entry(
    kind: EntryKind, key: str, order_id: OrderId, at: datetime, transfers: Sequence[Transfer]
) -> Entry | None:
    if not transfers:
        return None
    return Entry(kind=kind, key=key, order_id=order_id, counts_at=at, transfers=tuple(transfers))


def borne_entry(
    order: BookedOrder,
    *,
    case_id: UUID,
    amounts: Mapping[int, int],
    bearer: Bearer,
    at: datetime,
) -> Entry | None:
    """Who bears a refund makes up to the merchant what the merchant's own share gave.

    `order`: as it was before the refund of `amounts`. None where the merchant bears it. Raises
    BadCase for a creator, or a funder, that is not there.
    """
    transfers: list[Transfer] = []
    for line in order.lines:
        amount = amounts.get(line.line_no, 0)
        if amount == 0:
            continue
        a = accounts_of(order, line)
        lost = _merchant_net(_shares(line, 0)) - _merchant_net(_shares(line, amount))
        src = _payer(line, bearer)
        if src is not None:
            transfers += moved(src, a.merchant, lost, Part.CASE_BORNE, line.line_no)
    return _entry(EntryKind.CASE_BORNE, f"case_borne:{case_id}", order.order_id, at, transfers)


def _payer(line: BookedLine, bearer: Bearer) -> AccountName | None:
    if bearer is Bearer.PLATFORM:
        return platform(Purpose.CASE_COST)
    if bearer is Bearer.CARRIER:
        return platform(Purpose.CARRIER_CLAIM)
    if bearer is Bearer.CREATOR:
        if line.creator_id is None:
            raise BadCase(field="bearer", reason="nobody")
        return AccountName(line.creator_id, Purpose.CREATOR_PAYABLE)
    if bearer is Bearer.COUPON_FUNDER:
        if line.money.platform_discount_minor:
            return platform(Purpose.CASE_COST)
        if line.discount_creator_id is None:
            raise BadCase(field="bearer", reason="nobody")
        return AccountName(line.discount_creator_id, Purpose.CREATOR_PAYABLE)
    return None


def bearers_of(order: BookedOrder, line_nos: Collection[int]) -> list[Bearer]:
    """Who can bear a refund of these lines: whoever is there for each of them."""
    lines = [line for line in order.lines if line.line_no in line_nos]
    return [one for one in Bearer if all(_can_bear(line, one) for line in lines)]


def _can_bear(line: BookedLine, bearer: Bearer) -> bool:
    with suppress(BadCase):
        _payer(line, bearer)
        return True
    return False


def borne_minor(entry: Entry | None) -> int:
    """What an entry of `borne_entry` comes to."""
    return sum(transfer.amount_minor for transfer in entry.transfers) if entry else 0
