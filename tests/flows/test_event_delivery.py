"""An event is delivered at least once, and a repeat can be told: also when ids commit late."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.factories import a_store

from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.webhooks.commands import add_endpoint
from dougong.webhooks.delivery_commands import fan_out

pytestmark = pytest.mark.money

WRITERS, EVENTS_EACH, READERS = 12, 10, 4


async def test_no_event_is_passed_over_however_late_it_commits() -> None:
    """Twelve writers hold their transactions open for a while, so that ids commit in any order;
    four readers fan out all the time, some of them dying before their commit. Every event has
    exactly one delivery, whose id the receiver sees again with every repeat."""
    async with transaction() as conn:
        store = await a_store(conn)
        endpoint_id = await add_endpoint(
            conn, store_id=store.store_id, url="https://shop.example/hook", kinds=["order.paid"],
            at=wall_now(),
        )  # fmt: skip
    chance, writing = random.Random(1), True
    subjects = [uuid4() for _ in range(WRITERS * EVENTS_EACH)]

    async def write(mine: list[UUID]) -> None:
        for subject in mine:
            async with transaction() as conn:
                await record(
                    conn, "order.paid", store_id=store.store_id, subject_id=subject,
                    at=wall_now(), facts={},
                )  # fmt: skip
                await asyncio.sleep(chance.uniform(0, 0.02))

    async def read() -> None:
        while writing:
            async with transaction() as conn:
                await fan_out(conn, at=wall_now(), most=3)
                if chance.random() < 0.3:
                    await conn.rollback()  # the worker dies here
            await asyncio.sleep(0.001)

    readers = [asyncio.create_task(read()) for _ in range(READERS)]
    await asyncio.gather(*(write(list(subjects[n::WRITERS])) for n in range(WRITERS)))
    writing = False
    await asyncio.gather(*readers)
    found = await delivered(store.store_id, endpoint_id)
    assert Counter(row.subject_id for row in found) == Counter(subjects)
    assert len({row.id for row in found}) == len(subjects)


async def delivered(store_id: UUID, endpoint_id: UUID) -> Sequence[Any]:
    """What is to be delivered once the last event is fanned out; nobody calls it here."""
    async with transaction() as conn:
        while await fan_out(conn, at=wall_now(), most=500):
            pass
        await conn.execute(
            text("UPDATE webhook_endpoints SET removed_at = now() WHERE id = :e"),
            {"e": endpoint_id},
        )
        rows = await conn.execute(
            text("""
                SELECT e.subject_id, d.id FROM webhook_deliveries d
                JOIN events e ON e.id = d.event_id
                WHERE d.store_id = :s AND d.endpoint_id = :e
            """),
            {"s": store_id, "e": endpoint_id},
        )
        return rows.all()
