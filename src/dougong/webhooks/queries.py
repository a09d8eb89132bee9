"""Reads endpoints and the log of deliveries, always of one store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.webhooks.tables import webhook_endpoints as endpoints

LOG = text("""
    SELECT d.id, d.endpoint_id, d.event_id, d.attempts, d.next_at, d.done_at, d.delivered,
      d.last_at, d.last_status, d.last_error,
      d.last_answer, e.kind, e.subject_id, e.at, e.facts,
      w.url, w.disabled_at, w.removed_at
    FROM webhook_deliveries d
    JOIN events e ON e.id = d.event_id
    JOIN webhook_endpoints w ON w.store_id = d.store_id AND w.id = d.endpoint_id
    WHERE d.store_id = :store_id
      AND (CAST(:endpoint AS uuid) IS NULL OR d.endpoint_id = :endpoint)
      AND (CAST(:before_id AS uuid) IS NULL OR d.event_id < :before_event
        OR (d.event_id = :before_event AND d.id > CAST(:before_id AS uuid)))
      AND (NOT :only_failed OR (NOT d.delivered AND d.attempts > 0))
    ORDER BY d.event_id DESC, d.id LIMIT :most
""")


async def endpoints_of(conn: AsyncConnection, *, store_id: StoreId) -> Sequence[Row[Any]]:
    """Endpoints that were not removed, oldest first; with their secrets."""
    found = await conn.execute(
        select(endpoints)
        .where(endpoints.c.store_id == store_id, endpoints.c.removed_at.is_(None))
        .order_by(endpoints.c.id)
    )
    return found.all()


async def endpoint(conn: AsyncConnection, *, store_id: StoreId, endpoint_id: UUID) -> Row[Any]:
    """Raises NotFound."""
    found = await conn.execute(
        select(endpoints)
        .where(endpoints.c.store_id == store_id, endpoints.c.id == endpoint_id)
        .where(endpoints.c.removed_at.is_(None))
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def deliveries(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    endpoint_id: UUID | None = None,
    before: tuple[int, UUID] | None = None,
    only_failed: bool = False,
    most: int = 50,
) -> Sequence[Row[Any]]:
    """The newest events first; `before`: event and delivery of the last row seen."""
    before_event, before_id = before or (0, None)
    asked: dict[str, Any] = {"store_id": store_id, "endpoint": endpoint_id}
    asked |= {"before_event": before_event, "before_id": before_id}
    found = await conn.execute(LOG, asked | {"only_failed": only_failed, "most": most})
    return found.all()


def state_of(row: Any, at: datetime) -> str:
    """`done`, `failed`, `waiting`, `retrying` or `disabled`, of a row of the log."""
    if row.done_at is not None:
        return "done" if row.delivered else "failed"
    if row.disabled_at is not None or row.removed_at is not None:
        return "disabled"
    return "retrying" if row.attempts else "waiting"
