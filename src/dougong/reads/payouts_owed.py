"""Who is owed what: payable accounts step by step over all books, with where they are paid."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.ledger.rules import PLATFORM

NEXT = text("""
    SELECT store_id, id FROM ledger_accounts
    WHERE purpose = :purpose AND currency = :currency AND owner_id <> :platform
      AND (store_id, id) > (CAST(:after_store AS uuid), CAST(:after_account AS uuid))
    ORDER BY store_id, id LIMIT :most
""")
OF_PAYEE = text("""
    SELECT store_id, id FROM ledger_accounts
    WHERE owner_id = :payee_id AND purpose = ANY(CAST(:purposes AS text[])) ORDER BY store_id, id
""")
OWED = text("""
    WITH chosen AS MATERIALIZED (
      SELECT a.store_id, a.id, a.owner_id, a.purpose, a.currency
      FROM unnest(CAST(:stores AS uuid[]), CAST(:accounts AS uuid[])) AS w (store_id, id)
      JOIN ledger_accounts a ON a.store_id = w.store_id AND a.id = w.id
    ), books AS MATERIALIZED (
      SELECT DISTINCT store_id FROM chosen
    ), tail AS MATERIALIZED (
      SELECT t.store_id, side.id, sum(side.amount) AS amount
      FROM books b
      JOIN ledger_waiting u ON u.store_id = b.store_id
      JOIN ledger_transfers t ON t.store_id = u.store_id AND t.entry_id = u.entry_id
      CROSS JOIN LATERAL (VALUES (t.dst, t.amount_minor), (t.src, -t.amount_minor))
        AS side (id, amount)
      GROUP BY 1, 2
    ), recent AS MATERIALIZED (
      SELECT c.store_id, c.id, sum(t.amount_minor) AS amount
      FROM books b
      JOIN ledger_entries e ON e.store_id = b.store_id
        AND e.counts_at > CAST(:since AS timestamptz) AND e.kind <> 'payout_returned'
      JOIN ledger_transfers t ON t.store_id = e.store_id AND t.entry_id = e.id
      JOIN chosen c ON c.store_id = t.store_id AND c.id = t.dst
      GROUP BY 1, 2
    )
    SELECT c.store_id, c.id AS ledger_id, c.owner_id AS payee_id, c.purpose,
      c.currency::text AS currency,
      (coalesce(rolled.balance_minor, 0) + coalesce(tail.amount, 0))::bigint AS balance_minor,
      coalesce(recent.amount, 0)::bigint AS recent_minor,
      p.id AS account_id, p.made_at, p.verified_at, p.replaces IS NOT NULL AS is_change
    FROM chosen c
    LEFT JOIN LATERAL (
      SELECT r.balance_minor FROM ledger_rollups r
      WHERE r.store_id = c.store_id AND r.account_id = c.id
      ORDER BY r.seal_number DESC LIMIT 1) AS rolled ON true
    LEFT JOIN tail ON tail.store_id = c.store_id AND tail.id = c.id
    LEFT JOIN recent ON recent.store_id = c.store_id AND recent.id = c.id
    LEFT JOIN payout_accounts p ON p.payee_id = c.owner_id AND p.currency = c.currency
      AND p.closed_at IS NULL
    ORDER BY c.store_id, c.id
""")
Name = tuple[StoreId, UUID]


class Owed(msgspec.Struct, frozen=True):
    """What a payable account holds, what of it was credited since the instant asked for, and the
    payee's account at a bank (None where there is none)."""

    store_id: StoreId
    ledger_id: UUID
    payee_id: UUID
    purpose: str
    currency: str
    balance_minor: int
    recent_minor: int
    account_id: UUID | None
    made_at: datetime | None
    verified_at: datetime | None
    is_change: bool


async def next_payables(
    conn: AsyncConnection, *, purpose: str, currency: str, after: tuple[UUID, UUID], most: int
) -> list[Name]:
    """Up to `most` payable accounts of all books, from behind (book, account) on."""
    found = await conn.execute(
        NEXT,
        {"purpose": purpose, "currency": currency, "platform": PLATFORM, "after_store": after[0],
         "after_account": after[1], "most": most},
    )  # fmt: skip
    return [(StoreId(row.store_id), row.id) for row in found]


async def payables_of(
    conn: AsyncConnection, *, payee_id: UUID, purposes: Sequence[str]
) -> list[Name]:
    """The payable accounts of one payee in all books."""
    found = await conn.execute(OF_PAYEE, {"payee_id": payee_id, "purposes": list(purposes)})
    return [(StoreId(row.store_id), row.id) for row in found]


async def owed(conn: AsyncConnection, *, accounts: Sequence[Name], since: datetime) -> list[Owed]:
    """What these accounts hold now. `since`: credits that count later are recent."""
    if not accounts:
        return []
    where = {"stores": [one[0] for one in accounts], "accounts": [one[1] for one in accounts]}
    found = await conn.execute(OWED, where | {"since": since})
    return [Owed(**row) for row in found.mappings()]
