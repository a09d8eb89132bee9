"""Open packages and cases of the largest store by the ten thousand, for its boards."""

from typing import Any
from uuid import UUID

import psycopg

OPEN_PACKAGES, CASES = 100_000, 30_000
# In the owner's connection, after the orders: one package an order, the newest orders first.
STATEMENTS = (
    """
    INSERT INTO packages (store_id, id, order_id, carrier, tracking_no, shipped_at, state, state_at,
      heard_at, watch_at)
    SELECT o.store_id, gen_random_uuid(), o.id, '顺丰速运', 'SF' || lpad(o.n::text, 12, '0'), s.at,
      (ARRAY['handed_over', 'in_transit', 'in_transit', 'out_for_delivery',
        'failed'])[1 + o.n %% 5],
      s.at, s.at, s.at + interval '72 hours'
    FROM (SELECT store_id, id, row_number() OVER (ORDER BY placed_at DESC) AS n FROM orders
      WHERE store_id = %(store)s AND state IN ('shipped', 'received', 'final')
      ORDER BY placed_at DESC LIMIT %(open)s) o
    CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - make_interval(mins => o.n::int) AS at) s
    """,
    """
    INSERT INTO package_lines (store_id, package_id, order_id, line_no, quantity)
    SELECT store_id, id, order_id, 1, 1 FROM packages WHERE store_id = %(store)s
    """,
    """
    INSERT INTO tracking_events (store_id, package_id, key, at, status, source, arrived_at)
    SELECT store_id, id, 'bench', state_at, 'in_transit', 'carrier', state_at
    FROM packages WHERE store_id = %(store)s
    """,
    """
    INSERT INTO ship_promises (store_id, order_id, promised_by, made_at)
    SELECT store_id, id, paid_at + interval '48 hours', paid_at FROM orders
    WHERE store_id = %(store)s AND state IN ('paid', 'part_shipped')
    """,
    # Repairs: no money is frozen for them. Every tenth is still open.
    """
    INSERT INTO cases (store_id, id, number, order_id, buyer_id, kind, state, waiting_for, reason,
      currency, asked_minor, was_final, idempotency_key, request_hash, opened_at, due_at, due_kind,
      closed_at, outcome)
    SELECT o.store_id, gen_random_uuid(), 'C' || lpad(o.n::text, 12, '0'), o.id, o.buyer_id,
      'repair', CASE WHEN s.open THEN 'asked' ELSE 'done' END,
      CASE WHEN s.open THEN 'merchant' ELSE 'nobody' END, 'faulty', 'CNY', 0, o.state = 'final',
      'bench-' || o.n, '\\x00', s.at, CASE WHEN s.open THEN s.at + interval '400 days' END,
      CASE WHEN s.open THEN 'case_answer_by' END,
      CASE WHEN NOT s.open THEN s.at + interval '5 days' END,
      CASE WHEN NOT s.open THEN 'repaired' END
    FROM (SELECT store_id, id, buyer_id, state, received_at,
        row_number() OVER (ORDER BY placed_at DESC) AS n FROM orders
      WHERE store_id = %(store)s AND state IN ('received', 'final')
      ORDER BY placed_at DESC LIMIT %(cases)s) o
    CROSS JOIN LATERAL (SELECT o.received_at AS at, o.n %% 10 = 0 AS open) s
    """,
    """
    INSERT INTO case_lines (store_id, case_id, line_no, sku_id, category, quantity, amount_minor)
    SELECT c.store_id, c.id, 1, l.sku_id, l.category, 1, 0
    FROM cases c JOIN order_lines l ON l.store_id = c.store_id AND l.order_id = c.order_id
    WHERE c.store_id = %(store)s
    """,
    """
    INSERT INTO case_moves (store_id, case_id, n, to_state, side, at)
    SELECT store_id, id, 1, state, 'buyer', opened_at FROM cases WHERE store_id = %(store)s
    """,
    """
    INSERT INTO case_units (store_id, order_id, line_no, bought, shipped, paid_minor, in_case)
    SELECT l.store_id, l.order_id, 1, l.quantity, l.shipped_quantity, l.paid_minor, 1
    FROM cases c JOIN order_lines l ON l.store_id = c.store_id AND l.order_id = c.order_id
    WHERE c.store_id = %(store)s AND c.closed_at IS NULL
    """,
    """
    INSERT INTO deadlines (store_id, kind, subject_id, due_at)
    SELECT store_id, due_kind, id, due_at FROM cases
    WHERE store_id = %(store)s AND closed_at IS NULL
    """,
)


def fill_parcels(owner: "psycopg.Connection[Any]", *, store_id: UUID, now: object) -> int:
    """Answers how many packages the store has now."""
    values = {"store": store_id, "now": now, "open": OPEN_PACKAGES, "cases": CASES}
    for statement in STATEMENTS:
        owner.execute(statement, values)
    found = owner.execute("SELECT count(*) FROM packages WHERE store_id = %s", (store_id,))
    row = found.fetchone()
    return int(row[0]) if row else 0
