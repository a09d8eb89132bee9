"""The buyer wants to pay: one payment for all orders of a checkout that still wait."""

from typing import Any
from uuid import UUID

import msgspec

from dougong.base.ids import OrderId, PaymentId, PersonId, StoreId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.orders.rules import OrderState
from dougong.payments.adapters.registry import default_gateway
from dougong.payments.commands import Part, name_at_gateway, open_payment
from dougong.payments.rules import Gateway, NothingToPay
from dougong.reads.order_books import checkout_orders


class Payment(msgspec.Struct, frozen=True):
    """Where to pay, and how much; asking again gives the same payment."""

    payment_id: PaymentId
    amount_minor: int
    currency: str
    pay_url: str


async def start_payment(*, checkout_id: UUID, buyer_id: PersonId, return_url: str) -> Payment:
    """Open a payment at the gateway for the orders of a checkout that wait for one.

    A payment is in one currency: where stores sell in several, asking again once it is paid pays
    the next. The gateway is asked after the payment is committed, and knows it by our id: a stop in
    between is mended by asking again. Raises NothingToPay (409), GatewayDown (503).
    """
    gateway = default_gateway()
    async with transaction() as conn:
        at = await clock.refresh(conn)
        orders = await checkout_orders(conn, checkout_id=checkout_id, buyer_id=buyer_id)
        waiting = [o for o in orders if o.state == OrderState.PLACED and o.pay_by > at]
        if not waiting:
            raise NothingToPay
        currency = waiting[0].currency
        parts = [
            Part(StoreId(o.store_id), OrderId(o.id), o.total_minor)
            for o in waiting
            if o.currency == currency
        ]
        row = await open_payment(
            conn,
            checkout_id=checkout_id,
            payer_id=buyer_id,
            gateway=gateway.code,
            currency=currency,
            parts=parts,
            at=at,
        )
    return await at_gateway(gateway, row, payer_id=buyer_id, return_url=return_url)


async def at_gateway(gateway: Gateway, row: Any, *, payer_id: PersonId, return_url: str) -> Payment:
    """Where a payment that is committed is paid: asked once, then known. Raises GatewayDown."""
    if row.pay_url is not None:
        return Payment(row.id, row.amount_minor, row.currency, row.pay_url)
    started = await gateway.start(
        payment_id=row.id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        return_url=return_url,
    )
    async with transaction() as conn:
        await name_at_gateway(conn, payment_id=row.id, payer_id=payer_id, started=started)
    return Payment(row.id, row.amount_minor, row.currency, started.pay_url)
