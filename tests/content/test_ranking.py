"""The ranking of "for you": exact values, and what must hold for any audience."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dougong.content.rules import (
    HALF_LIFE_H,
    MOVES,
    Engagement,
    VideoState,
    engagement_rate,
    feed_score,
    freshness,
    states_before,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOBODY = Engagement(views=0, likes=0, comments=0, link_clicks=0)

audiences = st.builds(
    Engagement,
    views=st.integers(0, 10**7),
    likes=st.integers(0, 10**6),
    comments=st.integers(0, 10**5),
    link_clicks=st.integers(0, 10**5),
)


@pytest.mark.parametrize(("half_lives", "want"), [(0, 1.0), (1, 0.5), (2, 0.25), (-1, 1.0)])
def test_freshness_halves_with_each_half_life(half_lives: int, want: float) -> None:
    published_at = AT - timedelta(hours=HALF_LIFE_H * half_lives)
    assert freshness(published_at=published_at, at=AT) == pytest.approx(want)


def test_an_unseen_new_video_scores_four_thirds() -> None:
    assert engagement_rate(NOBODY) == 0.5
    assert feed_score(NOBODY, published_at=AT, at=AT) == pytest.approx(4 / 3)


def test_a_known_audience_gives_a_known_score() -> None:
    seen = Engagement(views=950, likes=100, comments=10, link_clicks=20)
    # (400 + 80 + 120 + 25) / 1 000 = 0.625; 0.625 / 1.625 + 0.15 × log10(951) + half a freshness
    assert engagement_rate(seen) == pytest.approx(0.625)
    want = 0.5 + 0.625 / 1.625 + 0.15 * 2.978180516937414
    got = feed_score(seen, published_at=AT - timedelta(hours=HALF_LIFE_H), at=AT)
    assert got == pytest.approx(want)


@given(audiences, st.integers(0, 1000))
def test_one_more_like_never_lowers_a_video(seen: Engagement, age_h: int) -> None:
    more = Engagement(
        views=seen.views,
        likes=seen.likes + 1,
        comments=seen.comments,
        link_clicks=seen.link_clicks,
    )
    published_at = AT - timedelta(hours=age_h)
    assert feed_score(more, published_at=published_at, at=AT) >= feed_score(
        seen, published_at=published_at, at=AT
    )


@given(audiences, st.integers(0, 1000), st.integers(1, 1000))
def test_getting_older_never_raises_a_video(seen: Engagement, age_h: int, more_h: int) -> None:
    published_at = AT - timedelta(hours=age_h)
    assert feed_score(seen, published_at=published_at, at=AT) >= feed_score(
        seen, published_at=published_at, at=AT + timedelta(hours=more_h)
    )


def test_a_removed_video_stays_removed() -> None:
    assert MOVES[VideoState.REMOVED] == set()
    assert set(states_before(VideoState.PUBLISHED)) == {VideoState.READY}
