"""The same key and the same request get the first answer again, from the same commit."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import KeyReused

T = TypeVar("T", bound=msgspec.Struct)


async def once(
    conn: AsyncConnection,
    *,
    owner_id: UUID,
    route: str,
    key: str,
    request: Any,
    answer: type[T],
    at: datetime,
    make: Callable[[], Awaitable[T]],
) -> T:
    """Run `make` for the first request with this key; later ones get what it answered.

    `request`: anything that msgspec can write; it must be the same each time. Two at once wait
    for each other. Raises KeyReused (409) for another request, and whatever `make` raises.
    """
    named: dict[str, Any] = {"owner_id": owner_id, "route": route, "key": key}
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"key:{owner_id}:{route}:{key}"},
    )
    known = await answered(conn, **named, request=request, answer=answer)
    if known is not None:
        return known
    request_hash = _hash(request)
    made = await make()
    await conn.execute(
        text("""
            INSERT INTO idempotency_keys (owner_id, route, key, request_hash, status, answer, at)
            VALUES (:owner_id, :route, :key, :request_hash, 200, :answer, :at)
        """),
        named | {"request_hash": request_hash, "answer": msgspec.json.encode(made), "at": at},
    )
    return made


async def answered(
    conn: AsyncConnection, *, owner_id: UUID, route: str, key: str, request: Any, answer: type[T]
) -> T | None:
    """What was answered to this key, None before it was: asked ahead of what takes long and must
    not happen in a transaction. Raises KeyReused (409) for another request."""
    named = {"owner_id": owner_id, "route": route, "key": key}
    found = (
        await conn.execute(
            text("""
                SELECT request_hash, answer FROM idempotency_keys
                WHERE owner_id = :owner_id AND route = :route AND key = :key
            """),
            named,
        )
    ).one_or_none()
    if found is None:
        return None
    if bytes(found.request_hash) != _hash(request):
        raise KeyReused(field="Idempotency-Key")
    return msgspec.json.decode(bytes(found.answer), type=answer)


def _hash(request: Any) -> bytes:
    return hashlib.sha256(msgspec.json.encode(request)).digest()
