"""What the pages call claims, states, and why a reported row was not taken."""

from typing import Any

from dougong.web.i18n import gettext, mark

STATES = {
    "paid": mark("Paid, not settled"),
    "received": mark("Received by the shopper"),
    "settled": mark("Settled"),
    "closed": mark("Closed"),
}
CLAIMS = {
    "task": mark("Task"),
    "click": mark("Click"),
    "share_code": mark("Share code"),
    "ad": mark("Advertisement"),
    "source": mark("The source says so"),
    "operator": mark("Ruled by hand"),
}
LOST = {
    "invalid_click": mark("The click does not count"),
    "self_purchase": mark("The creator bought for itself"),
    "after_payment": mark("Came after the payment"),
    "outside_window": mark("Too long before the payment"),
    "no_rule": mark("No rule lets this kind of claim win"),
    "lower_rank": mark("Another kind of claim goes before it"),
    "earlier": mark("A later one of the same kind counts"),
    "overruled": mark("Overruled by hand"),
}
OUTCOMES = {
    "applied": mark("Taken"),
    "repeated": mark("Told before"),
    "stale": mark("Older news"),
    "parked": mark("Parked"),
    "refused": mark("Refused"),
}
REASONS = {
    "missing": mark("It is missing."),
    "unknown_status": mark("The mapping does not know this word."),
    "bad_amount": mark("This is no amount."),
    "negative_amount": mark("An amount below zero is not taken here."),
    "bad_number": mark("This is no number that fits here."),
    "bad_time": mark("This is no date of the mapping's forms."),
    "before_payment": mark("It lies before the payment."),
    "digits_lost": mark("A spreadsheet has rounded this number: export it as text."),
    "unknown_value": mark("This is not one of the known values."),
    "amounts_disagree": mark("It is not the base times the rate beside it."),
    "fees_above_commission": mark("The alliance would keep more than the commission."),
    "too_few_cells": mark("The row breaks off."),
    "cell_too_big": mark("A cell of this row is too big."),
    "repeated_row": mark("The same row stands in this file twice; it was taken once."),
    "told_twice": mark("The file tells of this order twice, in other words."),
    "unknown_order": mark("We know no such order yet; it is taken when the order comes."),
    "not_settled_yet": mark("The order is not settled yet; it is taken when it is."),
    "other_currency": mark("The order is in another currency."),
    "settled_amount_changed": mark("It was settled before with another amount: a difference."),
    "settled_after_closed": mark("The order was closed before."),
    "closed_after_settled": mark("The order was settled before."),
    "refund_above_settled": mark("More is taken back than was settled."),
    "nobody_clicked": mark("No click, code or task of ours leads to this order."),
    "no_valid_claim": mark("Every claim on this order has failed."),
    "older_state": mark("A later state is known."),
    "older_refund": mark("More has been taken back already."),
    "refund_known": mark("This refund is known."),
}
FAILURES = {
    "empty": mark("There is nothing in the file."),
    "too_big": mark("The file is too big."),
    "too_many_rows": mark("The file has too many rows."),
    "encoding": mark("The text is in none of the mapping's encodings."),
    "missing_column": mark("The file lacks columns that are needed"),
    "bad_workbook": mark("The workbook cannot be read."),
    "bad_mapping": mark("The mapping cannot be used. Please check its file."),
    "file_gone": mark("The kept file is gone. Please upload it again."),
    "unknown_mapping": mark("There is no mapping of this name."),
}


def referral_words() -> dict[str, Any]:
    """For a template: functions that say a code in the language of the request."""

    def saying(table: dict[str, str]) -> Any:
        return lambda code: gettext(table[code]) if code in table else code

    return {
        "state_words": saying(STATES),
        "claim_words": saying(CLAIMS),
        "lost_words": saying(LOST),
        "outcome_words": saying(OUTCOMES),
        "why_words": saying(REASONS),
        "failure_words": saying(FAILURES),
        "states": list(STATES),
        "claim_kinds": [one for one in CLAIMS if one != "operator"],
    }


TABS = (
    ("orders", mark("Orders"), "/operator/referrals"),
    ("reports", mark("Order reports"), "/operator/referrals/reports"),
    ("bad", mark("Bad rows"), "/operator/referrals/rows"),
    ("precedence", mark("Precedence"), "/operator/referrals/precedence"),
)


def tabs() -> list[tuple[str, str, str, int]]:
    return [(key, gettext(words), url, 0) for key, words, url in TABS]
