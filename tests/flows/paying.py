"""Paying on the sandbox's page, and looking at what came of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.factories import ABuyer, ARequest, AStore
from tests.races.flows import PRICE, place

from dougong.flows.pay import start_payment
from dougong.flows.payment_arrived import receive
from dougong.flows.place_orders import Placed
from dougong.infra.db import transaction
from dougong.payments.adapters.sandbox import Outcome, choose


async def an_order(shop: tuple[AStore, ABuyer]) -> tuple[Placed, UUID]:
    """A placed order and its charge on the sandbox's page."""
    store, buyer = shop
    placed = await place(ARequest(store, buyer, PRICE).build())
    return placed, await charge_of(placed, buyer)


async def charge_of(placed: Placed, buyer: ABuyer) -> UUID:
    started = await start_payment(
        checkout_id=placed.checkout_id, buyer_id=buyer.person_id, return_url="/"
    )
    return UUID(started.pay_url.rsplit("/", 1)[1])


async def chosen(charge_id: UUID, outcome: Outcome) -> None:
    async with transaction() as conn:
        events = await choose(conn, charge_id=charge_id, outcome=outcome)
    for event in events:
        await receive(code="sandbox", body=event.body, headers=event.headers)


async def one(statement: str, **values: Any) -> Any:
    async with transaction() as conn:
        return (await conn.execute(text(statement), values)).one()


async def state_of(placed: Placed) -> str:
    found = await one("SELECT state FROM orders WHERE id = :o", o=placed.order_id)
    return str(found.state)


async def unallocated(placed: Placed) -> list[tuple[str, int]]:
    async with transaction() as conn:
        rows = await conn.execute(
            text("""
                SELECT u.reason, u.amount_minor FROM unallocated_money u
                JOIN payments p ON p.id = u.payment_id
                WHERE p.checkout_id = :c ORDER BY u.amount_minor
            """),
            {"c": placed.checkout_id},
        )
        return [tuple(row) for row in rows]
