"""Writes what a room shows as evidence: what is explained, and what stands on its shelf. Whoever
writes has the room locked (`lock_room`), so a seal never misses what comes before it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId, new_id
from dougong.live.tables import live_explanations, live_seals, live_shelf_facts

INSTANT = timedelta(microseconds=1)


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on the card of a product as it is pinned; `stock` None: not ours to know."""

    link_id: LinkId
    source: str
    store_id: UUID | None
    product_id: UUID | None
    outside_product_id: UUID | None
    route: str
    task_id: UUID | None
    verdict_rule_id: UUID | None
    price_minor: int | None
    currency: str | None
    stock: int | None
    viewers: int


async def not_sealed(conn: AsyncConnection, *, room_id: UUID, at: datetime) -> datetime:
    """The instant, or the first one that no seal of the room has passed yet: a request may have
    waited for the room while it was sealed."""
    asked = select(func.max(live_seals.c.upto)).where(live_seals.c.room_id == room_id)
    upto = await conn.scalar(asked)
    return at if upto is None else max(at, upto + INSTANT)


async def explained_now(conn: AsyncConnection, *, room_id: UUID) -> Row[Any] | None:
    """What the room explains now."""
    asked = select(live_explanations).where(live_explanations.c.room_id == room_id)
    return (await conn.execute(asked.where(live_explanations.c.ended_at.is_(None)))).one_or_none()


async def start_explanation(
    conn: AsyncConnection, *, room_id: RoomId, card: Card, at: datetime
) -> UUID:
    explanation_id = new_id()
    row = {"id": explanation_id, "room_id": room_id, "started_at": at}
    await conn.execute(insert(live_explanations).values(**row, **msgspec.structs.asdict(card)))
    return explanation_id


async def end_explanation(
    conn: AsyncConnection, *, room_id: UUID, reason: str, at: datetime
) -> LinkId | None:
    """`reason`: next, unpinned, room_ended, rule. The link that was explained, if one was."""
    change = (
        update(live_explanations)
        .where(live_explanations.c.room_id == room_id, live_explanations.c.ended_at.is_(None))
        .values(ended_at=func.greatest(at, live_explanations.c.started_at), end_reason=reason)
        .returning(live_explanations.c.link_id)
    )
    ended = await conn.scalar(change)
    return LinkId(ended) if ended else None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a link stands on the shelf; a change of any of it is a new fact."""

    link_id: LinkId
    allowed: bool
    verdict_rule_id: UUID | None
    price_minor: int | None
    currency: str | None
    stock: int | None


async def shelf_facts(conn: AsyncConnection, *, room_id: UUID) -> dict[LinkId, Standing]:
    """How each link stands, as it was last written."""
    names = Standing.__struct_fields__
    asked = select(*(live_shelf_facts.c[name] for name in names))
    asked = asked.where(live_shelf_facts.c.room_id == room_id)
    rows = await conn.execute(asked.where(live_shelf_facts.c.ended_at.is_(None)))
    return {LinkId(row.link_id): Standing(**row._mapping) for row in rows}


async def end_shelf_facts(
    conn: AsyncConnection, *, room_id: UUID, link_ids: Collection[LinkId] | None, at: datetime
) -> None:
    """`link_ids` None: all there are."""
    change = (
        update(live_shelf_facts)
        .where(live_shelf_facts.c.room_id == room_id, live_shelf_facts.c.ended_at.is_(None))
        .values(ended_at=func.greatest(at, live_shelf_facts.c.started_at))
    )
    if link_ids is not None:
        change = change.where(live_shelf_facts.c.link_id.in_(link_ids))
    await conn.execute(change)


async def write_shelf_facts(
    conn: AsyncConnection, *, room_id: UUID, standings: Sequence[Standing], at: datetime
) -> None:
    if standings:
        rows: list[Mapping[str, Any]] = [
            {"id": new_id(), "room_id": room_id, "started_at": at, **msgspec.structs.asdict(one)}
            for one in standings
        ]
        await conn.execute(insert(live_shelf_facts), rows)


async def viewers_in(conn: AsyncConnection, *, room_id: UUID) -> int:
    """How many are in the room now."""
    found = await conn.scalar(
        text("SELECT count(*) FROM live_visits WHERE room_id = :room_id AND left_at IS NULL"),
        {"room_id": room_id},
    )
    return int(found or 0)
