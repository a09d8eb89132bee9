"""Payouts by files: a list for the bank, and the answers that the bank gives as a file."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import audit
from dougong.base.errors import Conflict, NotFound, Refusal
from dougong.base.ids import PersonId, StoreId
from dougong.flows.pay_out import BankRefTaken, bank_confirms, bank_says, note_payouts
from dougong.flows.tell_bank import ACCOUNT_CHANGED, payment_text
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import defer, task
from dougong.infra.settings import settings
from dougong.reads.payouts import file_rows, store_of_payout
from dougong.settlement.adapters.file import answer_lines, payment_list
from dougong.settlement.payout_commands import note_moves
from dougong.settlement.payout_file_commands import (
    begin_file,
    end_file,
    hold_changed,
    keep_problems,
    listed,
    put_on_list,
)
from dougong.settlement.payout_rules import (
    AnswerProblem,
    BadAnswerFile,
    BankAnswer,
    PayoutNotFound,
    PayoutState,
    PayoutWrongState,
    Side,
    read_answers,
)

ANSWERS_AT_ONCE = 500


class NothingToSend(Conflict):
    """No payout waits for the bank: none is booked in a run that was let go."""

    code = "payout_nothing_to_send"


class BankIsCalled(Conflict):
    """This bank is called by the platform itself and takes no lists."""

    code = "payout_bank_is_called"


async def make_list(conn: AsyncConnection, *, by: PersonId, at: datetime) -> UUID:
    """Put everything that may go to the bank on one list; what goes to an account that its payee
    has replaced is held. Raises NothingToSend, BankIsCalled."""
    if settings().payout_bank != "file":
        raise BankIsCalled
    held = await hold_changed(conn, why=ACCOUNT_CHANGED)
    await _note(conn, held, PayoutState.HELD, ACCOUNT_CHANGED, at)
    name = f"payouts-{at:%Y%m%d-%H%M%S}.csv"
    file_id = await begin_file(conn, kind="list", file_name=name, made_by=by, at=at)
    sent = await put_on_list(conn, file_id=file_id, at=at)
    if not sent:
        raise NothingToSend
    await _note(conn, sent, PayoutState.SENT, "", at)
    await end_file(
        conn, file_id=file_id, state="done", at=at,
        values={"rows_total": len(sent), "rows_taken": len(sent)},
    )  # fmt: skip
    await audit(
        conn, at=at, person_id=by, action="settlement.payout_list_made", subject=str(file_id),
        facts={"file": name, "payouts": len(sent)},
    )  # fmt: skip
    return file_id


async def _note(
    conn: AsyncConnection, rows: Sequence[Any], to: PayoutState, why: str, at: datetime
) -> None:
    payouts = [(StoreId(row.store_id), row.id) for row in rows]
    await note_moves(conn, payouts=payouts, to=to, side=Side.PLATFORM, why=why, at=at)
    await note_payouts(conn, rows, at=at)


async def list_file(
    conn: AsyncConnection, *, file_id: UUID, by: PersonId, at: datetime
) -> tuple[str, bytes]:
    """The list's name and its bytes, with account numbers in clear; who takes it is noted.

    Raises NotFound.
    """
    found = await file_rows(conn, file_id=file_id, most=1)
    if not found or found[0].kind != "list":
        raise NotFound
    rows = [
        (one.id, one.holder, one.bank, one.number, one.amount_minor, one.currency,
         payment_text(one.day))
        for one in await listed(conn, file_id=file_id)
    ]  # fmt: skip
    await audit(
        conn, at=at, person_id=by, action="settlement.payout_list_taken", subject=str(file_id),
        facts={"file": found[0].file_name, "payouts": len(rows)},
    )  # fmt: skip
    return found[0].file_name, payment_list(rows)


# The bank's answers --------------------------------------------------------------------------


async def note_answer(
    conn: AsyncConnection, *, answer: BankAnswer, by: PersonId, at: datetime
) -> bool:
    """One payout's answer, as somebody has it from the bank; False when it is no news. Raises
    BankIsCalled where the bank is asked by the platform itself, PayoutNotFound, PayoutWrongState,
    BankRefTaken."""
    if settings().payout_bank != "file":
        raise BankIsCalled
    store_id = await store_of_payout(conn, payout_id=answer.payout_id)
    is_news = await bank_says(conn, store_id=store_id, answer=answer, at=at)
    if is_news:
        await audit(
            conn, at=at, person_id=by, action="settlement.payout_answer_noted",
            subject=str(answer.payout_id),
            facts={"state": answer.state, "bank_ref": answer.ref, "reason": answer.why},
        )  # fmt: skip
    return is_news


def _upload(file_id: UUID) -> Path:
    return settings().data_dir / "payout_answers" / str(file_id)


async def start_answers(
    conn: AsyncConnection, *, file_name: str, data: bytes, by: PersonId, at: datetime
) -> UUID:
    """Keep the bank's file and queue its reading. Raises BadAnswerFile for an empty one."""
    if not data.strip():
        raise BadAnswerFile(field="file", why="empty")
    file_id = await begin_file(conn, kind="answers", file_name=file_name, made_by=by, at=at)
    target = _upload(file_id)

    def keep() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    await asyncio.to_thread(keep)
    await defer(conn, "settlement.read_answers", lock=f"answers:{file_id}", file_id=str(file_id))
    await audit(
        conn, at=at, person_id=by, action="settlement.payout_answers_taken",
        subject=str(file_id), facts={"file": file_name[-200:]},
    )  # fmt: skip
    return file_id


@task("settlement.read_answers", retries=3)
async def run_answers(file_id: str) -> None:
    await take_answers(UUID(file_id))


async def take_answers(file_id: UUID) -> None:
    """Take every line that can be taken, the plain ones many at once; the others are kept as
    problems. Run again after a stop, what was taken is repeated and changes nothing."""
    async with transaction() as conn:
        found = await file_rows(conn, file_id=file_id, most=1)
        if not found or found[0].state != "waiting":
            return
    kept = _upload(file_id)
    values: dict[str, Any] = {}
    try:
        data = await asyncio.to_thread(kept.read_bytes)
        good, bad, count = await asyncio.to_thread(lambda: read_answers(answer_lines(data)))
        state = "done"
        values = {"rows_total": count} | await _take_all(file_id, good, bad)
    except Refusal as refusal:
        state, values["failure"] = "failed", str(refusal.facts.get("why", refusal.code))
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await end_file(conn, file_id=file_id, state=state, at=at, values=values)
    await asyncio.to_thread(kept.unlink)


async def _take_all(
    file_id: UUID, good: Sequence[tuple[int, BankAnswer]], bad: Sequence[AnswerProblem]
) -> dict[str, int]:
    taken, rest = await _take_plain(good)
    repeated, problems = 0, list(bad)
    for line, answer in rest:
        try:
            if await _take(answer):
                taken += 1
            else:
                repeated += 1
        except PayoutNotFound:
            value = str(answer.payout_id)
            problems.append(AnswerProblem(line, "payout_id", "unknown_payout", value))
        except PayoutWrongState:
            problems.append(AnswerProblem(line, "state", "not_sent", answer.state))
        except BankRefTaken:
            problems.append(AnswerProblem(line, "bank_ref", "ref_taken", answer.ref))
    async with transaction() as conn:
        await keep_problems(conn, file_id=file_id, problems=problems)
    return {"rows_taken": taken, "rows_repeated": repeated, "rows_refused": len(problems)}


async def _take_plain(
    lines: Sequence[tuple[int, BankAnswer]],
) -> tuple[int, list[tuple[int, BankAnswer]]]:
    """Take payments whose payout and whose name by the bank come once in the file; answers how
    many, and the lines that are to be looked at one by one."""
    payouts = Counter(answer.payout_id for _, answer in lines)
    refs = Counter(answer.ref for _, answer in lines)
    plain = [
        answer
        for _, answer in lines
        if answer.state == PayoutState.CONFIRMED
        and payouts[answer.payout_id] == refs[answer.ref] == 1
    ]
    taken: set[UUID] = set()
    for start in range(0, len(plain), ANSWERS_AT_ONCE):
        async with transaction() as conn:
            at = await clock.refresh(conn)
            some = plain[start : start + ANSWERS_AT_ONCE]
            taken |= await bank_confirms(conn, answers=some, at=at)
    return len(taken), [line for line in lines if line[1].payout_id not in taken]


async def _take(answer: BankAnswer) -> bool:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        store_id = await store_of_payout(conn, payout_id=answer.payout_id)
        return await bank_says(conn, store_id=store_id, answer=answer, at=at)
