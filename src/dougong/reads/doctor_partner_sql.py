"""What the doctor asks of reconciliation: each statement answers rows of (found, example)."""

from sqlalchemy import text

# What a run says of itself beside its rows: by currency and outcome, and all together.
RUN_SUMS = text("""
    WITH rows_ AS (
      SELECT run_id, currency, outcome, count(*) AS n, sum(gap_minor) AS gap,
        sum(coalesce(ours_minor, 0)) AS ours, sum(coalesce(theirs_minor, 0)) AS theirs,
        sum(coalesce(received_minor, 0)) AS received
      FROM reconciliation_rows GROUP BY 1, 2, 3
    ), sums AS (
      SELECT * FROM reconciliation_sums WHERE outcome NOT IN ('matched', 'waiting')
    )
    SELECT 1 AS found, 'run ' || coalesce(s.run_id, r.run_id) || ' '
      || coalesce(s.outcome, r.outcome) AS example
    FROM sums s FULL JOIN rows_ r
      ON r.run_id = s.run_id AND r.currency = s.currency AND r.outcome = s.outcome
    WHERE (s.orders, s.gap_minor, s.ours_minor, s.theirs_minor, s.received_minor)
      IS DISTINCT FROM (r.n, r.gap, r.ours, r.theirs, r.received)
    UNION ALL
    SELECT 1, 'run ' || n.id FROM reconciliation_runs n
    LEFT JOIN LATERAL (SELECT coalesce(sum(orders), 0) AS orders, coalesce(sum(orders)
        FILTER (WHERE outcome NOT IN ('matched', 'waiting')), 0) AS differences
      FROM reconciliation_sums WHERE run_id = n.id) s ON true
    WHERE (n.orders, n.differences) <> (s.orders, s.differences)
""")

# A difference that waits for somebody stands in the run that it was last seen in, and that run is
# done; and every row of a run has its case.
CASES_LOST = text("""
    SELECT 1 AS found, 'case ' || c.id AS example FROM reconciliation_cases c
    LEFT JOIN reconciliation_runs n ON n.id = c.last_run_id AND n.state = 'done'
    LEFT JOIN reconciliation_rows r ON r.run_id = n.id AND r.case_id = c.id
    WHERE c.state NOT IN ('closed', 'accepted') AND r.case_id IS NULL
    UNION ALL
    SELECT 1, 'row ' || r.subject || ' of run ' || r.run_id FROM reconciliation_rows r
    LEFT JOIN reconciliation_cases c ON c.id = r.case_id AND c.subject = r.subject
    LEFT JOIN reconciliation_runs n ON n.id = r.run_id
    WHERE c.id IS NULL OR n.id IS NULL
""")

# What came from partners, and what was written off, beside the entries that book it.
PARTNER_MONEY = text("""
    WITH wanted AS (
      SELECT 'receipt:' || id AS key, amount_minor AS amount, currency FROM receipts
      UNION ALL
      SELECT 'write_off:' || id, amount_minor, currency FROM write_offs WHERE state = 'booked'
    ), booked AS (
      SELECT e.key, t.currency,
        sum(CASE WHEN a.purpose = 'partner_receivable' THEN t.amount_minor
          ELSE -t.amount_minor END) * CASE WHEN e.kind = 'partner_payment' THEN 1 ELSE -1 END
          AS amount
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      JOIN ledger_accounts a ON a.store_id = t.store_id AND a.id = t.dst
      WHERE e.kind IN ('partner_payment', 'partner_write_off') GROUP BY e.key, e.kind, t.currency
    )
    SELECT abs(coalesce(w.amount, 0) - coalesce(b.amount, 0)) AS found,
      coalesce(w.key, b.key) AS example
    FROM wanted w FULL JOIN booked b ON b.key = w.key AND b.currency = w.currency
    WHERE coalesce(w.amount, 0) <> coalesce(b.amount, 0)
""")
