"""The demo's purchases go through the real flows: every state, and what differs."""

from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import text
from tests.factories import a_person, a_store

from dougong.cli.demo.market import Market
from dougong.cli.demo.purchase_cases import STORE, write_purchases
from dougong.infra import clock
from dougong.infra.db import transaction


async def test_the_demo_buys_in_every_state(own_database: None) -> None:
    async with transaction() as conn:
        merchant, colleague = await a_person(conn), await a_person(conn)
        store = await a_store(conn, prices=[9_900] * 7, on_hand=5, owner_id=merchant)
        now = await clock.refresh(conn)
    products: dict[str, Any] = {
        f"{STORE}-{n + 1:02d}": (None, None, {f"P{n}-1": sku_id})
        for n, sku_id in enumerate(store.skus)
    }
    shoppers = [SimpleNamespace(person_id=colleague)] * 101
    market: Any = SimpleNamespace(
        stores={STORE: store.store_id}, people={"merchant": merchant}, products=products,
        shoppers=shoppers,
    )  # fmt: skip
    for _ in range(2):
        await write_purchases(cast(Market, market), now=now)
    async with transaction() as conn:
        states = await conn.scalars(text("SELECT DISTINCT state FROM purchase_orders"))
        bills = await conn.execute(text("SELECT state, differs FROM supplier_bills ORDER BY 1"))
        over = await conn.scalar(text("SELECT sum(over) FROM goods_receipt_lines"))
    assert set(states) == {"draft", "approved", "sent", "cancelled", "part_received", "received"}
    assert [tuple(row) for row in bills] == [("approved", False), ("entered", True)]
    assert over == 3
