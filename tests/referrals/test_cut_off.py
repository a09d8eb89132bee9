"""A report that is cut off in the middle is read again, and comes to the same."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, text
from tests.crash.invariants import violations
from tests.referrals.test_reports import told
from tests.referrals.world import (
    CLICKED,
    a_row,
    a_source,
    an_outside_link,
    csv_bytes,
    settled,
)

from dougong.base.ids import PLATFORM_BOOK
from dougong.flows import report_arrived
from dougong.flows.report_arrived import (
    import_report,
    read_kept_report,
    read_report_file,
    result_of,
    share_read,
    start_report,
)
from dougong.infra.db import slow_engine, transaction
from dougong.referrals.commands import Counts
from dougong.referrals.queries import report_of
from dougong.referrals.rules import ReadElsewhere

pytestmark = pytest.mark.money


class CutOff(Exception):
    pass


async def test_cut_off_between_two_pieces_it_ends_as_if_it_had_not_been(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
    rows = [settled(a_row(link)) for _ in range(7)]
    monkeypatch.setattr(report_arrived, "ROWS_PER_PIECE", 3)
    taken = 0

    def stop(done: int) -> None:
        nonlocal taken
        taken = done
        if done == 6:
            raise CutOff

    with pytest.raises(CutOff):
        await import_report(
            source=link.source, mapping="taobao_alliance", file_name="x.csv",
            data=csv_bytes(rows), on_progress=stop,
        )  # fmt: skip
    async with transaction() as conn:
        report = (
            await conn.execute(
                text("SELECT id, state FROM referral_reports WHERE source = :s"),
                {"s": link.source},
            )
        ).one()
    assert (taken, report.state) == (6, "running")
    await read_kept_report(str(report.id))
    async with transaction() as conn:
        done = (
            await conn.execute(
                text("SELECT * FROM referral_reports WHERE id = :id"), {"id": report.id}
            )
        ).one()
        booked = await conn.scalar(
            text(
                "SELECT count(*) FROM referral_orders WHERE source = :s AND booked_at IS NOT NULL"
            ),
            {"s": link.source},
        )
        assert await violations(conn, [PLATFORM_BOOK]) == {}
    assert (done.state, done.rows_applied, done.rows_repeated, done.rows_parked) == (
        "done",
        7,
        0,
        0,
    )
    assert done.bytes_done == done.bytes_total == len(csv_bytes(rows))
    assert booked == 7


async def test_bad_rows_of_before_the_cut_are_listed_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
    good = [settled(a_row(link)) for _ in range(5)]
    rows = [good[0], a_row(link, tk_status="99"), *good[1:], good[2], a_row(link, item_num="x")]
    monkeypatch.setattr(report_arrived, "ROWS_PER_PIECE", 3)

    def stop(done: int) -> None:
        if done == 6:
            raise CutOff

    with pytest.raises(CutOff):
        await import_report(
            source=link.source, mapping="taobao_alliance", file_name="x.csv",
            data=csv_bytes(rows), on_progress=stop,
        )  # fmt: skip
    async with transaction() as conn:
        report_id = await conn.scalar(
            text("SELECT id FROM referral_reports WHERE source = :s"), {"s": link.source}
        )
    await read_kept_report(str(report_id))
    async with transaction() as conn:
        result = await result_of(conn, report_id=report_id)
    told = [(bad.line, bad.outcome, bad.field, bad.reason, bad.value) for bad in result.bad]
    assert told == [
        (3, "parked", "status", "unknown_status", "99"),
        (8, "repeated", "order_ref", "repeated_row", good[2]["trade_id"]),
        (9, "refused", "quantity", "bad_number", "x"),
    ]
    assert (result.applied, result.repeated, result.parked, result.refused) == (5, 1, 1, 1)


async def test_two_readers_of_one_file_do_not_count_it_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
        report_id = await start_report(
            conn, source=link.source, mapping="taobao_alliance", file_name="x.csv",
            data=csv_bytes([settled(a_row(link)) for _ in range(6)]), started_by=None, at=CLICKED,
        )  # fmt: skip
    monkeypatch.setattr(report_arrived, "ROWS_PER_PIECE", 3)
    both = await asyncio.gather(
        read_report_file(report_id=report_id),
        read_report_file(report_id=report_id),
        return_exceptions=True,
    )
    assert [type(one) for one in both if one is not None] in ([], [ReadElsewhere])
    async with transaction() as conn:
        result = await result_of(conn, report_id=report_id)
    assert (result.rows, result.applied, result.repeated) == (6, 6, 0)


async def test_the_share_of_a_file_grows_while_it_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
    data = csv_bytes([settled(a_row(link)) for _ in range(400)])
    monkeypatch.setattr(report_arrived, "ROWS_PER_PIECE", 100)
    shares: list[int] = []

    async def look(done: int, _: Counts) -> None:
        async with transaction() as conn:
            shares.append(share_read(await report_of(conn, report_id=report_id)))

    async with transaction() as conn:
        report_id = await start_report(
            conn, source=link.source, mapping="taobao_alliance", file_name="x.csv", data=data,
            started_by=None, at=CLICKED,
        )  # fmt: skip
    await read_report_file(report_id=report_id, progress=look)
    assert shares == sorted(shares)
    assert 2_000 < shares[0] < 5_000
    assert shares[-1] == 10_000


async def test_the_same_report_twice_at_once_is_taken_once() -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
    rows = [settled(a_row(link)) for _ in range(40)]
    both = await asyncio.gather(told(link, *rows), told(link, *rows))
    assert sum(one.applied for one in both) == 40
    assert sum(one.repeated for one in both) == 40
    async with transaction() as conn:
        assert await violations(conn, [PLATFORM_BOOK]) == {}
        owed = await conn.scalar(
            text("""
                SELECT sum(t.amount_minor) FROM ledger_transfers t
                JOIN ledger_entries e ON e.store_id = t.store_id AND e.id = t.entry_id
                JOIN referral_orders o ON o.id = e.order_id WHERE o.source = :s
            """),
            {"s": link.source},
        )
    assert owed == 40 * 3_383


async def test_a_piece_takes_as_many_statements_however_many_rows_it_has() -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
    few: list[str] = []
    many: list[str] = []
    for rows, heard in ((1, []), (2, few), (200, many)):  # the first also reads the rules

        def hear(_c: Any, _k: Any, statement: str, *_: Any, heard: list[str] = heard) -> None:
            heard.append(statement)

        event.listen(slow_engine().sync_engine, "before_cursor_execute", hear)
        try:
            result = await told(link, *[settled(a_row(link)) for _ in range(rows)])
        finally:
            event.remove(slow_engine().sync_engine, "before_cursor_execute", hear)
        assert result.applied == rows
    assert len(many) == len(few)
    assert len(many) < 40
