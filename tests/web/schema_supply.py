"""What the API of stock is fuzzed against."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import AStore

from dougong.base.ids import PersonId, SkuId, new_id
from dougong.flows.take_stock import send
from dougong.infra.clock import wall_now
from dougong.supply.count_commands import finish_count, note_count, start_count
from dougong.supply.warehouse_commands import WarehouseFields, add_warehouse, default_warehouse

Examples = dict[str, dict[str, Any]]


async def of_supply(conn: AsyncConnection, store: AStore, person: PersonId) -> Examples:
    """An object for each thing that can be done to one only once."""
    world = Supply(conn, store, person)
    return await world.stock()


class Supply:
    def __init__(self, conn: AsyncConnection, store: AStore, person: PersonId) -> None:
        self.conn, self.store, self.person = conn, store, person
        self.at = wall_now()

    def named(self) -> dict[str, Any]:
        return {"store_id": self.store.store_id, "at": self.at}

    async def stock(self) -> Examples:
        main = await default_warehouse(self.conn, **self.named())
        south, empty, other = [await self._warehouse(code) for code in ("S", "EMPTY", "NEW")]
        counts = {name: await self._count(main, name) for name in ("put", "finish", "approve")}
        sku = {"sku_id": str(self.store.skus[0])}
        way = {"src_warehouse_id": str(main), "dst_warehouse_id": str(south)}
        return {
            "*": {
                "warehouse_id": south,
                "count_id": counts["put"],
                "transfer_id": await self._transfer(main, south),
            },
            "merchant_stock_new_warehouse": {"body": {"code": "NORTH", "name_zh": "北仓"}},
            "merchant_stock_edit_warehouse": {"body": {"name_en": "South"}},
            "merchant_stock_set_default": {"warehouse_id": other},
            "merchant_stock_close": {"warehouse_id": empty},
            "merchant_stock_set_levels": {"body": {"lines": [sku | {"on_hand": 9}]}},
            "merchant_stock_adjust": {"body": {"lines": [sku | {"change": 1}]}},
            "merchant_stock_new_count": {"body": {"warehouse_id": str(main)}},
            "merchant_stock_put_counted": {"body": {"lines": [sku | {"counted": 9}]}},
            "merchant_stock_finish_count": {"count_id": counts["finish"]},
            "merchant_stock_approve_count": {"count_id": counts["approve"]},
            "merchant_stock_drop_count": {"count_id": await self._count(main, "drop")},
            "merchant_stock_send_transfer": {"body": way | {"lines": [sku | {"quantity": 1}]}},
            "merchant_stock_receive_transfer": {
                "transfer_id": await self._transfer(main, south),
                "body": {"lines": [sku | {"arrived": 1}]},
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
                counted=1_000_000, reason="", **by,
            )  # fmt: skip
        if name == "approve":
            await finish_count(self.conn, count_id=count_id, **by)
        return count_id

    async def _transfer(self, src: UUID, dst: UUID) -> UUID:
        return await send(
            self.conn, src=src, dst=dst, units={SkuId(self.store.skus[0]): 2}, note="",
            key=str(new_id()), by_id=self.person, **self.named(),
        )  # fmt: skip
