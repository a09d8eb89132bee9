"""Reconciliation with partners, three ways, on real tables: what we know, they report, and came."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factories import a_person
from tests.settlement.outside import (
    ENDS,
    PAID_AT,
    SETTLED_AT,
    STARTS,
    ASource,
    a_report_row,
    a_run,
    a_source,
    an_order,
    both,
    case_of,
    money_came,
    owed_minor,
    rows_of,
)

from dougong.base.errors import BadInput
from dougong.base.ids import PersonId
from dougong.flows.decide_case import accept_case, approve_case, step_case
from dougong.flows.reconcile import UnknownSource, start_run
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.settlement.case_rules import BadMove, CaseState, NeedsSecondPerson, NoteMissing
from dougong.settlement.rules import Terms
from dougong.settlement.terms_commands import TermsAtThisInstant, set_terms

pytestmark = pytest.mark.money


@pytest.fixture
async def source(connections: None) -> ASource:
    async with transaction() as conn:
        return await a_source(conn)


@pytest.fixture
async def person(connections: None) -> PersonId:
    async with transaction() as conn:
        return await a_person(conn)


@pytest.fixture
async def second(connections: None) -> PersonId:
    async with transaction() as conn:
        return await a_person(conn, name="李审")


async def every_kind(source: ASource, person: PersonId) -> None:
    """One order of each outcome."""
    async with transaction() as conn:
        await both(conn, source, "agrees")
        await both(conn, source, "estimated", state="paid")
        await both(conn, source, "refunded", refunded_minor=400)
        await both(conn, source, "short")
        await both(conn, source, "unpaid")
        await an_order(conn, source, "changed", settled_minor=1_000)
        await a_report_row(conn, source, "changed", settled_minor=900)
        await an_order(conn, source, "ours")
        await a_report_row(conn, source, "theirs", outcome="parked", reason="no_claim")
        await an_order(conn, source, "nobody", parked="no_claim")
        await a_report_row(conn, source, "nobody")
        await an_order(conn, source, "unread")
        await a_report_row(conn, source, "unread", outcome="refused", reason="amounts_disagree")
        await an_order(conn, source, "phase", state="paid")
        await a_report_row(conn, source, "phase")
        await both(conn, source, "outside", paid_at=ENDS)
    await money_came(
        source,
        "P1,agrees,,,CNY,10.00,2020-09-05 10:00:00\n"
        "P1,refunded,,,人民币,6.00,2020-09-05 10:00:00\n"
        "P2,refunded,,,CNY,6.00,2020-09-05 10:00:00\n"
        "P2,short,,,CNY,9.50,2020-09-05 10:00:00\n"
        "P2,changed,,,CNY,9.00,2020-09-05 10:00:00\n"
        "P3,stranger,,,CNY,7.00,2020-08-20 10:00:00\n",
        person_id=person,
    )


WANTED = {
    "short": ("different", "received", -50),
    "unpaid": ("unpaid", "overdue", -1_000),
    "changed": ("different", "amount", -100),
    "ours": ("only_ours", "not_in_report", -1_000),
    "theirs": ("only_theirs", "unknown_order", 1_000),
    "nobody": ("only_theirs", "unknown_order", 1_000),
    "unread": ("different", "unreadable", 0),
    "phase": ("different", "phase", 0),
    "stranger": ("unreported", "not_reported", 700),
}


async def test_every_outcome(source: ASource, person: PersonId) -> None:
    await every_kind(source, person)
    run = await a_run(source, person_id=person)
    assert await rows_of(run.id) == WANTED
    assert (run.state, run.orders, run.differences) == ("done", 12, 9)
    async with transaction() as conn:
        sums = await conn.execute(
            text("SELECT outcome, orders, gap_minor FROM reconciliation_sums WHERE run_id = :id"),
            {"id": run.id},
        )
        assert {row.outcome: (row.orders, row.gap_minor) for row in sums} == {
            "matched": (2, 0), "waiting": (1, 0), "different": (4, -150), "only_ours": (1, -1_000),
            "only_theirs": (2, 2_000), "unpaid": (1, -1_000), "unreported": (1, 700),
        }  # fmt: skip
    assert run.inputs["payments"][0]["rows"] == 5
    sides = {(s["side"], s["phase"]): (s["orders"], s["amount_minor"]) for s in run.sides}
    assert sides["theirs", "settled"] == (9, 7_500)
    assert sides["received", "received"] == (5, 4_150)


async def test_money_is_booked_once_and_bad_rows_are_told(
    source: ASource, person: PersonId
) -> None:
    await every_kind(source, person)
    assert await owed_minor(source) == -(1_000 * 7 + 600) + 600 + 1_000 + 950 + 900 + 700
    again = await money_came(
        source,
        "P2,short,,,CNY,9.50,2020-09-05 10:00:00\n"
        "P2,short,,,CNY,9.51,2020-09-05 10:00:00\n"
        "P4,agrees,,,USD,1.00,2020-09-05 10:00:00\n"
        "P5,agrees,,,CNY,ten,2020-09-05 10:00:00\n"
        "P6,,2020-08-31,2020-08-01,CNY,1,2020-09-05\n"
        "P7,1.23E+17,,,CNY,1,2020-09-05\n"
        "P8,agrees,,,CNY,1,tomorrow\n",
        person_id=person,
    )
    async with transaction() as conn:
        found = await conn.execute(
            text("""
                SELECT line, outcome, field, reason FROM receipt_problems
                WHERE file_id = :id ORDER BY line
            """),
            {"id": again},
        )
        assert [tuple(row) for row in found] == [
            (3, "parked", "payment_ref", "told_otherwise"),
            (4, "parked", "currency", "other_currency"),
            (5, "refused", "amount", "bad_amount"),
            (6, "refused", "period_last_day", "before_its_start"),
            (7, "refused", "order_ref", "digits_lost"),
            (8, "refused", "received_at", "bad_time"),
        ]
        row = (
            await conn.execute(text("SELECT * FROM receipt_files WHERE id = :id"), {"id": again})
        ).one()
    assert (row.rows_total, row.rows_taken, row.rows_repeated, row.rows_parked) == (7, 0, 1, 2)
    assert await owed_minor(source) == -(1_000 * 7 + 600) + 600 + 1_000 + 950 + 900 + 700


async def test_a_rerun_carries_cases_over(source: ASource, person: PersonId) -> None:
    await every_kind(source, person)
    first = await a_run(source, person_id=person)
    case = await case_of(source, "short")
    await step(case.id, CaseState.EXPLAINED, person)
    await money_came(source, "P9,short,,,CNY,0.50,2020-09-06\n", person_id=person)
    await money_came(source, "P9,unpaid,,,CNY,9.90,2020-09-06\n", person_id=person)
    run = await a_run(source, person_id=person)
    rows = await rows_of(run.id)
    assert "short" not in rows and rows["unpaid"] == ("different", "received", -10)
    assert (run.carried, run.settled_themselves, run.differences) == (8, 1, 8)
    assert (await case_of(source, "short")).state == "closed"
    unpaid = await case_of(source, "unpaid")
    assert (unpaid.first_run_id, unpaid.last_run_id) == (first.id, run.id)
    assert await rows_of(first.id) == WANTED  # a run is a fact


async def step(
    case_id: UUID, to: CaseState, person: PersonId, note: str = "asked the partner"
) -> None:
    async with transaction() as conn:
        await step_case(
            conn, case_id=case_id, to=to, note=note, person_id=person,
            at=await clock.refresh(conn),
        )  # fmt: skip


async def accept(case_id: UUID, person: PersonId) -> CaseState:
    async with transaction() as conn:
        return await accept_case(
            conn, case_id=case_id, note="not worth a letter", person_id=person,
            at=await clock.refresh(conn),
        )  # fmt: skip


async def approve(case_id: UUID, person: PersonId) -> None:
    async with transaction() as conn:
        await approve_case(
            conn, case_id=case_id, note="agreed", person_id=person, at=await clock.refresh(conn)
        )


async def terms(
    source: ASource, person: PersonId, *, starts_in_days: int = 0, **values: int
) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        await set_terms(
            conn, source=source.code, currency="CNY", starts=at + timedelta(days=starts_in_days),
            terms=Terms(**values), reason="agreed with them", author_id=person, at=at,
        )  # fmt: skip


async def test_a_small_write_off_needs_one_person(source: ASource, person: PersonId) -> None:
    await every_kind(source, person)
    await a_run(source, person_id=person)
    await terms(source, person, write_off_limit_minor=50)
    before = await owed_minor(source)
    case = await case_of(source, "short")
    assert await accept(case.id, person) is CaseState.ACCEPTED
    assert await owed_minor(source) == before + 50
    with pytest.raises(BadMove):
        await accept(case.id, person)
    run = await a_run(source, person_id=person)
    assert (await rows_of(run.id))["short"] == ("different", "received", -50)
    assert (await case_of(source, "short")).state == "accepted"
    await money_came(source, "P9,short,,,CNY,0.20,2020-09-06\n", person_id=person)
    await a_run(source, person_id=person)
    assert (await case_of(source, "short")).state == "open"
    assert await accept(case.id, person) is CaseState.ACCEPTED  # only the rest is booked
    assert await owed_minor(source) == before + 50


async def test_a_large_write_off_needs_two(
    source: ASource, person: PersonId, second: PersonId
) -> None:
    await every_kind(source, person)
    await a_run(source, person_id=person)
    before = await owed_minor(source)
    case = await case_of(source, "unpaid")
    assert await accept(case.id, person) is CaseState.TO_APPROVE
    assert await owed_minor(source) == before
    with pytest.raises(NeedsSecondPerson):
        await approve(case.id, person)
    await step(case.id, CaseState.OPEN, second, "they promised to pay")
    assert await accept(case.id, person) is CaseState.TO_APPROVE
    await approve(case.id, second)
    assert await owed_minor(source) == before + 1_000
    assert (await case_of(source, "unpaid")).state == "accepted"
    with pytest.raises(BadMove):
        await approve(case.id, second)


@pytest.mark.parametrize(
    ("subject", "change"),
    [("changed", 100), ("ours", 1_000), ("theirs", 0), ("unread", 0), ("stranger", -700)],
)
async def test_what_accepting_books(
    source: ASource, person: PersonId, second: PersonId, subject: str, change: int
) -> None:
    await every_kind(source, person)
    await a_run(source, person_id=person)
    before = await owed_minor(source)
    case = await case_of(source, subject)
    if await accept(case.id, person) is CaseState.TO_APPROVE:
        await approve(case.id, second)
    assert await owed_minor(source) == before + change


async def test_tolerances_are_dated_rows(source: ASource, person: PersonId) -> None:
    await every_kind(source, person)
    await terms(source, person, tolerance_minor=50, patience_days=365)
    await terms(source, person, starts_in_days=10, tolerance_bp=1_000)
    with pytest.raises(BadInput):
        await terms(source, person, starts_in_days=-1)
    async with transaction() as conn:
        now = await clock.refresh(conn)
    run = await a_run(source, person_id=person, at=now)
    rows = await rows_of(run.id)
    assert "short" not in rows and rows["changed"] == WANTED["changed"]
    assert run.terms["CNY"]["tolerance_minor"] == 50
    later = await a_run(source, person_id=person, at=now + timedelta(days=11))
    assert "changed" not in await rows_of(later.id)


async def test_terms_of_one_instant_are_given_once(source: ASource, person: PersonId) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        starts = at + timedelta(days=1)
        for n in range(2):
            made = set_terms(
                conn, source=source.code, currency="CNY", starts=starts, terms=Terms(n),
                reason="why", author_id=person, at=at,
            )  # fmt: skip
            if n == 0:
                await made
            else:
                with pytest.raises(TermsAtThisInstant):
                    await made


async def test_money_of_a_period_pays_what_names_no_payment(
    source: ASource, person: PersonId
) -> None:
    async with transaction() as conn:
        for n in range(3):
            await both(conn, source, f"o{n}")
    await money_came(
        source, "L1,,2020/8/1,2020/8/31,CNY,29.00,2020-09-10\n", person_id=person, encoding="utf-8"
    )
    run = await a_run(source, person_id=person)
    ((subject, said),) = (await rows_of(run.id)).items()
    assert subject.startswith("period 20200731T1600Z/") and subject.endswith(" CNY")
    assert said == ("different", "received", -100)
    await money_came(source, "L2,,2020-08-01,2020-08-31,CNY,1.00,2020-09-11\n", person_id=person)
    run = await a_run(source, person_id=person)
    assert run.differences == 0 and run.settled_themselves == 1


async def test_other_currency_and_a_refund_told_later(source: ASource, person: PersonId) -> None:
    async with transaction() as conn:
        await an_order(conn, source, "usd")
        await a_report_row(conn, source, "usd", currency="USD")
        await both(conn, source, "late")
        await a_report_row(
            conn, source, "late", outcome="parked", reason="refund_above_settled",
            refund_minor=300, told_at=SETTLED_AT + timedelta(days=1),
        )  # fmt: skip
    rows = await rows_of((await a_run(source, person_id=person)).id)
    assert rows == {"usd": ("different", "currency", 0), "late": ("different", "amount", -300)}


async def test_what_cannot_be_asked(source: ASource, person: PersonId) -> None:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        with pytest.raises(UnknownSource):
            await start_run(
                conn, source="nowhere", starts=STARTS, ends=ENDS, started_by=person, at=at
            )
        with pytest.raises(BadInput):
            await start_run(
                conn, source=source.code, starts=ENDS, ends=STARTS, started_by=person, at=at
            )


async def test_a_step_says_why_and_follows_the_moves(source: ASource, person: PersonId) -> None:
    await every_kind(source, person)
    await a_run(source, person_id=person)
    case = await case_of(source, "ours")
    with pytest.raises(NoteMissing):
        await step(case.id, CaseState.CLAIMED, person, "  ")
    with pytest.raises(BadMove):
        await step(case.id, CaseState.CLOSED, person)
    await step(case.id, CaseState.CLAIMED, person)
    await step(case.id, CaseState.CLOSED, person, "they will report it in September")
    assert case.opened_at > PAID_AT
    assert (await case_of(source, "ours")).state == "closed"
