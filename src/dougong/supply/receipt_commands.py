"""Writes deliveries as they were counted at the door, and what it cost to bring them in."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, KeyReused
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.supply.purchase_commands import lock_purchase, next_number
from dougong.supply.purchase_queries import ordered_lines
from dougong.supply.purchase_rules import (
    MOST_PRICE_MINOR,
    MOST_QUANTITY,
    RECEIVABLE,
    OrderedLine,
    OverDelivery,
    PurchaseState,
    WrongPurchaseState,
    one_line,
)


class CountedLine(msgspec.Struct, frozen=True):
    """What came of one line. `damaged` units are not taken in; `short`: on the delivery note, but
    not there."""

    line_no: int
    accepted: int = 0
    damaged: int = 0
    short: int = 0
    lot: str = ""
    expires_on: date | None = None


class Receipt(msgspec.Struct, frozen=True):
    """A delivery that is written. Not `is_new`: the same was sent before, and nothing changed."""

    id: UUID
    number: str
    is_new: bool
    over: int = 0


def _check(lines: Sequence[CountedLine]) -> None:
    """Raises BadInput."""
    if len({line.line_no for line in lines}) < len(lines):
        raise BadInput(field="lines", reason="duplicate_id")
    for line in lines:
        for units in (line.accepted, line.damaged, line.short):
            if not 0 <= units <= MOST_QUANTITY:
                raise BadInput(field="quantity", reason="out_of_range")
        one_line(line.lot, field="lot", most=60)
        if line.expires_on is not None and not 2000 <= line.expires_on.year <= 2200:
            raise BadInput(field="expires_on", reason="out_of_range")
    if not any(line.accepted or line.damaged or line.short for line in lines):
        raise BadInput(field="lines", reason="nothing_received")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker counted. The same `key` and lines are the same delivery. `take_over`: more than
    the order and its tolerance allow is taken as a surplus."""

    lines: Sequence[CountedLine]
    key: str
    take_over: bool = False
    delivery_note: str = ""
    note: str = ""

    def kept(self) -> list[CountedLine]:
        """The lines that say something."""
        return [line for line in self.lines if line.accepted or line.damaged or line.short]


async def _before(
    conn: AsyncConnection, store_id: StoreId, key: str, request_hash: bytes
) -> Receipt | None:
    """The delivery of this key, if it was written. Raises KeyReused (409) for another one."""
    found = await conn.execute(
        text("""
            SELECT id, number, request_hash FROM goods_receipts
            WHERE store_id = :store_id AND key = :key
        """),
        {"store_id": store_id, "key": key},
    )
    before = found.one_or_none()
    if before is None:
        return None
    if bytes(before.request_hash) != request_hash:
        raise KeyReused(field="key")
    return Receipt(before.id, before.number, is_new=False)


WRITE = text("""
    INSERT INTO goods_receipts (store_id, id, number, order_id, warehouse_id, delivery_note, key,
      request_hash, note, by_id, at)
    VALUES (:store_id, :id, :number, :order_id, :warehouse_id, :delivery_note, :key, :request_hash,
      :note, :by_id, :at)
""")


async def write_receipt(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: UUID,
    warehouse_id: UUID,
    delivery: Delivery,
    by_id: PersonId,
    at: datetime,
) -> Receipt:
    """Count a delivery against its order. Raises NotFound, KeyReused (409), WrongPurchaseState
    (409), OverDelivery (409), BadInput."""
    _check(delivery.lines)
    kept = delivery.kept()
    told = msgspec.json.encode([str(order_id), str(warehouse_id), kept])
    request_hash = hashlib.sha256(told).digest()
    order = await lock_purchase(conn, store_id=store_id, order_id=order_id)
    if before := await _before(conn, store_id, delivery.key, request_hash):
        return before
    if order.state not in RECEIVABLE:
        raise WrongPurchaseState(state=order.state)
    ordered = await ordered_lines(conn, store_id=store_id, order_id=order_id)
    over = await _take_in(conn, store_id, order_id, kept, ordered, delivery.take_over)
    number = await next_number(conn, store_id=store_id, kind="GR")
    receipt = Receipt(new_id(), number, is_new=True, over=sum(over.values()))
    row = {
        "store_id": store_id, "id": receipt.id, "number": number, "order_id": order_id,
        "warehouse_id": warehouse_id, "key": delivery.key, "request_hash": request_hash,
        "delivery_note": one_line(delivery.delivery_note, field="delivery_note", most=80),
        "note": delivery.note.strip()[:2000], "by_id": by_id, "at": at,
    }  # fmt: skip
    await conn.execute(WRITE, row)
    await _write_lines(conn, store_id, receipt.id, kept, over)
    await _move_on(conn, store_id, order_id)
    return receipt


async def _take_in(
    conn: AsyncConnection,
    store_id: StoreId,
    order_id: UUID,
    lines: Sequence[CountedLine],
    ordered: Mapping[int, OrderedLine],
    take_over: bool,
) -> dict[int, int]:
    """Add what was accepted to the order's lines; answers the surplus by line."""
    over: dict[int, int] = {}
    for line in lines:
        known = ordered.get(line.line_no)
        if known is None:
            raise BadInput(field="line_no", reason="unknown_line")
        now = known.received + line.accepted
        over[line.line_no] = min(line.accepted, max(0, now - known.quantity))
        changed = await conn.execute(
            text("""
                UPDATE purchase_lines SET received = received + :accepted,
                  most = CASE WHEN :take_over THEN greatest(most, received + :accepted)
                    ELSE most END
                WHERE store_id = :store_id AND order_id = :order_id AND line_no = :line_no
                  AND (:take_over OR received + :accepted <= most)
            """),
            {
                "store_id": store_id,
                "order_id": order_id,
                "line_no": line.line_no,
                "accepted": line.accepted,
                "take_over": take_over,
            },
        )
        if changed.rowcount != 1:
            most = max(0, known.quantity - known.received)
            raise OverDelivery(field="quantity", line_no=line.line_no, most=most)
    return over


async def _write_lines(
    conn: AsyncConnection,
    store_id: StoreId,
    receipt_id: UUID,
    lines: Sequence[CountedLine],
    over: Mapping[int, int],
) -> None:
    rows = [
        {
            "store_id": store_id,
            "receipt_id": receipt_id,
            "over": over[line.line_no],
            **msgspec.structs.asdict(line),
        }
        for line in lines
    ]
    await conn.execute(
        text("""
            INSERT INTO goods_receipt_lines (store_id, receipt_id, line_no, accepted, damaged,
              short, over, lot, expires_on)
            VALUES (:store_id, :receipt_id, :line_no, :accepted, :damaged, :short, :over, :lot,
              :expires_on)
        """),
        rows,
    )


async def _move_on(conn: AsyncConnection, store_id: StoreId, order_id: UUID) -> None:
    """Wholly or partly received, by what has come so far."""
    await conn.execute(
        text("""
            UPDATE purchase_orders o SET state = CASE
              WHEN l.open = 0 THEN CAST(:received AS text)
              WHEN l.came > 0 THEN CAST(:part AS text) ELSE o.state END
            FROM (SELECT count(*) FILTER (WHERE received < quantity) AS open,
                sum(received) AS came
              FROM purchase_lines WHERE store_id = :store_id AND order_id = :order_id) AS l
            WHERE o.store_id = :store_id AND o.id = :order_id
        """),
        {
            "store_id": store_id,
            "order_id": order_id,
            "received": PurchaseState.RECEIVED,
            "part": PurchaseState.PART_RECEIVED,
        },
    )


async def hold_costs(conn: AsyncConnection, *, store_id: StoreId, receipt_id: UUID) -> None:
    """Lock what the SKUs of a delivery cost, so that its landed costs find them as they are."""
    await conn.execute(
        text("""
            SELECT FROM stock_costs c WHERE c.store_id = :store_id AND c.sku_id IN (
              SELECT l.sku_id FROM purchase_lines l
              JOIN goods_receipts r ON r.store_id = l.store_id AND r.order_id = l.order_id
              WHERE r.store_id = :store_id AND r.id = :receipt_id)
            ORDER BY c.sku_id FOR UPDATE
        """),
        {"store_id": store_id, "receipt_id": receipt_id},
    )


class Share(msgspec.Struct, frozen=True):
    """A line's part of a landed cost, and what of it is the cost of goods that are still there."""

    line_no: int
    sku_id: SkuId
    amount_minor: int
    to_stock_minor: int


class LandedCost(msgspec.Struct, frozen=True, kw_only=True):
    """Freight, duty or other costs of a delivery. The same `key` is the same cost."""

    kind: str
    amount_minor: int
    spread_by: str
    key: str


WRITE_COST = text("""
    INSERT INTO landed_costs (store_id, id, receipt_id, kind, amount_minor, spread_by, key, by_id,
      at)
    VALUES (:store_id, :id, :receipt_id, :kind, :amount_minor, :spread_by, :key, :by_id, :at)
    ON CONFLICT (store_id, key) DO NOTHING
""")
WRITE_SHARES = text("""
    INSERT INTO landed_cost_shares (store_id, landed_id, line_no, amount_minor, to_stock_minor)
    VALUES (:store_id, :landed_id, :line_no, :amount_minor, :to_stock_minor)
""")


async def write_landed_cost(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    receipt_id: UUID,
    cost: LandedCost,
    shares: Sequence[Share],
    by_id: PersonId,
    at: datetime,
) -> UUID | None:
    """A cost of a delivery with its shares; None where the same key has written it before.

    Raises BadInput.
    """
    if cost.kind not in ("freight", "duty", "other"):
        raise BadInput(field="kind", reason="unknown_value")
    if not 1 <= cost.amount_minor <= MOST_PRICE_MINOR:
        raise BadInput(field="amount", reason="out_of_range")
    landed_id = new_id()
    named = {"store_id": store_id, "id": landed_id, "receipt_id": receipt_id}
    values = named | msgspec.structs.asdict(cost) | {"by_id": by_id, "at": at}
    if (await conn.execute(WRITE_COST, values)).rowcount != 1:
        return None
    rows: list[dict[str, Any]] = [
        {"store_id": store_id, "landed_id": landed_id, **msgspec.structs.asdict(share)}
        for share in shares
    ]
    await conn.execute(WRITE_SHARES, rows)
    for row in rows:
        if row["to_stock_minor"]:
            await _revalue(conn, row | {"at": at})
    return landed_id


async def _revalue(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Goods on hand cost that much more by moving average from now on."""
    key = f"landed:{row['landed_id']}:{row['line_no']}"
    values = {**row, "id": new_id(), "key": key}
    await conn.execute(
        text("""
            INSERT INTO stock_revaluations (store_id, id, sku_id, value_minor, about_kind,
              about_id, at, key)
            VALUES (:store_id, :id, :sku_id, :to_stock_minor, 'landed_cost', :landed_id, :at, :key)
        """),
        values,
    )
    await conn.execute(
        text("""
            UPDATE stock_costs SET cost_minor = cost_minor + :to_stock_minor, at = :at
            WHERE store_id = :store_id AND sku_id = :sku_id
        """),
        values,
    )
