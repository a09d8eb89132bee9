"""Changes stock by moves: receives, ships, takes back, gives back, sets; see ledger_commands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput
from dougong.base.ids import OrderId, PersonId, SkuId, StoreId, new_id
from dougong.supply.allocation_commands import (
    OpenAllocation,
    Use,
    Uses,
    open_allocations,
    put_allocations,
    use_allocations,
)
from dougong.supply.batch_commands import batches_in, take_batches
from dougong.supply.expiry_commands import check_lines
from dougong.supply.ledger_commands import (
    About,
    LevelRows,
    hold_levels,
    hold_stock,
    make_rows,
    new_moves,
    post,
    post_or_refuse,
)
from dougong.supply.quota_commands import give_back
from dougong.supply.rules import StockBelowReserved
from dougong.supply.shipment_commands import Shipment
from dougong.supply.stock_rules import (
    INTO,
    Move,
    MoveKind,
    Place,
    Received,
    Spot,
)
from dougong.supply.warehouse_commands import default_warehouse, open_warehouse

PROMISED, POOL = Spot(Place.PROMISED), Spot(Place.POOL)
BUYER, SUPPLIER = Spot(Place.BUYER), Spot(Place.SUPPLIER)
LOST_FOUND, SCRAP = Spot(Place.LOST_FOUND), Spot(Place.SCRAP)

Units = Mapping[int, tuple[SkuId, int]]  # line number to its SKU and units


def _sums(lines: Units) -> dict[SkuId, int]:
    units: dict[SkuId, int] = {}
    for sku_id, quantity in lines.values():
        units[sku_id] = units.get(sku_id, 0) + quantity
    return units


async def receive_units(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    lines: Sequence[Received],
    about_kind: str,
    about_id: UUID | None,
    key: str,
    at: datetime,
    by_id: PersonId | None,
) -> None:
    """Units come from a supplier and can be sold at once; the same key changes nothing.

    Raises NotFound for a SKU or warehouse of another store, WarehouseClosed, BadInput; for goods
    that expire ExpiryMissing, ExpiresTooSoon (409).
    """
    if not lines or min(line.quantity for line in lines) < 1:
        raise BadInput(field="lines", reason="nothing_to_receive")
    await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)
    skus = {line.sku_id for line in lines}
    await make_rows(conn, store_id=store_id, pairs=[(one, warehouse_id) for one in skus])
    await _hold(conn, store_id, skus)
    moves = [
        Move(
            sku_id=line.sku_id,
            quantity=line.quantity,
            kind=MoveKind.RECEIVED,
            src=SUPPLIER,
            dst=Spot(Place.FREE, warehouse_id),
            key=f"received:{key}:{n}",
            unit_cost_minor=line.unit_cost_minor,
        )
        for n, line in enumerate(lines)
    ]
    new = {move.key for move in await new_moves(conn, store_id=store_id, moves=moves)}
    fresh = [(line, m) for line, m in zip(lines, moves, strict=True) if m.key in new]
    await check_lines(conn, store_id=store_id, lines=[line for line, _ in fresh], at=at)
    batches = await batches_in(
        conn,
        store_id=store_id,
        warehouse_id=warehouse_id,
        lines=[line for line, _ in fresh],
        at=at,
    )
    placed = [_in_batch(m, batches.get((one.sku_id, one.lot, one.expires_on))) for one, m in fresh]
    about = About(about_kind, about_id, at, by_id)
    await post(conn, store_id=store_id, moves=placed, about=about)


def _in_batch(move: Move, batch_id: UUID | None) -> Move:
    return msgspec.structs.replace(move, batch_id=batch_id)


async def _hold(conn: AsyncConnection, store_id: StoreId, skus: Iterable[SkuId]) -> LevelRows:
    """Lock all that is there of SKUs, in the order in which everybody does."""
    ordered = sorted(skus)
    await hold_stock(conn, store_id=store_id, sku_ids=ordered)
    return await hold_levels(conn, store_id=store_id, sku_ids=ordered)


async def return_units(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    warehouse_id: UUID,
    sku_id: SkuId,
    quantity: int,
    into: Place,
    about_kind: str,
    about_id: UUID | None,
    key: str,
    at: datetime,
    by_id: PersonId | None = None,
    worth_minor: int | None = None,
) -> None:
    """Units come back from a buyer, `into` free, damaged, inspecting or scrap; the same key
    changes nothing. What goes to scrap is seen as damaged first. worth_minor: what they cost when
    they left. Raises NotFound for a SKU or warehouse of another store, BadInput.
    """
    if quantity < 1 or into not in INTO:
        raise BadInput(field="quantity", reason="nothing_to_return")
    await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)
    await make_rows(conn, store_id=store_id, pairs=[(sku_id, warehouse_id)])
    await _hold(conn, store_id, [sku_id])
    place = Place.DAMAGED if into is Place.SCRAP else into
    moves = [
        Move(
            sku_id=sku_id,
            quantity=quantity,
            kind=MoveKind.RETURNED,
            src=BUYER,
            dst=Spot(place, warehouse_id),
            key=f"returned:{key}",
            worth_minor=worth_minor,
        )
    ]
    if into is Place.SCRAP:
        moves.append(
            Move(
                sku_id=sku_id,
                quantity=quantity,
                kind=MoveKind.SCRAPPED,
                src=Spot(place, warehouse_id),
                dst=SCRAP,
                key=f"scrapped:{key}",
            )
        )
    fresh = await new_moves(conn, store_id=store_id, moves=moves)
    await post(conn, store_id=store_id, moves=fresh, about=About(about_kind, about_id, at, by_id))


async def release(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    units: Mapping[SkuId, int],
    at: datetime,
) -> None:
    """Give back all promised units of an order that no warehouse had set aside."""
    wanted = {sku_id: n for sku_id, n in units.items() if n}
    if wanted:
        await _hold_to_give_back(conn, store_id, order_id, wanted)
        moves = _broken(wanted, f"order:{order_id}")
        await post(conn, store_id=store_id, moves=moves, about=About("order", order_id, at))


async def _hold_to_give_back(
    conn: AsyncConnection, store_id: StoreId, order_id: OrderId, units: Mapping[SkuId, int]
) -> None:
    """Lock the totals of SKUs; what was taken of units set aside for a channel is that's again."""
    held = await hold_stock(conn, store_id=store_id, sku_ids=sorted(units))
    if any(one.quotas for one in held.values()):
        await give_back(conn, store_id=store_id, order_id=order_id, units=units)


def _broken(units: Mapping[SkuId, int], key: str) -> list[Move]:
    """Promises that end without goods."""
    return [
        Move(
            sku_id=sku_id,
            quantity=quantity,
            kind=MoveKind.RELEASED,
            src=PROMISED,
            dst=POOL,
            key=f"released:{key}:{sku_id}",
        )
        for sku_id, quantity in units.items()
    ]


async def release_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    lines: Units,
    about: About,
    key: str,
) -> None:
    """Give back units of a paid order, which is locked: what was set aside for them is free again,
    what was not picked yet before what was. `key`: what they go back for, once."""
    lines = {n: (sku_id, units) for n, (sku_id, units) in lines.items() if units}
    if not lines:
        return
    units = _sums(lines)
    await _hold_to_give_back(conn, store_id, order_id, units)
    waiting = await open_allocations(conn, store_id=store_id, order_id=order_id)
    uses, back = _taken_back(waiting, lines)
    if back:
        await hold_levels(conn, store_id=store_id, sku_ids=sorted(units))
    moves = [*_unplaced(back, key), *_broken(units, key)]
    await post(conn, store_id=store_id, moves=moves, about=about)
    await use_allocations(conn, store_id=store_id, order_id=order_id, uses=uses)


async def unplace_lines(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    lines: Units,
    about: About,
    key: str,
) -> None:
    """Units of a paid order, which is locked, are set aside no more, and stay promised."""
    units = _sums(lines)
    await hold_stock(conn, store_id=store_id, sku_ids=sorted(units))
    waiting = await open_allocations(conn, store_id=store_id, order_id=order_id)
    uses, back = _taken_back(waiting, lines)
    if not back:
        return
    await hold_levels(conn, store_id=store_id, sku_ids=sorted(units))
    await post(conn, store_id=store_id, moves=_unplaced(back, key), about=about)
    await use_allocations(conn, store_id=store_id, order_id=order_id, uses=uses)


def _taken_back(
    waiting: Sequence[OpenAllocation], lines: Units
) -> tuple[Uses, dict[tuple[SkuId, UUID], int]]:
    """Of which rows, and from where, units of lines are taken that were set aside for them."""
    left = {line_no: quantity for line_no, (_, quantity) in lines.items()}
    uses: Uses = {}
    back: dict[tuple[SkuId, UUID], int] = {}
    for one in reversed(waiting):  # picked ones last
        if taken := min(left.get(one.line_no, 0), one.quantity):
            left[one.line_no] -= taken
            uses[one.line_no, one.warehouse_id] = Use(released=taken)
            at_place = (one.sku_id, one.warehouse_id)
            back[at_place] = back.get(at_place, 0) + taken
    return uses, back


def _unplaced(back: Mapping[tuple[SkuId, UUID], int], key: str) -> list[Move]:
    """Units that are set aside no more."""
    return [
        Move(
            sku_id=sku_id,
            quantity=quantity,
            kind=MoveKind.UNALLOCATED,
            src=Spot(Place.ALLOCATED, warehouse_id),
            dst=Spot(Place.FREE, warehouse_id),
            key=f"unallocated:{key}:{sku_id}:{warehouse_id}",
        )
        for (sku_id, warehouse_id), quantity in back.items()
    ]


async def ship_units(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    order_id: OrderId,
    warehouse_id: UUID | None,
    units: Units,
    about: About,
) -> None:
    """Units of an order, which is locked, go to its buyer in the package that `about` names, from
    where they were set aside; from `warehouse_id`, if that is given, before anywhere else.
    Raises TooCloseToExpiry (409).
    """
    sums = _sums(units)
    if not sums:
        return
    there = await _hold(conn, store_id, sums)
    waiting = await open_allocations(conn, store_id=store_id, order_id=order_id)
    shipment = Shipment(waiting, there, warehouse_id)
    for line_no, (sku_id, quantity) in units.items():
        shipment.take(line_no, sku_id, quantity)
    out = [
        Move(
            sku_id=sku_id,
            quantity=quantity,
            kind=MoveKind.SHIPPED,
            src=spot,
            dst=BUYER,
            key=f"shipped:{about.id}:{order_id}:{sku_id}:{spot.place}:{spot.warehouse_id}",
        )
        for (sku_id, spot), quantity in shipment.out.items()
    ]
    kept = [
        Move(
            sku_id=sku_id,
            quantity=quantity,
            kind=MoveKind.SHIPPED,
            src=PROMISED,
            dst=POOL,
            key=f"kept:{about.id}:{order_id}:{sku_id}",
        )
        for sku_id, quantity in sums.items()
    ]
    moves = [*_unplaced(shipment.back, f"{about.id}:{order_id}"), *kept]
    moves += await take_batches(conn, store_id=store_id, moves=out, sold_at=about.at)
    await post(conn, store_id=store_id, moves=moves, about=about)
    await use_allocations(conn, store_id=store_id, order_id=order_id, uses=shipment.uses)
    await put_allocations(
        conn, store_id=store_id, order_id=order_id, puts=shipment.puts, at=about.at
    )


async def set_on_hand(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    levels: Mapping[SkuId, int],
    at: datetime,
    by_id: PersonId | None = None,
    warehouse_id: UUID | None = None,
) -> None:
    """Set the units on hand of many SKUs: of the whole store, where the default warehouse takes
    the difference, or of one warehouse. Makes the rows where there are none.

    Raises StockBelowReserved (409) when open orders have reserved more than a new level,
    NotEnoughThere (409) when the warehouse has set aside more, NotFound for another's SKU.
    """
    if not levels:
        return
    if min(levels.values()) < 0:
        raise StockBelowReserved(field="quantity")
    if warehouse_id is None:
        place = await default_warehouse(conn, store_id=store_id, at=at)
    else:
        await open_warehouse(conn, store_id=store_id, warehouse_id=warehouse_id)
        place = warehouse_id
    await make_rows(conn, store_id=store_id, pairs=[(sku_id, place) for sku_id in levels])
    totals = await hold_stock(conn, store_id=store_id, sku_ids=sorted(levels))
    there = await hold_levels(conn, store_id=store_id, sku_ids=sorted(levels))
    free = Spot(Place.FREE, place)
    moves = []
    for sku_id, level in levels.items():
        now = totals[sku_id] if warehouse_id is None else there[sku_id, place]
        if difference := level - now.on_hand:
            src, dst = (LOST_FOUND, free) if difference > 0 else (free, LOST_FOUND)
            moves.append(
                Move(
                    sku_id=sku_id,
                    quantity=abs(difference),
                    kind=MoveKind.SET,
                    src=src,
                    dst=dst,
                    key=f"set:{new_id()}",
                )
            )
    moves = await take_batches(conn, store_id=store_id, moves=moves)
    about = About("set", None, at, by_id)
    await post_or_refuse(conn, store_id=store_id, moves=moves, about=about)
