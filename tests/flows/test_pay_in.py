"""Paying in for something else than orders: once, to its owner, and no fen lost."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.books import balances
from tests.factories import a_person, an_org
from tests.flows.paying import chosen

from dougong.base.errors import KeyReused
from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, new_id
from dougong.base.money import Money
from dougong.flows.pay_in import start_pay_in
from dougong.infra.db import transaction
from dougong.ledger.rules import Purpose
from dougong.payments.adapters.sandbox import Outcome
from dougong.payments.rules import NothingToPay, PayInPurpose

pytestmark = pytest.mark.money
FUNDS = Money(500_000, "CNY")


class Payer:
    """An advertiser's person who pays in under one key."""

    def __init__(self, person_id: PersonId, org_id: OrgId) -> None:
        self.person_id, self.org_id, self.key = person_id, org_id, uuid4().hex

    async def asks(self, amount: Money = FUNDS) -> UUID:
        """The charge on the sandbox's page."""
        started = await start_pay_in(
            purpose=PayInPurpose.FUNDS, owner_id=self.org_id, payer_id=self.person_id,
            amount=amount, key=self.key, return_url="/",
        )  # fmt: skip
        return UUID(started.pay_url.rsplit("/", 1)[1])

    async def funds(self) -> int:
        async with transaction() as conn:
            held = await balances(conn, PLATFORM_BOOK)
        return held.get((self.org_id, Purpose.ADVERTISER_FUNDS), 0)

    async def unallocated(self) -> list[Any]:
        async with transaction() as conn:
            found = await conn.execute(
                text("""
                    SELECT u.reason, u.amount_minor FROM unallocated_money u
                    JOIN payments p ON p.id = u.payment_id WHERE p.payer_id = :payer
                """),
                {"payer": self.person_id},
            )
            return [tuple(row) for row in found]


@pytest.fixture
async def payer(connections: None) -> Payer:
    async with transaction() as conn:
        person_id = await a_person(conn)
        return Payer(person_id, await an_org(conn, kind="advertiser", person_id=person_id))


async def test_what_is_paid_in_becomes_the_owners_funds(payer: Payer) -> None:
    await chosen(await payer.asks(), Outcome.PAID)
    assert await payer.funds() == 500_000


async def test_the_gateway_saying_it_twice_books_once(payer: Payer) -> None:
    charge = await payer.asks()
    await chosen(charge, Outcome.TWICE)
    await chosen(charge, Outcome.PAID)
    assert await payer.funds() == 500_000
    assert await payer.unallocated() == []


async def test_a_key_asked_ten_times_at_once_is_one_payment(payer: Payer) -> None:
    charges = await asyncio.gather(*(payer.asks() for _ in range(10)))
    assert len(set(charges)) == 1


async def test_a_key_that_asked_for_something_else_is_refused(payer: Payer) -> None:
    await payer.asks()
    with pytest.raises(KeyReused):
        await payer.asks(Money(500_001, "CNY"))


async def test_a_declined_payment_is_opened_anew_under_the_same_key(payer: Payer) -> None:
    first = await payer.asks()
    await chosen(first, Outcome.DECLINED)
    second = await payer.asks()
    assert second != first
    await chosen(second, Outcome.PAID)
    assert await payer.funds() == 500_000


async def test_what_is_paid_twice_waits_for_the_operator(payer: Payer) -> None:
    first = await payer.asks()
    await chosen(first, Outcome.DECLINED)
    await chosen(await payer.asks(), Outcome.PAID)
    await chosen(first, Outcome.PAID)
    assert await payer.funds() == 500_000
    assert await payer.unallocated() == [("paid_twice", 500_000)]


async def test_a_wrong_amount_waits_for_the_operator(payer: Payer) -> None:
    await chosen(await payer.asks(), Outcome.WRONG_AMOUNT)
    assert await payer.funds() == 0
    assert await payer.unallocated() == [("wrong_amount", 499_999)]


async def test_nothing_is_left_to_pay_once_it_is_paid(payer: Payer) -> None:
    await chosen(await payer.asks(), Outcome.PAID)
    with pytest.raises(NothingToPay):
        await payer.asks()


async def test_an_unknown_payer_pays_nothing_in(connections: None) -> None:
    stranger = Payer(PersonId(new_id()), OrgId(new_id()))
    with pytest.raises(Exception, match="pay_ins_payer_id_fkey"):
        await stranger.asks()
