"""Telling merchants' servers what happened: endpoints, fan-out, calls after the commit."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from dougong.accounts.commands import audit
from dougong.base.ids import PersonId, StoreId
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.http import OutsideFailed, UnsafeUrl, call, judge, parse
from dougong.infra.jobs import task
from dougong.webhooks import commands, delivery_commands, rules

EVENTS_AT_ONCE = 500
CALLS_AT_ONCE = 16
CALLS_EACH = 4
ROUNDS_AT_ONCE = 20

_delivering = asyncio.Lock()


async def checked_url(url: str) -> str:
    """The address in its one form. Raises UnsafeUrl, also when the name is not known."""
    safe = parse(url)
    try:
        await judge(safe)
    except OutsideFailed as error:
        raise UnsafeUrl(field="url", reason="unknown_name") from error
    return safe.href


async def save_endpoint(
    *,
    person_id: PersonId,
    store_id: StoreId,
    endpoint_id: UUID | None,
    url: str,
    kinds: Iterable[str],
    request_id: str = "",
) -> UUID:
    """Judge the address, then keep it: a new endpoint, or `endpoint_id` anew.

    Raises UnsafeUrl, BadKinds, TooManyEndpoints or NotFound.
    """
    chosen = rules.kinds_of(kinds)
    href = await checked_url(url)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        if endpoint_id is None:
            action = "webhooks.endpoint_added"
            endpoint_id = await commands.add_endpoint(
                conn, store_id=store_id, url=href, kinds=chosen, at=wall_now()
            )
        else:
            action = "webhooks.endpoint_changed"
            await commands.change_endpoint(
                conn, store_id=store_id, endpoint_id=endpoint_id, url=href, kinds=chosen
            )
        await audit(
            conn,
            at=at,
            person_id=person_id,
            action=action,
            owner_id=store_id,
            subject=href,
            facts={"kinds": chosen},
            request_id=request_id,
        )
    return endpoint_id


@task("webhooks.fan_out", every="* * * * * *", retries=0)
async def fan_out() -> None:
    """Every second: deliveries for events that have none yet."""
    for _ in range(10):
        async with transaction() as conn:
            done = await delivery_commands.fan_out(conn, at=wall_now(), most=EVENTS_AT_ONCE)
        if done < EVENTS_AT_ONCE:
            return


@task("webhooks.deliver", every="* * * * * *", retries=0)
async def deliver() -> None:
    """Every second, unless the round before still calls: what is due."""
    if _delivering.locked():
        return
    async with _delivering:
        for _ in range(ROUNDS_AT_ONCE):
            if await deliver_due() == 0:
                return


async def deliver_due() -> int:
    """One round of calls, all at once; answers how many."""
    async with transaction() as conn:
        due = await delivery_commands.claim(
            conn, at=wall_now(), most=CALLS_AT_ONCE, most_each=CALLS_EACH
        )
    await asyncio.gather(*(_deliver(one) for one in due))
    return len(due)


async def _deliver(one: Any) -> None:
    content = rules.body(
        kind=one.kind, store_id=one.store_id, subject_id=one.subject_id, at=one.at, facts=one.facts
    )
    signing = [secret for secret in (one.secret, one.previous_secret) if secret]
    status, error = None, None
    try:
        sent = rules.headers(
            delivery_id=one.id, sent_at=wall_now(), content=content, signing=signing
        )
        status = (await call("POST", one.url, headers=sent, body=content)).status
    except OutsideFailed as failed:
        error = str(failed)
    except UnsafeUrl as refused:
        error = f"unsafe_url: {refused.facts['reason']}"
    async with transaction() as conn:
        await delivery_commands.finish(
            conn,
            store_id=one.store_id,
            delivery_id=one.id,
            attempts=one.attempts,
            status=status,
            error=error,
            at=wall_now(),
        )
