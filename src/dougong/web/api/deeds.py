"""What changes something of a store over the API: once under its key, and in the audit log."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.access import Access
from dougong.base.ids import PersonId, StoreId
from dougong.web.account.common import AnyRequest, request_id
from dougong.web.api.common import once_if
from dougong.web.deps import Conn, Now, Who

T = TypeVar("T", bound=msgspec.Struct)


class StoreDeed(msgspec.Struct, frozen=True):
    """Who changes something of which store, when, in which transaction."""

    conn: AsyncConnection
    store_id: StoreId
    who: Access
    at: datetime
    request_id: str

    @property
    def by_id(self) -> PersonId:
        return self.who.person_id

    def named(self, **more: Any) -> dict[str, Any]:
        """`store_id` and `at`, as most commands ask for them."""
        return {"store_id": self.store_id, "at": self.at, **more}

    async def once(
        self,
        route: str,
        key: str | None,
        request: Any,
        answer: type[T],
        make: Callable[[], Awaitable[T]],
    ) -> T:
        """Make it for the first request with this key; without a key, always."""
        return await once_if(
            self.conn, key=key, owner_id=self.store_id, route=route, request=request,
            answer=answer, at=self.at, make=make,
        )  # fmt: skip

    async def note(self, action: str, subject: object, **facts: Any) -> None:
        await audit(
            self.conn, at=self.at, person_id=self.by_id, action=action, owner_id=self.store_id,
            subject=str(subject), facts=facts, request_id=self.request_id,
        )  # fmt: skip


Deed: TypeAlias = NamedDependency[StoreDeed]


async def provide_deed(
    store_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who, now: Now
) -> StoreDeed:
    return StoreDeed(conn, StoreId(store_id), who, now, request_id(request))
