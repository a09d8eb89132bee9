"""An order's story in steps: what happened when, and what comes by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from dougong.web.i18n import gettext, mark, ngettext

STEPS = (
    ("placed_at", mark("Order placed")),
    ("paid_at", mark("Paid; the money is in escrow")),
    ("received_at", mark("Received")),
    ("final_at", mark("Completed; the escrow was shared out")),
    ("closed_at", mark("Closed")),
)
AHEAD = {
    "pay_by": mark("Unless it is paid, the order is closed"),
    "ship_by": mark("Promised to the buyer: everything is shipped"),
    "receive_by": mark("Unless confirmed before, it counts as received"),
    "final_at": mark("The after-sales window ends; the escrow is shared out"),
}


class Step(msgspec.Struct, frozen=True):
    at: datetime
    words: str
    note: str = ""
    is_ahead: bool = False


def timeline(found: Mapping[str, Any]) -> list[Step]:
    """found: as `order_to_work_on` answers it. In the order of time."""
    order = found["order"]
    steps = [
        Step(getattr(order, column), gettext(words))
        for column, words in STEPS
        if getattr(order, column) is not None
    ]
    for package in found["packages"]:
        units = sum(line["quantity"] for line in package.lines or ())
        words = ngettext("Package sent ({n} unit)", "Package sent ({n} units)", units).format(
            n=units
        )
        steps.append(Step(package.shipped_at, words, f"{package.carrier} {package.tracking_no}"))
    for refund in found["refunds"]:
        steps.append(Step(refund.asked_at, gettext("Refund booked"), refund.reason))
        if refund.done_at:
            steps.append(Step(refund.done_at, gettext("Refund paid back")))
    for kind, due_at in found["deadlines"].items():
        if kind in AHEAD:
            steps.append(Step(due_at, gettext(AHEAD[kind]), is_ahead=True))
    return sorted(steps, key=lambda step: (step.is_ahead, step.at))
