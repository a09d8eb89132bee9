"""Writes what is set aside for a channel or a room, what orders took of it, and what came back.

`stock.quotas` counts a SKU's quotas that are not ended: whoever locks its row knows whether to ask.
Everything here runs with that row locked.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrderId, PersonId, SkuId, StoreId, new_id
from dougong.infra.db import constraint_of, fetch
from dougong.supply.quota_rules import Channel, Quota, QuotaOver, QuotaThere
from dougong.supply.stock_rules import NotEnoughThere

HOLD_FREE = """
    SELECT on_hand - reserved - (SELECT COALESCE(sum(q.units - q.used), 0) FROM stock_quotas q
      WHERE q.store_id = s.store_id AND q.sku_id = s.sku_id AND q.ended_at IS NULL)
    FROM stock s WHERE store_id = %(store_id)s AND sku_id = %(sku_id)s FOR UPDATE OF s
"""

INSERT = """
    INSERT INTO stock_quotas (store_id, id, sku_id, channel, room_id, host_id, units, starts_at,
      ends_at, made_by, made_at)
    VALUES (%(store_id)s, %(id)s, %(sku_id)s, %(channel)s, %(room_id)s, %(host_id)s, %(units)s,
      %(starts_at)s, %(ends_at)s, %(by_id)s, %(at)s)
"""

COUNT = """
    UPDATE stock SET quotas = quotas + %(more)s
    WHERE store_id = %(store_id)s AND sku_id = %(sku_id)s
"""

IN_FORCE = """
    SELECT id, sku_id, channel, host_id, units - used FROM stock_quotas
    WHERE store_id = %(store_id)s AND sku_id = ANY(%(skus)s::uuid[]) AND ended_at IS NULL
      AND starts_at <= %(at)s AND (ends_at IS NULL OR ends_at > %(at)s)
    ORDER BY id
"""

USE = """
    WITH taken AS (
      INSERT INTO stock_quota_uses (store_id, order_id, quota_id, units, at)
      SELECT %(store_id)s, order_id, quota_id, units, %(at)s
      FROM unnest(%(orders)s::uuid[], %(quotas)s::uuid[], %(units)s::int[])
        AS t (order_id, quota_id, units)
      RETURNING quota_id, units
    )
    UPDATE stock_quotas q SET used = q.used + t.units
    FROM (SELECT quota_id, sum(units) AS units FROM taken GROUP BY quota_id) t
    WHERE q.store_id = %(store_id)s AND q.id = t.quota_id
"""

# What an order gives back of a SKU goes to its quotas that are not ended, one after the other.
GIVE_BACK = """
    WITH held AS (
      SELECT u.quota_id, u.units - u.released AS held, w.units AS wanted,
        COALESCE(sum(u.units - u.released) OVER (PARTITION BY q.sku_id ORDER BY u.quota_id
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
      FROM stock_quota_uses u
      JOIN stock_quotas q ON q.store_id = u.store_id AND q.id = u.quota_id AND q.ended_at IS NULL
      JOIN unnest(%(skus)s::uuid[], %(units)s::int[]) AS w (sku_id, units) ON w.sku_id = q.sku_id
      WHERE u.store_id = %(store_id)s AND u.order_id = %(order_id)s
    ), back AS (
      SELECT quota_id, LEAST(held, wanted - before) AS units FROM held
      WHERE held > 0 AND wanted > before
    ), released AS (
      UPDATE stock_quota_uses u SET released = u.released + b.units FROM back b
      WHERE u.store_id = %(store_id)s AND u.order_id = %(order_id)s AND u.quota_id = b.quota_id
    )
    UPDATE stock_quotas q SET used = q.used - b.units FROM back b
    WHERE q.store_id = %(store_id)s AND q.id = b.quota_id
"""

END = """
    UPDATE stock_quotas SET ended_at = %(at)s
    WHERE store_id = %(store_id)s AND id = %(id)s AND ended_at IS NULL RETURNING sku_id
"""

SKU_OF = "SELECT sku_id FROM stock_quotas WHERE store_id = %(store_id)s AND id = %(id)s"

OF_ROOM = """
    SELECT store_id, id FROM stock_quotas WHERE room_id = %(room_id)s AND ended_at IS NULL
    ORDER BY store_id, sku_id, id
"""

DUE = """
    SELECT store_id, id FROM stock_quotas WHERE ended_at IS NULL AND ends_at <= %(at)s
    ORDER BY ends_at, id LIMIT %(most)s
"""

MOST_UNITS = 10_000_000


async def set_aside(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    sku_id: SkuId,
    channel: Channel,
    room: tuple[UUID, UUID] | None,
    units: int,
    starts_at: datetime,
    ends_at: datetime | None,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Only this channel, or (room and its host) this room, sells these units within
    [starts_at, ends_at), and it sells no more of the SKU.

    Raises NotFound, BadInput, NotEnoughThere (409) when fewer are free, QuotaThere (409).
    """
    if not 1 <= units <= MOST_UNITS:
        raise BadInput(field="units", reason="out_of_range")
    if ends_at is not None and ends_at <= max(starts_at, at):
        raise BadInput(field="ends_at", reason="in_the_past")
    of = {"store_id": store_id, "sku_id": sku_id}
    found = await fetch(conn, HOLD_FREE, of)
    if not found:
        raise NotFound
    if units > found[0][0]:
        raise NotEnoughThere(field="units", free=max(0, int(found[0][0])))
    quota_id = new_id()
    room_id, host_id = room or (None, None)
    values = {"id": quota_id, "channel": channel, "room_id": room_id, "host_id": host_id}
    values |= {"units": units, "starts_at": starts_at, "ends_at": ends_at, "by_id": by_id}
    try:
        async with conn.begin_nested():
            await fetch(conn, INSERT, of | values | {"at": at})
    except IntegrityError as error:
        if constraint_of(error) == "stock_quotas_one":
            raise QuotaThere(field="channel") from error
        raise
    await fetch(conn, COUNT, of | {"more": 1})
    return quota_id


async def end_quota(
    conn: AsyncConnection, *, store_id: StoreId, quota_id: UUID, at: datetime
) -> SkuId:
    """What is left of it is everybody's again. Raises NotFound, QuotaOver (409)."""
    named = {"store_id": store_id, "id": quota_id}
    known = await fetch(conn, SKU_OF, named)
    if not known:
        raise NotFound
    of = {"store_id": store_id, "sku_id": known[0][0]}
    await fetch(conn, HOLD_FREE, of)
    if not await fetch(conn, END, named | {"at": at}):
        raise QuotaOver
    await fetch(conn, COUNT, of | {"more": -1})
    return SkuId(known[0][0])


async def quotas_in_force(
    conn: AsyncConnection, *, store_id: StoreId, sku_ids: Collection[SkuId], at: datetime
) -> list[Quota]:
    rows = await fetch(conn, IN_FORCE, {"store_id": store_id, "skus": list(sku_ids), "at": at})
    return [Quota(row[0], SkuId(row[1]), Channel(row[2]), row[3], row[4]) for row in rows]


async def use_quotas(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    uses: Mapping[tuple[OrderId, UUID], int],
    at: datetime,
) -> None:
    """Units that orders took of quotas: (order, quota) to units."""
    if uses:
        values = {"orders": [order for order, _ in uses], "quotas": [quota for _, quota in uses]}
        given = {"store_id": store_id, "units": list(uses.values()), "at": at}
        await fetch(conn, USE, values | given)


async def give_back(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, units: Mapping[SkuId, int]
) -> None:
    """An order gives units back: those that it took of a quota go back to that."""
    values = {"store_id": store_id, "order_id": order_id}
    lists = {"skus": list(units), "units": list(units.values())}
    await fetch(conn, GIVE_BACK, values | lists)


async def quotas_of_room(conn: AsyncConnection, *, room_id: UUID) -> list[tuple[StoreId, UUID]]:
    """Those of a room that are not ended."""
    rows = await fetch(conn, OF_ROOM, {"room_id": room_id})
    return [(StoreId(store_id), quota_id) for store_id, quota_id in rows]


async def quotas_due(
    conn: AsyncConnection, *, at: datetime, most: int
) -> list[tuple[StoreId, UUID]]:
    """Those whose time is over."""
    rows = await fetch(conn, DUE, {"at": at, "most": most})
    return [(StoreId(store_id), quota_id) for store_id, quota_id in rows]
