"""What an agency takes at an instant, and when that changes within a time."""

from datetime import UTC, datetime, timedelta

from dougong.tasks.work_rules import AgencyShare, share_at, share_moments

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SHARES = [
    AgencyShare(AT - 9 * DAY, AT - 5 * DAY, 1_000),
    AgencyShare(AT + 2 * DAY, AT + 4 * DAY, 2_000),
    AgencyShare(AT + 4 * DAY, None, 3_000),
]


def test_a_share_holds_from_its_start_and_not_at_its_end() -> None:
    taken = [share_at(SHARES, AT + days * DAY) for days in (-9, -5, 0, 2, 3, 4, 400)]
    assert taken == [1_000, 0, 0, 2_000, 2_000, 3_000, 3_000]


def test_a_moment_is_where_a_share_begins_or_ends_within_the_time() -> None:
    assert share_moments(SHARES, after=AT, until=AT + 9 * DAY) == [AT + 2 * DAY, AT + 4 * DAY]
    assert share_moments(SHARES, after=AT + 2 * DAY, until=AT + 4 * DAY) == []


def test_a_time_that_is_over_has_no_moments() -> None:
    for until in (AT, AT - DAY):
        assert share_moments(SHARES, after=AT, until=until) == []
