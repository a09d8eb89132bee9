"""What tests ask the books."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def balances(conn: AsyncConnection, store_id: UUID) -> dict[tuple[UUID, str], int]:
    """(owner, purpose) to balance in minor units, from the transfers alone; zeros left out."""
    rows = await conn.execute(
        text("""
            SELECT a.owner_id, a.purpose, sum(m.amount)::bigint AS balance
            FROM (
              SELECT store_id, dst AS account, amount_minor AS amount FROM ledger_transfers
              UNION ALL
              SELECT store_id, src, -amount_minor FROM ledger_transfers
            ) m JOIN ledger_accounts a ON a.store_id = m.store_id AND a.id = m.account
            WHERE m.store_id = :store_id GROUP BY 1, 2 HAVING sum(m.amount) <> 0
        """),
        {"store_id": store_id},
    )
    return {(row.owner_id, row.purpose): row.balance for row in rows}


async def stock_of(conn: AsyncConnection, store_id: UUID, sku_id: UUID) -> tuple[int, int]:
    """(on hand, reserved)."""
    row = (
        await conn.execute(
            text("SELECT on_hand, reserved FROM stock WHERE store_id = :s AND sku_id = :k"),
            {"s": store_id, "k": sku_id},
        )
    ).one()
    return row.on_hand, row.reserved
