"""Stock from a file: set and changed, bins, bad rows by line, all or nothing, a stop in between."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.factories import AStore, a_person, a_store

from dougong.base.ids import PersonId
from dougong.catalog.import_runs import run_of
from dougong.flows import import_stock
from dougong.flows.import_stock import run_stock_import, start_stock_import
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.supply.stock_file_rules import Mode
from dougong.supply.warehouse_commands import WarehouseFields, add_warehouse


async def a_world() -> tuple[AStore, PersonId]:
    """A store with ten units of each of two SKUs, four of P0-1 promised, and a second warehouse."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        person = await a_person(conn)
        store = await a_store(conn, prices=(9_900, 500), on_hand=10, owner_id=person)
        fields = WarehouseFields(code="SOUTH", name_zh="南仓")
        await add_warehouse(conn, store_id=store.store_id, fields=fields, at=at)
        await conn.execute(
            text("UPDATE stock SET reserved = 4 WHERE store_id = :s AND sku_id = :k"),
            {"s": store.store_id, "k": store.skus[0]},
        )
        return store, person


async def start(
    store: AStore, by: PersonId, content: str, *, mode: Mode, key: UUID, whole: bool = False
) -> bool:
    async with transaction() as conn:
        return await start_stock_import(
            conn, store_id=store.store_id, key=key, file_name="stock.csv", data=content.encode(),
            mode=mode, all_or_nothing=whole, started_by=by, at=await clock.refresh(conn),
        )  # fmt: skip


async def load(
    world: tuple[AStore, PersonId], content: str, mode: Mode = Mode.SET, *, whole: bool = False
) -> Any:
    store, person = world
    key = uuid4()
    assert await start(store, person, content, mode=mode, key=key, whole=whole)
    for _ in range(2):  # a job that runs twice loads once
        await run_stock_import(str(store.store_id), str(key), mode, whole)
    async with transaction() as conn:
        return await run_of(conn, store_id=store.store_id, run_id=key)


async def levels(store: AStore) -> dict[tuple[str, str], int]:
    """SKU and warehouse to units on hand."""
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT k.code, w.code, l.on_hand FROM stock_levels l"
                 " JOIN skus k ON k.store_id = l.store_id AND k.id = l.sku_id"
                 " JOIN warehouses w ON w.store_id = l.store_id AND w.id = l.warehouse_id"
                 " WHERE l.store_id = :s"), {"s": store.store_id},
        )  # fmt: skip
    return {(sku, place): units for sku, place, units in rows}


async def totals(store: AStore) -> list[tuple[int, int]]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT on_hand, reserved FROM stock WHERE store_id = :s ORDER BY sku_id"),
            {"s": store.store_id},
        )
    return [(row.on_hand, row.reserved) for row in rows]


def bad_of(run: Any) -> list[tuple[int, str, str]]:
    return [(one["line"], one["field"], one["reason"]) for one in run.report["bad"]]


async def test_levels_and_bins_are_set_by_warehouse() -> None:
    world = await a_world()
    run = await load(world, (
        "warehouse,sku,quantity,bin\nMAIN,P0-1,12,A-1\nsouth,P0-1,3,\nMAIN,P1-1,10,B-2\n"
    ))  # fmt: skip
    report = run.report
    assert (run.state, run.rows_total, run.rows_bad) == ("done", 3, 0)
    assert (report["changed"], report["unchanged"], report["bins"]) == (2, 1, 2)
    assert await levels(world[0]) == {
        ("P0-1", "MAIN"): 12, ("P0-1", "SOUTH"): 3, ("P1-1", "MAIN"): 10
    }  # fmt: skip
    assert await totals(world[0]) == [(15, 4), (10, 0)]
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT b.bin FROM pick_bins b WHERE b.store_id = :s ORDER BY bin"),
            {"s": world[0].store_id},
        )
        moves = await conn.execute(
            text("SELECT quantity, kind, src, dst, about_kind FROM stock_moves"
                 " WHERE store_id = :s AND about_id = :r ORDER BY quantity"),
            {"s": world[0].store_id, "r": run.id},
        )  # fmt: skip
    assert [row.bin for row in rows] == ["A-1", "B-2"]
    assert [tuple(row) for row in moves] == [
        (2, "set", "lost_found", "free", "import"), (3, "set", "lost_found", "free", "import")
    ]  # fmt: skip


async def test_changes_add_and_take_away_once() -> None:
    world = await a_world()
    content = "仓库,规格编码,数量\nMAIN,P0-1,-6\nMAIN,P1-1,'+5\n"
    run = await load(world, content, Mode.CHANGE)
    assert (run.state, run.report["changed"]) == ("done", 2)
    assert await totals(world[0]) == [(4, 4), (15, 0)]


async def test_a_file_moves_units_from_one_warehouse_to_another() -> None:
    world = await a_world()
    run = await load(world, "warehouse;sku;quantity\nMAIN;P0-1;0\nSOUTH;P0-1;10\n")
    assert (run.rows_bad, await totals(world[0])) == (0, [(10, 4), (10, 0)])
    assert (await levels(world[0]))["P0-1", "SOUTH"] == 10


BAD = (
    "warehouse,sku,quantity,bin\n"
    "NORTH,P0-1,1,\n"
    "MAIN,P9-9,1,\n"
    "MAIN,P0-1,x,\n"
    "MAIN,P0-1,1.5,\n"
    "MAIN,P0-1,-1,\n"
    "MAIN,,1,\n"
    "MAIN,P0-1,3,\n"
    "MAIN,P1-1,8,A-1\n"
    "main,P1-1,9,\n"
    "MAIN,P0-1,5,1234567890123456789012345\n"
)
FOUND = [
    (2, "warehouse", "unknown_warehouse"), (3, "sku", "unknown_sku"),
    (4, "quantity", "bad_quantity"), (5, "quantity", "bad_quantity"),
    (6, "quantity", "out_of_range"), (7, "sku", "missing"), (8, "quantity", "below_reserved"),
    (10, "sku", "twice_in_file"), (11, "bin", "too_long"),
]  # fmt: skip


async def test_bad_rows_are_named_and_the_good_ones_loaded() -> None:
    world = await a_world()
    run = await load(world, BAD)
    assert bad_of(run) == FOUND
    assert (run.state, run.rows_total, run.rows_bad, run.report["changed"]) == ("done", 10, 9, 1)
    assert await totals(world[0]) == [(10, 4), (8, 0)]


async def test_one_bad_row_leaves_everything_when_that_is_asked() -> None:
    world = await a_world()
    run = await load(world, BAD, whole=True)
    assert (run.state, run.report["refused"], bad_of(run)) == ("failed", "bad_rows", FOUND)
    assert await totals(world[0]) == [(10, 4), (10, 0)]
    run = await load(world, "warehouse,sku,quantity\nMAIN,P1-1,-2\n", Mode.CHANGE, whole=True)
    assert (run.state, await totals(world[0])) == ("done", [(10, 4), (8, 0)])


async def test_less_than_is_set_aside_or_there_is_refused() -> None:
    world = await a_world()
    store = world[0]
    async with transaction() as conn:
        await conn.execute(
            text("UPDATE stock_levels SET allocated = 4 WHERE store_id = :s AND sku_id = :k"),
            {"s": store.store_id, "k": store.skus[0]},
        )
    content = "warehouse,sku,quantity\nSOUTH,P0-1,9\nMAIN,P0-1,-7\nMAIN,P1-1,-11\n"
    run = await load(world, content, Mode.CHANGE)
    assert bad_of(run) == [(3, "quantity", "below_set_aside"), (4, "quantity", "fewer_there")]
    assert await totals(store) == [(19, 4), (10, 0)]


async def test_a_stop_in_the_middle_loads_the_rest_and_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await a_world()
    store, person = world
    monkeypatch.setattr(import_stock, "CHUNK_ROWS", 1)
    content = "warehouse,sku,quantity\nNORTH,P0-1,1\nMAIN,P0-1,5\nMAIN,P1-1,7\nMAIN,P2-1,1\n"
    key, seen = uuid4(), 0
    assert await start(store, person, content, mode=Mode.CHANGE, key=key)

    async def stop(name: str) -> None:
        nonlocal seen
        seen += name == "stock import: a chunk is loaded"
        if seen == 2:  # behind what cannot be read, and the first SKU
            raise KeyboardInterrupt

    pause.install(stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            await run_stock_import(str(store.store_id), str(key), Mode.CHANGE, False)
    finally:
        pause.install(None)
    assert await totals(store) == [(15, 4), (10, 0)]
    await run_stock_import(str(store.store_id), str(key), Mode.CHANGE, False)
    assert await totals(store) == [(15, 4), (17, 0)]
    async with transaction() as conn:
        run = await run_of(conn, store_id=store.store_id, run_id=key)
    assert bad_of(run) == [(2, "warehouse", "unknown_warehouse"), (5, "sku", "unknown_sku")]
    assert (run.state, run.rows_done, run.report["changed"]) == ("done", 4, 2)


async def test_a_form_that_is_sent_twice_loads_its_file_once() -> None:
    store, person = await a_world()
    content, key = "warehouse,sku,quantity\nMAIN,P1-1,5\n", uuid4()
    sent = [await start(store, person, content, mode=Mode.CHANGE, key=key) for _ in range(2)]
    assert sent == [True, False]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("sku,quantity\nP0-1,1\n", "missing_stock_column"), ("\n,,\n", "empty")],
)
async def test_a_file_that_is_none_changes_nothing(content: str, reason: str) -> None:
    world = await a_world()
    run = await load(world, content)
    assert (run.state, run.report["refused"]) == ("failed", reason)
    assert await totals(world[0]) == [(10, 4), (10, 0)]
