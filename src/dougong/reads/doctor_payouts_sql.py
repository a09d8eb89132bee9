"""What must hold of payouts, as SQL: each statement answers `found` and an `example`."""

from sqlalchemy import text

# What lies with banks, and what banks have paid, is what payouts say; of one that came back
# nothing.
MONEY = text("""
    WITH booked AS (
      SELECT e.store_id, split_part(e.key, ':', 2)::uuid AS payout_id,
        sum(m.amount) FILTER (WHERE a.purpose = 'bank_clearing') AS bank,
        sum(m.amount) FILTER (WHERE a.purpose = 'paid_out') AS paid,
        sum(m.amount) FILTER (WHERE a.purpose NOT IN ('bank_clearing', 'paid_out')) AS payee
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
        AS m (account_id, amount)
      JOIN ledger_accounts a ON a.store_id = e.store_id AND a.id = m.account_id
      WHERE e.kind IN ('payout', 'payout_confirmed', 'payout_returned') GROUP BY 1, 2
    ), compared AS (
      SELECT coalesce(p.id, b.payout_id) AS payout_id,
        abs(coalesce(b.bank, 0) - CASE WHEN p.state IN ('booked', 'held', 'sent')
          THEN p.amount_minor ELSE 0 END)
        + abs(coalesce(b.paid, 0) - CASE WHEN p.state = 'confirmed' THEN p.amount_minor ELSE 0 END)
        + abs(coalesce(b.payee, 0) + CASE WHEN p.state <> 'returned' THEN p.amount_minor
          ELSE 0 END) AS found
      FROM payouts p FULL JOIN booked b ON b.store_id = p.store_id AND b.payout_id = p.id
    )
    SELECT found, 'payout ' || payout_id AS example FROM compared WHERE found <> 0
""")

# A payout stands where its history says; a run comes to what its payouts come to, and no payout
# went to a bank before its run was let go.
WRONG = text("""
    SELECT 1 AS found, 'last move of payout ' || p.id AS example
    FROM payouts p WHERE p.state IS DISTINCT FROM (SELECT m.to_state FROM payout_moves m
      WHERE m.store_id = p.store_id AND m.payout_id = p.id ORDER BY m.n DESC LIMIT 1)
    UNION ALL
    SELECT 1, 'sums of run ' || r.id
    FROM payout_runs r LEFT JOIN (
      SELECT run_id, count(*) AS payouts, sum(amount_minor) AS minor
      FROM payouts WHERE retry_of IS NULL GROUP BY 1) p ON p.run_id = r.id
    WHERE r.state <> 'making'
      AND (r.payouts, r.total_minor) <> (coalesce(p.payouts, 0), coalesce(p.minor, 0))
    UNION ALL
    SELECT 1, 'payout ' || p.id || ' of a run that nobody let go'
    FROM payouts p JOIN payout_runs r ON r.id = p.run_id
    WHERE r.state <> 'approved' AND p.sent_at IS NOT NULL
""")
