"""The draw's formula, by exact values that were worked out with sha256sum in a shell."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import T0

from dougong.base.errors import BadInput
from dougong.live.draw_rules import (
    check_draw,
    entropy_of,
    seed_hash,
    seed_of,
    ticket_of,
    winners_of,
)

DRAW = UUID("01900000-0000-7000-8000-000000000001")
PEOPLE = [UUID(int=n) for n in range(1, 6)]
SEED = bytes(range(32))
TICKETS = [
    "f5ceb36b2db00c70", "5fb9313aedd212de", "a5d75f3f094a36a7", "91ff7b28506841f5",
    "a99432101f730ddc",
]  # fmt: skip


def test_tickets_seed_and_entropy_are_what_a_shell_computes() -> None:
    assert [ticket_of(DRAW, person) for person in PEOPLE] == TICKETS
    assert seed_hash(SEED).hex() == (
        "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    )
    assert entropy_of(TICKETS).hex() == (
        "d7da63413795fd5b7fb067d79961d287252f6d65ac4fe74fe193d53edbbb9a16"
    )


@pytest.mark.parametrize(("winners", "places"), [(1, [4]), (2, [4, 0]), (9, [4, 0, 3, 1, 2])])
def test_winners_leave_the_row(winners: int, places: list[int]) -> None:
    assert winners_of(TICKETS, seed=SEED, winners=winners) == [TICKETS[n] for n in places]


def test_without_entrants_nobody_wins() -> None:
    assert winners_of([], seed=SEED, winners=3) == []


@given(st.integers(0, 40), st.integers(1, 50), st.binary(min_size=32, max_size=32))
def test_each_wins_once_and_no_more_than_promised(count: int, winners: int, seed: bytes) -> None:
    tickets = [f"{n:016x}" for n in range(count)]
    drawn = winners_of(tickets, seed=seed, winners=winners)
    assert len(drawn) == min(count, winners) == len(set(drawn))
    assert set(drawn) <= set(tickets)


def test_the_seed_is_the_draws_own_and_of_this_platform() -> None:
    other = UUID(int=DRAW.int + 1)
    seeds = {seed_of(DRAW, secret=b"a"), seed_of(other, secret=b"a"), seed_of(DRAW, secret=b"b")}
    assert len(seeds) == 3
    assert seed_of(DRAW, secret=b"a") in seeds


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("prize", {"prize": " "}),
        ("winners", {"winners": 0}),
        ("winners", {"winners": 101}),
        ("minutes", {"closes_at": T0}),
        ("minutes", {"closes_at": T0 + timedelta(hours=3)}),
    ],
)
def test_a_draw_that_cannot_be(field: str, change: dict[str, object]) -> None:
    asked = {
        "prize": "面霜", "winners": 1, "opens_at": T0, "closes_at": T0 + timedelta(minutes=1),
    }  # fmt: skip
    with pytest.raises(BadInput) as caught:
        check_draw(**(asked | change))  # type: ignore[arg-type]
    assert caught.value.field == field
