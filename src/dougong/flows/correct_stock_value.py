"""A colleague approves what stock is worth: booked in stock and in the store's book, and told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, StoreId
from dougong.catalog.queries import store_of
from dougong.infra import clock, events
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved
from dougong.supply.value_commands import Corrected, book_correction


def correction_entry(
    store_id: StoreId, correction_id: UUID, done: Corrected, *, at: datetime
) -> Entry:
    """Worth more: from the goods to what corrections brought; worth less: the other way."""
    stock = AccountName(store_id, Purpose.STOCK_VALUE)
    made = AccountName(store_id, Purpose.STOCK_CORRECTION)
    return Entry(
        kind=EntryKind.STOCK_CORRECTED,
        key=f"stock_corrected:{correction_id}",
        counts_at=at,
        transfers=tuple(moved(stock, made, done.change_minor, Part.STOCK_CORRECTION)),
    )


async def approve_correction(
    conn: AsyncConnection, *, store_id: StoreId, correction_id: UUID, by_id: PersonId, at: datetime
) -> Corrected:
    """Raises what `book_correction` raises."""
    done = await book_correction(
        conn, store_id=store_id, correction_id=correction_id, by_id=by_id, at=at
    )
    currency = (await store_of(conn, store_id=store_id)).currency
    entry = correction_entry(store_id, correction_id, done, at=at)
    written_at = clock.wall_now()
    await book(conn, store_id=store_id, currency=currency, entries=[entry], written_at=written_at)
    facts = {"sku_id": str(done.sku_id), "units": done.units, "currency": currency}
    facts |= {"before_minor": done.before_minor, "after_minor": done.after_minor}
    await events.record(
        conn,
        "supply.stock_value_corrected",
        store_id=store_id,
        subject_id=correction_id,
        at=at,
        facts=facts,
    )
    return done
