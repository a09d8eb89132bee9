"""What sources have settled, and taken back, goes into the books: once, at the ruling's rates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.flows.book_referrals import (
    BookedReferral,
    clawback_entry,
    receivable_owner,
    settled_entry,
)
from dougong.infra import clock
from dougong.infra.events import record_many
from dougong.ledger.commands import book
from dougong.ledger.rules import Entry
from dougong.reads.referral_claims import partners_of
from dougong.referrals.order_rules import Order, State
from dougong.referrals.queries import Held, KnownRefund, MadeRuling, refunds_of, rulings_of
from dougong.referrals.rules import Rates


class NewRefund(msgspec.Struct, frozen=True):
    """A refund that was just kept, of an order that is in the books already."""

    order_id: UUID
    ref: str
    before_minor: int
    amount_minor: int


async def settle(
    conn: AsyncConnection,
    *,
    held: Sequence[Held],
    refunds: Sequence[NewRefund],
    at: datetime,
) -> dict[UUID, UUID]:
    """Book what of these orders (locked, with their rulings) is settled and not in the books, with
    all refunds so far; and `refunds` of those that were in the books before.

    Answers each order that is in the books only now, to who owes us for it: the caller notes it.
    """
    due = [
        one
        for one in held
        if one.order.state is State.SETTLED and one.ruling_id is not None and not one.booked
    ]
    booked = {one.order.id: one for one in held if one.booked}
    ids = [one.order.id for one in due] + [r.order_id for r in refunds if r.order_id in booked]
    if not ids:
        return {}
    rulings = await rulings_of(conn, order_ids=ids)
    partners = await partners_of(conn, sources=sorted({one.order.source for one in held}))
    before = await refunds_of(conn, order_ids=[one.order.id for one in due])
    entries: dict[str, list[Entry]] = {}
    owners: dict[UUID, UUID] = {}
    for one in due:
        owner = receivable_owner(one.order.source, partners.get(one.order.source))
        owners[one.order.id] = owner
        made = booked_referral(one.order, rulings[one.order.id], owner)
        _add(entries, one.order, _all_entries(made, before, at=at))
    for refund in refunds:
        if refund.order_id in booked:
            one = booked[refund.order_id]
            made = _again(one, rulings)
            entry = clawback_entry(
                made,
                ref=refund.ref,
                before_minor=refund.before_minor,
                amount_minor=refund.amount_minor,
                at=at,
            )
            _add(entries, one.order, [entry])
    for currency, drafts in sorted(entries.items()):
        at_wall = clock.wall_now()
        await book(
            conn, store_id=PLATFORM_BOOK, currency=currency, entries=drafts, written_at=at_wall
        )
    await _tell(conn, due, at=at)
    return owners


def booked_referral(order: Order, ruling: MadeRuling, owner: UUID) -> BookedReferral:
    """A settled order for the books."""
    return BookedReferral(
        order_id=order.id,
        source=order.source,
        settled_minor=order.settled_minor or 0,
        rates=Rates(ruling.service_fee_bp, ruling.commission_cut_bp),
        creator_id=ruling.creator_id,
        receivable_owner_id=owner,
    )


def _again(one: Held, rulings: Mapping[UUID, MadeRuling]) -> BookedReferral:
    if one.receivable_owner_id is None:
        raise ValueError(one.order.id)  # a constraint: what is booked has one
    return booked_referral(one.order, rulings[one.order.id], one.receivable_owner_id)


def _all_entries(
    made: BookedReferral, refunds: Sequence[KnownRefund], *, at: datetime
) -> list[Entry | None]:
    """Settled, then every refund that came before the order could be booked."""
    entries = [settled_entry(made, at=at)]
    taken = 0
    for refund in refunds:
        if refund.order_id == made.order_id:
            amount = refund.amount_minor
            entries.append(
                clawback_entry(made, ref=refund.ref, before_minor=taken, amount_minor=amount, at=at)
            )
            taken += amount
    return entries


def _add(entries: dict[str, list[Entry]], order: Order, drafts: Sequence[Entry | None]) -> None:
    entries.setdefault(order.currency, []).extend(one for one in drafts if one is not None)


async def _tell(conn: AsyncConnection, due: Sequence[Held], *, at: datetime) -> None:
    told = [
        (
            one.order.id,
            {
                "source": one.order.source,
                "order_ref": one.order.order_ref,
                "settled_minor": one.order.settled_minor,
                "currency": one.order.currency,
            },
        )
        for one in due
    ]
    await record_many(conn, "referral.settled", at=at, subjects=told)
