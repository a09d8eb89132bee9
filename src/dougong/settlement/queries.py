"""Reads what reconciliation needs of its own tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.settlement.rules import RunNotFound, Terms
from dougong.settlement.tables import reconciliation_runs

TERMS = text("""
    SELECT id, currency::text, tolerance_minor, tolerance_bp, patience_days, write_off_limit_minor
    FROM reconciliation_terms
    WHERE source = :source AND in_force @> CAST(:at AS timestamptz) ORDER BY currency
""")


async def terms_at(
    conn: AsyncConnection, *, source: str, at: datetime
) -> dict[str, tuple[UUID, Terms]]:
    """By currency, the row in force and what it says; no row: amounts are equal or they are not."""
    return {
        row.currency: (
            row.id,
            Terms(
                row.tolerance_minor, row.tolerance_bp, row.patience_days, row.write_off_limit_minor
            ),
        )
        for row in await conn.execute(TERMS, {"source": source, "at": at})
    }


async def run_of(conn: AsyncConnection, *, run_id: UUID) -> Any:
    """One run's row. Raises RunNotFound."""
    row = (
        await conn.execute(select(reconciliation_runs).where(reconciliation_runs.c.id == run_id))
    ).one_or_none()
    if row is None:
        raise RunNotFound
    return row


LAST_ROW = text("""
    SELECT r.*, c.source, n.as_of FROM reconciliation_cases c
    JOIN reconciliation_rows r ON r.run_id = c.last_run_id AND r.case_id = c.id
    JOIN reconciliation_runs n ON n.id = r.run_id
    WHERE c.id = :case_id
""")


async def last_row(conn: AsyncConnection, *, case_id: UUID) -> Any | None:
    """What the last run that found a case different said of it; None where the last one agreed."""
    return (await conn.execute(LAST_ROW, {"case_id": case_id})).one_or_none()


TOLD = text("""
    SELECT payment_ref, order_ref, currency::text, amount_minor, fingerprint FROM receipts
    WHERE source = :source AND payment_ref = ANY(CAST(:refs AS text[]))
""")


async def payments_told(
    conn: AsyncConnection, *, source: str, refs: Sequence[str]
) -> dict[tuple[str, str], bytes]:
    """The fingerprints of payments that are there, by payment and order."""
    found = await conn.execute(TOLD, {"source": source, "refs": list(refs)})
    return {(row.payment_ref, row.order_ref): bytes(row.fingerprint) for row in found}


WRITTEN_OFF = text("""
    SELECT coalesce(sum(amount_minor), 0)::bigint FROM write_offs
    WHERE case_id = :case_id AND state = 'booked'
""")


async def written_off_minor(conn: AsyncConnection, *, case_id: UUID) -> int:
    """What was booked for a case before: it is not booked again."""
    return int((await conn.execute(WRITTEN_OFF, {"case_id": case_id})).scalar_one())
