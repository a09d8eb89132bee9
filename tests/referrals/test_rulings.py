"""Who earned an order: precedence is rows, every loser is kept, and a ruling is for ever."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.factories import an_org
from tests.referrals.test_reports import a_scene, bad, order, owned, told
from tests.referrals.world import (
    CLICKED,
    a_click,
    a_row,
    a_source,
    a_task,
    an_operator,
    an_outside_link,
    settled,
)

from dougong.base.errors import BadInput
from dougong.base.ids import PLATFORM_BOOK, PersonId
from dougong.flows.report_arrived import order_reported, retry_row
from dougong.flows.rule_referral import dispute
from dougong.infra.db import transaction
from dougong.reads.explain import explain_order
from dougong.referrals.defaults import default_claim_rules
from dougong.referrals.order_rules import Outcome, Refund, RefundKind, Reported, State
from dougong.referrals.rules import (
    OUTSIDE,
    Claim,
    ClaimKind,
    ClaimRule,
    Lost,
    NotDisputable,
    rule_on,
)

PAID = CLICKED + timedelta(hours=14)
RULES = default_claim_rules()


def a_claim(kind: ClaimKind = ClaimKind.CLICK, *, days: float = 1, **changes: Any) -> Claim:
    made = {"creator_id": uuid4(), "at": PAID - timedelta(days=days)} | changes
    return Claim(id=uuid4(), claim=kind, evidence=uuid4().hex, **made)


def ruled(*claims: Claim, rules: list[ClaimRule] = RULES, source: str = "taobao") -> Any:
    return rule_on(source=source, paid_at=PAID, claims=claims, rules=rules)


def why(ruling: Any) -> dict[UUID, Lost]:
    return {one.claim.id: one.why for one in ruling.losers}


def test_a_task_goes_before_a_click_and_a_click_before_a_share_code() -> None:
    task, click, code = (
        a_claim(k) for k in (ClaimKind.TASK, ClaimKind.CLICK, ClaimKind.SHARE_CODE)
    )
    ruling = ruled(code, click, task)
    assert (ruling.winner, ruling.rule.claim) == (task, ClaimKind.TASK)
    assert why(ruling) == {click.id: Lost.LOWER_RANK, code.id: Lost.LOWER_RANK}


def test_of_one_kind_the_last_before_the_payment_wins() -> None:
    first, last, late = a_claim(days=3), a_claim(days=1), a_claim(days=-1)
    ruling = ruled(first, late, last)
    assert ruling.winner == last
    assert why(ruling) == {first.id: Lost.EARLIER, late.id: Lost.AFTER_PAYMENT}


@pytest.mark.parametrize(
    ("claim", "lost"),
    [
        (a_claim(validity="bot"), Lost.INVALID_CLICK),
        (a_claim(validity="repeat"), Lost.INVALID_CLICK),
        (a_claim(validity="self"), Lost.SELF_PURCHASE),
        (a_claim(is_self=True), Lost.SELF_PURCHASE),
        (a_claim(days=15.01), Lost.OUTSIDE_WINDOW),
        (a_claim(ClaimKind.OPERATOR), Lost.NO_RULE),
    ],
)
def test_what_never_wins(claim: Claim, lost: Lost) -> None:
    ruling = ruled(claim)
    assert (ruling.winner, ruling.rule, why(ruling)) == (None, None, {claim.id: lost})


def test_the_window_holds_to_the_microsecond() -> None:
    edge = a_claim(days=15)
    assert ruled(edge).winner == edge
    over = a_claim(at=PAID - timedelta(days=15, microseconds=1))
    assert ruled(over).winner is None


def test_a_row_of_the_source_goes_before_outside_and_that_before_any() -> None:
    def row(source: str, rank: int) -> ClaimRule:
        return ClaimRule(
            id=uuid4(), source=source, claim=ClaimKind.SHARE_CODE, starts=CLICKED, ends=None,
            rank=rank, window_days=30,
        )  # fmt: skip

    code, click = a_claim(ClaimKind.SHARE_CODE), a_claim()
    own, outside = row("taobao", 1), row(OUTSIDE, 60)
    assert ruled(code, click, rules=[*RULES, outside]).winner == click
    assert ruled(code, click, rules=[*RULES, outside, own]).rule.id in {own.id, RULES[0].id}
    assert ruled(code, click, rules=[*RULES, own]).winner == code
    assert ruled(code, click, rules=[*RULES, own], source="jd").winner == click


@given(st.lists(st.tuples(st.sampled_from(list(ClaimKind)), st.integers(-5, 40),
                          st.sampled_from(["valid", "bot", "self"])), max_size=8))  # fmt: skip
def test_every_claim_wins_or_has_a_reason(drawn: list[tuple[ClaimKind, int, str]]) -> None:
    claims = [a_claim(kind, days=days, validity=v) for kind, days, v in drawn]
    ruling = ruled(*claims)
    lost = [one.claim.id for one in ruling.losers]
    won = [ruling.winner.id] if ruling.winner else []
    assert sorted([*lost, *won]) == sorted(one.id for one in claims)
    assert ruled(*reversed(claims)).winner == ruling.winner
    if ruling.winner:
        assert ruling.winner.validity == "valid"
        assert timedelta(0) <= PAID - ruling.winner.at <= timedelta(days=ruling.rule.window_days)


async def rulings(order_id: UUID) -> list[Any]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT * FROM referral_rulings WHERE order_id = :o ORDER BY number"),
            {"o": order_id},
        )
        return list(found.all())


async def test_the_fee_of_a_task_is_what_was_agreed_and_not_what_holds_today() -> None:
    async with transaction() as conn:
        source, creator = await a_source(conn), await an_org(conn, kind="creator")
        task = await a_task(
            conn, creator_id=creator, source=source, service_fee_bp=500, agreed_at=CLICKED
        )
        link = await an_outside_link(
            conn, source=source, creator_id=creator, surface="live", task_id=task
        )
    row = settled(a_row(link))
    await told(link, row)
    (ruling,) = await rulings((await order(link, row)).id)
    assert (ruling.creator_id, ruling.service_fee_bp, ruling.judged_at) == (creator, 500, CLICKED)


async def test_a_click_by_the_creator_itself_earns_nothing() -> None:
    async with transaction() as conn:
        source, person = await a_source(conn), await an_operator(conn)
        creator = await an_org(conn, kind="creator", person_id=PersonId(person))
        link = await an_outside_link(conn, source=source, creator_id=creator, person_id=person)
    row = settled(a_row(link))
    assert bad(await told(link, row)) == [(2, "parked", "sub_id", "no_valid_claim")]
    made = await order(link, row)
    assert (made.booked_at, made.parked) == (None, "no_valid_claim")
    async with transaction() as conn:
        lost = await conn.execute(
            text("""
                SELECT l.why FROM referral_losers l JOIN referral_rulings r ON r.id = l.ruling_id
                WHERE r.order_id = :o
            """),
            {"o": made.id},
        )
        assert [one.why for one in lost] == ["self_purchase"]


async def test_a_later_claim_changes_nothing_until_an_operator_rules_anew() -> None:
    link = await a_scene()
    row = settled(a_row(link))
    await told(link, row)
    made = await order(link, row)
    before = await owned(made.id)
    async with transaction() as conn:
        other = await an_outside_link(conn, source=link.source)
        operator = PersonId(await an_operator(conn))
        handle = await conn.scalar(
            text("SELECT handle FROM organisations WHERE id = :id"), {"id": other.creator_id}
        )
    await told(link, {**row, "sub_id": other.sub_id})
    assert len(await rulings(made.id)) == 1
    assert await owned(made.id) == before
    async with transaction() as conn:
        claim_id = await conn.scalar(
            text("SELECT id FROM referral_claims WHERE order_id = :o AND creator_id = :c"),
            {"o": made.id, "c": other.creator_id},
        )
        with pytest.raises(BadInput):
            await dispute(conn, order_id=made.id, claim_id=claim_id, handle="", reason=" ",
                          person_id=operator, at=PAID)  # fmt: skip
        await dispute(conn, order_id=made.id, claim_id=claim_id, handle="", at=PAID,
                      reason="The first click was a test", person_id=operator)  # fmt: skip
        with pytest.raises(NotDisputable):
            await dispute(conn, order_id=made.id, claim_id=claim_id, handle="", at=PAID,
                          reason="Once more", person_id=operator)  # fmt: skip
    first, second = await rulings(made.id)
    assert (first.creator_id, second.creator_id) == (link.creator_id, other.creator_id)
    assert (second.made_by, second.reason) == (operator, "The first click was a test")
    await told(link, {"tb_trade_id": row["trade_id"], "refund_status": "13",
                      "tk_commission_fee_refund_pub": "10.00"})  # fmt: skip
    async with transaction() as conn:
        await dispute(conn, order_id=made.id, claim_id=None, handle=str(handle), at=PAID,
                      reason="By hand", person_id=operator)  # fmt: skip
        await dispute(conn, order_id=made.id, claim_id=None, handle="", at=PAID,
                      reason="Nobody of ours", person_id=operator)  # fmt: skip
        tree = await explain_order(conn, store_id=PLATFORM_BOOK, order_id=made.id)
    assert tree.residual_minor == 0
    assert await owned(made.id) == {"partner_receivable": -2_383, "platform_commission_cut": 2_383}


async def test_an_order_that_nobody_clicked_is_given_by_hand() -> None:
    link = await a_scene()
    row = settled(a_row(link, sub_id=""))
    await told(link, row)
    made = await order(link, row)
    async with transaction() as conn:
        operator = PersonId(await an_operator(conn))
        handle = await conn.scalar(
            text("SELECT handle FROM organisations WHERE id = :id"), {"id": link.creator_id}
        )
        await dispute(conn, order_id=made.id, claim_id=None, handle=str(handle), at=PAID,
                      reason="Seen in the recording", person_id=operator)  # fmt: skip
    assert (await order(link, row)).booked_at is not None
    assert (await owned(made.id))["partner_receivable"] == -3_383
    assert (await told(link, row)).repeated == 1


async def test_a_row_is_looked_at_once_more_when_its_click_is_there() -> None:
    link = await a_scene()
    row = settled(a_row(link, sub_id="late"))
    await told(link, row)
    async with transaction() as conn:
        late = await a_click(conn, link_id=link.link_id, source=link.source, at=CLICKED)
        await conn.execute(
            text("UPDATE clicks SET sub_id = 'late' WHERE sub_id = :late"), {"late": late}
        )
        row_id = await conn.scalar(
            text("SELECT id FROM report_rows WHERE source = :s"), {"s": link.source}
        )
        taken = await retry_row(conn, row_id=row_id, at=PAID)
    assert taken.counts.applied == 1
    assert (await order(link, row)).ruling_id is not None
    async with transaction() as conn:
        await conn.execute(text("UPDATE clicks SET sub_id = NULL WHERE sub_id = 'late'"))


async def test_an_event_does_what_a_row_does() -> None:
    link = await a_scene()
    says = Reported(
        order_ref="E1",
        currency="CNY",
        status="completed",
        state=State.SETTLED,
        paid_minor=10_000,
        estimated_gross_minor=1_000,
        settled_base_minor=10_000,
        settled_gross_minor=1_000,
        paid_at=PAID,
        settled_at=PAID + timedelta(days=10),
        sub_id=link.sub_id,
    )
    back = Reported(
        order_ref="E1",
        currency="CNY",
        refund=Refund(case="returned", kind=RefundKind.CLAWBACK, base_minor=10_000),
    )
    for row in (says, says, back, back):
        async with transaction() as conn:
            outcome = await order_reported(
                conn, source=link.source, row=row, told_by="ucp", at=PAID
            )
            assert outcome is Outcome.APPLIED
    made = await order(link, {"trade_id": "E1"})
    assert (made.settled_minor, made.refunded_minor) == (1_000, 1_000)
    assert await owned(made.id) == {}


def at_shanghai(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00+08:00")
