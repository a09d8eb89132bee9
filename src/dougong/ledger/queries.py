"""Balances and statements: the last rollup of each account plus what is not sealed yet."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import EntryId, StoreId


class Balance(msgspec.Struct, frozen=True):
    """One account and what it holds, in minor units; negative where more went out than in."""

    store_id: StoreId
    account_id: UUID
    owner_id: UUID
    purpose: str
    currency: str
    balance_minor: int


BALANCES = text("""
    WITH chosen AS MATERIALIZED (
      SELECT a.store_id, a.id, a.owner_id, a.purpose, a.currency FROM ledger_accounts a
      WHERE (CAST(:store_id AS uuid) IS NULL OR a.store_id = :store_id)
        AND (CAST(:owner_id AS uuid) IS NULL OR a.owner_id = :owner_id)
        AND (CAST(:account_id AS uuid) IS NULL OR a.id = :account_id)
    ), tail AS MATERIALIZED (
      SELECT store_id, account_id, sum(amount) AS amount FROM (
        SELECT t.store_id, t.dst AS account_id, t.amount_minor AS amount
        FROM ledger_waiting u JOIN ledger_transfers t USING (store_id, entry_id)
        WHERE CAST(:store_id AS uuid) IS NULL OR u.store_id = :store_id
        UNION ALL
        SELECT t.store_id, t.src, -t.amount_minor
        FROM ledger_waiting u JOIN ledger_transfers t USING (store_id, entry_id)
        WHERE CAST(:store_id AS uuid) IS NULL OR u.store_id = :store_id
      ) AS sides GROUP BY store_id, account_id
    )
    SELECT c.store_id, c.id AS account_id, c.owner_id, c.purpose, c.currency,
      (coalesce(rolled.balance_minor, 0) + coalesce(tail.amount, 0))::bigint AS balance_minor
    FROM chosen c
    LEFT JOIN LATERAL (
      SELECT r.balance_minor FROM ledger_rollups r
      WHERE r.store_id = c.store_id AND r.account_id = c.id
      ORDER BY r.seal_number DESC LIMIT 1) AS rolled ON true
    LEFT JOIN tail ON tail.store_id = c.store_id AND tail.account_id = c.id
    ORDER BY c.currency, c.purpose, c.store_id, c.id
""")


async def balances(
    conn: AsyncConnection,
    *,
    store_id: StoreId | None = None,
    owner_id: UUID | None = None,
    account_id: UUID | None = None,
) -> list[Balance]:
    """The balances of all accounts of a book, of an owner across books, or of one account."""
    chosen = {"store_id": store_id, "owner_id": owner_id, "account_id": account_id}
    return [Balance(**row) for row in (await conn.execute(BALANCES, chosen)).mappings()]


class TrialRow(msgspec.Struct, frozen=True):
    """All accounts of one purpose and currency: how many, and what they hold together."""

    currency: str
    purpose: str
    accounts: int
    debit_minor: int  # what the negative ones are short of
    credit_minor: int  # what the positive ones hold
    balance_minor: int


async def trial_balance(
    conn: AsyncConnection, *, store_id: StoreId | None = None
) -> list[TrialRow]:
    """Purpose by purpose; the balances of one currency sum to zero."""
    found: dict[tuple[str, str], list[int]] = {}
    for one in await balances(conn, store_id=store_id):
        found.setdefault((one.currency, one.purpose), []).append(one.balance_minor)
    return [
        TrialRow(
            currency=currency,
            purpose=purpose,
            accounts=len(held),
            debit_minor=-sum(amount for amount in held if amount < 0),
            credit_minor=sum(amount for amount in held if amount > 0),
            balance_minor=sum(held),
        )
        for (currency, purpose), held in sorted(found.items())
    ]


class StatementLine(msgspec.Struct, frozen=True):
    """One transfer as an account sees it: `amount_minor` is negative where it went out, and
    `balance_minor` what the account held after it, in the order of writing."""

    entry_id: EntryId
    n: int
    kind: str
    key: str
    order_id: UUID | None
    counts_at: datetime
    written_at: datetime
    part: str
    line_no: int | None
    other_owner_id: UUID
    other_purpose: str
    amount_minor: int
    balance_minor: int


STATEMENT = text("""
    WITH sides AS (
      (SELECT entry_id, n, part, line_no, src AS other, amount_minor AS amount
       FROM ledger_transfers WHERE store_id = :store_id AND dst = :account_id
         AND (CAST(:entry_id AS uuid) IS NULL OR (entry_id, n) < (:entry_id, :n))
       ORDER BY entry_id DESC, n DESC LIMIT :most)
      UNION ALL
      (SELECT entry_id, n, part, line_no, dst, -amount_minor
       FROM ledger_transfers WHERE store_id = :store_id AND src = :account_id
         AND (CAST(:entry_id AS uuid) IS NULL OR (entry_id, n) < (:entry_id, :n))
       ORDER BY entry_id DESC, n DESC LIMIT :most)
    ), page AS (SELECT * FROM sides ORDER BY entry_id DESC, n DESC LIMIT :most)
    SELECT p.entry_id, p.n, e.kind, e.key, e.order_id, e.counts_at, e.written_at, p.part,
      p.line_no, a.owner_id AS other_owner_id, a.purpose AS other_purpose, p.amount AS amount_minor
    FROM page p
    JOIN ledger_entries e ON e.store_id = :store_id AND e.id = p.entry_id
    JOIN ledger_accounts a ON a.store_id = :store_id AND a.id = p.other
    ORDER BY p.entry_id DESC, p.n DESC
""")

SINCE = text("""
    SELECT coalesce(sum(amount), 0)::bigint FROM (
      SELECT amount_minor AS amount FROM ledger_transfers
      WHERE store_id = :store_id AND dst = :account_id AND (entry_id, n) >= (:entry_id, :n)
      UNION ALL
      SELECT -amount_minor FROM ledger_transfers
      WHERE store_id = :store_id AND src = :account_id AND (entry_id, n) >= (:entry_id, :n)
    ) AS newer
""")


async def statement(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    account_id: UUID,
    before: tuple[EntryId, int] | None,
    most: int,
) -> list[StatementLine]:
    """Up to `most` lines of one account, the newest first, from before (entry, number) on."""
    entry_id, n = before or (None, 0)
    where = {"store_id": store_id, "account_id": account_id, "entry_id": entry_id, "n": n}
    held = await balances(conn, store_id=store_id, account_id=account_id)
    balance = held[0].balance_minor if held else 0
    if before:
        balance -= int(await conn.scalar(SINCE, where) or 0)
    lines = []
    for row in (await conn.execute(STATEMENT, where | {"most": most})).mappings():
        lines.append(StatementLine(**row, balance_minor=balance))
        balance -= row["amount_minor"]
    return lines


async def entry_by_key(conn: AsyncConnection, *, store_id: StoreId, key: str) -> EntryId | None:
    """The entry that a key has booked in a store's book."""
    found = await conn.scalar(
        text("SELECT id FROM ledger_entries WHERE store_id = :store_id AND key = :key"),
        {"store_id": store_id, "key": key},
    )
    return EntryId(found) if found else None
