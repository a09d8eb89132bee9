"""What the goods of cases cost: with what they left, and with what they came back."""

from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, SkuId, StoreId


class Left(msgspec.Struct, frozen=True):
    """Units of a SKU that left for an order and those that came back, with what they are worth."""

    units: int
    worth_minor: int
    back: int
    back_minor: int

    def back_again(self, quantity: int) -> int:
        """What `quantity` more are worth as they come back: cumulatively, so that all of them
        together bring back exactly what they left with."""
        so_far = min(self.units, self.back + quantity)
        return max(0, self.worth_minor * so_far // self.units - self.back_minor)


# Of those that left, the ones of which the cost was known.
LEFT = text("""
    WITH sent AS (
      SELECT sum(m.quantity) AS units, -sum(m.value_minor) AS worth
      FROM stock_moves m
      WHERE m.store_id = :store_id AND m.sku_id = :sku_id AND m.kind = 'shipped'
        AND m.value_minor IS NOT NULL AND split_part(m.key, ':', 3) = CAST(:order_id AS text)
        AND m.about_id IN (SELECT package_id FROM package_lines
          WHERE store_id = :store_id AND order_id = :order_id)
    ), came AS (
      SELECT sum(m.quantity) AS units, sum(m.value_minor) AS worth
      FROM cases c JOIN stock_moves m ON m.store_id = c.store_id AND m.about_id = c.id
      WHERE c.store_id = :store_id AND c.order_id = :order_id AND m.sku_id = :sku_id
        AND m.kind = 'returned'
    )
    SELECT sent.units, sent.worth, coalesce(came.units, 0) AS back,
      coalesce(came.worth, 0)::bigint AS back_minor
    FROM sent, came WHERE sent.units > 0
""")


async def left_with(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, sku_id: SkuId
) -> Left | None:
    """None where nothing is known of what they cost."""
    where = {"store_id": store_id, "order_id": order_id, "sku_id": sku_id}
    row = (await conn.execute(LEFT, where)).one_or_none()
    if row is None:
        return None
    return Left(int(row.units), int(row.worth), int(row.back), int(row.back_minor))


async def came_back_worth(
    conn: AsyncConnection, *, store_id: StoreId, case_id: UUID
) -> dict[int, int]:
    """Line number of a case to what its goods were worth as they came back."""
    found = await conn.execute(
        text("""
            SELECT split_part(key, ':', 3)::int AS line_no, value_minor FROM stock_moves
            WHERE store_id = :store_id AND about_id = :case_id AND kind = 'returned'
              AND value_minor IS NOT NULL
        """),
        {"store_id": store_id, "case_id": case_id},
    )
    return {row.line_no: row.value_minor for row in found}
