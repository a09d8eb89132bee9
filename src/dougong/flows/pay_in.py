"""Somebody pays for something else than orders: an advertiser its funds, a person its coins, a
store its deposit.

The money becomes its owner's when the gateway says that it has come: `flows/payment_arrived.py`
calls `book_pay_in` then.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.queries import addresses_of
from dougong.base.ids import PLATFORM_BOOK, PaymentId, PersonId
from dougong.base.money import Money
from dougong.flows.book_orders import CLEARING
from dougong.flows.pay import Payment, at_gateway
from dougong.gifts.commands import add_lot
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.settings import settings
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved
from dougong.payments.adapters.registry import default_gateway
from dougong.payments.pay_in_commands import ask_pay_in, claim_pay_in, open_pay_in_payment
from dougong.payments.rules import NothingToPay, PayInPurpose

BOOKED_AS = {
    PayInPurpose.FUNDS: (EntryKind.FUNDS_PAID_IN, Purpose.ADVERTISER_FUNDS, Part.FUNDS),
    PayInPurpose.COINS: (EntryKind.COINS_BOUGHT, Purpose.COIN_LIABILITY, Part.COINS),
    PayInPurpose.DEPOSIT: (EntryKind.DEPOSIT_PAID, Purpose.DEPOSIT, Part.DEPOSIT),
}


async def start_pay_in(
    *,
    purpose: PayInPurpose,
    owner_id: UUID,
    payer_id: PersonId,
    amount: Money,
    key: str,
    return_url: str,
    subject_id: UUID | None = None,
) -> Payment:
    """Where to pay. `subject_id`: the coin pack, where coins are bought.

    The same key asks for the same once; a payment that failed is opened anew.
    Raises KeyReused, NothingToPay (409) once it is paid, GatewayDown (503).
    """
    gateway = default_gateway()
    async with transaction() as conn:
        at = await clock.refresh(conn)
        pay_in = await ask_pay_in(
            conn, purpose=purpose, owner_id=owner_id, subject_id=subject_id, payer_id=payer_id,
            amount=amount, key=key, at=at,
        )  # fmt: skip
        if pay_in.payment_id is not None:
            raise NothingToPay
        row = await open_pay_in_payment(conn, pay_in=pay_in, gateway=gateway.code, at=at)
    return await at_gateway(gateway, row, payer_id=payer_id, return_url=return_url)


async def book_pay_in(
    conn: AsyncConnection, *, pay_in: Any, payment_id: PaymentId, at: datetime
) -> bool:
    """Its owner has the money now, once. False when another payment had brought it before."""
    if not await claim_pay_in(conn, pay_in_id=pay_in.id, payment_id=payment_id, at=at):
        return bool(pay_in.payment_id == payment_id)
    kind, purpose, part = BOOKED_AS[PayInPurpose(pay_in.purpose)]
    owner = AccountName(pay_in.owner_id, purpose)
    entry = Entry(
        kind=kind,
        key=f"pay_in:{pay_in.id}",
        counts_at=at,
        transfers=tuple(moved(CLEARING, owner, pay_in.amount_minor, part)),
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=pay_in.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )
    if purpose is Purpose.COIN_LIABILITY:
        homes = await addresses_of(conn, PersonId(pay_in.owner_id))
        market = homes[0].country if homes else settings().home_market
        await add_lot(conn, pay_in=pay_in, market=market, at=at)
    facts = {
        "purpose": pay_in.purpose,
        "owner_id": str(pay_in.owner_id),
        "amount_minor": pay_in.amount_minor,
        "currency": pay_in.currency,
    }
    await record(conn, "payment.paid_in", subject_id=pay_in.id, at=at, facts=facts)
    return True
