"""What buyer, merchant and operator can do with a case where it stands, by name."""

import random
from collections.abc import Awaitable, Callable

from tests.aftersales.world import World

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import (
    WITH_RETURN,
    Bearer,
    CaseState,
    Inspection,
    RulingOutcome,
    Side,
)
from dougong.aftersales.ruling_commands import Ruling
from dougong.flows import answer_case, return_case, rule_case

Ways = dict[str, Callable[[], Awaitable[object]]]
SHIP = {"carrier": "顺丰", "tracking_no": "SF000001"}
S = CaseState


def ways_on(world: World, case: Case, chance: random.Random) -> Ways:
    """Nothing for a case that has ended."""
    if case.state in (S.ARBITRATION, S.RULED, S.APPEALED):
        return _at_the_platform(world, case, chance)
    if case.state in (S.SHIPPED_BACK, S.RECEIVED, S.TO_RESEND, S.RESENT):
        return _goods(world, case)
    conn, m, b = world.conn, world.by_merchant(case), world.by_buyer(case)
    part = chance.randint(1, max(1, case.asked_minor))
    by_state: dict[CaseState, Ways] = {
        S.ASKED: {
            "approve": lambda: answer_case.approve(conn, m),
            "refuse": lambda: answer_case.refuse(conn, m, note="x"),
            "offer a part": lambda: answer_case.offer_part(conn, m, amount_minor=part, note="x"),
            "withdraw": lambda: answer_case.withdraw(conn, b),
        },
        S.OFFERED: {
            "take the offer": lambda: answer_case.take_offer(conn, b),
            "ask the platform": lambda: answer_case.ask_platform(conn, b, question="x"),
        },
        S.REFUSED: {
            "ask the platform": lambda: answer_case.ask_platform(conn, b, question="x"),
            "give in": lambda: answer_case.approve(conn, m),
        },
        S.TO_SHIP_BACK: {"ship back": lambda: return_case.ship_back(conn, b, **SHIP)},
    }
    return by_state.get(case.state, {})


def _goods(world: World, case: Case) -> Ways:
    conn, m, b = world.conn, world.by_merchant(case), world.by_buyer(case)
    new, damaged, wrong = Inspection.AS_NEW, Inspection.DAMAGED, Inspection.WRONG_GOODS
    by_state: dict[CaseState, Ways] = {
        S.SHIPPED_BACK: {"receive back": lambda: return_case.receive_back(conn, m)},
        S.RECEIVED: {
            "accept as new": lambda: return_case.accept_goods(conn, m, inspection=new),
            "accept damaged": lambda: return_case.accept_goods(conn, m, inspection=damaged),
            "reject": lambda: return_case.reject_goods(conn, m, inspection=wrong, note="x"),
        },
        S.TO_RESEND: {
            "send again": lambda: return_case.send_again(conn, m, **SHIP),
            "refund instead": lambda: return_case.refund_instead(conn, m),
        },
        S.RESENT: {"confirm": lambda: return_case.confirm_sent(conn, b)},
    }
    return by_state[case.state]


def _at_the_platform(world: World, case: Case, chance: random.Random) -> Ways:
    conn, m, ruling = world.conn, world.by_merchant(case), _ruling(case, chance)
    side = chance.choice((Side.BUYER, Side.MERCHANT))
    who = m if side is Side.MERCHANT else world.by_buyer(case)
    by_state: dict[CaseState, Ways] = {
        S.ARBITRATION: {"rule": lambda: rule_case.rule(conn, m, ruling)},
        S.RULED: {"appeal": lambda: rule_case.appeal(conn, who, side=side, note="x")},
        S.APPEALED: {"rule again": lambda: rule_case.rule_again(conn, m, ruling)},
    }
    return by_state[case.state]


def _ruling(case: Case, chance: random.Random) -> Ruling:
    granted = chance.choice((0, 1, max(1, case.asked_minor)))
    outcome = RulingOutcome.REFUND if granted else RulingOutcome.NOTHING
    if granted and case.kind in WITH_RETURN and chance.random() < 0.5:
        outcome = RulingOutcome.RETURN_REFUND
    bearer = chance.choice((Bearer.MERCHANT, Bearer.PLATFORM, Bearer.CARRIER))
    return Ruling(question="x", outcome=outcome, granted_minor=granted, bearer=bearer, reason="x")
