"""The doctor finds a run whose sums are not its rows, a lost case, and money that is not booked."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.factories import a_person
from tests.settlement.outside import ASource, a_run, a_source, an_order, case_of, money_came

from dougong.flows.decide_case import accept_case, approve_case
from dougong.infra import clock, db_server
from dougong.infra.db import transaction
from dougong.reads import doctor_partner_sql as sql

pytestmark = pytest.mark.money

Connection = psycopg.Connection[tuple[Any, ...]]
CHECKS = {"sums": sql.RUN_SUMS, "cases": sql.CASES_LOST, "money": sql.PARTNER_MONEY}


@pytest.fixture
async def source(connections: None) -> ASource:
    async with transaction() as conn:
        made = await a_source(conn)
        person, second = await a_person(conn), await a_person(conn)
        for ref in ("o1", "o2"):
            await an_order(conn, made, ref)
    await money_came(made, "P1,o2,,,CNY,3.00,2020-09-05\n", person_id=person)
    await a_run(made, person_id=person)
    case = await case_of(made, "o1")
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await accept_case(conn, case_id=case.id, note="why", person_id=person, at=at)
        await approve_case(conn, case_id=case.id, note="yes", person_id=second, at=at)
    return made


@pytest.fixture
def owner() -> Iterator[Connection]:
    with psycopg.connect(db_server.owner_url()) as conn:
        yield conn
        conn.rollback()


def found(conn: Connection) -> set[str]:
    return {name for name, check in CHECKS.items() if conn.execute(check.text).fetchall()}


def test_what_flows_leave_is_whole(source: ASource, owner: Connection) -> None:
    assert found(owner) == set()


@pytest.mark.parametrize(
    ("change", "finds"),
    [
        ("UPDATE reconciliation_sums SET orders = orders + 1 WHERE outcome = 'only_ours'", "sums"),
        ("UPDATE reconciliation_sums SET gap_minor = 0 WHERE outcome = 'only_ours'", "sums"),
        ("DELETE FROM reconciliation_rows WHERE subject = 'o2'", "sums cases"),
        ("DELETE FROM reconciliation_sums", "sums"),
        ("UPDATE reconciliation_cases SET state = 'open', last_run_id = id", "cases"),
        ("UPDATE receipts SET amount_minor = amount_minor + 1", "money"),
        ("DELETE FROM write_offs", "money"),
    ],
)
def test_what_is_changed_by_hand_is_found(
    source: ASource, owner: Connection, change: str, finds: str
) -> None:
    for table in ("receipts", "reconciliation_rows", "reconciliation_sums"):
        owner.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
    owner.execute(change)
    assert found(owner) == set(finds.split())
