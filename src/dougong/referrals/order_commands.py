"""Writes orders of other platforms, the claims on them, and rulings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_ids
from dougong.infra.many_rows import insert_many, rows_of, write_many
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
    write = insert_many(referral_orders, tuple(rows[0]))
    changes = {
        name: write.excluded[name]
        for name in (*names, "last_reported_at")
        if name not in FIRST_ONLY
    }
    write = write.on_conflict_do_update(constraint="referral_orders_once", set_=changes)
    await conn.execute(write, rows_of(referral_orders, rows))


async def keep_refunds(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """What was taken back: `order_id`, `ref`, `refund_case`, `amount_minor`, `row_id`, `at`."""
    await write_many(conn, referral_refunds, rows)


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
        write = insert_many(referral_claims, tuple(rows[0])).on_conflict_do_nothing()
        await conn.execute(write, rows_of(referral_claims, rows))


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
    orders = [draft.order_id for draft in drafts]
    made = dict(zip(orders, new_ids(len(orders)), strict=True))
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
    await write_many(conn, referral_rulings, rows)
    await write_many(conn, referral_losers, losers)
    return made


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """An order (locked) with the ruling that somebody earned it by, or why it is parked without
    one. `owner_id`: it is in the books now, and who owes us for it."""

    order_id: UUID
    ruling_id: UUID | None
    parked: str
    owner_id: UUID | None = None


DECIDED = text("""
    UPDATE referral_orders o SET ruling_id = d.ruling_id, parked = d.parked,
      booked_at = CASE WHEN d.owner_id IS NULL THEN o.booked_at ELSE coalesce(o.booked_at, :at) END,
      receivable_owner_id = coalesce(o.receivable_owner_id, d.owner_id)
    FROM json_to_recordset(CAST(:rows AS json))
      AS d (order_id uuid, ruling_id uuid, parked text, owner_id uuid)
    WHERE o.id = d.order_id
""")


async def note_decided(conn: AsyncConnection, decided: Sequence[Decided], *, at: datetime) -> None:
    """Write on orders what was decided and booked of them."""
    if decided:
        await conn.execute(DECIDED, {"rows": msgspec.json.encode(decided).decode(), "at": at})
