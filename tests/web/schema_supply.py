"""What the API of stock and purchasing is fuzzed against."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import ABuyer, ARequest, AStore, a_person
from tests.flows.test_order_life import a_placed_order, pay

from dougong.base.ids import OrderId, PersonId, SkuId, new_id
from dougong.flows.dropship import refuse_from_supplier, ship_from_supplier
from dougong.flows.owe_suppliers import settle_dropship
from dougong.flows.receive_goods import receive_goods
from dougong.flows.take_stock import send
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.supply.bill_commands import NewBill, enter_bill
from dougong.supply.count_commands import finish_count, note_count, start_count
from dougong.supply.purchase_commands import approve_order, draft_order, send_order
from dougong.supply.purchase_rules import BilledLine, WantedLine
from dougong.supply.receipt_commands import CountedLine, Delivery
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Received
from dougong.supply.supplier_commands import (
    ItemFields,
    SupplierFields,
    add_price,
    add_supplier,
    put_item,
)
from dougong.supply.value_commands import close_correction, propose_correction
from dougong.supply.value_rules import Wish
from dougong.supply.warehouse_commands import WarehouseFields, add_warehouse, default_warehouse

Examples = dict[str, dict[str, Any]]
WHY = {"reason": "Bill in dollars", "evidence": "Bill 77"}


async def of_supply(store: AStore, buyer: ABuyer, person: PersonId) -> Examples:
    """Committed: an object for each thing that can be done to one only once."""
    async with transaction() as conn:
        found = await Supply(conn, store, person).stock()
    async with transaction() as conn:
        bought = await Buying(conn, store, person).purchasing()
    dropped = await of_dropship(store, buyer, person)
    every = found.pop("*") | bought.pop("*") | dropped.pop("*")
    return {"*": every, **found, **bought, **dropped}


class Supply:
    def __init__(self, conn: AsyncConnection, store: AStore, person: PersonId) -> None:
        self.conn, self.store, self.person = conn, store, person
        self.at = wall_now()
        self.sku = {"sku_id": str(store.skus[0])}

    def named(self) -> dict[str, Any]:
        return {"store_id": self.store.store_id, "at": self.at}

    async def stock(self) -> Examples:
        main = await default_warehouse(self.conn, **self.named())
        south, empty, other = [await self._warehouse(code) for code in ("S", "EMPTY", "NEW")]
        counts = {name: await self._count(main, name) for name in ("put", "finish", "approve")}
        way = {"src_warehouse_id": str(main), "dst_warehouse_id": str(south)}
        corrections = await self._corrections(main)
        return {
            "*": {
                "warehouse_id": south,
                "count_id": counts["put"],
                "transfer_id": await self._transfer(main, south),
                "correction_id": corrections["read"],
            },
            "merchant_stock_new_correction": {
                "body": {"sku_id": str(self.store.skus[0]), "unit_cost_minor": 3, **WHY}
            },
            "merchant_stock_approve_one": {"correction_id": corrections["approve"]},
            "merchant_stock_refuse_one": {
                "correction_id": corrections["refuse"],
                "body": {"why": "No"},
            },
            "merchant_stock_new_warehouse": {"body": {"code": "NORTH", "name_zh": "北仓"}},
            "merchant_stock_edit_warehouse": {"body": {"name_en": "South"}},
            "merchant_stock_set_default": {"warehouse_id": other},
            "merchant_stock_close": {"warehouse_id": empty},
            "merchant_stock_set_levels": {"body": {"lines": [self.sku | {"on_hand": 9}]}},
            "merchant_stock_adjust": {"body": {"lines": [self.sku | {"change": 1}]}},
            "merchant_stock_new_count": {"body": {"warehouse_id": str(main)}},
            "merchant_stock_put_counted": {"body": {"lines": [self.sku | {"counted": 9}]}},
            "merchant_stock_finish_count": {"count_id": counts["finish"]},
            "merchant_stock_approve_count": {"count_id": counts["approve"]},
            "merchant_stock_drop_count": {"count_id": await self._count(main, "drop")},
            "merchant_stock_send_transfer": {"body": way | {"lines": [self.sku | {"quantity": 1}]}},
            "merchant_stock_receive_transfer": {
                "transfer_id": await self._transfer(main, south),
                "body": {"lines": [self.sku | {"arrived": 1}]},
            },
        }

    async def _warehouse(self, code: str) -> UUID:
        fields = WarehouseFields(code=code, name_zh=code)
        return await add_warehouse(self.conn, fields=fields, **self.named())

    async def _count(self, warehouse_id: UUID, name: str) -> UUID:
        """Of nothing that differs; as far as `name` needs it."""
        by = self.named() | {"by_id": self.person}
        count_id = await start_count(
            self.conn, warehouse_id=warehouse_id, scope=name, sku_ids=[SkuId(self.store.skus[1])],
            limit_units=10_000, **by,
        )  # fmt: skip
        if name in ("finish", "approve"):
            await note_count(
                self.conn, count_id=count_id, sku_id=SkuId(self.store.skus[1]),
                counted=1_000_000, reason="", key=str(new_id()), **by,
            )  # fmt: skip
        if name == "approve":
            await finish_count(self.conn, count_id=count_id, **by)
        return count_id

    async def _corrections(self, main: UUID) -> dict[str, UUID]:
        """Of three SKUs, by a colleague; the one of the first SKU is decided about."""
        third = SkuId(new_id())
        await self.conn.execute(
            text("""
                INSERT INTO skus (store_id, id, product_id, code, price_minor)
                VALUES (:s, :k, :p, 'P0-2', 700)
            """),
            {"s": self.store.store_id, "k": third, "p": self.store.products[0]},
        )
        skus = {"read": self.store.skus[0], "approve": self.store.skus[1], "refuse": third}
        colleague = await a_person(self.conn)
        await receive_units(
            self.conn, warehouse_id=main, about_kind="receipt", about_id=None, key=str(new_id()),
            lines=[Received(SkuId(one), 5, 200, "", None) for one in skus.values()],
            by_id=colleague, **self.named(),
        )  # fmt: skip
        made = {
            name: await propose_correction(
                self.conn, sku_id=SkuId(sku_id), wish=Wish(unit_cost_minor=3), by_id=colleague,
                **WHY, **self.named(),
            )
            for name, sku_id in skus.items()
        }  # fmt: skip
        await close_correction(
            self.conn, correction_id=made["read"], why="No", by_id=self.person, **self.named()
        )
        return made

    async def _transfer(self, src: UUID, dst: UUID) -> UUID:
        return await send(
            self.conn, src=src, dst=dst, units={SkuId(self.store.skus[0]): 2}, note="",
            key=str(new_id()), by_id=self.person, **self.named(),
        )  # fmt: skip


class Buying(Supply):
    """A supplier of the first SKU at 10.00, and orders that it has in every state."""

    supplier_id: UUID

    def by(self) -> dict[str, Any]:
        return self.named() | {"by_id": self.person}

    async def purchasing(self) -> Examples:
        self.supplier_id = await self._supplier("BUY", self.store.skus[0])
        price_id = await self.conn.scalar(
            text("SELECT id FROM supplier_prices WHERE supplier_id = :id"),
            {"id": self.supplier_id},
        )
        order = await self._order("sent")
        receipt_id = await self._receive(order)
        bills = {name: await self._bill(order, name) for name in ("read", "say", "no", "yes")}
        billed = {"purchase_id": str(order), "billed_on": "2026-03-02", "extra_minor": 1}
        return {
            "*": {
                "supplier_id": self.supplier_id,
                "purchase_id": order,
                "receipt_id": receipt_id,
                "bill_id": bills["read"],
                "price_id": price_id,
            },
            "purchasing_add_cost": {"body": {"cost": "freight", "amount_minor": 5}},
            "purchasing_new_bill": {"body": billed | {"bill_no": "F-2"}},
            "purchasing_approve_bill": {"bill_id": bills["yes"], "body": {}},
            "purchasing_dispute_bill": {"bill_id": bills["say"], "body": {"reason": "No"}},
            "purchasing_reject_bill": {"bill_id": bills["no"], "body": {"reason": "No"}},
            **await self._of_suppliers(),
            **await self._of_orders(),
        }

    async def _of_suppliers(self) -> Examples:
        terms = {"approve_above_minor": 100_000_000, "price_tolerance_bp": 0, "over_bp": 0,
                 "amount_tolerance_minor": 0, "service_level_bp": 9_500}  # fmt: skip
        price = self.sku | {"price_minor": 900, "from_quantity": 1_000}
        return {
            "purchasing_new_supplier": {"body": {"code": "NEW", "name": "New"}},
            "purchasing_edit_supplier": {"body": {"phone": "1"}},
            "purchasing_close_supplier": {"supplier_id": await self._supplier("SHUT")},
            "purchasing_put_sold": {"body": {"pack_size": 2}},
            "purchasing_new_price": {"body": price},
            "purchasing_put_terms": {"body": terms},
            "purchasing_note_payment": {"body": {"amount_minor": 1, "reference": "F-1"}},
        }

    async def _of_orders(self) -> Examples:
        part, back = await self._order("sent"), await self._order("sent")
        for one in (part, back):
            await self._receive(one)
        main = await default_warehouse(self.conn, **self.named())
        line = {"line_no": 1, "quantity": 1}
        goods = {"warehouse_id": str(main), "lines": [line], "reason": "stale"}
        lines = {"lines": [self.sku | {"quantity": 3}]}
        more = str(await self._supplier("MORE", *self.store.skus))
        came = {"lines": [{"line_no": 1, "accepted": 1}]}
        return {
            "purchasing_new_order": {"body": lines | {"supplier_id": more}},
            "purchasing_edit_order": {"purchase_id": await self._order("draft"), "body": lines},
            "purchasing_approve_purchase": {"purchase_id": await self._order("draft")},
            "purchasing_send_purchase": {"purchase_id": await self._order("approved")},
            "purchasing_cancel_purchase": {"purchase_id": await self._order("sent"), "body": {}},
            "purchasing_close_purchase": {"purchase_id": part, "body": {"reason": "Late"}},
            "purchasing_receive": {"purchase_id": await self._order("sent"), "body": came},
            "purchasing_send_back": {"purchase_id": back, "body": goods},
        }

    async def _supplier(self, code: str, *skus: UUID, is_dropship: bool = False) -> UUID:
        """Sells SKUs at 10.00."""
        fields = SupplierFields(code=code, name=code)
        made = await add_supplier(self.conn, fields=fields, currency="CNY", **self.named())
        store_id = self.store.store_id
        for sku_id in skus:
            of: dict[str, Any] = {"store_id": store_id, "supplier_id": made, "sku_id": sku_id}
            await put_item(self.conn, fields=ItemFields(is_dropship=is_dropship), **of)
            await add_price(
                self.conn, from_quantity=1, price_minor=1_000, starts=self.at, ends=None,
                by_id=self.person, **of,
            )  # fmt: skip
        return made

    async def _order(self, state: str) -> UUID:
        lines = [WantedLine(self.store.skus[0], 10)]
        order_id = await draft_order(
            self.conn, supplier_id=self.supplier_id, warehouse_id=None, lines=lines,
            expected_on=None, note="", **self.by(),
        )  # fmt: skip
        if state != "draft":
            await approve_order(self.conn, order_id=order_id, **self.by())
        if state == "sent":
            await send_order(self.conn, order_id=order_id, **self.named())
        return order_id

    async def _receive(self, order_id: UUID) -> UUID:
        delivery = Delivery(lines=[CountedLine(1, 5)], key=str(new_id()))
        made = await receive_goods(
            self.conn, order_id=order_id, warehouse_id=None, delivery=delivery, **self.by()
        )
        return made.id

    async def _bill(self, order_id: UUID, number: str) -> UUID:
        bill = NewBill(
            order_id=order_id, bill_no=number, billed_on=self.at.date(), due_on=None,
            lines=[BilledLine(1, 1, 1_000)], extra_minor=0, payment_days=30,
        )  # fmt: skip
        return await enter_bill(self.conn, bill=bill, **self.by())


async def of_dropship(store: AStore, buyer: ABuyer, person: PersonId) -> Examples:
    """Lines of the second SKU that a supplier has refused, has got, and has sent: some stated."""
    async with transaction() as conn:
        world = Buying(conn, store, person)
        supplier_id = await world._supplier("DROP", store.skus[1], is_dropship=True)
    orders = [await a_placed_order(ARequest(store, buyer, store.prices[1], {1: 1})) for _ in "1234"]
    for one in orders:
        await pay(one, buyer)
    refused, kept, stated, shipped = (OrderId(one.order_id) for one in orders)
    of: dict[str, Any] = {"store_id": store.store_id, "supplier_id": supplier_id}

    async def ship(order_id: OrderId, number: str) -> None:
        async with transaction() as conn:
            await ship_from_supplier(
                conn, order_id=order_id, line_no=1, carrier="SF", tracking_no=number,
                at=await clock.refresh(conn), **of,
            )  # fmt: skip

    async with transaction() as conn:
        at = await clock.refresh(conn)
        await refuse_from_supplier(
            conn, order_id=refused, line_no=1, reason="None left", at=at, **of
        )
    await ship(stated, "SF0101")
    async with transaction() as conn:
        at = await clock.refresh(conn)
        statement = await settle_dropship(conn, until=at, by_id=person, at=at, **of)
    await ship(shipped, "SF0102")
    return {
        "*": {"statement_id": statement.id},
        "purchasing_hand_over": {"body": {"order_id": str(refused), "line_no": 1}},
        "purchasing_take_back": {"body": {"order_id": str(kept), "line_no": 1}},
        "purchasing_new_statement": {"body": {"supplier_id": str(supplier_id)}},
    }
