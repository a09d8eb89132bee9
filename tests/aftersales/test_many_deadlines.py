"""A month of ten thousand cases on the clock: each deadline acts once, also after stops. Silence of
the merchant sends most goods on their way back, and refunds every tenth case."""

import asyncio
import time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.aftersales.world import DAY, START, a_world

from dougong.aftersales.commands import Hold
from dougong.base.ids import OrderId
from dougong.flows.case_books import held_entry
from dougong.flows.deadlines import act_on_due
from dougong.infra import db
from dougong.infra.db import transaction
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, Part, Purpose, moved, platform
from dougong.reads.doctor_cases_sql import MONEY, WRONG

CASES = 10_000
REFUNDS = 1_000

# Shipped orders with one open case each, as `open_case` leaves them, opened over a day.
SQL = (
    text("""
        INSERT INTO orders (store_id, id, number, checkout_id, buyer_id, idempotency_key,
          request_hash, state, currency, goods_minor, discount_minor, shipping_minor, total_minor,
          address, receive_within_s, after_sales_window_s, placed_at, pay_by, paid_at, shipped_at)
        SELECT :store, md5('o' || n)::uuid, 'm' || n, md5('c' || n)::uuid, :buyer, 'm' || n,
          '\\x00', 'shipped', 'CNY', 9900, 0, 0, 9900, '{}', 864000, 604800, :at, :at, :at, :at
        FROM generate_series(1, :count) AS n
    """),
    text("""
        INSERT INTO order_lines (store_id, order_id, line_no, kind, sku_id, title_zh, category,
          quantity, unit_price_minor, gross_minor, paid_minor, shipped_quantity, service_fee_bp,
          commission_bp, commission_cut_bp, payment_cost_bp)
        SELECT :store, md5('o' || n)::uuid, 1, 'goods', :sku, '面霜', '*', 1, 9900, 9900, 9900, 1,
          500, 0, 0, 60 FROM generate_series(1, :count) AS n
    """),
    text("""
        INSERT INTO cases (store_id, id, number, order_id, buyer_id, kind, state, waiting_for,
          reason, currency, asked_minor, was_final, idempotency_key, request_hash, opened_at,
          due_at, due_kind)
        SELECT :store, md5('k' || n)::uuid, 'A' || n, md5('o' || n)::uuid, :buyer,
          CASE WHEN n % 10 = 1 THEN 'refund_only' WHEN n % 3 = 0 THEN 'exchange'
            ELSE 'return_refund' END, 'asked', 'merchant',
          'damaged', 'CNY', 9900, false, 'm' || n, '\\x00', :at,
          CAST(:at AS timestamptz) + interval '2 days' + n * interval '8 seconds', 'case_answer_by'
        FROM generate_series(1, :count) AS n
    """),
    text("""
        INSERT INTO case_lines SELECT :store, md5('k' || n)::uuid, 1, :sku, '*', 1, 9900
        FROM generate_series(1, :count) AS n
    """),
    text("""
        INSERT INTO case_units (store_id, order_id, line_no, bought, shipped, paid_minor, in_case,
          asked_minor)
        SELECT :store, md5('o' || n)::uuid, 1, 1, 1, 9900, 1, 9900
        FROM generate_series(1, :count) AS n
    """),
    text("""
        INSERT INTO case_moves (store_id, case_id, n, to_state, side, at)
        SELECT :store, md5('k' || n)::uuid, 1, 'asked', 'buyer', :at
        FROM generate_series(1, :count) AS n
    """),
    text("""
        INSERT INTO payments (id, checkout_id, payer_id, gateway, gateway_ref, currency,
          amount_minor, state, started_at, captured_at)
        SELECT md5('p' || n)::uuid, md5('c' || n)::uuid, :buyer, 'sandbox', 'm' || n, 'CNY', 9900,
          'captured', :at, :at
        FROM generate_series(1, :count, 10) AS n
    """),
    text("""
        INSERT INTO payment_parts (store_id, order_id, payment_id, amount_minor, outcome, booked_at)
        SELECT :store, md5('o' || n)::uuid, md5('p' || n)::uuid, 9900, 'allocated', :at
        FROM generate_series(1, :count, 10) AS n
    """),
    text("""
        INSERT INTO deadlines (store_id, kind, subject_id, due_at)
        SELECT store_id, due_kind, id, due_at FROM cases WHERE store_id = :store
    """),
)


async def ten_thousand() -> UUID:
    async with transaction() as conn:
        world = await a_world(conn)
        values = {"store": world.store.store_id, "buyer": world.buyer.person_id, "at": START,
                  "sku": world.store.skus[0], "count": CASES}  # fmt: skip
        for one in SQL:
            await conn.execute(one, values)
        await conn.execute(
            text("""
                INSERT INTO case_holds
                SELECT store_id, id, 1, 'escrow', store_id, 9900 FROM cases WHERE store_id = :store
            """),
            values,
        )
        await conn.execute(text("UPDATE cases SET held_at = opened_at"))
        rows = await conn.execute(text("SELECT id, order_id FROM cases"))
        entries = [entry for row in rows for entry in booked(world.store.store_id, *row)]
        for n in range(0, len(entries), 2_000):
            await book(
                conn, store_id=world.store.store_id, currency="CNY",
                entries=entries[n : n + 2_000], written_at=START,
            )  # fmt: skip
    return world.store.store_id


def booked(store_id: UUID, case_id: UUID, order_id: UUID) -> list[Entry]:
    """The capture of an order, and what was frozen for its case."""
    escrow = AccountName(store_id, Purpose.ESCROW)
    paid = moved(platform(Purpose.GATEWAY_CLEARING), escrow, 9_900, Part.PAID, 1)
    capture = Entry(
        kind="capture", key=f"capture:{order_id}", order_id=order_id, counts_at=START,
        transfers=tuple(paid),
    )  # fmt: skip
    holds = [Hold(1, Purpose.ESCROW, store_id, 9_900)]
    held = held_entry(case_id=case_id, order_id=OrderId(order_id), holds=holds, at=START)
    assert held is not None
    return [capture, held]


async def stopped(at: Any, *, refunds: int = 0) -> None:
    """A run that is stopped in the middle of its work; or when it has refunded so many."""
    run = asyncio.create_task(act_on_due(at=at))
    await asyncio.sleep(0.3)
    for _ in range(2_000):
        if run.done() or await refunded() >= refunds:
            break
        await asyncio.sleep(0.05)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def refunded() -> int:
    async with transaction() as conn:
        return int(await conn.scalar(text("SELECT count(*) FROM refunds")) or 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_ten_thousand_cases_pass_a_month_and_each_deadline_acts_once(
    own_database: None,
) -> None:
    store_id = await ten_thousand()
    began, cpu = time.monotonic(), time.process_time()
    at = START
    for day in range(31):
        at = START + day * DAY
        if day in (2, 3, 9):
            await stopped(at)
        if day == 3:
            await stopped(at, refunds=REFUNDS // 3)
            assert REFUNDS // 3 <= await refunded() < REFUNDS
        await act_on_due(at=at)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    print(f"{CASES} cases, a month: {took:.1f} s, {cpu:.1f} s of CPU here")
    async with transaction() as conn:
        rows = await conn.execute(
            text("""
                SELECT c.state, c.outcome, count(*) AS cases, min(m.n) AS least, max(m.n) AS most
                FROM cases c JOIN LATERAL (SELECT count(*) AS n FROM case_moves m
                  WHERE m.store_id = c.store_id AND m.case_id = c.id) m ON true
                WHERE c.store_id = :s GROUP BY 1, 2 ORDER BY 1
            """),
            {"s": store_id},
        )
        assert [tuple(row) for row in rows] == [
            ("done", "refunded", REFUNDS, 2, 2),
            ("withdrawn", "lapsed", CASES - REFUNDS, 3, 3),
        ]
        paid_back = await conn.execute(
            text("""
                SELECT count(*), count(DISTINCT order_id), sum(amount_minor) FROM refunds
                WHERE store_id = :s
            """),
            {"s": store_id},
        )
        assert tuple(paid_back.one()) == (REFUNDS, REFUNDS, REFUNDS * 9_900)
        told = await conn.scalar(
            text("SELECT count(*) FROM events WHERE store_id = :s AND kind LIKE 'case.%'"),
            {"s": store_id},
        )
        assert told == 2 * CASES - REFUNDS
        assert (await conn.execute(WRONG)).all() == [] == (await conn.execute(MONEY)).all()
    await db.dispose()
    assert cpu < 60
