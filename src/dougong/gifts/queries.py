"""Reads coins, gifts on offer and limits."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId
from dougong.gifts.rules import GiftGone, Limit
from dougong.gifts.tables import coin_lots, coin_packs, gift_kinds, gift_limits, gift_people


async def packs_on_offer(conn: AsyncConnection) -> Sequence[Any]:
    """Coin packs, smallest first."""
    offered = select(coin_packs).where(coin_packs.c.ended_at.is_(None))
    return (await conn.execute(offered.order_by(coin_packs.c.coins))).all()


async def pack_on_offer(conn: AsyncConnection, *, pack_id: UUID) -> Any:
    """Raises GiftGone."""
    offered = select(coin_packs).where(coin_packs.c.id == pack_id, coin_packs.c.ended_at.is_(None))
    if (row := (await conn.execute(offered)).one_or_none()) is None:
        raise GiftGone(field="pack_id")
    return row


async def gifts_on_offer(conn: AsyncConnection) -> Sequence[Any]:
    """Gifts, cheapest first."""
    offered = select(gift_kinds).where(gift_kinds.c.ended_at.is_(None))
    return (await conn.execute(offered.order_by(gift_kinds.c.coins, gift_kinds.c.code))).all()


async def gift_on_offer(conn: AsyncConnection, *, code: str) -> Any:
    """Raises GiftGone."""
    offered = select(gift_kinds).where(gift_kinds.c.code == code, gift_kinds.c.ended_at.is_(None))
    if (row := (await conn.execute(offered)).one_or_none()) is None:
        raise GiftGone(field="gift")
    return row


async def coins_of(conn: AsyncConnection, *, person_id: PersonId) -> int:
    """How many coins a person holds."""
    left = func.coalesce(func.sum(coin_lots.c.coins - coin_lots.c.used), 0)
    return int(await conn.scalar(select(left).where(coin_lots.c.person_id == person_id)) or 0)


async def born_on(conn: AsyncConnection, *, person_id: PersonId) -> date | None:
    said = select(gift_people.c.born_on).where(gift_people.c.person_id == person_id)
    found: date | None = await conn.scalar(said)
    return found


async def limits_at(conn: AsyncConnection, *, at: datetime) -> list[Limit]:
    """The limits in force at an instant."""
    rows = await conn.execute(select(gift_limits).where(gift_limits.c.in_force.contains(at)))
    return [Limit(r.from_age, r.coins_per_day, r.reason_zh, r.reason_en) for r in rows]
