"""What must hold of after-sales cases, as SQL: each statement answers `found` and an `example`."""

from sqlalchemy import text

# What is frozen is that of open cases; what was granted was refunded; what was borne was booked.
MONEY = text("""
    WITH sides AS (
      SELECT e.store_id, split_part(e.key, ':', 2)::uuid AS case_id,
        coalesce(sum(m.amount) FILTER (WHERE a.purpose = 'case_hold'), 0) AS held,
        coalesce(sum(m.amount) FILTER (WHERE e.kind = 'case_borne'
          AND a.purpose = 'merchant_payable'), 0) AS borne,
        coalesce(sum(m.amount) FILTER (WHERE e.kind = 'case_claim'
          AND a.purpose = 'buyer_payable'), 0) AS claimed
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
        AS m (account_id, amount)
      JOIN ledger_accounts a ON a.store_id = e.store_id AND a.id = m.account_id
      WHERE e.kind IN ('case_held', 'case_released', 'case_borne', 'case_claim') GROUP BY 1, 2
    ), wanted AS (
      SELECT c.store_id, c.id AS case_id, c.borne_minor AS borne,
        abs(coalesce(c.granted_minor, 0) - coalesce(r.amount_minor, 0)) AS refund_wrong,
        coalesce(i.amount_minor, 0) AS claimed,
        CASE WHEN c.released_at IS NULL THEN coalesce((SELECT sum(h.amount_minor) FROM case_holds h
          WHERE h.store_id = c.store_id AND h.case_id = c.id), 0) ELSE 0 END AS held
      FROM cases c
      LEFT JOIN refunds r ON r.store_id = c.store_id AND r.id = c.refund_id
      LEFT JOIN insurance_claims i ON i.store_id = c.store_id AND i.case_id = c.id
    ), compared AS (
      SELECT coalesce(w.case_id, s.case_id) AS case_id, coalesce(w.refund_wrong, 0)
        + abs(coalesce(w.held, 0) - coalesce(s.held, 0))
        + abs(coalesce(w.borne, 0) - coalesce(s.borne, 0))
        + abs(coalesce(w.claimed, 0) - coalesce(s.claimed, 0)) AS found
      FROM wanted w FULL JOIN sides s ON s.store_id = w.store_id AND s.case_id = w.case_id
    )
    SELECT found, 'case ' || case_id AS example FROM compared WHERE found <> 0
""")

# What goods sent again cost is what the books say, and what stock says that left and came back.
RESENT = text("""
    WITH booked AS (
      SELECT e.store_id, split_part(e.key, ':', 2)::uuid AS case_id,
        sum(CASE WHEN t.part = 'resent' THEN t.amount_minor ELSE 0 END) AS cost,
        sum(CASE WHEN t.part = 'sent_back' THEN t.amount_minor ELSE 0 END) AS back
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      WHERE e.kind = 'case_resent' GROUP BY 1, 2
    ), written AS (
      SELECT store_id, case_id, sum(cost_minor) AS cost, sum(back_minor) AS back
      FROM resend_lines WHERE from_stock GROUP BY 1, 2
    ), lying AS (
      SELECT w.store_id, w.case_id,
        -coalesce(sum(m.value_minor) FILTER (WHERE m.kind = 'shipped'), 0) AS cost,
        coalesce(sum(m.value_minor) FILTER (WHERE m.kind = 'returned'), 0) AS back
      FROM written w
      LEFT JOIN stock_moves m ON m.store_id = w.store_id AND m.about_id = w.case_id
      GROUP BY 1, 2
    )
    SELECT abs(coalesce(w.cost, 0) - coalesce(b.cost, 0))
        + abs(coalesce(w.back, 0) - coalesce(b.back, 0))
        + abs(coalesce(w.cost, 0) - coalesce(l.cost, 0))
        + abs(coalesce(w.back, 0) - coalesce(l.back, 0)) AS found,
      'case ' || coalesce(w.case_id, b.case_id) AS example
    FROM written w FULL JOIN booked b ON b.store_id = w.store_id AND b.case_id = w.case_id
    LEFT JOIN lying l ON l.store_id = w.store_id AND l.case_id = w.case_id
    WHERE (coalesce(w.cost, 0), coalesce(w.back, 0), coalesce(w.cost, 0), coalesce(w.back, 0))
      <> (coalesce(b.cost, 0), coalesce(b.back, 0), coalesce(l.cost, 0), coalesce(l.back, 0))
""")

# A premium is booked once a policy was charged, that is with the first parcel, and only then; the
# pool is premiums less claims; no claim without a premium.
INSURANCE = text("""
    WITH moved AS (
      SELECT e.store_id, e.order_id, sum(CASE WHEN e.kind = 'case_premium' THEN m.amount
          ELSE 0 END) AS premium, sum(CASE WHEN e.kind = 'case_claim' THEN -m.amount
          ELSE 0 END) AS claim
      FROM ledger_entries e
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
        AS m (account_id, amount)
      JOIN ledger_accounts a ON a.store_id = e.store_id AND a.id = m.account_id
      WHERE e.kind IN ('case_premium', 'case_claim') AND a.purpose = 'insurance_pool'
      GROUP BY 1, 2
    ), wanted AS (
      SELECT p.store_id, p.order_id,
        CASE WHEN p.charged_at IS NULL THEN 0 ELSE p.premium_minor END AS premium,
        coalesce(c.amount_minor, 0) AS claim
      FROM insurance_policies p
      LEFT JOIN insurance_claims c ON c.store_id = p.store_id AND c.order_id = p.order_id
    )
    SELECT abs(coalesce(w.premium, 0) - coalesce(m.premium, 0))
        + abs(coalesce(w.claim, 0) - coalesce(m.claim, 0)) AS found,
      'freight insurance of order ' || coalesce(w.order_id, m.order_id) AS example
    FROM wanted w FULL JOIN moved m ON m.store_id = w.store_id AND m.order_id = w.order_id
    WHERE (coalesce(w.premium, 0), coalesce(w.claim, 0))
      <> (coalesce(m.premium, 0), coalesce(m.claim, 0))
    UNION ALL
    SELECT c.amount_minor, 'claim before any parcel of order ' || c.order_id
    FROM insurance_claims c
    JOIN insurance_policies p ON p.store_id = c.store_id AND p.order_id = c.order_id
    WHERE p.charged_at IS NULL
    UNION ALL
    SELECT p.premium_minor, 'premium of order ' || p.order_id
    FROM insurance_policies p JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    WHERE (p.charged_at IS NULL) <> NOT EXISTS (SELECT FROM order_lines l
      WHERE l.store_id = p.store_id AND l.order_id = p.order_id AND l.shipped_quantity > 0)
""")

# Units and money in open cases are those that are counted; an open case has the deadline that it
# says, a closed one none; an order is not final while its escrow is frozen.
WRONG = text("""
    SELECT 1 AS found, 'units of order ' || coalesce(u.order_id, l.order_id) || ' line '
      || coalesce(u.line_no, l.line_no) AS example
    FROM case_units u FULL JOIN (
      SELECT c.store_id, c.order_id, l.line_no, sum(l.quantity) AS units,
        sum(l.amount_minor) AS asked
      FROM cases c JOIN case_lines l ON l.store_id = c.store_id AND l.case_id = c.id
      WHERE c.closed_at IS NULL GROUP BY 1, 2, 3
    ) l ON l.store_id = u.store_id AND l.order_id = u.order_id AND l.line_no = u.line_no
    WHERE (coalesce(u.in_case, 0), coalesce(u.asked_minor, 0))
      <> (coalesce(l.units, 0), coalesce(l.asked, 0))
    UNION ALL
    SELECT 1, 'deadline of case ' || c.id
    FROM cases c LEFT JOIN deadlines d ON d.store_id = c.store_id AND d.subject_id = c.id
      AND d.done_at IS NULL
    WHERE c.due_kind NOT IN ('case_rule_by', 'case_rule_again_by')
        AND (c.due_kind, c.due_at) IS DISTINCT FROM (d.kind, d.due_at)
      OR c.due_kind IS NULL AND (d.kind IS NOT NULL OR c.closed_at IS NULL)
    UNION ALL
    SELECT 1, 'last move of case ' || c.id
    FROM cases c WHERE c.state IS DISTINCT FROM (SELECT m.to_state FROM case_moves m
      WHERE m.store_id = c.store_id AND m.case_id = c.id ORDER BY m.n DESC LIMIT 1)
    UNION ALL
    SELECT 1, 'order of case ' || c.id
    FROM cases c JOIN orders o ON o.store_id = c.store_id AND o.id = c.order_id
    WHERE c.closed_at IS NULL AND NOT c.was_final AND o.state = 'final'
    UNION ALL
    SELECT 1, 'order ' || o.id || ' waits for nothing'
    FROM orders o
    WHERE o.state = 'received' AND EXISTS (SELECT FROM cases c
        WHERE c.store_id = o.store_id AND c.order_id = o.id)
      AND NOT EXISTS (SELECT FROM deadlines d
        WHERE d.store_id = o.store_id AND d.kind = 'final_at' AND d.subject_id = o.id
          AND d.done_at IS NULL)
      AND NOT EXISTS (SELECT FROM cases c WHERE c.store_id = o.store_id AND c.order_id = o.id
        AND c.closed_at IS NULL)
""")
