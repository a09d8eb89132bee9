"""What is true of after-sales cases by rule: their life by kind, whose turn it is, by when. Pure.

The states carry the field's own terms (待商家处理, 待买家退货 …) in the message files.
"""

from collections.abc import Mapping
from enum import StrEnum

from dougong.base.errors import BadInput, Conflict, NotFound, Refusal

MOST_BODY = 1_000
MOST_LINES = 50
MOST_EXTENSIONS = 2


class CaseKind(StrEnum):
    """What the buyer asks for."""

    REFUND_UNSHIPPED = "refund_unshipped"
    REFUND_ONLY = "refund_only"
    RETURN_REFUND = "return_refund"
    EXCHANGE = "exchange"
    RESEND = "resend"
    PRICE_PROTECTION = "price_protection"
    REPAIR = "repair"


class CaseState(StrEnum):
    """Where a case stands. `offered`: a part of the amount, for the buyer to take."""

    ASKED = "asked"
    OFFERED = "offered"
    REFUSED = "refused"
    TO_SHIP_BACK = "to_ship_back"
    SHIPPED_BACK = "shipped_back"
    RECEIVED = "received"
    TO_RESEND = "to_resend"
    RESENT = "resent"
    ARBITRATION = "arbitration"
    RULED = "ruled"
    APPEALED = "appealed"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class Side(StrEnum):
    """Who moves a case. `rule`: a row of the merchant's own table."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    OPERATOR = "operator"
    DEADLINE = "deadline"
    RULE = "rule"


class Bearer(StrEnum):
    """Who makes up to the merchant for a refund, if it is not the merchant that bears it."""

    MERCHANT = "merchant"
    PLATFORM = "platform"
    CREATOR = "creator"
    COUPON_FUNDER = "coupon_funder"
    CARRIER = "carrier"


class Inspection(StrEnum):
    """What the merchant finds in a parcel that came back."""

    AS_NEW = "as_new"
    DAMAGED = "damaged"
    WRONG_GOODS = "wrong_goods"
    MISSING = "missing"


class RulingOutcome(StrEnum):
    REFUND = "refund"
    RETURN_REFUND = "return_refund"
    NOTHING = "nothing"


class TimeAct(StrEnum):
    """What a side does about a deadline: it asks for more time, or gives it; or it declines."""

    MORE = "more_time"
    DECLINE = "no_more_time"


class About(StrEnum):
    """What a message of a case is: words, or how a deadline was spoken about."""

    WORDS = "words"
    TIME_ASKED = "time_asked"
    TIME_GIVEN = "time_given"
    TIME_DECLINED = "time_declined"


REASONS = (
    "changed_mind", "not_as_described", "damaged", "wrong_item", "missing_parts", "not_received",
    "quality", "late", "price_dropped", "other",
)  # fmt: skip
# Reasons for which the freight can be asked back too.
NOT_THE_BUYERS = frozenset(REASONS) - {"changed_mind", "price_dropped", "other"}

_S, _K = CaseState, CaseKind
Moves = Mapping[CaseState, frozenset[CaseState]]


def _moves(**more: set[CaseState]) -> Moves:
    """What every kind knows, and what one kind adds by state."""
    common = {
        _S.ASKED: {_S.OFFERED, _S.REFUSED, _S.DONE, _S.WITHDRAWN},
        _S.OFFERED: {_S.DONE, _S.ARBITRATION, _S.WITHDRAWN},
        _S.REFUSED: {_S.DONE, _S.ARBITRATION, _S.WITHDRAWN, _S.CLOSED},
        _S.ARBITRATION: {_S.RULED, _S.DONE, _S.WITHDRAWN},
        _S.RULED: {_S.APPEALED, _S.DONE, _S.CLOSED},
        _S.APPEALED: {_S.DONE, _S.CLOSED},
    }
    added = {CaseState(name): after for name, after in more.items()}
    states = [state for state in CaseState if state in common or state in added]
    found = {one: frozenset(common.get(one, set()) | added.get(one, set())) for one in states}
    return found | {one: frozenset() for one in (_S.DONE, _S.WITHDRAWN, _S.CLOSED)}


_WAY_BACK: dict[str, set[CaseState]] = {
    "asked": {_S.TO_SHIP_BACK},
    "to_ship_back": {_S.SHIPPED_BACK, _S.WITHDRAWN, _S.DONE},
    "shipped_back": {_S.RECEIVED, _S.DONE},
    "received": {_S.DONE, _S.OFFERED, _S.REFUSED},
    "ruled": {_S.TO_SHIP_BACK},
    "appealed": {_S.TO_SHIP_BACK},
}
_WAY_OUT: dict[str, set[CaseState]] = {
    "to_resend": {_S.RESENT, _S.DONE},
    "resent": {_S.DONE, _S.ARBITRATION},
}
_BACK_AND_OUT = _WAY_BACK | _WAY_OUT | {"received": _WAY_BACK["received"] | {_S.TO_RESEND}}

# Kind to state to the states that may follow.
MOVES: Mapping[CaseKind, Moves] = {
    _K.REFUND_UNSHIPPED: _moves(),
    _K.REFUND_ONLY: _moves(),
    _K.PRICE_PROTECTION: _moves(),
    _K.RETURN_REFUND: _moves(**_WAY_BACK),
    _K.EXCHANGE: _moves(**_BACK_AND_OUT),
    _K.REPAIR: _moves(**_BACK_AND_OUT),
    _K.RESEND: _moves(**_WAY_OUT, asked={_S.TO_RESEND}),
}
ENDED = frozenset({_S.DONE, _S.WITHDRAWN, _S.CLOSED})
OPEN = tuple(state for state in CaseState if state not in ENDED)
WITH_RETURN = frozenset({_K.RETURN_REFUND, _K.EXCHANGE, _K.REPAIR})
WITH_SENDING = frozenset({_K.EXCHANGE, _K.RESEND, _K.REPAIR})
# While such a case is in one of these states, its units are not shipped.
KEEPS_FROM_SHIPPING = (_S.ASKED, _S.OFFERED, _S.ARBITRATION, _S.RULED, _S.APPEALED)

# What happens where a side may decide: who brings a case from a state into another. `None` as the
# first: from any state, where the pair itself is not named.
_BOTH = frozenset({Side.MERCHANT, Side.DEADLINE, Side.RULE})
MAY: Mapping[tuple[CaseState | None, CaseState], frozenset[Side]] = {
    (None, _S.WITHDRAWN): frozenset({Side.BUYER}),
    (_S.TO_SHIP_BACK, _S.WITHDRAWN): frozenset({Side.BUYER, Side.DEADLINE}),
    (None, _S.OFFERED): frozenset({Side.MERCHANT}),
    (None, _S.REFUSED): frozenset({Side.MERCHANT}),
    (_S.ASKED, _S.REFUSED): frozenset({Side.MERCHANT, Side.RULE}),
    (None, _S.DONE): frozenset({Side.MERCHANT}),
    (_S.ASKED, _S.DONE): _BOTH,
    (_S.RECEIVED, _S.DONE): frozenset({Side.MERCHANT, Side.DEADLINE}),
    (_S.TO_RESEND, _S.DONE): frozenset({Side.MERCHANT, Side.DEADLINE}),
    (_S.OFFERED, _S.DONE): frozenset({Side.BUYER, Side.DEADLINE}),
    (_S.RESENT, _S.DONE): frozenset({Side.BUYER, Side.DEADLINE}),
    (_S.RULED, _S.DONE): frozenset({Side.DEADLINE}),
    (_S.APPEALED, _S.DONE): frozenset({Side.OPERATOR}),
    (None, _S.TO_SHIP_BACK): _BOTH,
    (_S.RULED, _S.TO_SHIP_BACK): frozenset({Side.DEADLINE}),
    (_S.APPEALED, _S.TO_SHIP_BACK): frozenset({Side.OPERATOR}),
    (None, _S.SHIPPED_BACK): frozenset({Side.BUYER}),
    (None, _S.RECEIVED): frozenset({Side.MERCHANT, Side.DEADLINE}),
    (None, _S.TO_RESEND): _BOTH,
    (None, _S.RESENT): frozenset({Side.MERCHANT}),
    (None, _S.ARBITRATION): frozenset({Side.BUYER}),
    (None, _S.RULED): frozenset({Side.OPERATOR}),
    (None, _S.APPEALED): frozenset({Side.BUYER, Side.MERCHANT}),
    (None, _S.CLOSED): frozenset({Side.DEADLINE}),
    (_S.APPEALED, _S.CLOSED): frozenset({Side.OPERATOR}),
}

# Whose turn it is.
WAITING_FOR: Mapping[CaseState, str] = {
    _S.ASKED: "merchant", _S.OFFERED: "buyer", _S.REFUSED: "buyer", _S.TO_SHIP_BACK: "buyer",
    _S.SHIPPED_BACK: "merchant", _S.RECEIVED: "merchant", _S.TO_RESEND: "merchant",
    _S.RESENT: "buyer", _S.ARBITRATION: "operator", _S.RULED: "nobody", _S.APPEALED: "operator",
    _S.DONE: "nobody", _S.WITHDRAWN: "nobody", _S.CLOSED: "nobody",
}  # fmt: skip

# State to the deadline that is set with it, and the term of the rule book that says how long.
DUE: Mapping[CaseState, tuple[str, str]] = {
    _S.ASKED: ("case_answer_by", "case_answer_s"),
    _S.OFFERED: ("case_offer_by", "case_offer_s"),
    _S.REFUSED: ("case_escalate_by", "case_escalate_s"),
    _S.TO_SHIP_BACK: ("case_ship_back_by", "case_ship_back_s"),
    _S.SHIPPED_BACK: ("case_receive_back_by", "case_receive_back_s"),
    _S.RECEIVED: ("case_inspect_by", "case_inspect_s"),
    _S.TO_RESEND: ("case_resend_by", "case_resend_s"),
    _S.RESENT: ("case_confirm_by", "case_confirm_s"),
    _S.ARBITRATION: ("case_rule_by", "case_rule_s"),
    _S.RULED: ("case_appeal_by", "case_appeal_s"),
    _S.APPEALED: ("case_rule_again_by", "case_rule_s"),
}
DEADLINES = tuple(kind for kind, _ in DUE.values())
# Deadlines that move by consent.
EXTENDABLE = frozenset(
    {_S.ASKED, _S.TO_SHIP_BACK, _S.SHIPPED_BACK, _S.RECEIVED, _S.TO_RESEND, _S.RESENT}
)
# What an operator is late with is told, and stays open: no deadline rules.
ONLY_TOLD = ("case_rule_by", "case_rule_again_by")


class CaseClosed(Conflict):
    """The case is not where this can be done. Fact: `state`."""

    code = "case_closed"


class CaseGone(NotFound):
    code = "case_gone"


class BadCase(BadInput):
    """A field of a case. `field` names it."""

    code = "bad_case"
    status = 422


class UnitInCase(Conflict):
    """One of these units is in another open case already, or has come back. Fact: `line_no`."""

    code = "unit_in_case"


class CaseTooMuch(Refusal):
    """More than is left of a line: money, or units. Facts: `line_no`, `left_minor` or `left`."""

    code = "case_too_much"


class CaseTooLate(Refusal):
    """The order's after-sales time is over, or it was never paid. Fact: `why`."""

    code = "case_too_late"
    status = 409


class CaseOpen(Conflict):
    """An open case has these units: they are not shipped before it ends."""

    code = "units_in_case"


class NotExtendable(Conflict):
    """Nothing to extend, extended often enough, asked for already, or declined. Fact: `state`."""

    code = "case_not_extendable"


def check_move(kind: CaseKind, found: CaseState, wanted: CaseState, side: Side) -> None:
    """Raises CaseClosed."""
    sides = MAY.get((found, wanted), MAY.get((None, wanted), frozenset()))
    if wanted not in MOVES[kind].get(found, frozenset()) or side not in sides:
        raise CaseClosed(field="case_id", state=found.value)


def time_acts(
    side: Side, *, state: CaseState, extended: int, is_asked: bool, is_declined: bool
) -> frozenset[TimeAct]:
    """What this side can do now about the deadline of a case.

    The side whose turn it is asks, and once declined not again before the next deadline; the
    other one gives, asked or not, and declines when it is asked.
    """
    none: frozenset[TimeAct] = frozenset()
    if state not in EXTENDABLE or extended >= MOST_EXTENSIONS or side is Side.OPERATOR:
        return none
    if side.value == WAITING_FOR[state]:
        return none if is_asked or is_declined else frozenset({TimeAct.MORE})
    return frozenset(TimeAct) if is_asked else frozenset({TimeAct.MORE})


def state_when_granted(kind: CaseKind) -> CaseState:
    """Where a case goes when what was asked is granted."""
    if kind in WITH_RETURN:
        return CaseState.TO_SHIP_BACK
    return CaseState.TO_RESEND if kind is CaseKind.RESEND else CaseState.DONE


def state_when_inspected(kind: CaseKind) -> CaseState:
    """Where a case goes when what came back is accepted."""
    return CaseState.TO_RESEND if kind in WITH_SENDING else CaseState.DONE


def rulings_for(kind: CaseKind, *, is_sent_back: bool) -> list[RulingOutcome]:
    """What can be ruled: goods are asked back only where the case is about that, and once."""
    can_return = kind in WITH_RETURN and not is_sent_back
    return [one for one in RulingOutcome if can_return or one is not RulingOutcome.RETURN_REFUND]


OUTCOME_OF_SENDING = {
    CaseKind.EXCHANGE: "exchanged",
    CaseKind.RESEND: "resent",
    CaseKind.REPAIR: "repaired",
}


def check_words(words: str, *, field: str, most: int = MOST_BODY) -> str:
    """Stripped. Raises BadCase for nothing, and for too much."""
    found = words.strip()
    if not found or len(found) > most:
        raise BadCase(field=field, reason="empty" if not found else "too_long")
    return found
