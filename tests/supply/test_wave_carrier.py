"""With which carrier the parcels of a wave go: named, or each with the cheapest for it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.supply.sandbox_carrier import WORKER
from tests.supply.wave_world import Shop, a_wide_shop, paid, wave

from dougong.base.ids import OrderId
from dougong.flows.choose_carrier import carry, choose_carrier
from dougong.flows.pack_orders import open_package, pack_orders
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.waves import wave_row
from dougong.supply.carrier_commands import add_carrier, add_rates
from dougong.supply.carrier_rules import CarrierKind, CarrierUnknown, Rate
from dougong.supply.fulfilment_rules import CHEAPEST


async def a_shop(**first_minor: int) -> Shop:
    """Carriers with a price list each: what a kilogram from Sichuan costs, anywhere else double."""
    shop = await a_wide_shop()
    async with transaction() as conn:
        at = await clock.refresh(conn) - timedelta(days=1)
        named: dict[str, Any] = {"store_id": shop.store.store_id, "at": at}
        await add_carrier(conn, code="box", name="Box", kind=CarrierKind.MANUAL, **named)
        for code, minor in first_minor.items():
            await add_carrier(conn, code=code, name=code, kind=CarrierKind.TABLE, **named)
            rates = [_rate("四川", minor, at), _rate("*", 2 * minor, at)]
            await add_rates(conn, carrier=code, rates=rates, person_id=WORKER, **named)
    return shop


def _rate(start: str, minor: int, at: Any) -> Rate:
    return Rate(zone="z", from_province=start, to_province="*", first_g=1_000, first_minor=minor,
                further_g=1_000, further_minor=100, divisor=0, starts=at, ends=None)  # fmt: skip


async def packed(shop: Shop, order_id: OrderId, carrier: str, number: str = "") -> UUID:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        made = await pack_orders(
            conn, store_id=shop.store.store_id, parts={order_id: {1: 1}}, weight_g=1_500,
            size_mm=None, warehouse_id=shop.west, by_id=WORKER, at=at,
        )  # fmt: skip
        await carry(
            conn, store_id=shop.store.store_id, package_id=made.id, carrier=carrier,
            tracking_no=number, by_id=WORKER, at=at,
        )  # fmt: skip
    return made.id


async def choose(shop: Shop, package_id: UUID) -> None:
    await choose_carrier(str(shop.store.store_id), str(package_id), str(WORKER))


async def plan(shop: Shop, package_id: UUID) -> tuple[Any, ...]:
    """Carrier chosen, its cost, the number."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT planned_carrier, planned_minor, tracking_no FROM packages
                WHERE store_id = :s AND id = :p
            """),
            {"s": shop.store.store_id, "p": package_id},
        )
        return tuple(found.one())


@pytest.mark.parametrize(
    ("choice", "kept"), [("sf", ("sf", False)), (CHEAPEST, (None, True)), ("", (None, False))]
)
async def test_a_wave_keeps_its_carrier(
    connections: None, choice: str, kept: tuple[str | None, bool]
) -> None:
    shop = await a_shop(sf=900)
    await paid(shop, 1)
    wave_id = await wave(shop, shop.west, carrier=choice)
    async with transaction() as conn:
        row = await wave_row(conn, store_id=shop.store.store_id, wave_id=wave_id)
    assert (row.carrier, row.is_cheapest) == kept


async def test_a_wave_goes_with_no_carrier_that_is_not_there(connections: None) -> None:
    shop = await a_shop()
    await paid(shop, 1)
    with pytest.raises(CarrierUnknown):
        await wave(shop, shop.west, carrier="nobody")


async def test_the_cheapest_rate_from_the_warehouse_is_chosen(connections: None) -> None:
    shop = await a_shop(sf=1_800, zto=1_000, sto=1_000)
    package = await packed(shop, await paid(shop, 1), CHEAPEST)
    assert await plan(shop, package) == (None, None, None)
    for _ in range(2):
        await choose(shop, package)
    assert await plan(shop, package) == ("sto", 1_100, None)  # of two that cost as much, by code


async def test_where_nobody_has_a_rate_the_package_waits(connections: None) -> None:
    shop = await a_shop()
    package = await packed(shop, await paid(shop, 1), CHEAPEST)
    await choose(shop, package)
    assert await plan(shop, package) == (None, None, None)


async def test_a_package_that_was_opened_gets_no_carrier(connections: None) -> None:
    shop = await a_shop(sf=900)
    package = await packed(shop, await paid(shop, 1), CHEAPEST)
    async with transaction() as conn:
        await open_package(
            conn, store_id=shop.store.store_id, package_id=package, by_id=WORKER,
            reason="by hand", at=await clock.refresh(conn),
        )  # fmt: skip
    await choose(shop, package)
    assert await plan(shop, package) == (None, None, None)


async def test_a_number_may_be_typed_later(connections: None) -> None:
    shop = await a_shop(sf=900)
    later = await packed(shop, await paid(shop, 1), "sf")
    now = await packed(shop, await paid(shop, 1), "sf", "SF12345678")
    assert await plan(shop, later) == ("sf", None, None)
    assert await plan(shop, now) == ("sf", None, "SF12345678")
