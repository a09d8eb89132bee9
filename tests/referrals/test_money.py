"""Every fen of an order at another platform is explained, whatever its source reports and when."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import the_rules
from tests.referrals.world import (
    ALink,
    a_row,
    a_source,
    an_outside_link,
    refund,
    settled,
    take,
)

from dougong.base.ids import PLATFORM_BOOK, PersonId, new_id
from dougong.infra.clock import wall_now
from dougong.policy.commands import install_rules
from dougong.policy.rules import Rule
from dougong.reads.doctor import examine
from dougong.reads.explain import explain_order
from dougong.reads.explain_tree import Node
from dougong.referrals.rules import Rates, referral_shares

# The doctor looks at a whole database.
pytestmark = [pytest.mark.money, pytest.mark.usefixtures("own_database")]


@given(
    st.integers(0, 10**12),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.data(),
)
def test_shares_sum_to_what_is_left_and_a_full_refund_leaves_nothing(
    amount: int, fee: int, cut: int, data: st.DataObject
) -> None:
    refunded = data.draw(st.integers(0, amount))
    shares = referral_shares(amount, Rates(fee, cut), refunded_minor=refunded)
    assert shares.residual() == 0
    assert min(shares.service_fee, shares.commission_cut, shares.referral) >= 0
    gone = referral_shares(amount, Rates(fee, cut), refunded_minor=amount)
    assert (gone.received, gone.service_fee, gone.commission_cut, gone.referral) == (0, 0, 0, 0)


async def a_fee(conn: AsyncConnection, kind: str, source: str, rate_bp: int) -> UUID:
    rule_id = new_id()
    when = wall_now().replace(year=2019)
    rule = Rule(
        id=rule_id, kind=kind, source=source, announced_at=when, starts=when, ends=None,
        value=rate_bp, reason_zh="测试", reason_en="For a test",
    )  # fmt: skip
    people = {"author_id": PersonId(new_id()), "approver_id": PersonId(new_id())}
    await install_rules(conn, rules=[rule], at=wall_now(), **people)
    return rule_id


async def orders(conn: AsyncConnection, link: ALink) -> list[Any]:
    found = await conn.execute(
        text("SELECT * FROM referral_orders WHERE source = :s ORDER BY order_ref"),
        {"s": link.source},
    )
    return list(found.all())


async def found_wrong(conn: AsyncConnection) -> dict[str, int]:
    at = wall_now()
    checks = await examine(conn, business_now=at, wall_now=at, published=())
    return {
        one.name: one.value
        for one in checks
        if one.value and (one.name.startswith("referral") or one.name.endswith("_minor"))
    }


def labels(tree: Node) -> dict[str, int]:
    found = {tree.label: tree.amount_minor}
    for child in tree.children:
        found |= labels(child)
    return found


async def test_a_settled_order_tells_every_part_and_its_rules(conn: AsyncConnection) -> None:
    await the_rules(conn)
    link = await an_outside_link(conn, source=await a_source(conn))
    fee_id = await a_fee(conn, "platform_service_fee", link.source, 2_000)
    await a_fee(conn, "commission_cut", link.source, 1_000)
    row = settled(a_row(link))
    await take(conn, link, [row])
    (made,) = await orders(conn, link)
    tree = await explain_order(conn, store_id=PLATFORM_BOOK, order_id=made.id)
    assert labels(tree) == {
        "referral_order": 3_980,
        "alliance_fee": 398,
        "media_fee": 199,
        "reaches_us": 3_383,
        "service_fee": 676,  # 20 % of 33.83, rounded down
        "commission_cut": 270,  # 10 % of what is left
        "referral": 2_437,
    }
    assert tree.residual_minor == 0
    fee = next(n for n in tree.children[-1].children if n.label == "service_fee")
    assert fee.rule is not None
    assert (fee.rule.id, fee.rule.rate_bp, fee.base_minor) == (fee_id, 2_000, 3_383)
    assert len(fee.transfers) == 1
    await take(conn, link, [refund(row, "33.83")])
    again = await explain_order(conn, store_id=PLATFORM_BOOK, order_id=made.id)
    assert again.residual_minor == 0
    assert labels(again)["taken_back"] == 3_383
    assert labels(again)["service_fee"] == 0
    assert await found_wrong(conn) == {}


async def test_before_it_is_settled_everything_is_expected(conn: AsyncConnection) -> None:
    link = await an_outside_link(conn, source=await a_source(conn))
    await take(conn, link, [a_row(link)])
    (made,) = await orders(conn, link)
    tree = await explain_order(conn, store_id=PLATFORM_BOOK, order_id=made.id)
    assert (tree.status, tree.residual_minor) == ("expected", 0)
    assert labels(tree) == {
        "referral_order": 3_980, "alliance_fee": 597, "reaches_us": 3_383, "referral": 3_383,
    }  # fmt: skip


async def test_the_doctor_sees_what_is_not_booked_as_it_was_settled(conn: AsyncConnection) -> None:
    link = await an_outside_link(conn, source=await a_source(conn))
    await take(conn, link, [settled(a_row(link))])
    assert await found_wrong(conn) == {}
    (made,) = await orders(conn, link)
    await conn.execute(
        text("UPDATE referral_orders SET refunded_minor = 10 WHERE id = :id"), {"id": made.id}
    )
    wrong = await found_wrong(conn)
    assert wrong["referrals_unexplained_minor"] == 20  # receivable, and the creator's
    assert (wrong["referral_receivable_minor"], wrong["referrals_undecided"]) == (10, 1)
    tree = await explain_order(conn, store_id=PLATFORM_BOOK, order_id=made.id)
    assert tree.residual_minor != 0


STEPS = st.sampled_from(
    ["12", "14", "3", "13", "3+", "refund 10.00", "refund 20.50", "refund 33.83", "refund 40.00",
     "denied", "click"]
)  # fmt: skip


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.lists(STEPS, min_size=1, max_size=6), min_size=1, max_size=4),
       st.integers(0, 10_000), st.integers(0, 10_000))  # fmt: skip
async def test_any_series_of_rows_is_explained_and_never_goes_back(
    conn: AsyncConnection, reports: list[list[str]], fee: int, cut: int
) -> None:
    link = await an_outside_link(conn, source=await a_source(conn))
    await a_fee(conn, "platform_service_fee", link.source, fee)
    await a_fee(conn, "commission_cut", link.source, cut)
    first = a_row(link)
    was_settled: int | None = None
    taken = 0
    for report in reports:
        await take(conn, link, [_step(first, word) for word in report])
        for made in await orders(conn, link):
            if was_settled is not None:
                assert (made.state, made.settled_minor) == ("settled", was_settled)
            assert made.refunded_minor >= taken
            was_settled, taken = made.settled_minor, made.refunded_minor
            tree = await explain_order(conn, store_id=PLATFORM_BOOK, order_id=made.id)
            assert tree.residual_minor == 0
            if was_settled is not None and taken == was_settled:
                assert labels(tree).get("referral", 0) == 0
    assert await found_wrong(conn) == {}


def _step(row: dict[str, str], word: str) -> dict[str, str]:
    if word.startswith("refund"):
        return refund(row, word.split()[1])
    if word == "denied":
        return refund(row, "5.00", case="3")
    if word == "click":
        return row | {"sub_id": "", "item_num": "2"}
    if word == "3":
        return settled(row)
    if word == "3+":
        more = {"pub_share_fee": "41.00", "alimama_share_fee": "4.10"}
        return settled(row, **more, total_commission_rate="")
    return row | {"tk_status": word}
