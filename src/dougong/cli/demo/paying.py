"""Somebody has paid something in, in the demo's past: the sandbox gateway without its page."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId
from dougong.base.money import Money
from dougong.cli.demo.acts import gateway_ref
from dougong.flows.pay_in import book_pay_in
from dougong.payments.commands import mark_captured, name_at_gateway
from dougong.payments.pay_in_commands import ask_pay_in, open_pay_in_payment
from dougong.payments.rules import PayInPurpose, Started


async def pay_in_at_once(
    conn: AsyncConnection,
    *,
    purpose: PayInPurpose,
    owner_id: UUID,
    payer_id: PersonId,
    amount: Money,
    key: str,
    return_url: str,
    at: datetime,
    subject_id: UUID | None = None,
) -> None:
    """`subject_id`: the coin pack, where coins are bought."""
    pay_in = await ask_pay_in(
        conn, purpose=purpose, owner_id=owner_id, subject_id=subject_id, payer_id=payer_id,
        amount=amount, key=key, at=at,
    )  # fmt: skip
    payment = await open_pay_in_payment(conn, pay_in=pay_in, gateway="sandbox", at=at)
    started = Started(gateway_ref(payment), return_url)
    await name_at_gateway(conn, payment_id=payment.id, payer_id=payer_id, started=started)
    await mark_captured(conn, payment_id=payment.id, gateway_ref=started.gateway_ref, at=at)
    await book_pay_in(conn, pay_in=pay_in, payment_id=payment.id, at=at)
