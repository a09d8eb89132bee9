"""Warehouses, stock, counts and transfers over the API: whole stories, and what is refused."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.web.store_api import StoreApi, a_key, a_store_api

from dougong.base.ids import SkuId
from dougong.infra.db import transaction
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received

MOVE = ("kind", "quantity", "src", "dst")


@pytest.fixture
async def api() -> AsyncIterator[StoreApi]:
    async with a_store_api() as made:
        yield made


async def test_a_warehouse_is_made_once_changed_and_closed(api: StoreApi) -> None:
    body = {"code": "SOUTH", "name_zh": "南仓", "province": "广东", "unit_cost_minor": 250}
    key = a_key()
    made = await api.post("warehouses", body, status=201, key=key)
    assert (made["code"], made["unit_cost"]) == ("SOUTH", {"minor": 250, "currency": "CNY"})
    assert await api.post("warehouses", body, status=201, key=key) == made
    assert await api.refused("POST", "warehouses", body) == (409, "warehouse_code_taken", "code")
    place = f"warehouses/{made['id']}"
    changed = await api.ask("PATCH", place, {"name_en": "South", "ships": False})
    assert changed.json() == made | {"name_en": "South", "ships": False}
    taken = await api.refused("PATCH", place, {"code": "MAIN"})
    assert taken == (409, "warehouse_code_taken", "code")
    closed = await api.post(f"{place}/close")
    assert closed["closed_at"] is not None
    assert await api.refused("POST", f"{place}/close") == (409, "warehouse_closed", "warehouse_id")
    listed = (await api.get("warehouses"))["items"]
    assert [(one["code"], one["closed_at"] is None) for one in listed] == [
        ("MAIN", True), ("SOUTH", False),
    ]  # fmt: skip


async def test_a_warehouse_with_goods_or_the_default_one_stays_open(api: StoreApi) -> None:
    south = await api.warehouse("SOUTH")
    main = await api.main()
    assert (await api.refused("POST", f"warehouses/{main}/close"))[1] == "warehouse_in_use"
    line = {"sku_id": api.sku, "on_hand": 1}
    await api.put(f"warehouses/{south}/stock", {"lines": [line]}, status=204)
    assert (await api.refused("POST", f"warehouses/{south}/close"))[1] == "warehouse_in_use"
    assert (await api.post(f"warehouses/{south}/default"))["is_default"] is True
    assert [one["is_default"] for one in (await api.get("warehouses"))["items"]] == [True, False]


async def test_levels_are_set_adjusted_and_explained_by_moves(api: StoreApi) -> None:
    south = await api.warehouse("SOUTH")
    lines = [{"sku_id": api.sku, "on_hand": 7}, {"sku_id": api.other_sku, "on_hand": 2}]
    await api.put(f"warehouses/{south}/stock", {"lines": lines}, status=204)
    body = {"lines": [{"sku_id": api.sku, "change": -3}], "reason": "broken"}
    key = a_key()
    made = await api.post(f"warehouses/{south}/adjustments", body, status=201, key=key)
    assert made["items"] == [{"sku_id": api.sku, "change": -3, "on_hand": 4}]
    assert await api.post(f"warehouses/{south}/adjustments", body, status=201, key=key) == made
    assert await api.levels() == {"MAIN": (100, 0, 0), "SOUTH": (4, 0, 0)}
    moves = (await api.get(f"stock-moves?warehouse_id={south}&sku_id={api.sku}"))["items"]
    assert [tuple(one[name] for name in MOVE) for one in moves] == [
        ("set", 7, "lost_found", "free"), ("set", 3, "free", "lost_found"),
    ]  # fmt: skip
    assert [one["by_name"] for one in moves] == ["owner", "owner"]
    assert await api.explained()
    async with transaction() as conn:
        said = await conn.scalar(
            text("SELECT facts ->> 'reason' FROM audit_log WHERE owner_id = :id "
                 "ORDER BY id DESC LIMIT 1"),
            {"id": api.store.store_id},
        )  # fmt: skip
    assert said == "broken"


async def test_the_list_of_moves_goes_on_where_it_ended(api: StoreApi) -> None:
    main = await api.main()
    before = await api.get("stock-moves")
    assert (len(before["items"]), before["more"]) == (2, False)  # the first goods
    await api.put(
        f"warehouses/{main}/stock", {"lines": [{"sku_id": api.sku, "on_hand": 90}]}, status=204
    )
    after = await api.get(f"stock-moves?after={before['after']}")
    assert [one["quantity"] for one in after["items"]] == [10]
    assert (await api.get(f"stock-moves?after={after['after']}"))["items"] == []
    assert [one["kind"] for one in await api.every("stock-moves?kind=set")] == ["set"] * 3
    assert (await api.get("stock-moves?since=2040-01-01T00:00:00Z"))["items"] == []
    assert await api.refused("GET", "stock-moves?since=2026-01-01T00:00:00") == (
        400, "bad_input", "since",
    )  # fmt: skip
    assert (await api.refused("GET", "stock-moves?kind=vanished"))[:2] == (400, "bad_input")


@pytest.mark.parametrize(
    ("path", "line", "want"),
    [
        ("stock", {"on_hand": -1}, (400, "bad_input", "lines[...].on_hand")),
        ("stock", {"on_hand": 10_000_001}, (400, "bad_input", "lines[...].on_hand")),
        ("stock", {"on_hand": 1, "sku_id": str(uuid4())}, (404, "not_found", None)),
        ("adjustments", {"change": -101}, (409, "not_enough_there", "change")),
        ("adjustments", {"change": "1"}, (400, "bad_input", "lines[...].change")),
        ("adjustments", {"change": 1, "sku_id": str(uuid4())}, (404, "not_found", None)),
    ],
)
async def test_a_bad_level_changes_nothing(
    api: StoreApi, path: str, line: dict[str, Any], want: tuple[int, str, str | None]
) -> None:
    good = {"sku_id": api.other_sku, ("on_hand" if path == "stock" else "change"): 5}
    body = {"lines": [good, {"sku_id": api.sku} | line]}
    method = "PUT" if path == "stock" else "POST"
    said = await api.refused(method, f"warehouses/{await api.main()}/{path}", body)
    assert (said[0], said[1]) == want[:2]
    assert said[2] == want[2] or (said[2] or "").startswith("lines")
    assert await api.levels() == {"MAIN": (100, 0, 0)}
    assert await api.levels(api.other_sku) == {"MAIN": (100, 0, 0)}


async def test_one_sku_twice_is_refused(api: StoreApi) -> None:
    line = {"sku_id": api.sku, "on_hand": 1}
    said = await api.refused("PUT", f"warehouses/{await api.main()}/stock", {"lines": [line, line]})
    assert said == (400, "bad_input", "lines")


async def a_count(api: StoreApi, *, limit_units: int = 5, **more: Any) -> str:
    body = {"warehouse_id": await api.main(), "scope": "A 架", "limit_units": limit_units, **more}
    return str((await api.post("stock-counts", body, status=201))["id"])


async def test_a_large_difference_is_approved_by_another_person(api: StoreApi) -> None:
    count = f"stock-counts/{await a_count(api)}"
    sheet = (await api.get(f"{count}/lines"))["items"]
    assert [(one["expected"], one["counted"]) for one in sheet] == [(None, None)] * 2
    assert await api.refused("POST", f"{count}/finish") == (409, "count_closed", None)
    line = {"sku_id": api.sku, "counted": 93, "reason": "shelf 3"}
    said = await api.put(f"{count}/lines", {"lines": [line]})
    assert (said["done"], said["lines"], said["differing"], said["units"]) == (1, 2, 1, 7)
    left = (await api.get(f"{count}/lines?only_left=true"))["items"]
    assert [one["sku_id"] for one in left] == [api.other_sku]
    assert (await api.post(f"{count}/finish"))["state"] == "counted"
    assert await api.refused("POST", f"{count}/approve") == (403, "another_must_approve", None)
    assert await api.levels() == {"MAIN": (100, 0, 0)}
    key = a_key()
    done = await api.post(f"{count}/approve", who="second", key=key)
    assert (done["state"], done["started_by"], done["closed_by"]) == (
        "approved", "owner", "second",
    )  # fmt: skip
    assert await api.post(f"{count}/approve", who="second", key=key) == done
    assert await api.refused("POST", f"{count}/approve", who="second") == (
        409, "count_closed", None,
    )  # fmt: skip
    assert await api.levels() == {"MAIN": (93, 0, 0)}
    assert await api.explained()
    row = next(one for one in (await api.get(f"{count}/lines"))["items"] if one["counted"])
    assert (row["expected"], row["difference"], row["counted_by"], row["reason"]) == (
        100, -7, "owner", "shelf 3",
    )  # fmt: skip


async def test_a_count_of_some_skus_is_dropped_and_books_nothing(api: StoreApi) -> None:
    count_id = await a_count(api, sku_ids=[api.other_sku])
    count = f"stock-counts/{count_id}"
    assert [one["sku_id"] for one in await api.every(f"{count}/lines")] == [api.other_sku]
    await api.put(f"{count}/lines", {"lines": [{"sku_id": api.other_sku, "counted": 1}]})
    assert (await api.post(f"{count}/drop"))["state"] == "dropped"
    again = await api.refused(
        "PUT", f"{count}/lines", {"lines": [{"sku_id": api.other_sku, "counted": 1}]}
    )
    assert again == (409, "count_closed", None)
    assert await api.levels(api.other_sku) == {"MAIN": (100, 0, 0)}
    other = await a_count(api)
    assert [one["id"] for one in await api.every("stock-counts")] == [other, count_id]
    assert [one["id"] for one in await api.every("stock-counts?state=open")] == [other]


async def test_a_bad_count_is_refused_whole(api: StoreApi) -> None:
    body: dict[str, Any] = {"warehouse_id": await api.main(), "sku_ids": [str(uuid4())]}
    assert await api.refused("POST", "stock-counts", body) == (404, "not_found", "sku_ids")
    count = f"stock-counts/{await a_count(api)}"
    good = {"sku_id": api.sku, "counted": 1}
    for bad in ({"sku_id": str(uuid4()), "counted": 1}, {"sku_id": api.other_sku, "counted": -1}):
        said = await api.refused("PUT", f"{count}/lines", {"lines": [good, bad]})
        assert said[0] in (400, 404)
    assert (await api.get(count))["done"] == 0


def transfer(api: StoreApi, src: str, dst: str, units: int, **more: Any) -> dict[str, Any]:
    lines = [{"sku_id": api.sku, "quantity": units}]
    return {"src_warehouse_id": src, "dst_warehouse_id": dst, "lines": lines, **more}


async def test_goods_go_to_another_warehouse_and_some_are_lost(api: StoreApi) -> None:
    main, south = await api.main(), await api.warehouse("SOUTH")
    key, body = a_key(), transfer(api, main, south, 10, note="truck 3")
    sent = await api.post("stock-transfers", body, status=201, key=key)
    assert await api.post("stock-transfers", body, status=201, key=key) == sent
    assert (sent["state"], sent["src_warehouse"], sent["dst_warehouse"], sent["note"]) == (
        "sent", "MAIN", "SOUTH", "truck 3",
    )  # fmt: skip
    assert await api.levels() == {"MAIN": (90, 0, 0), "SOUTH": (0, 0, 10)}
    came = {"lines": [{"sku_id": api.sku, "arrived": 7, "damaged": 2}]}
    done = await api.post(f"stock-transfers/{sent['id']}/receive", came)
    assert done["lines"] == [
        {"sku_id": api.sku, "sku": done["lines"][0]["sku"], "quantity": 10, "arrived": 7,
         "damaged": 2},
    ]  # fmt: skip
    assert await api.levels() == {"MAIN": (90, 0, 0), "SOUTH": (7, 2, 0)}
    again = await api.refused("POST", f"stock-transfers/{sent['id']}/receive", came)
    assert again == (409, "transfer_closed", None)
    assert await api.explained()
    moves = await api.every(f"stock-moves?kind=transferred&warehouse_id={south}")
    told = {(one["about_kind"], one["about_id"]) for one in moves}
    assert told == {("transfer", sent["id"])} and len(moves) == 4
    assert await api.every("stock-transfers?state=sent") == []
    assert [one["id"] for one in await api.every(f"stock-transfers?warehouse_id={south}")] == [
        sent["id"]
    ]


async def test_a_bad_transfer_moves_nothing(api: StoreApi) -> None:
    main, south = await api.main(), await api.warehouse("SOUTH")
    path = "stock-transfers"
    assert await api.refused("POST", path, transfer(api, main, south, 101)) == (
        409, "stock_below_reserved", "quantity",
    )  # fmt: skip
    there = {"lines": [{"sku_id": api.sku, "on_hand": 5}]}
    await api.put(f"warehouses/{south}/stock", there, status=204)
    assert await api.refused("POST", path, transfer(api, main, south, 101)) == (
        409, "not_enough_there", "quantity",
    )  # fmt: skip
    assert await api.refused("POST", path, transfer(api, main, main, 1)) == (
        400, "bad_input", "units",
    )  # fmt: skip
    assert (await api.refused("POST", path, transfer(api, main, south, 0)))[0] == 400
    assert (await api.refused("POST", path, transfer(api, main, str(uuid4()), 1)))[0] == 404
    sent = await api.post(path, transfer(api, main, south, 10), status=201)
    for line, want in (
        ({"sku_id": api.other_sku, "arrived": 1}, "lines"),
        ({"sku_id": api.sku, "arrived": 9, "damaged": 2}, "arrived"),
    ):
        said = await api.refused("POST", f"{path}/{sent['id']}/receive", {"lines": [line]})
        assert said == (400, "bad_input", want)
    assert await api.levels() == {"MAIN": (90, 0, 0), "SOUTH": (5, 0, 10)}


async def test_batches_come_by_expiry(api: StoreApi) -> None:
    main = await api.main()
    lots = (("L-2", date(2027, 2, 1)), ("L-1", date(2026, 12, 1)), ("L-0", None))
    async with transaction() as conn:
        await receive_units(
            conn,
            store_id=api.store.store_id,
            warehouse_id=UUID(main),
            lines=[
                Received(SkuId(api.store.skus[0]), n, 100, lot, day)
                for n, (lot, day) in enumerate(lots, start=1)
            ],
            about_kind="test",
            about_id=None,
            key=a_key(),
            at=datetime.now(UTC),
            by_id=None,
        )
    found = await api.every(f"stock-batches?sku_id={api.sku}")
    assert [(one["lot"], one["expires_on"], one["on_hand"]) for one in found] == [
        ("L-1", "2026-12-01", 2), ("L-2", "2027-02-01", 1), ("L-0", None, 3),
    ]  # fmt: skip
    soon = await api.every(f"stock-batches?expires_until=2026-12-31&warehouse_id={main}")
    assert [one["lot"] for one in soon] == ["L-1"]


async def test_another_merchant_finds_nothing_and_lends_nothing(api: StoreApi) -> None:
    main = await api.main()
    count = await a_count(api)
    theirs = f"/api/v1/stores/{api.theirs.store_id}"
    for path in ("warehouses", "stock-levels", "stock-moves", f"stock-counts/{count}"):
        assert (await api.refused("GET", path, who="stranger"))[:2] == (404, "not_found")
    for path in (f"warehouses/{main}", f"stock-counts/{count}", f"stock-counts/{count}/lines"):
        assert (await api.refused("GET", f"{theirs}/{path}", who="stranger"))[0] == 404
    seen = await api.ask("GET", f"{theirs}/stock-levels?warehouse_id={main}", who="stranger")
    assert seen.json()["items"] == []
    foreign = str(api.theirs.skus[0])
    line = {"sku_id": foreign, "on_hand": 1}
    said = await api.refused("PUT", f"warehouses/{main}/stock", {"lines": [line]})
    assert said == (404, "not_found", None)
    own = {"sku_id": foreign, "on_hand": 1}
    taken = await api.refused(
        "PUT", f"{theirs}/warehouses/{main}/stock", {"lines": [own]}, who="stranger"
    )
    assert taken[:2] == (404, "not_found")
    assert await api.refused("POST", f"{theirs}/stock-counts/{count}/drop", who="stranger") == (
        404, "not_found", None,
    )  # fmt: skip
