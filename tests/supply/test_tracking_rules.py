"""Where a package is, whichever way the news came; and numbers that cannot be right."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import T0

from dougong.supply.tracking_rules import (
    MOVES,
    STATE_OF,
    BadTrackingNumber,
    PackageState,
    Status,
    Told,
    s10_check_digit,
    standing,
    status_of,
    tracking_number,
)

S = Status


def told(hours: int, status: Status) -> Told:
    return Told(f"{hours}:{status}", T0 + timedelta(hours=hours), status)


def test_a_parcel_is_delivered_step_by_step() -> None:
    way = [told(1, S.ACCEPTED), told(9, S.OUT_FOR_DELIVERY), told(10, S.DELIVERED)]
    states = [standing(T0, way[: n + 1]).state.value for n in range(3)]
    assert states == ["in_transit", "out_for_delivery", "delivered"]


events = st.lists(
    st.builds(told, st.integers(min_value=0, max_value=200), st.sampled_from(list(Status))),
    max_size=12,
)


@given(events, st.randoms(use_true_random=False))
def test_events_out_of_order_and_repeated_end_where_they_would_in_order(
    way: list[Told], chance: st.DataObject
) -> None:
    told_anyhow = [*way, *way[::2]]
    chance.shuffle(told_anyhow)  # type: ignore[attr-defined]
    assert standing(T0, told_anyhow) == standing(T0, way)


@given(events)
def test_every_step_is_in_moves(way: list[Told]) -> None:
    ordered = sorted({event.key: event for event in way}.values(), key=lambda e: (e.at, e.key))
    state = PackageState.HANDED_OVER
    for event in ordered:
        following = standing(T0, [e for e in ordered if e.at <= event.at]).state
        seen = {e.at for e in ordered}
        if len(seen) == len(ordered):
            assert following == state or following in MOVES[state]
        state = following


def test_a_scan_after_the_delivery_moves_nothing() -> None:
    found = standing(T0, [told(5, S.DELIVERED), told(6, S.IN_TRANSIT)])
    assert (found.state, found.heard_at) == (PackageState.DELIVERED, T0 + timedelta(hours=5))
    assert found.watch_at is None


def test_what_was_lost_may_be_found_again() -> None:
    assert standing(T0, [told(5, S.LOST), told(9, S.OUT_FOR_DELIVERY)]).state == "out_for_delivery"


@pytest.mark.parametrize(
    ("way", "hours"),
    [
        ([], 24),
        ([told(1, S.IN_TRANSIT)], 73),
        ([told(1, S.IN_TRANSIT), told(3, S.HELD)], 3),
        ([told(4, S.FAILED)], 4),
        ([told(4, S.REFUSED)], 4),
        ([told(4, S.RETURNING)], 4 + 7 * 24),
        ([told(4, S.RETURNED)], None),
    ],
)
def test_a_parcel_without_news_is_stuck_after_a_while(way: list[Told], hours: int | None) -> None:
    expected = None if hours is None else T0 + timedelta(hours=hours)
    assert standing(T0, way).watch_at == expected


def test_every_status_but_the_announcement_moves_a_package() -> None:
    assert set(Status) - set(STATE_OF) == {S.REGISTERED}


@pytest.mark.parametrize(
    ("dialect", "codes", "status"),
    [
        ("sandbox", ("62",), S.REFUSED),
        ("aftership", ("Exception_013", "Exception"), S.LOST),
        ("aftership", ("InTransit_999", "InTransit"), S.IN_TRANSIT),
        ("typed", ("已签收",), S.DELIVERED),
        ("typed", ("out_for_delivery",), S.OUT_FOR_DELIVERY),
        ("typed", ("gone fishing",), None),
    ],
)
def test_raw_codes_have_one_meaning(
    dialect: str, codes: tuple[str, ...], status: Status | None
) -> None:
    assert status_of(dialect, *codes) == status


# The worked example of UPU S10: serial 47312482 has the check digit 9.
@pytest.mark.parametrize(
    ("serial", "digit"), [("47312482", 9), ("12345678", 5), ("00000000", 5), ("02000000", 0)]
)
def test_the_check_digit_of_an_international_number(serial: str, digit: int) -> None:
    assert s10_check_digit(serial) == digit


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("rr 473124829 gb", "RR473124829GB"),
        (" SF1234567890 ", "SF1234567890"),
        ("7730-1234", "7730-1234"),
    ],
)
def test_a_tracking_number_has_one_form(typed: str, kept: str) -> None:
    assert tracking_number(typed) == kept


def test_an_international_number_with_a_bad_check_digit_is_refused() -> None:
    with pytest.raises(BadTrackingNumber) as refused:
        tracking_number("RR473124828GB")
    assert refused.value.code == "bad_tracking_number"
