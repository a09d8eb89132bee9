"""Linked products at other platforms are looked at again: gone, dearer, moved, swapped.

One look after the other at each host, with a pause in between, in one worker at a time. What is
found is judged by `links/recheck_rules.py`; a failure is repeated later and later.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.flows.resolve_link import LinkUnresolved, UnlistedHost, products_at, resolve_link
from dougong.infra import clock, events
from dougong.infra.db import side_engine, transaction
from dougong.infra.jobs import task
from dougong.links.adapters.protocol import NoProductData
from dougong.links.recheck_commands import Due, Owner, claim_due, note_check
from dougong.links.recheck_rules import Outcome, failed, found, moved
from dougong.links.source_rules import host_of
from dougong.policy.queries import rules_book
from dougong.policy.rules import link_case, link_verdict

MOST = 120
OF_ONE_SOURCE = 20
HOSTS_AT_ONCE = 8
PAUSE_S = 1.0
SAID_GONE = (404, 410)

log = structlog.get_logger("links")
TRY_LOCK = text("SELECT pg_try_advisory_lock(7300013)")
UNLOCK = text("SELECT pg_advisory_unlock(7300013)")


@task("links.recheck", every="* * * * * */20", retries=0)
async def recheck_links() -> None:
    """One round, unless another worker is at it."""
    async with side_engine().connect() as alone:
        if not await alone.scalar(TRY_LOCK):
            return
        try:
            await recheck_due()
        finally:
            await alone.execute(UNLOCK)


async def recheck_due() -> int:
    """Look at what is due, host by host; answers how many looks there were."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        due = await claim_due(conn, at=at, most=MOST, each=OF_ONE_SOURCE)
    by_host: dict[str, list[Due]] = defaultdict(list)
    for one in due:
        by_host[_host(one)].append(one)
    places = asyncio.Semaphore(HOSTS_AT_ONCE)

    async def visit(products: Sequence[Due]) -> None:
        async with places:
            for number, one in enumerate(products):
                if number:
                    await asyncio.sleep(PAUSE_S)
                await _look(one)

    async with asyncio.TaskGroup() as visits:
        for products in by_host.values():
            visits.create_task(visit(products))
    return len(due)


def _host(due: Due) -> str:
    try:
        return host_of(due.url)
    except ValueError:
        return ""


async def _look(due: Due) -> None:
    outcome = await _outcome(due)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        owners = await note_check(conn, due=due, outcome=outcome, at=at)
        for owner in owners:
            await _tell(conn, owner, due, outcome, at=at)
    log.info("rechecked", product=str(due.id), finding=outcome.finding, why=outcome.why[:100])


async def _tell(
    conn: AsyncConnection, owner: Owner, due: Due, outcome: Outcome, *, at: datetime
) -> None:
    """A creator hears why a link was taken down; and, where it leads to another source now, what
    the rules say of that one."""
    facts: dict[str, Any] = {
        "product_id": str(due.id),
        "title": due.known.title,
        "source": due.source,
        "finding": str(outcome.finding),
        "why": outcome.why[:300],
        "links": owner.links,
    }
    if outcome.source:
        case = link_case(
            source=outcome.source,
            surface=owner.surface,
            category=owner.category,
            route="direct",
            creator=str(owner.creator_id),
            merchant_class="",
            at=at,
        )
        verdict = link_verdict(case, (await rules_book(conn)).decide(case).rule)
        facts |= {"source_now": outcome.source, "allowed_there": verdict.allowed}
        if verdict.rule:
            facts |= {"reason_zh": verdict.rule.reason_zh, "reason_en": verdict.rule.reason_en}
    await events.record(
        conn, "links.links_taken_down", subject_id=owner.creator_id, at=at, facts=facts
    )


async def _outcome(due: Due) -> Outcome:
    """What stands at the product's address now; the last host decides whose it is."""
    at = clock.now()
    try:
        resolved = await resolve_link(due.url, at=at)
        if resolved.source.code != due.source:
            return moved(resolved.url, source=resolved.source.code, at=at)
        return found(due.known, await products_at(resolved), at=at)
    except UnlistedHost as refused:
        return moved(str(refused.facts["host"]), at=at)
    except NoProductData:
        return failed(due.failures, said_gone=False, why="no_product_data", at=at)
    except LinkUnresolved as refused:
        why, status = str(refused.facts["why"]), refused.facts.get("status")
        return failed(due.failures, said_gone=status in SAID_GONE, why=why, at=at)
