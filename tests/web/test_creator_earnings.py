"""A creator's earnings: the estimate is the rule's share, the settled track is the ledger's."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.content.factories import AT, a_product, an_organisation

from dougong.base.ids import StoreId, new_id
from dougong.flows.seal_books import seal_and_count
from dougong.orders.rules import LineMoney, line_shares
from dougong.reads import creator_earnings as earnings


async def an_order(
    conn: AsyncConnection,
    *,
    store_id: UUID,
    creator_id: UUID,
    line: LineMoney,
    refunded_minor: int,
    state: str = "paid",
    paid_at: datetime = AT,
) -> UUID:
    """A paid order of one line, as frozen facts."""
    order_id = new_id()
    off = line.merchant_discount_minor + line.platform_discount_minor + line.creator_discount_minor
    facts = msg(line) | {
        "store": store_id,
        "order": order_id,
        "number": order_id.hex,
        "creator": creator_id,
        "state": state,
        "at": paid_at,
        "off": off,
        "refunded": refunded_minor,
        "address": json.dumps({}),
    }
    await conn.execute(
        text("""
            INSERT INTO orders (store_id, id, number, checkout_id, idempotency_key, request_hash,
              state, currency, goods_minor, discount_minor, shipping_minor, total_minor, address,
              receive_within_s, after_sales_window_s, placed_at, pay_by, paid_at)
            VALUES (:store, :order, :number, :order, :number, '\\x00', :state, 'CNY',
              :gross_minor, :off, 0, :paid_minor, CAST(:address AS jsonb), 0, 0, :at, :at, :at)
        """),
        facts,
    )
    await conn.execute(
        text("""
            INSERT INTO order_lines (store_id, order_id, line_no, kind, title_zh, category,
              quantity, unit_price_minor, gross_minor, merchant_discount_minor,
              platform_discount_minor, creator_discount_minor, paid_minor, refunded_minor,
              creator_id, service_fee_bp, commission_bp, commission_cut_bp, payment_cost_bp)
            VALUES (:store, :order, 1, 'goods', '竹篮', 'x', 1, :gross_minor, :gross_minor,
              :merchant_discount_minor, :platform_discount_minor, :creator_discount_minor,
              :paid_minor, :refunded, :creator, :service_fee_bp, :commission_bp,
              :commission_cut_bp, :payment_cost_bp)
        """),
        facts,
    )
    await an_entry(conn, store_id=store_id, order_id=order_id, kind="capture", at=paid_at)
    return order_id


async def an_entry(
    conn: AsyncConnection, *, store_id: UUID, order_id: UUID, kind: str, at: datetime
) -> UUID:
    """An entry that waits for its seal."""
    entry = {"store": store_id, "id": new_id(), "kind": kind, "order": order_id, "at": at}
    await conn.execute(
        text("""
            INSERT INTO ledger_entries (store_id, id, kind, key, order_id, counts_at, written_at)
            VALUES (:store, :id, :kind, CAST(:id AS uuid)::text, :order, :at, :at)
        """),
        entry,
    )
    await conn.execute(text("INSERT INTO ledger_unsealed VALUES (:store, :id)"), entry)
    return UUID(str(entry["id"]))


async def sealed(conn: AsyncConnection, store_id: UUID) -> None:
    """As the job leaves the books and the figures by day."""
    assert await seal_and_count(conn, store_id=StoreId(store_id), at=AT)


def msg(line: LineMoney) -> dict[str, object]:
    return {name: getattr(line, name) for name in line.__struct_fields__}


@st.composite
def lines(draw: st.DrawFn) -> tuple[LineMoney, int]:
    paid = draw(st.integers(1, 10**7))
    off = [draw(st.integers(0, 10**5)) for _ in range(3)]
    line = LineMoney(
        gross_minor=paid + sum(off),
        merchant_discount_minor=off[0],
        platform_discount_minor=off[1],
        creator_discount_minor=off[2],
        paid_minor=paid,
        service_fee_bp=draw(st.integers(0, 2000)),
        commission_bp=draw(st.integers(0, 7000)),
        commission_cut_bp=draw(st.integers(0, 10_000)),
        payment_cost_bp=draw(st.integers(0, 1000)),
    )
    return line, draw(st.integers(0, paid))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cases=st.lists(lines(), min_size=1, max_size=4))
async def test_estimated_and_open_are_the_rules_shares(
    conn: AsyncConnection, cases: list[tuple[LineMoney, int]]
) -> None:
    creator_id = await an_organisation(conn)
    store_id, _ = await a_product(conn)
    for line, refunded in cases:
        await an_order(
            conn, store_id=store_id, creator_id=creator_id, line=line, refunded_minor=refunded
        )
    (total,) = await earnings.totals(conn, creator_id=creator_id)
    want = sum(line_shares(line, refunded_minor=0).creator for line, _ in cases)
    kept = sum(line_shares(line, refunded_minor=refunded).creator for line, refunded in cases)
    assert (total.orders, total.estimated_minor, total.open_minor) == (len(cases), want, kept)
    rows = await earnings.orders(conn, creator_id=creator_id, at=AT)
    assert sum(row.estimated_minor for row in rows) == want
    assert sum(row.open_minor for row in rows) == kept
    days = await earnings.days(conn, creator_id=creator_id, currency="CNY", at=AT, most=3)
    assert [day.estimated_minor for day in days] == [0, 0, want]


LINE = LineMoney(
    gross_minor=10_000,
    merchant_discount_minor=0,
    platform_discount_minor=0,
    creator_discount_minor=0,
    paid_minor=10_000,
    service_fee_bp=500,
    commission_bp=2_000,
    commission_cut_bp=1_000,
    payment_cost_bp=60,
)


async def test_a_final_order_is_settled_by_the_ledger_alone(conn: AsyncConnection) -> None:
    creator_id = await an_organisation(conn)
    store_id, _ = await a_product(conn)
    order_id = await an_order(
        conn, store_id=store_id, creator_id=creator_id, line=LINE, refunded_minor=0, state="final"
    )
    escrow, payable = new_id(), new_id()
    for account, owner, purpose in (
        (escrow, store_id, "escrow"),
        (payable, creator_id, "creator_payable"),
    ):
        await conn.execute(
            text("""
                INSERT INTO ledger_accounts (store_id, id, owner_id, purpose, currency)
                VALUES (:store, :id, :owner, :purpose, 'CNY')
            """),
            {"store": store_id, "id": account, "owner": owner, "purpose": purpose},
        )
    # 1 800 booked when final, 600 taken back by a later refund.
    for src, dst, amount in ((escrow, payable, 1_800), (payable, escrow, 600)):
        entry_id = await an_entry(conn, store_id=store_id, order_id=order_id, kind="final", at=AT)
        await conn.execute(
            text("""
                INSERT INTO ledger_transfers (store_id, entry_id, n, src, dst, currency,
                  amount_minor, part, line_no)
                VALUES (:store, :entry, 1, :src, :dst, 'CNY', :amount, 'creator', 1)
            """),
            {"store": store_id, "entry": entry_id, "src": src, "dst": dst, "amount": amount},
        )
    for is_sealed in (False, True):  # the figures are the same before the seal and after it
        if is_sealed:
            await sealed(conn, store_id)
        (total,) = await earnings.totals(conn, creator_id=creator_id)
        assert (total.orders, total.estimated_minor) == (1, 1_800)
        assert (total.open_minor, total.settled_minor) == (0, 1_200)
        (row,) = await earnings.orders(conn, creator_id=creator_id, at=AT)
        assert row.settled_minor == 1_200
        days = await earnings.days(conn, creator_id=creator_id, currency="CNY", at=AT, most=2)
        assert [day.settled_minor for day in days] == [0, 1_200]
        assert [day.estimated_minor for day in days] == [0, 1_800]


async def test_orders_are_paged_newest_first_and_only_ones_own(conn: AsyncConnection) -> None:
    creator_id, other = await an_organisation(conn), await an_organisation(conn)
    store_id, _ = await a_product(conn)
    made = [
        await an_order(
            conn,
            store_id=store_id,
            creator_id=creator_id,
            line=LINE,
            refunded_minor=0,
            paid_at=AT - timedelta(hours=n),
        )
        for n in range(4)
    ]
    await an_order(conn, store_id=store_id, creator_id=other, line=LINE, refunded_minor=0)
    rows = await earnings.orders(conn, creator_id=creator_id, at=AT)
    assert [row.order_id for row in rows] == made
    rest = await earnings.orders(
        conn, creator_id=creator_id, at=AT, before=(rows[1].paid_at, rows[1].order_id)
    )
    assert [row.order_id for row in rest] == made[2:]
