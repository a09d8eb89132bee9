"""The invariants as SQL: each statement answers the rows that break one; none is right.

Columns: `found`, how much of it, and `example`, what to look at. Set-based: each reads a table
once or twice.
"""

from sqlalchemy import text

# The parts of every line by its frozen facts, beside what the books moved for it. The same as
# orders.rules.line_shares, in numeric so that no product overflows.
UNEXPLAINED = text("""
    WITH kept AS (
      SELECT l.store_id, l.order_id, l.line_no, o.state = 'final' AS is_final,
        l.service_fee_bp, l.commission_bp, l.commission_cut_bp, l.payment_cost_bp,
        l.paid_minor - l.refunded_minor AS paid,
        l.merchant_discount_minor - div(l.merchant_discount_minor::numeric * l.refunded_minor,
          l.paid_minor) AS merchant_discount,
        l.platform_discount_minor - div(l.platform_discount_minor::numeric * l.refunded_minor,
          l.paid_minor) AS platform_discount,
        l.creator_discount_minor - div(l.creator_discount_minor::numeric * l.refunded_minor,
          l.paid_minor) AS creator_discount
      FROM order_lines l JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
      WHERE o.paid_at IS NOT NULL
    ), fees AS (
      SELECT *, paid + platform_discount + creator_discount AS base,
        div((paid + platform_discount + creator_discount) * service_fee_bp, 10000) AS service_fee,
        div((paid + platform_discount + creator_discount) * commission_bp, 10000) AS commission,
        div(paid::numeric * payment_cost_bp, 10000) AS payment_cost
      FROM kept
    ), wanted AS (
      SELECT store_id, order_id, line_no, -paid AS clearing,
        CASE WHEN is_final THEN 0 ELSE base + merchant_discount END AS escrow,
        CASE WHEN is_final THEN -platform_discount
          ELSE -merchant_discount - platform_discount - creator_discount END AS coupons,
        CASE WHEN is_final THEN service_fee ELSE 0 END AS service_fee,
        CASE WHEN is_final THEN div(commission * commission_cut_bp, 10000) ELSE 0 END AS cut,
        CASE WHEN is_final THEN payment_cost ELSE 0 END AS cost,
        CASE WHEN is_final THEN commission - div(commission * commission_cut_bp, 10000)
          - creator_discount ELSE 0 END AS creator,
        CASE WHEN is_final THEN base - service_fee - commission - payment_cost ELSE 0 END
          AS merchant
      FROM fees
    ), sides AS (
      SELECT t.store_id, t.entry_id, t.line_no, a.purpose, t.amount_minor AS amount
      FROM ledger_transfers t
      JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id = t.dst
      UNION ALL
      SELECT t.store_id, t.entry_id, t.line_no, a.purpose, -t.amount_minor
      FROM ledger_transfers t
      JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id = t.src
    ), booked AS (
      SELECT s.store_id, e.order_id, s.line_no,
        sum(amount) FILTER (WHERE purpose = 'gateway_clearing') AS clearing,
        sum(amount) FILTER (WHERE purpose = 'escrow') AS escrow,
        sum(amount) FILTER (WHERE purpose = 'coupon_cost') AS coupons,
        sum(amount) FILTER (WHERE purpose = 'platform_service_fee') AS service_fee,
        sum(amount) FILTER (WHERE purpose = 'platform_commission_cut') AS cut,
        sum(amount) FILTER (WHERE purpose = 'platform_payment_cost') AS cost,
        sum(amount) FILTER (WHERE purpose = 'creator_payable') AS creator,
        sum(amount) FILTER (WHERE purpose = 'merchant_payable') AS merchant
      FROM sides s JOIN ledger_entries e ON e.store_id = s.store_id AND e.id = s.entry_id
      WHERE e.order_id IS NOT NULL AND e.kind NOT LIKE 'referral%'
        AND e.kind NOT LIKE 'task%' AND e.kind NOT LIKE 'case%'
      GROUP BY s.store_id, e.order_id, s.line_no
    ), compared AS (
      SELECT coalesce(w.order_id, b.order_id) AS order_id,
        coalesce(w.line_no, b.line_no) AS line_no,
        abs(coalesce(w.clearing, 0) - coalesce(b.clearing, 0))
        + abs(coalesce(w.escrow, 0) - coalesce(b.escrow, 0))
        + abs(coalesce(w.coupons, 0) - coalesce(b.coupons, 0))
        + abs(coalesce(w.service_fee, 0) - coalesce(b.service_fee, 0))
        + abs(coalesce(w.cut, 0) - coalesce(b.cut, 0))
        + abs(coalesce(w.cost, 0) - coalesce(b.cost, 0))
        + abs(coalesce(w.creator, 0) - coalesce(b.creator, 0))
        + abs(coalesce(w.merchant, 0) - coalesce(b.merchant, 0)) AS found
      FROM wanted w FULL JOIN booked b
        ON b.store_id = w.store_id AND b.order_id = w.order_id AND b.line_no = w.line_no
    )
    SELECT found, 'order ' || order_id || ' line ' || coalesce(line_no::text, '-') AS example
    FROM compared WHERE found <> 0
""")

# Every account's transfers beside its last rollup and what waits for a seal; and the kept balances
# of each currency, which sum to zero. `name` says which of the two checks a row breaks.
ACCOUNTS = text("""
    WITH sides AS (
      SELECT store_id, dst AS account_id, entry_id, amount_minor AS amount FROM ledger_transfers
      UNION ALL
      SELECT store_id, src, entry_id, -amount_minor FROM ledger_transfers
    ), summed AS (
      SELECT store_id, account_id, sum(amount) AS balance FROM sides GROUP BY store_id, account_id
    ), tail AS (
      SELECT s.store_id, s.account_id, sum(s.amount) AS balance
      FROM ledger_waiting u JOIN sides s ON s.store_id = u.store_id AND s.entry_id = u.entry_id
      GROUP BY s.store_id, s.account_id
    ), rolled AS (
      SELECT DISTINCT ON (store_id, account_id) store_id, account_id, balance_minor AS balance
      FROM ledger_rollups ORDER BY store_id, account_id, seal_number DESC
    ), accounts AS (
      SELECT a.store_id, a.id, a.currency, a.purpose, coalesce(s.balance, 0) AS summed,
        coalesce(r.balance, 0) + coalesce(t.balance, 0) AS kept
      FROM ledger_accounts a
      LEFT JOIN summed s ON s.store_id = a.store_id AND s.account_id = a.id
      LEFT JOIN rolled r ON r.store_id = a.store_id AND r.account_id = a.id
      LEFT JOIN tail t ON t.store_id = a.store_id AND t.account_id = a.id
    )
    SELECT 'balance_mismatches' AS name, 1 AS found,
      'account ' || id || ' ' || purpose AS example
    FROM accounts WHERE summed <> kept
    UNION ALL
    SELECT 'trial_balance_minor', abs(sum(kept)), currency::text
    FROM accounts GROUP BY currency HAVING sum(kept) <> 0
""")

ESCROW = text("""
    WITH open AS (
      SELECT l.store_id, sum(l.paid_minor - l.refunded_minor
        + l.merchant_discount_minor + l.platform_discount_minor + l.creator_discount_minor
        - div(l.merchant_discount_minor::numeric * l.refunded_minor, l.paid_minor)
        - div(l.platform_discount_minor::numeric * l.refunded_minor, l.paid_minor)
        - div(l.creator_discount_minor::numeric * l.refunded_minor, l.paid_minor)) AS amount
      FROM order_lines l JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
      WHERE o.state IN ('paid', 'part_shipped', 'shipped', 'received') GROUP BY l.store_id
    ), held AS (
      SELECT a.store_id, sum(m.amount) AS amount
      FROM ledger_accounts a
      CROSS JOIN LATERAL (
        SELECT amount_minor AS amount FROM ledger_transfers
        WHERE store_id = a.store_id AND dst = a.id
        UNION ALL
        SELECT -amount_minor FROM ledger_transfers WHERE store_id = a.store_id AND src = a.id) m
      WHERE a.purpose = 'escrow' OR a.purpose = 'case_hold' AND a.owner_id = a.store_id
      GROUP BY a.store_id
    )
    SELECT abs(coalesce(held.amount, 0) - coalesce(open.amount, 0)) AS found,
      'store ' || coalesce(held.store_id, open.store_id) AS example
    FROM held FULL JOIN open ON open.store_id = held.store_id
    WHERE coalesce(held.amount, 0) <> coalesce(open.amount, 0)
""")

# The days that were counted as entries were sealed, beside the sealed entries themselves. Days of
# another zone than the platform's are wrong too: `dougong recount` makes them anew.
LEDGER_DAYS = text("""
    WITH sealed AS (
      SELECT m.store_id, m.account_id, CAST(e.counts_at AT TIME ZONE :zone AS date) AS day, m.part,
        sum(m.gained) AS gained, sum(m.lost) AS lost
      FROM ledger_sealed_entries x
      JOIN ledger_entries e ON e.store_id = x.store_id AND e.id = x.entry_id
      JOIN (
        SELECT store_id, entry_id, dst AS account_id, part, amount_minor AS gained, 0 AS lost
        FROM ledger_transfers
        UNION ALL
        SELECT store_id, entry_id, src, part, 0, amount_minor FROM ledger_transfers
      ) m ON m.store_id = e.store_id AND m.entry_id = e.id
      GROUP BY 1, 2, 3, 4
    )
    SELECT abs(coalesce(d.gained_minor, 0) - coalesce(s.gained, 0))
        + abs(coalesce(d.lost_minor, 0) - coalesce(s.lost, 0)) AS found,
      'account ' || coalesce(d.account_id, s.account_id) || ' on ' || coalesce(d.day, s.day)
        AS example
    FROM ledger_days d FULL JOIN sealed s ON s.store_id = d.store_id
      AND s.account_id = d.account_id AND s.day = d.day AND s.part = d.part
    WHERE (coalesce(d.gained_minor, 0), coalesce(d.lost_minor, 0))
      <> (coalesce(s.gained, 0), coalesce(s.lost, 0))
""")

# Likewise what was sold, of the orders whose capture is sealed.
SOLD_DAYS = text("""
    WITH lines AS (
      SELECT o.store_id, o.id AS order_id, CAST(o.paid_at AT TIME ZONE :zone AS date) AS day,
        CASE WHEN l.kind = 'goods' THEN l.product_id END AS product_id, l.creator_id,
        CASE WHEN l.creator_id IS NOT NULL THEN l.link_id END AS link_id,
        CASE WHEN l.kind = 'goods' THEN l.quantity ELSE 0 END AS units, l.paid_minor,
        CASE WHEN l.creator_id IS NULL THEN 0
          ELSE c.commission - div(c.commission * l.commission_cut_bp, 10000) END AS earned
      FROM ledger_sealed_entries x
      JOIN ledger_entries e
        ON e.store_id = x.store_id AND e.id = x.entry_id AND e.kind = 'capture'
      JOIN orders o ON o.store_id = e.store_id AND o.id = e.order_id
      JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
      CROSS JOIN LATERAL (SELECT div((l.paid_minor::numeric + l.platform_discount_minor
        + l.creator_discount_minor) * l.commission_bp, 10000) AS commission) c
    ), wanted AS (
      SELECT store_id, kind, day, subject_id, count(DISTINCT order_id) AS orders,
        sum(units) AS units, sum(paid_minor) AS paid, sum(earned) AS earned
      FROM lines CROSS JOIN LATERAL (VALUES ('store', store_id), ('product', product_id),
        ('creator', creator_id), ('link', link_id)) AS k (kind, subject_id)
      WHERE subject_id IS NOT NULL GROUP BY 1, 2, 3, 4
    )
    SELECT 1 AS found, coalesce(d.kind, w.kind) || ' ' || coalesce(d.subject_id, w.subject_id)
      || ' on ' || coalesce(d.day, w.day) AS example
    FROM sold_days d FULL JOIN wanted w ON w.store_id = d.store_id AND w.kind = d.kind
      AND w.day = d.day AND w.subject_id = d.subject_id
    WHERE (coalesce(d.orders, 0), coalesce(d.units, 0), coalesce(d.paid_minor, 0),
        coalesce(d.earned_minor, 0))
      <> (coalesce(w.orders, 0), coalesce(w.units, 0), coalesce(w.paid, 0), coalesce(w.earned, 0))
""")

UNSEALED_LOST = text("""
    WITH waiting AS MATERIALIZED (
      SELECT store_id, entry_id, count(*) AS times FROM ledger_waiting GROUP BY 1, 2
    )
    SELECT 1 AS found, 'entry ' || e.id AS example FROM ledger_entries e
    LEFT JOIN ledger_sealed_entries s ON s.store_id = e.store_id AND s.entry_id = e.id
    LEFT JOIN waiting u ON u.store_id = e.store_id AND u.entry_id = e.id
    WHERE CASE WHEN s.entry_id IS NULL THEN 0 ELSE 1 END + coalesce(u.times, 0) <> 1
""")

# What triggers check as rows are written, and a restore writes without them.
REFERENCES_LOST = text("""
    WITH moved AS (
      SELECT DISTINCT store_id, entry_id FROM ledger_transfers
      UNION SELECT store_id, entry_id FROM ledger_unsealed
      UNION SELECT store_id, unnest(ARRAY[first_id, last_id]) FROM ledger_unsealed_ranges
      UNION SELECT store_id, reverses FROM ledger_entries WHERE reverses IS NOT NULL
    ), used AS (
      SELECT DISTINCT store_id, src AS id, currency FROM ledger_transfers
      UNION SELECT DISTINCT store_id, dst, currency FROM ledger_transfers
    ), lines AS (
      SELECT DISTINCT store_id, order_id FROM order_lines
      UNION SELECT store_id, order_id FROM refunds
    )
    SELECT 1 AS found, 'entry ' || m.entry_id AS example FROM moved m
    LEFT JOIN ledger_entries e ON e.store_id = m.store_id AND e.id = m.entry_id WHERE e.id IS NULL
    UNION ALL
    SELECT 1, 'account ' || u.id FROM used u LEFT JOIN ledger_accounts a
      ON a.store_id = u.store_id AND a.id = u.id AND a.currency = u.currency WHERE a.id IS NULL
    UNION ALL
    SELECT 1, 'order ' || l.order_id FROM lines l
    LEFT JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
    LEFT JOIN pay_ins i ON i.id = l.order_id
    WHERE o.id IS NULL AND i.id IS NULL
    UNION ALL
    SELECT 1, 'refund ' || l.refund_id FROM refund_lines l
    LEFT JOIN refunds r ON r.store_id = l.store_id AND r.id = l.refund_id WHERE r.id IS NULL
    UNION ALL
    SELECT 1, 'store ' || o.store_id FROM (SELECT DISTINCT store_id, currency FROM orders) o
    LEFT JOIN stores s ON s.id = o.store_id AND s.currency = o.currency WHERE s.id IS NULL
""")

OVERSOLD = text("""
    SELECT 1 AS found, 'sku ' || sku_id AS example FROM stock
    WHERE NOT (reserved BETWEEN 0 AND on_hand)
""")

STUCK_UNITS = text("""
    WITH wanted AS (
      SELECT l.store_id, l.sku_id, sum(l.quantity - l.shipped_quantity - l.returned_quantity) AS n
      FROM orders o JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
      WHERE o.state IN ('placed', 'paid', 'part_shipped') AND l.sku_id IS NOT NULL
      GROUP BY l.store_id, l.sku_id
    )
    SELECT abs(coalesce(s.reserved, 0) - coalesce(w.n, 0)) AS found,
      'sku ' || coalesce(s.sku_id, w.sku_id) AS example
    FROM stock s FULL JOIN wanted w ON w.store_id = s.store_id AND w.sku_id = s.sku_id
    WHERE coalesce(s.reserved, 0) <> coalesce(w.n, 0)
""")

PAID_WITHOUT_ENTRY = text("""
    SELECT 1 AS found, 'order ' || o.id AS example FROM orders o
    LEFT JOIN ledger_entries e
      ON e.store_id = o.store_id AND e.order_id = o.id AND e.kind = 'capture'
    WHERE (o.paid_at IS NOT NULL) <> (e.id IS NOT NULL)
""")

DOUBLE_KEYS = text("""
    SELECT count(*) - 1 AS found, 'entry key ' || key AS example
    FROM ledger_entries GROUP BY store_id, key HAVING count(*) > 1
    UNION ALL
    SELECT count(*) - 1, 'order key ' || idempotency_key
    FROM orders GROUP BY store_id, buyer_id, idempotency_key HAVING count(*) > 1
    UNION ALL
    SELECT count(*) - 1, 'captures of order ' || order_id FROM ledger_entries
    WHERE kind IN ('capture', 'final') GROUP BY store_id, order_id, kind HAVING count(*) > 1
""")

CAPTURED_WITHOUT_BOOKING = text("""
    SELECT 1 AS found, 'payment ' || p.id AS example FROM payments p
    LEFT JOIN payment_parts x ON x.payment_id = p.id
    WHERE p.state = 'captured' AND x.booked_at IS NULL AND p.captured_at < :patience_since
      AND NOT (x.payment_id IS NULL AND (
        EXISTS (SELECT FROM pay_ins i WHERE i.payment_id = p.id)
        OR EXISTS (SELECT FROM unallocated_money u WHERE u.payment_id = p.id)))
""")

COUPON_OVER_QUOTA = text("""
    SELECT greatest(c.used - c.quota, abs(c.used - count(u.order_id))) AS found,
      'coupon ' || c.id AS example
    FROM coupons c LEFT JOIN coupon_uses u
      ON u.store_id = c.store_id AND u.coupon_id = c.id AND u.released_at IS NULL
    GROUP BY c.store_id, c.id HAVING c.used > c.quota OR c.used <> count(u.order_id)
""")

OVERDUE_DEADLINES = text("""
    SELECT 1 AS found, kind || ' of ' || subject_id AS example FROM deadlines
    WHERE done_at IS NULL AND due_at < :patience_since
""")

EVENTS_WAITING = text("""
    SELECT 1 AS found, kind || ' ' || id AS example FROM events
    WHERE fanned_out_at IS NULL AND at < :patience_since
""")

JOBS_FAILED = text("""
    SELECT 1 AS found, task_name || ' ' || id AS example FROM procrastinate_jobs
    WHERE status = 'failed'
""")

# The wall-clock moment at which a job worker last gave a sign.
WORKER_SEEN = text("SELECT max(last_heartbeat) FROM procrastinate_workers")
