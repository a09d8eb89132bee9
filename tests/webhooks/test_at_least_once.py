"""A worker killed at the worst moment, the log, and an owner who is told of the end."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from tests.webhooks.receiver import a_receiver
from tests.webhooks.shop import Shop

from dougong.flows import deliver_webhooks as flow
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.webhooks import queries, rules


async def test_a_worker_that_dies_before_it_notes_the_answer_sends_again_under_the_same_id(
    shop: Shop,
) -> None:
    """The receiver has it, and the worker is killed before its commit."""
    worker: list[subprocess.Popen[bytes]] = []

    def answer(n: int) -> int:
        if n == 1:
            worker[0].kill()
            worker[0].wait()
        return 204

    with a_receiver(answer) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await flow.fan_out()
        code = (
            "import asyncio; from dougong.flows.deliver_webhooks import deliver_due;"
            "asyncio.run(deliver_due())"
        )
        worker.append(subprocess.Popen([sys.executable, "-c", code]))  # noqa: ASYNC220
        await asyncio.to_thread(worker[0].wait, 60)
        assert len(receiver.received) == 1
        assert (await shop.log())[0].done_at is None
        shop.at = wall_now() + rules.LEASE + timedelta(seconds=1)
        await shop.rounds()
    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    row = (await shop.log())[0]
    assert (row.delivered, row.attempts) == (True, 2)


async def test_the_log_keeps_what_was_answered(shop: Shop) -> None:
    with a_receiver(lambda n: 422, said="no\x00 such\x1b order " + "x" * 600) as receiver:
        await shop.listens(receiver.url)
        await shop.says()
        await shop.rounds()
    row = (await shop.log())[0]
    assert row.last_answer.startswith("no  such  order xxx")
    assert len(row.last_answer) <= 500


async def test_the_owner_hears_of_an_endpoint_that_was_given_up(shop: Shop) -> None:
    with a_receiver() as other, a_receiver(lambda n: 410) as gone:
        await shop.listens(other.url, rules.DISABLED_KIND)
        await shop.listens(gone.url, "order.paid")
        await shop.says()
        await shop.rounds(3)
    told = [json.loads(one.body) for one in other.received]
    assert [(one["type"], one["data"]["why"]) for one in told] == [(rules.DISABLED_KIND, "gone")]
    assert told[0]["data"]["url"] == gone.url
    async with transaction() as conn:
        noted = await conn.scalar(
            text("SELECT count(*) FROM audit_log WHERE owner_id = :id AND action = :kind"),
            {"id": shop.store_id, "kind": rules.DISABLED_KIND},
        )
    assert noted == 1


async def test_pages_of_the_log_lose_nothing_where_an_event_has_two_deliveries(
    shop: Shop,
) -> None:
    with a_receiver() as one, a_receiver() as other:
        await shop.listens(one.url)
        await shop.listens(other.url)
        for _ in range(3):
            await shop.says()
        await shop.rounds(4)
    seen: list[UUID] = []
    before: tuple[int, UUID] | None = None
    async with transaction() as conn:
        while rows := await queries.deliveries(conn, store_id=shop.store_id, before=before, most=1):
            seen += [row.id for row in rows]
            before = rows[-1].event_id, rows[-1].id
    assert (len(seen), len(set(seen))) == (6, 6)
