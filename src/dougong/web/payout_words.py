"""What payouts are called on the pages of payees and operators."""

from typing import Any

from dougong.web.i18n import gettext, mark

STATES = {
    "booked": (mark("Ready to go"), "azure"),
    "held": (mark("On hold"), "orange"),
    "sent": (mark("At the bank"), "blue"),
    "confirmed": (mark("Paid out"), "green"),
    "returned": (mark("Came back"), "red"),
}
RUN_STATES = {
    "making": (mark("Being made"), "azure"),
    "waiting": (mark("Waits for approval"), "orange"),
    "approved": (mark("Let go"), "green"),
}
PURPOSES = {
    "merchant_payable": mark("Merchants"),
    "creator_payable": mark("Creators"),
    "agency_payable": mark("Agencies"),
    "buyer_payable": mark("Buyers"),
}
WHY = {
    "account_changed": mark("The payee has changed its account since"),
    "account_unreadable": mark("The account number cannot be read with this secret key"),
    "account_closed": mark("There is no such account, or it was closed"),
    "holder_unclear": mark("The holder's name is being checked"),
    "holder_differs": mark("The holder is somebody else than the payee"),
    "weekly": mark("Once a week"),
    "daily": mark("Every day from now on"),
}
PROBLEMS = {
    "not_an_id": mark("This is no payout's id"),
    "unknown_value": mark("The state is confirmed or returned"),
    "missing": mark("This is needed"),
    "unknown_payout": mark("There is no such payout"),
    "not_sent": mark("This payout was never given to the bank"),
    "ref_taken": mark("The bank has named another payout so before"),
}
FAILURES = {
    "empty": mark("There is nothing in the file."),
    "columns": mark("The first line must name payout_id and state."),
    "encoding": mark("The text is neither UTF-8 nor GB18030."),
    "no_table": mark("The file is no table."),
    "too_big": mark("This is too big."),
}
WEEKDAYS = (
    mark("Monday"), mark("Tuesday"), mark("Wednesday"), mark("Thursday"), mark("Friday"),
    mark("Saturday"), mark("Sunday"),
)  # fmt: skip


def payout_words() -> dict[str, Any]:
    """For templates: each a word and a colour, or a word."""
    return {
        "payout_states": {k: (gettext(w), c) for k, (w, c) in STATES.items()},
        "run_states": {k: (gettext(w), c) for k, (w, c) in RUN_STATES.items()},
        "purposes": {k: gettext(w) for k, w in PURPOSES.items()},
        "why_words": {k: gettext(w) for k, w in WHY.items()},
        "row_problems": {k: gettext(w) for k, w in PROBLEMS.items()},
        "file_failures": {k: gettext(w) for k, w in FAILURES.items()},
        "weekdays": [gettext(w) for w in WEEKDAYS],
    }
