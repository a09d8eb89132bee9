"""Fresh planner statistics after a large load, as the role that owns the tables.

Autovacuum would do it within a minute or so; until then PostgreSQL plans for the tables as they
were, and a trial balance over a new history takes minutes instead of a second.
"""

import psycopg

from dougong.infra.db_server import owner_url

ANALYZE = """
    ANALYZE orders, order_lines, deadlines, payments, payment_parts, refunds, refund_lines,
      ledger_accounts, ledger_entries, ledger_transfers, ledger_unsealed,
      ledger_unsealed_ranges
"""

ANALYZE_CATALOGUE = "ANALYZE products, product_images, skus, stock"


async def refresh_statistics() -> None:
    """Of orders and the books. Where the login may not analyze a table, PostgreSQL passes over it
    with a warning."""
    async with await psycopg.AsyncConnection.connect(owner_url(), autocommit=True) as conn:
        await conn.execute(ANALYZE)


async def refresh_catalogue_statistics() -> None:
    """Of products and stock: else a foreign key may be looked up by an index of the whole store."""
    async with await psycopg.AsyncConnection.connect(owner_url(), autocommit=True) as conn:
        await conn.execute(ANALYZE_CATALOGUE)
