"""A row of a Tmall order list: what it says, why it is refused, and the life that follows."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.orders.history_rules import (
    TMALL_COLUMNS,
    BadRow,
    RowRefused,
    Terms,
    UnknownColumns,
    column_places,
    life_of,
    money_of,
    read_tmall,
    tmall_order,
)
from dougong.orders.rules import MOVES, OrderState, line_shares

NOW = datetime(2020, 6, 1, tzinfo=UTC)
DAY_S = 86_400
TERMS = Terms(
    500, UUID(int=1), 60, UUID(int=2), 900, 10 * DAY_S, UUID(int=3), 7 * DAY_S, UUID(int=4)
)
PAID = ("7", "157.0", "100.5", "湖北省", "2020-02-20 23:58:34", "2020-02-21 00:00:02", "56.5")
UNPAID = ("8", "178.8", "0.0", "上海", "2020-02-21 00:00:00", "", "0.0")


def row(base: tuple[str, ...] = PAID, **changes: str) -> list[str]:
    names = ("number", "total", "kept", "province", "created", "paid", "refunded")
    values = dict(zip(names, base, strict=True)) | changes
    return [values[name] for name in names]


def test_the_buyer_paid_the_total_and_times_are_of_shanghai() -> None:
    order = tmall_order(row(), now=NOW)
    assert (order.number, order.total_minor, order.refunded_minor) == ("7", 15_700, 5_650)
    assert order.placed_at == datetime(2020, 2, 20, 15, 58, 34, tzinfo=UTC)
    assert order.paid_at == datetime(2020, 2, 20, 16, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"number": ""}, "number", "bad_number"),
        ({"number": "7; DROP TABLE orders"}, "number", "bad_number"),
        ({"number": "7" * 51}, "number", "bad_number"),
        ({"total": "157.005"}, "total", "bad_amount"),
        ({"total": "1e3"}, "total", "bad_amount"),
        ({"total": "１５７"}, "total", "bad_amount"),
        ({"total": "9999999999.99"}, "total", "too_much"),
        ({"kept": "-1"}, "kept", "negative"),
        ({"refunded": "NaN"}, "refunded", "bad_amount"),
        ({"refunded": "157.01"}, "refunded", "more_than_paid"),
        ({"refunded": "56.4"}, "total", "not_paid_plus_refunded"),
        ({"total": "0", "kept": "0", "refunded": "0"}, "total", "zero"),
        ({"province": "湖\x00北"}, "province", "bad_text"),
        ({"province": "湖" * 61}, "province", "bad_text"),
        ({"created": "2020-02-30 00:00:00"}, "created", "bad_time"),
        ({"created": "2020-02-20T23:58:34"}, "created", "bad_time"),
        ({"created": "20/02/2020 23:58:34"}, "created", "bad_time"),
        ({"created": ""}, "created", "bad_time"),
        ({"paid": "soon"}, "paid", "bad_time"),
        ({"paid": "2020-02-20 23:58:33"}, "paid", "before_created"),
        ({"paid": "2020-06-01 08:00:01"}, "paid", "in_future"),
        ({"created": "2020-06-01 08:00:01", "paid": ""}, "created", "in_future"),
        ({"paid": "", "kept": "0"}, "refunded", "refund_of_unpaid"),
        ({"paid": "", "refunded": "0"}, "paid", "missing"),
    ],
)
def test_a_row_that_cannot_be_is_refused_at_its_field(
    changes: dict[str, str], field: str, reason: str
) -> None:
    with pytest.raises(RowRefused) as refused:
        tmall_order(row(**changes), now=NOW)
    assert (refused.value.field, refused.value.reason) == (field, reason)


def test_the_first_of_two_rows_with_one_number_counts() -> None:
    rows = [(2, row()), (3, row(UNPAID)), (4, row(total="157", kept="157", refunded="0"))]
    judged = list(read_tmall(iter(rows), places=range(7), now=NOW))
    assert [one for one in judged if isinstance(one, BadRow)] == [
        BadRow(4, "number", "twice_in_file")
    ]


def test_a_row_of_another_width_is_refused_and_an_empty_one_passed_over() -> None:
    rows = [(2, row()[:6]), (3, []), (4, ["", ""]), (5, [*row(), "more"])]
    judged = list(read_tmall(iter(rows), places=range(7), now=NOW))
    reason = "wrong_number_of_columns"
    assert judged == [BadRow(2, "row", reason), BadRow(5, "row", reason)]


def test_columns_may_stand_in_any_order() -> None:
    turned = list(reversed(TMALL_COLUMNS))
    assert column_places([*turned[:-1], turned[-1] + " "]) == (6, 5, 4, 3, 2, 1, 0)


@pytest.mark.parametrize("header", [[], ["a", "b"], [*TMALL_COLUMNS, "x"], [*TMALL_COLUMNS[:6]]])
def test_other_columns_are_refused(header: list[str]) -> None:
    with pytest.raises(UnknownColumns):
        column_places(header)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, OrderState.FINAL),
        ({"kept": "0", "refunded": "157.0"}, OrderState.REFUNDED),
        ({"paid": "", "kept": "0", "refunded": "0"}, OrderState.CANCELLED),
    ],
)
def test_long_ago_every_order_has_ended(changes: dict[str, str], state: OrderState) -> None:
    order = tmall_order(row(**changes), now=NOW)
    assert life_of(order, TERMS, now=NOW).state is state


def test_each_step_comes_at_its_instant() -> None:
    order = tmall_order(row(), now=NOW)
    assert order.paid_at is not None
    received = order.paid_at + timedelta(days=10)
    final = received + timedelta(days=7)
    tick = timedelta(microseconds=1)

    def state(at: datetime) -> tuple[OrderState, str | None]:
        life = life_of(order, TERMS, now=at)
        return life.state, life.deadline.kind if life.deadline else None

    assert state(received - tick) == (OrderState.SHIPPED, "receive_by")
    assert state(received) == (OrderState.RECEIVED, "final_at")
    assert state(final - tick) == (OrderState.RECEIVED, "final_at")
    assert state(final) == (OrderState.FINAL, None)


def test_an_unpaid_order_waits_until_its_time_is_over() -> None:
    order = tmall_order(row(UNPAID), now=NOW)
    due = order.placed_at + timedelta(minutes=15)
    waiting = life_of(order, TERMS, now=due - timedelta(microseconds=1))
    assert waiting.state is OrderState.PLACED
    assert waiting.deadline is not None and waiting.deadline.done_at is None
    closed = life_of(order, TERMS, now=due)
    assert (closed.state, closed.closed_at, closed.close_reason) == (
        OrderState.CANCELLED,
        due,
        "not_paid_in_time",
    )
    assert closed.deadline is not None and closed.deadline.done_at == due


def test_a_late_payment_was_in_time_there() -> None:
    order = tmall_order(row(paid="2020-02-22 00:00:00"), now=NOW)
    assert life_of(order, TERMS, now=NOW).pay_by == order.paid_at


@given(
    total=st.integers(1, 10**10),
    part=st.integers(0, 10_000),
    seconds=st.integers(0, 40 * DAY_S),
    is_paid=st.booleans(),
)
def test_every_life_follows_the_moves_and_its_money_sums(
    total: int, part: int, seconds: int, is_paid: bool
) -> None:
    refunded = total * part // 10_000 if is_paid else 0
    kept = total - refunded if is_paid else 0
    values = row(
        total=f"{total / 100:.2f}",
        kept=f"{kept / 100:.2f}",
        refunded=f"{refunded / 100:.2f}",
        paid=PAID[5] if is_paid else "",
    )
    order = tmall_order(values, now=NOW)
    life = life_of(
        order, TERMS, now=datetime(2020, 2, 20, 16, 0, 2, tzinfo=UTC) + timedelta(seconds=seconds)
    )
    reached = {s for s in OrderState if s is life.state}
    assert reached <= {after for moves in MOVES.values() for after in moves} | {OrderState.PLACED}
    shares = line_shares(money_of(order.total_minor, TERMS), refunded_minor=order.refunded_minor)
    assert shares.residual() == 0 and shares.whole() == order.total_minor - order.refunded_minor
