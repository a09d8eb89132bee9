"""What books and counts say of a round: recorded once, corrected by more rows, booked, stated."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import balances
from tests.crash.invariants import doctor_finds
from tests.factories import a_link, a_store
from tests.partners.factories import (
    AT,
    DAY,
    ENDS,
    OURS,
    STARTS,
    THEIRS,
    YUAN,
    Table,
    a_component,
    a_round,
    a_signed_round,
    a_table,
    some_terms,
)
from tests.partners.test_negotiation import act_until_quiet

from dougong.base.ids import PLATFORM_BOOK, RoundId, new_id
from dougong.flows.count_round import bill_advertising, count_round
from dougong.ledger.rules import PLATFORM
from dougong.partners.delivery_commands import add_by_hand, delivered_of
from dougong.partners.rules import BadTerms, ComponentKind, Tier, Unit
from dougong.reads.partner_progress import progress_of, statement_of

pytestmark = pytest.mark.usefixtures("own_database")  # the doctor looks at a whole one


async def bill(conn: AsyncConnection, table: Table, yuan: int, at: datetime) -> None:
    made = await bill_advertising(
        conn,
        round_id=table.round_id,
        amount_minor=yuan * YUAN,
        currency="CNY",
        reference="BILL",
        key=new_id(),
        at=at,
    )
    assert made


async def rows(conn: AsyncConnection, round_id: RoundId) -> list[tuple[Any, ...]]:
    found = await conn.execute(
        text("""
            SELECT component, origin, amount FROM partner_deliveries WHERE round_id = :id
            ORDER BY day, at
        """),
        {"id": round_id},
    )
    return [tuple(row) for row in found]


async def test_advertising_is_counted_from_the_books_and_only_its_difference_added(
    conn: AsyncConnection,
) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    await bill(conn, table, 1_000, STARTS - DAY)  # before the period
    await bill(conn, table, 300, STARTS + DAY)
    await count_round(conn, round_id=table.round_id, at=STARTS + 2 * DAY)
    await count_round(conn, round_id=table.round_id, at=STARTS + 2 * DAY)
    assert await rows(conn, table.round_id) == [("advertising", "books", 300 * YUAN)]
    await bill(conn, table, 50, STARTS + DAY)  # told late
    await count_round(conn, round_id=table.round_id, at=STARTS + 3 * DAY)
    assert await rows(conn, table.round_id) == [
        ("advertising", "books", 300 * YUAN),
        ("advertising", "books", 50 * YUAN),
    ]
    assert await delivered_of(conn, table.round_id) == {"advertising": 350 * YUAN}


async def test_the_same_bill_is_booked_once(conn: AsyncConnection) -> None:
    table, key = await a_table(conn), new_id()
    await a_signed_round(conn, table)
    same = {"round_id": table.round_id, "amount_minor": 5, "currency": "CNY", "reference": "B-1"}
    said = [await bill_advertising(conn, **same, key=key, at=STARTS) for _ in range(2)]
    assert said == [True, False]


async def test_rebates_accrue_as_tiers_are_reached(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    owed = (table.partner_id, "partner_payable")
    for yuan, total in ((199_999, None), (1, 4_000), (600_000, 40_000)):
        await bill(conn, table, yuan, STARTS + DAY)
        await count_round(conn, round_id=table.round_id, at=STARTS + 2 * DAY)
        held = await balances(conn, PLATFORM_BOOK)
        assert held.get(owed) == (None if total is None else total * YUAN)
    assert (await balances(conn, PLATFORM_BOOK))[(PLATFORM, "partner_rebate")] < 0
    assert await doctor_finds(conn) == {}


async def test_clicks_and_orders_of_the_partners_sources_are_traffic(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    clicks = a_component(
        kind=ComponentKind.ECOMMERCE_TRAFFIC, unit=Unit.CLICKS, committed=10, committed_by=OURS,
        unit_value_minor=50, shortfall_bp=10_000, tiers=(),
    )  # fmt: skip
    await a_signed_round(conn, table, some_terms(table.source, components=(clicks,)))
    link_id, _ = await a_link(conn, await a_store(conn))
    for validity, source in (("valid", table.source), ("valid", table.source),
                             ("bot", table.source), ("valid", "own")):  # fmt: skip
        await conn.execute(
            text("""
                INSERT INTO clicks (id, link_id, at, validity, source)
                VALUES (:id, :link, :at, :validity, :source)
            """),
            {"id": new_id(), "link": link_id, "at": STARTS + DAY, "validity": validity,
             "source": source},
        )  # fmt: skip
    await count_round(conn, round_id=table.round_id, at=STARTS + 2 * DAY)
    assert await rows(conn, table.round_id) == [("ecommerce_traffic", "clicks", 2)]


@pytest.mark.parametrize(("unit", "amount"), [(Unit.ORDERS, 2), (Unit.GMV, 300)])
async def test_referral_orders_are_traffic(conn: AsyncConnection, unit: Unit, amount: int) -> None:
    table = await a_table(conn)
    orders = a_component(
        kind=ComponentKind.ECOMMERCE_TRAFFIC, unit=unit, committed=10, committed_by=OURS,
        unit_value_minor=50, tiers=(),
    )  # fmt: skip
    await a_signed_round(conn, table, some_terms(table.source, components=(orders,)))
    for ref, state, paid in (("1", "paid", 100), ("2", "received", 200), ("3", "closed", 400)):
        await conn.execute(
            text("""
                INSERT INTO referral_orders (id, source, order_ref, currency, state, paid_minor,
                  estimated_gross_minor, estimated_minor, paid_at, closed_at, first_reported_at,
                  last_reported_at)
                VALUES (:id, :source, :ref, 'CNY', :state, :paid, 0, 0, :at, NULL, :at, :at)
            """),
            {"id": new_id(), "source": table.source, "ref": ref, "state": state, "paid": paid,
             "at": STARTS + DAY},
        )  # fmt: skip
    await count_round(conn, round_id=table.round_id, at=STARTS + 2 * DAY)
    assert await rows(conn, table.round_id) == [("ecommerce_traffic", "referrals", amount)]


async def alarms(conn: AsyncConnection, round_id: RoundId) -> list[tuple[str, bool]]:
    found = await conn.execute(
        text("""
            SELECT component, cleared_at IS NOT NULL FROM partner_alarms
            WHERE round_id = :id ORDER BY raised_at
        """),
        {"id": round_id},
    )
    return [tuple(row) for row in found]


async def test_a_shortfall_is_told_once_and_cleared(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    for days in (10, 100, 101):
        await count_round(conn, round_id=table.round_id, at=STARTS + days * DAY)
    assert await alarms(conn, table.round_id) == [("advertising", False)]
    await bill(conn, table, 900_000, STARTS + 101 * DAY)
    await count_round(conn, round_id=table.round_id, at=STARTS + 102 * DAY)
    assert await alarms(conn, table.round_id) == [("advertising", True)]
    said = await conn.scalars(
        text(
            "SELECT kind FROM events WHERE subject_id = :id AND kind LIKE '%shortfall%' ORDER BY id"
        ),
        {"id": table.round_id},
    )
    assert list(said) == ["partners.shortfall_expected", "partners.shortfall_over"]


async def test_the_end_states_and_books_what_is_owed(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    await bill(conn, table, 900_000, STARTS + DAY)
    await act_until_quiet(conn, ENDS)
    held = await balances(conn, PLATFORM_BOOK)
    assert held[(table.partner_id, "partner_payable")] == 45_000 * YUAN
    assert held[(table.partner_id, "partner_receivable")] == -(900_000 + 50_000) * YUAN
    made = await statement_of(conn, round_id=table.round_id)
    assert made is not None
    said = [(one.what, one.owed_by, one.base_minor, one.rate_bp, one.amount_minor)
            for one in made.lines]  # fmt: skip
    assert said == [
        ("rebate", "platform", 900_000 * YUAN, 500, 45_000 * YUAN),
        ("shortfall", "partner", 100_000 * YUAN, 5_000, 50_000 * YUAN),
    ]
    await count_round(conn, round_id=table.round_id, at=ENDS + DAY)
    assert await balances(conn, PLATFORM_BOOK) == held
    assert await doctor_finds(conn) == {}


async def test_progress_beside_the_last_round(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    early = AT - 400 * DAY
    old = some_terms(
        table.source, starts=early + DAY, ends=early + 366 * DAY, grants=(), fee_overrides=(),
        components=(a_component(committed=300_000 * YUAN, tiers=(Tier(0, 100),)),),
    )  # fmt: skip
    await a_signed_round(conn, table, old, at=early)
    await bill(conn, table, 120_000, early + 30 * DAY)
    await act_until_quiet(conn, early + 366 * DAY)
    first = table.round_id
    again = msgspec.structs.replace(
        table,
        round_id=await a_round(conn, table.partner_id, table.first, previous_id=first),
    )
    terms = some_terms(table.source, components=(a_component(committed=900_000 * YUAN),))
    await a_signed_round(conn, again, terms)
    await bill(conn, again, 90_000, STARTS + 9 * DAY)
    quarter = STARTS + timedelta(days=365) / 4
    await count_round(conn, round_id=again.round_id, at=quarter)
    (one,) = (await progress_of(conn, round_id=again.round_id, at=quarter)).components
    assert (one.committed, one.delivered) == (900_000 * YUAN, 90_000 * YUAN)
    assert one.straight_line == 360_000 * YUAN
    assert one.seasonal == 90_000 * YUAN  # the last round had it all in its first quarter
    assert (one.last_committed, one.last_delivered) == (300_000 * YUAN, 120_000 * YUAN)
    assert one.times_last_bp == 30_000
    assert one.is_alarmed


async def test_by_hand_says_who_and_why(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    same: dict[str, Any] = {
        "round_id": table.round_id, "component": "other", "day": STARTS.date(),
        "author_id": table.first, "at": AT,
    }  # fmt: skip
    await add_by_hand(conn, **same, amount=7, note="线下活动 / an event")
    await add_by_hand(conn, **same, amount=-7, note="误记")
    assert await delivered_of(conn, table.round_id) == {"other": 0}
    for bad in ({"amount": 0, "note": "x"}, {"amount": 1, "note": " "}):
        with pytest.raises(BadTerms):
            await add_by_hand(conn, **same, **bad)
    assert THEIRS.other() is OURS
