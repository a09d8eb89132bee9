"""A million rows of a report beside our orders and the money that came, and merely reading them."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import text

from dougong.flows.reconcile import reconcile, start_run
from dougong.infra import clock
from dougong.infra.db import dispose, snapshot, transaction
from dougong.infra.migrate import migrate
from dougong.reads.reconciliation_inputs import write_sides

ROWS = 1_000_000
STARTS = datetime(2020, 7, 31, 16, tzinfo=UTC)
ENDS = datetime(2020, 8, 31, 16, tzinfo=UTC)
# Of 100 orders one is paid less, one reported with another amount, one not reported, one not ours,
# one not paid; and one more of the report's rows is of an order that nobody knows.
DIFFERENT = 6 * ROWS // 100

SOURCE = text("""
    INSERT INTO sources (code, name_zh, name_en, hosts, adapter, created_at)
    VALUES ('taobao', '淘宝', 'Taobao', ARRAY['taobao.com'], 'page', :starts)
""")
ORDERS = text("""
    INSERT INTO referral_orders (id, source, order_ref, currency, state, paid_minor,
      estimated_gross_minor, estimated_minor, settled_base_minor, settled_gross_minor,
      alliance_fee_minor, media_fee_minor, settled_minor, paid_at, settled_at, first_reported_at,
      last_reported_at)
    SELECT gen_random_uuid(), 'taobao', (2100000000000000000 + i)::text, 'CNY', 'settled', 100000,
      5000 + i % 900, 5000 + i % 900, 100000, 5000 + i % 900, 0, 0, 5000 + i % 900,
      :starts + i % 2592000 * interval '1 second', :ends, :starts, :ends
    FROM generate_series(1, :rows) AS g (i) WHERE i % 100 <> 4
""")
REPORT = text("""
    INSERT INTO report_rows (id, source, mapping, facts_hash, raw, order_ref, status, state,
      currency, paid_minor, estimated_gross_minor, settled_base_minor, settled_gross_minor,
      alliance_fee_minor, media_fee_minor, settled_minor, paid_at, settled_at, told_at, outcome)
    SELECT gen_random_uuid(), 'taobao', 'taobao_alliance', decode(md5(i::text), 'hex'),
      CAST('{}' AS jsonb),
      (2100000000000000000 + i)::text, '3', 'settled',
      'CNY', 100000, 5000 + i % 900, 100000, 5000 + i % 900, 0, 0,
      5000 + i % 900 - CASE i % 100 WHEN 2 THEN 100 ELSE 0 END,
      :starts + i % 2592000 * interval '1 second', :ends, :ends, 'applied'
    FROM generate_series(1, :rows) AS g (i) WHERE i % 100 <> 3
    UNION ALL
    SELECT gen_random_uuid(), 'taobao', 'taobao_alliance', decode(md5('x' || i), 'hex'),
      CAST('{}' AS jsonb),
      'only_theirs' || i, '3', 'settled', 'CNY', 100000, 5000, 100000, 5000, 0, 0, 5000,
      :starts + interval '1 day', :ends, :ends, 'applied'
    FROM generate_series(1, :rows / 100) AS g (i)
""")
FILE = text("""
    INSERT INTO receipt_files (id, source, mapping, file_name, file_hash, state, started_at)
    VALUES (CAST(:file AS uuid), 'taobao', 'payments', 'bench', '', 'done', :ends)
""")
RECEIPTS = text("""
    INSERT INTO receipts (id, source, file_id, line, payment_ref, order_ref, currency, amount_minor,
      received_at, fingerprint, owner_id)
    SELECT gen_random_uuid(), 'taobao', CAST(:file AS uuid), i, 'P' || i / 1000,
      (2100000000000000000 + i)::text, 'CNY',
      5000 + i % 900 - CASE i % 100 WHEN 1 THEN 25 WHEN 2 THEN 100 ELSE 0 END, :ends,
      decode(md5(i::text), 'hex'), CAST(:file AS uuid)
    FROM generate_series(1, :rows) AS g (i) WHERE i % 100 NOT IN (3, 4, 5)
""")
ANALYSES = (text("ANALYZE referral_orders"), text("ANALYZE report_rows"), text("ANALYZE receipts"))
FILE_ID = "0198a000-0000-7000-8000-000000000001"


def reconcile_times(home: Path) -> dict[str, Any]:
    """Seconds of both runs (the report from the database, and from a file), and of their floors."""
    migrate()
    return asyncio.run(_measure(home))


async def _measure(home: Path) -> dict[str, Any]:
    import dougong.flows.tasks  # noqa: F401 (a run is also a job, which must be known)

    await _fill()
    statement = home / "statement.csv"
    _write_statement(statement)
    facts: dict[str, Any] = {"rows": ROWS}
    facts["read_rows_s"] = await _read_rows(home)
    facts["read_file_s"] = _read_file(statement)
    facts["from_database_s"], facts["differences"] = await _run(None)
    data = statement.read_bytes()
    facts["from_file_s"], _ = await _run(("statement.csv", data))
    await dispose()
    return facts


async def _fill() -> None:
    values = {"rows": ROWS, "starts": STARTS, "ends": ENDS, "file": FILE_ID}
    async with transaction(slow=True) as conn:
        for statement in (SOURCE, ORDERS, REPORT, FILE, RECEIPTS):
            await conn.execute(statement, _named(statement, values))
        for statement in ANALYSES:
            await conn.execute(statement)


def _named(statement: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in statement.compile().params}


def _write_statement(target: Path) -> None:
    """As the partner would send it, of as many rows."""
    inside = duckdb.connect(config={"threads": 2})
    inside.sql(
        """
        SELECT (2100000000000000000 + i)::VARCHAR AS trade_id,
          strftime(TIMESTAMP '2020-08-01' + INTERVAL 1 SECOND * (i % 2592000),
            '%Y-%m-%d %H:%M:%S') AS tk_paid_time, '3' AS tk_status,
          format('{:d}.{:02d}', (5000 + i % 900) // 100, (5000 + i % 900) % 100) AS commission,
          '2020-09-01 00:00:00' AS tk_earning_time
        FROM range(1, $rows + 1) AS g (i)
        """,
        params={"rows": ROWS},
    ).write_csv(str(target))
    inside.close()


async def _read_rows(home: Path) -> float:
    """The floor: the three sides out of the database, and nothing done with them."""
    started = time.perf_counter()
    async with snapshot(slow=True) as conn:
        await write_sides(
            conn, source="taobao", starts=STARTS, ends=ENDS, as_of=clock.wall_now(), folder=home,
            with_report=True,
        )  # fmt: skip
    return time.perf_counter() - started


def _read_file(statement: Path) -> float:
    """The floor: every cell of the file is read, and nothing done with it."""
    started = time.perf_counter()
    inside = duckdb.connect(config={"threads": 2})
    cells = inside.read_csv(str(statement), all_varchar=True)
    cells.aggregate("count(*), max(trade_id), max(tk_paid_time), max(commission)").fetchall()
    inside.close()
    return time.perf_counter() - started


async def _run(statement: tuple[str, bytes] | None) -> tuple[float, int]:
    async with transaction() as conn:
        run_id = await start_run(
            conn, source="taobao", starts=STARTS, ends=ENDS, started_by=None,
            at=await clock.refresh(conn) + timedelta(days=1), statement=statement,
        )  # fmt: skip
    started = time.perf_counter()
    await reconcile(run_id)
    took = time.perf_counter() - started
    async with transaction() as conn:
        row = (
            await conn.execute(
                text("""
                    SELECT state, failure, orders, differences FROM reconciliation_runs
                    WHERE id = :id
                """),
                {"id": run_id},
            )
        ).one()
    expected = row.differences == DIFFERENT if statement is None else row.differences > 0
    if row.state != "done" or row.orders < ROWS or not expected:
        raise RuntimeError(f"the run went wrong: {row}")
    return took, row.differences
