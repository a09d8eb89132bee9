"""Writes orders of other platforms, the claims on them, and rulings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_id
from dougong.referrals.order_rules import Order
from dougong.referrals.rules import Claim, Loser
from dougong.referrals.tables import (
    referral_claims,
    referral_losers,
    referral_orders,
    referral_refunds,
    referral_rulings,
)

FIRST_ONLY = ("id", "source", "order_ref", "currency", "paid_at", "first_reported_at")


async def keep_orders(conn: AsyncConnection, orders: Sequence[Order], *, at: datetime) -> None:
    """Write what is known of orders now: new ones, and those that have moved."""
    if not orders:
        return
    names = Order.__struct_fields__
    rows = [
        {name: getattr(order, name) for name in names}
        | {"state": order.state.value, "first_reported_at": at, "last_reported_at": at}
        for order in orders
    ]
    write = upsert(referral_orders)
    changes = {
        name: write.excluded[name]
        for name in (*names, "last_reported_at")
        if name not in FIRST_ONLY
    }
    await conn.execute(
        write.on_conflict_do_update(constraint="referral_orders_once", set_=changes), rows
    )


async def keep_refunds(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """What was taken back: `order_id`, `ref`, `refund_case`, `amount_minor`, `row_id`, `at`."""
    if rows:
        await conn.execute(insert(referral_refunds), list(rows))


async def keep_claims(
    conn: AsyncConnection, claims: Mapping[UUID, Sequence[Claim]], *, at: datetime
) -> None:
    """Claims by order; one that is there already stays as it was seen first."""
    rows = [
        msgspec.structs.asdict(claim)
        | {"claim": claim.claim.value, "order_id": order_id, "seen_at": at}
        for order_id, found in claims.items()
        for claim in found
    ]
    if rows:
        await conn.execute(upsert(referral_claims).on_conflict_do_nothing(), rows)


class RulingDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A ruling to be written, with the rates that hold for ever."""

    order_id: UUID
    number: int
    claim_id: UUID | None
    claim_rule_id: UUID | None
    creator_id: UUID | None
    judged_at: datetime
    service_fee_bp: int
    service_fee_rule_id: UUID | None
    commission_cut_bp: int
    commission_cut_rule_id: UUID | None
    losers: tuple[Loser, ...]
    made_by: PersonId | None = None
    reason: str = ""


async def keep_rulings(
    conn: AsyncConnection, drafts: Sequence[RulingDraft], *, at: datetime
) -> dict[UUID, UUID]:
    """Write rulings with their losers; answers order to ruling."""
    made = {draft.order_id: new_id() for draft in drafts}
    rows = []
    losers = []
    for draft in drafts:
        row = msgspec.structs.asdict(draft)
        lost = row.pop("losers")
        rows.append(row | {"id": made[draft.order_id], "made_at": at})
        losers += [
            {"ruling_id": made[draft.order_id], "claim_id": one.claim.id, "why": one.why.value}
            for one in lost
        ]
    if rows:
        await conn.execute(insert(referral_rulings), rows)
    if losers:
        await conn.execute(insert(referral_losers), losers)
    return made


RULED = text("""
    UPDATE referral_orders o SET ruling_id = r.ruling_id, parked = r.parked
    FROM json_to_recordset(CAST(:rows AS json)) AS r (order_id uuid, ruling_id uuid, parked text)
    WHERE o.id = r.order_id
""")


async def note_ruled(conn: AsyncConnection, rows: Sequence[tuple[UUID, UUID | None, str]]) -> None:
    """(order, ruling that somebody earned it by, why it is parked without one)."""
    if rows:
        told = [{"order_id": o, "ruling_id": r, "parked": parked} for o, r, parked in rows]
        await conn.execute(RULED, {"rows": msgspec.json.encode(told).decode()})


BOOKED = text("""
    UPDATE referral_orders o SET booked_at = :at, receivable_owner_id = b.owner_id
    FROM json_to_recordset(CAST(:rows AS json)) AS b (order_id uuid, owner_id uuid)
    WHERE o.id = b.order_id AND o.booked_at IS NULL
""")


async def note_booked(conn: AsyncConnection, owners: Mapping[UUID, UUID], *, at: datetime) -> None:
    """These orders are in the books now; `owners`: order to who owes us for it."""
    if owners:
        told = [{"order_id": order, "owner_id": owner} for order, owner in owners.items()]
        await conn.execute(BOOKED, {"rows": msgspec.json.encode(told).decode(), "at": at})
