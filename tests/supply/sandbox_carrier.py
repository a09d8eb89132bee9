"""The sandbox carrier as a process of its own, and shops that use it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_store, the_rules
from tests.flows.test_order_life import a_placed_order, pay

from dougong.base.ids import OrderId, PersonId, StoreId, new_id
from dougong.flows.pack_orders import pack_orders
from dougong.flows.place_orders import Placed
from dougong.flows.waybills import request_waybill
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.carrier_commands import add_carrier
from dougong.supply.carrier_rules import CarrierKind

WORKER = PersonId(new_id())


class Carrier:
    """A running carrier; `control` switches its faults on and lets things happen."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, **asked: Any) -> dict[str, Any]:
        data = json.dumps(asked).encode()
        request = urllib.request.Request(f"{self.url}/control", data)  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return dict(json.load(answer))


@contextmanager
def running_carrier() -> Iterator[Carrier]:
    command = [sys.executable, "-m", "dougong", "carrier-sandbox", "--port", "0", "--step-s", "0"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        yield Carrier(run.stdout.readline().strip())
    finally:
        run.terminate()
        run.wait(timeout=10)
        run.stdout.close()  # type: ignore[union-attr]


async def a_shop_with_carrier(*prices: int) -> tuple[AStore, ABuyer]:
    async with transaction() as conn:
        await the_rules(conn)
        store, buyer = await a_store(conn, prices=prices or (9_900,)), await a_buyer(conn)
        await add_carrier(
            conn, store_id=store.store_id, code="box", name="盒子快递", kind=CarrierKind.SANDBOX,
            at=await clock.refresh(conn),
        )  # fmt: skip
    return store, buyer


async def a_paid(store: AStore, buyer: ABuyer, *, quantity: int = 1, phone: str = "") -> Placed:
    order = await a_placed_order(ARequest(store, buyer, 9_900 * quantity, {0: quantity}))
    await pay(order, buyer)
    if phone:
        async with transaction() as conn:
            await conn.execute(
                text("""
                    UPDATE orders SET address = address || jsonb_build_object('phone',
                      CAST(:phone AS text)) WHERE store_id = :s AND id = :o
                """),
                {"phone": phone, "s": order.store_id, "o": order.order_id},
            )
    return order


async def pack(
    store_id: StoreId, parts: dict[OrderId, dict[int, int]], weight_g: int = 800
) -> UUID:
    async with transaction() as conn:
        made = await pack_orders(
            conn, store_id=store_id, parts=parts, weight_g=weight_g, size_mm=None,
            warehouse_id=None, by_id=WORKER, at=await clock.refresh(conn),
        )  # fmt: skip
    return made.id


async def ask_waybill(store_id: StoreId, package_id: UUID) -> tuple[str, str]:
    """Ask for a waybill and leave it to the job; answers the job's arguments."""
    async with transaction() as conn:
        waybill_id = await request_waybill(
            conn, store_id=store_id, package_id=package_id, carrier="box", by_id=WORKER,
            at=await clock.refresh(conn),
        )  # fmt: skip
    return str(store_id), str(waybill_id)


async def row_of(table: str, store_id: StoreId, row_id: object) -> Any:
    statements = {
        "packages": "SELECT * FROM packages WHERE store_id = :s AND id = :id",
        "waybills": "SELECT * FROM waybills WHERE store_id = :s AND id = :id",
        "orders": "SELECT * FROM orders WHERE store_id = :s AND id = :id",
    }
    async with transaction() as conn:
        found = await conn.execute(text(statements[table]), {"s": store_id, "id": row_id})
        return found.one()
