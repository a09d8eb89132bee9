"""What is true of goods that expire: until when they are sold, and what a delivery of them says.

A lot is sold while it has at least as many days left as its category's terms ask for; the days are
those of the platform's zone.
"""

from datetime import date, timedelta

from dougong.base.errors import Conflict, Refusal
from dougong.supply.stock_rules import Received


class ExpiryMissing(Refusal):
    """Goods of this category come with their lot and expiry. Facts: `line_no`, `sku_id`."""

    code = "expiry_missing"
    status = 400


class ExpiresTooSoon(Conflict):
    """A lot has fewer days left than its category may be sold with: it is no good unit. Facts:
    `line_no`, `sku_id`, `days_left`, `days_needed`."""

    code = "expires_too_soon"


class TooCloseToExpiry(Conflict):
    """What lies there is too close to its expiry to be sold. Facts: `sku_id`."""

    code = "too_close_to_expiry"


def last_day_of_sale(expires_on: date, sell_until_days: int) -> date:
    return expires_on - timedelta(days=sell_until_days)


def check_expiry(line: Received, *, sell_until_days: int, today: date) -> None:
    """Raises ExpiryMissing, ExpiresTooSoon (409)."""
    named = {"line_no": line.line_no, "sku_id": str(line.sku_id)}
    if not line.lot:
        raise ExpiryMissing(field="lot", **named)
    if line.expires_on is None:
        raise ExpiryMissing(field="expires_on", **named)
    if today > last_day_of_sale(line.expires_on, sell_until_days):
        raise ExpiresTooSoon(
            field="expires_on",
            days_left=(line.expires_on - today).days,
            days_needed=sell_until_days,
            **named,
        )
