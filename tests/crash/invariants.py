"""What must be zero after every harness run, as SQL; `dougong doctor` says the same of the whole
platform. Each statement answers one number for the given stores."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.infra.clock import wall_now
from dougong.reads.doctor import examine

CHECKS = {
    # Every order's goods that are neither shipped nor taken back are reserved, and nothing else.
    "stock_differs_from_open_orders": """
        SELECT count(*) FROM stock k LEFT JOIN (
          SELECT l.store_id, l.sku_id,
            sum(l.quantity - l.shipped_quantity - l.returned_quantity) AS units
          FROM order_lines l JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
          WHERE l.kind = 'goods' AND o.state NOT IN ('cancelled')
          GROUP BY 1, 2
        ) open USING (store_id, sku_id)
        WHERE store_id = ANY(CAST(:stores AS uuid[])) AND reserved <> COALESCE(units, 0)
    """,
    "oversold_skus": """
        SELECT count(*) FROM stock
        WHERE store_id = ANY(CAST(:stores AS uuid[])) AND NOT reserved BETWEEN 0 AND on_hand
    """,
    "keys_with_two_orders": """
        SELECT count(*) FROM (
          SELECT FROM orders WHERE store_id = ANY(CAST(:stores AS uuid[]))
          GROUP BY store_id, buyer_id, idempotency_key HAVING count(*) > 1
        ) twice
    """,
    # A paid order has exactly one capture, over its total; one that is not paid has none.
    "captures_that_differ": """
        SELECT count(*) FROM orders o LEFT JOIN (
          SELECT e.store_id, e.order_id, count(DISTINCT e.id) AS entries,
            sum(t.amount_minor) FILTER (WHERE t.part = 'paid') AS paid
          FROM ledger_entries e
          JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
          WHERE e.kind = 'capture' GROUP BY 1, 2
        ) c ON c.store_id = o.store_id AND c.order_id = o.id
        WHERE o.store_id = ANY(CAST(:stores AS uuid[])) AND
          CASE WHEN o.paid_at IS NULL THEN c.entries IS NOT NULL
          ELSE c.entries IS DISTINCT FROM 1 OR c.paid <> o.total_minor END
    """,
    # What escrow holds is what orders that are paid and not final still keep.
    "escrow_unexplained_minor": """
        SELECT abs(COALESCE((
          SELECT sum(CASE WHEN d.purpose = 'escrow' OR d.owner_id = d.store_id
              AND d.purpose = 'case_hold' THEN t.amount_minor ELSE 0 END
            - CASE WHEN s.purpose = 'escrow' OR s.owner_id = s.store_id
              AND s.purpose = 'case_hold' THEN t.amount_minor ELSE 0 END)
          FROM ledger_transfers t
          JOIN ledger_accounts s ON s.store_id = t.store_id AND s.id = t.src
          JOIN ledger_accounts d ON d.store_id = t.store_id AND d.id = t.dst
          WHERE t.store_id = ANY(CAST(:stores AS uuid[]))), 0)
        - COALESCE((
          SELECT sum(l.gross_minor - CASE WHEN l.refunded_minor = 0 THEN 0 ELSE
              l.refunded_minor
              + trunc(l.merchant_discount_minor::numeric * l.refunded_minor / l.paid_minor)
              + trunc(l.platform_discount_minor::numeric * l.refunded_minor / l.paid_minor)
              + trunc(l.creator_discount_minor::numeric * l.refunded_minor / l.paid_minor) END)
          FROM order_lines l JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
          WHERE o.store_id = ANY(CAST(:stores AS uuid[]))
            AND o.state IN ('paid', 'part_shipped', 'shipped', 'received')), 0))
    """,
    "refunds_that_differ": """
        SELECT count(*) FROM (
          SELECT l.store_id, l.order_id, l.line_no, l.refunded_minor,
            COALESCE(sum(r.amount_minor), 0) AS noted
          FROM order_lines l
          LEFT JOIN refunds f ON f.store_id = l.store_id AND f.order_id = l.order_id
          LEFT JOIN refund_lines r ON r.store_id = f.store_id AND r.refund_id = f.id
            AND r.line_no = l.line_no
          WHERE l.store_id = ANY(CAST(:stores AS uuid[]))
          GROUP BY 1, 2, 3, 4
        ) x WHERE refunded_minor <> noted
    """,
    "parts_captured_but_not_booked": """
        SELECT count(*) FROM payment_parts x JOIN payments p ON p.id = x.payment_id
        WHERE x.store_id = ANY(CAST(:stores AS uuid[]))
          AND p.state = 'captured' AND x.booked_at IS NULL
    """,
    "open_deadlines_of_closed_orders": """
        SELECT count(*) FROM deadlines d
        JOIN orders o ON o.store_id = d.store_id AND o.id = d.subject_id
        WHERE d.store_id = ANY(CAST(:stores AS uuid[])) AND d.done_at IS NULL
          AND NOT CASE d.kind WHEN 'pay_by' THEN o.state = 'placed'
            WHEN 'receive_by' THEN o.state = 'shipped' ELSE o.state = 'received' END
    """,
    "orders_waiting_without_deadline": """
        SELECT count(*) FROM orders o
        WHERE o.store_id = ANY(CAST(:stores AS uuid[]))
          AND o.state IN ('placed', 'shipped', 'received')
          AND NOT EXISTS (SELECT FROM deadlines d WHERE d.store_id = o.store_id
            AND d.subject_id = o.id AND d.done_at IS NULL)
          AND NOT EXISTS (SELECT FROM cases c WHERE c.store_id = o.store_id
            AND c.order_id = o.id AND c.closed_at IS NULL)
    """,
    # What each account holds of an order at another platform is its share of what was settled and
    # not taken back; an order is in the books when it has a ruling and is settled, and only then.
    "referral_shares_unlike_the_ruling_minor": """
        WITH kept AS (
          SELECT o.id, o.settled_minor - o.refunded_minor AS received, r.service_fee_bp AS fee_bp,
            r.commission_cut_bp AS cut_bp
          FROM referral_orders o JOIN referral_rulings r ON r.id = o.ruling_id
          WHERE o.booked_at IS NOT NULL AND CAST(:stores AS uuid[]) IS NOT NULL
        ), sides AS (
          SELECT e.order_id, a.purpose, m.amount FROM ledger_entries e
          JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
          CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
            AS m (account, amount)
          JOIN ledger_accounts a ON a.store_id = e.store_id AND a.id = m.account
          WHERE e.kind LIKE 'referral%'
        ), held AS (
          SELECT order_id, sum(amount) FILTER (WHERE purpose = 'partner_receivable') AS owed,
            sum(amount) FILTER (WHERE purpose = 'platform_service_fee') AS fee,
            sum(amount) FILTER (WHERE purpose = 'platform_commission_cut') AS cut
          FROM sides GROUP BY order_id
        )
        SELECT coalesce(sum(abs(k.received + coalesce(h.owed, 0))
          + abs(trunc(k.received::numeric * k.fee_bp / 10000) - coalesce(h.fee, 0))
          + abs(trunc((k.received - trunc(k.received::numeric * k.fee_bp / 10000)) * k.cut_bp
            / 10000) - coalesce(h.cut, 0))), 0)
        FROM kept k LEFT JOIN held h ON h.order_id = k.id
    """,
    "referrals_settled_and_ruled_but_not_booked": """
        SELECT count(*) FROM referral_orders WHERE CAST(:stores AS uuid[]) IS NOT NULL
          AND (state = 'settled' AND ruling_id IS NOT NULL) <> (booked_at IS NOT NULL)
    """,
    "entries_without_seal_or_queue": """
        SELECT count(*) FROM ledger_entries e
        WHERE e.store_id = ANY(CAST(:stores AS uuid[]))
          AND (SELECT count(*) FROM ledger_waiting u
               WHERE u.store_id = e.store_id AND u.entry_id = e.id)
            + (SELECT count(*) FROM ledger_sealed_entries s
               WHERE s.store_id = e.store_id AND s.entry_id = e.id) <> 1
    """,
}


async def violations(conn: AsyncConnection, stores: Sequence[UUID]) -> dict[str, int]:
    """The checks that are not zero, with what they found: {} when all is well."""
    found = {
        name: int(await conn.scalar(text(sql), {"stores": list(stores)}) or 0)
        for name, sql in CHECKS.items()
    }
    return {name: count for name, count in found.items() if count}


async def doctor_finds(conn: AsyncConnection) -> dict[str, int]:
    """What `dougong doctor` finds in the whole database: {} when all is well."""
    now = wall_now()
    checks = await examine(conn, business_now=now, wall_now=now, published=())
    return {check.name: check.value for check in checks if check.value}
