"""What the API of fulfilment is fuzzed against."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.factories import ABuyer, ARequest, AStore
from tests.flows.test_order_life import a_placed_order, pay

from dougong.base.ids import OrderId, PersonId, new_id
from dougong.flows.hand_over import list_parcels
from dougong.flows.pack_orders import pack_orders
from dougong.flows.waybills import give_to_carrier
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.carrier_commands import add_carrier
from dougong.supply.carrier_rules import CarrierKind, WaybillState
from dougong.supply.fulfilment_rules import WaveChoice
from dougong.supply.warehouse_commands import default_warehouse
from dougong.supply.wave_commands import begin_wave
from dougong.supply.waybill_commands import live_waybill, move_waybill

PRICE = 9_900
WORKER = PersonId(new_id())
Examples = dict[str, dict[str, Any]]
RATE: dict[str, Any] = {
    "zone": "1", "to_provinces": ["*"], "first_g": 1_000, "first_minor": 800, "further_g": 500,
    "further_minor": 200, "starts": "2020-01-01T00:00:00+08:00",
}  # fmt: skip


async def of_fulfilment(store: AStore, buyer: ABuyer) -> Examples:
    """A wave, a package or a list for each thing that can be done to one only once."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        for code, kind in (("ems", CarrierKind.TABLE), ("box", CarrierKind.SANDBOX)):
            await add_carrier(
                conn, store_id=store.store_id, code=code, name=code.upper(), kind=kind, at=at
            )
        main = await default_warehouse(conn, store_id=store.store_id, at=at)
        code = str(
            await conn.scalar(text("SELECT code FROM skus WHERE id = :id"), {"id": store.skus[0]})
        )
    waves = {name: await _wave(store, buyer) for name in ("pick", "end", "read")}
    numbered = {name: await _package(store, buyer, "ems") for name in ("list", "sign", "read")}
    plain, opened = await _package(store, buyer), await _package(store, buyer)
    called, turned = await _package(store, buyer, "box"), await _package(store, buyer, "box")
    await _waybill_made(store, turned)
    to_pack, _ = await _order(store, buyer), await _order(store, buyer)
    parts = [{"order_id": str(to_pack), "lines": [{"line_no": 1, "quantity": 1}]}]
    list_id = await _list(store, numbered["sign"])
    events = "tracking_no,at,status\nEMS1,2026-01-01T00:00:00Z,delivered\n"
    return {
        "*": {"wave_id": waves["read"], "package_id": numbered["read"], "list_id": list_id,
              "carrier": "ems"},
        "fulfilment_make_wave": {"body": {"most": 1, "warehouse_id": str(main)}},
        "fulfilment_pick": {"wave_id": waves["pick"], "body": {"code": code}},
        "fulfilment_end_wave": {"wave_id": waves["end"]},
        "fulfilment_pack": {"body": {"parts": parts, "weight_g": 500}},
        "fulfilment_open_again": {"package_id": opened},
        "fulfilment_give": {
            "package_id": plain, "body": {"carrier": "ems", "tracking_no": "EMS00002"},
        },
        "fulfilment_call_off": {"package_id": called},
        "fulfilment_turn_round": {"package_id": turned},
        "fulfilment_add_event": {"body": {"status": "held", "place": "武汉"}},
        "fulfilment_make_labels": {"body": {"ids": [str(numbered["read"])]}},
        "fulfilment_make_list": {"body": {"package_ids": [str(numbered["list"])]}},
        "fulfilment_confirm": {"body": {"taken_by": "老张"}},
        "fulfilment_load": {"body": {"content": events}},
        "carriers_make_carrier": {"body": {"code": "sto", "name": "申通", "kind": "manual"}},
        "carriers_make_rates": {"body": RATE},
        "carriers_reckon": {"body": {"to_province": "广东", "weight_g": 900}},
    }  # fmt: skip


async def _order(store: AStore, buyer: ABuyer) -> OrderId:
    order = await a_placed_order(ARequest(store, buyer, PRICE))
    await pay(order, buyer)
    return order.order_id


async def _wave(store: AStore, buyer: ABuyer) -> UUID:
    order_id = await _order(store, buyer)
    async with transaction() as conn:
        return await begin_wave(
            conn, store_id=store.store_id, choice=WaveChoice(order_ids=[order_id], most=1),
            by_id=WORKER, at=await clock.refresh(conn),
        )  # fmt: skip


async def _package(store: AStore, buyer: ABuyer, carrier: str = "") -> UUID:
    order_id = await _order(store, buyer)
    async with transaction() as conn:
        by: dict[str, Any] = {"by_id": WORKER, "at": await clock.refresh(conn)}
        made = await pack_orders(
            conn, store_id=store.store_id, parts={order_id: {1: 1}}, weight_g=500, size_mm=None,
            warehouse_id=None, **by,
        )  # fmt: skip
        package_id = made.id
        if carrier:
            await give_to_carrier(
                conn, store_id=store.store_id, package_id=package_id, carrier=carrier,
                tracking_no=f"EMS{package_id.hex[:9]}", **by,
            )  # fmt: skip
    return package_id


async def _waybill_made(store: AStore, package_id: UUID) -> None:
    async with transaction() as conn:
        row = await live_waybill(conn, store_id=store.store_id, package_id=package_id)
        await move_waybill(
            conn, store_id=store.store_id, waybill_id=row.id, to=WaybillState.MADE,
            number="SB00000001", cost_minor=800, at=await clock.refresh(conn),
        )  # fmt: skip


async def _list(store: AStore, package_id: UUID) -> UUID:
    async with transaction() as conn:
        return await list_parcels(
            conn, store_id=store.store_id, package_ids=[package_id], by_id=WORKER,
            at=await clock.refresh(conn),
        )  # fmt: skip
