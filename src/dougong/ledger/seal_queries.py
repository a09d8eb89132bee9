"""Checking the chains: every seal is computed again from what the books hold now."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, StoreId
from dougong.ledger.rules import FIRST_HASH


class SealHead(msgspec.Struct, frozen=True):
    """A seal as it is published: the book, the number in its chain, SHA-256."""

    store_id: StoreId
    number: int
    hash: bytes


class BrokenSeal(msgspec.Struct, frozen=True):
    """A seal that does not hold. `why`: `contents` (an entry or transfer of it was changed, added
    or removed, or the seal before it was), `gap` (numbers are missing before it), `unpublished`
    (it was published with another hash, or is not there any more)."""

    store_id: UUID
    number: int
    why: str


VERIFY = text("""
    WITH moves AS (
      SELECT t.store_id, t.entry_id, string_agg(concat_ws(chr(31), t.n, t.src, t.dst, t.currency,
        t.amount_minor, t.part, coalesce(t.line_no::text, '')), chr(30) ORDER BY t.n) AS said
      FROM ledger_transfers t GROUP BY t.store_id, t.entry_id
    ), hashed AS (
      SELECT m.store_id, m.seal_number, e.id, sha256(convert_to(concat_ws(chr(31), e.id, e.kind,
          e.key, coalesce(e.order_id::text, ''), coalesce(e.reverses::text, ''),
          (extract(epoch FROM e.counts_at) * 1000000)::bigint,
          (extract(epoch FROM e.written_at) * 1000000)::bigint)
        || coalesce(chr(30) || moves.said, ''), 'UTF8')) AS hash
      FROM ledger_sealed_entries m
      JOIN ledger_entries e ON e.store_id = m.store_id AND e.id = m.entry_id
      LEFT JOIN moves ON moves.store_id = m.store_id AND moves.entry_id = m.entry_id
    ), contents AS (
      SELECT store_id, seal_number, count(*) AS entries,
        string_agg(hash, ''::bytea ORDER BY id) AS hashes
      FROM hashed GROUP BY store_id, seal_number
    ), chain AS (
      SELECT store_id, number, entries, hash,
        coalesce(lag(hash) OVER book, :first_hash) AS previous,
        coalesce(lag(number) OVER book, 0) AS previous_number
      FROM ledger_seals WINDOW book AS (PARTITION BY store_id ORDER BY number)
    )
    SELECT chain.store_id, chain.number,
      CASE WHEN chain.number <> chain.previous_number + 1 THEN 'gap' ELSE 'contents' END AS why
    FROM chain LEFT JOIN contents c
      ON c.store_id = chain.store_id AND c.seal_number = chain.number
    WHERE chain.number <> chain.previous_number + 1
      OR c.entries IS DISTINCT FROM chain.entries
      OR sha256(chain.previous || coalesce(c.hashes, ''::bytea)) <> chain.hash
    ORDER BY chain.store_id, chain.number
""")


async def verify_seals(
    conn: AsyncConnection, *, published: Iterable[SealHead] = ()
) -> list[BrokenSeal]:
    """Every seal that does not hold, first one of each book first.

    `published`: heads kept outside the database; they show a chain that was cut or made anew.
    Reads every transfer once: run it in a snapshot of the slow engine.
    """
    found = await conn.execute(VERIFY, {"first_hash": FIRST_HASH})
    broken = [BrokenSeal(row.store_id, row.number, row.why) for row in found]
    return broken + await _against(conn, list(published))


async def _against(conn: AsyncConnection, heads: list[SealHead]) -> list[BrokenSeal]:
    rows = await conn.execute(
        text("""
            SELECT p.store_id, p.number
            FROM unnest(CAST(:store_ids AS uuid[]), CAST(:numbers AS bigint[]),
              CAST(:hashes AS bytea[])) AS p (store_id, number, hash)
            LEFT JOIN ledger_seals s ON s.store_id = p.store_id AND s.number = p.number
            WHERE s.hash IS DISTINCT FROM p.hash ORDER BY 1, 2
        """),
        {
            "store_ids": [head.store_id for head in heads],
            "numbers": [head.number for head in heads],
            "hashes": [head.hash for head in heads],
        },
    )
    return [BrokenSeal(row.store_id, row.number, "unpublished") for row in rows]


async def captured_in(
    conn: AsyncConnection, *, store_id: StoreId, number: int | None = None
) -> list[OrderId]:
    """The orders whose captures one seal of a book holds, or all of its seals."""
    found = await conn.scalars(
        text("""
            SELECT e.order_id FROM ledger_sealed_entries x
            JOIN ledger_entries e ON e.store_id = x.store_id AND e.id = x.entry_id
            WHERE x.store_id = :store_id AND e.kind = 'capture'
              AND (CAST(:number AS bigint) IS NULL OR x.seal_number = :number)
        """),
        {"store_id": store_id, "number": number},
    )
    return [OrderId(order_id) for order_id in found]


async def books_sealed(conn: AsyncConnection) -> list[StoreId]:
    """The books that have a seal."""
    found = await conn.scalars(text("SELECT DISTINCT store_id FROM ledger_seals ORDER BY 1"))
    return [StoreId(store_id) for store_id in found]
