"""Why a refund has not arrived, in words; a gateway's own words stay as they came."""

from datetime import datetime
from typing import Any

from dougong.payments.rules import MOST_REFUND_ATTEMPTS, REFUND_AGAIN_AFTER
from dougong.web.i18n import gettext, mark

FAILURES = {
    "refused_by_gateway": mark("The gateway or the buyer's bank refused it"),
}


def failure_words(failure: str | None) -> str:
    """What a refund's `failure` says, in the language of the request."""
    known = FAILURES.get(failure or "refused_by_gateway")
    return gettext(known) if known else gettext("The gateway says: {words}").format(words=failure)


def next_try(refund: Any) -> datetime | None:
    """When a failed refund is sent again by itself; None when that takes a hand."""
    if refund.failed_at is None or refund.attempt >= MOST_REFUND_ATTEMPTS:
        return None
    again: datetime = refund.failed_at + REFUND_AGAIN_AFTER
    return again
