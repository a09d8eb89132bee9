"""What a handler may ask for by type: `conn: Conn, now: Now, who: Who, actor: Actor`."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.types import Scope
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Access
from dougong.base.errors import SignInNeeded
from dougong.infra import clock
from dougong.infra.db import request_transactions, transaction

Conn: TypeAlias = NamedDependency[AsyncConnection]
Now: TypeAlias = NamedDependency[datetime]
Actor: TypeAlias = NamedDependency[Access | None]
Who: TypeAlias = NamedDependency[Access]


async def provide_conn() -> AsyncIterator[AsyncConnection]:
    """The transaction of one request: committed when its handler returns, before the answer."""
    held = request_transactions.get()
    if held is None:
        held = []
    held.append(True)
    try:
        async with transaction() as conn:
            yield conn
    finally:
        held.clear()


async def provide_now(conn: Conn) -> datetime:
    """The business instant."""
    return await clock.refresh(conn)


async def provide_actor(scope: Scope) -> Access | None:
    """The signed-in subject, or None."""
    subject = scope.get("user")
    return subject if isinstance(subject, Access) else None


async def provide_who(scope: Scope) -> Access:
    """The signed-in subject. Raises SignInNeeded."""
    subject = scope.get("user")
    if not isinstance(subject, Access):
        raise SignInNeeded
    return subject
