"""How money of a partner moves in the books: what came of what it owes, and what never will."""

from datetime import datetime
from uuid import UUID

from dougong.ledger.rules import (
    AccountName,
    Entry,
    EntryKind,
    Part,
    Purpose,
    moved,
    platform,
)


def payment_entry(
    *, receipt_id: UUID, owner_id: UUID, amount_minor: int, received_at: datetime
) -> Entry:
    """Money came from a partner (below zero: it took some back)."""
    bank = platform(Purpose.BANK_CLEARING)
    owed = AccountName(owner_id, Purpose.PARTNER_RECEIVABLE)
    return Entry(
        kind=EntryKind.PARTNER_PAYMENT,
        key=f"receipt:{receipt_id}",
        counts_at=received_at,
        transfers=tuple(moved(bank, owed, amount_minor, Part.PARTNER_PAYMENT)),
    )


def write_off_entry(
    *, write_off_id: UUID, owner_id: UUID, amount_minor: int, at: datetime
) -> Entry:
    """A difference was accepted. Below zero: the partner owes less than was booked, and the
    platform bears it; above zero: more came than was booked, and the platform keeps it."""
    borne = platform(Purpose.PARTNER_WRITE_OFF)
    owed = AccountName(owner_id, Purpose.PARTNER_RECEIVABLE)
    return Entry(
        kind=EntryKind.PARTNER_WRITE_OFF,
        key=f"write_off:{write_off_id}",
        counts_at=at,
        transfers=tuple(moved(owed, borne, amount_minor, Part.WRITE_OFF)),
    )
