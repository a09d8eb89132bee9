"""What a payout is made of: what came into its payable account, or left it, since the payout
before it from the same account."""

from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId

MOST_LINES = 200  # shown one by one; the rest are summed

# Entries are in the order of their ids. The last row (without a place) is of all others together.
LINES = text("""
    WITH this AS (
      SELECT e.store_id, e.id AS entry_id, t.src AS account_id
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      WHERE e.store_id = :store_id AND e.key = 'payout:' || CAST(:payout_id AS text)
      LIMIT 1
    ), before AS (
      SELECT t.entry_id FROM this
      JOIN ledger_transfers t ON t.src = this.account_id AND t.entry_id < this.entry_id
      JOIN ledger_entries e ON e.store_id = t.store_id AND e.id = t.entry_id
        AND e.kind = 'payout'
      WHERE t.store_id = this.store_id
      ORDER BY t.entry_id DESC LIMIT 1
    ), bounds AS (
      SELECT this.*, COALESCE((SELECT entry_id FROM before),
        CAST('00000000-0000-0000-0000-000000000000' AS uuid)) AS since_id FROM this
    ), moved AS (
      SELECT t.entry_id, t.amount_minor AS gained FROM bounds b
      JOIN ledger_transfers t ON t.dst = b.account_id AND t.store_id = b.store_id
        AND t.entry_id > b.since_id AND t.entry_id < b.entry_id
      UNION ALL
      SELECT t.entry_id, -t.amount_minor FROM bounds b
      JOIN ledger_transfers t ON t.src = b.account_id AND t.store_id = b.store_id
        AND t.entry_id > b.since_id AND t.entry_id < b.entry_id
    ), lines AS (
      SELECT e.order_id, e.kind, sum(m.gained)::bigint AS minor,
        row_number() OVER (ORDER BY max(e.counts_at) DESC, e.kind, e.order_id) AS place
      FROM moved m JOIN ledger_entries e ON e.store_id = :store_id AND e.id = m.entry_id
      GROUP BY e.order_id, e.kind
    )
    SELECT l.order_id, l.kind, l.minor, l.place, 1 AS lines, coalesce(
        (SELECT number FROM orders o WHERE o.store_id = :store_id AND o.id = l.order_id),
        (SELECT order_ref FROM referral_orders r WHERE r.id = l.order_id),
        (SELECT f.title_zh FROM task_works w JOIN task_briefs f ON f.id = w.brief_id
          WHERE w.task_id = l.order_id), '') AS number
    FROM lines l WHERE l.place <= :most
    UNION ALL
    SELECT NULL, '', sum(minor)::bigint, NULL, count(*), '' FROM lines WHERE place > :most
    HAVING count(*) > 0
    ORDER BY 4 NULLS LAST
""")


class PayoutLine(msgspec.Struct, frozen=True):
    """What one order, or what has none, brought by one kind of entry; below zero: took."""

    order_id: UUID | None
    number: str
    kind: str
    minor: int


class PayoutLines(msgspec.Struct, frozen=True):
    """The newest lines first. `others`: how many more there are, `others_minor` what they come to.
    `carried_minor`: what had been owed before, less what of all this still waits; so that lines,
    others and carried add up to the payout."""

    lines: list[PayoutLine]
    others: int
    others_minor: int
    carried_minor: int


async def payout_lines(
    conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID, amount_minor: int
) -> PayoutLines:
    asked = {"store_id": store_id, "payout_id": payout_id, "most": MOST_LINES}
    rows = (await conn.execute(LINES, asked)).all()
    lines = [
        PayoutLine(row.order_id, row.number, row.kind, row.minor)
        for row in rows
        if row.place is not None
    ]
    rest = next((row for row in rows if row.place is None), None)
    others, others_minor = (rest.lines, rest.minor) if rest else (0, 0)
    told = sum(line.minor for line in lines) + others_minor
    return PayoutLines(lines, others, others_minor, amount_minor - told)
