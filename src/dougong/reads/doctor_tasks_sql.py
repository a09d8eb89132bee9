"""The invariants of tasks as SQL; as `doctor_sql.py` for orders."""

from sqlalchemy import text

# What was held, and what of it each account got, by what is frozen on the task; beside the books.
# The same as tasks.work_rules.work_shares.
UNEXPLAINED = text("""
    WITH shares AS (
      SELECT w.*, div(basis_minor::numeric * share_bp, 10000)
        + div(coalesce(reached_minor, 0)::numeric * coalesce(reached_bp, 0), 10000) AS earned
      FROM task_works w
    ), wanted AS (
      SELECT task_id, 'task_escrow' AS purpose, brand_id AS owner_id,
        CASE WHEN closed_at IS NULL THEN funded_minor ELSE 0 END::numeric AS amount FROM shares
      UNION ALL SELECT task_id, 'advertiser_funds', brand_id,
        coalesce(funded_minor - earned, 0) - funded_minor FROM shares
      UNION ALL SELECT task_id, 'platform_service_fee', CAST(:platform AS uuid),
        div(earned * service_fee_bp, 10000) FROM shares WHERE closed_at IS NOT NULL
      UNION ALL SELECT task_id, 'agency_payable', agency_id,
        div((earned - div(earned * service_fee_bp, 10000)) * agency_bp, 10000) FROM shares
        WHERE closed_at IS NOT NULL AND agency_id IS NOT NULL
      UNION ALL SELECT task_id, 'creator_payable', creator_id,
        earned - div(earned * service_fee_bp, 10000)
          - div((earned - div(earned * service_fee_bp, 10000)) * agency_bp, 10000) FROM shares
        WHERE closed_at IS NOT NULL
    ), booked AS (
      SELECT e.order_id AS task_id, a.purpose, a.owner_id, sum(m.amount) AS amount
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
        AS m (account_id, amount)
      JOIN ledger_accounts a ON a.store_id = e.store_id AND a.id = m.account_id
      WHERE e.kind LIKE 'task%' GROUP BY 1, 2, 3
    )
    SELECT abs(coalesce(w.amount, 0) - coalesce(b.amount, 0)) AS found,
      'task ' || coalesce(w.task_id, b.task_id) || ' ' || coalesce(w.purpose, b.purpose) AS example
    FROM wanted w FULL JOIN booked b
      ON b.task_id = w.task_id AND b.purpose = w.purpose AND b.owner_id = w.owner_id
    WHERE coalesce(w.amount, 0) <> coalesce(b.amount, 0)
""")

# Nobody has spent what was not paid in, and places and budget are those of the tasks.
OVERSPENT = text("""
    SELECT -sum(m.amount) AS found, 'funds of ' || a.owner_id AS example
    FROM ledger_accounts a
    JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.src, t.dst)
    CROSS JOIN LATERAL (SELECT CASE WHEN t.dst = a.id THEN t.amount_minor
      ELSE -t.amount_minor END AS amount) AS m
    WHERE a.purpose IN ('advertiser_funds', 'task_escrow')
    GROUP BY a.store_id, a.id, a.owner_id HAVING sum(m.amount) < 0
    UNION ALL
    SELECT abs(b.taken_minor - coalesce(w.funded, 0)) + abs(b.taken - coalesce(w.tasks, 0)),
      'brief ' || b.id
    FROM task_briefs b
    LEFT JOIN (SELECT brief_id, count(*) AS tasks, sum(funded_minor) AS funded
      FROM task_works GROUP BY 1) w ON w.brief_id = b.id
    WHERE b.taken_minor <> coalesce(w.funded, 0) OR b.taken <> coalesce(w.tasks, 0)
""")
