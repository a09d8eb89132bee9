"""A person buys coins, and gets back what a purchase has left."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, OrderId, PersonId, new_id
from dougong.base.money import Money
from dougong.flows.book_orders import CLEARING
from dougong.flows.pay import Payment
from dougong.flows.pay_in import start_pay_in
from dougong.gifts.commands import as_lot, lock_lots, use_coins
from dougong.gifts.queries import pack_on_offer
from dougong.gifts.rules import NothingLeft, Use
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved
from dougong.payments.pay_in_commands import pay_in_of
from dougong.payments.refund_commands import RefundDraft, insert_refund, refund_before
from dougong.payments.rules import PayInPurpose


async def buy_coins(*, person_id: PersonId, pack_id: UUID, key: str, return_url: str) -> Payment:
    """Where to pay for a pack; its coins are there when the money has come.

    Raises GiftGone, KeyReused, NothingToPay, GatewayDown.
    """
    async with transaction() as conn:
        pack = await pack_on_offer(conn, pack_id=pack_id)
    return await start_pay_in(
        purpose=PayInPurpose.COINS,
        owner_id=person_id,
        subject_id=pack.id,
        payer_id=person_id,
        amount=Money(pack.price_minor, pack.currency),
        key=key,
        return_url=return_url,
    )


async def refund_coins(
    conn: AsyncConnection, *, person_id: PersonId, pay_in_id: UUID, key: str, at: datetime
) -> Any:
    """Send back what a purchase has left: its coins go, the money for them goes back the way it
    came. The same key answers its first refund. Raises NothingLeft, KeyReused."""
    request_hash = hashlib.sha256(pay_in_id.bytes).digest()
    before = await refund_before(
        conn, store_id=PLATFORM_BOOK, key=_scoped(person_id, key), request_hash=request_hash
    )
    if before is not None:
        return before
    rows = await lock_lots(conn, person_id=person_id)
    row = next((one for one in rows if one.pay_in_id == pay_in_id), None)
    pay_in = await pay_in_of(conn, checkout_id=pay_in_id)
    lot = as_lot(row) if row is not None else None
    value = lot.worth(lot.left) if lot else 0
    if lot is None or pay_in is None or value == 0:
        raise NothingLeft(field="purchase")
    await use_coins(conn, person_id=person_id, uses=[Use(pay_in_id, lot.left, value)])
    draft = RefundDraft(
        store_id=PLATFORM_BOOK,
        id=new_id(),
        order_id=OrderId(pay_in_id),
        payment_id=pay_in.payment_id,
        currency=pay_in.currency,
        amounts={1: value},
        units={1: lot.left},
        reason="coins_unspent",
        asked_by=person_id,
        key=_scoped(person_id, key),
        request_hash=request_hash,
        at=at,
    )
    refund = await insert_refund(conn, draft)
    await _book(conn, draft, person_id=person_id, value_minor=value)
    await defer(conn, "payments.send_refund", store_id=str(PLATFORM_BOOK), refund_id=str(draft.id))
    return refund


def _scoped(person_id: PersonId, key: str) -> str:
    """A key is its person's own; the platform's book holds everybody's."""
    return f"{person_id.hex}:{key}"


async def _book(
    conn: AsyncConnection, draft: RefundDraft, *, person_id: PersonId, value_minor: int
) -> None:
    holder = AccountName(person_id, Purpose.COIN_LIABILITY)
    entry = Entry(
        kind=EntryKind.COINS_REFUNDED,
        key=f"coins_refunded:{draft.id}",
        counts_at=draft.at,
        transfers=tuple(moved(holder, CLEARING, value_minor, Part.COINS)),
    )
    await book(
        conn,
        store_id=PLATFORM_BOOK,
        currency=draft.currency,
        entries=[entry],
        written_at=clock.wall_now(),
    )
    facts = {"person_id": str(person_id), "coins": draft.units[1], "amount_minor": value_minor}
    await record(conn, "gifts.coins_refunded", subject_id=draft.order_id, at=draft.at, facts=facts)
