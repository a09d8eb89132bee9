"""The invariants of orders at other platforms as SQL; as `doctor_sql.py` for our own."""

from sqlalchemy import text

# The shares of every order in the books by its ruling's rates, beside what was booked to each
# account. The same as referrals.rules.referral_shares, in numeric so that no product overflows.
UNEXPLAINED = text("""
    WITH kept AS (
      SELECT o.id, o.currency, r.creator_id, r.commission_cut_bp, o.receivable_owner_id,
        (o.settled_minor - o.refunded_minor)::numeric AS received,
        div((o.settled_minor - o.refunded_minor)::numeric * r.service_fee_bp, 10000) AS fee
      FROM referral_orders o JOIN referral_rulings r ON r.id = o.ruling_id
      WHERE o.booked_at IS NOT NULL
    ), shares AS (
      SELECT *, div((received - fee) * commission_cut_bp, 10000) AS cut FROM kept
    ), wanted AS (
      SELECT id, 'partner_receivable' AS purpose, receivable_owner_id AS owner_id,
        -received AS amount FROM shares
      UNION ALL SELECT id, 'platform_service_fee', CAST(:platform AS uuid), fee FROM shares
      UNION ALL SELECT id, 'platform_commission_cut', CAST(:platform AS uuid), cut FROM shares
      UNION ALL SELECT id, 'creator_payable', creator_id, received - fee - cut FROM shares
        WHERE creator_id IS NOT NULL
    ), sides AS (
      SELECT e.order_id AS id, a.purpose, a.owner_id, m.amount
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
        AS m (account_id, amount)
      JOIN ledger_accounts a ON a.store_id = e.store_id AND a.id = m.account_id
      WHERE e.kind LIKE 'referral%'
    ), booked AS (
      SELECT id, purpose, owner_id, sum(amount) AS amount FROM sides GROUP BY 1, 2, 3
    )
    SELECT abs(coalesce(w.amount, 0) - coalesce(b.amount, 0)) AS found,
      'referral order ' || coalesce(w.id, b.id) || ' ' || coalesce(w.purpose, b.purpose) AS example
    FROM wanted w FULL JOIN booked b
      ON b.id = w.id AND b.purpose = w.purpose AND b.owner_id = w.owner_id
    WHERE coalesce(w.amount, 0) <> coalesce(b.amount, 0)
""")

# What orders made each source owe us is what these orders have settled, less what was taken back.
RECEIVABLE = text("""
    WITH owed AS (
      SELECT receivable_owner_id AS owner_id, currency,
        sum(settled_minor - refunded_minor) AS amount
      FROM referral_orders WHERE booked_at IS NOT NULL GROUP BY 1, 2
    ), booked AS (
      SELECT a.owner_id, a.currency, sum(CASE WHEN t.src = a.id THEN t.amount_minor
        ELSE -t.amount_minor END) AS amount
      FROM ledger_accounts a
      JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.src, t.dst)
      JOIN ledger_entries e ON e.store_id = t.store_id AND e.id = t.entry_id
      WHERE a.purpose = 'partner_receivable' AND e.kind LIKE 'referral%' GROUP BY 1, 2
    )
    SELECT abs(coalesce(o.amount, 0) - coalesce(b.amount, 0)) AS found,
      'source ' || coalesce(o.owner_id, b.owner_id) AS example
    FROM owed o FULL JOIN booked b ON b.owner_id = o.owner_id AND b.currency = o.currency
    WHERE coalesce(o.amount, 0) <> coalesce(b.amount, 0)
""")

# A settled order is in the books by a ruling, or parked and says why; refunds sum to what is taken.
UNDECIDED = text("""
    SELECT 1 AS found, 'referral order ' || id AS example FROM referral_orders
    WHERE state = 'settled' AND (booked_at IS NULL) <> (parked <> '')
    UNION ALL
    SELECT 1, 'referral order ' || o.id FROM referral_orders o
    LEFT JOIN (SELECT order_id, sum(amount_minor) AS amount FROM referral_refunds GROUP BY 1) f
      ON f.order_id = o.id
    WHERE o.refunded_minor <> coalesce(f.amount, 0)
    UNION ALL
    SELECT 1, 'referral order ' || o.id FROM referral_orders o
    LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, id, claim_id
      FROM referral_rulings ORDER BY order_id, number DESC) r ON r.order_id = o.id
    WHERE o.ruling_id IS DISTINCT FROM CASE WHEN r.claim_id IS NOT NULL THEN r.id END
""")
