"""Fills a fresh database for a measurement."""

import asyncio
import hashlib
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import text
from tests.factories import AStore, a_store, the_rules

from dougong.infra.clock import wall_now
from dougong.infra.db import dispose, transaction
from dougong.infra.migrate import migrate

SEED_BUYERS = text("""
    WITH who AS (
      SELECT * FROM unnest(
        CAST(:people AS uuid[]), CAST(:addresses AS uuid[]), CAST(:tokens AS bytea[])
      ) AS w (person_id, address_id, token_hash)
    ), made AS (
      INSERT INTO people (id, email, name, password_hash, locale, created_at)
      SELECT person_id, person_id || '@bench.example', 'Buyer', '-', 'en', :at FROM who
      RETURNING id
    ), signed_in AS (
      INSERT INTO sessions (token_hash, person_id, created_at, expires_at)
      SELECT token_hash, person_id, :at, CAST(:at AS timestamptz) + interval '1 day' FROM who
    )
    INSERT INTO addresses (person_id, id, recipient, phone, province, city, line)
    SELECT person_id, address_id, 'Buyer', '13800000000', '上海', '上海', '南京东路 1 号' FROM who
""")


def flash_sale(home: Path, *, buyers: int, units: int) -> tuple[AStore, Path]:
    """One SKU of `units`, and a file with each buyer's token, key and address."""
    migrate()
    people = [(uuid4(), uuid4(), uuid4().hex) for _ in range(buyers)]
    store = asyncio.run(_flash_sale(people, units))
    prepared = home / "requests.tsv"
    lines = (f"{token}\tflash-{person.hex}\t{address}" for person, address, token in people)
    prepared.write_text("\n".join(lines) + "\n")
    return store, prepared


async def _flash_sale(people: list[tuple[UUID, UUID, str]], units: int) -> AStore:
    async with transaction(slow=True) as conn:
        await the_rules(conn)
        store = await a_store(conn, on_hand=units)
        await conn.execute(
            SEED_BUYERS,
            {
                "people": [person for person, _, _ in people],
                "addresses": [address for _, address, _ in people],
                "tokens": [hashlib.sha256(token.encode()).digest() for _, _, token in people],
                "at": wall_now(),
            },
        )
    await dispose()
    return store


def order_body(store: AStore) -> str:
    """The body of every buyer's request; ADDRESS is filled in by the load client."""
    line = {"sku_id": str(store.skus[0]), "quantity": 1}
    part = {
        "store_id": str(store.store_id),
        "lines": [line],
        "expected_total_minor": store.prices[0],
    }
    return msgspec.json.encode({"address_id": "ADDRESS", "parts": [part]}).decode()


def sold(store: AStore) -> int:
    """Units in orders of the store."""

    async def count() -> int:
        async with transaction() as conn:
            found = await conn.scalar(
                text("SELECT sum(quantity) FROM order_lines WHERE store_id = :store_id"),
                {"store_id": store.store_id},
            )
        await dispose()
        return int(found or 0)

    return asyncio.run(count())
