"""Every fen of an order is explained: before and after refunds, before and after final."""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.reads.stories import AT, Story, a_final_order, a_market, money

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, new_id
from dougong.flows.book_orders import refund_entry
from dougong.ledger.rules import PLATFORM
from dougong.orders.rules import LineMoney
from dougong.policy.commands import install_default_rules
from dougong.policy.defaults import default_rules
from dougong.reads.explain import (
    explain_line,
    explain_order,
    for_buyer,
    for_creator,
)
from dougong.reads.explain_payee import explain_payee
from dougong.reads.explain_tree import Node

pytestmark = pytest.mark.money


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in (*node.children, *node.sources):
        yield from walk(child)


def leaf(tree: Node, label: str) -> Node:
    return next(node for node in walk(tree) if node.label == label)


async def tree_of(story: Story) -> Node:
    where = {"store_id": story.market.store_id, "order_id": story.order_id}
    return await explain_order(story.conn, **where)


def assert_explained(tree: Node) -> None:
    for node in walk(tree):
        assert node.residual_minor == 0, msgspec.json.encode(node)
        for parts in (node.children, node.sources):
            if parts:
                assert sum(part.amount_minor for part in parts) == node.amount_minor, node.label


async def test_a_plain_order_tells_every_part(conn: AsyncConnection) -> None:
    tree = await tree_of(await a_final_order(conn, await a_market(conn)))
    assert_explained(tree)
    assert {node.label: node.amount_minor for node in walk(tree)} == {
        "order": 10_000,
        "paid_by_buyer": 10_000,
        "line": 10_000,
        "shared_out": 10_000,
        "service_fee": 500,
        "commission": 1_000,
        "commission_cut": 100,
        "creator": 900,
        "payment_cost": 60,
        "merchant": 8_440,
    }
    fee = leaf(tree, "service_fee")
    assert (fee.base_minor, fee.rounding, len(fee.transfers)) == (10_000, "floor", 1)


async def test_a_rule_is_named_with_its_reason_and_window(conn: AsyncConnection) -> None:
    people = {"author_id": PersonId(new_id()), "approver_id": PersonId(new_id())}
    await install_default_rules(conn, at=AT, **people)
    rule = default_rules()[0]
    story = Story(conn, await a_market(conn), [money()], service_fee=rule.id)
    await (await story.place()).pay()
    used = leaf(await tree_of(story), "service_fee").rule
    assert used is not None
    assert (used.id, used.rate_bp, used.reason_en) == (rule.id, 500, rule.reason_en)
    assert used.starts == rule.starts


async def test_before_final_the_shares_are_expected_and_the_money_is_in_escrow(
    conn: AsyncConnection,
) -> None:
    story = await Story(conn, await a_market(conn), [money()]).place()
    unpaid = await tree_of(story)
    assert_explained(unpaid)
    assert {node.status for node in walk(unpaid)} == {"expected"}
    held = await tree_of(await story.pay())
    assert_explained(held)
    assert leaf(held, "in_escrow").status == "booked"
    assert leaf(held, "merchant").status == "expected"


async def test_every_funder_pays_its_own_coupon(conn: AsyncConnection) -> None:
    lines = [
        money(merchant_discount_minor=1_000),
        money(platform_discount_minor=2_000),
        money(creator_discount_minor=300),
    ]
    tree = await tree_of(await a_final_order(conn, await a_market(conn), *lines))
    assert_explained(tree)
    assert {s.label: s.amount_minor for s in tree.sources} == {
        "paid_by_buyer": 26_700,
        "merchant_coupon": 1_000,
        "platform_coupon": 2_000,
        "creator_coupon": 300,
    }
    first = tree.children[0]
    # Fees are taken of 90.00, not of 100.00: the merchant's own discount is not income.
    assert leaf(first, "service_fee").amount_minor == 450
    assert leaf(first, "merchant_net").amount_minor == 9_000 - 450 - 900 - 54
    assert leaf(first, "coupon_paid").amount_minor == 1_000


bp = st.integers(0, 3_000)


@st.composite
def lines_of_money(draw: st.DrawFn) -> LineMoney:
    gross = draw(st.one_of(st.integers(1, 50), st.integers(51, 10**9)))
    room = gross - 1
    off = {}
    for funder in ("merchant", "platform", "creator"):
        off[f"{funder}_discount_minor"] = taken = draw(st.integers(0, room))
        room -= taken
    return money(
        gross_minor=gross,
        **off,
        service_fee_bp=draw(bp),
        commission_bp=draw(bp),
        commission_cut_bp=draw(st.integers(0, 10_000)),
        payment_cost_bp=draw(bp),
    )


def oracle(line: LineMoney, refunded: int) -> dict[str, int]:
    """The shares in exact fractions, rounded once each."""
    left = Fraction(line.paid_minor - refunded, line.paid_minor)
    kept = {
        funder: -((-getattr(line, f"{funder}_discount_minor") * left) // 1)
        for funder in ("merchant", "platform", "creator")
    }
    paid = line.paid_minor - refunded
    base = Fraction(paid + kept["platform"] + kept["creator"])
    fee = base * Fraction(line.service_fee_bp, 10_000) // 1
    commission = base * Fraction(line.commission_bp, 10_000) // 1
    cut = commission * Fraction(line.commission_cut_bp, 10_000) // 1
    cost = paid * Fraction(line.payment_cost_bp, 10_000) // 1
    return {
        "service_fee": fee,
        "commission_cut": cut,
        "creator": commission - cut,
        "payment_cost": cost,
        "merchant": int(base + kept["merchant"] - fee - commission - cost),
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
async def test_any_refunds_in_any_order_leave_nothing_unexplained(
    conn: AsyncConnection, data: st.DataObject
) -> None:
    savepoint = await conn.begin_nested()
    lines = data.draw(st.lists(lines_of_money(), min_size=1, max_size=3))
    story = await (await Story(conn, await a_market(conn), lines).place()).pay()
    count = data.draw(st.integers(0, 9))
    final_after = data.draw(st.integers(0, count))
    for n in range(count + 1):
        if n == final_after:
            await story.finish()
        left = {
            i: line.paid_minor - story.refunded[i - 1]
            for i, line in enumerate(lines, start=1)
            if line.paid_minor > story.refunded[i - 1]
        }
        if n < count and left:
            chosen = data.draw(st.sampled_from(sorted(left)))
            amount = data.draw(st.sampled_from([1, left[chosen], left[chosen] // 2 or 1]))
            await story.refund({chosen: amount}, is_final=n >= final_after)
    tree = await tree_of(story)
    assert_explained(tree)
    for node, line, refunded in zip(tree.children, lines, story.refunded, strict=True):
        shares = oracle(line, refunded)
        want = {label: amount for label, amount in shares.items() if amount}
        found = {n.label: n.amount_minor for n in walk(node) if n.label in shares}
        assert {label: amount for label, amount in found.items() if amount} == want
        if refunded == line.paid_minor:
            assert not want  # a full refund leaves exactly nothing with anybody
    await savepoint.rollback()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE order_lines SET service_fee_bp = service_fee_bp + 1",
        "UPDATE order_lines SET commission_cut_bp = 0",
        "UPDATE order_lines SET payment_cost_bp = 0",
        "UPDATE order_lines SET refunded_minor = refunded_minor + 1",
        "UPDATE order_lines SET creator_id = gen_random_uuid()",
        "UPDATE orders SET state = 'received'",
    ],
)
async def test_facts_that_differ_from_the_books_show_as_a_residual(
    conn: AsyncConnection, tampering: str
) -> None:
    story = await a_final_order(conn, await a_market(conn))
    key = "id" if "UPDATE orders" in tampering else "order_id"
    change = text(tampering + f" WHERE store_id = :s AND {key} = :o")
    await conn.execute(change, {"s": story.market.store_id, "o": story.order_id})
    assert (await tree_of(story)).residual_minor > 0


async def test_a_refund_that_nobody_asked_for_shows_as_a_residual(conn: AsyncConnection) -> None:
    story = await (await Story(conn, await a_market(conn), [money()]).place()).pay()
    await story.book(
        refund_entry(story.booked(), refund_id=new_id(), amounts={1: 7}, is_final=False, at=AT)
    )
    assert (await tree_of(story)).residual_minor == 7


async def test_a_payee_is_explained_order_by_order(conn: AsyncConnection) -> None:
    market = await a_market(conn)
    for discount in (0, 1_000):
        await a_final_order(conn, market, money(creator_discount_minor=discount))
    creator = await explain_payee(
        conn, owner_id=market.creator_id, currency="CNY", since=AT, until=AT + timedelta(days=1)
    )
    assert_explained(creator)
    assert creator.amount_minor == 900 + 900 - 1_000
    assert sorted(order.amount_minor for order in creator.children) == [-100, 900]
    before = await explain_payee(
        conn, owner_id=market.creator_id, currency="CNY", since=AT - timedelta(days=1), until=AT
    )
    assert (before.amount_minor, before.children) == (0, [])


async def test_one_organisation_may_be_merchant_creator_and_funder(conn: AsyncConnection) -> None:
    market = await a_market(conn)
    both = msgspec.structs.replace(market, creator_id=market.merchant_id)
    story = await a_final_order(conn, both, money(creator_discount_minor=1_000))
    await story.refund({1: 4_321}, is_final=True)
    tree = await explain_order(conn, store_id=both.store_id, order_id=story.order_id)
    assert tree.residual_minor == 0
    assert leaf(tree, "creator_coupon").amount_minor == 1_000


async def test_a_payee_may_owe_and_is_told_why(conn: AsyncConnection) -> None:
    """The creator's coupon is dearer than its commission; and a refund takes back what was earned:
    the payee's tree is negative by exactly that, part by part."""
    market = await a_market(conn)
    story = await a_final_order(conn, market, money(creator_discount_minor=2_000))

    async def owed() -> Node:
        return await explain_payee(
            conn,
            owner_id=market.creator_id,
            currency="CNY",
            since=AT - timedelta(days=1),
            until=AT + timedelta(days=1),
        )

    tree = await owed()
    assert (tree.amount_minor, tree.residual_minor) == (900 - 2_000, 0)
    (order,) = tree.children
    assert {part.label: part.amount_minor for part in order.children} == {
        "creator": 900,
        "creator_discount": -2_000,
    }
    await story.refund({1: 4_000}, is_final=True)
    tree = await owed()
    assert (tree.amount_minor, tree.residual_minor) == (450 - 1_000, 0)
    await story.refund({1: 4_000}, is_final=True)
    tree = await owed()
    assert (tree.amount_minor, tree.residual_minor) == (0, 0)
    assert [part.amount_minor for part in tree.children[0].children] == [0, 0]


async def test_a_payee_of_many_orders_is_told_the_newest_and_the_sum_of_the_rest(
    conn: AsyncConnection,
) -> None:
    market = await a_market(conn)
    for gross in (10_000, 20_000, 30_000, 40_000, 50_000):
        await a_final_order(conn, market, money(gross_minor=gross))
    seen: list[int] = []
    for skip, want in ((0, 2), (2, 2), (4, 1)):
        tree = await explain_payee(
            conn,
            owner_id=market.creator_id,
            currency="CNY",
            since=AT,
            until=AT + timedelta(days=1),
            skip=skip,
            most=2,
        )
        assert (tree.amount_minor, tree.residual_minor) == (150_000 * 9 // 100, 0)
        assert [one.label for one in tree.children] == ["payee_order"] * want + ["other_orders"]
        assert sum(one.amount_minor for one in tree.children) == tree.amount_minor
        (others,) = tree.children[-1].children
        assert (others.label, others.amount_minor) == ("creator", tree.children[-1].amount_minor)
        seen += [one.amount_minor for one in tree.children[:-1]]
    assert sorted(seen) == [900, 1_800, 2_700, 3_600, 4_500]


async def test_the_platform_is_a_payee_and_pays_for_its_coupons(conn: AsyncConnection) -> None:
    market = await a_market(conn)
    day = AT + timedelta(days=9_000)  # nobody else's
    story = Story(conn, market, [money(platform_discount_minor=1_000)])
    await (await (await story.place()).pay()).finish()
    tree = await explain_payee(
        conn, owner_id=PLATFORM, currency="CNY", since=AT, until=AT + timedelta(days=1)
    )
    mine = next(one for one in tree.children if one.order_id == story.order_id)
    assert (tree.residual_minor, mine.owner_id) == (0, market.store_id)
    assert {part.label: part.amount_minor for part in mine.children} == {
        "platform_discount": -1_000,
        "service_fee": 500,
        "commission_cut": 100,
        "payment_cost": 54,
    }
    later = await explain_payee(
        conn, owner_id=PLATFORM, currency="CNY", since=day, until=day + timedelta(days=1)
    )
    assert (later.amount_minor, later.children) == (0, [])


async def test_each_role_sees_its_own_part(conn: AsyncConnection) -> None:
    market = await a_market(conn)
    tree = await tree_of(await a_final_order(conn, market, money(), money(commission_bp=0)))
    buyer = for_buyer(tree)
    assert_explained(buyer)
    assert {n.label for n in walk(buyer)} == {"order", "line", "paid_by_buyer", "shared_out"}
    creator = for_creator(tree, creator_ids=frozenset({market.creator_id}))
    assert_explained(creator)
    assert creator.amount_minor == 1_000
    assert {n.label for n in walk(creator)} == {
        "creator_order",
        "line",
        "commission",
        "commission_cut",
        "creator",
    }
    stranger = for_creator(tree, creator_ids=frozenset({new_id()}))
    assert (stranger.amount_minor, stranger.children) == (0, [])


async def test_what_is_not_there_is_not_found(conn: AsyncConnection) -> None:
    story = await Story(conn, await a_market(conn), [money()]).place()
    where = {"store_id": story.market.store_id, "order_id": story.order_id}
    with pytest.raises(NotFound):
        await explain_order(conn, store_id=new_id(), order_id=story.order_id)
    with pytest.raises(NotFound):
        await explain_line(conn, **where, line_no=2)
    assert (await explain_line(conn, **where, line_no=1)).label == "line"
