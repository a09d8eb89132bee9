"""What a person holds of coins: what was bought and what is left, what was given to whom."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, PersonId


class Purchase(msgspec.Struct, frozen=True):
    """A pack that was paid for. `worth_minor`: what its coins that are left were paid with.
    `refund_state`: of the last refund; `refunded_minor`: by all."""

    pay_in_id: UUID
    bought_at: datetime
    coins: int
    left: int
    price_minor: int
    worth_minor: int
    currency: str
    refund_state: str | None
    refunded_minor: int


class Given(msgspec.Struct, frozen=True):
    """A gift as its giver sees it."""

    id: UUID
    given_at: datetime
    name_zh: str
    name_en: str
    icon: str
    count: int
    coins: int
    creator: str
    room_id: UUID
    is_taken_back: bool


class Wallet(msgspec.Struct, frozen=True):
    """`born_on` None: not said yet. `coins_per_day` None: no limit for this age."""

    coins: int
    born_on: date | None
    purchases: Sequence[Purchase]


PURCHASES = text("""
    SELECT l.pay_in_id, l.bought_at, l.coins, l.coins - l.used AS left, l.price_minor,
      l.price_minor - l.used_minor AS worth_minor, l.currency::text,
      r.refund_state, COALESCE(r.refunded_minor, 0) AS refunded_minor
    FROM coin_lots l
    CROSS JOIN LATERAL (
      SELECT (array_agg(b.state ORDER BY b.asked_at DESC, b.id DESC))[1] AS refund_state,
        sum(b.amount_minor)::bigint AS refunded_minor
      FROM refunds b WHERE b.store_id = :book AND b.order_id = l.pay_in_id
    ) r
    WHERE l.person_id = :person_id
    ORDER BY l.bought_at DESC, l.pay_in_id DESC LIMIT :most
""")

BALANCE = text("""
    SELECT COALESCE(sum(l.coins - l.used), 0)::bigint AS coins,
      (SELECT born_on FROM gift_people WHERE person_id = :person_id) AS born_on
    FROM coin_lots l WHERE l.person_id = :person_id
""")

GIVEN = text("""
    SELECT g.id, g.given_at, k.name_zh, k.name_en, k.icon, g.count, g.coins, o.name AS creator,
      g.room_id, g.reversed_at IS NOT NULL AS is_taken_back
    FROM gifts g JOIN gift_kinds k ON k.code = g.kind JOIN organisations o ON o.id = g.creator_id
    WHERE g.person_id = :person_id AND (CAST(:before_at AS timestamptz) IS NULL
      OR (g.given_at, g.id) < (:before_at, CAST(:before_id AS uuid)))
    ORDER BY g.given_at DESC, g.id DESC LIMIT :most
""")


async def wallet(conn: AsyncConnection, *, person_id: PersonId, most: int) -> Wallet:
    """The balance with the latest purchases."""
    held = (await conn.execute(BALANCE, {"person_id": person_id})).one()
    asked = {"person_id": person_id, "most": most, "book": PLATFORM_BOOK}
    rows = await conn.execute(PURCHASES, asked)
    return Wallet(held.coins, held.born_on, [Purchase(**row) for row in rows.mappings()])


async def gifts_given(
    conn: AsyncConnection, *, person_id: PersonId, before: tuple[datetime, UUID] | None, most: int
) -> list[Given]:
    """Newest first."""
    before_at, before_id = before or (None, None)
    where = {"person_id": person_id, "before_at": before_at, "before_id": before_id, "most": most}
    return [Given(**row) for row in (await conn.execute(GIVEN, where)).mappings()]
