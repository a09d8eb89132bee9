"""Writes the runs of payouts: begun, made in steps, let go by two people above the limit."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_id
from dougong.settlement.payout_rules import PayoutNotFound, RunState, RunWrongState, SecondPerson


async def begin_run(
    conn: AsyncConnection,
    *,
    day: date,
    currency: str,
    purpose: str,
    terms_id: UUID,
    started_by: PersonId | None,
    at: datetime,
) -> UUID:
    """The run of that day, made now or before; whoever starts it has also checked it."""
    key = {"day": day, "currency": currency, "purpose": purpose}
    made = await conn.scalar(
        text("""
            INSERT INTO payout_runs (id, day, currency, purpose, terms_id, started_by, started_at,
              checked_by, checked_at)
            VALUES (:id, :day, :currency, :purpose, :terms_id, CAST(:by AS uuid), :at,
              CAST(:by AS uuid), CASE WHEN CAST(:by AS uuid) IS NULL THEN NULL
                ELSE CAST(:at AS timestamptz) END)
            ON CONFLICT (day, currency, purpose) DO NOTHING RETURNING id
        """),
        key | {"id": new_id(), "terms_id": terms_id, "by": started_by, "at": at},
    )
    if made is None:
        made = await conn.scalar(
            text("""
                SELECT id FROM payout_runs
                WHERE day = :day AND currency = :currency AND purpose = :purpose
            """),
            key,
        )
    return UUID(str(made))


async def lock_run(conn: AsyncConnection, *, run_id: UUID) -> Any:
    """Its row, locked. Raises PayoutNotFound."""
    found = await conn.execute(
        text("SELECT * FROM payout_runs WHERE id = :id FOR UPDATE"), {"id": run_id}
    )
    row = found.one_or_none()
    if row is None:
        raise PayoutNotFound(field="run_id")
    return row


async def advance_run(
    conn: AsyncConnection,
    *,
    run: Any,
    to: tuple[UUID, UUID],
    unpaid: int,
    unpaid_minor: int,
) -> None:
    """The run has come to this account; nothing happens where another has been faster."""
    await conn.execute(
        text("""
            UPDATE payout_runs SET after_store = :to_store, after_account = :to_account,
              unpaid = unpaid + :unpaid, unpaid_minor = unpaid_minor + :unpaid_minor
            WHERE id = :id AND state = 'making'
              AND (after_store, after_account) = (:after_store, :after_account)
        """),
        {"id": run.id, "to_store": to[0], "to_account": to[1], "unpaid": unpaid,
         "unpaid_minor": unpaid_minor, "after_store": run.after_store,
         "after_account": run.after_account},
    )  # fmt: skip


async def finish_run(
    conn: AsyncConnection, *, run_id: UUID, limit_minor: int, at: datetime
) -> RunState:
    """Every account was looked at: up to the limit the run goes on, above it waits. Answers where
    it stands, also when it was finished before."""
    run = await lock_run(conn, run_id=run_id)
    if run.state != RunState.MAKING:
        return RunState(run.state)
    sums = (
        await conn.execute(
            text("""
                SELECT count(*) AS payouts, coalesce(sum(amount_minor), 0)::bigint AS minor
                FROM payouts WHERE run_id = :id AND retry_of IS NULL
            """),
            {"id": run_id},
        )
    ).one()
    state = RunState.WAITING if sums.minor > limit_minor else RunState.APPROVED
    await conn.execute(
        text("""
            UPDATE payout_runs SET state = :state, payouts = :payouts, total_minor = :minor,
              made_at = :at, approved_at = CASE WHEN :state = 'approved'
                THEN CAST(:at AS timestamptz) END
            WHERE id = :id
        """),
        {"id": run_id, "state": str(state), "payouts": sums.payouts, "minor": sums.minor, "at": at},
    )
    return state


async def approve_run(
    conn: AsyncConnection, *, run_id: UUID, person_id: PersonId, at: datetime
) -> RunState:
    """The first person checks, the second lets it go; answers where it stands. Raises
    PayoutNotFound, RunWrongState, SecondPerson."""
    run = await lock_run(conn, run_id=run_id)
    if run.state != RunState.WAITING:
        raise RunWrongState(state=run.state)
    if run.checked_by == person_id:
        raise SecondPerson
    if run.checked_by is None:
        await conn.execute(
            text("UPDATE payout_runs SET checked_by = :by, checked_at = :at WHERE id = :id"),
            {"id": run_id, "by": person_id, "at": at},
        )
        return RunState.WAITING
    await conn.execute(
        text("""
            UPDATE payout_runs SET state = 'approved', approved_by = :by, approved_at = :at
            WHERE id = :id
        """),
        {"id": run_id, "by": person_id, "at": at},
    )
    return RunState.APPROVED
