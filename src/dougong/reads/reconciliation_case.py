"""One difference with a partner: what each run said of it, what people did, what was booked."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.settlement.case_rules import CaseNotFound


class Case(msgspec.Struct, frozen=True):
    id: UUID
    source: str
    subject: str
    currency: str
    state: str
    outcome: str
    reason: str
    gap_minor: int
    order_at: datetime
    opened_at: datetime
    first_run_id: UUID
    last_run_id: UUID
    partner_id: UUID | None
    order_id: UUID | None


CASE = text("""
    SELECT c.id, c.source, c.subject, c.currency::text, c.state, c.outcome, c.reason, c.gap_minor,
      c.order_at, c.opened_at, c.first_run_id, c.last_run_id, s.partner_id, o.id AS order_id
    FROM reconciliation_cases c JOIN sources s ON s.code = c.source
    LEFT JOIN referral_orders o ON o.source = c.source AND o.order_ref = c.subject
    WHERE c.id = :id
""")


async def one_case(conn: AsyncConnection, *, case_id: UUID) -> Case:
    """Raises CaseNotFound."""
    row = (await conn.execute(CASE, {"id": case_id})).mappings().one_or_none()
    if row is None:
        raise CaseNotFound
    return Case(**row)


class Seen(msgspec.Struct, frozen=True):
    """What one run said of the case."""

    run_id: UUID
    as_of: datetime
    outcome: str
    reason: str
    detail: str
    ours_minor: int | None
    booked_minor: int
    theirs_minor: int | None
    received_minor: int | None
    gap_minor: int
    age_days: int


SEEN = text("""
    SELECT r.run_id, n.as_of, r.outcome, r.reason, r.detail, r.ours_minor, r.booked_minor,
      r.theirs_minor, r.received_minor, r.gap_minor, r.age_days
    FROM reconciliation_rows r JOIN reconciliation_runs n ON n.id = r.run_id
    WHERE r.case_id = :id ORDER BY n.started_at DESC, n.id DESC LIMIT 20
""")


async def seen_in_runs(conn: AsyncConnection, *, case_id: UUID) -> list[Seen]:
    """The newest first."""
    return [Seen(**row) for row in (await conn.execute(SEEN, {"id": case_id})).mappings()]


class Note(msgspec.Struct, frozen=True):
    at: datetime
    person: str | None
    side: str
    from_state: str
    to_state: str
    note: str
    run_id: UUID | None


NOTES = text("""
    SELECT n.at, p.name AS person, n.side, n.from_state, n.to_state, n.note, n.run_id
    FROM reconciliation_notes n LEFT JOIN people p ON p.id = n.person_id
    WHERE n.case_id = :id ORDER BY n.at DESC, n.id DESC LIMIT 200
""")


async def notes_of(conn: AsyncConnection, *, case_id: UUID) -> list[Note]:
    return [Note(**row) for row in (await conn.execute(NOTES, {"id": case_id})).mappings()]


class WriteOff(msgspec.Struct, frozen=True):
    """`entry_id`: in the books, once it is booked."""

    amount_minor: int
    booked_minor: int
    came_minor: int
    limit_minor: int
    state: str
    asker_id: UUID
    asker: str
    asked_at: datetime
    decider: str | None
    decided_at: datetime | None
    entry_id: UUID | None


WRITE_OFFS = text("""
    SELECT w.amount_minor, w.booked_minor, w.came_minor, w.limit_minor, w.state,
      w.asked_by AS asker_id, a.name AS asker, w.asked_at, d.name AS decider, w.decided_at,
      e.id AS entry_id
    FROM write_offs w JOIN people a ON a.id = w.asked_by LEFT JOIN people d ON d.id = w.decided_by
    LEFT JOIN ledger_entries e ON e.store_id = :book AND e.key = 'write_off:' || w.id
    WHERE w.case_id = :id ORDER BY w.asked_at DESC, w.id DESC
""")


async def write_offs_of(conn: AsyncConnection, *, case_id: UUID) -> list[WriteOff]:
    where = {"id": case_id, "book": PLATFORM_BOOK}
    return [WriteOff(**row) for row in (await conn.execute(WRITE_OFFS, where)).mappings()]


TOLD = text("""
    SELECT r.told_at, r.line, coalesce(f.file_name, '') AS file_name, r.status, r.state,
      r.currency::text, coalesce(r.settled_minor, r.estimated_gross_minor) AS amount_minor,
      r.outcome, r.reason, r.refund_minor
    FROM report_rows r LEFT JOIN referral_reports f ON f.id = r.report_id
    WHERE r.source = :source AND r.order_ref = :ref ORDER BY r.told_at, r.line LIMIT 50
""")
CAME = text("""
    SELECT r.received_at, r.payment_ref, r.currency::text, r.amount_minor, f.file_name, r.line
    FROM receipts r JOIN receipt_files f ON f.id = r.file_id
    WHERE r.source = :source AND r.order_ref = :ref ORDER BY r.received_at, r.id LIMIT 50
""")


async def told_and_came(
    conn: AsyncConnection, *, source: str, ref: str
) -> tuple[list[Any], list[Any]]:
    """The rows of reports and the payments of one order."""
    where = {"source": source, "ref": ref}
    told = (await conn.execute(TOLD, where)).all()
    return list(told), list((await conn.execute(CAME, where)).all())


class TermsRow(msgspec.Struct, frozen=True):
    source: str
    currency: str
    starts: datetime
    ends: datetime | None
    tolerance_minor: int
    tolerance_bp: int
    patience_days: int
    write_off_limit_minor: int
    reason: str
    author: str


TERMS = text("""
    SELECT t.source, t.currency::text, lower(t.in_force) AS starts, upper(t.in_force) AS ends,
      t.tolerance_minor, t.tolerance_bp, t.patience_days, t.write_off_limit_minor, t.reason,
      p.name AS author
    FROM reconciliation_terms t JOIN people p ON p.id = t.author_id
    ORDER BY t.source, t.currency, lower(t.in_force) DESC LIMIT 200
""")


async def terms_rows(conn: AsyncConnection) -> list[TermsRow]:
    return [TermsRow(**row) for row in (await conn.execute(TERMS)).mappings()]
