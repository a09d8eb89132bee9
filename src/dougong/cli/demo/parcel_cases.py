"""Parcels of the first merchant in every state: on their way, stuck, lost, refused, coming back;
carriers with their rates; a wave that is being picked, packages that wait for their driver."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrderId, PersonId, SkuId, StoreId
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.pack_orders import pack_orders
from dougong.flows.track_packages import track_package, tracking_arrived
from dougong.infra.db import transaction
from dougong.orders.commands import line_units_to_ship
from dougong.supply.carrier_commands import add_carrier, add_rates
from dougong.supply.carrier_rules import ANYWHERE, CarrierKind, Rate
from dougong.supply.fulfilment_rules import CHEAPEST, WaveChoice
from dougong.supply.packing_commands import give_number
from dougong.supply.tracking_rules import Status, Told
from dougong.supply.wave_commands import begin_wave, pick_unit

STORE = "mist-tea"
HOUR = timedelta(hours=1)
S = Status
FAR = ("内蒙古", "西藏", "新疆", "青海", "宁夏", "甘肃", "海南")
NEAR = ("浙江", "上海", "江苏", "安徽")
# Hours after the hand-over, what happened, and where; the last word is the parcel's state.
WAYS: tuple[tuple[tuple[int, Status, str, str], ...], ...] = (
    ((2, S.ACCEPTED, "杭州余杭", "浙江"), (14, S.IN_TRANSIT, "上海分拨中心", "上海"),
     (30, S.OUT_FOR_DELIVERY, "上海浦东", "上海"), (33, S.DELIVERED, "上海浦东", "上海")),
    ((2, S.ACCEPTED, "杭州余杭", "浙江"), (20, S.IN_TRANSIT, "武汉分拨中心", "湖北"),
     (44, S.IN_TRANSIT, "广州分拨中心", "广东")),
    ((3, S.ACCEPTED, "杭州余杭", "浙江"), (20, S.IN_TRANSIT, "郑州分拨中心", "河南"),
     (50, S.LOST, "郑州分拨中心", "河南")),
    ((3, S.ACCEPTED, "杭州余杭", "浙江"), (28, S.OUT_FOR_DELIVERY, "南京鼓楼", "江苏"),
     (31, S.REFUSED, "南京鼓楼", "江苏")),
    ((3, S.ACCEPTED, "杭州余杭", "浙江"), (26, S.IN_TRANSIT, "西安分拨中心", "陕西"),
     (40, S.HELD, "兰州分拨中心", "甘肃")),
    ((2, S.ACCEPTED, "杭州余杭", "浙江"), (30, S.WRONG_ADDRESS, "成都武侯", "四川"),
     (36, S.RETURNING, "成都武侯", "四川")),
    ((2, S.ACCEPTED, "杭州余杭", "浙江"), (30, S.OUT_FOR_DELIVERY, "北京朝阳", "北京")),
)  # fmt: skip


async def write_parcels(market: Market, *, now: datetime) -> None:
    store_id, person_id = market.stores[STORE], market.people["merchant"]
    async with transaction() as conn:
        if not await begin_piece(conn, "parcels", at=now):
            return
        await _carriers(conn, store_id, person_id, at=now - timedelta(days=120))
        sent = await conn.execute(SENT, {"s": store_id, "most": 40})
        for n, package in enumerate(sent.all()):
            await _way(conn, store_id, package, WAYS[n % len(WAYS)], now=now)
        stray = Told("stray", now - 5 * HOUR, S.IN_TRANSIT, "", "苏州分拨中心", "江苏")
        await tracking_arrived(
            conn,
            store_id=store_id,
            tracking_no="SF1390000000001",
            events=[stray],
            source="aggregator",
            at=now,
        )
        await _warehouse(conn, store_id, person_id, now=now)


SENT = text("""
    SELECT p.id, p.shipped_at FROM packages p
    JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    WHERE p.store_id = :s AND p.shipped_at IS NOT NULL AND o.state IN ('shipped', 'part_shipped')
    ORDER BY p.shipped_at DESC, p.id LIMIT :most
""")


async def _carriers(
    conn: AsyncConnection, store_id: StoreId, person_id: PersonId, *, at: datetime
) -> None:
    for code, name, kind in (
        ("sf", "顺丰速运", CarrierKind.TABLE),
        ("zto", "中通快递", CarrierKind.TABLE),
        ("box", "盒子快递", CarrierKind.SANDBOX),
        ("ems", "EMS", CarrierKind.MANUAL),
    ):
        await add_carrier(conn, store_id=store_id, code=code, name=name, kind=kind, at=at)
    for code, near, plain, far in (("sf", 1_200, 1_800, 2_300), ("zto", 500, 800, 1_800)):
        rates = [_rate("江浙沪皖", one, near, near // 6, at) for one in NEAR]
        rates += [_rate("偏远", one, far, far // 2, at) for one in FAR]
        rates.append(_rate("全国", ANYWHERE, plain, plain // 3, at))
        await add_rates(
            conn, store_id=store_id, carrier=code, rates=rates, person_id=person_id, at=at
        )


def _rate(zone: str, to: str, first: int, further: int, at: datetime) -> Rate:
    return Rate(
        zone=zone,
        from_province=ANYWHERE,
        to_province=to,
        first_g=1_000,
        first_minor=first,
        further_g=1_000,
        further_minor=further,
        divisor=8_000,
        starts=at,
        ends=None,
    )


async def _way(
    conn: AsyncConnection,
    store_id: StoreId,
    package: Any,
    way: Sequence[tuple[int, Status, str, str]],
    *,
    now: datetime,
) -> None:
    """What happened of it until now."""
    events = [
        Told(f"demo-{hours}", package.shipped_at + hours * HOUR, status, "", place, province)
        for hours, status, place, province in way
        if package.shipped_at + hours * HOUR <= now
    ]
    await track_package(
        conn,
        store_id=store_id,
        package_id=package.id,
        events=events,
        source="carrier",
        at=max((event.at for event in events), default=now),
    )


async def _warehouse(
    conn: AsyncConnection, store_id: StoreId, person_id: PersonId, *, now: datetime
) -> None:
    """Two packages wait for their driver, one of them without a number; a wave is half picked."""
    waiting = await conn.execute(WAITING, {"s": store_id, "most": 8})
    orders = [OrderId(one) for one in waiting.scalars()]
    for n, order_id in enumerate(orders[:2]):
        left = await line_units_to_ship(conn, store_id=store_id, order_id=order_id)
        packed = await pack_orders(
            conn,
            store_id=store_id,
            parts={order_id: {line: units for line, units in left.items() if units > 0}},
            weight_g=860 + 240 * n,
            size_mm=(300, 200, 120),
            warehouse_id=None,
            by_id=person_id,
            at=now - 3 * HOUR,
        )
        if n == 0:
            await give_number(
                conn,
                store_id=store_id,
                package_id=packed.id,
                carrier="EMS",
                tracking_no="RR473124829CN",
            )
    if not orders[2:]:
        return
    wave_id = await begin_wave(
        conn,
        store_id=store_id,
        choice=WaveChoice(order_ids=list(orders[2:]), most=6, carrier=CHEAPEST),
        by_id=person_id,
        at=now - HOUR,
    )
    await _pick_some(conn, store_id, wave_id, person_id, at=now)


async def _pick_some(
    conn: AsyncConnection, store_id: StoreId, wave_id: UUID, person_id: PersonId, *, at: datetime
) -> None:
    lines = await conn.execute(
        text("""
            SELECT sku_id FROM wave_lines WHERE store_id = :s AND wave_id = :w
            ORDER BY order_id, line_no LIMIT 2
        """),
        {"s": store_id, "w": wave_id},
    )
    for n, sku_id in enumerate(lines.scalars().all()):
        await pick_unit(
            conn,
            store_id=store_id,
            wave_id=wave_id,
            sku_id=SkuId(sku_id),
            key=f"demo-pick-{n}",
            by_id=person_id,
            at=at,
        )


WAITING = text("""
    SELECT id FROM orders WHERE store_id = :s AND state = 'paid' ORDER BY placed_at LIMIT :most
""")
