"""What the reconciliation desk calls things."""

import itertools

from dougong.settlement.rules import AGES
from dougong.web.i18n import gettext, mark

OUTCOMES = {
    "matched": (mark("Agrees"), "#5b8c3e", "green"),
    "waiting": (mark("Still to come"), "#9a8577", "secondary"),
    "different": (mark("Different"), "#e8a13a", "orange"),
    "only_ours": (mark("Only with us"), "#466b9c", "blue"),
    "only_theirs": (mark("Only with them"), "#7a5aa6", "purple"),
    "unpaid": (mark("Reported, not paid"), "#d1331a", "red"),
    "unreported": (mark("Paid, not reported"), "#2f7f86", "teal"),
}
REASONS = {
    "currency": mark("Another currency"),
    "phase": mark("Settled on one side only"),
    "amount": mark("Their report says another amount"),
    "received": mark("Another amount came than was reported"),
    "unreadable": mark("Their row could not be taken"),
    "not_in_report": mark("Not in their report"),
    "unknown_order": mark("Nobody of ours led anybody there"),
    "overdue": mark("The money is overdue"),
    "not_reported": mark("Money for an order that was not reported"),
}
STATES = {
    "open": (mark("To clear up"), "red"),
    "explained": (mark("Explained"), "azure"),
    "claimed": (mark("Claimed from the partner"), "purple"),
    "to_approve": (mark("Waits for a second person"), "orange"),
    "accepted": (mark("Accepted"), "green"),
    "closed": (mark("Closed"), "secondary"),
}
STEPS = {
    "waiting": mark("Waits for its turn"),
    "reading": mark("Reading three sides"),
    "comparing": mark("Comparing"),
    "writing": mark("Keeping what was found"),
    "done": mark("Done"),
}
SIDES = {
    "ours": mark("We know"),
    "theirs": mark("They report"),
    "received": mark("Money came"),
}
PHASES = {
    "open": mark("Estimated"),
    "settled": mark("Settled"),
    "closed": mark("Closed"),
    "received": mark("Received money"),
}
ROW_REASONS = {
    "missing": mark("is missing"),
    "bad_amount": mark("is no amount"),
    "bad_time": mark("is no date that is known here"),
    "zero": mark("is zero"),
    "digits_lost": mark("has lost digits in a spreadsheet"),
    "unknown_value": mark("is unknown"),
    "unknown_status": mark("is an unknown status"),
    "other_currency": mark("differs from the order's currency"),
    "told_otherwise": mark("was told before with another amount"),
    "before_its_start": mark("is before its start"),
    "amounts_disagree": mark("amounts do not agree"),
    "settled_amount_changed": mark("the settled amount was changed"),
}
FAILURES = {
    "empty": mark("The file is empty."),
    "too_big": mark("The file is too big."),
    "too_many_rows": mark("The file has too many rows."),
    "encoding": mark("The file is in an encoding that is not known here."),
    "missing_column": mark("A column is missing."),
    "bad_workbook": mark("The file is no workbook that can be read."),
    "bad_table": mark("A row of the file is no row of its table."),
    "bad_mapping": mark("The list of columns is not right."),
}
RUN_NOTES = {
    "run:agrees": mark("A later run found that all sides agree."),
    "run:changed": mark("A later run found another difference: look again."),
}


def ages() -> list[str]:
    """The buckets of age, in words."""
    first, *_, last = AGES
    between = [f"{one + 1}–{two}" for one, two in itertools.pairwise(AGES)]
    names = [f"0–{first}", *between, f"> {last}"]
    return [gettext(mark("{days} days")).format(days=name) for name in names]


def said(words: dict[str, str], value: str) -> str:
    return gettext(words.get(value, value)) if value else ""


def note_words(note: str) -> str:
    return gettext(RUN_NOTES.get(note, note)) if note in RUN_NOTES else note
