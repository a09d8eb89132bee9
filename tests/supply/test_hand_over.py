"""From packed to gone: combined and split, refunded meanwhile, stopped in between."""

from uuid import UUID

import pytest
from sqlalchemy import text
from tests.flows.test_order_life import refund
from tests.supply.sandbox_carrier import WORKER, a_paid, a_shop_with_carrier, pack, row_of

from dougong.base.errors import BadInput, Conflict
from dougong.base.ids import StoreId
from dougong.flows.hand_over import hand_over, list_parcels
from dougong.flows.pack_orders import open_package
from dougong.infra import clock, pause
from dougong.infra.db import transaction
from dougong.supply.fulfilment_rules import NotCombinable, PackedAlready
from dougong.supply.hand_over_commands import HandOverClosed
from dougong.supply.packing_commands import give_number
from dougong.supply.tracking_rules import PackageWrongState


async def a_number(store_id: StoreId, package_id: UUID, number: str) -> None:
    async with transaction() as conn:
        await give_number(
            conn, store_id=store_id, package_id=package_id, carrier="EMS", tracking_no=number
        )


async def a_list(store_id: StoreId, *packages: UUID) -> UUID:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        return await list_parcels(
            conn, store_id=store_id, package_ids=list(packages), by_id=WORKER, at=at
        )


async def go(store_id: StoreId, list_id: UUID) -> tuple[list[UUID], dict[UUID, str]]:
    done = await hand_over(store_id=store_id, list_id=list_id, taken_by="老张", by_id=WORKER)
    return done.gone, done.held_back


async def test_two_orders_of_a_buyer_go_in_one_package(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    first, second = await a_paid(store, buyer), await a_paid(store, buyer)
    package_id = await pack(store.store_id, {first.order_id: {1: 1}, second.order_id: {1: 1}})
    await a_number(store.store_id, package_id, "EMS000001")
    assert await go(store.store_id, await a_list(store.store_id, package_id)) == ([package_id], {})
    for order in (first, second):
        assert (await row_of("orders", store.store_id, order.order_id)).state == "shipped"


async def test_orders_of_two_buyers_do_not_go_together(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    first, second = await a_paid(store, buyer), await a_paid(store, buyer, phone="13900000000")
    with pytest.raises(NotCombinable):
        await pack(store.store_id, {first.order_id: {1: 1}, second.order_id: {1: 1}})


async def test_an_order_goes_in_two_packages_and_not_in_three(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer, quantity=3)
    one = await pack(store.store_id, {order.order_id: {1: 2}})
    two = await pack(store.store_id, {order.order_id: {1: 1}})
    with pytest.raises(PackedAlready) as refused:
        await pack(store.store_id, {order.order_id: {1: 1}})
    assert refused.value.facts == {"line_no": 1, "left": 0}
    await a_number(store.store_id, one, "EMS000011")
    await a_number(store.store_id, two, "EMS000012")
    await go(store.store_id, await a_list(store.store_id, one))
    assert (await row_of("orders", store.store_id, order.order_id)).state == "part_shipped"
    await go(store.store_id, await a_list(store.store_id, two))
    assert (await row_of("orders", store.store_id, order.order_id)).state == "shipped"


async def test_a_package_of_a_refunded_line_stays_and_is_opened(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order, other = await a_paid(store, buyer), await a_paid(store, buyer)
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    good = await pack(store.store_id, {other.order_id: {1: 1}})
    await a_number(store.store_id, package_id, "EMS000021")
    await a_number(store.store_id, good, "EMS000022")
    list_id = await a_list(store.store_id, package_id, good)
    await refund(order, {1: 9_900})
    gone, held_back = await go(store.store_id, list_id)
    assert (gone, held_back) == ([good], {package_id: "wrong_order_state"})
    assert (await row_of("packages", store.store_id, package_id)).state == "unpacked"
    assert (await row_of("orders", store.store_id, order.order_id)).state == "refunded"


async def test_an_opened_package_is_packed_anew(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    async with transaction() as conn:
        await open_package(
            conn, store_id=store.store_id, package_id=package_id, by_id=WORKER, reason="broken",
            at=await clock.refresh(conn),
        )  # fmt: skip
    with pytest.raises(PackageWrongState):
        await a_list(store.store_id, package_id)
    assert await pack(store.store_id, {order.order_id: {1: 1}}) != package_id


class Stopped(Exception):
    """Somebody pulled the plug."""


async def test_a_stop_between_waybill_and_hand_over_is_gone_on_with(
    connections: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, buyer = await a_shop_with_carrier()
    orders = [await a_paid(store, buyer) for _ in range(2)]
    packages = sorted([await pack(store.store_id, {o.order_id: {1: 1}}) for o in orders])
    for n, package_id in enumerate(packages):
        await a_number(store.store_id, package_id, f"EMS00003{n}")
    list_id = await a_list(store.store_id, *packages)

    async def stop(name: str) -> None:
        if name == "hand over: one has gone":
            raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(pause, "point", stop)
        await go(store.store_id, list_id)
    states = [(await row_of("packages", store.store_id, p)).state for p in packages]
    assert states == ["handed_over", "packed"]
    assert (await go(store.store_id, list_id))[0] == packages[1:]
    async with transaction() as conn:
        shipped = await conn.scalar(
            text("SELECT sum(shipped_quantity) FROM order_lines WHERE store_id = :s"),
            {"s": store.store_id},
        )
    assert shipped == 2
    with pytest.raises(HandOverClosed):
        await go(store.store_id, list_id)


async def test_a_parcel_without_number_or_on_two_lists_is_refused(connections: None) -> None:
    store, buyer = await a_shop_with_carrier()
    order = await a_paid(store, buyer)
    package_id = await pack(store.store_id, {order.order_id: {1: 1}})
    with pytest.raises(BadInput):
        await a_list(store.store_id, package_id)
    await a_number(store.store_id, package_id, "EMS000041")
    await a_list(store.store_id, package_id)
    with pytest.raises(Conflict):
        await a_list(store.store_id, package_id)
