"""Writes dropship lines: order lines that a supplier sends to the buyer, and their statements."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import OrderId, PersonId, StoreId, new_id
from dougong.supply.purchase_commands import next_number
from dougong.supply.purchase_queries import prices_at
from dougong.supply.purchase_rules import (
    DROPSHIP_MOVES,
    DropshipState,
    LineInHand,
    NothingToState,
    WrongPurchaseState,
    one_line,
    price_for,
)


class Line(msgspec.Struct, frozen=True):
    """A line of a paid order that a supplier may send: units that are left, and who sells it."""

    line_no: int
    sku_id: UUID
    quantity: int
    supplier_id: UUID


class Statement(msgspec.Struct, frozen=True):
    id: UUID
    number: str
    currency: str
    lines: int
    total_minor: int


async def give_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    lines: list[Line],
    at: datetime,
) -> dict[int, DropshipState]:
    """Hand lines of a paid order to their suppliers. One without a price in force waits until the
    merchant has said what it costs. A line that was handed over before stays as it is."""
    given: dict[int, DropshipState] = {}
    for line in lines:
        found = await prices_at(
            conn, store_id=store_id, supplier_id=line.supplier_id, sku_ids=[line.sku_id], at=at
        )
        item = found.get(line.sku_id)
        price = price_for(item.prices, line.quantity) if item else None
        state = DropshipState.SENT if price else DropshipState.WAITING
        made = await conn.execute(
            text("""
                INSERT INTO dropship_lines (store_id, order_id, line_no, supplier_id, sku_id,
                  quantity, state, cost_minor, made_at, sent_at)
                VALUES (:store_id, :order_id, :line_no, :supplier_id, :sku_id, :quantity, :state,
                  :cost_minor, :at, :sent_at)
                ON CONFLICT (store_id, order_id, line_no) DO NOTHING
            """),
            {
                "store_id": store_id,
                "order_id": order_id,
                "state": state,
                "cost_minor": price.price_minor if price else 0,
                "at": at,
                "sent_at": at if price else None,
                **msgspec.structs.asdict(line),
            },
        )
        if made.rowcount == 1:
            given[line.line_no] = state
    return given


async def lock_line(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    line_no: int,
    supplier_id: UUID | None = None,
) -> Any:
    """A line's row, kept for this transaction; of this supplier, if one is given.

    Raises NotFound, also for another supplier's line.
    """
    row = (
        await conn.execute(
            text("""
                SELECT * FROM dropship_lines WHERE store_id = :store_id AND order_id = :order_id
                  AND line_no = :line_no
                  AND (CAST(:supplier_id AS uuid) IS NULL OR supplier_id = :supplier_id)
                FOR UPDATE
            """),
            {
                "store_id": store_id,
                "order_id": order_id,
                "line_no": line_no,
                "supplier_id": supplier_id,
            },
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


async def move_line(
    conn: AsyncConnection,
    *,
    row: Any,
    state: DropshipState,
    at: datetime,
    package_id: UUID | None = None,
    reason: str = "",
    supplier_id: UUID | None = None,
    cost_minor: int | None = None,
) -> None:
    """Move a locked line on, to another supplier if one is given. Raises WrongPurchaseState (409),
    BadInput."""
    if state not in DROPSHIP_MOVES[DropshipState(row.state)]:
        raise WrongPurchaseState(state=row.state)
    must = state is DropshipState.REFUSED
    await conn.execute(
        text("""
            UPDATE dropship_lines SET state = :state, package_id = :package_id, reason = :reason,
              cost_minor = coalesce(CAST(:cost_minor AS bigint), cost_minor),
              supplier_id = coalesce(CAST(:supplier_id AS uuid), supplier_id),
              sent_at = CASE WHEN :state = 'sent' THEN CAST(:at AS timestamptz) ELSE sent_at END,
              accepted_at = CASE WHEN :state <> 'sent' THEN accepted_at END,
              answered_at = CASE WHEN :state IN ('shipped', 'refused')
                THEN CAST(:at AS timestamptz) END
            WHERE store_id = :store_id AND order_id = :order_id AND line_no = :line_no
        """),
        {
            "store_id": row.store_id,
            "order_id": row.order_id,
            "line_no": row.line_no,
            "state": str(state),
            "package_id": package_id,
            "reason": one_line(reason, field="reason", most=500, required=must),
            "cost_minor": cost_minor,
            "supplier_id": supplier_id,
            "at": at,
        },
    )


async def note_accepted(conn: AsyncConnection, *, row: Any, at: datetime) -> bool:
    """A supplier will send a locked line; answers whether that is new. Raises WrongPurchaseState
    (409)."""
    if row.state != DropshipState.SENT:
        raise WrongPurchaseState(state=row.state)
    noted = await conn.execute(
        text("""
            UPDATE dropship_lines SET accepted_at = :at
            WHERE store_id = :store_id AND order_id = :order_id AND line_no = :line_no
              AND accepted_at IS NULL
        """),
        {"store_id": row.store_id, "order_id": row.order_id, "line_no": row.line_no, "at": at},
    )
    return noted.rowcount == 1


async def cost_from(
    conn: AsyncConnection, *, row: Any, supplier_id: UUID, cost_minor: int | None, at: datetime
) -> int:
    """What one unit of a line costs from a supplier: as given; as agreed before, from the same; at
    its price in force.

    Raises NotFound of a supplier that does not sell it or is closed, BadInput without any price.
    """
    found = await prices_at(
        conn, store_id=row.store_id, supplier_id=supplier_id, sku_ids=[row.sku_id], at=at
    )
    is_open = await conn.scalar(
        text("SELECT closed_at IS NULL FROM suppliers WHERE store_id = :s AND id = :id"),
        {"s": row.store_id, "id": supplier_id},
    )
    item = found.get(row.sku_id)
    if not is_open or item is None:
        raise NotFound
    if cost_minor is not None:
        return cost_minor
    if row.supplier_id == supplier_id and row.state != DropshipState.WAITING:
        return int(row.cost_minor)
    price = price_for(item.prices, row.quantity)
    if price is None:
        raise BadInput(field="cost", reason="missing")
    return price.price_minor


async def refuse_in_hand(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId, line_no: int
) -> None:
    """What is picked or packed here goes to no supplier. Raises LineInHand (409)."""
    is_in_hand = await conn.scalar(
        text("""
            SELECT EXISTS (SELECT FROM wave_lines WHERE store_id = :s AND order_id = :o
                AND line_no = :n AND is_open)
              OR EXISTS (SELECT FROM package_lines l
                JOIN packages p ON p.store_id = l.store_id AND p.id = l.package_id
                WHERE l.store_id = :s AND l.order_id = :o AND l.line_no = :n
                  AND p.state = 'packed')
        """),
        {"s": store_id, "o": order_id, "n": line_no},
    )
    if is_in_hand:
        raise LineInHand


SUM = text("""
    SELECT count(*) AS lines, coalesce(sum(cost_minor * quantity), 0)::bigint AS total,
      min(answered_at) AS starts_at
    FROM dropship_lines WHERE store_id = :store_id AND supplier_id = :supplier_id
      AND state = 'shipped' AND statement_id IS NULL AND answered_at < :until
""")
STATE = text("""
    INSERT INTO dropship_statements (store_id, id, number, supplier_id, starts_at, ends_at,
      currency, lines, total_minor, by_id, at)
    VALUES (:store_id, :id, :number, :supplier_id, :starts_at, :until, :currency, :lines,
      :total_minor, :by_id, :at)
""")
PUT_ON = text("""
    UPDATE dropship_lines SET statement_id = :id
    WHERE store_id = :store_id AND supplier_id = :supplier_id AND state = 'shipped'
      AND statement_id IS NULL AND answered_at < :until
""")


async def state_dropship(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    supplier_id: UUID,
    until: datetime,
    by_id: PersonId,
    at: datetime,
) -> Statement:
    """One statement of all lines that a supplier sent before `until` and that are on none yet.

    Raises NothingToState (409), NotFound.
    """
    named = {"store_id": store_id, "supplier_id": supplier_id, "until": until}
    currency = await conn.scalar(
        text("""
            SELECT currency FROM suppliers WHERE store_id = :store_id AND id = :supplier_id
            FOR UPDATE
        """),
        named,
    )
    if currency is None:
        raise NotFound
    found = (await conn.execute(SUM, named)).one()
    if not found.lines:
        raise NothingToState
    number = await next_number(conn, store_id=store_id, kind="DS")
    made = Statement(new_id(), number, currency, found.lines, found.total)
    when = {"starts_at": found.starts_at, "by_id": by_id, "at": at}
    await conn.execute(STATE, named | when | msgspec.structs.asdict(made))
    await conn.execute(PUT_ON, named | {"id": made.id})
    return made
