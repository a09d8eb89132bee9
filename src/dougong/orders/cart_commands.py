"""Writes carts: one row per person, store and SKU, with the link that led there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, StoreId
from dougong.orders.rules import MOST_UNITS

PUT = text("""
    INSERT INTO cart_items (person_id, store_id, sku_id, quantity, link_id, added_at)
    SELECT :person_id, :store_id, :sku_id, :quantity, :link_id, :at
    WHERE EXISTS (SELECT FROM skus WHERE store_id = :store_id AND id = :sku_id)
    ON CONFLICT (person_id, store_id, sku_id) DO UPDATE
      SET quantity = least(:most, excluded.quantity
            + CASE WHEN :adds THEN cart_items.quantity ELSE 0 END),
        link_id = COALESCE(excluded.link_id, cart_items.link_id)
""")


async def put_in_cart(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    store_id: StoreId,
    sku_id: UUID,
    quantity: int,
    link_id: UUID | None,
    at: datetime,
    adds: bool = False,
) -> None:
    """Set a SKU's quantity in the cart (1 to 999), or add to it; the link that led to it is kept.

    Raises NotFound for a SKU that the store does not have.
    """
    made = await conn.execute(
        PUT,
        {
            "person_id": person_id,
            "store_id": store_id,
            "sku_id": sku_id,
            "quantity": quantity,
            "link_id": link_id,
            "at": at,
            "adds": adds,
            "most": MOST_UNITS,
        },
    )
    if made.rowcount != 1:
        raise NotFound


async def add_to_cart(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    store_id: StoreId,
    sku_id: UUID,
    quantity: int,
    link_id: UUID | None,
    at: datetime,
) -> None:
    """Add to what the cart holds of a SKU, up to 999. Raises NotFound."""
    await put_in_cart(
        conn,
        person_id=person_id,
        store_id=store_id,
        sku_id=sku_id,
        quantity=min(MOST_UNITS, quantity),
        link_id=link_id,
        at=at,
        adds=True,
    )


async def remove_from_cart(
    conn: AsyncConnection, *, person_id: PersonId, store_id: StoreId, sku_id: UUID
) -> None:
    await conn.execute(
        text("""
            DELETE FROM cart_items
            WHERE person_id = :person_id AND store_id = :store_id AND sku_id = :sku_id
        """),
        {"person_id": person_id, "store_id": store_id, "sku_id": sku_id},
    )
