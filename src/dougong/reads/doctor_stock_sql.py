"""What must hold of stock, as SQL: each statement answers `found` and an `example`."""

from sqlalchemy import text

# The store's sum, the levels of its warehouses, the moves, what orders wait for and what is set
# aside for them all say the same; batches hold no more than lies there, costs what moves brought.
STOCK_DRIFT = text("""
    WITH ends AS (
      SELECT store_id, sku_id, src_warehouse AS warehouse_id, src AS place, -quantity AS units
      FROM stock_moves
      UNION ALL
      SELECT store_id, sku_id, dst_warehouse, dst, quantity FROM stock_moves
    ), places AS (
      SELECT store_id, sku_id, warehouse_id,
        COALESCE(sum(units) FILTER (WHERE place IN ('free', 'allocated')), 0) AS on_hand,
        COALESCE(sum(units) FILTER (WHERE place = 'allocated'), 0) AS allocated,
        COALESCE(sum(units) FILTER (WHERE place = 'damaged'), 0) AS damaged,
        COALESCE(sum(units) FILTER (WHERE place = 'inspecting'), 0) AS inspecting,
        COALESCE(sum(units) FILTER (WHERE place = 'transit'), 0) AS transit,
        COALESCE(sum(units) FILTER (WHERE place = 'promised'), 0) AS promised
      FROM ends GROUP BY store_id, sku_id, warehouse_id
    ), lying AS (
      SELECT store_id, sku_id, sum(on_hand) AS on_hand FROM stock_levels GROUP BY store_id, sku_id
    ), waiting AS (
      SELECT store_id, sku_id, warehouse_id, sum(quantity - shipped - released) AS units
      FROM stock_allocations WHERE state IN ('open', 'picked')
      GROUP BY store_id, sku_id, warehouse_id
    ), batched AS (
      SELECT store_id, sku_id, warehouse_id, sum(on_hand) AS units
      FROM stock_batches GROUP BY store_id, sku_id, warehouse_id
    ), spent AS (
      SELECT store_id, sku_id, sum(value_minor) AS minor FROM (
        SELECT store_id, sku_id, value_minor FROM stock_moves WHERE value_minor IS NOT NULL
        UNION ALL SELECT store_id, sku_id, value_minor FROM stock_revaluations
      ) v GROUP BY store_id, sku_id
    ), wanted AS (
      SELECT l.store_id, l.sku_id, l.order_id, l.line_no,
        l.quantity - l.shipped_quantity - l.returned_quantity AS units
      FROM order_lines l WHERE l.sku_id IS NOT NULL
    )
    SELECT abs(COALESCE(k.on_hand, 0) - COALESCE(l.on_hand, 0)) AS found,
      'store and warehouses of sku ' || COALESCE(k.sku_id, l.sku_id) AS example
    FROM stock k FULL JOIN lying l ON l.store_id = k.store_id AND l.sku_id = k.sku_id
    WHERE COALESCE(k.on_hand, 0) <> COALESCE(l.on_hand, 0)
    UNION ALL
    SELECT abs(COALESCE(l.on_hand, 0) - COALESCE(p.on_hand, 0))
        + abs(COALESCE(l.allocated, 0) - COALESCE(p.allocated, 0))
        + abs(COALESCE(l.damaged, 0) - COALESCE(p.damaged, 0))
        + abs(COALESCE(l.inspecting, 0) - COALESCE(p.inspecting, 0))
        + abs(COALESCE(l.transit, 0) - COALESCE(p.transit, 0)),
      'warehouse and moves of sku ' || COALESCE(l.sku_id, p.sku_id)
    FROM stock_levels l
    FULL JOIN (SELECT * FROM places WHERE warehouse_id IS NOT NULL) p ON p.store_id = l.store_id
      AND p.sku_id = l.sku_id AND p.warehouse_id = l.warehouse_id
    WHERE (COALESCE(l.on_hand, 0), COALESCE(l.allocated, 0), COALESCE(l.damaged, 0),
        COALESCE(l.inspecting, 0), COALESCE(l.transit, 0))
      <> (COALESCE(p.on_hand, 0), COALESCE(p.allocated, 0), COALESCE(p.damaged, 0),
        COALESCE(p.inspecting, 0), COALESCE(p.transit, 0))
    UNION ALL
    SELECT abs(COALESCE(k.reserved, 0) - COALESCE(p.promised, 0)),
      'promises of sku ' || COALESCE(k.sku_id, p.sku_id)
    FROM stock k
    FULL JOIN (SELECT * FROM places WHERE warehouse_id IS NULL) p
      ON p.store_id = k.store_id AND p.sku_id = k.sku_id
    WHERE COALESCE(k.reserved, 0) <> COALESCE(p.promised, 0)
    UNION ALL
    SELECT abs(l.allocated - COALESCE(w.units, 0)), 'set aside of sku ' || l.sku_id
    FROM stock_levels l LEFT JOIN waiting w ON w.store_id = l.store_id AND w.sku_id = l.sku_id
      AND w.warehouse_id = l.warehouse_id
    WHERE l.allocated <> COALESCE(w.units, 0)
    UNION ALL
    SELECT b.units - COALESCE(l.on_hand, 0), 'batches of sku ' || b.sku_id
    FROM batched b LEFT JOIN stock_levels l ON l.store_id = b.store_id AND l.sku_id = b.sku_id
      AND l.warehouse_id = b.warehouse_id
    WHERE b.units > COALESCE(l.on_hand, 0)
    UNION ALL
    SELECT abs(COALESCE(c.cost_minor, 0) - COALESCE(s.minor, 0)),
      'cost of sku ' || COALESCE(c.sku_id, s.sku_id)
    FROM stock_costs c FULL JOIN spent s ON s.store_id = c.store_id AND s.sku_id = c.sku_id
    WHERE COALESCE(c.cost_minor, 0) <> COALESCE(s.minor, 0)
    UNION ALL
    SELECT greatest(a.units - COALESCE(w.units, 0), 0), 'set aside for order ' || a.order_id
    FROM (
      SELECT store_id, order_id, line_no, sum(quantity - shipped - released) AS units
      FROM stock_allocations WHERE state IN ('open', 'picked') GROUP BY store_id, order_id, line_no
    ) a LEFT JOIN wanted w ON w.store_id = a.store_id AND w.order_id = a.order_id
      AND w.line_no = a.line_no
    WHERE a.units > COALESCE(w.units, 0)
    UNION ALL
    SELECT abs(q.used - COALESCE(u.units, 0)), 'quota ' || q.id || ' of sku ' || q.sku_id
    FROM stock_quotas q LEFT JOIN (
      SELECT store_id, quota_id, sum(units - released) AS units FROM stock_quota_uses
      GROUP BY store_id, quota_id
    ) u ON u.store_id = q.store_id AND u.quota_id = q.id
    WHERE q.used <> COALESCE(u.units, 0)
    UNION ALL
    SELECT abs(k.quotas - COALESCE(n.n, 0)), 'count of quotas of sku ' || k.sku_id
    FROM stock k LEFT JOIN (
      SELECT store_id, sku_id, count(*) AS n FROM stock_quotas WHERE ended_at IS NULL
      GROUP BY store_id, sku_id
    ) n ON n.store_id = k.store_id AND n.sku_id = k.sku_id
    WHERE k.quotas <> COALESCE(n.n, 0)
""")

# Corrections of the value of stock: approved ones, and no others, changed it and the books by as
# much as they say.
CORRECTIONS = text("""
    WITH booked AS (
      SELECT e.store_id, split_part(e.key, ':', 2)::uuid AS id, sum(CASE
        WHEN a.purpose = 'stock_value' THEN t.amount_minor ELSE -t.amount_minor END) AS minor
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id = t.src
      WHERE e.kind = 'stock_corrected' GROUP BY 1, 2
    ), revalued AS (
      SELECT store_id, about_id AS id, sum(value_minor) AS minor FROM stock_revaluations
      WHERE about_kind = 'correction' GROUP BY 1, 2
    ), sides AS (
      SELECT COALESCE(b.store_id, r.store_id) AS store_id, COALESCE(b.id, r.id) AS id,
        COALESCE(b.minor, 0) AS booked, COALESCE(r.minor, 0) AS revalued
      FROM booked b FULL JOIN revalued r ON r.store_id = b.store_id AND r.id = b.id
    ), said AS (
      SELECT store_id, id, after_minor - before_minor AS minor FROM stock_value_corrections
      WHERE state = 'approved'
    ), compared AS (
      SELECT COALESCE(c.id, s.id) AS id,
        abs(COALESCE(c.minor, 0) - COALESCE(s.booked, 0))
          + abs(COALESCE(c.minor, 0) - COALESCE(s.revalued, 0)) AS found
      FROM said c FULL JOIN sides s ON s.store_id = c.store_id AND s.id = c.id
    )
    SELECT found, 'correction ' || id AS example FROM compared WHERE found <> 0
""")
