"""Freight insurance of an order: frozen when it is paid, paid for by the merchant when its first
parcel leaves, and paid to the buyer once when goods have come back."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.aftersales.insurance_commands import (
    Policy,
    charge_policy,
    claim_policy,
    note_returns,
    take_insurance,
    write_policy,
)
from dougong.aftersales.insurance_rules import band_of, bands_from, return_bp, route_of
from dougong.aftersales.queries import Case
from dougong.aftersales.rules import CaseKind
from dougong.base.ids import OrderId, PersonId, StoreId
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import task
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, Transfer, platform
from dougong.reads.insurance_facts import (
    insurance_of,
    return_province,
    returns_of,
    stores_to_count,
)
from dougong.reads.order_books import merchant_of

POOL = platform(Purpose.INSURANCE_POOL)
WITH_CLAIM = (CaseKind.RETURN_REFUND, CaseKind.EXCHANGE)  # a repair stays the buyer's own goods


async def insure(
    conn: AsyncConnection, *, store_id: StoreId, person_id: PersonId, at: datetime
) -> bool:
    """A store insures its orders from now on; twice is once. Raises NoInsurance."""
    await insurance_of(conn, store_id=store_id, at=at, offered=True)
    counted, came_back = await returns_of(conn, store_id=store_id, at=at)
    is_new = await take_insurance(
        conn, store_id=store_id, counted=counted, came_back=came_back, by_id=person_id, at=at
    )
    if is_new:
        await audit(
            conn, at=at, person_id=person_id, action="insurance.taken", owner_id=store_id,
            subject=str(store_id), facts={"counted": counted, "came_back": came_back},
        )  # fmt: skip
    return is_new


async def freeze_policy(conn: AsyncConnection, *, order: Any, at: datetime) -> None:
    """Insure a paid order of a store that insured when it was placed, as was offered then."""
    store_id, order_id = StoreId(order.store_id), OrderId(order.id)
    found = await insurance_of(conn, store_id=store_id, at=order.placed_at)
    if found is None:
        return
    share = return_bp(counted=found.counted, came_back=found.came_back)
    route = route_of(
        str(order.address.get("province", "")), await return_province(conn, store_id=store_id)
    )
    policy = Policy(
        store_id=store_id,
        order_id=order_id,
        product_id=found.id,
        currency=order.currency,
        premium_minor=band_of(bands_from(found.bands), share).premium_minor,
        cover_minor=found.near_minor if route == "near" else found.far_minor,
        route=route,
        return_bp=share,
    )
    await write_policy(conn, policy, at=at)


async def charge_premium(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """A parcel of an order has left: with the first the merchant pays the premium."""
    due = await charge_policy(conn, store_id=store_id, order_id=order_id, at=at)
    if due is None:
        return
    await pause.point("insurance: charged")
    merchant = AccountName(await merchant_of(conn, store_id=store_id), Purpose.MERCHANT_PAYABLE)
    entry = Entry(
        kind=EntryKind.CASE_PREMIUM,
        key=f"case_premium:{order_id}",
        order_id=order_id,
        counts_at=at,
        transfers=(Transfer(merchant, POOL, due.premium_minor, Part.INSURANCE),),
    )
    await _book(conn, store_id, due.currency, entry)


async def pay_freight_back(conn: AsyncConnection, case: Case, *, at: datetime) -> None:
    """Goods of a locked case are back: the order's policy pays their way, once for the order, and
    not for a case that was opened after the order was final."""
    if case.kind not in WITH_CLAIM or case.was_final:
        return
    store_id = case.store_id
    paid = await claim_policy(
        conn, store_id=store_id, order_id=case.order_id, case_id=case.id, at=at
    )
    if paid is None:
        return
    await pause.point("insurance: claimed")
    buyer = AccountName(case.buyer_id, Purpose.BUYER_PAYABLE)
    entry = Entry(
        kind=EntryKind.CASE_CLAIM,
        key=f"case_claim:{case.id}",
        order_id=case.order_id,
        counts_at=at,
        transfers=(Transfer(POOL, buyer, paid.cover_minor, Part.INSURANCE),),
    )
    await _book(conn, store_id, paid.currency, entry)
    facts = {"number": case.number, "order_id": str(case.order_id)}
    facts |= {"amount_minor": paid.cover_minor, "currency": paid.currency}
    await record(
        conn, "case.freight_paid", store_id=store_id, subject_id=case.id, at=at, facts=facts
    )


async def _book(conn: AsyncConnection, store_id: StoreId, currency: str, entry: Entry) -> None:
    await book(
        conn,
        store_id=store_id,
        currency=currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )


@task("insurance.count_returns", every="35 * * * * 0")
async def count_returns() -> None:
    """Shares of returns older than a day are counted anew: asked each hour."""
    async with transaction() as conn:
        now = await clock.refresh(conn)
    await count_returns_before(now)


async def count_returns_before(now: datetime) -> int:
    """Of how many stores. One transaction a store."""
    async with transaction() as conn:
        stores = await stores_to_count(conn, at=now)
    for store_id in stores:
        async with transaction() as conn:
            counted, came_back = await returns_of(conn, store_id=store_id, at=now)
            await note_returns(
                conn, store_id=store_id, counted=counted, came_back=came_back, at=now
            )
    return len(stores)
