"""Sealing: every minute, what has been booked since becomes the next link of its store's chain.

A seal holds the hash of the seal before it, so nothing that is sealed can change unnoticed, and
its number and hash are published outside the database, so that not even a whole chain can be made
anew. An entry is sealed because it is not sealed yet, whenever it was written: it may commit late.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.ledger.rules import FIRST_HASH
from dougong.ledger.seal_queries import SealHead

MOST_IN_SEAL = 20_000

LAST_SEAL = text("""
    SELECT number, hash FROM ledger_seals WHERE store_id = :store_id ORDER BY number DESC LIMIT 1
""")

SEAL = text("""
    WITH single AS MATERIALIZED (
      SELECT entry_id FROM ledger_unsealed WHERE store_id = :store_id
      ORDER BY entry_id LIMIT :most
    ), begun AS MATERIALIZED (
      SELECT first_id, last_id FROM ledger_unsealed_ranges WHERE store_id = :store_id
      ORDER BY first_id LIMIT 1
    ), ranged AS MATERIALIZED (
      SELECT e.id AS entry_id FROM begun JOIN ledger_entries e
        ON e.store_id = :store_id AND e.id BETWEEN begun.first_id AND begun.last_id
      ORDER BY e.id LIMIT :most - (SELECT count(*) FROM single)
    ), taken AS MATERIALIZED (
      SELECT entry_id FROM single UNION ALL SELECT entry_id FROM ranged
    ), hashed AS MATERIALIZED (
      SELECT e.id, sha256(convert_to(concat_ws(chr(31), e.id, e.kind, e.key,
          coalesce(e.order_id::text, ''), coalesce(e.reverses::text, ''),
          (extract(epoch FROM e.counts_at) * 1000000)::bigint,
          (extract(epoch FROM e.written_at) * 1000000)::bigint)
        || coalesce(chr(30) || moves.said, ''), 'UTF8')) AS hash
      FROM taken JOIN ledger_entries e ON e.store_id = :store_id AND e.id = taken.entry_id
      LEFT JOIN LATERAL (
        SELECT string_agg(concat_ws(chr(31), t.n, t.src, t.dst, t.currency, t.amount_minor, t.part,
          coalesce(t.line_no::text, '')), chr(30) ORDER BY t.n) AS said
        FROM ledger_transfers t WHERE t.store_id = :store_id AND t.entry_id = e.id) AS moves ON true
    ), sealed AS (
      INSERT INTO ledger_seals (store_id, number, sealed_at, entries, hash)
      SELECT :store_id, :number, :at, count(*),
        sha256(:previous || string_agg(hash, ''::bytea ORDER BY id))
      FROM hashed HAVING count(*) > 0
      RETURNING number, hash, entries
    ), members AS (
      INSERT INTO ledger_sealed_entries (store_id, entry_id, seal_number)
      SELECT :store_id, hashed.id, sealed.number FROM hashed CROSS JOIN sealed
    ), moved AS (
      SELECT account_id, sum(amount) AS amount FROM (
        SELECT t.dst AS account_id, t.amount_minor AS amount
        FROM ledger_transfers t JOIN hashed ON hashed.id = t.entry_id WHERE t.store_id = :store_id
        UNION ALL
        SELECT t.src, -t.amount_minor
        FROM ledger_transfers t JOIN hashed ON hashed.id = t.entry_id WHERE t.store_id = :store_id
      ) AS sides GROUP BY account_id
    ), rolled AS (
      INSERT INTO ledger_rollups (store_id, account_id, seal_number, balance_minor)
      SELECT :store_id, moved.account_id, sealed.number,
        moved.amount + coalesce((
          SELECT r.balance_minor FROM ledger_rollups r
          WHERE r.store_id = :store_id AND r.account_id = moved.account_id
          ORDER BY r.seal_number DESC LIMIT 1), 0)
      FROM moved CROSS JOIN sealed
    ), gone AS (
      DELETE FROM ledger_unsealed u USING hashed
      WHERE u.store_id = :store_id AND u.entry_id = hashed.id
    ), ranges_gone AS (
      DELETE FROM ledger_unsealed_ranges r USING begun
      WHERE r.store_id = :store_id AND r.first_id = begun.first_id AND EXISTS (SELECT FROM ranged)
    ), ranges_left AS (
      INSERT INTO ledger_unsealed_ranges (store_id, first_id, last_id)
      SELECT :store_id, e.id, begun.last_id FROM begun JOIN ledger_entries e
        ON e.store_id = :store_id AND e.id <= begun.last_id
          AND e.id > (SELECT entry_id FROM ranged ORDER BY entry_id DESC LIMIT 1)
      ORDER BY e.id LIMIT 1
    )
    SELECT number, hash, entries FROM sealed
""")


async def seal(conn: AsyncConnection, *, store_id: StoreId, at: datetime) -> SealHead | None:
    """Seal up to MOST_IN_SEAL waiting entries of one book; None where nothing waits.

    What waits as a range of a history goes range by range, a large one in several seals.

    One sealer per book at a time: a second one waits for the first to commit.
    """
    await lock_book(conn, store_id=store_id)
    last = (await conn.execute(LAST_SEAL, {"store_id": store_id})).one_or_none()
    values: dict[str, Any] = {
        "store_id": store_id,
        "most": MOST_IN_SEAL,
        "at": at,
        "number": last.number + 1 if last else 1,
        "previous": bytes(last.hash) if last else FIRST_HASH,
    }
    made = (await conn.execute(SEAL, values)).one_or_none()
    return SealHead(store_id, made.number, bytes(made.hash)) if made else None


async def lock_book(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """Keep other sealers away from a book until the transaction ends."""
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:store_id AS text), 73))"),
        {"store_id": str(store_id)},
    )


async def books_with_unsealed(conn: AsyncConnection) -> Sequence[StoreId]:
    """The books in which entries wait for their seal."""
    found = await conn.scalars(
        text("""
            SELECT store_id FROM ledger_unsealed UNION SELECT store_id FROM ledger_unsealed_ranges
            ORDER BY 1
        """)
    )
    return [StoreId(store_id) for store_id in found]
