"""Writes endpoints. All instants here are of the wall clock: an outside party lives by it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId, new_id
from dougong.webhooks.rules import (
    MOST_ENDPOINTS,
    ROTATION,
    TooManyEndpoints,
    kinds_of,
    new_secret,
)
from dougong.webhooks.tables import webhook_endpoints as endpoints


async def add_endpoint(
    conn: AsyncConnection, *, store_id: StoreId, url: str, kinds: Iterable[str], at: datetime
) -> UUID:
    """An endpoint of a store. `url` was judged by the guarded client (`infra.http`).

    Raises BadKinds or TooManyEndpoints (10 a store).
    """
    chosen = kinds_of(kinds)
    await _one_at_a_time(conn, store_id)
    kept = await conn.scalar(
        select(func.count())
        .select_from(endpoints)
        .where(endpoints.c.store_id == store_id, endpoints.c.removed_at.is_(None))
    )
    if int(kept or 0) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    endpoint_id = new_id()
    row = {"store_id": store_id, "id": endpoint_id, "url": url, "kinds": chosen}
    await conn.execute(insert(endpoints).values(**row, secret=new_secret(), created_at=at))
    return endpoint_id


async def _one_at_a_time(conn: AsyncConnection, store_id: StoreId) -> None:
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"webhooks:{store_id}"},
    )


async def _change(
    conn: AsyncConnection, store_id: StoreId, endpoint_id: UUID, **values: Any
) -> None:
    """Raises NotFound when the endpoint is not this store's, or was removed."""
    change = (
        update(endpoints)
        .where(endpoints.c.store_id == store_id, endpoints.c.id == endpoint_id)
        .where(endpoints.c.removed_at.is_(None))
        .values(**values)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


async def change_endpoint(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    endpoint_id: UUID,
    url: str,
    kinds: Iterable[str],
) -> None:
    """Raises BadKinds or NotFound."""
    await _change(conn, store_id, endpoint_id, url=url, kinds=kinds_of(kinds))


async def switch_endpoint(
    conn: AsyncConnection, *, store_id: StoreId, endpoint_id: UUID, on: bool, at: datetime
) -> None:
    """Switch it off, or on again; what waits meanwhile is sent then. Raises NotFound."""
    off = {"disabled_at": at, "disabled_why": "person"}
    back = {"disabled_at": None, "disabled_why": None, "failing_since": None}
    await _change(conn, store_id, endpoint_id, **(back if on else off))


async def rotate_secret(
    conn: AsyncConnection, *, store_id: StoreId, endpoint_id: UUID, at: datetime
) -> None:
    """Make a new secret; the one before signs too for a day. Raises NotFound."""
    await _change(
        conn,
        store_id,
        endpoint_id,
        previous_secret=endpoints.c.secret,
        previous_until=at + ROTATION,
        secret=new_secret(),
    )


async def remove_endpoint(
    conn: AsyncConnection, *, store_id: StoreId, endpoint_id: UUID, at: datetime
) -> None:
    """Take it away for good; its log stays. Raises NotFound."""
    await _change(conn, store_id, endpoint_id, removed_at=at, disabled_at=at)
