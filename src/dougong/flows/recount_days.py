"""Makes the figures by day anew from the books: after the platform's zone has changed."""

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.db import transaction
from dougong.ledger.day_commands import rebuild_days
from dougong.ledger.seal_commands import lock_book
from dougong.ledger.seal_queries import books_sealed, captured_in
from dougong.orders.day_commands import count_sold, forget_sold


async def recount_days() -> int:
    """Book by book, each in a transaction of its own; answers how many books there are."""
    async with transaction() as conn:
        books = await books_sealed(conn)
    for store_id in books:
        async with transaction(slow=True) as conn:
            await recount(conn, store_id=store_id)
    return len(books)


async def recount(conn: AsyncConnection, *, store_id: StoreId) -> None:
    """One book: what its seals hold, by the days of the zone that is set now."""
    await lock_book(conn, store_id=store_id)
    await rebuild_days(conn, store_id=store_id)
    await forget_sold(conn, store_id=store_id)
    captured = await captured_in(conn, store_id=store_id)
    await count_sold(conn, store_id=store_id, order_ids=captured)
