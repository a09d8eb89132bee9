"""An operator decides about money that nobody waits for: it goes back, or is kept for its owner."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer, task
from dougong.ledger.commands import book
from dougong.ledger.rules import Entry, EntryKind, Part, Purpose, moved, platform
from dougong.payments.adapters.registry import gateway
from dougong.payments.commands import resolve_unallocated
from dougong.reads.operator_money import unallocated_to_send


async def resolve(
    conn: AsyncConnection,
    *,
    unallocated_id: UUID,
    person_id: PersonId,
    resolution: str,
    note: str,
    at: datetime,
) -> None:
    """`resolution`: sent_back (booked at once, sent by a job) or kept_for_claim, until its owner
    claims it and it is sent back too.

    Raises NotFound when somebody has decided before.
    """
    row = await resolve_unallocated(
        conn,
        unallocated_id=unallocated_id,
        person_id=person_id,
        resolution=resolution,
        note=note,
        at=at,
    )
    if resolution == "sent_back":
        held, clearing = platform(Purpose.UNALLOCATED), platform(Purpose.GATEWAY_CLEARING)
        entry = Entry(
            kind=EntryKind.UNALLOCATED_BACK,
            key=f"unallocated_back:{unallocated_id}",
            counts_at=at,
            transfers=tuple(moved(held, clearing, row.amount_minor, Part.UNALLOCATED)),
        )
        await book(
            conn,
            store_id=PLATFORM_BOOK,
            currency=row.currency,
            entries=[entry],
            written_at=clock.wall_now(),
        )
        await defer(conn, "payments.send_back", unallocated_id=str(unallocated_id))
    facts = {"amount_minor": row.amount_minor, "currency": row.currency, "resolution": resolution}
    await record(
        conn, "payment.unallocated_resolved", subject_id=unallocated_id, at=at, facts=facts
    )
    await audit(
        conn,
        at=at,
        person_id=person_id,
        action="payments.resolve_unallocated",
        subject=str(unallocated_id),
        facts=facts | {"note": note},
    )


@task("payments.send_back", retries=12)
async def send_back(unallocated_id: str) -> None:
    """Tell the gateway; it knows the refund by our id, so a repeat sends nothing twice."""
    async with transaction() as conn:
        row = await unallocated_to_send(conn, unallocated_id=UUID(unallocated_id))
    if row is not None:
        await gateway(row.gateway).refund(
            gateway_ref=row.gateway_ref,
            refund_id=row.id,
            attempt=1,
            amount_minor=row.amount_minor,
            currency=row.currency,
        )
