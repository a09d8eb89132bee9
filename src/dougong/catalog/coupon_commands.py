"""Issues coupons and uses them up. The funder pays the discount; the books show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.types.range import TimestamptzRange
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Conflict, NotFound
from dougong.base.ids import OrderId, PersonId, StoreId, new_id
from dougong.catalog.tables import coupons

USED_UP, ALREADY_USED = "used_up", "already_used"


class CouponCodeTaken(Conflict):
    """The store already has a coupon of this code."""

    code = "coupon_code_taken"


class CouponUse(NamedTuple):
    """One order's wish to use a coupon."""

    order_id: OrderId
    coupon_id: UUID
    person_id: PersonId
    discount_minor: int


async def issue_coupon(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    code: str,
    name_zh: str,
    name_en: str,
    funder: str,
    funder_org_id: UUID,
    amount_off_minor: int | None,
    percent_off_bp: int | None,
    min_spend_minor: int,
    usable_from: datetime,
    usable_until: datetime,
    quota: int,
    at: datetime,
) -> UUID:
    """A coupon for one store, at most `quota` uses, one a person, within [from, until).

    Raises BadInput when it is not exactly one of amount and percent, or never usable;
    CouponCodeTaken (409).
    """
    if (amount_off_minor is None) == (percent_off_bp is None):
        raise BadInput(field="amount_off", reason="one_of_amount_and_percent")
    if usable_until <= usable_from:
        raise BadInput(field="usable_until", reason="ends_before_it_starts")
    coupon_id = new_id()
    row = {
        "store_id": store_id,
        "id": coupon_id,
        "code": code,
        "name_zh": name_zh,
        "name_en": name_en,
        "funder": funder,
        "funder_org_id": funder_org_id,
        "amount_off_minor": amount_off_minor,
        "percent_off_bp": percent_off_bp,
        "min_spend_minor": min_spend_minor,
        "usable": TimestamptzRange(usable_from, usable_until, "[)"),
        "quota": quota,
        "created_at": at,
    }
    try:
        async with conn.begin_nested():
            await conn.execute(insert(coupons).values(row))
    except IntegrityError as error:
        if "coupons_store_id_code_key" in str(error.orig):
            raise CouponCodeTaken(field="code") from error
        raise BadInput(field="code", reason="does_not_fit") from error
    return coupon_id


async def end_coupon(
    conn: AsyncConnection, *, store_id: StoreId, coupon_id: UUID, at: datetime
) -> None:
    """No further use: the quota becomes what was used. Raises NotFound."""
    change = (
        update(coupons)
        .where(coupons.c.store_id == store_id, coupons.c.id == coupon_id)
        .values(quota=coupons.c.used)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


HOLD = text("""
    SELECT id, quota - used AS free FROM coupons
    WHERE store_id = :store_id AND id = ANY(CAST(:coupons AS uuid[]))
    ORDER BY id FOR UPDATE
""")

# Asked once the coupons are locked: it sees what whoever had them before has written.
USED = text("""
    SELECT coupon_id, person_id FROM coupon_uses
    WHERE store_id = :store_id AND coupon_id = ANY(CAST(:coupons AS uuid[]))
      AND person_id = ANY(CAST(:people AS uuid[])) AND released_at IS NULL
""")

USE = text("""
    WITH used AS (
      INSERT INTO coupon_uses (store_id, coupon_id, order_id, person_id, discount_minor, at)
      SELECT :store_id, coupon_id, order_id, person_id, discount_minor, :at
      FROM unnest(
        CAST(:orders AS uuid[]), CAST(:coupons AS uuid[]), CAST(:people AS uuid[]),
        CAST(:discounts AS bigint[])
      ) AS u (order_id, coupon_id, person_id, discount_minor)
      RETURNING coupon_id
    )
    UPDATE coupons c SET used = c.used + n.uses
    FROM (SELECT coupon_id, count(*) AS uses FROM used GROUP BY coupon_id) n
    WHERE c.store_id = :store_id AND c.id = n.coupon_id
""")


def _columns(uses: Sequence[CouponUse]) -> dict[str, object]:
    return {
        "orders": [use.order_id for use in uses],
        "coupons": [use.coupon_id for use in uses],
        "people": [use.person_id for use in uses],
        "discounts": [use.discount_minor for use in uses],
    }


class HeldCoupons:
    """Coupons that are locked for one batch: who can still use one, order by order."""

    def __init__(self, free: dict[UUID, int], used: set[tuple[UUID, UUID]]) -> None:
        self._free, self._used = free, used
        self.taken: list[CouponUse] = []

    def refusal(self, use: CouponUse) -> str | None:
        """Why this order cannot have its coupon, or None when it can."""
        if (use.coupon_id, use.person_id) in self._used:
            return ALREADY_USED
        return None if self._free.get(use.coupon_id, 0) > 0 else USED_UP

    def take(self, use: CouponUse) -> None:
        self._free[use.coupon_id] -= 1
        self._used.add((use.coupon_id, use.person_id))
        self.taken.append(use)


async def hold_coupons(
    conn: AsyncConnection, *, store_id: StoreId, uses: Sequence[CouponUse]
) -> HeldCoupons:
    """Lock the coupons of these wishes until the transaction ends."""
    if not uses:
        return HeldCoupons({}, set())
    where = {"store_id": store_id, **_columns(uses)}
    free = {row.id: row.free for row in await conn.execute(HOLD, where)}
    used = {(row.coupon_id, row.person_id) for row in await conn.execute(USED, where)}
    return HeldCoupons(free, used)


async def use_coupons(
    conn: AsyncConnection, *, store_id: StoreId, held: HeldCoupons, at: datetime
) -> None:
    """Write what was taken of held coupons; the orders must be there."""
    if held.taken:
        await conn.execute(USE, {"store_id": store_id, "at": at, **_columns(held.taken)})


async def release_coupon(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, at: datetime
) -> None:
    """Give a coupon back: its order was never paid."""
    await conn.execute(
        text("""
            WITH freed AS (
              UPDATE coupon_uses SET released_at = :at
              WHERE store_id = :store_id AND order_id = :order_id AND released_at IS NULL
              RETURNING coupon_id
            )
            UPDATE coupons c SET used = c.used - 1 FROM freed
            WHERE c.store_id = :store_id AND c.id = freed.coupon_id
        """),
        {"store_id": store_id, "order_id": order_id, "at": at},
    )
