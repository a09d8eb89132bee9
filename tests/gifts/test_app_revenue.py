"""The table of other apps, and the months of in-app purchases beside it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person

from dougong.base.errors import BadInput
from dougong.base.ids import new_id
from dougong.base.money import Money
from dougong.gifts.app_revenue_rules import AppRow, BadRow, read_table
from dougong.gifts.offer_commands import (
    GiftTaken,
    end_gift,
    end_pack,
    keep_app_rows,
    offer_gift,
    offer_pack,
    set_limit,
)
from dougong.gifts.queries import limits_at
from dougong.gifts.rules import GiftGone
from dougong.reads.operator_gifts import app_months

HEAD = "month,market,app,revenue,currency,source\n"
AT = datetime(2020, 8, 31, 17, tzinfo=UTC)  # 1 September in Shanghai
JULY = date(2020, 7, 1)
GOOD = AppRow(JULY, "US", "Somewhere", "USD", 123_450, "a survey")


def test_a_table_is_read_with_marks_tabs_and_small_letters() -> None:
    head = "\ufeffMonth\tMarket\tApp\tRevenue\tCurrency\tSource\n"
    assert list(read_table(f"{head}2020-07\tus\tSomewhere\t1234.50\tusd\ta survey\n")) == [GOOD]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("2020-13,US,A,1,USD,", "month", "unknown_value"),
        ("2020-07,USAX,A,1,USD,", "market", "unknown_value"),
        ("2020-07,U1,A,1,USD,", "market", "unknown_value"),
        ("2020-07,US,,1,USD,", "app", "missing"),
        ("2020-07,US,A,1.234,USD,", "revenue", "unknown_value"),
        ("2020-07,US,A,-1,USD,", "revenue", "unknown_value"),
        ("2020-07,US,A,1e9,USD,", "revenue", "unknown_value"),
        ("2020-07,US,A,1,US,", "currency", "unknown_value"),
        (f"2020-07,US,{'A' * 121},1,USD,", "app", "too_long"),
        ("2020-07", "market", "missing"),
    ],
)
def test_a_bad_row_says_line_and_field(line: str, field: str, reason: str) -> None:
    assert list(read_table(f"{HEAD}2020-07,US,B,1,USD,\n{line}\n"))[1] == BadRow(3, field, reason)


def test_a_missing_column_is_one_bad_row() -> None:
    assert list(read_table("month,market,app\n2020-07,US,A\n")) == [BadRow(1, "revenue", "missing")]


def test_the_same_app_twice_in_a_month_is_bad() -> None:
    row = "2020-07,US,A,1,USD,\n"
    assert list(read_table(HEAD + row + row))[1] == BadRow(3, "app", "repeated")


async def a_lot(conn: AsyncConnection, *, price: int, market: str, at: datetime) -> None:
    person_id, pay_in_id = await a_person(conn), new_id()
    pack_id = await offer_pack(conn, coins=10, price=Money(price, "XTS"), at=at)
    values: dict[str, Any] = {
        "p": person_id, "i": pay_in_id, "k": pack_id, "n": price, "m": market, "at": at,
        "key": str(pay_in_id),
    }  # fmt: skip
    await conn.execute(
        text("""
            INSERT INTO pay_ins (id, purpose, owner_id, subject_id, payer_id, idempotency_key,
              currency, amount_minor, asked_at)
            VALUES (:i, 'coins', :p, :k, :p, :key, 'XTS', :n, :at)
        """),
        values,
    )
    await conn.execute(
        text("""
            INSERT INTO coin_lots (person_id, pay_in_id, pack_id, coins, price_minor, currency,
              market, bought_at) VALUES (:p, :i, :k, 10, :n, 'XTS', :m, :at)
        """),
        values,
    )


async def test_months_are_local_and_ranked_among_the_counted_apps(conn: AsyncConnection) -> None:
    await a_lot(conn, price=500, market="CN", at=AT)
    await a_lot(conn, price=700, market="CN", at=AT - timedelta(hours=2))  # still August there
    await a_lot(conn, price=100, market="US", at=AT)
    rows = [
        AppRow(date(2020, 9, 1), "CN", app, "XTS", minor, "survey")
        for app, minor in (("A", 900), ("B", 500), ("C", 10))
    ]
    await keep_app_rows(conn, rows=rows, at=AT)
    found = await app_months(
        conn, since=date(2020, 8, 1), until=date(2020, 9, 1), currency="XTS", zone="Asia/Shanghai"
    )
    assert [(r.month, r.market, r.net_minor, r.payers, r.rank, r.of) for r in found] == [
        (date(2020, 9, 1), "CN", 500, 1, 2, 4),
        (date(2020, 9, 1), "US", 100, 1, None, 0),
        (date(2020, 8, 1), "CN", 700, 1, None, 0),
    ]


async def test_a_later_table_corrects_an_earlier_one(conn: AsyncConnection) -> None:
    await keep_app_rows(conn, rows=[GOOD], at=AT)
    await keep_app_rows(conn, rows=[AppRow(JULY, "US", "Somewhere", "USD", 5, "b")], at=AT)
    kept = await conn.execute(text("SELECT revenue_minor, source FROM app_revenue_rows"
                                   " WHERE app = 'Somewhere'"))  # fmt: skip
    assert [tuple(row) for row in kept] == [(5, "b")]


async def test_a_pack_ends_once(conn: AsyncConnection) -> None:
    pack_id = await offer_pack(conn, coins=10, price=Money(100, "CNY"), at=AT)
    await end_pack(conn, pack_id=pack_id, at=AT)
    with pytest.raises(GiftGone):
        await end_pack(conn, pack_id=pack_id, at=AT)


@pytest.mark.parametrize(("coins", "minor", "field"), [(0, 1, "coins"), (1, 0, "price")])
async def test_a_pack_of_nothing_is_refused(
    conn: AsyncConnection, coins: int, minor: int, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await offer_pack(conn, coins=coins, price=Money(minor, "CNY"), at=AT)
    assert refused.value.field == field


async def offered(conn: AsyncConnection, **change: Any) -> None:
    usual = {"code": "orchid", "name_zh": "兰花", "name_en": "Orchid", "coins": 5,
             "animation": "float", "icon": "flower"}  # fmt: skip
    await offer_gift(conn, **(usual | change), at=AT)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"code": "No!"}, "code"), ({"name_zh": " "}, "name_zh"), ({"coins": 0}, "coins"),
     ({"animation": "explode"}, "animation")],
)  # fmt: skip
async def test_a_bad_gift_says_its_field(
    conn: AsyncConnection, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await offered(conn, **change)
    assert refused.value.field == field


async def test_a_code_names_one_gift_for_ever(conn: AsyncConnection) -> None:
    await offered(conn)
    await end_gift(conn, code="orchid", at=AT)
    with pytest.raises(GiftTaken):
        await offered(conn)


async def test_a_limit_takes_the_place_of_the_one_before(conn: AsyncConnection) -> None:
    starts = AT + timedelta(days=30)
    await set_limit(conn, from_age=18, coins_per_day=7, starts=starts, reason_zh="", reason_en="",
                    at=AT)  # fmt: skip

    async def of_adults(at: datetime) -> list[int]:
        return [one.coins_per_day for one in await limits_at(conn, at=at) if one.from_age == 18]

    assert await of_adults(starts - timedelta(microseconds=1)) == [100_000]
    assert await of_adults(starts) == [7]
    with pytest.raises(BadInput):
        await set_limit(conn, from_age=18, coins_per_day=9, starts=starts - timedelta(days=1),
                        reason_zh="", reason_en="", at=AT)  # fmt: skip
