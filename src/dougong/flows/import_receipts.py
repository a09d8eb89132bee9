"""Money from a partner comes in as a list: read, kept once, booked; what disagrees is parked."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import Refusal
from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.flows.book_referrals import receivable_owner
from dougong.flows.partner_money import payment_entry
from dougong.flows.reconcile import UnknownSource
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.ledger.commands import book
from dougong.reads.reconciliation_inputs import KnownOrder, orders_named, source_partner
from dougong.settlement.payment_files import mapping_of, read_payments
from dougong.settlement.payment_rules import Payment, Problem
from dougong.settlement.queries import payments_told
from dougong.settlement.receipt_commands import (
    Taken,
    begin_file,
    file_of,
    keep_problems,
    note_file,
    take_payments,
)
from dougong.settlement.rules import BadPaymentFile

CHUNK_ROWS = 2_000


class Counts(msgspec.Struct):
    """What became of a file's rows."""

    rows_total: int = 0
    rows_taken: int = 0
    rows_repeated: int = 0
    rows_parked: int = 0
    rows_refused: int = 0


def _upload(file_id: UUID) -> Path:
    return settings().data_dir / "receipts" / str(file_id)


async def start_receipts(
    conn: AsyncConnection,
    *,
    source: str,
    mapping: str,
    file_name: str,
    data: bytes,
    started_by: PersonId | None,
    at: datetime,
    is_queued: bool = True,
) -> UUID:
    """Keep the file and queue its import; the file's row tells how it goes. Not `is_queued`: the
    caller imports it itself.

    Raises UnknownSource, UnknownPaymentMapping, BadPaymentFile for an empty one.
    """
    if not (await source_partner(conn, source=source))[0]:
        raise UnknownSource(field="source")
    mapping_of(mapping)
    if not data.strip():
        raise BadPaymentFile(field="file", why="empty")
    file_id = await begin_file(
        conn,
        source=source,
        mapping=mapping,
        file_name=file_name,
        file_hash=hashlib.sha256(data).digest(),
        started_by=started_by,
        at=at,
    )
    target = _upload(file_id)

    def keep() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    await asyncio.to_thread(keep)
    if is_queued:
        await defer(conn, "flows.import_receipts", lock=f"receipts:{source}", file_id=str(file_id))
    await audit(
        conn,
        at=at,
        person_id=started_by,
        action="settlement.receipts_imported",
        subject=str(file_id),
        facts={"source": source, "file": file_name},
    )
    return file_id


@task("flows.import_receipts", retries=3)
async def run_receipts(file_id: str) -> None:
    await import_receipts(UUID(file_id))


async def import_receipts(file_id: UUID) -> None:
    """Import a kept file, all of it or nothing: what cannot be taken is kept as a problem."""
    async with transaction() as conn:
        at = await clock.refresh(conn)
        row = await file_of(conn, file_id=file_id)
        if row.state in ("done", "failed"):
            return
    kept = _upload(file_id)
    try:
        data = await asyncio.to_thread(kept.read_bytes)
        mapping = mapping_of(row.mapping)
        rows = await asyncio.to_thread(lambda: list(read_payments(data, mapping)))
    except Refusal as refusal:
        why = str(refusal.facts.get("why", refusal.code))
        failed = {"state": "failed", "failure": why, "ended_at": at}
        failed["failure_field"] = str(refusal.facts.get("columns", refusal.field or ""))
        async with transaction() as conn:
            await note_file(conn, file_id=file_id, values=failed)
    else:
        async with transaction(slow=True) as conn:
            counts = await _take(conn, source=row.source, file_id=file_id, rows=rows)
            done = {"state": "done", "ended_at": at, **msgspec.structs.asdict(counts)}
            await note_file(conn, file_id=file_id, values=done)
            facts = {"source": row.source, **msgspec.structs.asdict(counts)}
            await record(
                conn, "settlement.receipts_imported", subject_id=file_id, at=at, facts=facts
            )
    await asyncio.to_thread(kept.unlink)


async def _take(
    conn: AsyncConnection, *, source: str, file_id: UUID, rows: Sequence[Payment | Problem]
) -> Counts:
    _, partner_id = await source_partner(conn, source=source)
    whose = receivable_owner(source, partner_id)
    counts = Counts(rows_total=len(rows))
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        problems = [one for one in chunk if isinstance(one, Problem)]
        payments = [one for one in chunk if isinstance(one, Payment)]
        refs = sorted({one.order_ref for one in payments if one.order_ref})
        known = await orders_named(conn, source=source, refs=refs)
        told = await payments_told(conn, source=source, refs=[one.payment_ref for one in payments])
        good: list[tuple[Payment, UUID]] = []
        for one in payments:
            order = known.get(one.order_ref)
            problem = _contradicts(one, order, told)
            told.setdefault((one.payment_ref, one.order_ref), one.fingerprint())
            if problem is not None:
                problems.append(problem)
            else:
                good.append((one, (order.owner_id if order else None) or whose))
        taken = await take_payments(conn, source=source, file_id=file_id, payments=good)
        await _book(conn, taken)
        await keep_problems(conn, file_id=file_id, problems=problems)
        counts.rows_taken += len(taken)
        counts.rows_repeated += len(good) - len(taken)
        counts.rows_parked += sum(one.outcome == "parked" for one in problems)
        counts.rows_refused += sum(one.outcome == "refused" for one in problems)
    return counts


def _contradicts(
    one: Payment, order: KnownOrder | None, told: dict[tuple[str, str], bytes]
) -> Problem | None:
    """A payment that can be read and does not fit what is there: a person must look at it."""
    if order is not None and order.currency != one.currency:
        return Problem(one.line, "parked", "currency", "other_currency", one.currency)
    before = told.get((one.payment_ref, one.order_ref))
    if before is not None and before != one.fingerprint():
        return Problem(one.line, "parked", "payment_ref", "told_otherwise", one.payment_ref)
    return None


async def _book(conn: AsyncConnection, taken: Sequence[Taken]) -> None:
    by_currency = sorted(taken, key=lambda one: one.payment.currency)
    for currency, group in groupby(by_currency, key=lambda one: one.payment.currency):
        entries = [
            payment_entry(
                receipt_id=one.id,
                owner_id=one.owner_id,
                amount_minor=one.payment.amount_minor,
                received_at=one.payment.received_at,
            )
            for one in group
        ]
        await book(
            conn,
            store_id=PLATFORM_BOOK,
            currency=currency,
            entries=entries,
            written_at=clock.wall_now(),
        )
