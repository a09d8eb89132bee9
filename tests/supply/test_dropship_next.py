"""What a supplier will not send, and what the merchant does next; what one sends is nobody
else's to pick, to pack and to ship."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.supply.sandbox_carrier import pack
from tests.supply.test_dropship import Dropshipping, a_paid_order, line_of, ship
from tests.supply.test_waves import a_wave
from tests.supply_buying import AT
from tests.web.accounts import a_session
from tests.web.site import Client

from dougong.base.ids import SkuId
from dougong.flows.refund_lines import refund_lines
from dougong.flows.ship_order import ship_order
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.supply.fulfilment_rules import NothingToPick
from dougong.supply.purchase_rules import LineAtSupplier
from dougong.supply.supplier_commands import (
    ItemFields,
    SupplierFields,
    add_price,
    add_supplier,
    new_token,
    put_item,
)
from dougong.web.security import SESSION_COOKIE


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        made.headers["x-csrftoken"] = made.cookies["csrftoken"]
        made.cookies.set("dougong_locale", "en")
        yield made


async def a_refused_line(client: Client) -> Dropshipping:
    """Two units that their supplier does not have; the merchant is signed in."""
    world = await a_paid_order()
    path = f"/supplier/{world.token}/orders/{world.order_id}/1/refuse"
    assert (await client.post(path, data={"reason": "缺货"})).status_code == 200
    client.cookies.set(SESSION_COOKIE, await a_session(world.person))
    return world


async def another_supplier(world: Dropshipping, *, price: int | None = 1_200) -> tuple[UUID, str]:
    """Sells the same SKU, for 12.00 or without a price; with the token of its page."""
    ours: dict[str, Any] = {"store_id": world.store.store_id}
    async with transaction() as conn:
        at = await clock.refresh(conn)
        fields = SupplierFields(code="OTHER", name="宜兴厂", lead_days=5)
        made = await add_supplier(conn, fields=fields, currency="CNY", at=at, **ours)
        ours["supplier_id"] = made
        item: dict[str, Any] = {"sku_id": SkuId(world.store.skus[0])}
        await put_item(conn, fields=ItemFields(), **item, **ours)
        if price is not None:
            await add_price(
                conn, from_quantity=1, price_minor=price, starts=AT, ends=None,
                by_id=world.person, **item, **ours,
            )  # fmt: skip
        return made, await new_token(conn, at=at, **ours)


async def decide(client: Client, world: Dropshipping, **fields: str) -> Any:
    return await client.post(
        f"/merchant/stores/{world.store.store_id}/purchasing/dropship",
        data={"order_id": str(world.order_id), "line_no": "1", **fields},
    )


async def desk(client: Client, world: Dropshipping) -> str:
    base = f"/merchant/stores/{world.store.store_id}"
    return (await client.get(f"{base}/purchasing/dropship")).text


async def stock_of(world: Dropshipping) -> Sequence[Any]:
    """On hand, promised, and set aside in the warehouse."""
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT s.on_hand, s.reserved, sum(l.allocated)::int FROM stock s
                JOIN stock_levels l USING (store_id, sku_id) WHERE s.store_id = :s GROUP BY 1, 2
            """),
            {"s": world.store.store_id},
        )
        return tuple(found.one())


async def ship_here(world: Dropshipping) -> None:
    async with transaction() as conn:
        await ship_order(
            conn, store_id=world.store.store_id, order_id=world.order_id, carrier="SF",
            tracking_no="SF7654321", lines={1: 2}, at=await clock.refresh(conn),
        )  # fmt: skip


async def test_the_merchant_reads_that_a_supplier_accepted(client: Client) -> None:
    world = await a_paid_order()
    client.cookies.set(SESSION_COOKIE, await a_session(world.person))
    assert "Not accepted yet" in await desk(client, world)
    path = f"/supplier/{world.token}/orders/{world.order_id}/1/accept"
    for _ in range(2):
        assert "You accepted it" in (await client.post(path)).text
    shown = await desk(client, world)
    assert "Not accepted yet" not in shown and "Accepted" in shown
    async with transaction() as conn:
        told = await conn.scalar(
            text("SELECT count(*) FROM events WHERE kind = 'supply.dropship_accepted' "
                 "AND subject_id = :id"),
            {"id": world.order_id},
        )  # fmt: skip
    assert told == 1


async def test_the_desk_offers_all_three_ways_on(client: Client) -> None:
    world = await a_refused_line(client)
    await another_supplier(world)
    shown = await desk(client, world)
    assert "缺货" in shown and "杭州茶厂</option>" in shown and "宜兴厂</option>" in shown
    assert "Send it yourself" in shown and f"/orders/{world.order_id}#refund" in shown


async def test_another_supplier_sends_it_at_its_own_price(client: Client) -> None:
    world = await a_refused_line(client)
    assert await stock_of(world) == (10, 2, 2)
    supplier_id, token = await another_supplier(world)
    assert (
        await decide(client, world, act="sent", supplier_id=str(supplier_id))
    ).status_code == 200
    assert await line_of(world) == ("sent", 2, 1_200)
    assert await stock_of(world) == (10, 2, 0)  # nobody here packs it as well
    assert (await ship(client, world)).status_code == 404  # the first has it no more
    world.token = token
    assert "王小明" in (await client.get(f"/supplier/{token}")).text
    assert (await ship(client, world)).status_code == 303
    assert await line_of(world) == ("shipped", 2, 1_200)
    assert await stock_of(world) == (8, 0, 0)


async def test_a_supplier_without_a_price_needs_a_cost(client: Client) -> None:
    world = await a_refused_line(client)
    supplier_id, _ = await another_supplier(world, price=None)
    said = await decide(client, world, act="sent", supplier_id=str(supplier_id))
    assert said.status_code == 400 and 'role="alert"' in said.text
    assert await line_of(world) == ("refused", 2, 1_000)
    await decide(client, world, act="sent", supplier_id=str(supplier_id), cost="9.50")
    assert await line_of(world) == ("sent", 2, 950)


async def test_the_store_sends_it_from_its_own_stock(client: Client) -> None:
    world = await a_refused_line(client)
    assert (await decide(client, world, act="cancelled")).status_code == 200
    assert await stock_of(world) == (10, 2, 2)
    await ship_here(world)
    assert await stock_of(world) == (8, 0, 0)
    assert (await line_of(world))[0] == "cancelled"
    assert "Nothing is with a supplier" in await desk(client, world)


async def test_the_buyer_gets_the_money_back(client: Client) -> None:
    world = await a_refused_line(client)
    async with transaction() as conn:
        await refund_lines(
            conn, store_id=world.store.store_id, order_id=world.order_id, amounts={1: 19_800},
            reason="缺货", asked_by=world.person, key="out", at=await clock.refresh(conn),
        )  # fmt: skip
    assert await stock_of(world) == (10, 0, 0)
    assert "Nothing is with a supplier" in await desk(client, world)
    assert (await decide(client, world, act="sent")).status_code == 409


async def test_what_is_in_a_wave_goes_to_no_supplier(client: Client) -> None:
    world = await a_refused_line(client)
    await a_wave(world.store.store_id)
    said = await decide(client, world, act="sent")
    assert said.status_code == 409 and "in a wave or in a package" in said.text
    assert (await line_of(world))[0] == "refused"


async def test_what_a_supplier_sends_is_in_no_wave() -> None:
    world = await a_paid_order()
    with pytest.raises(NothingToPick):
        await a_wave(world.store.store_id)


async def test_what_a_supplier_sends_is_neither_packed_nor_shipped_here() -> None:
    world = await a_paid_order()
    with pytest.raises(LineAtSupplier):
        await pack(world.store.store_id, {world.order_id: {1: 1}})
    with pytest.raises(LineAtSupplier):
        await ship_here(world)
    assert await line_of(world) == ("sent", 2, 1_000)
