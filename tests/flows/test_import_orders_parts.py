"""A history is written in two transactions: what they leave, whichever of them fails."""

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import text
from tests.flows import test_import_orders as lists
from tests.flows.test_import_orders import a_list, fresh_code, load, many, row, rows_of

from dougong.base.ids import new_id
from dougong.infra.db import transaction
from dougong.ledger.queries import trial_balance

pytestmark = pytest.mark.money
rules = lists.rules


async def test_a_list_of_which_a_part_is_there_gets_the_rest() -> None:
    """As after a stop between the two transactions: whole orders, of several pieces."""
    data, want = many(1_800)
    code, lines = fresh_code(), data.decode("utf-8-sig").split("\r\n")
    part = [line for n, line in enumerate(lines[1:-1]) if n // 600 == 1]
    assert (await load(a_list(part), code)).created == 600
    report = await load(data, code)
    assert (report.created, report.unchanged) == (1_200, 600)
    assert {name: getattr(report, name) for name in want} == want
    async with transaction() as conn:
        trial = await trial_balance(conn, store_id=report.store_id)
    held = {one.purpose: one.balance_minor for one in trial}
    assert (sum(held.values()), held["gateway_clearing"]) == (0, -want["kept_minor"])


@pytest.mark.parametrize("number", [1, 600, 1_800])
async def test_an_order_that_cannot_be_written_keeps_the_whole_list_out(number: int) -> None:
    """Whichever of the two transactions it comes to."""
    code = fresh_code()
    first = await load(a_list([row(9_999, 100, 0, 1)]), code)
    async with transaction() as conn:
        await conn.execute(
            text("""
                INSERT INTO payments (id, checkout_id, gateway, gateway_ref, currency, amount_minor,
                  state, started_at)
                VALUES (:id, :id, 'tmall', :ref, 'CNY', 1, 'started', now())
            """),
            {"id": new_id(), "ref": f"{first.store_id}:{number}"},
        )
    rows = [row(n, 10_000, 0, n) for n in range(1, 1_801)]
    with pytest.raises(UniqueViolation):
        await load(a_list(rows), code)
    found = await rows_of("SELECT number FROM orders WHERE store_id = :store_id", first.store_id)
    assert [one.number for one in found] == ["tmall-9999"]
