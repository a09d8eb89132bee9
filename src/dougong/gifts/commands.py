"""Writes coins and gifts: lots as they are bought, gifts with the coins that they took."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId
from dougong.gifts.rules import BornTwice, GiftGone, Lot, ReversedBefore, Use
from dougong.gifts.tables import coin_lots, coin_packs, gift_people, gift_uses, gifts


async def say_born_on(
    conn: AsyncConnection, *, person_id: PersonId, born_on: date, at: datetime
) -> None:
    """A person says its day of birth; said twice alike is said once. Raises BornTwice."""
    row = {"person_id": person_id, "born_on": born_on, "said_at": at}
    await conn.execute(upsert(gift_people).values(**row).on_conflict_do_nothing())
    said = select(gift_people.c.born_on).where(gift_people.c.person_id == person_id)
    if await conn.scalar(said) != born_on:
        raise BornTwice(field="born_on")


async def add_lot(conn: AsyncConnection, *, pay_in: Any, market: str, at: datetime) -> None:
    """The coins of a purchase whose money has come; once.

    `market`: a country's two letters. Raises GiftGone for an unknown pack.
    """
    pack = select(coin_packs.c.coins).where(coin_packs.c.id == pay_in.subject_id)
    coins = await conn.scalar(pack)
    if coins is None:
        raise GiftGone(field="pack_id")
    row = {
        "person_id": pay_in.owner_id,
        "pay_in_id": pay_in.id,
        "pack_id": pay_in.subject_id,
        "coins": coins,
        "price_minor": pay_in.amount_minor,
        "currency": pay_in.currency,
        "market": market,
        "bought_at": at,
    }
    await conn.execute(upsert(coin_lots).values(**row).on_conflict_do_nothing())


async def lock_lots(conn: AsyncConnection, *, person_id: PersonId) -> Sequence[Any]:
    """A person's lots that have coins left, oldest first, locked until the end of the transaction:
    whoever else spends them waits."""
    mine = (
        select(coin_lots)
        .where(coin_lots.c.person_id == person_id, coin_lots.c.used < coin_lots.c.coins)
        .order_by(coin_lots.c.bought_at, coin_lots.c.pay_in_id)
        .with_for_update()
    )
    return (await conn.execute(mine)).all()


def as_lot(row: Any) -> Lot:
    return Lot(row.pay_in_id, row.coins, row.used, row.price_minor, row.used_minor)


async def use_coins(conn: AsyncConnection, *, person_id: PersonId, uses: Sequence[Use]) -> None:
    """Take coins out of locked lots."""
    for use in uses:
        await _move(conn, person_id=person_id, use=use)


async def _move(conn: AsyncConnection, *, person_id: PersonId, use: Use) -> None:
    await conn.execute(
        update(coin_lots)
        .where(coin_lots.c.person_id == person_id, coin_lots.c.pay_in_id == use.pay_in_id)
        .values(
            used=coin_lots.c.used + use.coins,
            used_minor=coin_lots.c.used_minor + use.value_minor,
        )
    )


async def gift_before(conn: AsyncConnection, *, person_id: PersonId, key: str) -> Any | None:
    """The gift that this key has given."""
    same = gifts.c.person_id == person_id, gifts.c.idempotency_key == key
    return (await conn.execute(select(gifts).where(*same))).one_or_none()


async def given_between(
    conn: AsyncConnection, *, person_id: PersonId, since: datetime, until: datetime
) -> int:
    """Coins that a person gave in the half-open window, without what was taken back."""
    found = await conn.scalar(
        select(func.coalesce(func.sum(gifts.c.coins), 0)).where(
            gifts.c.person_id == person_id,
            gifts.c.given_at >= since,
            gifts.c.given_at < until,
            gifts.c.reversed_at.is_(None),
        )
    )
    return int(found or 0)


async def write_gift(conn: AsyncConnection, *, row: Mapping[str, Any], uses: Sequence[Use]) -> None:
    """A gift with the lots that its coins came from."""
    await conn.execute(insert(gifts).values(**row))
    of = [
        {"gift_id": row["id"], "pay_in_id": u.pay_in_id, "coins": u.coins,
         "value_minor": u.value_minor}
        for u in uses
    ]  # fmt: skip
    await conn.execute(insert(gift_uses), of)


async def take_back(
    conn: AsyncConnection, *, gift_id: UUID, by: PersonId, reason: str, at: datetime
) -> Any:
    """Mark a gift as taken back and put its coins back where they came from. Answers its row.

    Raises GiftGone, ReversedBefore.
    """
    row = (
        await conn.execute(
            update(gifts)
            .where(gifts.c.id == gift_id, gifts.c.reversed_at.is_(None))
            .values(reversed_at=at, reversed_by=by, reversal_reason=reason)
            .returning(gifts)
        )
    ).one_or_none()
    if row is None:
        known = await conn.scalar(select(gifts.c.id).where(gifts.c.id == gift_id))
        raise ReversedBefore if known else GiftGone
    uses = await conn.execute(select(gift_uses).where(gift_uses.c.gift_id == gift_id))
    for use in uses.all():
        back = Use(use.pay_in_id, -use.coins, -use.value_minor)
        await _move(conn, person_id=row.person_id, use=back)
    return row
