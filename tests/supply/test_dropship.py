"""What a supplier sends to the buyer: from the payment to the statement, on its own page."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from tests.factories import ABuyer, ARequest, AStore, a_buyer, a_person, a_store, the_rules
from tests.flows.test_order_life import a_placed_order, pay
from tests.supply_buying import a_supplier
from tests.web.test_merchant import Client

from dougong.base.ids import OrderId, PersonId
from dougong.flows.dropship import decide_line
from dougong.flows.owe_suppliers import settle_dropship
from dougong.flows.refund_lines import refund_lines
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.reads.supplier_bills import account_of
from dougong.supply.purchase_rules import DropshipState, NothingToState
from dougong.supply.supplier_commands import new_token


class Dropshipping(msgspec.Struct):
    store: AStore
    buyer: ABuyer
    person: PersonId
    supplier_id: UUID
    token: str
    order_id: OrderId


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client() as made:
        await made.get("/healthz")
        made.headers["x-csrftoken"] = made.cookies["csrftoken"]
        yield made


async def a_paid_order() -> Dropshipping:
    """Two units of a SKU that its supplier sends itself, at 10.00 each."""
    async with transaction() as conn:
        await the_rules(conn)
        person = await a_person(conn)
        store = await a_store(conn, prices=(9_900,), on_hand=10, owner_id=person)
        buyer = await a_buyer(conn)
        supplier_id = await a_supplier(conn, store, code="DS", by=person, is_dropship=True)
        token = await new_token(
            conn, store_id=store.store_id, supplier_id=supplier_id, at=await clock.refresh(conn)
        )
    placed = await a_placed_order(ARequest(store, buyer, 2 * 9_900, {0: 2}))
    await pay(placed, buyer)
    return Dropshipping(store, buyer, person, supplier_id, token, OrderId(placed.order_id))


async def line_of(world: Dropshipping) -> tuple[str, int, int]:
    async with transaction() as conn:
        row = (
            await conn.execute(
                text("SELECT state, quantity, cost_minor FROM dropship_lines "
                     "WHERE store_id = :store AND order_id = :order"),
                {"store": world.store.store_id, "order": world.order_id},
            )
        ).one()  # fmt: skip
    return row[0], row[1], row[2]


async def ship(client: Client, world: Dropshipping, number: str = "SF1234567") -> Any:
    return await client.post(
        f"/supplier/{world.token}/orders/{world.order_id}/1/ship",
        data={"carrier": "顺丰速运", "tracking_no": number},
        follow_redirects=False,
    )


async def test_a_paid_line_is_with_its_supplier_and_in_no_warehouse(client: Client) -> None:
    world = await a_paid_order()
    assert await line_of(world) == ("sent", 2, 1_000)
    shown = (await client.get(f"/supplier/{world.token}")).text
    assert "王小明" in shown and "H-1" in shown
    async with transaction() as conn:
        placed = await conn.scalar(
            text("SELECT count(*) FROM stock_allocations WHERE order_id = :id"),
            {"id": world.order_id},
        )
    assert placed == 0


async def test_a_tracking_number_ships_the_line_once(client: Client) -> None:
    world = await a_paid_order()
    for _ in range(2):
        assert (await ship(client, world)).status_code == 303
    assert (await line_of(world))[0] == "shipped"
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT o.state, (SELECT count(*) FROM packages p WHERE p.order_id = o.id) "
                 "FROM orders o WHERE o.id = :id"),
            {"id": world.order_id},
        )  # fmt: skip
    assert tuple(found.one()) == ("shipped", 1)


async def test_another_stores_token_finds_nothing(client: Client) -> None:
    world, other = await a_paid_order(), await a_paid_order()
    wrong = await client.post(
        f"/supplier/{other.token}/orders/{world.order_id}/1/ship",
        data={"carrier": "SF", "tracking_no": "SF1234567"},
    )
    assert wrong.status_code == 404
    assert (await client.get("/supplier/not-a-token")).status_code == 404
    assert (await line_of(world))[0] == "sent"


async def test_an_order_that_was_refunded_is_not_sent_any_more(client: Client) -> None:
    world = await a_paid_order()
    async with transaction() as conn:
        await refund_lines(
            conn, store_id=world.store.store_id, order_id=world.order_id, amounts={1: 19_800},
            reason="", asked_by=world.person, key="refund-all", at=await clock.refresh(conn),
        )  # fmt: skip
    said = await ship(client, world)
    assert said.status_code == 409 and (await line_of(world))[0] == "sent"


async def test_what_a_supplier_refuses_is_the_stores_again(client: Client) -> None:
    world = await a_paid_order()
    path = f"/supplier/{world.token}/orders/{world.order_id}/1/refuse"
    assert (await client.post(path, data={"reason": ""})).status_code == 400
    done = await client.post(path, data={"reason": "缺货"}, follow_redirects=False)
    assert done.status_code == 303 and (await line_of(world))[0] == "refused"
    async with transaction() as conn:
        placed = await conn.scalar(
            text("SELECT sum(quantity) FROM stock_allocations WHERE order_id = :id"),
            {"id": world.order_id},
        )
    assert placed == 2
    async with transaction() as conn:
        await decide_line(
            conn, store_id=world.store.store_id, order_id=world.order_id, line_no=1,
            state=DropshipState.SENT, cost_minor=1_100, at=await clock.refresh(conn),
        )  # fmt: skip
    assert await line_of(world) == ("sent", 2, 1_100)


async def test_a_statement_owes_what_was_sent_once(client: Client) -> None:
    world = await a_paid_order()
    await ship(client, world)
    named: dict[str, Any] = {"store_id": world.store.store_id, "supplier_id": world.supplier_id}
    async with transaction() as conn:
        at = await clock.refresh(conn)
        made = await settle_dropship(conn, until=at, by_id=world.person, at=at, **named)
        assert (made.lines, made.total_minor) == (1, 2_000)
        account = await account_of(conn, **named)
        assert (account.balance_minor, account.residual_minor) == (2_000, 0)
    with pytest.raises(NothingToState):
        async with transaction() as conn:
            at = await clock.refresh(conn)
            await settle_dropship(conn, until=at, by_id=world.person, at=at, **named)
    path = f"/supplier/{world.token}/statements/{made.id}/lines.csv"
    assert "SF1234567" in (await client.get(path)).text
