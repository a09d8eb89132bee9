"""Writes goods that go back to a supplier: out of stock, and what is owed for them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.supply.batch_commands import take_batches
from dougong.supply.ledger_commands import About, hold_levels, hold_stock, post_or_refuse
from dougong.supply.purchase_commands import lock_purchase, next_number
from dougong.supply.purchase_queries import ordered_lines
from dougong.supply.purchase_rules import NothingToSend, credited_units, one_line
from dougong.supply.stock_rules import Move, MoveKind, Place, Spot
from dougong.supply.warehouse_commands import open_warehouse


class Returned(msgspec.Struct, frozen=True):
    """Goods on their way back. `credit_minor`: what the supplier owes for units it had billed."""

    id: UUID
    number: str
    supplier_id: UUID
    currency: str
    credit_minor: int
    is_new: bool


class GoodsBack(msgspec.Struct, frozen=True, kw_only=True):
    """What to send back: line number to units. The same `key` is the same return."""

    warehouse_id: UUID
    lines: Mapping[int, int]
    reason: str
    key: str

    def wanted(self) -> dict[int, int]:
        """Raises BadInput."""
        wanted = {line_no: units for line_no, units in self.lines.items() if units}
        if not wanted or min(wanted.values()) < 1:
            raise BadInput(field="quantity", reason="nothing_received")
        return wanted


WRITE = text("""
    INSERT INTO supplier_returns (store_id, id, number, order_id, warehouse_id, currency,
      total_minor, credit_minor, reason, key, by_id, at)
    VALUES (:store_id, :id, :number, :order_id, :warehouse_id, :currency, :total_minor,
      :credit_minor, :reason, :key, :by_id, :at)
""")


async def send_back(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    goods: GoodsBack,
    by_id: PersonId,
    at: datetime,
) -> Returned:
    """Raises NotFound, WarehouseClosed (409), NothingToSend (409) for more than was received,
    NotEnoughThere and
    StockBelowReserved (409) where the units are not free in the warehouse, BadInput."""
    why = one_line(goods.reason, field="reason", most=500, required=True)
    wanted = goods.wanted()
    order = await lock_purchase(conn, store_id=store_id, order_id=order_id)
    supplier = (order.supplier_id, order.currency)
    before = await _before(conn, store_id, goods.key)
    if before is not None:
        return Returned(before.id, before.number, *supplier, before.credit_minor, is_new=False)
    await open_warehouse(conn, store_id=store_id, warehouse_id=goods.warehouse_id)
    rows = await _lines(conn, store_id, order_id, wanted)
    number = await next_number(conn, store_id=store_id, kind="SR")
    credit = sum(row["credited"] * row["price_minor"] for row in rows)
    made = Returned(new_id(), number, *supplier, credit, is_new=True)
    values = {
        "store_id": store_id, "id": made.id, "number": number, "order_id": order_id,
        "warehouse_id": goods.warehouse_id, "currency": order.currency, "credit_minor": credit,
        "total_minor": sum(row["quantity"] * row["price_minor"] for row in rows),
        "reason": why, "key": goods.key, "by_id": by_id, "at": at,
    }  # fmt: skip
    await conn.execute(WRITE, values)
    await _write(conn, store_id, order_id, made.id, rows)
    units = {row["sku_id"]: row["quantity"] for row in rows}
    about = About("supplier_return", made.id, at, by_id)
    await _take_out(conn, store_id, goods.warehouse_id, units, about)
    return made


async def _before(conn: AsyncConnection, store_id: StoreId, key: str) -> Any:
    found = await conn.execute(
        text("""
            SELECT id, number, credit_minor FROM supplier_returns
            WHERE store_id = :store_id AND key = :key
        """),
        {"store_id": store_id, "key": key},
    )
    return found.one_or_none()


async def _lines(
    conn: AsyncConnection, store_id: StoreId, order_id: UUID, wanted: Mapping[int, int]
) -> list[dict[str, Any]]:
    ordered = await ordered_lines(conn, store_id=store_id, order_id=order_id)
    skus = await conn.execute(
        text("""
            SELECT line_no, sku_id FROM purchase_lines
            WHERE store_id = :store_id AND order_id = :order_id
        """),
        {"store_id": store_id, "order_id": order_id},
    )
    by_line = {row.line_no: SkuId(row.sku_id) for row in skus}
    rows = []
    for line_no, quantity in wanted.items():
        line = ordered.get(line_no)
        if line is None:
            raise BadInput(field="line_no", reason="unknown_line")
        if quantity > line.received - line.returned:
            raise NothingToSend(field="quantity", line_no=line_no)
        rows.append(
            {
                "line_no": line_no,
                "sku_id": by_line[line_no],
                "quantity": quantity,
                "credited": credited_units(line, quantity),
                "price_minor": line.price_minor,
            }
        )
    return rows


async def _write(
    conn: AsyncConnection,
    store_id: StoreId,
    order_id: UUID,
    return_id: UUID,
    rows: list[dict[str, Any]],
) -> None:
    named = {"store_id": store_id, "order_id": order_id, "return_id": return_id}
    for row in rows:
        await conn.execute(
            text("""
                WITH written AS (
                  INSERT INTO supplier_return_lines (store_id, return_id, line_no, quantity,
                    credited, price_minor)
                  VALUES (:store_id, :return_id, :line_no, :quantity, :credited, :price_minor)
                )
                UPDATE purchase_lines SET returned = returned + :quantity,
                  billed = billed - :credited
                WHERE store_id = :store_id AND order_id = :order_id AND line_no = :line_no
            """),
            named | row,
        )


async def _take_out(
    conn: AsyncConnection,
    store_id: StoreId,
    warehouse_id: UUID,
    units: Mapping[SkuId, int],
    about: About,
) -> None:
    """Free units leave the warehouse for the supplier."""
    await hold_stock(conn, store_id=store_id, sku_ids=sorted(units))
    await hold_levels(conn, store_id=store_id, sku_ids=sorted(units))
    moves = [
        Move(
            sku_id=sku_id,
            quantity=quantity,
            kind=MoveKind.RETURNED,
            src=Spot(Place.FREE, warehouse_id),
            dst=Spot(Place.SUPPLIER),
            key=f"sent_back:{about.id}:{sku_id}",
        )
        for sku_id, quantity in units.items()
    ]
    moves = await take_batches(conn, store_id=store_id, moves=moves)
    await post_or_refuse(conn, store_id=store_id, moves=moves, about=about)
