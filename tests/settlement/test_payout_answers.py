"""A bank's file of answers: the plain ones many at once, all others one by one, with one result."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from tests.factories import a_person
from tests.settlement.payout_world import at_the_bank, payable_of
from tests.settlement.test_payouts import a_run, whole

from dougong.flows.payout_files import start_answers, take_answers
from dougong.infra import db
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.reads.payouts import PayoutFilter, file_problems, file_rows, moves_of, payout_rows

pytestmark = pytest.mark.money


async def at_a_bank(*owed: int) -> tuple[UUID, list[Any]]:
    """A run whose payouts the bank was told of, by amount; answers the run and them."""
    run_id, _ = await a_run(*owed)
    chosen = PayoutFilter(run_id=run_id)
    async with transaction() as conn:
        for row in await payout_rows(conn, chosen, most=len(owed)):
            await at_the_bank(conn, row.id, at=wall_now())
        rows = await payout_rows(conn, chosen, most=len(owed))
    return run_id, sorted(rows, key=lambda row: row.amount_minor)


async def answered(*lines: str) -> Any:
    """The bank's file, taken."""
    data = "payout_id,state,bank_ref,reason\n" + "".join(f"{line}\n" for line in lines)
    async with transaction() as conn:
        file_id = await start_answers(
            conn, file_name="a.csv", data=data.encode(), by=await a_person(conn), at=wall_now()
        )
    await take_answers(file_id)
    async with transaction() as conn:
        (file,) = await file_rows(conn, file_id=file_id, most=1)
        problems = [(one.line, one.reason) for one in await file_problems(
            conn, file_id=file_id, most=10)]  # fmt: skip
    return (file.rows_taken, file.rows_repeated, file.rows_refused), problems


@contextmanager
def counted() -> Iterator[list[int]]:
    """How many statements are sent to the database meanwhile."""
    seen = [0]

    def one(*_: Any) -> None:
        seen[0] += 1

    event.listen(db.engine().sync_engine, "before_cursor_execute", one)
    yield seen
    event.remove(db.engine().sync_engine, "before_cursor_execute", one)


async def test_plain_answers_are_taken_once_and_their_money_has_left() -> None:
    run_id, rows = await at_a_bank(100, 200)
    lines = [f"{row.id},confirmed,{row.id.hex},paid" for row in rows]
    assert await answered(*lines) == ((2, 0, 0), [])
    assert await answered(*lines) == ((0, 2, 0), [])
    async with transaction() as conn:
        for row in await payout_rows(conn, PayoutFilter(run_id=run_id), most=2):
            assert (row.state, row.bank_ref, row.why) == ("confirmed", row.id.hex, "paid")
            moves = await moves_of(conn, store_id=row.store_id, payout_id=row.id)
            assert [(one.to_state, one.side) for one in moves][-1] == ("confirmed", "bank")
        await whole(conn, run_id)


async def test_what_is_not_plain_is_answered_line_by_line() -> None:
    run_id, rows = await at_a_bank(100, 200, 300, 400)
    first, second, third, back = rows
    taken = first.id.hex
    assert (await answered(f"{first.id},confirmed,{taken},"))[0] == (1, 0, 0)
    found = await answered(
        f"{second.id},confirmed,{taken},",
        f"{third.id},confirmed,{third.id.hex},",
        f"{third.id},returned,,account closed",
        f"{back.id},returned,,wrong name",
        f"{first.store_id},confirmed,X{taken},",
    )
    assert found == ((3, 0, 2), [(2, "ref_taken"), (6, "unknown_payout")])
    async with transaction() as conn:
        rows = await payout_rows(conn, PayoutFilter(run_id=run_id), most=4)
        states = {row.amount_minor: row.state for row in rows}
        assert states == {100: "confirmed", 200: "sent", 300: "returned", 400: "returned"}
        assert [await payable_of(conn, one.payee_id) for one in (third, back)] == [300, 400]
        await whole(conn, run_id)


async def test_more_payments_take_no_more_statements() -> None:
    counts = []
    for many in (2, 6):
        _, rows = await at_a_bank(*(100 + n for n in range(many)))
        with counted() as seen:
            await answered(*(f"{row.id},confirmed,{row.id.hex}," for row in rows))
        counts.append(seen[0])
    assert counts[0] == counts[1]
