"""What every account gained and lost by local day, kept as entries are sealed.

A day's figure is exact at any moment: these rows are of sealed entries, and `day_queries` adds what
still waits for its seal. Days are those of the platform's zone (settings.timezone).
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.settings import settings

COUNT = text("""
    INSERT INTO ledger_days AS d (store_id, account_id, day, part, gained_minor, lost_minor)
    SELECT :store_id, s.account_id, s.day, s.part, sum(s.gained), sum(s.lost)
    FROM (
      SELECT CAST(e.counts_at AT TIME ZONE :zone AS date) AS day, t.part, m.*
      FROM ledger_sealed_entries x
      JOIN ledger_entries e ON e.store_id = x.store_id AND e.id = x.entry_id
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor, 0::bigint),
        (t.src, 0::bigint, t.amount_minor)) AS m (account_id, gained, lost)
      WHERE x.store_id = :store_id AND (CAST(:number AS bigint) IS NULL OR x.seal_number = :number)
    ) s GROUP BY s.account_id, s.day, s.part
    ON CONFLICT (store_id, account_id, day, part) DO UPDATE
      SET gained_minor = d.gained_minor + EXCLUDED.gained_minor,
        lost_minor = d.lost_minor + EXCLUDED.lost_minor
""")


async def count_days(conn: AsyncConnection, *, store_id: StoreId, number: int) -> None:
    """Add the entries of one seal, in the transaction that makes it."""
    asked = {"store_id": store_id, "number": number, "zone": settings().timezone}
    await conn.execute(COUNT, asked)


async def rebuild_days(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """Make a book's days anew from all its sealed entries: after a change of the zone."""
    await conn.execute(
        text("DELETE FROM ledger_days WHERE store_id = :store_id"), {"store_id": store_id}
    )
    asked = {"store_id": store_id, "number": None, "zone": settings().timezone}
    await conn.execute(COUNT, asked)
