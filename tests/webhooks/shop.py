"""A store that listens: one endpoint, events of its own, and a wall clock that can be moved."""

from typing import Any
from uuid import UUID

import pytest

from dougong.base.ids import StoreId, new_id
from dougong.flows import deliver_webhooks as flow
from dougong.infra import events
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.webhooks import commands, queries


class Shop:
    """A store with one endpoint, and a wall clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store_id = StoreId(new_id())
        self.endpoint_id = new_id()
        self.at = wall_now()
        monkeypatch.setattr(flow, "wall_now", lambda: self.at)

    async def listens(self, url: str, *kinds: str) -> None:
        async with transaction() as conn:
            self.endpoint_id = await commands.add_endpoint(
                conn, store_id=self.store_id, url=url, kinds=kinds or ["*"], at=self.at
            )

    async def says(self, kind: str = "order.paid", *, subject: UUID | None = None) -> None:
        async with transaction() as conn:
            await events.record(
                conn,
                kind,
                subject_id=subject or new_id(),
                at=self.at,
                facts={"paid_minor": 1230},
                store_id=self.store_id,
            )

    async def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            await flow.fan_out()
            await flow.deliver_due()

    async def log(self) -> list[Any]:
        async with transaction() as conn:
            return list(await queries.deliveries(conn, store_id=self.store_id))

    async def endpoint(self) -> Any:
        async with transaction() as conn:
            return await queries.endpoint(
                conn, store_id=self.store_id, endpoint_id=self.endpoint_id
            )
