"""What pages of tasks say of states, models and reasons."""

from typing import Any

from dougong.base.errors import Refusal
from dougong.base.money import part_of
from dougong.web.i18n import gettext, mark
from dougong.web.refusals import message_for

STATES = {
    "draft": mark("Draft"),
    "posted": mark("Open to creators"),
    "closed": mark("Closed"),
    "invited": mark("Invited"),
    "applied": mark("Applied"),
    "agreed": mark("Agreed"),
    "declined": mark("Declined"),
    "withdrawn": mark("Withdrawn"),
    "lapsed": mark("Lapsed"),
    "delivered": mark("Delivered"),
    "redo": mark("To do again"),
    "part_offered": mark("A part is offered"),
    "disputed": mark("Disputed"),
    "accepted": mark("Accepted"),
    "part_accepted": mark("Accepted in part"),
    "ruled": mark("Ruled"),
    "cancelled": mark("Cancelled"),
    "offered": mark("Offered"),
    "ended": mark("Ended"),
}
COLOURS = {
    "posted": "green", "agreed": "azure", "applied": "azure", "invited": "azure",
    "delivered": "orange", "redo": "orange", "part_offered": "orange", "disputed": "red",
    "accepted": "green", "part_accepted": "green", "ruled": "purple", "offered": "orange",
}  # fmt: skip
WAYS = {
    "open": mark("Creators apply, you choose"),
    "recruiting": mark("First come, first served"),
    "assigned": mark("You name the creators"),
}
MODELS = {
    "one_price": mark("One price"),
    "commission": mark("Commission only"),
    "price_and_commission": mark("Price and commission"),
    "per_thousand_views": mark("Per thousand views"),
    "tiered": mark("By result"),
}
MEASURES = {"views": mark("Viewers"), "orders": mark("Orders"), "sales": mark("Sales")}
SURFACES = {"live": mark("Live room"), "video": mark("Short video")}
INVOICES = {
    "none": mark("No invoice"),
    "normal": mark("Plain VAT invoice"),
    "special": mark("Special VAT invoice"),
}
NOTES = {
    "samples": mark("Samples sent"),
    "redo": mark("Asked to do it again"),
    "part": mark("Offered a part"),
    "dispute": mark("Disputed"),
    "statement": mark("Stated more"),
    "ruling": mark("Ruling"),
    "cancel": mark("Cancelled"),
    "checked": mark("Checked against the record"),
    "received": mark("Samples received"),
}
SIDES = {
    "brand": mark("Brand"),
    "creator": mark("Creator"),
    "operator": mark("Operator"),
    "deadline": mark("By deadline"),
}
STAGES = {
    "before": mark("It has not begun"),
    "samples": mark("Samples are sent, it has not begun"),
    "begun": mark("It has begun"),
    "delivered": mark("Something was delivered"),
}
REASONS = {
    "empty": mark("This is needed."),
    "missing": mark("This is needed."),
    "too_long": mark("This is too long."),
    "out_of_range": mark("This is outside what is possible."),
    "before_start": mark("The end must be after the start."),
    "before_agreement": mark("Creators may still agree after this: choose a later time."),
    "after_end": mark("This must be before the task ends."),
    "too_small": mark("This is too little for what it has to cover."),
    "not_rising": mark("Tiers rise from line to line."),
    "tier_line": mark("One tier a line: from how many on, a blank, a price."),
    "not_an_amount": mark("Give an amount such as 12.30."),
    "not_a_number": mark("This is not a number."),
    "no_date": mark("Please give a date and a time."),
    "unknown": mark("This is not one of the known values."),
    "same": mark("An agency cannot be its own creator."),
}


def said(words: dict[str, str], key: str | None) -> str:
    """The word for a code in the language of the request."""
    return gettext(words[key]) if key in words else str(key or "")


def task_words() -> dict[str, Any]:
    """For templates."""
    return {
        "task_state": lambda key: said(STATES, key),
        "task_colour": lambda key: COLOURS.get(key, "secondary"),
        "way_words": lambda key: said(WAYS, key),
        "model_words": lambda key: said(MODELS, key),
        "measure_words": lambda key: said(MEASURES, key),
        "surface_words": lambda key: said(SURFACES, key),
        "invoice_words": lambda key: said(INVOICES, key),
        "note_words": lambda key: said(NOTES, key),
        "stage_words": lambda key: said(STAGES, key),
        "part_of": part_of,
        "side_words": lambda key: said(SIDES, key),
    }


def problem(refusal: Refusal | None) -> dict[str, Any]:
    """What a form shows of a refusal: at which field, and in which words."""
    if refusal is None:
        return {"bad_field": "", "bad_words": "", "bad_message": ""}
    reason = str(refusal.facts.get("reason", ""))
    words = said(REASONS, reason) if reason in REASONS else ""
    facts = refusal.facts | {"field": refusal.field or ""}
    message = message_for(refusal.code, facts)
    return {"bad_field": refusal.field or "", "bad_words": words, "bad_message": message}
