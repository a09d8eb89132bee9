"""What a row of another platform's order list says, and the dated life that follows from it.

A row has no more than seven facts. Whatever else an order of ours has follows from the terms that
were in force when it was placed; `docs/how-to/import-orders.md` lists every choice made here.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from dougong.base.errors import Refusal
from dougong.base.money import BadAmount, minor_from_text
from dougong.orders.rules import LineMoney, OrderState

FORMATS = ("tmall",)
CURRENCY = "CNY"
# Tmall writes local times of mainland China.
TMALL_ZONE = ZoneInfo("Asia/Shanghai")
# The columns of a Tmall order list, in the order of `TmallRow`.
TMALL_COLUMNS = (
    "订单编号",
    "总金额",
    "买家实际支付金额",
    "收货地址",
    "订单创建时间",
    "订单付款时间",
    "退款金额",
)
FIELDS = ("number", "total", "kept", "province", "created", "paid", "refunded")
MOST_NUMBER_LETTERS = 50
MOST_PROVINCE_LETTERS = 60
MOST_MINOR = 100_000_000_000  # a thousand million yuan: more is a mistake


class UnknownColumns(Refusal):
    """The first line is not that of the format. Facts: `missing`, `unknown`."""

    code = "unknown_columns"


class BadRow(msgspec.Struct, frozen=True):
    """A row that cannot be taken: its line in the file (the header is line 1), the field at
    fault (one of FIELDS, or `row`) and why, in one word."""

    line: int
    field: str
    reason: str


class RowRefused(ValueError):
    """`field` and `reason` of a BadRow, before its line is known."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field, self.reason = field, reason


class HistoryOrder(msgspec.Struct, frozen=True, gc=False):
    """One order of the list. Amounts in fen; `paid_at` None: never paid. The buyer paid
    `total_minor`, of which `refunded_minor` went back."""

    number: str
    total_minor: int
    refunded_minor: int
    province: str
    placed_at: datetime
    paid_at: datetime | None
    digest: bytes  # SHA-256 of what the row says: tells a repeat from a changed row


class Terms(msgspec.Struct, frozen=True, eq=False):
    """The rules in force when an order was placed: rates in basis points, spans in seconds.
    One object per stretch of time, and known by it."""

    service_fee_bp: int
    service_fee_rule_id: UUID
    payment_cost_bp: int
    payment_cost_rule_id: UUID
    pay_within_s: int
    receive_within_s: int
    receive_rule_id: UUID
    after_sales_window_s: int
    after_sales_rule_id: UUID


class Deadline(msgspec.Struct, frozen=True, gc=False):
    """A deadline of a life: still to come while `done_at` is None."""

    kind: str
    due_at: datetime
    done_at: datetime | None
    outcome: str | None


class Life(msgspec.Struct, frozen=True, gc=False):
    """How far an order has come by now, and when."""

    state: OrderState
    pay_by: datetime
    shipped_at: datetime | None = None
    received_at: datetime | None = None
    final_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: str | None = None
    deadline: Deadline | None = None


def column_places(header: Sequence[str]) -> tuple[int, ...]:
    """Where each column of TMALL_COLUMNS stands. Raises UnknownColumns."""
    names = [name.strip() for name in header]
    missing = [name for name in TMALL_COLUMNS if name not in names]
    unknown = sorted(set(names) - set(TMALL_COLUMNS))
    if missing or unknown or len(names) != len(TMALL_COLUMNS):
        raise UnknownColumns(field="file", missing=missing, unknown=[n[:40] for n in unknown[:20]])
    return tuple(names.index(name) for name in TMALL_COLUMNS)


def tmall_order(values: Sequence[str], *, now: datetime) -> HistoryOrder:
    """The order that a row tells of, its seven values in the order of TMALL_COLUMNS.

    "Actually paid" in the list is net of refunds: on a paid row, total = actually paid +
    refunded, and what the buyer paid was the total. Raises RowRefused.
    """
    number, total_text, kept_text, province, created, paid, refunded_text = values
    if not 1 <= len(number) <= MOST_NUMBER_LETTERS or not (number.isascii() and number.isalnum()):
        raise RowRefused("number", "bad_number")
    total = _amount(total_text, "total")
    kept = _amount(kept_text, "kept")
    refunded = _amount(refunded_text, "refunded")
    if len(province) > MOST_PROVINCE_LETTERS or not province.isprintable():
        raise RowRefused("province", "bad_text")
    placed_at = _instant(created, "created")
    paid_at = _instant(paid, "paid") if paid else None
    if placed_at > now or (paid_at is not None and paid_at > now):
        raise RowRefused("created" if placed_at > now else "paid", "in_future")
    if total == 0:
        raise RowRefused("total", "zero")
    if paid_at is None:
        if refunded:
            raise RowRefused("refunded", "refund_of_unpaid")
        if kept:
            raise RowRefused("paid", "missing")
    elif paid_at < placed_at:
        raise RowRefused("paid", "before_created")
    elif refunded > total:
        raise RowRefused("refunded", "more_than_paid")
    elif kept + refunded != total:
        raise RowRefused("total", "not_paid_plus_refunded")
    told = f"{total}|{refunded}|{province}|{created}|{paid}"
    digest = hashlib.sha256(told.encode()).digest()
    return HistoryOrder(number, total, refunded, province, placed_at, paid_at, digest)


@lru_cache(maxsize=65_536)
def _minor(text: str) -> int:
    return minor_from_text(text, CURRENCY)


def _amount(text: str, field: str) -> int:
    try:
        minor = _minor(text)
    except BadAmount:
        raise RowRefused(field, "bad_amount") from None
    if minor < 0:
        raise RowRefused(field, "negative")
    if minor > MOST_MINOR:
        raise RowRefused(field, "too_much")
    return minor


def _instant(text: str, field: str) -> datetime:
    """`2020-02-21 00:00:00`, and nothing else, as an instant."""
    try:
        if len(text) != 19 or text[4] != "-" or text[10] != " " or text[13] != ":":
            raise ValueError
        return datetime.fromisoformat(text + "+00:00") - _ahead_of_utc(text[:13])
    except (ValueError, OverflowError):
        raise RowRefused(field, "bad_time") from None


@lru_cache(maxsize=4_096)
def _ahead_of_utc(hour: str) -> timedelta:
    """How far the platform's clocks are ahead in an hour of theirs, `2020-02-21 00`: they are
    never changed within one. Many times in a row are of the same hour."""
    local = datetime.fromisoformat(hour + ":00:00").replace(tzinfo=TMALL_ZONE)
    return local.replace(tzinfo=UTC) - local.astimezone(UTC)


def read_tmall(
    rows: Iterator[tuple[int, Sequence[str]]], *, places: Sequence[int], now: datetime
) -> Iterator[tuple[int, HistoryOrder] | BadRow]:
    """Each row with its line, as an order or as why it is none; empty lines are passed over.

    A number that came before in the same file is refused: the first one counts.
    """
    seen: set[str] = set()
    columns, in_order = len(places), itemgetter(*places)
    for line, row in rows:
        if not any(row):
            continue
        if len(row) != columns:
            yield BadRow(line, "row", "wrong_number_of_columns")
            continue
        try:
            order = tmall_order([*map(str.strip, in_order(row))], now=now)
        except RowRefused as refused:
            yield BadRow(line, refused.field, refused.reason)
            continue
        if order.number in seen:
            yield BadRow(line, "number", "twice_in_file")
            continue
        seen.add(order.number)
        yield line, order


def money_of(total_minor: int, terms: Terms) -> LineMoney:
    """The only line's frozen money: no discounts and no creator are known."""
    return LineMoney(
        total_minor, 0, 0, 0, total_minor, terms.service_fee_bp, 0, 0, terms.payment_cost_bp
    )  # fmt: skip


def life_of(order: HistoryOrder, terms: Terms, *, now: datetime) -> Life:
    """The same life that the platform's own deadlines would have given the order until now.

    An unpaid order ends when its time to pay is over. A paid one counts as shipped at its payment
    (the list does not say when) and is received and final by deadline; one that was paid later
    than our term allows had the longer time that the other platform gave. A full refund, counted
    at the payment, ends the order there.
    """
    pay_by = order.placed_at + timedelta(seconds=terms.pay_within_s)
    paid_at = order.paid_at
    if paid_at is None:
        if pay_by > now:
            return Life(
                OrderState.PLACED, pay_by, deadline=Deadline("pay_by", pay_by, None, None)
            )  # fmt: skip
        why = "not_paid_in_time"
        return Life(
            OrderState.CANCELLED,
            pay_by,
            closed_at=pay_by,
            close_reason=why,
            deadline=Deadline("pay_by", pay_by, pay_by, why),
        )
    pay_by = max(pay_by, paid_at)
    if order.refunded_minor == order.total_minor:
        return Life(OrderState.REFUNDED, pay_by, closed_at=paid_at)
    received_at = paid_at + timedelta(seconds=terms.receive_within_s)
    if received_at > now:
        due = Deadline("receive_by", received_at, None, None)
        return Life(OrderState.SHIPPED, pay_by, shipped_at=paid_at, deadline=due)
    final_at = received_at + timedelta(seconds=terms.after_sales_window_s)
    if final_at > now:
        due = Deadline("final_at", final_at, None, None)
        return Life(OrderState.RECEIVED, pay_by, paid_at, received_at, deadline=due)
    return Life(OrderState.FINAL, pay_by, paid_at, received_at, final_at)
