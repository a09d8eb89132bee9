"""What must hold of coins and gifts, as SQL: each statement answers `found` and an `example`."""

from sqlalchemy import text

# What people paid for the coins that they still hold is what the books owe them.
COIN_LIABILITY = text("""
    WITH held AS (
      SELECT person_id, currency, sum(price_minor - used_minor)::bigint AS minor
      FROM coin_lots GROUP BY person_id, currency
    ), owed AS (
      SELECT a.owner_id, a.currency, sum(m.amount)::bigint AS minor
      FROM (
        SELECT store_id, dst AS account, amount_minor AS amount FROM ledger_transfers
        WHERE store_id = '00000000-0000-7000-8000-000000000001'
        UNION ALL
        SELECT store_id, src, -amount_minor FROM ledger_transfers
        WHERE store_id = '00000000-0000-7000-8000-000000000001'
      ) m JOIN ledger_accounts a ON a.store_id = m.store_id AND a.id = m.account
      WHERE a.purpose = 'coin_liability' GROUP BY a.owner_id, a.currency
    )
    SELECT abs(COALESCE(h.minor, 0) - COALESCE(o.minor, 0)) AS found,
      'person ' || COALESCE(h.person_id, o.owner_id) AS example
    FROM held h FULL JOIN owed o ON o.owner_id = h.person_id AND o.currency = h.currency
    WHERE COALESCE(h.minor, 0) <> COALESCE(o.minor, 0)
""")

# A gift is what was taken from its lots.
GIFTS_WRONG = text("""
    SELECT 1 AS found, 'gift ' || g.id AS example
    FROM gifts g LEFT JOIN gift_uses u ON u.gift_id = g.id
    GROUP BY g.id HAVING g.coins <> COALESCE(sum(u.coins), 0)
      OR g.value_minor <> COALESCE(sum(u.value_minor), 0)
    UNION ALL
    SELECT 1, 'gifts of purchase ' || l.pay_in_id
    FROM coin_lots l LEFT JOIN (
      SELECT u.pay_in_id, sum(u.coins) AS coins, sum(u.value_minor) AS minor
      FROM gift_uses u JOIN gifts g ON g.id = u.gift_id AND g.reversed_at IS NULL
      GROUP BY u.pay_in_id
    ) u ON u.pay_in_id = l.pay_in_id
    LEFT JOIN (
      SELECT r.order_id, sum(r.amount_minor) AS minor, sum(x.quantity) AS coins
      FROM refunds r JOIN refund_lines x ON x.store_id = r.store_id AND x.refund_id = r.id
      WHERE r.store_id = '00000000-0000-7000-8000-000000000001' GROUP BY r.order_id
    ) b ON b.order_id = l.pay_in_id
    WHERE l.used <> COALESCE(u.coins, 0) + COALESCE(b.coins, 0)
      OR l.used_minor <> COALESCE(u.minor, 0) + COALESCE(b.minor, 0)
""")
