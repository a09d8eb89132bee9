"""Telling merchants' servers what happened: endpoints, fan-out, calls after the commit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.ids import PersonId, StoreId
from dougong.infra import clock, pause
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.http import OutsideFailed, UnsafeUrl, call, judge, parse
from dougong.infra.idempotency import once
from dougong.infra.jobs import task
from dougong.webhooks import commands, delivery_commands, rules

EVENTS_AT_ONCE = 500
CALLS_AT_ONCE = 16
CALLS_EACH = 4
ROUNDS_AT_ONCE = 20

_delivering = asyncio.Lock()


class Kept(msgspec.Struct):
    endpoint_id: UUID


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
    key: str | None = None,
    request_id: str = "",
) -> UUID:
    """Judge the address, then keep it: a new endpoint, or `endpoint_id` anew.

    `key`: of a request for a new one that may come again: then it is the same endpoint.
    Raises UnsafeUrl, BadKinds, TooManyEndpoints, KeyReused or NotFound.
    """
    chosen = rules.kinds_of(kinds)
    href = await checked_url(url)
    async with transaction() as conn:
        at = await clock.refresh(conn)

        async def keep() -> Kept:
            kept, action = endpoint_id, "webhooks.endpoint_changed"
            if kept is None:
                action = "webhooks.endpoint_added"
                kept = await commands.add_endpoint(
                    conn, store_id=store_id, url=href, kinds=chosen, at=wall_now()
                )
            else:
                await commands.change_endpoint(
                    conn, store_id=store_id, endpoint_id=kept, url=href, kinds=chosen
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
            return Kept(kept)

        if key is None:
            return (await keep()).endpoint_id
        wish = {"owner": store_id, "url": href, "kinds": chosen}
        return (await _once(conn, key, wish, at, keep)).endpoint_id


async def _once(
    conn: AsyncConnection,
    key: str,
    wish: dict[str, Any],
    at: datetime,
    make: Callable[[], Awaitable[Kept]],
) -> Kept:
    return await once(
        conn,
        owner_id=wish["owner"],
        route="POST webhooks",
        key=key,
        request=wish,
        answer=Kept,
        at=at,
        make=make,
    )


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
    status, error, answer = None, None, None
    try:
        sent = rules.headers(
            delivery_id=one.id, sent_at=wall_now(), content=content, signing=signing
        )
        told = await call("POST", one.url, headers=sent, body=content)
        status, answer = told.status, told.body[:4_000].decode("utf-8", "replace")
    except OutsideFailed as failed:
        error = str(failed)
    except UnsafeUrl as refused:
        error = f"unsafe_url: {refused.facts['reason']}"
    await pause.point("webhooks: sent")
    async with transaction() as conn:
        off = await delivery_commands.finish(
            conn,
            store_id=one.store_id,
            delivery_id=one.id,
            attempts=one.attempts,
            status=status,
            error=error,
            answer=answer,
            at=wall_now(),
        )
        if off is not None:
            await _tell_owner(conn, StoreId(one.store_id), off)


async def _tell_owner(
    conn: AsyncConnection, store_id: StoreId, off: delivery_commands.SwitchedOff
) -> None:
    """An endpoint was given up: the console shows it, other endpoints hear it, the log keeps it."""
    at = await clock.refresh(conn)
    facts = {"url": off.url, "why": off.why}
    await record(
        conn,
        "webhooks.endpoint_disabled",
        subject_id=off.endpoint_id,
        store_id=store_id,
        at=at,
        facts=facts,
    )
    await audit(
        conn,
        at=at,
        person_id=None,
        action=rules.DISABLED_KIND,
        owner_id=store_id,
        subject=off.url,
        facts=facts,
    )
