"""How much a file of stock reads: rows in step with its own, whatever a plan was made for."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, AStore, a_store

from dougong.base.ids import SkuId, new_id
from dougong.infra.db import transaction
from dougong.supply.ledger_commands import About
from dougong.supply.stock_file_commands import WantedLevel, load_levels
from dougong.supply.stock_file_rules import Mode

pytestmark = pytest.mark.usefixtures("own_database")

CHUNK, LARGE = 250, 3_000
MORE_SKUS = text("""
    INSERT INTO skus (store_id, id, product_id, code, price_minor)
    SELECT :store, gen_random_uuid(), :product, 'M-' || n, 100 FROM generate_series(1, :most) n
    RETURNING id
""")
READ = text("""
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relname = 'stock_levels'
""")


async def load(
    conn: AsyncConnection, store: AStore, place: UUID, skus: list[SkuId], units: int
) -> int:
    """Answers how many rows of `stock_levels` were read for it."""
    before = await conn.scalar(READ) or 0
    rows = [WantedLevel(n, sku, place, units) for n, sku in enumerate(skus)]
    good, bad = await load_levels(
        conn, store_id=store.store_id, rows=rows, mode=Mode.CHANGE, key=str(new_id()),
        about=About("import", None, T0),
    )  # fmt: skip
    assert (len(good), bad) == (len(skus), [])
    return int(await conn.scalar(READ) or 0) - before


async def test_a_file_behind_one_in_chunks_reads_each_level_a_few_times() -> None:
    """After some chunks a connection keeps its plans, made while the tables were small."""
    async with transaction() as conn:
        store = await a_store(conn)
        place = await conn.scalar(
            text("SELECT id FROM warehouses WHERE store_id = :s"), {"s": store.store_id}
        )
        asked = {"store": store.store_id, "product": store.products[0], "most": LARGE}
        skus = [SkuId(one) for one in await conn.scalars(MORE_SKUS, asked)]
        for start in range(0, LARGE, CHUNK):
            await load(conn, store, place, skus[start : start + CHUNK], 1)
        read = await load(conn, store, place, skus, 1)
    assert read <= 8 * LARGE
