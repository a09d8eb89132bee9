"""Writes freight insurance: what is offered, who insures, policies, premiums and claims."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.insurance_rules import (
    InsuranceNotOpen,
    InsuranceSecondPerson,
    Offer,
    check_offer,
)
from dougong.aftersales.tables import (
    insurance_claims,
    insurance_policies,
    insurance_products,
    insured_stores,
)
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrderId, PersonId, StoreId, new_id


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is insured for. `return_bp`: the store's share of returns at that moment."""

    store_id: StoreId
    order_id: OrderId
    product_id: UUID
    currency: str
    premium_minor: int
    cover_minor: int
    route: str
    return_bp: int


async def draft_product(
    conn: AsyncConnection, *, offer: Offer, starts: datetime, by_id: PersonId, at: datetime
) -> UUID:
    """Propose the next version; it counts once a second person approves it. Raises BadInput."""
    check_offer(offer)
    if starts < at:
        raise BadInput(field="starts", reason="in_the_past")
    t = insurance_products
    await conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('insurance_products'))"))
    last = await conn.scalar(select(func.max(t.c.version)).where(t.c.currency == offer.currency))
    product_id = new_id()
    await conn.execute(
        insert(t).values(
            id=product_id,
            version=(last or 0) + 1,
            in_force=Range(starts, None),
            made_by=by_id,
            made_at=at,
            **msgspec.to_builtins(offer),
        )
    )
    return product_id


async def approve_product(
    conn: AsyncConnection, *, product_id: UUID, by_id: PersonId, at: datetime
) -> None:
    """In force from its start on, or from now if that has passed; what it replaces ends there, and
    policies stay as they are.

    Raises NotFound, InsuranceSecondPerson, InsuranceNotOpen.
    """
    t = insurance_products
    await conn.execute(text("SELECT pg_advisory_xact_lock(hashtext('insurance_products'))"))
    row = (await conn.execute(select(t).where(t.c.id == product_id))).one_or_none()
    if row is None:
        raise NotFound
    starts = max(row.in_force.lower, at)
    approved = t.c.currency == row.currency, t.c.approved_by.is_not(None)
    later = select(t.c.id).where(*approved, func.lower(t.c.in_force) >= starts).limit(1)
    if row.approved_by is not None or await conn.scalar(later):
        raise InsuranceNotOpen
    if row.made_by == by_id:
        raise InsuranceSecondPerson
    before = update(t).where(*approved, t.c.in_force.contains(starts))
    await conn.execute(before.values(in_force=func.tstzrange(func.lower(t.c.in_force), starts)))
    await conn.execute(
        update(t)
        .where(t.c.id == product_id)
        .values(approved_by=by_id, approved_at=at, in_force=Range(starts, None))
    )


async def take_insurance(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    counted: int,
    came_back: int,
    by_id: PersonId,
    at: datetime,
) -> bool:
    """The store's orders are insured from now on; False where they are already."""
    t = insured_stores
    made = await conn.execute(
        upsert(t)
        .values(
            store_id=store_id,
            since=at,
            counted=counted,
            came_back=came_back,
            counted_at=at,
            taken_by=by_id,
        )
        .on_conflict_do_nothing()
    )
    return made.rowcount == 1


async def leave_insurance(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> bool:
    """Orders placed from now on are not insured any more; False where none were."""
    t = insured_stores
    change = update(t).where(t.c.store_id == store_id, t.c.until.is_(None)).values(until=at)
    return (await conn.execute(change)).rowcount == 1


async def note_returns(
    conn: AsyncConnection, *, store_id: StoreId, counted: int, came_back: int, at: datetime
) -> None:
    """How many of a store's orders came back lately, by which the next policies are priced."""
    t = insured_stores
    await conn.execute(
        update(t)
        .where(t.c.store_id == store_id, t.c.until.is_(None))
        .values(counted=counted, came_back=came_back, counted_at=at)
    )


async def write_policy(conn: AsyncConnection, policy: Policy, *, at: datetime) -> bool:
    """False where the order has one."""
    values = msgspec.structs.asdict(policy)
    made = await conn.execute(
        upsert(insurance_policies).values(at=at, **values).on_conflict_do_nothing()
    )
    return made.rowcount == 1


async def charge_policy(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> Any | None:
    """The policy whose premium is due now: once, and None where there is none."""
    t = insurance_policies
    change = (
        update(t)
        .where(t.c.store_id == store_id, t.c.order_id == order_id, t.c.charged_at.is_(None))
        .values(charged_at=at)
        .returning(t.c.premium_minor, t.c.currency)
    )
    return (await conn.execute(change)).one_or_none()


async def claim_policy(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, case_id: UUID, at: datetime
) -> Any | None:
    """What a charged policy pays for the goods of a case: once, and None where it pays nothing."""
    p, t = insurance_policies, insurance_claims
    found = await conn.execute(
        select(p.c.cover_minor, p.c.currency).where(
            p.c.store_id == store_id, p.c.order_id == order_id, p.c.charged_at.is_not(None)
        )
    )
    policy = found.one_or_none()
    if policy is None:
        return None
    made = await conn.execute(
        upsert(t)
        .values(
            store_id=store_id,
            order_id=order_id,
            case_id=case_id,
            amount_minor=policy.cover_minor,
            at=at,
        )
        .on_conflict_do_nothing()
    )
    return policy if made.rowcount == 1 else None
