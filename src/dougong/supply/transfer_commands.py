"""Writes transfers of goods from one warehouse of a store to another, by way of `transit`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, SkuId, StoreId, new_id
from dougong.infra.db import fetch
from dougong.supply.batch_commands import batches_in, take_batches
from dougong.supply.ledger_commands import (
    About,
    hold_levels,
    hold_stock,
    make_rows,
    post,
    post_or_refuse,
)
from dougong.supply.stock_rules import Move, MoveKind, Place, Received, Spot, TransferClosed
from dougong.supply.warehouse_commands import open_warehouse

LOST = Spot(Place.LOST_FOUND)

KNOWN = "SELECT id FROM stock_transfers WHERE store_id = %(store_id)s AND key = %(key)s"

SEND = """
    INSERT INTO stock_transfers (store_id, id, src_warehouse, dst_warehouse, note, sent_by, sent_at,
      key)
    VALUES (%(store_id)s, %(id)s, %(src)s, %(dst)s, %(note)s, %(by)s, %(at)s, %(key)s)
"""

SEND_LINES = """
    INSERT INTO stock_transfer_lines (store_id, transfer_id, sku_id, quantity)
    SELECT %(store_id)s, %(id)s, sku_id, quantity
    FROM unnest(%(skus)s::uuid[], %(units)s::int[]) AS n (sku_id, quantity)
"""

HOLD = """
    SELECT dst_warehouse, state FROM stock_transfers
    WHERE store_id = %(store_id)s AND id = %(id)s FOR UPDATE
"""

LINES = """
    SELECT sku_id, quantity FROM stock_transfer_lines
    WHERE store_id = %(store_id)s AND transfer_id = %(id)s ORDER BY sku_id
"""

# What left in batches is in the same ones where it arrives.
SENT = """
    SELECT m.sku_id, m.quantity, b.lot, b.expires_on
    FROM stock_moves m JOIN stock_batches b ON b.store_id = m.store_id AND b.id = m.batch_id
    WHERE m.store_id = %(store_id)s AND m.about_id = %(id)s AND m.dst = 'transit'
    ORDER BY m.sku_id, b.expires_on NULLS LAST, b.lot
"""

ARRIVE = """
    WITH came AS (
      UPDATE stock_transfer_lines l SET arrived = n.arrived, damaged = n.damaged
      FROM unnest(%(skus)s::uuid[], %(arrived)s::int[], %(damaged)s::int[])
        AS n (sku_id, arrived, damaged)
      WHERE l.store_id = %(store_id)s AND l.transfer_id = %(id)s AND l.sku_id = n.sku_id
    )
    UPDATE stock_transfers SET state = 'received', received_by = %(by)s, received_at = %(at)s
    WHERE store_id = %(store_id)s AND id = %(id)s
"""


async def send_transfer(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    src: UUID,
    dst: UUID,
    units: Mapping[SkuId, int],
    note: str,
    key: str,
    by_id: PersonId,
    at: datetime,
) -> UUID:
    """Units leave a warehouse for another one; on the way nobody can be promised them. The same
    key is the same transfer.

    Raises NotFound, WarehouseClosed, BadInput, NotEnoughThere or StockBelowReserved (409).
    """
    if src == dst or not units or min(units.values()) < 1:
        raise BadInput(field="units", reason="nothing_to_move")
    if known := await fetch(conn, KNOWN, {"store_id": store_id, "key": key}):
        before: UUID = known[0][0]
        return before
    for one in (src, dst):
        await open_warehouse(conn, store_id=store_id, warehouse_id=one)
    transfer_id, skus = new_id(), sorted(units)
    await make_rows(
        conn, store_id=store_id, pairs=[(sku, one) for sku in skus for one in (src, dst)]
    )
    await hold_stock(conn, store_id=store_id, sku_ids=skus)
    await hold_levels(conn, store_id=store_id, sku_ids=skus)
    moves = [
        Move(
            sku_id=sku_id,
            quantity=units[sku_id],
            kind=MoveKind.TRANSFERRED,
            src=Spot(Place.FREE, src),
            dst=Spot(Place.TRANSIT, dst),
            key=f"sent:{transfer_id}:{sku_id}",
        )
        for sku_id in skus
    ]
    moves = await take_batches(conn, store_id=store_id, moves=moves)
    about = About("transfer", transfer_id, at, by_id)
    await post_or_refuse(conn, store_id=store_id, moves=moves, about=about)
    values = {"store_id": store_id, "id": transfer_id, "src": src, "dst": dst, "note": note[:200],
              "by": by_id, "at": at, "key": key, "skus": skus,
              "units": [units[sku_id] for sku_id in skus]}  # fmt: skip
    await fetch(conn, SEND, values)
    await fetch(conn, SEND_LINES, values)
    return transfer_id


async def receive_transfer(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    transfer_id: UUID,
    arrived: Mapping[SkuId, tuple[int, int]],
    by_id: PersonId,
    at: datetime,
) -> None:
    """(whole, damaged) units of each SKU that came; what is not named came whole, the rest of it
    was lost on the way. Raises NotFound, TransferClosed (409), BadInput."""
    values: dict[str, Any] = {"store_id": store_id, "id": transfer_id, "by": by_id, "at": at}
    found = await fetch(conn, HOLD, values)
    if not found:
        raise NotFound
    dst, state = found[0]
    if state != "sent":
        raise TransferClosed
    lines = {SkuId(sku_id): quantity for sku_id, quantity in await fetch(conn, LINES, values)}
    if not arrived.keys() <= lines.keys():
        raise BadInput(field="lines", reason="unknown_line")
    came = {sku_id: arrived.get(sku_id, (quantity, 0)) for sku_id, quantity in lines.items()}
    for sku_id, (whole, damaged) in came.items():
        if min(whole, damaged) < 0 or whole + damaged > lines[sku_id]:
            raise BadInput(field="arrived", reason="more_than_sent")
    await hold_stock(conn, store_id=store_id, sku_ids=list(lines))
    await hold_levels(conn, store_id=store_id, sku_ids=list(lines))
    moves = _arrivals(transfer_id, dst, lines, came)
    sent = [
        Received(SkuId(sku_id), quantity, None, lot, day)
        for sku_id, quantity, lot, day in await fetch(conn, SENT, values)
    ]
    moves = await _into_batches(conn, store_id, dst, moves, sent, at)
    await post(
        conn, store_id=store_id, moves=moves, about=About("transfer", transfer_id, at, by_id)
    )
    skus = list(came)
    more = {"skus": skus, "arrived": [came[one][0] for one in skus],
            "damaged": [came[one][1] for one in skus]}  # fmt: skip
    await fetch(conn, ARRIVE, values | more)


async def _into_batches(
    conn: AsyncConnection,
    store_id: StoreId,
    dst: UUID,
    moves: Sequence[Move],
    sent: Sequence[Received],
    at: datetime,
) -> list[Move]:
    """Whole units are of the batches that were sent, those that expire first before others: what
    was damaged or lost counts as what would have lasted longest."""
    placed: list[tuple[Move, Received | None]] = []
    for move in moves:
        left = move.quantity
        if move.dst.place is Place.FREE:
            for n, lot in enumerate(one for one in sent if one.sku_id == move.sku_id):
                if part := min(left, lot.quantity):
                    left -= part
                    came = msgspec.structs.replace(lot, quantity=part)
                    key = f"{move.key}:{n}"
                    placed.append((msgspec.structs.replace(move, quantity=part, key=key), came))
        if left:
            placed.append((msgspec.structs.replace(move, quantity=left), None))
    lots = [lot for _, lot in placed if lot]
    known = await batches_in(conn, store_id=store_id, warehouse_id=dst, lines=lots, at=at)
    return [
        msgspec.structs.replace(move, batch_id=known[lot.sku_id, lot.lot, lot.expires_on])
        if lot
        else move
        for move, lot in placed
    ]


def _arrivals(
    transfer_id: UUID,
    dst: UUID,
    sent: Mapping[SkuId, int],
    came: Mapping[SkuId, tuple[int, int]],
) -> list[Move]:
    """Whole units are free there, damaged ones damaged; the rest was lost on the way."""
    way = Spot(Place.TRANSIT, dst)
    moves = []
    for sku_id, (whole, damaged) in came.items():
        lost = sent[sku_id] - whole - damaged
        for units, place, name in (
            (whole, Spot(Place.FREE, dst), "arrived"),
            (damaged, Spot(Place.DAMAGED, dst), "damaged"),
            (lost, LOST, "lost"),
        ):
            if units:
                moves.append(
                    Move(
                        sku_id=sku_id,
                        quantity=units,
                        kind=MoveKind.TRANSFERRED,
                        src=way,
                        dst=place,
                        key=f"{name}:{transfer_id}:{sku_id}",
                    )
                )
    return moves
