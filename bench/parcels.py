"""A hundred thousand open packages of the largest store, for the boards of fulfilment."""

from typing import Any
from uuid import UUID

import psycopg

OPEN_PACKAGES = 100_000
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
)


def fill_parcels(owner: "psycopg.Connection[Any]", *, store_id: UUID, now: object) -> int:
    """Answers how many packages the store has now."""
    values = {"store": store_id, "now": now, "open": OPEN_PACKAGES}
    for statement in STATEMENTS:
        owner.execute(statement, values)
    found = owner.execute("SELECT count(*) FROM packages WHERE store_id = %s", (store_id,))
    row = found.fetchone()
    return int(row[0]) if row else 0
