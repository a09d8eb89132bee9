"""A hot path's statement goes to psycopg itself; whoever asked sees no difference."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_store

from dougong.infra.db import constraint_of, engine, fetch, transaction

LOWER = "UPDATE stock SET on_hand = %(on_hand)s WHERE store_id = %(store_id)s"
KILL = "SELECT pg_terminate_backend(%(pid)s)"


async def test_rows_come_in_their_order_and_a_write_has_none(conn: AsyncConnection) -> None:
    store = await a_store(conn, on_hand=3)
    assert await fetch(conn, "SELECT n, n * 2 FROM unnest(%(ns)s) n", {"ns": [2, 1]}) == [
        (2, 4),
        (1, 2),
    ]
    assert await fetch(conn, LOWER, {"on_hand": 7, "store_id": store.store_id}) == []
    at_hand = text("SELECT on_hand FROM stock WHERE store_id = :store_id")
    assert await conn.scalar(at_hand, {"store_id": store.store_id}) == 7


async def test_what_the_database_refuses_is_sqlalchemys_error(conn: AsyncConnection) -> None:
    store = await a_store(conn)
    with pytest.raises(IntegrityError) as refused:
        async with conn.begin_nested():
            await fetch(conn, LOWER, {"on_hand": -1, "store_id": store.store_id})
    assert constraint_of(refused.value) == "stock_never_oversold"
    with pytest.raises(DataError):
        async with conn.begin_nested():
            await fetch(conn, "SELECT %(n)s::int", {"n": "three"})


async def test_a_lost_connection_is_told_and_the_pool_renewed(connections: None) -> None:
    with pytest.raises(OperationalError) as lost:
        async with transaction() as conn:
            ((pid,),) = await fetch(conn, "SELECT pg_backend_pid()", {})
            async with engine().connect() as other:
                await fetch(other, KILL, {"pid": pid})
            await fetch(conn, "SELECT 1", {})
    assert lost.value.connection_invalidated
    async with transaction() as conn:
        assert await fetch(conn, "SELECT 1", {}) == [(1,)]
