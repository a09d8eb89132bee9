"""What the API of payouts is fuzzed against."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import ABuyer, AStore, a_person
from tests.settlement.payout_world import a_currency, an_account, at_the_bank, owe, some_terms

from dougong.base.ids import PLATFORM_BOOK, OrgId, StoreId
from dougong.flows import pay_out as flow
from dougong.flows.payout_runs import make_run
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.ledger.rules import Purpose
from dougong.reads.payouts import PayoutFilter, payout_rows
from dougong.settlement.payout_rules import BankAnswer, PayoutState, Terms
from dougong.settlement.payout_run_commands import begin_run

DAY = timedelta(days=1)
Examples = dict[str, dict[str, Any]]
ACCOUNT = {"body": {"holder": "王小明", "bank": "招商银行", "number": "6222021001116245701"}}
DAYS = {"since": "2020-01-01", "until": "2030-01-01"}
WHY = {"body": {"why": "核对户名"}}
# Operation to how far its payout has come, and what more is an example.
WANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "payout_desk_hold": ("", WHY),
    "payout_desk_release": ("held", {}),
    "payout_desk_give_up": ("held", WHY),
    "payout_desk_retry": ("returned", {}),
    "payout_desk_ask": ("sent", {}),
    "payout_desk_confirmed": ("sent", {"body": {"bank_ref": "ZH-FUZZ-1"}}),
    "payout_desk_returned": ("sent", {"body": {"reason": "销户", "bank_ref": "ZH-FUZZ-2"}}),
}


async def of_payouts(store: AStore, buyer: ABuyer, creator_id: OrgId) -> Examples:
    """Committed: a payout to the store's merchant, to the creator and to the buyer; one in the
    right state for each thing that can be done to it; and a run that nobody has checked."""
    payees = {operation: uuid4() for operation in WANTED}
    currency, at = a_currency(), wall_now()
    async with transaction() as conn:
        await some_terms(conn, at=at - DAY, currency=currency, terms=Terms(
            weekday=None, minimum_minor=1, hold_days=0, change_wait_days=3, approve_above_minor=0,
        ))  # fmt: skip
        for payee in (*payees.values(), creator_id):
            await _owed(conn, payee, currency, PLATFORM_BOOK, Purpose.CREATOR_PAYABLE)
        await _owed(conn, store.org_id, currency, store.store_id, Purpose.MERCHANT_PAYABLE)
        await _owed(conn, buyer.person_id, currency, PLATFORM_BOOK, Purpose.BUYER_PAYABLE)
    runs = {purpose: await _run(currency, purpose) for purpose in (
        Purpose.CREATOR_PAYABLE, Purpose.MERCHANT_PAYABLE, Purpose.BUYER_PAYABLE,
    )}  # fmt: skip
    made: Examples = {}
    async with transaction() as conn:
        rows = [row for run in runs.values()
                for row in await payout_rows(conn, PayoutFilter(run_id=run), most=50)]  # fmt: skip
        by_payee = {row.payee_id: row.id for row in rows}
        for operation, (name, more) in WANTED.items():
            payout_id = by_payee[payees[operation]]
            await _on(conn, name, payout_id)
            made[operation] = {"payout_id": payout_id, **more}
    return made | {
        "*": {"payout_id": by_payee[creator_id], "run_id": runs[Purpose.BUYER_PAYABLE]},
        "payouts_store_payout": {"payout_id": by_payee[store.org_id]},
        "payouts_my_payout": {"payout_id": by_payee[buyer.person_id]},
        **dict.fromkeys(("payouts_store_account", "payouts_creator_account",
                         "payouts_my_account"), ACCOUNT),
        **dict.fromkeys(("payouts_store_payouts", "payouts_creator_payouts", "payouts_my_payouts",
                         "payout_desk_list_payouts"), DAYS),
        "payout_desk_start_runs": {"body": {"day": "2026-11-01"}},
    }  # fmt: skip


async def _owed(
    conn: AsyncConnection, payee: UUID, currency: str, book: StoreId, purpose: Purpose
) -> None:
    at = wall_now() - DAY
    await owe(conn, payee, 900, currency=currency, store_id=book, purpose=purpose, at=at)
    await an_account(conn, payee, at=at, currency=currency)


async def _run(currency: str, purpose: Purpose) -> UUID:
    at = wall_now()
    async with transaction() as conn:
        terms_id = await some_terms(conn, at=at, currency=currency)
        run_id = await begin_run(
            conn, day=at.date(), currency=currency, purpose=purpose, terms_id=terms_id,
            started_by=None, at=at,
        )  # fmt: skip
    await make_run(run_id)
    return run_id


async def _on(conn: AsyncConnection, name: str, payout_id: UUID) -> None:
    by, at = await a_person(conn), wall_now()
    if name == "held":
        await flow.hold(conn, store_id=PLATFORM_BOOK, payout_id=payout_id, why="?", by=by, at=at)
    if name in ("sent", "returned"):
        await at_the_bank(conn, payout_id, at=at)
    if name == "returned":
        answer = BankAnswer(payout_id, PayoutState.RETURNED, "", "销户")
        await flow.bank_says(conn, store_id=PLATFORM_BOOK, answer=answer, at=at)
