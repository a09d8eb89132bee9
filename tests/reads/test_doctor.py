"""The doctor finds each kind of damage under its own name, and nothing where all is well."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from tests.reads.stories import AT, Story, a_final_order, a_market, money

from dougong.flows.seal_books import seal_and_count
from dougong.infra.clock import wall_now
from dougong.ledger.seal_queries import SealHead
from dougong.reads.doctor import examine

pytestmark = pytest.mark.money


# While none was seen nothing is late; other tests leave some behind.
NO_WORKERS = text("DELETE FROM procrastinate_workers")


async def values(conn: AsyncConnection, *, published: tuple[SealHead, ...] = ()) -> dict[str, int]:
    now = wall_now()
    checks = await examine(conn, business_now=now, wall_now=now, published=published)
    return {check.name: check.value for check in checks}


@pytest.fixture
async def owner(all_rights_url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction of somebody with all rights, without triggers; rolled back."""
    engine = create_async_engine(make_url(all_rights_url).set(drivername="postgresql+psycopg"))
    async with engine.connect() as conn:
        yield conn
        await conn.rollback()
    await engine.dispose()


async def some_orders(conn: AsyncConnection) -> Story:
    """Orders in every phase, some with refunds, half of them sealed."""
    market = await a_market(conn)
    coupons = money(merchant_discount_minor=333, platform_discount_minor=77)
    await a_final_order(conn, market, money(), coupons)
    await seal_and_count(conn, store_id=market.store_id, at=AT)
    await Story(conn, market, [money()]).place()
    held = await (await Story(conn, market, [coupons, money()]).place()).pay()
    await held.refund({1: 123})
    story = await a_final_order(conn, market, coupons)
    await story.refund({1: 4_567}, is_final=True)
    return story


async def test_all_is_well(conn: AsyncConnection) -> None:
    await conn.execute(NO_WORKERS)
    before = await values(conn)
    await some_orders(conn)
    after = await values(conn)
    assert {name: after[name] - before[name] for name in after} == dict.fromkeys(after, 0)
    assert {
        "trial_balance_minor",
        "unexplained_minor",
        "broken_seals",
        "overdue_deadlines",
        "oversold_skus",
    } <= set(after)


DAMAGE = {
    "unexplained_minor": """
        UPDATE order_lines SET service_fee_bp = service_fee_bp + 100
        WHERE store_id = :s AND order_id = :o
    """,
    "balance_mismatches": """
        UPDATE ledger_rollups SET balance_minor = balance_minor + 1 WHERE store_id = :s
    """,
    "trial_balance_minor": """
        UPDATE ledger_rollups r SET balance_minor = balance_minor + 5 WHERE store_id = :s
          AND account_id = (SELECT min(account_id::text)::uuid FROM ledger_rollups
                            WHERE store_id = :s)
    """,
    "escrow_mismatch_minor": """
        UPDATE orders SET state = 'received' WHERE store_id = :s AND id = :o
    """,
    "ledger_days_minor": "UPDATE ledger_days SET gained_minor = gained_minor + 1"
    " WHERE store_id = :s",
    "sold_days_wrong": "UPDATE sold_days SET units = units + 1 WHERE store_id = :s",
    "unsealed_lost": "DELETE FROM ledger_unsealed WHERE store_id = :s",
    "references_lost": "DELETE FROM ledger_accounts WHERE store_id = :s AND purpose = 'escrow'",
    "stock_drift_units": "UPDATE stock_levels SET damaged = damaged + 2 WHERE store_id = :s",
    "stuck_units": "UPDATE stock SET reserved = reserved + 2 WHERE store_id = :s",
    "oversold_skus": """
        UPDATE stock SET on_hand = 1, reserved = 2 WHERE store_id = :s
    """,
    "paid_without_entry": """
        UPDATE orders SET paid_at = now() WHERE store_id = :s AND state = 'placed'
    """,
    "broken_seals": "UPDATE ledger_entries SET counts_at = now() WHERE store_id = :s",
    "double_keys": """
        INSERT INTO ledger_entries (store_id, id, kind, key, order_id, counts_at, written_at)
        SELECT store_id, gen_random_uuid(), 'capture', 'again', order_id, counts_at, written_at
        FROM ledger_entries WHERE store_id = :s AND order_id = :o AND kind = 'capture'
    """,
    "jobs_failed": """
        INSERT INTO procrastinate_jobs (queue_name, task_name, status)
        SELECT 'default', 'x.y', 'failed' FROM stores WHERE id = :s AND :o::text <> ''
    """,
    "overdue_deadlines": """
        WITH worker AS (INSERT INTO procrastinate_workers DEFAULT VALUES)
        UPDATE deadlines SET due_at = now() - interval '2 minutes' WHERE store_id = :s
    """,
    "coupon_over_quota": """
        INSERT INTO coupons (store_id, id, code, name_zh, funder, funder_org_id, amount_off_minor,
          usable, quota, used, created_at)
        VALUES (:s, gen_random_uuid(), 'ABC', '券', 'platform', :o, 1,
          tstzrange(now(), now() + interval '1 day'), 5, 2, now())
    """,
    "captured_without_booking": """
        WITH worker AS (INSERT INTO procrastinate_workers DEFAULT VALUES)
        INSERT INTO payments (id, checkout_id, gateway, currency, amount_minor, state, started_at,
          captured_at)
        VALUES (:s, :o, 'sandbox', 'CNY', 1, 'captured', now(), now() - interval '2 minutes')
    """,
    "events_waiting_too_long": """
        WITH worker AS (INSERT INTO procrastinate_workers DEFAULT VALUES)
        INSERT INTO events (kind, store_id, subject_id, at, facts)
        VALUES ('x.y', :s, :o, now() - interval '2 minutes', '{}')
    """,
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_damage_is_found_by_name(owner: AsyncConnection, name: str) -> None:
    await owner.execute(NO_WORKERS)
    story = await some_orders(owner)
    before = await values(owner)
    await owner.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
    await owner.execute(text("ALTER TABLE stock DROP CONSTRAINT stock_never_oversold"))
    where = {"s": story.market.store_id, "o": story.order_id}
    statement = DAMAGE[name].replace(":o::text", "CAST(:o AS text)")
    await owner.execute(text(statement), where)
    after = await values(owner)
    assert after[name] > before[name]


AS_RANGES = {
    "unsealed_lost": """
        INSERT INTO ledger_unsealed_ranges (store_id, first_id, last_id)
        SELECT store_id, id, id FROM ledger_entries WHERE store_id = :s
    """,
    "references_lost": """
        INSERT INTO ledger_unsealed_ranges (store_id, first_id, last_id)
        SELECT id, id, id FROM stores WHERE id = :s
    """,
}


@pytest.mark.parametrize("name", AS_RANGES)
async def test_ranges_that_wait_are_damage_too(owner: AsyncConnection, name: str) -> None:
    """Of entries that wait singly or are sealed; and of none."""
    story = await some_orders(owner)
    before = await values(owner)
    await owner.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
    await owner.execute(text(AS_RANGES[name]), {"s": story.market.store_id})
    assert (await values(owner))[name] > before[name]


async def test_nothing_is_late_while_no_worker_runs(owner: AsyncConnection) -> None:
    story = await some_orders(owner)
    await owner.execute(text("DELETE FROM procrastinate_workers"))
    await owner.execute(
        text("UPDATE deadlines SET due_at = :at WHERE store_id = :s"),
        {"at": AT - timedelta(days=9), "s": story.market.store_id},
    )
    assert (await values(owner))["overdue_deadlines"] == 0
