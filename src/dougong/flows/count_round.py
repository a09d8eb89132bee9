"""What books and counts say a signed round has brought, daily: deliveries, rebates, alarms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, RoundId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.partners.commands import lock_round
from dougong.partners.delivery_commands import (
    accrue,
    clear_shortfall,
    delivered_of,
    record_days,
    tell_shortfall,
)
from dougong.partners.progress_rules import elapsed, is_alarming, rebate, seasonal, straight_line
from dougong.partners.rules import Component, Side, Terms
from dougong.reads.partner_deliveries import days_of, months_of_last
from dougong.reads.partner_rounds import RoundNames, round_names, running_rounds, signed_terms


@task("partners.count", every="40 17 * * * 0")
async def count_rounds() -> None:
    """Once a day, after midnight in the zone that is the default: each running round in a
    transaction of its own."""
    async with transaction() as conn:
        rounds = await running_rounds(conn)
    for round_id in rounds:
        async with transaction(slow=True) as conn:
            await count_round(conn, round_id=round_id, at=await clock.refresh(conn))


async def count_round(conn: AsyncConnection, *, round_id: RoundId, at: datetime) -> None:
    """Count anew from the books; what differs from before is added. Also right twice a day."""
    await lock_round(conn, round_id=round_id, partner_id=None)
    terms = await signed_terms(conn, round_id=round_id)
    names = await round_names(conn, round_id=round_id)
    if terms is None or names is None:
        return
    for component in terms.components:
        found = await days_of(conn, names=names, terms=terms, component=component, until=at)
        if found is not None:
            await record_days(
                conn,
                round_id=round_id,
                component=component.kind,
                origin=found.origin,
                days=found.days,
                at=at,
            )
    delivered = await delivered_of(conn, round_id)
    for component in terms.components:
        done = delivered.get(component.kind.value, 0)
        await _accrue(conn, names, terms, component, done, at=at)
        await _watch(conn, names, terms, component, done, at=at)


async def _accrue(
    conn: AsyncConnection,
    names: RoundNames,
    terms: Terms,
    component: Component,
    delivered: int,
    *,
    at: datetime,
) -> None:
    """Book what the rebate has risen (or fallen) by: the platform's to the partner, or back."""
    more = await accrue(
        conn,
        round_id=names.round_id,
        component=component.kind,
        delivered=delivered,
        total_minor=rebate(component, delivered),
        at=at,
    )
    if more is None:
        return
    ours = platform(Purpose.PARTNER_REBATE)
    if component.committed_by is Side.PARTNER:
        src, dst = ours, AccountName(names.partner_id, Purpose.PARTNER_PAYABLE)
    else:
        src, dst = AccountName(names.partner_id, Purpose.PARTNER_RECEIVABLE), ours
    entry = Entry(
        kind=EntryKind.PARTNER_REBATE,
        key=f"rebate:{names.round_id}:{component.kind}:{more.number}",
        counts_at=at,
        transfers=tuple(moved(src, dst, more.change_minor, Part.REBATE)),
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=terms.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


async def _watch(
    conn: AsyncConnection,
    names: RoundNames,
    terms: Terms,
    component: Component,
    delivered: int,
    *,
    at: datetime,
) -> None:
    """Raise or clear the alarm, by the better of both forecasts: season explains a slow start."""
    over = elapsed(terms, ends=names.ends_at or terms.ends, at=at)
    months = await months_of_last(conn, names=names, component=component)
    both = (straight_line(delivered, over), seasonal(delivered, months, over))
    forecast = max((one for one in both if one is not None), default=None)
    kind = component.kind.value
    if forecast is not None and is_alarming(component, forecast, over):
        await tell_shortfall(
            conn,
            round_id=names.round_id,
            component=kind,
            committed=component.committed,
            forecast=forecast,
            at=at,
        )
    else:
        await clear_shortfall(conn, round_id=names.round_id, component=kind, at=at)


async def bill_advertising(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    amount_minor: int,
    currency: str,
    reference: str,
    key: UUID,
    at: datetime,
) -> bool:
    """Book advertising that a partner has had: it owes it, and it counts for its rounds.

    `key`: the same one books once; False then. `reference` names our bill.
    """
    names = await round_names(conn, round_id=round_id)
    if names is None:
        raise LookupError(round_id)
    src = AccountName(names.partner_id, Purpose.PARTNER_RECEIVABLE)
    entry = Entry(
        kind=EntryKind.AD_SPEND,
        key=f"ad_spend:{names.partner_id}:{key}:{reference}",
        counts_at=at,
        transfers=tuple(moved(src, platform(Purpose.PLATFORM_AD_REVENUE), amount_minor, Part.ADS)),
    )
    made = await book(
        conn, store_id=PLATFORM_BOOK, currency=currency, entries=[entry],
        written_at=clock.wall_now(),
    )  # fmt: skip
    return bool(made)
