"""The stock behind a million orders: moves, levels and what is set aside, as the intake has it."""

# While the table `made` holds the orders, one SKU a line. Units left beside what waits: twenty.
STATEMENTS = (
    """
    CREATE UNLOGGED TABLE waiting AS
    SELECT m.store_id, m.sku_id, w.id AS warehouse_id, sum(m.quantity)::int AS units,
      COALESCE(sum(m.quantity) FILTER (WHERE m.state = 'paid'), 0)::int AS paid,
      sum(m.quantity)::int + 20 - k.on_hand AS more
    FROM made m
    JOIN stock k ON k.store_id = m.store_id AND k.sku_id = m.sku_id
    JOIN warehouses w ON w.store_id = m.store_id AND w.is_default
    WHERE m.state IN ('placed', 'paid') GROUP BY m.store_id, m.sku_id, w.id, k.on_hand
    """,
    """
    UPDATE stock k SET reserved = w.units, on_hand = k.on_hand + w.more
    FROM waiting w WHERE k.store_id = w.store_id AND k.sku_id = w.sku_id
    """,
    """
    UPDATE stock_levels l SET on_hand = l.on_hand + w.more, allocated = w.paid
    FROM waiting w WHERE l.store_id = w.store_id AND l.sku_id = w.sku_id
      AND l.warehouse_id = w.warehouse_id
    """,
    """
    INSERT INTO stock_moves (store_id, id, sku_id, quantity, kind, src, src_warehouse, dst,
      dst_warehouse, at, key)
    SELECT w.store_id, gen_random_uuid(), w.sku_id, m.quantity, m.kind, m.src, m.src_warehouse,
      m.dst, m.dst_warehouse, %(now)s::timestamptz, 'bench:' || m.kind || ':' || w.sku_id
    FROM waiting w CROSS JOIN LATERAL (VALUES
      (w.more, 'set', 'lost_found', NULL::uuid, 'free', w.warehouse_id),
      (-w.more, 'counted', 'free', w.warehouse_id, 'lost_found', NULL),
      (w.units, 'reserved', 'pool', NULL, 'promised', NULL),
      (w.paid, 'allocated', 'free', w.warehouse_id, 'allocated', w.warehouse_id)
    ) AS m (quantity, kind, src, src_warehouse, dst, dst_warehouse)
    WHERE m.quantity > 0
    """,
    """
    INSERT INTO stock_allocations (store_id, order_id, line_no, warehouse_id, sku_id, quantity, at)
    SELECT m.store_id, m.id, 1, w.warehouse_id, m.sku_id, m.quantity, m.paid_at
    FROM made m JOIN waiting w ON w.store_id = m.store_id AND w.sku_id = m.sku_id
    WHERE m.state = 'paid'
    """,
    "DROP TABLE waiting",
)
