"""Writes lists for the bank, and the files of answers that came back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, text, update
from sqlalchemy.dialects.postgresql import insert as insert_new
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_id
from dougong.infra.sealed import NotSealedHere, open_text
from dougong.settlement.payout_rules import AnswerProblem
from dougong.settlement.payout_tables import payout_file_problems, payout_files

SEND = text("""
    UPDATE payouts p SET state = 'sent', file_id = :file_id, sent_at = :at, asked_at = :at
    FROM payout_runs r, payout_accounts a
    WHERE r.id = p.run_id AND r.state = 'approved' AND p.state = 'booked'
      AND a.id = p.account_id AND a.closed_at IS NULL
    RETURNING p.*
""")
HOLD_CHANGED = text("""
    UPDATE payouts p SET state = 'held', why = :why
    FROM payout_runs r, payout_accounts a
    WHERE r.id = p.run_id AND r.state = 'approved' AND p.state = 'booked'
      AND a.id = p.account_id AND a.closed_at IS NOT NULL
    RETURNING p.*
""")
LISTED = text("""
    SELECT p.id, p.day, p.amount_minor, p.currency::text AS currency, a.id AS account_id, a.holder,
      a.bank, a.number_sealed
    FROM payouts p JOIN payout_accounts a ON a.id = p.account_id
    WHERE p.file_id = :file_id ORDER BY p.booked_at, p.id
""")


async def begin_file(
    conn: AsyncConnection, *, kind: str, file_name: str, made_by: PersonId, at: datetime
) -> UUID:
    file_id = new_id()
    name = "".join(c if c.isprintable() else " " for c in file_name).strip()[-200:] or "-"
    row = {"id": file_id, "kind": kind, "file_name": name, "state": "waiting", "made_by": made_by}
    await conn.execute(insert(payout_files).values(**row, made_at=at))
    return file_id


async def end_file(conn: AsyncConnection, *, file_id: UUID, state: str, at: datetime,
                   values: dict[str, Any]) -> None:  # fmt: skip
    """Done or failed, once."""
    change = (
        update(payout_files)
        .where(payout_files.c.id == file_id)
        .where(payout_files.c.state == "waiting")
        .values(state=state, ended_at=at, **values)
    )
    await conn.execute(change)


async def hold_changed(conn: AsyncConnection, *, why: str) -> Sequence[Any]:
    """Keep back what was to go to an account that its payee has replaced; answers those."""
    return (await conn.execute(HOLD_CHANGED, {"why": why})).all()


async def put_on_list(conn: AsyncConnection, *, file_id: UUID, at: datetime) -> Sequence[Any]:
    """Everything that may go to the bank goes by this file; answers those payouts."""
    return (await conn.execute(SEND, {"file_id": file_id, "at": at})).all()


class Listed(msgspec.Struct, frozen=True):
    """A line of a list; `number` is empty where it cannot be read any more."""

    id: UUID
    day: Any
    holder: str
    bank: str
    number: str
    amount_minor: int
    currency: str


async def listed(conn: AsyncConnection, *, file_id: UUID) -> list[Listed]:
    """The payments of a list, with account numbers in clear: for the bank only."""
    found = await conn.execute(LISTED, {"file_id": file_id})
    return [
        Listed(row.id, row.day, row.holder, row.bank, _number(row), row.amount_minor, row.currency)
        for row in found
    ]


def _number(row: Any) -> str:
    try:
        return open_text(row.number_sealed, about=row.account_id.bytes)
    except NotSealedHere:
        return ""


async def keep_problems(
    conn: AsyncConnection, *, file_id: UUID, problems: Sequence[AnswerProblem]
) -> None:
    """Lines that were not taken; those that are there stay."""
    if problems:
        rows = [{"file_id": file_id, **msgspec.structs.asdict(one)} for one in problems]
        await conn.execute(insert_new(payout_file_problems).on_conflict_do_nothing(), rows)
