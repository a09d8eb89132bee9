"""What the API of how merchants stand takes and gives, alike for a store and the platform."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, cast
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import StoreId
from dougong.base.money import Money
from dougong.catalog.queries import store_of
from dougong.reads import standing as reads
from dougong.standing.queries import StandingRule, formula_at, penalty_of, rule_of
from dougong.standing.rules import (
    MOST_ORDERS,
    MOST_WORDS,
    DepositAsked,
    NoStandingRule,
    PartScore,
    Tariff,
    score,
)
from dougong.web.api.case_types import AmountMinor
from dougong.web.api.common import Filled, Lines, filled
from dougong.web.forms import Input
from dougong.web.standing_words import sum_words

Words = Annotated[Lines, Meta(min_length=1, max_length=MOST_WORDS)]


class WordsInput(Input):
    words: Words


class DepositInput(Input):
    """In the store's currency."""

    amount_minor: AmountMinor


class PenaltyInput(Input, kw_only=True):
    """`violation`: of a rule in force. `orders`: the numbers of the orders that it is about."""

    violation: Annotated[str, Meta(pattern=r"^[0-9a-z_]{1,60}$")]
    orders: Annotated[
        list[Annotated[Filled, Meta(min_length=1, max_length=60)]], Meta(max_length=MOST_ORDERS)
    ] = msgspec.field(default_factory=list)
    words: Words


class AnswerInput(Input, kw_only=True):
    outcome: Literal["upheld", "reversed"]
    words: Words


class RuleNamed(msgspec.Struct):
    """A dated row, in force from `starts`, for good where `ends` is null."""

    id: UUID
    subject: str
    starts: datetime
    ends: datetime | None
    reason_zh: str
    reason_en: str
    citation: str


class ScoreShown(msgspec.Struct):
    """`score_bp`: of 10 000, null where nothing was counted; over the last `days`. `parts`: `good`
    of `of`, their share, and the points that it gives: none up to the floor, all from the goal on.
    `reckoning`: the weighted mean as one would type it."""

    rule: RuleNamed
    days: int
    score_bp: int | None
    parts: list[PartScore]
    reckoning: str


class CategoryDeposit(msgspec.Struct):
    """`rule_of`: the category whose rule decides; `*`: the one for all, empty: none."""

    category: str
    rule_of: str
    amount: Money


class DepositShown(msgspec.Struct):
    """`due`: the most that a category asks for, by the rule of `category`. `held` may be below zero
    where fines took more. `spare`: what the platform can give back."""

    held: Money
    due: Money
    missing: Money
    spare: Money
    category: str
    categories: list[CategoryDeposit]


class StandingShown(msgspec.Struct):
    """`score`: null while no formula is in force."""

    store_id: UUID
    score: ScoreShown | None
    deposit: DepositShown


async def standing_of(conn: AsyncConnection, *, store_id: UUID, at: datetime) -> StandingShown:
    """Raises NotFound."""
    ours = StoreId(store_id)
    store = await store_of(conn, store_id=ours)
    where: dict[str, Any] = {"store_id": ours, "currency": store.currency, "at": at}
    state = await reads.deposit_of(conn, **where)
    asked = await reads.deposits_by_category(conn, **where)
    shown = deposit_shown(state, asked, store.currency)
    return StandingShown(store_id, await _score(conn, ours, at), shown)


async def _score(conn: AsyncConnection, store_id: StoreId, at: datetime) -> ScoreShown | None:
    try:
        rule, formula = await formula_at(conn, at=at)
    except NoStandingRule:
        return None
    found = await reads.counts(conn, store_id=store_id, formula=formula, at=at)
    made = score(formula, found)
    return ScoreShown(
        filled(RuleNamed, rule), formula.days, made.score_bp, list(made.parts),
        sum_words(made.parts),
    )  # fmt: skip


def deposit_shown(
    state: reads.DepositState, asked: list[DepositAsked], currency: str
) -> DepositShown:
    return DepositShown(
        held=Money(state.held_minor, currency),
        due=Money(state.due_minor, currency),
        missing=Money(state.missing_minor, currency),
        spare=Money(state.spare_minor, currency),
        category=state.category,
        categories=[
            CategoryDeposit(one.category, one.rule_of, Money(one.amount_minor, currency))
            for one in asked
        ],
    )


class DayScoreShown(msgspec.Struct):
    day: date
    score_bp: int | None
    parts: list[PartScore]


class DayScores(msgspec.Struct):
    """The oldest first."""

    items: list[DayScoreShown]


class PenaltyShown(msgspec.Struct):
    """`state`: decided, appealed, upheld or reversed. `measure`: what the store may not do until
    `measure_until`, while the penalty holds. `reason_zh`, `reason_en`: the rule's."""

    store_id: UUID
    store_code: str
    penalty_id: UUID
    violation: str
    words: str
    fine: Money
    measure: str
    measure_until: datetime | None
    appeal_until: datetime
    decided_at: datetime
    state: str
    reason_zh: str
    reason_en: str

    @classmethod
    def of(cls, row: Any) -> Self:
        fine = Money(row.fine_minor, row.currency)
        return filled(cls, row, store_code=row.code, penalty_id=row.id, fine=fine)


class PenaltyPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[PenaltyShown]
    after: str | None


class TariffShown(msgspec.Struct):
    """A fixed amount and a share of what was paid for the orders, together at most `most`."""

    fixed: Money
    share_bp: int
    most: Money
    measure: str
    measure_days: int
    appeal_days: int

    @classmethod
    def of(cls, tariff: Tariff) -> Self:
        return filled(
            cls, tariff, fixed=Money(tariff.fixed_minor, tariff.currency),
            most=Money(tariff.most_minor, tariff.currency),
        )  # fmt: skip


class PenaltyRule(RuleNamed):
    """The version that decided."""

    tariff: TariffShown

    @classmethod
    def of(cls, rule: StandingRule) -> Self:
        return filled(cls, rule, tariff=TariffShown.of(cast(Tariff, rule.terms)))


class PenaltyOrder(msgspec.Struct):
    """As it stood when the penalty was decided, and its `state` now."""

    order_id: UUID
    number: str
    amount: Money
    state_then: str
    paid_at: datetime | None
    shipped_then: datetime | None
    state: str


class AppealShown(msgspec.Struct):
    """`outcome`: upheld or reversed; null while it waits."""

    words: str
    appealed_at: datetime
    outcome: str | None
    answer: str | None
    answered_at: datetime | None


class PenaltyDetail(msgspec.Struct):
    """`paid`: for the `orders`, of which the tariff takes a share. `may_appeal`: the store, now."""

    penalty: PenaltyShown
    rule: PenaltyRule
    paid: Money
    orders: list[PenaltyOrder]
    appeal: AppealShown | None
    may_appeal: bool
    reversed_at: datetime | None
    reversed_why: str | None


async def penalty_detail(
    conn: AsyncConnection, *, store_id: UUID, penalty_id: UUID, at: datetime
) -> PenaltyDetail:
    """Raises NotFound."""
    ours = StoreId(store_id)
    row = await penalty_of(conn, store_id=ours, penalty_id=penalty_id)
    (head,) = await reads.penalty_rows(conn, store_id=ours, only_id=penalty_id, most=1)
    found = await reads.penalty_orders(conn, store_id=ours, penalty_id=penalty_id)
    appeal = None
    if row.appealed_at is not None:
        appeal = filled(AppealShown, row, words=row.appeal_words)
    return PenaltyDetail(
        penalty=PenaltyShown.of(head),
        rule=PenaltyRule.of(await rule_of(conn, rule_id=row.rule_id)),
        paid=Money(row.facts["paid_minor"], row.currency),
        orders=[_order(one) for one in found],
        appeal=appeal,
        may_appeal=row.appealed_at is None and row.reversed_at is None and at < row.appeal_until,
        reversed_at=row.reversed_at,
        reversed_why=row.reversed_why,
    )


def _order(row: Any) -> PenaltyOrder:
    then = row.facts["shipped_at"]
    return filled(
        PenaltyOrder, row, amount=Money(row.facts["total_minor"], row.currency),
        state_then=row.facts["state"],
        shipped_then=datetime.fromisoformat(then) if then else None,
    )  # fmt: skip


# The platform's side ---------------------------------------------------------------------------


class StoreStanding(msgspec.Struct):
    """The score of the last counted `day`, how many penalties of a year hold, and what the store
    may not do now."""

    store_id: UUID
    code: str
    name_zh: str
    name_en: str
    day: date | None
    score_bp: int | None
    penalties: int
    measure: str | None


class StoreStandings(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[StoreStanding]
    after: str | None


class LateOrder(msgspec.Struct):
    store_id: UUID
    order_id: UUID
    number: str
    total: Money
    promised_by: datetime
    state: str

    @classmethod
    def of(cls, row: Any) -> Self:
        return filled(cls, row, order_id=row.id, total=Money(row.total_minor, row.currency))


class LateOrders(msgspec.Struct):
    items: list[LateOrder]


class Tariffs(msgspec.Struct):
    """Those in force; `subject` is the violation."""

    items: list[PenaltyRule]


class DepositReturned(msgspec.Struct):
    """Owed to the merchant now: it goes out with the next payout."""

    returned: Money
    deposit: DepositShown
