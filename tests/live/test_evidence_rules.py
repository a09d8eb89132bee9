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
    contents_of,
)

ROOM = UUID(int=7)


def a_fact(minute: int, said: str = "said") -> Fact:
    return Fact(ROOM, T0 + timedelta(minutes=minute), "explanation", f"{minute}", said)


FACTS = [a_fact(n) for n in range(4)]


def a_chain() -> list[Seal]:
    held, later = contents_of(FACTS[:3]), contents_of(FACTS[3:])
    first = chained(FIRST_HASH, held)
    upto, last = FACTS[2].ended_at, FACTS[3].ended_at
    return [
        Seal(ROOM, 1, upto, 3, held, first),
        Seal(ROOM, 2, last, 1, later, chained(first, later)),
    ]


def test_the_hash_is_what_a_shell_computes() -> None:
    """printf 'explanation\\x1f0\\x1fsaid' | sha256sum, of it again, behind 32 zero bytes."""
    assert chained(FIRST_HASH, contents_of(FACTS[:1])).hex() == (
        "088267f59d2fcb569224e5614c5790cf770d616f631bf182bc89f8a32a9737ac"
    )


def test_a_whole_chain_is_borne_out_in_whatever_order_facts_come() -> None:
    assert broken_seals(a_chain(), FACTS[::-1], is_forgotten=False) == []


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
    assert [one.number for one in broken_seals(a_chain(), facts, is_forgotten=False)] == broken


def test_a_seal_that_is_missing_leaves_a_gap() -> None:
    assert broken_seals(a_chain()[1:], FACTS, is_forgotten=False) == [BrokenSeal(ROOM, 2, "gap")]


def test_a_later_fact_waits_for_its_seal() -> None:
    assert broken_seals(a_chain(), [*FACTS, a_fact(9)], is_forgotten=False) == []


def test_a_forgotten_room_keeps_a_chain_that_holds() -> None:
    assert broken_seals(a_chain(), [], is_forgotten=True) == []
    assert broken_seals(a_chain()[1:], [], is_forgotten=True) == [BrokenSeal(ROOM, 2, "gap")]
    touched = [one._replace(contents=bytes(32)) for one in a_chain()]
    assert [one.why for one in broken_seals(touched, [], is_forgotten=True)] == ["contents"] * 2


def test_a_fact_that_should_be_forgotten_shows() -> None:
    assert broken_seals(a_chain(), FACTS[3:], is_forgotten=True) == [BrokenSeal(ROOM, 2, "kept")]


def test_an_offer_stays_with_the_orders_that_name_it() -> None:
    offer = FACTS[3]._replace(kind="offer")
    assert broken_seals(a_chain(), [offer], is_forgotten=True) == []
