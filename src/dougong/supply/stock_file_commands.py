"""Writes what rows of a file say of stock: many SKUs in many warehouses by a few statements."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import SkuId, StoreId
from dougong.supply.batch_commands import take_batches
from dougong.supply.csv_rules import BadRow
from dougong.supply.ledger_commands import (
    About,
    LevelRows,
    Total,
    hold_levels,
    hold_stock,
    make_rows,
    post,
)
from dougong.supply.purchase_rules import MOST_QUANTITY
from dougong.supply.stock_commands import LOST_FOUND
from dougong.supply.stock_file_rules import Mode
from dougong.supply.stock_rules import Move, MoveKind, Place, Spot


class WantedLevel(msgspec.Struct, frozen=True):
    """A row of a file whose SKU and warehouse are known. Each pair comes once."""

    line: int
    sku_id: SkuId
    warehouse_id: UUID
    quantity: int


class Loaded(msgspec.Struct, frozen=True):
    """By how many units a row changed what is on hand there, and what is since."""

    units: int
    level: int


GoodRows = dict[WantedLevel, Loaded]


async def load_levels(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    rows: Sequence[WantedLevel],
    mode: Mode,
    key: str,
    about: About,
) -> tuple[GoodRows, list[BadRow]]:
    """Set or change units on hand; answers what each good row did, and the bad ones.

    `key`: what the moves are known by, with the line: the same cannot be written twice.
    Raises NotFound for a SKU or warehouse of another store.
    """
    skus = sorted({row.sku_id for row in rows})
    pairs = [(row.sku_id, row.warehouse_id) for row in rows]
    await make_rows(conn, store_id=store_id, pairs=pairs)
    totals = await hold_stock(conn, store_id=store_id, sku_ids=skus)
    there = await hold_levels(conn, store_id=store_id, sku_ids=skus)
    good, bad = _judge(rows, mode, totals, there)
    moves = await take_batches(
        conn,
        store_id=store_id,
        moves=[_move(row, one.units, key) for row, one in good.items() if one.units],
    )
    await post(conn, store_id=store_id, moves=moves, about=about)
    return good, bad


def _judge(
    rows: Sequence[WantedLevel], mode: Mode, totals: Mapping[SkuId, Total], there: LevelRows
) -> tuple[GoodRows, list[BadRow]]:
    """What rises is looked at first, so a file can move units from one warehouse to another."""
    known = {row: there[row.sku_id, row.warehouse_id].on_hand for row in rows}
    wanted = {row: row.quantity - (known[row] if mode is Mode.SET else 0) for row in rows}
    spare = {sku_id: total.on_hand - total.reserved for sku_id, total in totals.items()}
    good: GoodRows = {}
    bad: list[BadRow] = []
    for row in sorted(rows, key=lambda one: (wanted[one] < 0, one.line)):
        units, level = wanted[row], known[row] + wanted[row]
        reason = ""
        if level > MOST_QUANTITY:
            reason = "out_of_range"
        elif level < 0:
            reason = "fewer_there"
        elif units < 0 and level < there[row.sku_id, row.warehouse_id].allocated:
            reason = "below_set_aside"
        elif units < 0 and spare[row.sku_id] + units < 0:
            reason = "below_reserved"
        if reason:
            bad.append(BadRow(row.line, "quantity", reason, str(row.quantity)))
        else:
            spare[row.sku_id] += units
            good[row] = Loaded(units, level)
    return good, bad


def _move(row: WantedLevel, units: int, key: str) -> Move:
    free = Spot(Place.FREE, row.warehouse_id)
    src, dst = (LOST_FOUND, free) if units > 0 else (free, LOST_FOUND)
    return Move(
        sku_id=row.sku_id,
        quantity=abs(units),
        kind=MoveKind.SET,
        src=src,
        dst=dst,
        key=f"{key}:{row.line}",
    )
