"""A penalty by a dated rule: its fine out of the deposit, its appeal, and its exact reversal."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.books import balances
from tests.factories import T0, AStore, a_buyer, a_link, a_person, a_store, the_rules

from dougong.base.errors import BadInput, KeyReused, NotFound
from dougong.base.ids import PLATFORM_BOOK, PersonId, VideoId
from dougong.flows import penalise as flow
from dougong.flows.book_orders import CLEARING
from dougong.flows.publish_video import link_product
from dougong.infra import clock
from dougong.ledger.commands import book
from dougong.ledger.rules import PLATFORM, AccountName, Entry, EntryKind, Part, Purpose, moved
from dougong.reads.standing import counts, deposit_of, late_orders
from dougong.standing import commands
from dougong.standing.queries import formula_at, rules_in_force
from dougong.standing.rules import (
    AppealedAlready,
    AppealTooLate,
    Count,
    Deposit,
    Measure,
    Metric,
    NoStandingRule,
    OtherPersonNeeded,
    PenaltyReversed,
    Restrained,
    RuleOfKind,
    StandingRuleInPast,
    StandingRuleNotOpen,
)

pytestmark = pytest.mark.money
NOW = T0 + timedelta(days=30)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Scene:
    """A store with rules about it, and two people of the operator."""

    def __init__(self, conn: AsyncConnection, store: AStore, people: list[PersonId]) -> None:
        self.conn, self.store = conn, store
        self.olga, self.otto, self.owner = people

    async def order(self, number: str, *, paid: datetime, shipped: datetime | None = None,
                    total: int = 9_900) -> str:  # fmt: skip
        """A paid order as history knows it."""
        buyer = await a_buyer(self.conn)
        state = "shipped" if shipped else "paid"
        number = f"{number}-{uuid4().hex[:8]}"
        await self.conn.execute(
            text("""
                INSERT INTO orders (store_id, id, number, checkout_id, buyer_id, idempotency_key,
                  request_hash, state, currency, goods_minor, discount_minor, shipping_minor,
                  total_minor, address, receive_within_s, after_sales_window_s, placed_at, pay_by,
                  paid_at, shipped_at)
                VALUES (:store, :id, :number, :id, :buyer, :number, '', :state, 'CNY', :total, 0, 0,
                  :total, '{}', 1, 1, :paid, :paid, :paid, :shipped)
            """),
            {"store": self.store.store_id, "id": uuid4(), "number": number, "state": state,
             "buyer": buyer.person_id, "total": total, "paid": paid, "shipped": shipped},
        )  # fmt: skip
        await self.conn.execute(
            text("""
                INSERT INTO ship_promises (store_id, order_id, promised_by, made_at, kept_at)
                SELECT store_id, id, paid_at + interval '48 hours', paid_at, shipped_at
                FROM orders WHERE store_id = :store AND number = :number
            """),
            {"store": self.store.store_id, "number": number},
        )
        return number

    async def penalise(self, *numbers: str, violation: str = "late_shipping", key: str = "",
                       words: str = "晚了", at: datetime = NOW) -> UUID:  # fmt: skip
        return await flow.penalise(
            self.conn, store_id=self.store.store_id, violation=violation, order_numbers=numbers,
            words=words, person_id=self.olga, key=key or uuid4().hex, at=at,
        )  # fmt: skip

    async def appeal(self, penalty_id: UUID, *, at: datetime = NOW + DAY) -> None:
        await flow.appeal(
            self.conn, store_id=self.store.store_id, penalty_id=penalty_id, words="暴雨",
            person_id=self.owner, at=at,
        )  # fmt: skip

    async def answer(self, penalty_id: UUID, *, is_reversed: bool, by: PersonId) -> None:
        await flow.answer_appeal(
            self.conn, store_id=self.store.store_id, penalty_id=penalty_id,
            is_reversed=is_reversed, answer="核实", person_id=by, at=NOW + 2 * DAY,
        )  # fmt: skip

    async def held(self) -> tuple[int, int]:
        """Of the deposit, and of the platform's fines from anybody: minor units."""
        books = await balances(self.conn, PLATFORM_BOOK)
        return (
            books.get((self.store.store_id, Purpose.DEPOSIT), 0),
            books.get((PLATFORM, Purpose.PLATFORM_FINES), 0),
        )


@pytest.fixture
async def scene(conn: AsyncConnection) -> Scene:
    await the_rules(conn)
    people = [await a_person(conn) for _ in range(3)]
    await commands.install_default_rules(conn, author_id=people[0], approver_id=people[1])
    return Scene(conn, await a_store(conn), people)


async def test_a_fine_is_a_share_of_the_orders_it_is_about(scene: Scene) -> None:
    _, before = await scene.held()
    numbers = [await scene.order("L", paid=NOW - 3 * DAY) for _ in range(2)]
    await scene.penalise(*numbers)
    deposit, fines = await scene.held()
    assert (deposit, fines - before) == (-990, 990)  # 5 % of 2 × 99 yuan


async def test_the_same_key_decides_once_and_another_body_is_refused(scene: Scene) -> None:
    number = await scene.order("L", paid=NOW - 3 * DAY)
    first = await scene.penalise(number, key="k" * 12)
    assert await scene.penalise(number, key="k" * 12) == first
    assert (await scene.held())[0] == -495
    with pytest.raises(KeyReused):
        await scene.penalise(number, key="k" * 12, words="另一件事")


async def test_an_order_of_another_store_is_refused(scene: Scene) -> None:
    with pytest.raises(BadInput) as refused:
        await scene.penalise("nobody's")
    assert (refused.value.field, refused.value.facts["reason"]) == ("orders", "unknown_order")
    assert (await scene.held())[0] == 0


async def test_a_violation_without_a_rule_is_refused(scene: Scene) -> None:
    with pytest.raises(NoStandingRule):
        await scene.penalise(violation="bad_mood")


async def test_a_reversal_gives_back_to_the_fen_and_only_once(scene: Scene) -> None:
    number = await scene.order("L", paid=NOW - 3 * DAY, total=19_999)
    before = await scene.held()
    penalty_id = await scene.penalise(number)
    await scene.appeal(penalty_id)
    await scene.answer(penalty_id, is_reversed=True, by=scene.otto)
    assert await scene.held() == before
    with pytest.raises(PenaltyReversed):
        await flow.take_back(
            scene.conn, store_id=scene.store.store_id, penalty_id=penalty_id, why="x",
            person_id=scene.otto, at=NOW + 3 * DAY,
        )  # fmt: skip


async def test_who_decided_does_not_answer_the_appeal(scene: Scene) -> None:
    penalty_id = await scene.penalise(await scene.order("L", paid=NOW - 3 * DAY))
    await scene.appeal(penalty_id)
    with pytest.raises(OtherPersonNeeded):
        await scene.answer(penalty_id, is_reversed=False, by=scene.olga)
    await scene.answer(penalty_id, is_reversed=False, by=scene.otto)
    assert (await scene.held())[0] == -495


async def test_an_appeal_is_answered_once(scene: Scene) -> None:
    penalty_id = await scene.penalise(await scene.order("L", paid=NOW - 3 * DAY))
    await scene.appeal(penalty_id)
    await scene.answer(penalty_id, is_reversed=False, by=scene.otto)
    with pytest.raises(NotFound):
        await scene.answer(penalty_id, is_reversed=True, by=scene.otto)


async def test_an_appeal_comes_once_and_in_time(scene: Scene) -> None:
    number = await scene.order("L", paid=NOW - 3 * DAY)
    penalty_id, late = await scene.penalise(number), await scene.penalise(number)
    await scene.appeal(penalty_id, at=NOW + 7 * DAY - timedelta(microseconds=1))
    with pytest.raises(AppealedAlready):
        await scene.appeal(penalty_id)
    with pytest.raises(AppealTooLate):
        await scene.appeal(late, at=NOW + 7 * DAY)


async def test_a_measure_keeps_new_links_away_until_it_ends_or_is_taken_back(scene: Scene) -> None:
    conn, store = scene.conn, scene.store
    link_id, creator_id = await a_link(conn, await a_store(conn))
    video = await conn.scalar(
        text("SELECT video_id FROM product_links WHERE id = :id"), {"id": link_id}
    )

    async def link(at: datetime) -> Any:
        return await link_product(
            conn, video_id=VideoId(video), creator_id=creator_id, store_id=store.store_id,
            product_id=store.products[0], at=at,  # type: ignore[arg-type]
        )  # fmt: skip

    penalty_id = await scene.penalise(violation="fake_shipping")
    with pytest.raises(Restrained) as refused:
        await link(NOW + 7 * DAY - HOUR)
    assert refused.value.facts["measure"] == Measure.NO_NEW_LINKS
    await flow.take_back(
        conn, store_id=store.store_id, penalty_id=penalty_id, why="查无此事", person_id=scene.otto,
        at=NOW + HOUR,
    )  # fmt: skip
    assert await link(NOW + 2 * HOUR)


@pytest.mark.parametrize("statement", [
    "UPDATE penalties SET fine_minor = fine_minor + 1 WHERE id = :id",
    "DELETE FROM penalties WHERE id = :id",
])  # fmt: skip
async def test_what_was_decided_stays(scene: Scene, statement: str) -> None:
    penalty_id = await scene.penalise(await scene.order("L", paid=NOW - 3 * DAY))
    with pytest.raises(IntegrityError, match="penalties are kept"):
        await scene.conn.execute(text(statement), {"id": penalty_id})


async def test_a_score_counts_what_was_due_and_what_was_kept(scene: Scene) -> None:
    await scene.order("in-time", paid=NOW - 5 * DAY, shipped=NOW - 4 * DAY)
    await scene.order("late", paid=NOW - 5 * DAY, shipped=NOW - 2 * DAY)
    await scene.order("never", paid=NOW - 3 * DAY)
    await scene.order("not-due", paid=NOW - DAY)
    await scene.order("too-old", paid=NOW - 40 * DAY, shipped=NOW - 39 * DAY)
    _, formula = await formula_at(scene.conn, at=NOW)
    found = await counts(scene.conn, store_id=scene.store.store_id, formula=formula, at=NOW)
    assert found[Metric.SHIPPED_IN_TIME] == Count(1, 3)
    assert found[Metric.NOT_SENT_BACK] == Count(2, 2)


async def a_case(scene: Scene, *, opened: datetime) -> UUID:
    case_id, key = uuid4(), uuid4().hex
    number = await scene.order("C", paid=opened - DAY, shipped=opened - HOUR)
    await scene.conn.execute(
        text("""
            INSERT INTO cases (store_id, id, number, order_id, buyer_id, kind, state, waiting_for,
              reason, currency, asked_minor, was_final, idempotency_key, request_hash, opened_at)
            SELECT store_id, :id, :key, id, buyer_id, 'refund_only', 'asked', 'merchant', 'broken',
              'CNY', 100, false, :key, '', :opened FROM orders WHERE number = :number
        """),
        {"id": case_id, "key": key, "opened": opened, "number": number},
    )
    return case_id


async def case_moved(scene: Scene, case_id: UUID, side: str, *, at: datetime) -> None:
    await scene.conn.execute(
        text("""
            INSERT INTO case_moves (store_id, case_id, n, from_state, to_state, side, at)
            VALUES (:store, :case, 2, 'asked', 'offered', :side, :at)
        """),
        {"store": scene.store.store_id, "case": case_id, "side": side, "at": at},
    )


async def ruled(scene: Scene, case_id: UUID, instance: int, outcome: str) -> None:
    await scene.conn.execute(
        text("""
            INSERT INTO case_rulings (store_id, case_id, instance, question, outcome, granted_minor,
              bearer, reason, person_id, at)
            VALUES (:store, :case, :instance, 'q', :outcome, :granted, 'merchant', 'r', :person,
              :at)
        """),
        {"store": scene.store.store_id, "case": case_id, "instance": instance,
         "outcome": outcome, "granted": 0 if outcome == "nothing" else 100,
         "person": scene.olga, "at": NOW - DAY + instance * HOUR},
    )  # fmt: skip


async def test_a_score_counts_answers_in_time_and_the_last_rulings(scene: Scene) -> None:
    in_time = await a_case(scene, opened=NOW - 5 * DAY)
    await case_moved(scene, in_time, "merchant", at=NOW - 4 * DAY)
    for side, after in (("rule", HOUR), ("deadline", 2 * DAY), ("buyer", HOUR)):
        one = await a_case(scene, opened=NOW - 5 * DAY)
        await case_moved(scene, one, side, at=NOW - 5 * DAY + after)
    await a_case(scene, opened=NOW - HOUR)  # there is still time
    await ruled(scene, in_time, 1, "refund")
    other = await a_case(scene, opened=NOW - 40 * DAY)
    await ruled(scene, other, 1, "refund")
    await ruled(scene, other, 2, "nothing")
    _, formula = await formula_at(scene.conn, at=NOW)
    found = await counts(scene.conn, store_id=scene.store.store_id, formula=formula, at=NOW)
    assert found[Metric.ANSWERED_IN_TIME] == Count(2, 3)
    assert found[Metric.RULED_FOR] == Count(1, 2)


async def test_late_orders_are_listed_until_they_are_punished(scene: Scene) -> None:
    number = await scene.order("late", paid=NOW - 3 * DAY)
    await scene.order("not-yet", paid=NOW - DAY)

    async def late() -> list[str]:
        rows = await late_orders(scene.conn, at=NOW, store_id=scene.store.store_id, most=10)
        return [row.number for row in rows]

    assert await late() == [number]
    await scene.penalise(number)
    assert await late() == []


async def test_what_is_more_than_due_goes_back_to_the_merchant_once(scene: Scene) -> None:
    conn, store = scene.conn, scene.store
    state = await deposit_of(conn, store_id=store.store_id, currency="CNY", at=NOW)
    assert (state.held_minor, state.due_minor, state.missing_minor) == (0, 200_000, 200_000)
    await pay_in(conn, store, 250_000)
    for _ in range(2):
        back = await flow.return_spare_deposit(
            conn, store_id=store.store_id, person_id=scene.olga, key="back-1234", at=NOW
        )
        assert back == 50_000
    books = await balances(conn, PLATFORM_BOOK)
    assert books[(store.org_id, Purpose.MERCHANT_PAYABLE)] == 50_000
    with pytest.raises(BadInput):
        await flow.return_spare_deposit(
            conn, store_id=store.store_id, person_id=scene.olga, key="back-5678", at=NOW
        )


async def pay_in(conn: AsyncConnection, store: AStore, minor: int) -> None:
    deposit = AccountName(store.store_id, Purpose.DEPOSIT)
    entry = Entry(
        kind=EntryKind.DEPOSIT_PAID, key=f"pay_in:{uuid4()}", counts_at=NOW,
        transfers=tuple(moved(CLEARING, deposit, minor, Part.DEPOSIT)),
    )  # fmt: skip
    await book(conn, store_id=PLATFORM_BOOK, currency="CNY", entries=[entry], written_at=NOW)


# Which rules may still change is decided by the clock of the database.
TODAY = clock.wall_now()


async def draft(scene: Scene, minor: int, *, starts: datetime) -> UUID:
    return await commands.draft_rule(
        scene.conn, subject="beauty", terms=Deposit(minor, "CNY"), starts=starts,
        reason_zh="美妆", reason_en="beauty", citation="", author_id=scene.olga, at=TODAY,
    )  # fmt: skip


async def test_a_rule_needs_a_second_person_and_ends_what_it_replaces(scene: Scene) -> None:
    conn, tomorrow = scene.conn, TODAY + DAY
    for nth, minor in enumerate((300_000, 400_000)):
        rule_id = await draft(scene, minor, starts=tomorrow + nth * DAY)
        with pytest.raises(OtherPersonNeeded):
            await commands.approve_rule(conn, rule_id=rule_id, approver_id=scene.olga, at=TODAY)
        await commands.approve_rule(conn, rule_id=rule_id, approver_id=scene.otto, at=TODAY)
        with pytest.raises(StandingRuleNotOpen):
            await commands.approve_rule(conn, rule_id=rule_id, approver_id=scene.otto, at=TODAY)

    async def due(at: datetime) -> list[int]:
        rules = await rules_in_force(conn, kind=RuleOfKind.DEPOSIT, at=at)
        found = [rule.terms for rule in rules if rule.subject == "beauty"]
        return [terms.amount_minor for terms in found if isinstance(terms, Deposit)]

    assert await due(TODAY) == []
    assert await due(tomorrow + DAY - HOUR) == [300_000]
    assert await due(tomorrow + DAY) == [400_000]


async def test_a_rule_never_starts_in_the_past(scene: Scene) -> None:
    with pytest.raises(StandingRuleInPast):
        await draft(scene, 1, starts=TODAY - HOUR)
    rule_id = await draft(scene, 1, starts=TODAY + HOUR)
    with pytest.raises(StandingRuleInPast):
        await commands.approve_rule(
            scene.conn, rule_id=rule_id, approver_id=scene.otto, at=TODAY + 2 * HOUR
        )
