"""Where a pasted address really ends: every redirect called and recorded, the last host decides.

Outside calls all the way: never inside a transaction. A page may claim to be elsewhere (a refresh,
a canonical address); that is said as a warning and changes nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from dougong.base.errors import NotFound, Refusal
from dougong.infra.db import refuse_in_transaction, transaction
from dougong.infra.http import MAX_HOPS, Answer, Hop, OutsideFailed, UnsafeUrl, call
from dougong.links.adapters.page_data import PageData, page_text
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.adapters.registry import adapter
from dougong.links.source_queries import sources_at
from dougong.links.source_rules import Source, host_of, source_of

WHY_FAILED = {
    "redirect loop": "loop",
    "too many redirects": "too_many_redirects",
    "too slow": "too_slow",
    "name not found": "unknown_host",
    "answer too big": "too_big",
}


class LinkUnresolved(Refusal):
    """A pasted address leads to no product that may be linked.

    Facts: `why` (loop, too_many_redirects, too_slow, unknown_host, too_big, away, unsafe,
    dead), `hops` so far, and what belongs to it: `status`.
    """

    code = "link_unresolved"


class UnlistedHost(Refusal):
    """No source lists the host at which the address ends. Facts: `host`, `hops`."""

    code = "unlisted_host"


class Claim(msgspec.Struct, frozen=True):
    """What a page says of where it stands, without any effect. `what`: refresh or canonical."""

    what: str
    host: str


class Resolved(msgspec.Struct, frozen=True):
    """Where an address ends: `url` on a host of `source`, after `hops` (the last one is `url`)."""

    asked: str
    url: str
    hops: list[Hop]
    source: Source
    claims: list[Claim]
    answer: Answer


async def resolve_link(url: str, *, at: datetime) -> Resolved:
    """Follow an address to its end, and say whose it is.

    Raises LinkUnresolved, UnlistedHost; OutsideCallInTransaction.
    """
    refuse_in_transaction()
    trail: list[Hop] = []
    try:
        answer = await call("GET", url, hops=MAX_HOPS, trail=trail)
    except UnsafeUrl as error:
        raise _unresolved("unsafe", trail, reason=error.facts.get("reason", "")) from error
    except OutsideFailed as error:
        raise _unresolved(WHY_FAILED.get(str(error), "away"), trail) from error
    host = host_of(answer.url)
    async with transaction() as conn:
        source = source_of(host, await sources_at(conn, at=at))
    if source is None:
        raise UnlistedHost(field="address", host=host, hops=_facts(trail))
    if answer.status >= 400:
        raise _unresolved("dead", trail, status=answer.status)
    claims = await asyncio.to_thread(_claims, answer)
    return Resolved(url, answer.url, trail, source, claims, answer)


async def products_at(resolved: Resolved) -> Sequence[SeenProduct]:
    """What the source's adapter finds where the address ended; at least one product.

    Raises NoProductData, LinkUnresolved.
    """
    source = resolved.source
    try:
        return await adapter(source.adapter).look_up(source, resolved.url, answer=resolved.answer)
    except OutsideFailed as error:
        why = WHY_FAILED.get(str(error), "away")
        raise _unresolved(why, resolved.hops) from error
    except UnsafeUrl as error:
        raise _unresolved("unsafe", resolved.hops, reason="") from error


def can_search(source: Source) -> bool:
    return adapter(source.adapter).searches


async def search_source(code: str, words: str, *, at: datetime) -> Sequence[SeenProduct]:
    """What a source itself finds for some words; nothing where it cannot search.

    Raises NotFound for an unknown source, LinkUnresolved when it does not answer.
    """
    async with transaction() as conn:
        found = await sources_at(conn, at=at, code=code)
    if not found:
        raise NotFound
    try:
        return await adapter(found[0].adapter).search(found[0], words)
    except OutsideFailed as error:
        raise _unresolved("away", []) from error


def _claims(answer: Answer) -> list[Claim]:
    """Other hosts that the page names as its own place."""
    if "html" not in answer.headers.get("content-type", "html"):
        return []
    page = PageData(page_text(answer), answer.url)
    said = {"refresh": page.refresh_target(), "canonical": page.canonical()}
    found = []
    for what, url in said.items():
        try:
            host = host_of(url) if url else ""
        except ValueError:
            continue
        if host and host != host_of(answer.url):
            found.append(Claim(what, host))
    return found


def _unresolved(why: str, trail: Sequence[Hop], **facts: Any) -> LinkUnresolved:
    return LinkUnresolved(field="address", why=why, hops=_facts(trail), **facts)


def _facts(trail: Sequence[Hop]) -> list[dict[str, Any]]:
    return [hop._asdict() for hop in trail]
