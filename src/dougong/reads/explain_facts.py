"""Reads what every explanation stands on: the rules that were used, and the booked transfers."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.reads.explain_tree import Moved, RuleUsed

RULES = text("""
    SELECT id, rate_bp, reason_zh, reason_en, citation, lower(in_force) AS starts,
      upper(in_force) AS ends
    FROM fee_rules WHERE id = ANY(CAST(:ids AS uuid[]))
""")

MOVES = text("""
    SELECT t.entry_id, t.n, e.kind, e.counts_at, t.line_no, t.part,
      src.purpose AS src_purpose, src.owner_id AS src_owner_id,
      dst.purpose AS dst_purpose, dst.owner_id AS dst_owner_id, t.amount_minor
    FROM ledger_entries e
    JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
    JOIN ledger_accounts src ON src.store_id = t.store_id AND src.id = t.src
    JOIN ledger_accounts dst ON dst.store_id = t.store_id AND dst.id = t.dst
    WHERE e.store_id = :store_id AND e.order_id = :order_id AND e.kind NOT LIKE 'case%'
    ORDER BY e.counts_at, e.id, t.n
""")


async def rules_used(
    conn: AsyncConnection, rule_ids: Collection[UUID | None]
) -> dict[UUID, RuleUsed]:
    """The fee rules of these ids, as they are kept."""
    found = await conn.execute(RULES, {"ids": list(set(rule_ids) - {None})})
    return {row["id"]: RuleUsed(**row) for row in found.mappings()}


async def moves_of(conn: AsyncConnection, *, store_id: UUID, order_id: UUID) -> list[Moved]:
    """Every transfer that was booked for an order, in the order in which they count; but those of
    its cases (`explain_case.py`)."""
    rows = await conn.execute(MOVES, {"store_id": store_id, "order_id": order_id})
    return [Moved(**row) for row in rows.mappings()]
