"""The three sides of a reconciliation, streamed out of one snapshot into CSV files.

An order belongs to the period in which it was paid, as our own order says where we know it, else
as the report says. Money belongs to its order, whenever it came; money for an order that nobody
knows belongs to the period in which it came.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.sql import SQL
from sqlalchemy import text
from sqlalchemy.engine import MappingResult
from sqlalchemy.ext.asyncio import AsyncConnection

OURS = SQL("""
    COPY (
      SELECT order_ref, currency,
        CASE state WHEN 'settled' THEN 'settled' WHEN 'closed' THEN 'closed' ELSE 'open' END,
        CASE state WHEN 'settled' THEN settled_minor - refunded_minor WHEN 'closed' THEN 0
          ELSE estimated_gross_minor END,
        CASE WHEN booked_at IS NULL THEN 0 ELSE settled_minor - refunded_minor END,
        (extract(epoch FROM paid_at) * 1000000)::bigint
      FROM referral_orders
      WHERE source = %(source)s AND paid_at >= %(starts)s AND paid_at < %(ends)s AND parked = ''
    ) TO STDOUT (FORMAT csv)
""")
# What a row says of refunds that we took over is what our order says; of others, its own figure.
THEIRS = SQL("""
    COPY (
      SELECT r.order_ref, coalesce(r.currency, o.currency, ''),
        CASE r.state WHEN 'settled' THEN 'settled' WHEN 'closed' THEN 'closed' ELSE 'open' END,
        CASE WHEN r.outcome = 'refused' THEN NULL WHEN r.state = 'settled' THEN r.settled_minor
          WHEN r.state = 'closed' THEN 0 ELSE r.estimated_gross_minor END,
        CASE WHEN r.refund_case = '' THEN 0 WHEN r.outcome = 'applied' THEN o.refunded_minor
          ELSE coalesce(r.refund_minor, 0) END,
        (extract(epoch FROM coalesce(o.paid_at, r.paid_at)) * 1000000)::bigint,
        (extract(epoch FROM r.settled_at) * 1000000)::bigint,
        (extract(epoch FROM r.told_at) * 1000)::bigint * 2097152 + coalesce(r.line, 0),
        CASE WHEN r.reason <> '' THEN r.reason ELSE coalesce(o.parked, '') END
      FROM report_rows r
      LEFT JOIN referral_orders o ON o.source = r.source AND o.order_ref = r.order_ref
      WHERE r.source = %(source)s AND r.order_ref <> '' AND r.outcome <> 'stale'
        AND coalesce(o.paid_at, r.paid_at) >= %(starts)s
        AND coalesce(o.paid_at, r.paid_at) < %(ends)s
        AND r.told_at <= %(as_of)s
    ) TO STDOUT (FORMAT csv)
""")
RECEIVED = SQL("""
    COPY (
      SELECT r.order_ref, r.currency, r.amount_minor,
        (extract(epoch FROM r.received_at) * 1000000)::bigint,
        CASE WHEN o.id IS NULL THEN r.received_at >= %(starts)s AND r.received_at < %(ends)s
          ELSE true END
      FROM receipts r
      LEFT JOIN referral_orders o ON o.source = r.source AND o.order_ref = r.order_ref
      WHERE r.source = %(source)s AND r.order_ref <> '' AND r.received_at <= %(as_of)s
        AND (o.id IS NULL OR (o.paid_at >= %(starts)s AND o.paid_at < %(ends)s))
    ) TO STDOUT (FORMAT csv)
""")


class Sides(NamedTuple):
    """The files that were written, in the form that `settlement.compare` reads."""

    ours: Path
    theirs: Path
    received: Path


async def write_sides(
    conn: AsyncConnection,
    *,
    source: str,
    starts: datetime,
    ends: datetime,
    as_of: datetime,
    folder: Path,
    with_report: bool,
) -> Sides:
    """`with_report` False: the report comes from a file, and `theirs` is not written."""
    where = {"source": source, "starts": starts, "ends": ends, "as_of": as_of}
    sides = Sides(folder / "ours.csv", folder / "theirs.csv", folder / "received.csv")
    for statement, file in ((OURS, sides.ours), (RECEIVED, sides.received)):
        await _copy_out(conn, statement, where, file)
    if with_report:
        await _copy_out(conn, THEIRS, where, sides.theirs)
    return sides


async def _copy_out(
    conn: AsyncConnection, statement: SQL, where: Mapping[str, Any], file: Path
) -> None:
    driver: Any = (await conn.get_raw_connection()).driver_connection
    with file.open("wb") as target:
        async with driver.cursor() as cursor, cursor.copy(statement, where) as copy:
            async for piece in copy:
                target.write(piece)


LUMPS = text("""
    SELECT currency::text, sum(amount_minor)::bigint AS amount_minor FROM receipts
    WHERE source = :source AND order_ref = '' AND period_starts_at >= :starts
      AND period_ends_at <= :ends AND received_at <= :as_of
    GROUP BY currency HAVING sum(amount_minor) <> 0
""")


async def lumps_of(
    conn: AsyncConnection, *, source: str, starts: datetime, ends: datetime, as_of: datetime
) -> dict[str, int]:
    """Money that names no order and pays for days inside the period, by currency."""
    where = {"source": source, "starts": starts, "ends": ends, "as_of": as_of}
    found = await conn.execute(LUMPS, where)
    return {row.currency: row.amount_minor for row in found}


REPORTS = text("""
    SELECT r.report_id AS id, f.file_name, encode(f.file_hash, 'hex') AS hash, count(*) AS rows,
      count(*) FILTER (WHERE r.outcome = 'parked') AS parked,
      count(*) FILTER (WHERE r.outcome = 'refused') AS refused
    FROM report_rows r LEFT JOIN referral_reports f ON f.id = r.report_id
    WHERE r.source = :source AND r.paid_at >= :starts AND r.paid_at < :ends AND r.told_at <= :as_of
    GROUP BY r.report_id, f.file_name, f.file_hash ORDER BY min(r.told_at), r.report_id
""")
PAYMENTS = text("""
    SELECT f.id, f.file_name, encode(f.file_hash, 'hex') AS hash, count(*) AS rows
    FROM receipts r JOIN receipt_files f ON f.id = r.file_id
    WHERE r.source = :source AND r.received_at >= :starts AND r.received_at <= :as_of
    GROUP BY f.id, f.file_name, f.file_hash, f.started_at ORDER BY f.started_at, f.id
""")
CLICKS = text("""
    SELECT count(*) FILTER (WHERE validity = 'valid') AS valid,
      count(*) FILTER (WHERE validity <> 'valid') AS invalid
    FROM clicks WHERE source = :source AND at >= :starts AND at < :ends
""")
CLICKED = text("""
    SELECT count(DISTINCT o.id) AS orders FROM referral_orders o
    JOIN referral_claims c ON c.order_id = o.id AND c.click_id IS NOT NULL
    WHERE o.source = :source AND o.paid_at >= :starts AND o.paid_at < :ends
""")


async def inputs_of(
    conn: AsyncConnection, *, source: str, starts: datetime, ends: datetime, as_of: datetime
) -> dict[str, Any]:
    """What a run was given: reports, payment files, our clicks and the orders that they led to."""
    where = {"source": source, "starts": starts, "ends": ends}
    until = where | {"as_of": as_of}
    clicks = (await conn.execute(CLICKS, where)).one()
    return {
        "reports": _told((await conn.execute(REPORTS, until)).mappings()),
        "payments": _told((await conn.execute(PAYMENTS, until)).mappings()),
        "clicks": clicks.valid,
        "clicks_not_counted": clicks.invalid,
        "orders_clicked": (await conn.execute(CLICKED, where)).scalar_one(),
    }


def _told(rows: MappingResult) -> list[dict[str, Any]]:
    return [{key: str(v) if isinstance(v, UUID) else v for key, v in row.items()} for row in rows]


class KnownOrder(NamedTuple):
    currency: str
    owner_id: UUID | None  # whose receivable it is booked in


ORDERS = text("""
    SELECT order_ref, currency::text, receivable_owner_id FROM referral_orders
    WHERE source = :source AND order_ref = ANY(CAST(:refs AS text[]))
""")


async def orders_named(
    conn: AsyncConnection, *, source: str, refs: Sequence[str]
) -> dict[str, KnownOrder]:
    found = await conn.execute(ORDERS, {"source": source, "refs": list(refs)})
    return {row.order_ref: KnownOrder(row.currency, row.receivable_owner_id) for row in found}


async def source_partner(conn: AsyncConnection, *, source: str) -> tuple[bool, UUID | None]:
    """(whether we know the source, the organisation behind it)."""
    row = (
        await conn.execute(
            text("SELECT partner_id FROM sources WHERE code = :source"), {"source": source}
        )
    ).one_or_none()
    return row is not None, row.partner_id if row else None
