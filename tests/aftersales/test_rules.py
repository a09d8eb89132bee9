"""The life of a case, by kind."""

import pytest

from dougong.aftersales.rules import (
    DUE,
    ENDED,
    MAY,
    MOVES,
    OPEN,
    WAITING_FOR,
    CaseClosed,
    CaseKind,
    CaseState,
    Side,
    check_move,
)


@pytest.mark.parametrize("kind", list(CaseKind))
def test_every_state_is_reached_and_leads_to_an_end(kind: CaseKind) -> None:
    moves = MOVES[kind]
    reached = {CaseState.ASKED}
    for _ in moves:
        reached |= {after for one in reached for after in moves[one]}
    assert reached == set(moves)
    ending = set(ENDED)
    for _ in moves:
        ending |= {one for one, after in moves.items() if after & ending}
    assert ending == set(moves)


def test_every_move_is_somebodys() -> None:
    for kind, moves in MOVES.items():
        for found, after in moves.items():
            for wanted in after:
                sides = MAY.get((found, wanted), MAY.get((None, wanted)))
                assert sides, (kind, found, wanted)


def test_every_open_state_has_a_deadline_and_every_state_a_turn() -> None:
    assert set(DUE) == set(OPEN)
    assert set(WAITING_FOR) == set(CaseState)


@pytest.mark.parametrize("kind", list(CaseKind))
def test_only_listed_moves_are_made(kind: CaseKind) -> None:
    for found in CaseState:
        for wanted in CaseState:
            if wanted not in MOVES[kind].get(found, frozenset()):
                for side in Side:
                    with pytest.raises(CaseClosed):
                        check_move(kind, found, wanted, side)


def test_a_deadline_never_refuses_and_a_buyer_never_grants() -> None:
    with pytest.raises(CaseClosed):
        check_move(CaseKind.REFUND_ONLY, CaseState.ASKED, CaseState.REFUSED, Side.DEADLINE)
    with pytest.raises(CaseClosed):
        check_move(CaseKind.REFUND_ONLY, CaseState.ASKED, CaseState.DONE, Side.BUYER)
