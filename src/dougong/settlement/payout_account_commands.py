"""Writes where payees are paid. An account never changes: another one takes its place."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PersonId, new_id
from dougong.infra.sealed import NotSealedHere, open_text, seal_text
from dougong.settlement.payout_rules import (
    AccountClosed,
    BankAccount,
    OwnAccount,
    PayoutNotFound,
)


async def put_account(
    conn: AsyncConnection,
    *,
    payee_id: UUID,
    currency: str,
    account: BankAccount,
    made_by: PersonId,
    at: datetime,
) -> tuple[UUID, bool] | None:
    """The payee's account from now on, to be verified; answers also whether it replaces another
    that was ever verified. None: it is the payee's account already."""
    key: dict[str, Any] = {"payee_id": payee_id, "currency": currency}
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(7300013, hashtext(CAST(:name AS text)))"),
        {"name": f"{payee_id}:{currency}"},
    )
    known = (
        await conn.execute(
            text("""
                SELECT * FROM payout_accounts WHERE payee_id = :payee_id AND currency = :currency
                  AND closed_at IS NULL
            """),
            key,
        )
    ).one_or_none()
    if known is not None and _is_same(known, account):
        return None
    await conn.execute(
        text("""
            UPDATE payout_accounts SET closed_at = :at
            WHERE payee_id = :payee_id AND currency = :currency AND closed_at IS NULL
        """),
        key | {"at": at},
    )
    last = await conn.scalar(
        text("""
            SELECT id FROM payout_accounts
            WHERE payee_id = :payee_id AND currency = :currency AND verified_at IS NOT NULL
            ORDER BY made_at DESC, id DESC LIMIT 1
        """),
        key,
    )
    account_id = await _insert(conn, key, account, replaces=last, made_by=made_by, at=at)
    return account_id, last is not None


async def _insert(
    conn: AsyncConnection,
    key: dict[str, Any],
    account: BankAccount,
    *,
    replaces: UUID | None,
    made_by: PersonId,
    at: datetime,
) -> UUID:
    account_id = new_id()
    await conn.execute(
        text("""
            INSERT INTO payout_accounts (id, payee_id, currency, holder, bank, number_sealed,
              number_tail, replaces, made_by, made_at)
            VALUES (:id, :payee_id, :currency, :holder, :bank, :sealed, :tail, :replaces, :by, :at)
        """),
        key | {"id": account_id, "holder": account.holder, "bank": account.bank,
               "sealed": seal_text(account.number, about=account_id.bytes),
               "tail": account.number[-4:], "replaces": replaces, "by": made_by, "at": at},
    )  # fmt: skip
    return account_id


def _is_same(row: Any, account: BankAccount) -> bool:
    try:
        return _in_clear(row) == account
    except NotSealedHere:
        return False


def _in_clear(row: Any) -> BankAccount:
    return BankAccount(row.holder, row.bank, open_text(row.number_sealed, about=row.id.bytes))


async def account_for_bank(conn: AsyncConnection, *, account_id: UUID) -> tuple[BankAccount, bool]:
    """In clear, for the bank only, and whether it is still its payee's account. Raises
    NotSealedHere."""
    found = await conn.execute(
        text("SELECT * FROM payout_accounts WHERE id = :id"), {"id": account_id}
    )
    row = found.one()
    return _in_clear(row), row.closed_at is None


async def judge_account(
    conn: AsyncConnection, *, account_id: UUID, person_id: PersonId, refused: str, at: datetime
) -> Any:
    """Verify an account, or refuse it with a reason: once, and never one's own. Answers its row.

    Raises PayoutNotFound, OwnAccount, AccountClosed.
    """
    found = await conn.execute(
        text("SELECT * FROM payout_accounts WHERE id = :id FOR UPDATE"), {"id": account_id}
    )
    row = found.one_or_none()
    if row is None:
        raise PayoutNotFound(field="account_id")
    if row.made_by == person_id:
        raise OwnAccount
    if row.closed_at is not None or row.verified_at is not None:
        raise AccountClosed
    if refused:
        await conn.execute(
            text("UPDATE payout_accounts SET closed_at = :at, why = :why WHERE id = :id"),
            {"id": account_id, "at": at, "why": refused[:200]},
        )
    else:
        await conn.execute(
            text("""
                UPDATE payout_accounts SET verified_by = :by, verified_at = :at WHERE id = :id
            """),
            {"id": account_id, "by": person_id, "at": at},
        )
    return row
