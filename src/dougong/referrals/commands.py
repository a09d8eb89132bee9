"""Writes reports, their rows, and the precedence of claims."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import cast, func, insert, text, update
from sqlalchemy.dialects.postgresql import JSONB, Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, new_id
from dougong.infra.many_rows import write_many
from dougong.referrals.defaults import default_claim_rules
from dougong.referrals.order_rules import Outcome
from dougong.referrals.rules import ClaimRule, ReadElsewhere
from dougong.referrals.tables import claim_rules, referral_reports, report_rows

MAX_FILE_NAME = 200


class Counts(msgspec.Struct):
    """What became of rows."""

    applied: int = 0
    repeated: int = 0
    stale: int = 0
    parked: int = 0
    refused: int = 0

    def add(self, other: "Counts") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


async def begin_report(
    conn: AsyncConnection,
    *,
    source: str,
    mapping: str,
    file_name: str,
    file_hash: bytes,
    size: int,
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    """A report that waits to be read; `size` in bytes."""
    report_id = new_id()
    name = "".join(c if c.isprintable() else " " for c in file_name)[-MAX_FILE_NAME:]
    row = {"id": report_id, "source": source, "mapping": mapping, "file_name": name}
    row |= {
        "file_hash": file_hash,
        "bytes_total": size,
        "state": "waiting",
        "started_by": started_by,
        "started_at": at,
    }
    await conn.execute(insert(referral_reports).values(row))
    return report_id


async def note_report(
    conn: AsyncConnection,
    *,
    report_id: UUID,
    before: int,
    done: int,
    bytes_done: int,
    counts: Counts,
    bad: Sequence[Any],
) -> None:
    """Rows so far, `bytes_done` of the file's, and the `bad` ones that came since `before` rows
    were done. Raises ReadElsewhere when they were not: somebody else reads the same file.
    """
    t = referral_reports.c
    values: dict[str, Any] = {"state": "running", "rows_done": done, "bytes_done": bytes_done}
    values |= {f"rows_{name}": getattr(counts, name) for name in Counts.__struct_fields__}
    if bad:
        values["bad"] = t.bad + cast(msgspec.to_builtins(list(bad)), JSONB)
    change = update(referral_reports).where(t.id == report_id, t.rows_done == before)
    change = change.where(t.state.in_(("waiting", "running")))
    if (await conn.execute(change.values(values))).rowcount != 1:
        raise ReadElsewhere


async def end_report(
    conn: AsyncConnection, *, report_id: UUID, at: datetime, failure: str = "", field: str = ""
) -> None:
    """Read to its end, or given up because of `failure` (the reason of the refusal)."""
    t = referral_reports.c
    values = {"state": "failed" if failure else "done", "ended_at": at, "rows_total": t.rows_done}
    values |= {"failure": failure, "failure_field": field}
    if not failure:
        values["bytes_done"] = t.bytes_total
    change = update(referral_reports).where(t.id == report_id)
    await conn.execute(change.where(t.state.in_(("waiting", "running"))).values(values))


async def lock_source(conn: AsyncConnection, *, source: str, is_patient: bool) -> None:
    """Reports and events of one source are taken one after the other. `is_patient`: a report waits
    for the piece of another one, however long that takes."""
    if is_patient:
        await conn.execute(text("SET LOCAL lock_timeout = 0"))
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('referrals:' || :source, 0))"),
        {"source": source},
    )
    if is_patient:
        await conn.execute(text("SET LOCAL lock_timeout = DEFAULT"))


async def insert_rows(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows that nobody told of before."""
    await write_many(conn, report_rows, rows)


CHANGED = text("""
    UPDATE report_rows r SET outcome = c.outcome, field = c.field, reason = c.reason,
      value = c.value, order_id = coalesce(c.order_id, r.order_id),
      resolved_at = CASE WHEN c.outcome IN ('parked', 'refused') THEN NULL ELSE :at END,
      resolution = CASE WHEN c.outcome IN ('parked', 'refused') THEN '' ELSE 'taken' END
    FROM json_to_recordset(CAST(:rows AS json))
      AS c (id uuid, outcome text, field text, reason text, value text, order_id uuid)
    WHERE r.id = c.id AND r.resolved_at IS NULL AND r.outcome IN ('parked', 'refused')
""")


async def judge_rows_again(
    conn: AsyncConnection, rows: Sequence[Mapping[str, Any]], *, at: datetime
) -> None:
    """What became of parked and refused rows at a second look."""
    if rows:
        asked = msgspec.json.encode(list(rows)).decode()
        await conn.execute(CHANGED, {"rows": asked, "at": at})


PARKED = text("""
    UPDATE report_rows r SET outcome = 'parked', field = 'sub_id', reason = c.reason,
      value = c.value, resolved_at = NULL, resolution = ''
    FROM json_to_recordset(CAST(:rows AS json)) AS c (id uuid, reason text, value text)
    WHERE r.id = c.id
""")


async def park_rows(conn: AsyncConnection, rows: Sequence[tuple[UUID, str, str]]) -> None:
    """(row, reason, value): taken, but nobody is known who earned its order."""
    if rows:
        asked = [{"id": row_id, "reason": why, "value": value} for row_id, why, value in rows]
        await conn.execute(PARKED, {"rows": msgspec.json.encode(asked).decode()})


async def resolve_rows_of(
    conn: AsyncConnection, *, order_id: UUID, reasons: Sequence[str], by: PersonId, at: datetime
) -> None:
    """What rows of an order waited for has been decided."""
    change = update(report_rows).where(report_rows.c.order_id == order_id)
    change = change.where(report_rows.c.reason.in_(reasons), report_rows.c.resolved_at.is_(None))
    await conn.execute(change.values(resolved_at=at, resolved_by=by, resolution="ruled"))


async def set_row_aside(
    conn: AsyncConnection, *, row_id: UUID, by: PersonId, note: str, at: datetime
) -> None:
    """An operator has looked at a bad row and wants to see it no more; it is kept.

    Raises NotFound for a row that is not bad or was decided about before.
    """
    change = update(report_rows).where(report_rows.c.id == row_id)
    change = change.where(report_rows.c.outcome.in_((Outcome.PARKED, Outcome.REFUSED)))
    change = change.where(report_rows.c.resolved_at.is_(None))
    done = await conn.execute(change.values(resolved_at=at, resolved_by=by, resolution=note))
    if done.rowcount != 1:
        raise NotFound


async def install_claim_rules(
    conn: AsyncConnection,
    *,
    rules: Sequence[ClaimRule],
    at: datetime,
    author_id: PersonId,
    approver_id: PersonId,
) -> None:
    """Approved rows, as they are; a repeat adds nothing."""
    half_open: Literal["[)"] = "[)"
    for rule in rules:
        row = {
            "id": rule.id,
            "source": rule.source,
            "claim": rule.claim.value,
            "announced_at": min(at, rule.starts),
            "in_force": Range(rule.starts, rule.ends, bounds=half_open),
            "rank": rule.rank,
            "window_days": rule.window_days,
            "reason_zh": rule.reason_zh,
            "reason_en": rule.reason_en,
            "author_id": author_id,
            "approver_id": approver_id,
            "approved_at": at,
        }
        await conn.execute(
            upsert(claim_rules).values(row).on_conflict_do_nothing(index_elements=["id"])
        )


async def ensure_claim_rules(
    conn: AsyncConnection, *, at: datetime, author_id: PersonId, approver_id: PersonId
) -> None:
    """A platform without any row gets the default ones."""
    if not await conn.scalar(func.count(claim_rules.c.id).select()):
        await install_claim_rules(
            conn,
            rules=default_claim_rules(),
            at=at,
            author_id=author_id,
            approver_id=approver_id,
        )
