"""A report that is cut off in the middle is read again, and comes to the same."""

import asyncio

import pytest
from sqlalchemy import text
from tests.crash.invariants import violations
from tests.referrals.test_reports import told
from tests.referrals.world import a_row, a_source, an_outside_link, csv_bytes, settled

from dougong.base.ids import PLATFORM_BOOK
from dougong.flows import report_arrived
from dougong.flows.report_arrived import import_report, read_kept_report
from dougong.infra.db import transaction

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
        1,
        6,
        0,
    )
    assert booked == 7


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
