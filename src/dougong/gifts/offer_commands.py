"""Writes what is on offer: coin packs, gifts, limits; and tables of other apps' revenue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Conflict
from dougong.base.ids import new_id
from dougong.base.money import Money
from dougong.gifts.app_revenue_rules import AppRow
from dougong.gifts.rules import GiftGone
from dougong.gifts.tables import app_revenue_rows, coin_packs, gift_kinds, gift_limits
from dougong.infra.db import constraint_of

ANIMATIONS = ("float", "burst", "fly", "rain")


class GiftTaken(Conflict):
    """A gift with this code is on offer, or was."""

    code = "gift_code_taken"


async def offer_pack(conn: AsyncConnection, *, coins: int, price: Money, at: datetime) -> UUID:
    """Raises BadInput outside 1 to 10 million coins, or for a price that is not above zero."""
    if not 1 <= coins <= 10_000_000:
        raise BadInput(field="coins", reason="out_of_range")
    if price.minor <= 0:
        raise BadInput(field="price", reason="out_of_range")
    row = {"id": new_id(), "coins": coins, "price_minor": price.minor, "currency": price.currency}
    await conn.execute(insert(coin_packs).values(**row, made_at=at))
    return UUID(str(row["id"]))


async def end_pack(conn: AsyncConnection, *, pack_id: UUID, at: datetime) -> None:
    """No longer sold; coins that were bought stay. Raises GiftGone."""
    mine = coin_packs.c.id == pack_id, coin_packs.c.ended_at.is_(None)
    done = await conn.execute(update(coin_packs).where(*mine).values(ended_at=at))
    if done.rowcount != 1:
        raise GiftGone(field="pack_id")


async def offer_gift(
    conn: AsyncConnection,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    coins: int,
    animation: str,
    icon: str,
    at: datetime,
) -> None:
    """Raises BadInput, GiftTaken."""
    for field, value in (("name_zh", name_zh), ("name_en", name_en)):
        if not 1 <= len(value.strip()) <= 40:
            raise BadInput(field=field, reason="empty" if not value.strip() else "too_long")
    if not 1 <= coins <= 1_000_000:
        raise BadInput(field="coins", reason="out_of_range")
    if animation not in ANIMATIONS:
        raise BadInput(field="animation", reason="unknown_value")
    row = {"code": code, "name_zh": name_zh.strip(), "name_en": name_en.strip(), "coins": coins}
    try:
        async with conn.begin_nested():
            more = {"animation": animation, "icon": icon, "made_at": at}
            await conn.execute(insert(gift_kinds).values(**row, **more))
    except IntegrityError as error:
        if constraint_of(error) == "gift_kinds_code_check":
            raise BadInput(field="code", reason="bad_source_code") from error
        raise GiftTaken(field="code") from error


async def end_gift(conn: AsyncConnection, *, code: str, at: datetime) -> None:
    """No longer given. Raises GiftGone."""
    mine = gift_kinds.c.code == code, gift_kinds.c.ended_at.is_(None)
    done = await conn.execute(update(gift_kinds).where(*mine).values(ended_at=at))
    if done.rowcount != 1:
        raise GiftGone(field="code")


async def set_limit(
    conn: AsyncConnection,
    *,
    from_age: int,
    coins_per_day: int,
    starts: datetime,
    reason_zh: str,
    reason_en: str,
    at: datetime,
) -> None:
    """A limit from an instant on, in the place of the one before. Raises BadInput: it cannot start
    in the past, nor before a later one that is planned."""
    if not 0 <= from_age <= 120:
        raise BadInput(field="from_age", reason="out_of_range")
    if coins_per_day < 0:
        raise BadInput(field="coins_per_day", reason="out_of_range")
    if starts < at:
        raise BadInput(field="starts", reason="out_of_range")
    values = {"age": from_age, "starts": starts}
    later = text("""
        SELECT true FROM gift_limits WHERE from_age = :age AND lower(in_force) >= :starts LIMIT 1
    """)
    if await conn.scalar(later, values):
        raise BadInput(field="starts", reason="out_of_range")
    cut = text("""
        UPDATE gift_limits SET in_force = tstzrange(lower(in_force), :starts)
        WHERE from_age = :age AND upper_inf(in_force)
    """)
    await conn.execute(cut, values)
    row = {"id": new_id(), "from_age": from_age, "coins_per_day": coins_per_day}
    made = insert(gift_limits).values(
        **row,
        in_force=text("tstzrange(:starts, NULL)").bindparams(starts=starts),
        reason_zh=reason_zh,
        reason_en=reason_en,
    )
    await conn.execute(made)


async def keep_app_rows(conn: AsyncConnection, *, rows: Sequence[AppRow], at: datetime) -> None:
    """A later table corrects an earlier one."""
    for start in range(0, len(rows), 5_000):
        values = [
            {
                "month": one.month,
                "market": one.market,
                "app": one.app,
                "currency": one.currency,
                "revenue_minor": one.revenue_minor,
                "source": one.source,
                "read_at": at,
            }
            for one in rows[start : start + 5_000]
        ]
        made = upsert(app_revenue_rows).values(values)
        told = {
            name: made.excluded[name] for name in ("currency", "revenue_minor", "source", "read_at")
        }
        await conn.execute(
            made.on_conflict_do_update(index_elements=["month", "market", "app"], set_=told)
        )
