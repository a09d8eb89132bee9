"""Reads the area's own tables: precedence, orders to work on, rows that were told before."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.referrals.order_rules import Order
from dougong.referrals.rules import Claim, ClaimRule

RULES = text("""
    SELECT id, source, claim, lower(in_force) AS starts, upper(in_force) AS ends, rank,
      window_days, reason_zh, reason_en
    FROM claim_rules WHERE approver_id IS NOT NULL ORDER BY rank, source, id
""")


async def claim_rules_book(conn: AsyncConnection) -> list[ClaimRule]:
    """Every approved row."""
    rows = (await conn.execute(RULES)).mappings()
    return [msgspec.convert(dict(row), ClaimRule) for row in rows]


class Held(msgspec.Struct, frozen=True):
    """An order with what was decided and booked of it. `is_known`: told of before."""

    order: Order
    ruling_id: UUID | None
    booked: bool
    receivable_owner_id: UUID | None
    parked: str
    is_known: bool = True


ORDERS = text("""
    SELECT * FROM referral_orders
    WHERE source = :source AND order_ref = ANY(CAST(:refs AS text[]))
    ORDER BY order_ref FOR UPDATE
""")


async def orders_for_work(
    conn: AsyncConnection, *, source: str, refs: Sequence[str]
) -> dict[str, Held]:
    """The orders of these references that are known, locked in their order."""
    rows = (await conn.execute(ORDERS, {"source": source, "refs": sorted(set(refs))})).mappings()
    return {row["order_ref"]: held(row) for row in rows}


def held(row: Any) -> Held:
    """A row of `referral_orders`."""
    known = {name: row[name] for name in Order.__struct_fields__}
    return Held(
        order=msgspec.convert(known, Order, strict=False),
        ruling_id=row["ruling_id"],
        booked=row["booked_at"] is not None,
        receivable_owner_id=row["receivable_owner_id"],
        parked=row["parked"],
    )


async def order_for_work(conn: AsyncConnection, *, order_id: UUID) -> Held:
    """One order, locked. Raises NotFound."""
    found = await conn.execute(
        text("SELECT * FROM referral_orders WHERE id = :id FOR UPDATE"), {"id": order_id}
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return held(row)


async def known_rows(
    conn: AsyncConnection, *, source: str, hashes: Sequence[bytes]
) -> dict[bytes, Any]:
    """What was told before: hash to a row with `id`, `outcome`, `resolved_at`."""
    rows = await conn.execute(
        text("""
            SELECT id, facts_hash, outcome, resolved_at, report_id, line FROM report_rows
            WHERE source = :source AND facts_hash = ANY(CAST(:hashes AS bytea[]))
        """),
        {"source": source, "hashes": list(hashes)},
    )
    return {bytes(row.facts_hash): row for row in rows}


async def waiting_rows(conn: AsyncConnection, *, source: str, refs: Sequence[str]) -> Sequence[Any]:
    """Parked rows of these orders that may be taken now, the oldest first."""
    rows = await conn.execute(
        text("""
            SELECT id, mapping, raw, report_id, line, facts_hash FROM report_rows
            WHERE source = :source AND order_ref = ANY(CAST(:refs AS text[]))
              AND outcome = 'parked' AND resolved_at IS NULL
              AND reason IN ('unknown_order', 'not_settled_yet')
            ORDER BY told_at, id
        """),
        {"source": source, "refs": sorted(set(refs))},
    )
    return rows.all()


class KnownRefund(msgspec.Struct, frozen=True):
    """What a source took back; in minor units of what reaches us."""

    order_id: UUID
    ref: str
    refund_case: str
    amount_minor: int


async def refunds_of(conn: AsyncConnection, *, order_ids: Sequence[UUID]) -> list[KnownRefund]:
    rows = await conn.execute(
        text("""
            SELECT order_id, ref, refund_case, amount_minor FROM referral_refunds
            WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY at, ref
        """),
        {"ids": list(order_ids)},
    )
    return [KnownRefund(*row) for row in rows]


class MadeRuling(msgspec.Struct, frozen=True, kw_only=True):
    """A ruling as it was made."""

    id: UUID
    order_id: UUID
    number: int
    claim_id: UUID | None
    creator_id: UUID | None
    service_fee_bp: int
    commission_cut_bp: int


async def rulings_of(conn: AsyncConnection, *, order_ids: Sequence[UUID]) -> dict[UUID, MadeRuling]:
    """The newest ruling of each order that has one."""
    rows = await conn.execute(
        text("""
            SELECT DISTINCT ON (order_id) id, order_id, number, claim_id, creator_id,
              service_fee_bp, commission_cut_bp
            FROM referral_rulings WHERE order_id = ANY(CAST(:ids AS uuid[]))
            ORDER BY order_id, number DESC
        """),
        {"ids": list(order_ids)},
    )
    return {row["order_id"]: MadeRuling(**row) for row in rows.mappings()}


async def claims_of(conn: AsyncConnection, *, order_ids: Sequence[UUID]) -> dict[UUID, list[Claim]]:
    """Every claim ever seen of these orders."""
    if not order_ids:
        return {}
    rows = await conn.execute(
        text("""
            SELECT * FROM referral_claims WHERE order_id = ANY(CAST(:ids AS uuid[]))
            ORDER BY order_id, at, id
        """),
        {"ids": list(order_ids)},
    )
    found: dict[UUID, list[Claim]] = {}
    for row in rows.mappings():
        known = {name: row[name] for name in Claim.__struct_fields__}
        found.setdefault(row["order_id"], []).append(msgspec.convert(known, Claim))
    return found


async def report_of(conn: AsyncConnection, *, report_id: UUID) -> Any:
    """One report's row. Raises NotFound."""
    found = await conn.execute(
        text("SELECT * FROM referral_reports WHERE id = :id"), {"id": report_id}
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def told_in_report(
    conn: AsyncConnection, *, report_id: UUID, refs: Sequence[str]
) -> set[tuple[str, str]]:
    """(order, state) of the rows of these orders that a report has told of so far."""
    rows = await conn.execute(
        text("""
            SELECT DISTINCT order_ref, state FROM report_rows
            WHERE order_ref = ANY(CAST(:refs AS text[])) AND report_id = :id
              AND state IS NOT NULL AND order_id IS NOT NULL
        """),
        {"id": report_id, "refs": sorted(set(refs))},
    )
    return {(row.order_ref, row.state) for row in rows}


async def row_to_retry(conn: AsyncConnection, *, row_id: UUID) -> Any:
    """A row that is bad still. Raises NotFound."""
    found = await conn.execute(
        text("""
            SELECT id, source, mapping, raw, report_id, line FROM report_rows
            WHERE id = :id AND outcome IN ('parked', 'refused') AND resolved_at IS NULL
        """),
        {"id": row_id},
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row
