"""Payouts as operators, payees and the jobs look at them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.infra.db import like_literal
from dougong.settlement.payout_rules import PayoutNotFound


class RunRow(msgspec.Struct, frozen=True):
    """`confirmed_minor` and so on: of its payouts by where they stand now."""

    id: UUID
    day: date
    currency: str
    purpose: str
    terms_id: UUID
    state: str
    payouts: int
    total_minor: int
    unpaid: int
    unpaid_minor: int
    started_by: UUID | None
    started_at: datetime
    made_at: datetime | None
    checked_by: UUID | None
    checked_at: datetime | None
    approved_by: UUID | None
    approved_at: datetime | None
    starter: str | None
    checker: str | None
    approver: str | None
    limit_minor: int
    after_store: UUID
    after_account: UUID


RUNS = text("""
    SELECT r.*, r.currency::text AS currency, s.name AS starter, c.name AS checker,
      a.name AS approver, t.approve_above_minor AS limit_minor
    FROM payout_runs r JOIN payout_terms t ON t.id = r.terms_id
    LEFT JOIN people s ON s.id = r.started_by
    LEFT JOIN people c ON c.id = r.checked_by
    LEFT JOIN people a ON a.id = r.approved_by
    WHERE (CAST(:run_id AS uuid) IS NULL OR r.id = :run_id)
      AND (CAST(:day AS date) IS NULL OR r.day = :day)
      AND (:currency = '' OR r.currency = :currency)
      AND (:purpose = '' OR r.purpose = :purpose)
      AND (:state = '' OR r.state = :state)
      AND (CAST(:before_day AS date) IS NULL OR (r.day, r.id) < (:before_day,
        CAST(:before_id AS uuid)))
    ORDER BY r.day DESC, r.id DESC LIMIT :most
""")


async def run_rows(
    conn: AsyncConnection,
    *,
    run_id: UUID | None = None,
    day: date | None = None,
    currency: str = "",
    purpose: str = "",
    state: str = "",
    before: tuple[date, UUID] | None = None,
    most: int,
) -> list[RunRow]:
    """Runs, the newest first."""
    before_day, before_id = before or (None, None)
    asked = {"run_id": run_id, "day": day, "currency": currency, "purpose": purpose,
             "state": state, "before_day": before_day, "before_id": before_id,
             "most": most}  # fmt: skip
    return [RunRow(**_of(RunRow, row)) for row in (await conn.execute(RUNS, asked)).mappings()]


def _of(kind: type[msgspec.Struct], row: Any) -> dict[str, Any]:
    return {name: row[name] for name in kind.__struct_fields__}


async def run_of(conn: AsyncConnection, *, run_id: UUID) -> RunRow:
    """Raises PayoutNotFound."""
    found = await run_rows(conn, run_id=run_id, most=1)
    if not found:
        raise PayoutNotFound(field="run_id")
    return found[0]


async def runs_of_day(
    conn: AsyncConnection, *, day: date, currency: str, purpose: str
) -> list[RunRow]:
    return await run_rows(conn, day=day, currency=currency, purpose=purpose, most=1)


class PayoutRow(msgspec.Struct, frozen=True):
    """A payout with its payee's name, its book (no store: the platform's), and where it goes."""

    store_id: StoreId
    id: UUID
    run_id: UUID
    account_id: UUID
    retry_of: UUID | None
    retried_by: UUID | None
    payee_id: UUID
    payee: str | None
    store_zh: str | None
    store_en: str | None
    purpose: str
    currency: str
    day: date
    amount_minor: int
    state: str
    run_state: str
    bank_ref: str | None
    why: str
    bank: str
    holder: str
    number_tail: str
    booked_at: datetime
    sent_at: datetime | None
    done_at: datetime | None


PAYOUTS = text("""
    SELECT p.*, p.currency::text AS currency, coalesce(o.name, x.name) AS payee,
      s.name_zh AS store_zh, s.name_en AS store_en, r.state AS run_state, a.bank, a.holder,
      a.number_tail, again.id AS retried_by
    FROM payouts p
    JOIN payout_runs r ON r.id = p.run_id
    JOIN payout_accounts a ON a.id = p.account_id
    LEFT JOIN organisations o ON o.id = p.payee_id
    LEFT JOIN people x ON x.id = p.payee_id
    LEFT JOIN stores s ON s.id = p.store_id
    LEFT JOIN payouts again ON again.store_id = p.store_id AND again.retry_of = p.id
    WHERE (CAST(:payout_id AS uuid) IS NULL OR p.id = :payout_id)
      AND (CAST(:payee_id AS uuid) IS NULL OR p.payee_id = :payee_id)
      AND (CAST(:store_id AS uuid) IS NULL OR p.store_id = :store_id)
      AND (CAST(:run_id AS uuid) IS NULL OR p.run_id = :run_id)
      AND (:purpose = '' OR p.purpose = :purpose)
      AND (:state = '' OR p.state = :state)
      AND (CAST(:since AS date) IS NULL OR p.day >= :since)
      AND (CAST(:until AS date) IS NULL OR p.day <= :until)
      AND (:words = '' OR coalesce(o.name, x.name) ILIKE :like OR a.holder ILIKE :like
        OR p.bank_ref = :words OR p.id::text = :words)
      AND (CAST(:before_day AS date) IS NULL OR (p.day, p.id) < (:before_day,
        CAST(:before_id AS uuid)))
    ORDER BY p.day DESC, p.id DESC LIMIT :most
""")


class PayoutFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`words`: a part of a payee's or holder's name, the bank's name of it, or its id."""

    words: str = ""
    state: str = ""
    purpose: str = ""
    since: date | None = None
    until: date | None = None
    payout_id: UUID | None = None
    payee_id: UUID | None = None
    store_id: UUID | None = None
    run_id: UUID | None = None


async def payout_rows(
    conn: AsyncConnection,
    chosen: PayoutFilter,
    *,
    before: tuple[date, UUID] | None = None,
    most: int,
) -> list[PayoutRow]:
    """Payouts, the newest day first."""
    before_day, before_id = before or (None, None)
    asked = msgspec.structs.asdict(chosen) | {
        "like": f"%{like_literal(chosen.words)}%", "before_day": before_day,
        "before_id": before_id, "most": most,
    }  # fmt: skip
    found = (await conn.execute(PAYOUTS, asked)).mappings()
    return [PayoutRow(**_of(PayoutRow, row)) for row in found]


async def payout_of(conn: AsyncConnection, *, payout_id: UUID) -> PayoutRow:
    """Raises PayoutNotFound."""
    found = await payout_rows(conn, PayoutFilter(payout_id=payout_id), most=1)
    if not found:
        raise PayoutNotFound(field="payout_id")
    return found[0]


class Move(msgspec.Struct, frozen=True):
    n: int
    to_state: str
    side: str
    person: str | None
    why: str
    at: datetime


async def moves_of(conn: AsyncConnection, *, store_id: StoreId, payout_id: UUID) -> list[Move]:
    """A payout's history, from its beginning."""
    found = await conn.execute(
        text("""
            SELECT m.n, m.to_state, m.side, p.name AS person, m.why, m.at
            FROM payout_moves m LEFT JOIN people p ON p.id = m.person_id
            WHERE m.store_id = :store_id AND m.payout_id = :id ORDER BY m.n
        """),
        {"store_id": store_id, "id": payout_id},
    )
    return [Move(**row) for row in found.mappings()]


class StateSum(msgspec.Struct, frozen=True):
    state: str
    currency: str
    payouts: int
    minor: int


async def state_sums(
    conn: AsyncConnection,
    *,
    run_id: UUID | None = None,
    payee_id: UUID | None = None,
    store_id: UUID | None = None,
) -> list[StateSum]:
    """How many payouts stand where, of a run, of a payee, or of all."""
    found = await conn.execute(
        text("""
            SELECT state, currency::text, count(*) AS payouts, sum(amount_minor)::bigint AS minor
            FROM payouts
            WHERE (CAST(:run_id AS uuid) IS NULL OR run_id = :run_id)
              AND (CAST(:payee_id AS uuid) IS NULL OR payee_id = :payee_id)
              AND (CAST(:store_id AS uuid) IS NULL OR store_id = :store_id)
            GROUP BY 1, 2 ORDER BY 2, 1
        """),
        {"run_id": run_id, "payee_id": payee_id, "store_id": store_id},
    )
    return [StateSum(**row) for row in found.mappings()]


class AccountRow(msgspec.Struct, frozen=True):
    """Where a payee is paid; `is_change`: it replaced one that was verified before."""

    id: UUID
    payee_id: UUID
    payee: str | None
    currency: str
    holder: str
    bank: str
    number_tail: str
    is_change: bool
    maker: str
    made_at: datetime
    verifier: str | None
    verified_at: datetime | None
    closed_at: datetime | None
    why: str


ACCOUNTS = text("""
    SELECT a.*, a.currency::text AS currency, a.replaces IS NOT NULL AS is_change,
      coalesce(o.name, x.name) AS payee, m.name AS maker, v.name AS verifier
    FROM payout_accounts a
    JOIN people m ON m.id = a.made_by
    LEFT JOIN people v ON v.id = a.verified_by
    LEFT JOIN organisations o ON o.id = a.payee_id
    LEFT JOIN people x ON x.id = a.payee_id
    WHERE (CAST(:payee_id AS uuid) IS NULL OR a.payee_id = :payee_id)
      AND (NOT :only_waiting OR a.verified_at IS NULL AND a.closed_at IS NULL)
      AND (:words = '' OR coalesce(o.name, x.name) ILIKE :like OR a.holder ILIKE :like)
      AND (CAST(:before_at AS timestamptz) IS NULL OR (a.made_at, a.id) < (:before_at,
        CAST(:before_id AS uuid)))
    ORDER BY a.made_at DESC, a.id DESC LIMIT :most
""")


async def account_rows(
    conn: AsyncConnection,
    *,
    payee_id: UUID | None = None,
    only_waiting: bool = False,
    words: str = "",
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> list[AccountRow]:
    """Accounts, also those that were replaced or refused; the newest first."""
    before_at, before_id = before or (None, None)
    asked = {"payee_id": payee_id, "only_waiting": only_waiting, "words": words,
             "like": f"%{like_literal(words)}%", "before_at": before_at, "before_id": before_id,
             "most": most}  # fmt: skip
    found = (await conn.execute(ACCOUNTS, asked)).mappings()
    return [AccountRow(**_of(AccountRow, row)) for row in found]


# For the jobs --------------------------------------------------------------------------------


async def payouts_to_send(conn: AsyncConnection, *, most: int) -> list[tuple[StoreId, UUID]]:
    """Payouts of approved runs that the bank was not told of, the oldest first."""
    found = await conn.execute(
        text("""
            SELECT p.store_id, p.id FROM payouts p JOIN payout_runs r ON r.id = p.run_id
            WHERE p.state = 'booked' AND r.state = 'approved'
            ORDER BY p.booked_at, p.id LIMIT :most
        """),
        {"most": most},
    )
    return [(StoreId(row.store_id), row.id) for row in found]


async def silent_payouts(
    conn: AsyncConnection, *, before: datetime, most: int
) -> list[tuple[StoreId, UUID]]:
    """Payouts that a bank was told of by a call, last before an instant, and has not answered."""
    found = await conn.execute(
        text("""
            SELECT store_id, id FROM payouts
            WHERE state = 'sent' AND file_id IS NULL AND asked_at <= :before
            ORDER BY asked_at, id LIMIT :most
        """),
        {"before": before, "most": most},
    )
    return [(StoreId(row.store_id), row.id) for row in found]


async def store_of_payout(conn: AsyncConnection, *, payout_id: UUID) -> StoreId:
    """The book of a payout known by its id alone. Raises PayoutNotFound."""
    found = await conn.scalar(
        text("SELECT store_id FROM payouts WHERE id = :id"), {"id": payout_id}
    )
    if found is None:
        raise PayoutNotFound(field="payout_id")
    return StoreId(found)


# Files ---------------------------------------------------------------------------------------


class FileRow(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    file_name: str
    state: str
    rows_total: int
    rows_taken: int
    rows_repeated: int
    rows_refused: int
    failure: str
    maker: str
    made_at: datetime
    ended_at: datetime | None


async def file_rows(
    conn: AsyncConnection, *, file_id: UUID | None = None, most: int
) -> list[FileRow]:
    """Lists for the bank and its answers, the newest first."""
    found = await conn.execute(
        text("""
            SELECT f.*, m.name AS maker FROM payout_files f JOIN people m ON m.id = f.made_by
            WHERE (CAST(:id AS uuid) IS NULL OR f.id = :id)
            ORDER BY f.made_at DESC, f.id DESC LIMIT :most
        """),
        {"id": file_id, "most": most},
    )
    return [FileRow(**_of(FileRow, row)) for row in found.mappings()]


async def file_problems(conn: AsyncConnection, *, file_id: UUID, most: int) -> Sequence[Any]:
    found = await conn.execute(
        text("""
            SELECT line, field, reason, value FROM payout_file_problems WHERE file_id = :id
            ORDER BY line LIMIT :most
        """),
        {"id": file_id, "most": most},
    )
    return found.all()
