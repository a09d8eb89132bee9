"""Purchase orders from a file: drafts, bad rows by their line, a file that cannot be read."""

from typing import Any

import pytest
from sqlalchemy import text
from tests.supply_buying import AT, Buying, buying

from dougong.catalog.import_runs import run_of
from dougong.flows.import_purchase_orders import run_purchase_import, start_purchase_import
from dougong.infra.db import transaction


async def load(world: Buying, content: str) -> Any:
    async with transaction() as conn:
        run_id = await start_purchase_import(
            conn, store_id=world.store.store_id, file_name="po.csv", data=content.encode(),
            started_by=world.buyer, at=AT,
        )  # fmt: skip
    for _ in range(2):  # a job that runs twice loads once
        await run_purchase_import(str(world.store.store_id), str(run_id))
    async with transaction() as conn:
        return await run_of(conn, store_id=world.store.store_id, run_id=run_id)


async def a_world() -> Buying:
    async with transaction() as conn:
        return await buying(conn)


async def test_good_rows_become_drafts_and_bad_ones_are_named() -> None:
    world = await a_world()
    run = await load(world, (
        "supplier,sku,quantity,price,number\n"
        "TEA,P0-1,10,9.50,A\n"
        "TEA,P1-1,200,9.00,A\n"
        "TEA,P0-1,x,1,A\n"
        "NOBODY,P0-1,1,1,B\n"
        "TEA,P9-9,1,1,C\n"
        "TEA,P0-1,1,面议,A\n"
    ))  # fmt: skip
    bad = [(one["line"], one["field"], one["reason"]) for one in run.report["bad"]]
    assert bad == [
        (4, "quantity", "bad_quantity"), (5, "supplier", "unknown_supplier"),
        (6, "sku", "unknown_sku"), (7, "price", "not_an_amount"),
    ]  # fmt: skip
    assert (run.state, run.rows_total, run.rows_bad, run.report["created"]) == ("done", 6, 4, 1)
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT quantity, price_minor FROM purchase_lines WHERE store_id = :id "
                 "ORDER BY line_no"),
            {"id": world.store.store_id},
        )  # fmt: skip
    assert [tuple(row) for row in rows] == [(10, 950), (200, 900)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("sku,quantity\nP0-1,1\n", "missing_purchase_column"), ("\n,,\n", "empty")],
)
async def test_a_file_that_is_none_changes_nothing(content: str, reason: str) -> None:
    world = await a_world()
    run = await load(world, content)
    assert (run.state, run.report["refused"]) == ("failed", reason)
