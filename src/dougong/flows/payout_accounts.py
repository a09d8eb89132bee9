"""Where a payee is paid: entered by the payee, verified by an operator, changed with notice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import BadInput
from dougong.base.ids import PersonId
from dougong.infra.events import record
from dougong.settlement.payout_account_commands import judge_account, put_account
from dougong.settlement.payout_rules import bank_account


async def enter_account(
    conn: AsyncConnection,
    *,
    payee_id: UUID,
    currency: str,
    holder: str,
    bank: str,
    number: str,
    by: PersonId,
    at: datetime,
    request_id: str = "",
) -> UUID:
    """Payouts go there once it is verified; to a changed account after a wait too. The same one
    again changes nothing. Raises BadInput."""
    account = bank_account(holder=holder, bank=bank, number=number)
    made = await put_account(
        conn, payee_id=payee_id, currency=currency, account=account, made_by=by, at=at
    )
    if made is None:
        raise BadInput(field="number", reason="same_account")
    account_id, is_change = made
    facts = {"bank": account.bank, "ends": account.number[-4:], "currency": currency}
    action = "settlement.payout_account_changed" if is_change else "settlement.payout_account_set"
    await record(
        conn, "payout_account.changed" if is_change else "payout_account.entered",
        subject_id=account_id, at=at, facts=facts | {"payee_id": str(payee_id)},
    )  # fmt: skip
    await audit(
        conn, at=at, person_id=by, action=action, owner_id=payee_id, subject=str(account_id),
        facts=facts, request_id=request_id,
    )  # fmt: skip
    return account_id


async def judge(
    conn: AsyncConnection, *, account_id: UUID, by: PersonId, refused: str, at: datetime
) -> None:
    """Verify an account, or refuse it with a reason. Raises PayoutNotFound, OwnAccount,
    AccountClosed."""
    row = await judge_account(
        conn, account_id=account_id, person_id=by, refused=refused.strip(), at=at
    )
    kind = "payout_account.refused" if refused.strip() else "payout_account.verified"
    facts = {"payee_id": str(row.payee_id), "why": refused.strip()}
    await record(conn, kind, subject_id=account_id, at=at, facts=facts)
    action = f"settlement.{kind.replace('.', '_')}"
    await audit(
        conn, at=at, person_id=by, action=action, owner_id=row.payee_id, subject=str(account_id),
        facts={"reason": refused.strip(), "ends": row.number_tail},
    )  # fmt: skip
