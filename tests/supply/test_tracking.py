"""News of parcels against the real database: once, in any order, of known and unknown numbers."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.factories import T0, ARequest, a_buyer, a_store, the_rules
from tests.flows.test_order_life import a_placed_order, pay

from dougong.base.ids import PersonId, new_id
from dougong.flows.load_tracking import Row, load_tracking, rows_from
from dougong.flows.place_orders import Placed
from dougong.flows.ship_order import ship_order
from dougong.flows.track_packages import track_package, tracking_arrived
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.fulfilment import board_counts, package_rows, package_story
from dougong.supply.tracking_rules import BadTrackingNumber, Status, Told

S = Status
NUMBER = "SF7700000001"


def told(hours: int, status: Status) -> Told:
    return Told(f"{hours}:{status}", T0 + timedelta(days=9_000, hours=hours), status, "raw", "广州")


async def a_paid_order() -> Placed:
    async with transaction() as conn:
        await the_rules(conn)
        store, buyer = await a_store(conn, prices=(9_900,)), await a_buyer(conn)
    order = await a_placed_order(ARequest(store, buyer, 9_900))
    await pay(order, buyer)
    return order


async def a_sent_package(number: str = NUMBER) -> tuple[Placed, object]:
    order = await a_paid_order()
    return order, await send(order, number)


async def send(order: Placed, number: str = NUMBER) -> object:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        return await ship_order(
            conn, store_id=order.store_id, order_id=order.order_id, carrier="顺丰速运",
            tracking_no=number, lines={1: 1}, at=at,
        )  # fmt: skip


async def tell(order: Placed, package_id: object, *events: Told) -> int:
    async with transaction() as conn:
        noted = await track_package(
            conn, store_id=order.store_id, package_id=package_id, events=events,  # type: ignore[arg-type]
            source="carrier", at=await clock.refresh(conn),
        )  # fmt: skip
    return len(noted.news)


async def kinds_of(package_id: object) -> list[str]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT kind FROM events WHERE subject_id = :id ORDER BY id"), {"id": package_id}
        )
        return list(found.scalars())


async def state_of(order: Placed, package_id: object) -> str:
    async with transaction() as conn:
        story = await package_story(conn, store_id=order.store_id, package_id=package_id)  # type: ignore[arg-type]
    return str(story["package"].state)


async def test_events_out_of_order_and_repeated_are_told_once(connections: None) -> None:
    order, package_id = await a_sent_package()
    assert await tell(order, package_id, told(10, S.DELIVERED)) == 1
    assert await tell(order, package_id, told(2, S.ACCEPTED), told(10, S.DELIVERED)) == 1
    assert await tell(order, package_id, told(2, S.ACCEPTED)) == 0
    assert await state_of(order, package_id) == "delivered"
    assert await kinds_of(package_id) == [
        "package.tracked", "package.state_changed", "package.tracked",
    ]  # fmt: skip


async def test_tracking_for_an_unknown_parcel_waits_for_its_package(connections: None) -> None:
    order = await a_paid_order()
    async with transaction() as conn:
        at = await clock.refresh(conn)
        for _ in range(2):
            noted = await tracking_arrived(
                conn, store_id=order.store_id, tracking_no=NUMBER,
                events=[told(1, S.OUT_FOR_DELIVERY)], source="aggregator", at=at,
            )  # fmt: skip
            assert noted == []
        assert (await board_counts(conn, store_id=order.store_id, now=at))["stray"] == 1
    package_id = await send(order)
    assert await state_of(order, package_id) == "out_for_delivery"
    async with transaction() as conn:
        assert (await board_counts(conn, store_id=order.store_id, now=at))["stray"] == 0


async def test_an_s10_number_with_a_bad_check_digit_ships_nothing(connections: None) -> None:
    order = await a_paid_order()
    with pytest.raises(BadTrackingNumber):
        await send(order, "RR473124828GB")
    assert await send(order, "rr473124829gb") == await send(order, "RR 473124829 GB")


async def test_a_file_takes_the_good_rows_and_tells_the_bad_ones(connections: None) -> None:
    order, package_id = await a_sent_package()
    file = (
        "运单号,时间,状态,地点\n"
        f"{NUMBER},2020-08-21 08:00,运输中,广州\n"
        f"{NUMBER},2020-08-21 08:00,运输中,广州\n"
        f"{NUMBER},tomorrow,运输中,广州\n"
        f"{NUMBER},2020-08-21 09:00,去钓鱼,广州\n"
        "SF0099,2020-08-21 09:00,已签收,广州\n"
        "RR473124828GB,2020-08-21 09:00,已签收,广州\n"
        f"{NUMBER},2199-01-01,已签收,广州\n"
    )
    loaded = await load_tracking(
        store_id=order.store_id, person_id=PersonId(new_id()), rows=rows_from(file)
    )
    told_by_line = [
        (one.row.line, one.outcome, one.refusal.facts["reason"] if one.refusal else "")
        for one in loaded
    ]
    assert told_by_line == [
        (2, "new", ""), (3, "repeated", ""), (4, "refused", "not_a_time"),
        (5, "refused", "unknown_status"), (6, "unknown", ""), (7, "refused", "bad_check_digit"),
        (8, "refused", "in_the_future"),
    ]  # fmt: skip
    assert isinstance(loaded[0].row, Row)
    assert await state_of(order, package_id) == "in_transit"


async def test_what_is_stuck_stands_on_the_board(connections: None) -> None:
    order, package_id = await a_sent_package()
    async with transaction() as conn:
        at = await clock.refresh(conn)

        async def stuck(hours: int) -> list[object]:
            rows = await package_rows(
                conn, store_id=order.store_id, tab="stuck", most=9, now=at + timedelta(hours=hours)
            )
            return [row.id for row in rows]

        assert (await stuck(0), await stuck(25)) == ([], [package_id])
        rows = await package_rows(conn, store_id=order.store_id, tab="on_the_way", most=9, now=at)
    assert [(row.id, row.orders, row.last_status) for row in rows] == [(package_id, 1, None)]
