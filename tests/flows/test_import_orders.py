"""A history goes in once, twice, broken, or not at all; it is booked like live orders."""

import asyncio
import json
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from dougong.base.errors import NotFound, Refusal
from dougong.base.ids import OrderId, OrgId, PersonId, StoreId, new_id
from dougong.flows.book_orders import capture_entry, final_entry, refund_entry
from dougong.flows.import_orders import BadFile, ImportRunning, NoRulesThen, Report, import_orders
from dougong.flows.import_orders_books import uuid_text
from dougong.flows.order_for_books import booked_order
from dougong.flows.seal_books import seal_book
from dougong.infra.db import transaction
from dougong.ledger.queries import trial_balance
from dougong.ledger.rules import Entry, account_id
from dougong.orders.history_commands import lock_history
from dougong.orders.history_rules import TMALL_COLUMNS, UnknownColumns
from dougong.policy.commands import install_default_rules
from dougong.reads.explain import explain_order

pytestmark = pytest.mark.money
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tmall_orders_2020_02.csv"
HEAD = ",".join(TMALL_COLUMNS)
FIRST_DAY = datetime(2020, 2, 1)  # noqa: DTZ001 (as the list writes it)


@pytest.fixture(autouse=True)
async def rules(connections: None) -> None:
    async with transaction() as conn:
        await install_default_rules(
            conn,
            at=datetime.fromisoformat("2018-01-01T00:00:00Z"),
            author_id=PersonId(new_id()),
            approver_id=PersonId(new_id()),
        )


def fresh_code() -> str:
    return f"h-{new_id().hex[-16:]}"


def yuan(minor: int) -> str:
    return f"{minor / 100:.2f}"


def row(number: int, total: int, refunded: int, minutes: int, *, paid: bool = True) -> str:
    placed = FIRST_DAY + timedelta(minutes=minutes)
    kept = total - refunded if paid else 0
    paid_at = str(placed + timedelta(seconds=90)) if paid else ""
    return f"{number},{yuan(total)},{yuan(kept)},上海,{placed},{paid_at},{yuan(refunded)}"


def a_list(rows: list[str], head: str = HEAD) -> bytes:
    return ("\ufeff" + "\r\n".join([head, *rows]) + "\r\n").encode()


def many(count: int) -> tuple[bytes, dict[str, int]]:
    """Every kind of row, and the figures that a report must say of them."""
    dice, rows = random.Random(7), []
    want = dict.fromkeys(("paid", "refunded", "partly_refunded"), 0)
    want |= dict.fromkeys(("paid_minor", "refunded_minor", "kept_minor"), 0) | {"orders": count}
    for number in range(1, count + 1):
        total = dice.choice([1, 2, 99, 12_345, dice.randrange(1, 10**7)])
        kind = dice.choice(["paid", "unpaid", "whole", "part"])
        refunded = {"whole": total, "part": dice.randrange(0, total)}.get(kind, 0)
        rows.append(row(number, total, refunded, number * 7, paid=kind != "unpaid"))
        if kind != "unpaid":
            want["paid"] += 1
            want["paid_minor"] += total
            want["refunded"] += refunded > 0
            want["partly_refunded"] += 0 < refunded < total
            want["refunded_minor"] += refunded
            want["kept_minor"] += total - refunded
    return a_list(rows), want


async def load(data: bytes, code: str, *, all_or_nothing: bool = False) -> Report:
    return await import_orders(
        data=data, store_code=code, may_open_store=True, all_or_nothing=all_or_nothing
    )


async def rows_of(sql: str, store_id: StoreId) -> list[Any]:
    async with transaction() as conn:
        return list((await conn.execute(text(sql), {"store_id": store_id})).all())


async def test_every_kind_of_row_makes_the_figures_and_the_books() -> None:
    data, want = many(300)
    report = await load(data, fresh_code())
    assert {name: getattr(report, name) for name in want} == want
    assert (report.created, report.unchanged, report.bad_rows) == (300, 0, 0)
    async with transaction() as conn:
        trial = await trial_balance(conn, store_id=report.store_id)
    held = {one.purpose: one.balance_minor for one in trial}
    assert sum(held.values()) == 0
    assert held["escrow"] == 0
    assert held["gateway_clearing"] == -want["kept_minor"]


async def test_what_is_loaded_waits_for_its_seal(own_database: None) -> None:
    """As ranges, which every entry is in once; and is sealed by the job."""
    report = await load(many(1_500)[0], fresh_code())
    entries = await rows_of(
        "SELECT id FROM ledger_entries WHERE store_id = :store_id ORDER BY 1", report.store_id
    )
    waiting = "SELECT entry_id FROM ledger_waiting WHERE store_id = :store_id ORDER BY 1"
    assert await rows_of(waiting, report.store_id) == entries
    ranges = "SELECT FROM ledger_unsealed_ranges WHERE store_id = :store_id"
    assert len(await rows_of(ranges, report.store_id)) == 2
    assert await seal_book(report.store_id) == 2
    assert await rows_of(waiting, report.store_id) == []
    sealed = await rows_of(
        "SELECT entry_id FROM ledger_sealed_entries WHERE store_id = :store_id ORDER BY 1",
        report.store_id,
    )
    assert sealed == entries


async def test_a_second_run_changes_nothing() -> None:
    data, want = many(60)
    code = fresh_code()
    first = await load(data, code)
    count = """
        SELECT (SELECT count(*) FROM orders WHERE store_id = :store_id),
          (SELECT count(*) FROM ledger_entries WHERE store_id = :store_id),
          (SELECT count(*) FROM ledger_transfers WHERE store_id = :store_id),
          (SELECT count(*) FROM payment_parts WHERE store_id = :store_id),
          (SELECT count(*) FROM refunds WHERE store_id = :store_id),
          (SELECT count(*) FROM deadlines WHERE store_id = :store_id),
          (SELECT count(*) FROM events WHERE store_id = :store_id)
    """
    before = await rows_of(count, first.store_id)
    second = await load(data, code)
    assert await rows_of(count, first.store_id) == before
    assert (second.created, second.unchanged, second.store_created) == (0, 60, False)
    assert {name: getattr(second, name) for name in want} == want


async def test_what_is_booked_is_what_live_orders_book() -> None:
    """Each entry equals the one that `book_orders` makes of the order as it is in the database."""
    report = await load(many(80)[0], fresh_code())
    orders = await rows_of("SELECT * FROM orders WHERE store_id = :store_id", report.store_id)
    refunds = await rows_of("SELECT * FROM refunds WHERE store_id = :store_id", report.store_id)
    lines = await rows_of("SELECT * FROM order_lines WHERE store_id = :store_id", report.store_id)
    refund_of = {refund.order_id: refund for refund in refunds}
    assert {line.order_id for line in lines} == {order.id for order in orders}
    want: set[tuple[Any, ...]] = set()
    async with transaction() as conn:
        for order in (order for order in orders if order.paid_at):
            booked, _ = await booked_order(
                conn, store_id=report.store_id, order_id=OrderId(order.id)
            )
            entries: list[Entry | None] = [capture_entry(booked, at=order.paid_at)]
            if refund := refund_of.get(order.id):
                entries.append(
                    refund_entry(
                        _before_refunds(booked),
                        refund_id=refund.id,
                        amounts={1: refund.amount_minor},
                        is_final=False,
                        at=refund.asked_at,
                    )
                )
            if order.final_at:
                entries.append(final_entry(booked, at=order.final_at))
            want |= {fact for entry in entries if entry for fact in _facts(entry, report.store_id)}
    found = await rows_of(
        """
        SELECT e.kind, e.key, e.order_id, e.counts_at, t.n, t.src, t.dst, t.amount_minor, t.part,
          t.line_no
        FROM ledger_entries e JOIN ledger_transfers t ON t.store_id = e.store_id
          AND t.entry_id = e.id
        WHERE e.store_id = :store_id
        """,
        report.store_id,
    )
    assert {tuple(one) for one in found} == want
    assert len(found) == len(want)


def _before_refunds(booked: Any) -> Any:
    import msgspec

    lines = tuple(msgspec.structs.replace(line, refunded_minor=0) for line in booked.lines)
    return msgspec.structs.replace(booked, lines=lines)


def _facts(entry: Entry, store_id: StoreId) -> list[tuple[Any, ...]]:
    head = (str(entry.kind), entry.key, entry.order_id, entry.counts_at)
    return [
        (
            *head,
            n,
            account_id(store_id, move.src, "CNY"),
            account_id(store_id, move.dst, "CNY"),
            move.amount_minor,
            str(move.part),
            move.line_no,
        )
        for n, move in enumerate(entry.transfers, start=1)
    ]


async def test_every_order_explains_itself() -> None:
    report = await load(many(40)[0], fresh_code())
    orders = await rows_of("SELECT id FROM orders WHERE store_id = :store_id", report.store_id)
    async with transaction() as conn:
        trees = [
            await explain_order(conn, store_id=report.store_id, order_id=order.id)
            for order in orders
        ]
    assert len(trees) == 40
    assert [tree.residual_minor for tree in trees] == [0] * 40


BAD = [
    row(1, 10_000, 0, 1),
    "2,100.00,100.00,上海,2020-02-30 00:00:00,2020-02-20 00:00:00,0.00",
    "3,100.00,90.00,上海,2020-02-20 00:00:00,2020-02-20 00:01:00,0.00",
    row(1, 5_000, 0, 2),
    "5,100.00,0.00,上海,2020-02-20 00:00:00,,40.00",
    "6,100.00",
    "7,9.99,9.99,上海,2017-02-20 00:00:00,2017-02-20 00:01:00,0",
    row(8, 20_000, 20_000, 3),
]
FOUND = [
    (3, "created", "bad_time"),
    (4, "total", "not_paid_plus_refunded"),
    (5, "number", "twice_in_file"),
    (6, "refunded", "refund_of_unpaid"),
    (7, "row", "wrong_number_of_columns"),
    (8, "created", "no_rule_for_platform_service_fee"),
]


async def test_bad_rows_are_told_by_line_and_good_ones_load() -> None:
    report = await load(a_list(BAD), fresh_code())
    assert sorted((bad.line, bad.field, bad.reason) for bad in report.bad) == FOUND
    assert (report.orders, report.created, report.bad_rows) == (2, 2, 6)


async def test_all_or_nothing_leaves_nothing() -> None:
    code = fresh_code()
    report = await load(a_list(BAD), code, all_or_nothing=True)
    assert (report.loaded, report.created, report.bad_rows) == (False, 0, 6)
    async with transaction() as conn:
        found = await conn.scalar(text("SELECT id FROM stores WHERE code = :code"), {"code": code})
    assert found is None
    assert (await load(many(5)[0], code, all_or_nothing=True)).created == 5


async def test_a_row_that_differs_from_what_was_loaded_is_refused() -> None:
    code = fresh_code()
    first = await load(a_list([row(1, 10_000, 0, 1), row(2, 500, 0, 2)]), code)
    again = await load(a_list([row(1, 10_000, 10_000, 1), row(2, 500, 0, 2)]), code)
    assert [(bad.line, bad.field, bad.reason) for bad in again.bad] == [
        (2, "number", "differs_from_loaded")
    ]
    assert (again.created, again.unchanged) == (0, 1)
    found = await rows_of(
        "SELECT refunded_minor FROM order_lines WHERE store_id = :store_id", first.store_id
    )
    assert [one.refunded_minor for one in found] == [0, 0]


async def test_two_stores_may_load_one_list() -> None:
    data, _ = many(10)
    assert [(await load(data, fresh_code())).created for _ in range(2)] == [10, 10]


HOSTILE: list[tuple[bytes, type[Refusal]]] = [
    (b"", UnknownColumns),
    (b"\xff\xfe\x00\x01" * 100, BadFile),
    (b"\x00" * 5_000, UnknownColumns),
    (b"id,price\r\n1,2\r\n", UnknownColumns),
    (b'"' + b"x" * 300_000, UnknownColumns),
    (a_list([row(1, 100, 0, 1).replace("2020", "2017")]), NoRulesThen),
]


@pytest.mark.parametrize(("data", "refusal"), HOSTILE)
async def test_a_file_that_is_no_such_list_is_refused(data: bytes, refusal: type[Refusal]) -> None:
    code = fresh_code()
    with pytest.raises(refusal):
        await load(data, code)
    with pytest.raises(NotFound):
        await import_orders(
            data=a_list([]), store_code=code, may_open_store=False, all_or_nothing=False
        )


async def test_hostile_rows_are_bad_rows() -> None:
    rows = [
        row(1, 100, 0, 1),
        "=cmd|' /C calc'!A0,1,1,上海,2020-02-20 00:00:00,2020-02-20 00:00:01,0",
        "4," + "9" * 100_000 + ",1,上海,2020-02-20 00:00:00,,0",
        "5,1,1,\x00\x1b[31m,2020-02-20 00:00:00,2020-02-20 00:00:01,0",
        '6,"1' + "x" * 200_000,
    ]
    report = await load(a_list(rows), fresh_code())
    assert report.created == 1
    assert report.bad_rows == len(rows) - 1


async def test_the_other_platforms_own_encoding_is_read() -> None:
    data = a_list([row(1, 100, 0, 1)]).decode("utf-8-sig").encode("gb18030")
    report = await load(data, fresh_code())
    found = await rows_of("SELECT address FROM orders WHERE store_id = :store_id", report.store_id)
    assert [one.address for one in found] == [{"province": "上海"}]


async def test_one_import_of_a_store_at_a_time() -> None:
    code = fresh_code()
    report = await load(a_list([row(1, 100, 0, 1)]), code)
    async with transaction() as conn:
        assert await lock_history(conn, store_id=report.store_id)
        with pytest.raises(ImportRunning):
            await load(a_list([row(2, 100, 0, 1)]), code)


def test_ids_read_as_uuids_do() -> None:
    made = new_id()
    assert uuid_text(made.bytes) == str(made)


async def test_accounts_belong_to_the_stores_organisation() -> None:
    report = await load(a_list([row(1, 10_000, 0, 1)]), fresh_code())
    found = await rows_of(
        """
        SELECT a.owner_id, s.org_id FROM ledger_accounts a JOIN stores s ON s.id = a.store_id
        WHERE a.store_id = :store_id AND a.purpose = 'merchant_payable'
        """,
        report.store_id,
    )
    assert [OrgId(one.owner_id) == one.org_id for one in found] == [True]


def run(*args: str) -> tuple[int, dict[str, Any]]:
    """The command as a process of its own, on this test worker's database."""
    done = subprocess.run(
        [sys.executable, "-m", "dougong", "import", "orders", "--format", "tmall", "--json", *args],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


REAL_FIGURES = {
    "orders": 28_010,
    "paid": 24_087,
    "refunded": 5_646,
    "partly_refunded": 514,
    "paid_minor": 247_482_307,
    "refunded_minor": 57_233_592,
    "kept_minor": 190_248_715,
    "bad_rows": 0,
}


@pytest.mark.skipif(not REAL.exists(), reason="needs the real orders, which are not in the tree")
@pytest.mark.timeout(300)
async def test_the_real_list_to_the_fen_and_its_repeat() -> None:
    code = fresh_code()
    first = await load(REAL.read_bytes(), code)
    assert {name: getattr(first, name) for name in REAL_FIGURES} == REAL_FIGURES
    assert first.created == 28_010
    async with transaction(slow=True) as conn:
        trial = await trial_balance(conn, store_id=first.store_id)
    held = {one.purpose: one.balance_minor for one in trial}
    assert sum(held.values()) == 0
    assert (held["escrow"], held["gateway_clearing"]) == (0, -190_248_715)
    second = await load(REAL.read_bytes(), code)
    assert {name: getattr(second, name) for name in REAL_FIGURES} == REAL_FIGURES
    assert (second.created, second.unchanged) == (0, 28_010)


async def test_the_command_prints_the_report(tmp_path: Path) -> None:
    data, want = many(20)
    file, code = tmp_path / "orders.csv", fresh_code()
    file.write_bytes(data)
    status, printed = await asyncio.to_thread(run, str(file), "--store", code)
    assert (status, printed["store_created"], printed["created"]) == (0, True, 20)
    assert {name: printed[name] for name in want} == want
    status, printed = await asyncio.to_thread(
        run, str(file), "--store", "no-such-store-here", "--no-create-store"
    )
    assert (status, printed["code"]) == (2, "not_found")
