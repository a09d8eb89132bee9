"""The first merchant buys: suppliers, orders in every state, deliveries that differ, a bill that
does not match, and a SKU that its supplier sends to buyers itself."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, SkuId, StoreId
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.owe_suppliers import decide_about_bill
from dougong.flows.receive_goods import add_landed_cost, receive_goods
from dougong.flows.suggest_orders import reckon
from dougong.infra.db import transaction
from dougong.supply.bill_commands import NewBill, enter_bill
from dougong.supply.purchase_commands import approve_order, draft_order, end_order, send_order
from dougong.supply.purchase_rules import BilledLine, BillState, PurchaseState, WantedLine
from dougong.supply.receipt_commands import CountedLine, Delivery, LandedCost
from dougong.supply.supplier_commands import (
    ItemFields,
    SupplierFields,
    add_price,
    add_supplier,
    put_item,
)

STORE = "mist-tea"
DAY = timedelta(days=1)
SUPPLIERS = (
    SupplierFields("YX-TEA", "云岫茶农合作社", "陈师傅", "chen@example.com", "13900000001", 30, 6),
    SupplierFields("JDZ-WARE", "景德镇青瓷坊", "吴窑主", "wu@example.com", "13900000002", 45, 12),
    SupplierFields("DS-BOX", "礼盒代发仓", "林经理", "lin@example.com", "13900000003", 15, 3),
)


async def write_purchases(market: Market, *, now: datetime) -> None:
    """Whole or not at all."""
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "purchases", at=now):
            return
        store_id = market.stores[STORE]
        by, second = market.people["merchant"], market.shoppers[100].person_id
        skus = [
            SkuId(sku_id)
            for number in range(1, 7)
            for sku_id in market.products[f"{STORE}-{number:02d}"][2].values()
        ]
        suppliers = await _suppliers(conn, store_id, by, skus, now=now)
        buying: dict[str, Any] = {"conn": conn, "store_id": store_id, "by": by, "second": second}
        await _orders(suppliers, skus, buying, now=now)
        await reckon(conn, store_id=store_id, at=now)


async def _suppliers(
    conn: AsyncConnection, store_id: StoreId, by: PersonId, skus: list[SkuId], *, now: datetime
) -> list[UUID]:
    """Two that deliver, and one that sends the last SKU to buyers itself."""
    made = []
    shares = (skus[:4], skus[4:-1], skus[-1:])
    for fields, theirs in zip(SUPPLIERS, shares, strict=True):
        supplier_id = await add_supplier(
            conn, store_id=store_id, fields=fields, currency="CNY", at=now - 50 * DAY
        )
        made.append(supplier_id)
        for n, sku_id in enumerate(theirs):
            item = ItemFields(f"{fields.code}-{n + 1:02d}", 10, 20, None, theirs is shares[2])
            ours: dict[str, Any] = {"store_id": store_id, "supplier_id": supplier_id}
            await put_item(conn, sku_id=sku_id, fields=item, **ours)
            for least, price in ((1, 3_200 + 100 * n), (100, 2_900 + 100 * n)):
                await add_price(
                    conn, sku_id=sku_id, from_quantity=least, price_minor=price,
                    starts=now - 50 * DAY, ends=None, by_id=by, **ours,
                )  # fmt: skip
    return made


async def _order(
    buying: dict[str, Any], supplier_id: UUID, lines: list[WantedLine], *, at: datetime, to: str
) -> UUID:
    """An order moved as far as `to`: draft, approved, sent or cancelled."""
    conn, store_id = buying["conn"], buying["store_id"]
    order_id = await draft_order(
        conn, store_id=store_id, supplier_id=supplier_id, warehouse_id=None, lines=lines,
        expected_on=None, note="", by_id=buying["by"], at=at,
    )  # fmt: skip
    named: dict[str, Any] = {"store_id": store_id, "order_id": order_id}
    if to in ("approved", "sent"):
        await approve_order(conn, by_id=buying["second"], at=at + DAY / 4, **named)
    if to == "sent":
        await send_order(conn, at=at + DAY / 2, **named)
    if to == "cancelled":
        gone: dict[str, Any] = {"state": PurchaseState.CANCELLED, "reason": "换了供应商"}
        await end_order(conn, at=at + DAY, **gone, **named)
    return order_id


async def _orders(
    suppliers: list[UUID], skus: list[SkuId], buying: dict[str, Any], *, now: datetime
) -> None:
    tea = [WantedLine(skus[0], 120), WantedLine(skus[1], 60)]
    ware = [WantedLine(one, 40) for one in skus[4:-1][:2]] or [WantedLine(skus[4], 40)]
    await _order(buying, suppliers[0], [WantedLine(skus[2], 500)], at=now - 2 * DAY, to="draft")
    await _order(buying, suppliers[1], ware, at=now - 3 * DAY, to="approved")
    await _order(buying, suppliers[0], [WantedLine(skus[3], 80)], at=now - 12 * DAY, to="sent")
    await _order(buying, suppliers[1], ware, at=now - 20 * DAY, to="cancelled")
    part = await _order(buying, suppliers[1], ware, at=now - 15 * DAY, to="sent")
    await _receive(
        buying,
        part,
        [CountedLine(1, 25, damaged=3, short=2, lot="JDZ-07", expires_on=_day(now, 400))],
        at=now - 4 * DAY,
    )
    whole = await _order(buying, suppliers[0], tea, at=now - 40 * DAY, to="sent")
    receipt = await _receive(
        buying,
        whole,
        [
            CountedLine(1, 120, lot="YX-0412", expires_on=_day(now, 330)),
            CountedLine(2, 63, lot="YX-0398", expires_on=_day(now, 20)),
        ],
        at=now - 33 * DAY,
    )
    conn, named = buying["conn"], {"store_id": buying["store_id"], "by_id": buying["by"]}
    freight = LandedCost(kind="freight", amount_minor=18_000, spread_by="value", key="demo-freight")
    await add_landed_cost(conn, receipt_id=receipt, cost=freight, at=now - 32 * DAY, **named)
    good = [BilledLine(1, 120, 2_900)]
    wrong = [BilledLine(2, 63, 3_900)]
    for bill_no, lines in (("YX-2026-081", good), ("YX-2026-097", wrong)):
        bill = NewBill(
            order_id=whole, bill_no=bill_no, billed_on=(now - 30 * DAY).date(), due_on=None,
            lines=lines, extra_minor=0, payment_days=30,
        )  # fmt: skip
        bill_id = await enter_bill(conn, bill=bill, at=now - 29 * DAY, **named)
        if lines is good:
            await decide_about_bill(
                conn, bill_id=bill_id, state=BillState.APPROVED, reason="", at=now - 28 * DAY,
                **named,
            )  # fmt: skip


def _day(now: datetime, days: int) -> date:
    """So many days from now: when a lot expires; one of them soon."""
    return (now + days * DAY).date()


async def _receive(
    buying: dict[str, Any], order_id: UUID, lines: list[CountedLine], *, at: datetime
) -> UUID:
    """What came beyond the order is taken as a surplus."""
    made = await receive_goods(
        buying["conn"],
        store_id=buying["store_id"],
        order_id=order_id,
        warehouse_id=None,
        delivery=Delivery(lines=lines, key=f"demo-{order_id}", take_over=True),
        by_id=buying["second"],
        at=at,
    )
    return made.id
