"""Corrections of the value of stock: what is asked for, and what the doctor holds together."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_person, a_store
from tests.reads.test_doctor import owner, values

from dougong.base.errors import BadInput
from dougong.flows.correct_stock_value import approve_correction
from dougong.supply.stock_commands import receive_units
from dougong.supply.stock_rules import Cost, Received
from dougong.supply.value_commands import propose_correction
from dougong.supply.value_rules import (
    NothingValued,
    ValueUnchanged,
    Wish,
    check_wish,
    corrected,
)
from dougong.supply.warehouse_commands import default_warehouse

__all__ = ["owner"]  # the fixture of the doctor's tests


@pytest.mark.parametrize(
    ("wish", "want"),
    [(Wish(unit_cost_minor=7), 21), (Wish(value_minor=20), 20), (Wish(unit_cost_minor=0), 0)],
)
def test_a_wish_is_of_one_unit_or_of_all(wish: Wish, want: int) -> None:
    check_wish(wish)
    assert corrected(Cost(3, 10), wish) == want


@pytest.mark.parametrize(
    "wish",
    [Wish(), Wish(1, 1), Wish(unit_cost_minor=-1), Wish(unit_cost_minor=100_000_001),
     Wish(value_minor=1_000_000_000_000_001)],
)  # fmt: skip
def test_a_wish_that_is_none_is_bad(wish: Wish) -> None:
    with pytest.raises(BadInput):
        check_wish(wish)


def test_nothing_and_the_same_are_no_correction() -> None:
    with pytest.raises(NothingValued):
        corrected(Cost(), Wish(value_minor=1))
    with pytest.raises(ValueUnchanged):
        corrected(Cost(5, 10), Wish(unit_cost_minor=2))


DAMAGE = {
    "what it says": "UPDATE stock_value_corrections SET after_minor = after_minor + 1",
    "the stock": "UPDATE stock_revaluations SET value_minor = value_minor - 1",
    "the correction": "DELETE FROM stock_value_corrections",
    "the book": "UPDATE ledger_transfers SET amount_minor = amount_minor + 1 "
    "WHERE part = 'stock_correction'",
}


@pytest.mark.parametrize("what", DAMAGE)
@pytest.mark.parametrize("unit_cost_minor", [700, 100])
async def test_the_doctor_holds_correction_stock_and_book_together(
    owner: AsyncConnection,
    what: str,
    unit_cost_minor: int,
) -> None:
    store = await a_store(owner)
    of = {"store_id": store.store_id, "at": T0}
    proposer, approver = await a_person(owner), await a_person(owner)
    await receive_units(
        owner, warehouse_id=await default_warehouse(owner, **of), about_kind="receipt",
        lines=[Received(store.skus[0], 10, 500, "", None)], about_id=None, key="r",
        by_id=proposer, **of,
    )  # fmt: skip
    made = await propose_correction(
        owner, sku_id=store.skus[0], wish=Wish(unit_cost_minor), reason="Bill in dollars",
        evidence="Bill 77", by_id=proposer, **of,
    )  # fmt: skip
    before = (await values(owner))["stock_drift_units"]  # of what other tests left
    await approve_correction(owner, correction_id=made, by_id=approver, **of)
    found = await values(owner)
    assert (found["stock_correction_minor"], found["stock_drift_units"]) == (0, before)
    await owner.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
    await owner.execute(text(DAMAGE[what]))
    assert (await values(owner))["stock_correction_minor"] > 0
