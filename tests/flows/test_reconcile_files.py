"""Files of partners: a statement in place of reports, and files that cannot be read."""

import pytest
from sqlalchemy import text
from tests.factories import a_person
from tests.settlement.outside import ASource, a_run, a_source, an_order, money_came, rows_of

from dougong.base.ids import PersonId
from dougong.infra.db import transaction

pytestmark = pytest.mark.money


@pytest.fixture
async def source(connections: None) -> ASource:
    async with transaction() as conn:
        return await a_source(conn)


@pytest.fixture
async def person(connections: None) -> PersonId:
    async with transaction() as conn:
        return await a_person(conn)


STATEMENT = "子订单编号,付款时间,订单状态,应结金额,结算时间,备注\n"


async def test_a_statement_of_theirs_in_place_of_the_reports(
    source: ASource, person: PersonId
) -> None:
    async with transaction() as conn:
        for ref in ("a", "b", "c", "d"):
            await an_order(conn, source, ref)
    lines = (
        "a,2020-08-10 12:00:00,已结算,10.00,2020-08-20 12:00:00,\n"
        "a,2020-08-10 12:00:00,已结算,10.00,2020-08-20 12:00:00,\n"
        "b,2020-08-10 12:00:00,已结算,¥9.00,2020-08-20 12:00:00,x\n"
        "b,2020-08-10 12:00:00,已结算,8.00,2020-08-20 12:00:00,\n"
        "c,2020-08-10 12:00:00,已结算,10.005,2020-08-20 12:00:00,\n"
        "d,8月10日,已结算,10.00,2020-08-20 12:00:00,\n"
        ",2020-08-10 12:00:00,已结算,10.00,,\n"
        "e,2020-08-10 12:00:00,已发货,10.00,,\n"
        "f,2020-10-10 12:00:00,已结算,10.00,2020-08-20 12:00:00,\n"
    )
    run = await a_run(source, person_id=person, statement=(STATEMENT + lines).encode("gb18030"))
    told = run.inputs["statement"]
    counts = {name: told[name] for name in told if name not in ("problems", "file_name")}
    assert counts == {
        "rows": 9, "taken": 2, "repeated": 1, "outside": 1, "parked": 1, "refused": 4,
    }  # fmt: skip
    assert [(p["line"], p["outcome"], p["field"], p["reason"]) for p in told["problems"]] == [
        (5, "parked", "amount", "told_otherwise"),
        (6, "refused", "amount", "bad_amount"),
        (7, "refused", "paid_at", "bad_time"),
        (8, "refused", "order_ref", "missing"),
        (9, "refused", "status", "unknown_status"),
    ]
    assert await rows_of(run.id) == {
        "a": ("unpaid", "overdue", -1_000), "b": ("different", "amount", -100),
        "c": ("different", "unreadable", 0), "d": ("only_ours", "not_in_report", -1_000),
        "e": ("only_theirs", "unknown_order", 0),
    }  # fmt: skip


async def test_a_statement_without_a_column_fails_the_run(
    source: ASource, person: PersonId
) -> None:
    run = await a_run(source, person_id=person, statement="订单编号,金额\n1,2\n".encode())
    assert (run.state, run.failure, run.differences) == ("failed", "missing_column", 0)


@pytest.mark.parametrize(
    ("head", "encoding", "why", "field"),
    [
        ("流水号,订单编号,金额\n", "gb18030", "missing_column", "received_at"),
        ("a\n", "utf-8", "missing_column", "payment_ref, amount, received_at, order_ref"),
        ("PK\x03\x04", "utf-8", "bad_workbook", "file"),
    ],
)
async def test_a_file_that_is_none_is_refused_whole(
    source: ASource, person: PersonId, head: str, encoding: str, why: str, field: str
) -> None:
    file_id = await money_came(source, "x\n", person_id=person, head=head, encoding=encoding)
    async with transaction() as conn:
        row = (
            await conn.execute(text("SELECT * FROM receipt_files WHERE id = :id"), {"id": file_id})
        ).one()
    assert (row.state, row.failure, row.failure_field) == ("failed", why, field)
