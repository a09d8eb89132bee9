"""What the API of how merchants stand is fuzzed against."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import AStore, a_person

from dougong.base.ids import PLATFORM_BOOK, PersonId, new_id
from dougong.flows import penalise as flow
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.standing.commands import install_default_rules

Examples = dict[str, dict[str, Any]]
WORDS = {"body": {"words": "暴雨停运"}}
HELD_MINOR = 5_000_000


async def of_standing(store: AStore) -> Examples:
    """Committed: a deposit that is more than due, and a penalty for each thing that can be done to
    one only once, decided by somebody else."""
    async with transaction() as conn:
        people = [await a_person(conn) for _ in range(2)]
        await install_default_rules(conn, author_id=people[0], approver_id=people[1])
        await _deposit(conn, store)
        made = {
            name: await _penalty(conn, store, people[0])
            for name in ("read", "appeal", "answer", "take_back")
        }
        await flow.appeal(
            conn, store_id=store.store_id, penalty_id=made["answer"], words="不属实",
            person_id=people[1], at=wall_now(),
        )  # fmt: skip
    decided = {"violation": "late_shipping", "orders": [], "words": "三天未发货"}
    return {
        "*": {"penalty_id": made["read"]},
        "standing_pay_deposit": {"body": {"amount_minor": 200_000}},
        "standing_appeal_against": {"penalty_id": made["appeal"], **WORDS},
        "merchant_governance_decide": {"body": decided},
        "merchant_governance_answer": {
            "penalty_id": made["answer"], "body": {"outcome": "upheld", "words": "核实"},
        },
        "merchant_governance_take_back": {"penalty_id": made["take_back"], **WORDS},
    }  # fmt: skip


async def _deposit(conn: AsyncConnection, store: AStore) -> None:
    deposit, clearing = AccountName(store.store_id, Purpose.DEPOSIT), platform(Purpose.UNALLOCATED)
    entry = Entry(
        kind=EntryKind.DEPOSIT_PAID, key=f"test:{new_id()}", counts_at=wall_now(),
        transfers=tuple(moved(clearing, deposit, HELD_MINOR, Part.DEPOSIT)),
    )  # fmt: skip
    await book(conn, store_id=PLATFORM_BOOK, currency="CNY", entries=[entry], written_at=wall_now())


async def _penalty(conn: AsyncConnection, store: AStore, by: PersonId) -> UUID:
    return await flow.penalise(
        conn, store_id=store.store_id, violation="late_shipping", order_numbers=[], words="未发货",
        person_id=by, key=new_id().hex, at=wall_now(),
    )  # fmt: skip
