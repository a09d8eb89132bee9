"""What the API of payouts takes and gives, for payees and for the platform."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK
from dougong.base.money import Money
from dougong.reads.payee_payouts import PayeePayouts
from dougong.reads.payout_lines import payout_lines
from dougong.reads.payouts import PayoutRow, RunRow, StateSum, moves_of
from dougong.settlement.payout_rules import PayoutState, Terms
from dougong.web.api.common import Filled, OneLine, filled
from dougong.web.forms import Input

State = Literal["", "booked", "held", "sent", "confirmed", "returned"]
OfPurpose = Literal["", "merchant_payable", "creator_payable", "agency_payable", "buyer_payable"]


class AccountInput(Input, kw_only=True):
    """`number`: 8 to 34 letters and digits, or an IBAN; blanks and hyphens are left out."""

    holder: Annotated[Filled, Meta(min_length=1, max_length=100)]
    bank: Annotated[Filled, Meta(min_length=1, max_length=100)]
    number: Annotated[str, Meta(pattern=r"^[0-9A-Za-z \-]{8,60}$")]


class WhyInput(Input):
    why: Annotated[Filled, Meta(min_length=1, max_length=200)]


class ConfirmedInput(Input):
    bank_ref: Annotated[Filled, Meta(min_length=1, max_length=100)]


class ReturnedInput(Input, kw_only=True):
    reason: Annotated[Filled, Meta(min_length=1, max_length=200)]
    bank_ref: Annotated[OneLine, Meta(max_length=100)] = ""


class RunInput(Input):
    """`day`: today, where it is left out."""

    day: date | None = None


class PayoutTerms(msgspec.Struct):
    """`weekday`: 1 (Monday) to 7, null for every day. `hold_days`: what was credited in the last so
    many days waits. `change_wait_days`: so long nothing is paid to a changed account."""

    weekday: int | None
    minimum: Money
    hold_days: int
    change_wait_days: int

    @classmethod
    def of(cls, terms: Terms, currency: str) -> Self:
        return filled(cls, terms, minimum=Money(terms.minimum_minor, currency))


class ToComeShown(msgspec.Struct):
    """`waiting`: what of `owed` is too young, or below the least payout. `taken`: what refunds took
    after a payout; it comes off what is paid next. `terms`: null where none are in force."""

    purpose: str
    owed: Money
    waiting: Money
    taken: Money
    terms: PayoutTerms | None
    next_day: date | None


class PayoutAccount(msgspec.Struct):
    """`is_change`: it replaced one that had been verified. `why`: of one that was refused."""

    id: UUID
    currency: str
    holder: str
    bank: str
    number_tail: str
    is_change: bool
    made_at: datetime
    verified_at: datetime | None
    closed_at: datetime | None
    why: str


class PayoutOutlook(msgspec.Struct):
    """`not_paid_why`: empty where the account is paid to; else `none`, `unverified`, or `new` until
    `paid_from`. `refused`: the last account, where it was refused and none is there."""

    to_come: list[ToComeShown]
    account: PayoutAccount | None
    refused: PayoutAccount | None
    not_paid_why: str
    paid_from: datetime | None

    @classmethod
    def of(cls, mine: PayeePayouts) -> Self:
        return cls(
            [
                ToComeShown(
                    purpose=one.purpose,
                    owed=Money(one.owed_minor, one.currency),
                    waiting=Money(one.waiting_minor, one.currency),
                    taken=Money(one.taken_minor, one.currency),
                    terms=PayoutTerms.of(one.terms, one.currency) if one.terms else None,
                    next_day=one.next_day,
                )
                for one in mine.to_come
            ],
            filled(PayoutAccount, mine.account) if mine.account else None,
            filled(PayoutAccount, mine.refused) if mine.refused else None,
            mine.usable.why,
            mine.usable.usable_at,
        )


class Payout(msgspec.Struct):
    """`store_id`: whose book pays it; null for the platform's. `why`: why it is held or came back,
    as it was typed or in a code such as `account_closed`. `retry_of`: the payout that came back and
    is paid again by this one."""

    id: UUID
    store_id: UUID | None
    purpose: str
    day: date
    amount: Money
    state: PayoutState
    why: str
    bank: str
    number_tail: str
    bank_ref: str | None
    retry_of: UUID | None
    booked_at: datetime
    sent_at: datetime | None
    done_at: datetime | None

    @classmethod
    def of(cls, row: PayoutRow) -> Self:
        return filled(cls, row, **_of_row(row))


def _of_row(row: PayoutRow) -> dict[str, Any]:
    store_id = None if row.store_id == PLATFORM_BOOK else row.store_id
    return {"store_id": store_id, "amount": Money(row.amount_minor, row.currency)}


class PayoutPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[Payout]
    after: str | None


class PayoutMove(msgspec.Struct):
    """`side`: platform, operator or bank."""

    to_state: str
    side: str
    why: str
    at: datetime


class PayoutLineShown(msgspec.Struct):
    """What an order, or what has none (`kind` says what that was), brought; below zero: took."""

    order_id: UUID | None
    number: str
    kind: str
    amount: Money


class PayoutParts(msgspec.Struct):
    """What was booked since the payout before from the same book: `lines`, the newest first, and
    `others` more of them. `carried`: what had been owed before, less what still waits. Together
    they are the payout."""

    lines: list[PayoutLineShown]
    others: int
    others_amount: Money
    carried: Money


class PayoutDetail(msgspec.Struct):
    """`course`: from its beginning."""

    payout: Payout
    course: list[PayoutMove]
    parts: PayoutParts


async def payout_detail(conn: AsyncConnection, row: PayoutRow) -> PayoutDetail:
    course = await moves_of(conn, store_id=row.store_id, payout_id=row.id)
    parts = await parts_of(conn, row)
    return PayoutDetail(Payout.of(row), [filled(PayoutMove, one) for one in course], parts)


async def parts_of(conn: AsyncConnection, row: PayoutRow) -> PayoutParts:
    found = await payout_lines(
        conn, store_id=row.store_id, payout_id=row.id, amount_minor=row.amount_minor
    )
    lines = [
        filled(PayoutLineShown, line, amount=Money(line.minor, row.currency))
        for line in found.lines
    ]
    others = Money(found.others_minor, row.currency)
    return PayoutParts(lines, found.others, others, Money(found.carried_minor, row.currency))


# The platform's side ---------------------------------------------------------------------------


class DeskPayout(Payout):
    """With its payee, its run and its account. `retried_by`: the payout that pays it again."""

    payee_id: UUID
    payee: str | None
    holder: str
    account_id: UUID
    run_id: UUID
    run_state: str
    retried_by: UUID | None


class DeskPayoutPage(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[DeskPayout]
    after: str | None


class DeskMove(PayoutMove):
    """`person`: who did it, where somebody did."""

    person: str | None


class DeskPayoutDetail(msgspec.Struct):
    """`course`: from its beginning."""

    payout: DeskPayout
    course: list[DeskMove]
    parts: PayoutParts


async def desk_detail(conn: AsyncConnection, row: PayoutRow) -> DeskPayoutDetail:
    course = await moves_of(conn, store_id=row.store_id, payout_id=row.id)
    parts = await parts_of(conn, row)
    return DeskPayoutDetail(DeskPayout.of(row), [filled(DeskMove, one) for one in course], parts)


class PayoutRun(msgspec.Struct):
    """The payouts of one day, currency and kind of payee. `state`: making, waiting (above `limit`
    two people let it go) or approved. `unpaid`: payees without an account that is paid to, who stay
    owed `unpaid_amount`."""

    id: UUID
    day: date
    purpose: str
    state: str
    payouts: int
    total: Money
    limit: Money
    unpaid: int
    unpaid_amount: Money
    starter: str | None
    started_at: datetime
    made_at: datetime | None
    checker: str | None
    checked_at: datetime | None
    approver: str | None
    approved_at: datetime | None

    @classmethod
    def of(cls, row: RunRow) -> Self:
        currency = row.currency
        return filled(
            cls, row, total=Money(row.total_minor, currency),
            limit=Money(row.limit_minor, currency),
            unpaid_amount=Money(row.unpaid_minor, currency),
        )  # fmt: skip


class PayoutRuns(msgspec.Struct):
    """`after`: pass it back for the next page; null on the last one."""

    items: list[PayoutRun]
    after: str | None


class RunsStarted(msgspec.Struct):
    """One for each kind of payee and currency that has terms."""

    items: list[PayoutRun]


class StateSumShown(msgspec.Struct):
    state: str
    payouts: int
    amount: Money


class PayoutRunDetail(msgspec.Struct):
    """`states`: how many of its payouts stand where now."""

    run: PayoutRun
    states: list[StateSumShown]


def sums_shown(sums: list[StateSum]) -> list[StateSumShown]:
    return [StateSumShown(one.state, one.payouts, Money(one.minor, one.currency)) for one in sums]
