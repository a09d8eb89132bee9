"""Each second, the shelf of every room on air: prices, stock and verdicts that have changed become
facts and are told; a link that the book denies goes, once its explanation is over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId
from dougong.flows.sweep_links import grace_over, judge
from dougong.infra import broadcast, clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.live.commands import lock_room
from dougong.live.pin_commands import (
    Standing,
    end_explanation,
    end_shelf_facts,
    explained_now,
    not_sealed,
    shelf_facts,
    write_shelf_facts,
)
from dougong.live.rules import ON_AIR
from dougong.live.selling_rules import stepped
from dougong.policy.queries import rules_book
from dougong.policy.rules import WITHOUT_RULE
from dougong.reads.live_shelf import ShelfLink, card_of, live_shelf, rooms_on_air


@task("live.shelves", every="* * * * * *", retries=0)
async def keep_shelves() -> None:
    """Every room on air, a transaction each."""
    async with transaction() as conn:
        rooms = await rooms_on_air(conn)
    for room in rooms:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await keep_shelf(conn, room_id=room.room_id, creator_id=room.creator_id, at=at)


async def keep_shelf(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, at: datetime
) -> None:
    """Write and tell what has changed on one room's shelf; a room that is over is left alone.

    Raises RoomGone.
    """
    room = await lock_room(conn, room_id=room_id, creator_id=creator_id)
    if room.state not in ON_AIR:
        return
    at = await not_sealed(conn, room_id=room_id, at=at)
    links = await _judged(conn, room_id=room_id, creator_id=creator_id, at=at)
    before = await shelf_facts(conn, room_id=room_id)
    now = {link.link_id: _standing(link) for link in links}
    changed = [one for link_id, one in now.items() if before.get(link_id) != one]
    gone = before.keys() - now.keys()
    await end_shelf_facts(
        conn, room_id=room_id, link_ids=[*gone, *(one.link_id for one in changed)], at=at
    )
    await write_shelf_facts(conn, room_id=room_id, standings=changed, at=at)
    if changed or gone:
        await _tell(conn, room_id, links, before, changed, gone)


async def _judged(
    conn: AsyncConnection, *, room_id: RoomId, creator_id: UUID, at: datetime
) -> Sequence[ShelfLink]:
    """The shelf, as the book has it now. What is explained stays until its grace is over."""
    links = await live_shelf(conn, creator_id=creator_id, at=at)
    current = await explained_now(conn, room_id=room_id)
    if current is not None:
        link = next((one for one in links if one.link_id == current.link_id), None)
        book = await rules_book(conn)
        direct = link.standing_link() if link and link.route == "direct" else None
        if link is None or (direct and grace_over(book, direct, at=at)) or link.is_hidden:
            why = "unpinned" if link is None else "rule"
            await end_explanation(conn, room_id=room_id, reason=why, at=at)
            await broadcast.say(conn, room_id, "unpin", {"why": why})
    direct_links = [one.standing_link() for one in links if one.route == "direct"]
    moved = await judge(conn, direct_links, at=at)
    return await live_shelf(conn, creator_id=creator_id, at=at) if any(moved) else links


def _standing(link: ShelfLink) -> Standing:
    return Standing(
        link_id=link.link_id,
        allowed=not link.is_hidden,
        verdict_rule_id=link.hidden_rule_id if link.is_hidden else link.verdict_rule_id,
        price_minor=link.price_minor,
        currency=link.currency,
        stock=None if link.stock is None else stepped(link.stock if link.is_on_sale else 0),
    )


async def _tell(
    conn: AsyncConnection,
    room_id: RoomId,
    links: Sequence[ShelfLink],
    before: dict[LinkId, Standing],
    changed: Sequence[Standing],
    gone: set[LinkId],
) -> None:
    """Each change by itself: a whole shelf would not fit one message."""
    places = {link.link_id: (n, link) for n, link in enumerate(links)}
    for one in changed:
        was, (place, link) = before.get(one.link_id), places[one.link_id]
        if not one.allowed:
            if was is None or was.allowed:
                await broadcast.say(conn, room_id, "link_gone", _why(link))
        elif was is None or not was.allowed:
            facts: dict[str, Any] = {"place": place, "card": card_of(link)}
            await broadcast.say(conn, room_id, "shelf", facts)
        else:
            facts = {
                "link_id": str(one.link_id), "price_minor": one.price_minor, "stock": one.stock,
            }  # fmt: skip
            await broadcast.say(conn, room_id, "price", facts)
    for link_id in gone:
        facts = {"link_id": str(link_id), "reason_zh": "", "reason_en": ""}
        await broadcast.say(conn, room_id, "link_gone", facts)


def _why(link: ShelfLink) -> dict[str, Any]:
    return {
        "link_id": str(link.link_id),
        "title_zh": link.title_zh,
        "title_en": link.title_en,
        "reason_zh": link.reason_zh or WITHOUT_RULE[False][0],
        "reason_en": link.reason_en or WITHOUT_RULE[False][1],
    }
