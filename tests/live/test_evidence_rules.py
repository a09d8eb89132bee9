"""A room's chain of seals, by exact values, and what it shows when a fact is touched."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.factories import T0

from dougong.live.evidence_rules import (
    FIRST_HASH,
    BrokenSeal,
    Fact,
    Seal,
    broken_seals,
    chained,
)

ROOM = UUID(int=7)


def a_fact(minute: int, said: str = "said") -> Fact:
    return Fact(ROOM, T0 + timedelta(minutes=minute), "explanation", f"{minute}", said)


FACTS = [a_fact(n) for n in range(4)]


def a_chain() -> list[Seal]:
    first = chained(FIRST_HASH, FACTS[:3])
    upto, last = FACTS[2].ended_at, FACTS[3].ended_at
    return [
        Seal(ROOM, 1, upto, 3, first),
        Seal(ROOM, 2, last, 1, chained(first, FACTS[3:])),
    ]


def test_the_hash_is_what_a_shell_computes() -> None:
    """printf 'explanation\\x1f0\\x1fsaid' | sha256sum, and that behind 32 zero bytes again."""
    assert chained(FIRST_HASH, FACTS[:1]).hex() == (
        "ac5d76794cb3555a436eec4f5c695dcf2228c89833c7bc59a5f21d8eb3ac4e06"
    )


def test_a_whole_chain_is_borne_out_in_whatever_order_facts_come() -> None:
    assert broken_seals(a_chain(), FACTS[::-1]) == []


@pytest.mark.parametrize(
    ("facts", "broken"),
    [
        (FACTS[1:], [1]),
        ([*FACTS, a_fact(1, "more")], [1]),
        ([*FACTS[:1], a_fact(1, "other"), *FACTS[2:]], [1]),
        (FACTS[:3], [2]),
    ],
)
def test_a_touched_fact_breaks_its_seal(facts: list[Fact], broken: list[int]) -> None:
    assert [one.number for one in broken_seals(a_chain(), facts)] == broken


def test_a_seal_that_is_missing_leaves_a_gap() -> None:
    assert broken_seals(a_chain()[1:], FACTS) == [BrokenSeal(ROOM, 2, "gap")]


def test_a_later_fact_waits_for_its_seal() -> None:
    assert broken_seals(a_chain(), [*FACTS, a_fact(9)]) == []
