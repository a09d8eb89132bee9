"""How the money of an order at another platform moves: from what its source owes us to each share.

Which amounts: `referrals.rules.referral_shares`. Which accounts: here, and nowhere else. All of it
is in the platform's own book; what the alliance keeps for itself never reaches it.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from dougong.base.ids import PLATFORM_BOOK, derived_id
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
from dougong.referrals.rules import NOTHING, Rates, Shares, referral_shares


class BookedReferral(msgspec.Struct, frozen=True, kw_only=True):
    """What the books must know of an order and its ruling. `creator_id` None: the platform's."""

    order_id: UUID
    source: str
    settled_minor: int
    rates: Rates
    creator_id: UUID | None
    receivable_owner_id: UUID


def receivable_owner(source: str, partner_id: UUID | None) -> UUID:
    """Who owes us for orders at a source: the partner behind it, or else the source itself."""
    return partner_id or derived_id(PLATFORM_BOOK, f"source:{source}")


def settled_entry(order: BookedReferral, *, at: datetime) -> Entry | None:
    """The source has settled: what it owes us goes to each share. None for nothing."""
    now = referral_shares(order.settled_minor, order.rates)
    transfers = _shared_out(order, NOTHING, now)
    return _entry(order, EntryKind.REFERRAL_SETTLED, "settled", at, transfers)


def clawback_entry(
    order: BookedReferral, *, ref: str, before_minor: int, amount_minor: int, at: datetime
) -> Entry | None:
    """The source took `amount_minor` back, after `before_minor` that went before: every share
    gives what the smaller commission no longer earns."""
    before = referral_shares(order.settled_minor, order.rates, refunded_minor=before_minor)
    after = referral_shares(
        order.settled_minor, order.rates, refunded_minor=before_minor + amount_minor
    )
    transfers = _shared_out(order, before, after)
    return _entry(order, EntryKind.REFERRAL_CLAWBACK, f"refund:{ref}", at, transfers)


def ruled_anew_entry(
    old: BookedReferral, new: BookedReferral, *, refunded_minor: int, number: int, at: datetime
) -> Entry | None:
    """A dispute was decided: what is there goes back by the old ruling and out by the new."""
    was = referral_shares(old.settled_minor, old.rates, refunded_minor=refunded_minor)
    will = referral_shares(new.settled_minor, new.rates, refunded_minor=refunded_minor)
    transfers = [*_shared_out(old, was, NOTHING), *_shared_out(new, NOTHING, will)]
    return _entry(new, EntryKind.REFERRAL_RULED_ANEW, f"ruling:{number}", at, transfers)


def _shared_out(order: BookedReferral, before: Shares, now: Shares) -> list[Transfer]:
    owed = AccountName(order.receivable_owner_id, Purpose.PARTNER_RECEIVABLE)
    fee, cut = (
        platform(Purpose.PLATFORM_SERVICE_FEE),
        platform(Purpose.PLATFORM_COMMISSION_CUT),
    )
    transfers = moved(owed, fee, now.service_fee - before.service_fee, Part.SERVICE_FEE)
    transfers += moved(owed, cut, now.commission_cut - before.commission_cut, Part.COMMISSION_CUT)
    if order.creator_id is not None:
        payable = AccountName(order.creator_id, Purpose.CREATOR_PAYABLE)
        transfers += moved(owed, payable, now.referral - before.referral, Part.REFERRAL)
    return transfers


def _entry(
    order: BookedReferral, kind: EntryKind, key: str, at: datetime, transfers: list[Transfer]
) -> Entry | None:
    if not transfers:
        return None
    return Entry(
        kind=kind,
        key=f"referral:{order.order_id}:{key}",
        order_id=order.order_id,
        counts_at=at,
        transfers=tuple(transfers),
    )
