"""How the money of a task moves: an advertiser's funds are held when it is agreed, and shared out
when it ends. Which amounts: `tasks.work_rules.work_shares`. All of it is in the platform's book."""

from datetime import datetime

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
from dougong.tasks.work_commands import Work
from dougong.tasks.work_rules import Shares


def agreed_entry(work: Work) -> Entry | None:
    """The brand's funds are held for the task; None where only commission is paid."""
    funds = AccountName(work.brand_id, Purpose.ADVERTISER_FUNDS)
    transfers = moved(funds, _held(work), work.funded_minor, Part.TASK_FUNDED)
    return _entry(work, EntryKind.TASK_AGREED, "agreed", work.agreed_at, transfers)


def settled_entry(work: Work, shares: Shares, *, at: datetime) -> Entry | None:
    """What was held goes to the platform, the agency, the creator, and the rest home."""
    held = _held(work)
    transfers = moved(held, platform(Purpose.PLATFORM_SERVICE_FEE), shares.fee, Part.SERVICE_FEE)
    if work.agency_id is not None:
        agency = AccountName(work.agency_id, Purpose.AGENCY_PAYABLE)
        transfers += moved(held, agency, shares.agency, Part.AGENCY)
    creator = AccountName(work.creator_id, Purpose.CREATOR_PAYABLE)
    transfers += moved(held, creator, shares.creator, Part.TASK)
    funds = AccountName(work.brand_id, Purpose.ADVERTISER_FUNDS)
    transfers += moved(held, funds, shares.back, Part.TASK_BACK)
    return _entry(work, EntryKind.TASK_SETTLED, "settled", at, transfers)


def _held(work: Work) -> AccountName:
    return AccountName(work.brand_id, Purpose.TASK_ESCROW)


def _entry(
    work: Work, kind: EntryKind, name: str, at: datetime, transfers: list[Transfer]
) -> Entry | None:
    if not transfers:
        return None
    return Entry(
        kind=kind,
        key=f"task:{work.task_id}:{name}",
        order_id=work.task_id,
        counts_at=at,
        transfers=tuple(transfers),
    )
