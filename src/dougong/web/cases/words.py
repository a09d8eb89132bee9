"""Words of cases, in the field's own terms."""

from typing import Any

from dougong.aftersales.abuse_rules import Part, Scored
from dougong.aftersales.queries import Case
from dougong.aftersales.rules import MAY, MOVES, CaseKind, CaseState, Side
from dougong.reads.case_desk import CaseStory
from dougong.web.i18n import gettext, mark
from dougong.web.render import rate

KINDS = {
    "refund_unshipped": mark("Refund before shipping"),
    "refund_only": mark("Refund, I keep the goods"),
    "return_refund": mark("Return and refund"),
    "exchange": mark("Exchange"),
    "resend": mark("Send it again"),
    "price_protection": mark("Price protection"),
    "repair": mark("Repair"),
}
STATES = {
    "asked": mark("Waiting for the store"),
    "offered": mark("A partial refund is offered"),
    "refused": mark("Refused by the store"),
    "to_ship_back": mark("To be shipped back"),
    "shipped_back": mark("On its way back"),
    "received": mark("Being inspected"),
    "to_resend": mark("To be sent again"),
    "resent": mark("Sent, not confirmed"),
    "arbitration": mark("The platform is asked"),
    "ruled": mark("Ruled"),
    "appealed": mark("Appealed"),
    "done": mark("Done"),
    "withdrawn": mark("Withdrawn"),
    "closed": mark("Closed"),
}
REASONS = {
    "changed_mind": mark("I changed my mind"),
    "not_as_described": mark("Not as described"),
    "damaged": mark("Arrived damaged"),
    "wrong_item": mark("The wrong item"),
    "missing_parts": mark("Something is missing"),
    "not_received": mark("It never arrived"),
    "quality": mark("A fault of quality"),
    "late": mark("It comes too late"),
    "price_dropped": mark("The price has dropped"),
    "other": mark("Another reason"),
}
# What each kind means for the buyer, and the reasons that a form offers for it.
KIND_HINTS = {
    "refund_unshipped": mark("Cancel what is not on its way yet: up to {amount} back."),
    "refund_only": mark("Keep the goods: up to {amount} back."),
    "return_refund": mark("Send the goods back: up to {amount} back."),
    "exchange": mark("Send the goods back, the same is sent again."),
    "resend": mark("What is missing or lost is sent once more."),
    "price_protection": mark("It has become cheaper: the difference of {amount} back."),
    "repair": mark("Send it in, it comes back repaired."),
}
REASONS_OF: dict[str, tuple[str, ...]] = {
    "refund_unshipped": ("changed_mind", "late", "price_dropped", "other"),
    "price_protection": ("price_dropped",),
    "resend": ("not_received", "missing_parts", "damaged", "wrong_item", "other"),
}
# Why a kind cannot be asked for.
WHY_NOT = {
    "not_paid": mark("This order is not paid."),
    "over": mark("The after-sales time of this order is over."),
    "not_protected": mark("The time of price protection is over."),
    "not_shipped": mark("Nothing of it has been shipped yet."),
    "shipped": mark("It has been shipped already."),
    "in_case": mark("A case about it is open, or it has come back already."),
    "refunded": mark("All that was paid for it is refunded or asked back already."),
    "not_cheaper": mark("It has not become cheaper."),
}
SIDES = {
    "buyer": mark("Buyer"),
    "merchant": mark("Merchant"),
    "operator": mark("Platform"),
    "deadline": mark("By the deadline"),
    "rule": mark("By the store's own rule"),
}
BEARERS = {
    "merchant": mark("Merchant"),
    "platform": mark("Platform"),
    "creator": mark("Creator"),
    "coupon_funder": mark("Whoever funded the coupon"),
    "carrier": mark("Carrier"),
    "insurer": mark("Insurer"),
}
INSPECTIONS = {
    "as_new": mark("As new"),
    "damaged": mark("Damaged"),
    "wrong_goods": mark("Not what was sold"),
    "missing": mark("Something is missing in it"),
}
OUTCOMES = {
    "refunded": mark("Refunded"),
    "exchanged": mark("Exchanged"),
    "resent": mark("Sent again"),
    "repaired": mark("Repaired"),
    "refused": mark("Refused"),
    "withdrawn": mark("Withdrawn"),
    "lapsed": mark("Not shipped back in time"),
}
RULINGS = {
    "refund": mark("Refund"),
    "return_refund": mark("Refund after the goods are back"),
    "nothing": mark("No refund"),
}
# Rows that answer by themselves: their columns, how far an order is, and what a row says.
COLUMNS = {
    "buyer": mark("Buyer"),
    "kind": mark("What is asked for"),
    "reason": mark("Reason"),
    "category": mark("Category"),
    "order_state": mark("How far the order is"),
    "up_to_minor": mark("Amount up to"),
}
STAGES = {
    "not_shipped": mark("Not shipped yet"),
    "shipped": mark("Shipped, not received"),
    "received": mark("Received"),
}
ANSWERS = {
    "approve": mark("Granted at once"),
    "refuse": mark("Refused at once"),
    "ask": mark("A person answers"),
}
RULE_STATES = {
    "in_force": mark("In force"),
    "upcoming": mark("Upcoming"),
    "over": mark("Over"),
    "withdrawn": mark("Withdrawn before it started"),
}
# A part of a buyer's score: what it is called, and what is said of its counts.
SCORE_PARTS = {
    "cases": mark("Cases opened, of orders paid"),
    "refund_only": mark("Refunds without a return, of cases"),
    "wrong_goods": mark("Sent back something else than was sold"),
    "not_accepted": mark("Refused after an inspection"),
    "ruled_against": mark("Ruled against by the platform"),
}
# State to what happens next, when its deadline acts.
NEXT = {
    "asked": mark("If the store does not answer by then, it counts as granted."),
    "offered": mark("If the buyer says nothing by then, the part that is offered is refunded."),
    "refused": mark("The buyer can ask the platform until then; after that the case is closed."),
    "to_ship_back": mark("The buyer ships the goods back by then, or the case is withdrawn."),
    "shipped_back": mark("If the store does not confirm the parcel by then, it has arrived."),
    "received": mark("If the store finds nothing wrong by then, the goods are accepted."),
    "to_resend": mark("If the store sends nothing by then, the money goes back instead."),
    "resent": mark("If the buyer says nothing by then, what was sent counts as received."),
    "arbitration": mark("The platform rules by then. Both sides can show more evidence."),
    "ruled": mark("Each side can appeal once until then; after that the ruling is carried out."),
    "appealed": mark("The platform looks at it once more and for good by then."),
}
# How a deadline was spoken about.
ABOUT = {
    "time_asked": mark("Asked for more time"),
    "time_given": mark("Gave more time"),
    "time_declined": mark("Declined more time"),
}
ASKERS_OF_YOU = {
    "buyer": mark(
        "The buyer asks for more time. Agree, and the deadline moves to {time}; "
        "decline or say nothing, and it stays."
    ),
    "merchant": mark(
        "The store asks for more time. Agree, and the deadline moves to {time}; "
        "decline or say nothing, and it stays."
    ),
}
ASKERS = {
    "buyer": mark("The buyer asks for more time."),
    "merchant": mark("The store asks for more time."),
}
# Act to the states that it leads to; a button is shown where its move is one of the side's own.
ACTS: dict[str, tuple[Side, CaseState]] = {
    "withdraw": (Side.BUYER, CaseState.WITHDRAWN),
    "take_offer": (Side.BUYER, CaseState.DONE),
    "ship_back": (Side.BUYER, CaseState.SHIPPED_BACK),
    "confirm": (Side.BUYER, CaseState.DONE),
    "ask_platform": (Side.BUYER, CaseState.ARBITRATION),
    "offer": (Side.MERCHANT, CaseState.OFFERED),
    "refuse": (Side.MERCHANT, CaseState.REFUSED),
    "receive": (Side.MERCHANT, CaseState.RECEIVED),
    "send": (Side.MERCHANT, CaseState.RESENT),
    "appeal": (Side.BUYER, CaseState.APPEALED),
    "rule": (Side.OPERATOR, CaseState.RULED),
}
S = CaseState


def may_move(case: Case, to: CaseState, side: Side) -> bool:
    sides = MAY.get((case.state, to), MAY.get((None, to), frozenset()))
    return to in MOVES[case.kind].get(case.state, frozenset()) and side in sides


def acts_for(case: Case, side: Side) -> list[str]:
    """What this side can do with a case now."""
    found = [act for act, (who, to) in ACTS.items() if who is side and may_move(case, to, side)]
    if side is Side.MERCHANT:
        found += _of_merchant(case)
    if side is Side.BUYER and case.state is S.OFFERED:
        found = [act for act in found if act != "confirm"]
    if side is Side.BUYER and case.state is S.RESENT:
        found = [act for act in found if act != "take_offer"]
    if side is Side.OPERATOR and case.state is S.APPEALED:
        found.append("rule")
    return found + sorted(act.value for act in case.time_acts(side))


def _of_merchant(case: Case) -> list[str]:
    state, found = case.state, []
    if state in (S.ASKED, S.REFUSED, S.ARBITRATION):
        found.append("approve")
    if state is S.ASKED and case.kind in (CaseKind.RETURN_REFUND,):
        found.append("refund_without_return")
    if state is S.RECEIVED:
        found = ["accept", "reject"]
    if state is S.TO_RESEND:
        found.append("refund_instead")
    if state is S.RULED:
        found.append("appeal")
    return found


def time_words(case: Case, side: Side) -> str:
    """What has been said about the deadline, to whom it concerns; `{time}` is the later one."""
    asked = case.extension_asked_by
    if asked == side.value:
        return gettext(
            "You have asked for more time. Until the other side agrees, this deadline stays."
        )
    if asked:
        return gettext((ASKERS if side is Side.OPERATOR else ASKERS_OF_YOU)[asked])
    if case.extension_declined_at is None:
        return ""
    if side is Side.OPERATOR or side.value == case.waiting_for:
        return gettext("More time was declined: this deadline stays.")
    return gettext("You have declined more time: this deadline stays. You can still give it.")


def asked_words(story: CaseStory) -> str:
    """The question that the platform was asked, or that it decided first."""
    asked = [one.note for one in story.moves if one.to_state == S.ARBITRATION.value]
    return str(story.rulings[-1].question if story.rulings else asked[-1] if asked else "")


def score_part_words(one: Scored) -> str:
    """A reason in words, with its numbers."""
    words = gettext(SCORE_PARTS[one.part.fact.value])
    if one.share_bp is None:
        return f"{words}: {one.count} ×"
    return f"{words}: {one.count} / {one.of} ({rate(one.share_bp)})"


def score_rule_words(part: Part) -> str:
    """What a part of the formula gives, printed."""
    if part.of is None:
        return gettext("{each} points each time, at most {most}").format(
            each=part.each, most=part.most
        )
    return gettext(
        "no points up to {floor}, {most} points from {goal} on; from {n} cases on"
    ).format(floor=rate(part.floor_bp), most=part.most, goal=rate(part.goal_bp), n=part.least)


def case_words() -> dict[str, Any]:
    """Functions for templates: the words of a code."""

    def of(table: dict[str, str]) -> Any:
        return lambda code: gettext(table.get(str(code), str(code)))

    return {
        "kind_words": of(KINDS),
        "state_words": of(STATES),
        "reason_text": of(REASONS),
        "kind_hint": of(KIND_HINTS),
        "why_not": of(WHY_NOT),
        "side_text": of(SIDES),
        "bearer_words": of(BEARERS),
        "inspection_words": of(INSPECTIONS),
        "outcome_words": of(OUTCOMES),
        "ruling_words": of(RULINGS),
        "next_words": of(NEXT),
        "about_words": of(ABOUT),
        "time_words": time_words,
        "asked_words": asked_words,
        "score_part_words": score_part_words,
        "score_rule_words": score_rule_words,
        "score_name": of(SCORE_PARTS),
        "column_words": of(COLUMNS),
        "stage_words": of(STAGES),
        "answer_words": of(ANSWERS),
        "rule_state_words": of(RULE_STATES),
    }
