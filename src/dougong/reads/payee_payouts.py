"""What a payee is told of its payouts: what is owed, where and when it goes, what is missing."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.time import local_day
from dougong.infra.settings import settings
from dougong.reads.payouts import AccountRow, account_rows
from dougong.reads.payouts_owed import owed, payables_of
from dougong.settlement.payout_rules import Terms, Usable, due_day, usable
from dougong.settlement.payout_terms_commands import terms_in_force


class ToCome(msgspec.Struct, frozen=True):
    """Of one kind of money in one currency: what is owed in all, what of it is too young or below
    the minimum of its book, and what was taken back and comes off what is paid next (`taken`)."""

    purpose: str
    currency: str
    owed_minor: int
    waiting_minor: int
    taken_minor: int
    terms: Terms | None
    next_day: date | None


class PayeePayouts(msgspec.Struct, frozen=True):
    to_come: list[ToCome]
    account: AccountRow | None
    refused: AccountRow | None
    usable: Usable


async def payee_payouts(
    conn: AsyncConnection,
    *,
    payee_id: UUID,
    purposes: Sequence[str],
    currency: str,
    store_id: UUID | None,
    at: datetime,
) -> PayeePayouts:
    """`store_id`: what that book owes only."""
    terms = await terms_in_force(conn, at=at)
    names = await payables_of(conn, payee_id=payee_id, purposes=purposes)
    names = [name for name in names if store_id in (None, name[0])]
    sums: dict[tuple[str, str], list[int]] = {(one, currency): [0, 0, 0] for one in purposes}
    for key in {(one, currency) for one in purposes} | set(terms):
        dated = terms.get(key)
        hold = timedelta(days=dated.terms.hold_days if dated else 0)
        for one in await owed(conn, accounts=names, since=at - hold):
            if (one.purpose, one.currency) == key:
                _add(sums.setdefault(key, [0, 0, 0]), one.balance_minor, one.recent_minor, dated)
    rows = []
    for (purpose, money), (whole, waiting, taken) in sums.items():
        found = terms.get((purpose, money))
        held = found.terms if found else None
        rows.append(ToCome(purpose, money, whole, waiting, taken, held, _next_day(held, at=at)))
    accounts = await account_rows(conn, payee_id=payee_id, most=20)
    mine = [one for one in accounts if one.currency == currency]
    account = next((one for one in mine if one.closed_at is None), None)
    first = next(iter(mine), None)
    waits = max((one.terms.change_wait_days for one in rows if one.terms), default=0)
    return PayeePayouts(
        rows,
        account,
        first if account is None and first is not None and first.why else None,
        usable(
            made_at=account.made_at if account else None,
            verified_at=account.verified_at if account else None,
            is_change=bool(account and account.is_change),
            wait_days=waits,
            at=at,
        ),
    )


def _add(sums: list[int], balance: int, recent: int, dated: object) -> None:
    terms = getattr(dated, "terms", None)
    if balance < 0:
        sums[2] -= balance
        return
    sums[0] += balance
    young = min(balance, recent) if terms and terms.hold_days else 0
    ripe = balance - young
    sums[1] += balance if terms and ripe < terms.minimum_minor else young


def _next_day(terms: Terms | None, *, at: datetime) -> date | None:
    if terms is None:
        return None
    tomorrow = local_day(at, ZoneInfo(settings().timezone)) + timedelta(days=1)
    if terms.weekday is None:
        return tomorrow
    last = due_day(terms.weekday, today=tomorrow)
    return last if last == tomorrow else last + timedelta(days=7)
