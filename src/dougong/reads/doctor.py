"""The doctor: every promise that SQL can check, in one snapshot of all the books."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.settings import settings
from dougong.ledger.rules import PLATFORM
from dougong.ledger.seal_queries import SealHead, verify_seals
from dougong.live.evidence_rules import RoomHead
from dougong.live.seal_queries import verify_evidence
from dougong.reads import doctor_cases_sql as cases
from dougong.reads import doctor_gifts_sql as gifts_sql
from dougong.reads import doctor_live_sql as live_sql
from dougong.reads import doctor_partner_sql as partner_sql
from dougong.reads import doctor_payouts_sql as payouts
from dougong.reads import doctor_referrals_sql as referrals
from dougong.reads import doctor_sql as sql
from dougong.reads import doctor_stock_sql as stock_sql
from dougong.reads import doctor_tasks_sql as tasks

MOST_EXAMPLES = 5
PATIENCE = timedelta(minutes=1)  # what a running worker may leave lying


class Check(msgspec.Struct, frozen=True):
    """One invariant: `value` is 0 where it holds; `examples` say what to look at."""

    name: str
    value: int
    examples: list[str] = []


# Named as they are printed. What ends in _minor counts money, the others things.
CHECKS: Sequence[tuple[str, TextClause]] = (
    ("unexplained_minor", sql.UNEXPLAINED),
    ("oversold_skus", sql.OVERSOLD),
    ("escrow_mismatch_minor", sql.ESCROW),
    ("unsealed_lost", sql.UNSEALED_LOST),
    ("references_lost", sql.REFERENCES_LOST),
    ("stuck_units", sql.STUCK_UNITS),
    ("stock_drift_units", stock_sql.STOCK_DRIFT),
    ("stock_correction_minor", stock_sql.CORRECTIONS),
    ("paid_without_entry", sql.PAID_WITHOUT_ENTRY),
    ("double_keys", sql.DOUBLE_KEYS),
    ("coupon_over_quota", sql.COUPON_OVER_QUOTA),
    ("jobs_failed", sql.JOBS_FAILED),
    ("offers_oversold", live_sql.OFFERS_OVERSOLD),
    ("offer_uses_wrong", live_sql.OFFER_USES),
    ("referral_receivable_minor", referrals.RECEIVABLE),
    ("referrals_undecided", referrals.UNDECIDED),
    ("reconciliation_sums_wrong", partner_sql.RUN_SUMS),
    ("reconciliation_cases_lost", partner_sql.CASES_LOST),
    ("partner_money_minor", partner_sql.PARTNER_MONEY),
    ("coin_liability_minor", gifts_sql.COIN_LIABILITY),
    ("gifts_wrong", gifts_sql.GIFTS_WRONG),
    ("tasks_overspent_minor", tasks.OVERSPENT),
    ("cases_money_minor", cases.MONEY),
    ("cases_wrong", cases.WRONG),
    ("payouts_minor", payouts.MONEY),
    ("payouts_wrong", payouts.WRONG),
    ("resend_cost_minor", cases.RESENT),
    ("insurance_minor", cases.INSURANCE),
)

# Figures by day beside the books they were counted from.
DAY_CHECKS: Sequence[tuple[str, TextClause]] = (
    ("ledger_days_minor", sql.LEDGER_DAYS),
    ("sold_days_wrong", sql.SOLD_DAYS),
)

ACCOUNT_CHECKS = ("trial_balance_minor", "balance_mismatches")

# What a worker must have done by now. While none runs, nothing of it is late: it will be done.
WORKER_CHECKS: Sequence[tuple[str, TextClause]] = (
    ("overdue_deadlines", sql.OVERDUE_DEADLINES),
    ("captured_without_booking", sql.CAPTURED_WITHOUT_BOOKING),
    ("events_waiting_too_long", sql.EVENTS_WAITING),
)


async def examine(
    conn: AsyncConnection,
    *,
    business_now: datetime,
    wall_now: datetime,
    published: Sequence[SealHead],
    published_of_rooms: Sequence[RoomHead] = (),
) -> list[Check]:
    """Every check, in the snapshot that `conn` is; `published` are the heads kept outside.

    Deadlines, bookings and events count as late when a job worker was there a minute after they
    were due: after a stop, the worker first has to come back.
    """
    accounts = (await conn.execute(sql.ACCOUNTS)).all()
    found = [
        _summed(name, [row for row in accounts if row.name == name]) for name in ACCOUNT_CHECKS
    ]
    found += [await _check(conn, name, statement) for name, statement in CHECKS]
    found.append(
        await _check(conn, "referrals_unexplained_minor", referrals.UNEXPLAINED, platform=PLATFORM)
    )
    found.append(
        await _check(conn, "tasks_unexplained_minor", tasks.UNEXPLAINED, platform=PLATFORM)
    )
    for name, statement in DAY_CHECKS:
        found.append(await _check(conn, name, statement, zone=settings().timezone))
    since = await _patience_since(conn, business_now=business_now, wall_now=wall_now)
    for name, statement in WORKER_CHECKS:
        if since is None:
            found.append(Check(name, 0))
        else:
            found.append(await _check(conn, name, statement, patience_since=since))
    broken = await verify_seals(conn, published=published)
    examples = [f"store {b.store_id} seal {b.number}: {b.why}" for b in broken[:MOST_EXAMPLES]]
    found.append(Check("broken_seals", len(broken), examples))
    lost = await verify_evidence(conn, published=published_of_rooms)
    examples = [f"room {b.room_id} seal {b.number}: {b.why}" for b in lost[:MOST_EXAMPLES]]
    return [*found, Check("broken_evidence_seals", len(lost), examples)]


async def _check(conn: AsyncConnection, name: str, statement: TextClause, **values: Any) -> Check:
    return _summed(name, (await conn.execute(statement, values)).all())


def _summed(name: str, rows: Sequence[Any]) -> Check:
    examples = [str(row.example) for row in rows[:MOST_EXAMPLES]]
    return Check(name, int(sum(row.found for row in rows)), examples)


async def _patience_since(
    conn: AsyncConnection, *, business_now: datetime, wall_now: datetime
) -> datetime | None:
    """What was due before this (business time) is late; None while no worker runs."""
    seen = await conn.scalar(sql.WORKER_SEEN)
    if seen is None:
        return None
    ahead = business_now - wall_now
    moment: datetime = min(seen, wall_now) + ahead - PATIENCE
    return moment
