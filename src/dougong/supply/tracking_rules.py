"""Where a package is: one set of statuses, what carriers' own codes mean, and the package's life.

Carriers tell late, twice and out of order. So nothing here depends on when something was told: a
package's state follows from all its events in the order in which they happened.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from dougong.base.errors import BadInput, Conflict


class Status(StrEnum):
    """What an event says, whichever carrier says it."""

    REGISTERED = "registered"  # the carrier knows of it, and does not have it yet
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    HELD = "held"  # customs, weather, damage: it stands still
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED = "failed"  # nobody was there
    WRONG_ADDRESS = "wrong_address"
    REFUSED = "refused"
    LOST = "lost"
    INTERCEPTED = "intercepted"
    RETURNING = "returning"
    RETURNED = "returned"


class PackageState(StrEnum):
    PACKED = "packed"  # closed and weighed, in our house
    UNPACKED = "unpacked"  # opened again before it left
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED = "failed"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"


_ON_THE_WAY = {
    PackageState.IN_TRANSIT,
    PackageState.OUT_FOR_DELIVERY,
    PackageState.DELIVERED,
    PackageState.FAILED,
    PackageState.RETURNING,
    PackageState.RETURNED,
    PackageState.LOST,
}

MOVES: dict[PackageState, set[PackageState]] = {
    PackageState.PACKED: {PackageState.HANDED_OVER, PackageState.UNPACKED},
    PackageState.UNPACKED: set(),
    PackageState.HANDED_OVER: _ON_THE_WAY,
    PackageState.IN_TRANSIT: _ON_THE_WAY - {PackageState.IN_TRANSIT},
    PackageState.OUT_FOR_DELIVERY: _ON_THE_WAY - {PackageState.OUT_FOR_DELIVERY},
    PackageState.FAILED: _ON_THE_WAY - {PackageState.FAILED},
    PackageState.RETURNING: {PackageState.RETURNED, PackageState.LOST},
    PackageState.LOST: _ON_THE_WAY - {PackageState.LOST},  # found again
    PackageState.DELIVERED: set(),
    PackageState.RETURNED: set(),
}

STATE_OF: Mapping[Status, PackageState] = {
    Status.ACCEPTED: PackageState.IN_TRANSIT,
    Status.IN_TRANSIT: PackageState.IN_TRANSIT,
    Status.HELD: PackageState.IN_TRANSIT,
    Status.OUT_FOR_DELIVERY: PackageState.OUT_FOR_DELIVERY,
    Status.DELIVERED: PackageState.DELIVERED,
    Status.FAILED: PackageState.FAILED,
    Status.WRONG_ADDRESS: PackageState.FAILED,
    Status.REFUSED: PackageState.FAILED,
    Status.LOST: PackageState.LOST,
    Status.INTERCEPTED: PackageState.RETURNING,
    Status.RETURNING: PackageState.RETURNING,
    Status.RETURNED: PackageState.RETURNED,
}

# After how long without news somebody should look; a state that is not here never waits.
QUIET_FOR: Mapping[PackageState, timedelta] = {
    PackageState.PACKED: timedelta(hours=24),
    PackageState.HANDED_OVER: timedelta(hours=24),
    PackageState.IN_TRANSIT: timedelta(hours=72),
    PackageState.OUT_FOR_DELIVERY: timedelta(hours=24),
    PackageState.FAILED: timedelta(0),
    PackageState.LOST: timedelta(0),
    PackageState.RETURNING: timedelta(days=7),
}

OPEN_STATES = tuple(QUIET_FOR)


class BadTrackingNumber(BadInput):
    """An international number whose check digit is wrong."""

    code = "bad_tracking_number"


class PackageWrongState(Conflict):
    """The package is not in a state in which this can be done. Facts: `package_state`."""

    code = "wrong_package_state"


class Told(msgspec.Struct, frozen=True):
    """One event of a parcel, in our words. `key`: the same event has the same key each time;
    `raw`: the carrier's own code; `at`: when it happened, not when we heard of it."""

    key: str
    at: datetime
    status: Status
    raw: str = ""
    place: str = ""
    province: str = ""


class Standing(msgspec.Struct, frozen=True):
    """Where a package stands. `since`: when it came into its state; `heard_at`: of the last event;
    `watch_at`: from when on it counts as stuck, None: never."""

    state: PackageState
    since: datetime
    heard_at: datetime
    watch_at: datetime | None


_RANK = {status: n for n, status in enumerate(Status)}


def standing(handed_over_at: datetime, events: Iterable[Told]) -> Standing:
    """What all events together say, in whichever order and however often they were told.

    An event that its place in time does not permit (a scan after the delivery) moves nothing.
    """
    state, since, heard_at, stands = PackageState.HANDED_OVER, handed_over_at, handed_over_at, False
    once = {event.key: event for event in events}
    for event in sorted(once.values(), key=lambda e: (e.at, _RANK[e.status], e.key)):
        following = STATE_OF.get(event.status)
        if following is not None and following in MOVES[state]:
            state, since = following, event.at
        elif following != state:
            continue
        heard_at, stands = max(heard_at, event.at), event.status is Status.HELD
    return Standing(state, since, heard_at, watch_at(state, heard_at, stands=stands))


def watch_at(state: PackageState, heard_at: datetime, *, stands: bool = False) -> datetime | None:
    """From when on a package without news counts as stuck; one that stands still does at once."""
    if state not in QUIET_FOR:
        return None
    return heard_at if stands else heard_at + QUIET_FOR[state]


# What carriers' codes mean ---------------------------------------------------------------------

S = Status
DIALECTS: Mapping[str, Mapping[str, Status]] = {
    # The sandbox carrier's own codes (supply/adapters/sandbox_server.py).
    "sandbox": {
        "10": S.REGISTERED, "20": S.ACCEPTED, "30": S.IN_TRANSIT, "35": S.HELD,
        "40": S.OUT_FOR_DELIVERY, "50": S.DELIVERED, "60": S.FAILED, "61": S.WRONG_ADDRESS,
        "62": S.REFUSED, "70": S.INTERCEPTED, "80": S.RETURNING, "85": S.RETURNED, "90": S.LOST,
    },
    # AfterShip's delivery statuses (tags), and the sub-statuses that say more.
    # Source: AfterShip's tracking documentation, "Delivery statuses and sub-statuses".
    "aftership": {
        "Pending": S.REGISTERED, "InfoReceived": S.REGISTERED, "InTransit": S.IN_TRANSIT,
        "OutForDelivery": S.OUT_FOR_DELIVERY, "AvailableForPickup": S.OUT_FOR_DELIVERY,
        "AttemptFail": S.FAILED, "Delivered": S.DELIVERED, "Expired": S.HELD,
        "Exception": S.HELD, "Exception_002": S.WRONG_ADDRESS, "Exception_003": S.REFUSED,
        "Exception_007": S.WRONG_ADDRESS, "Exception_010": S.RETURNING,
        "Exception_011": S.RETURNED, "Exception_013": S.LOST,
    },
    # What people type, and what spreadsheets of carriers say.
    "typed": {
        "揽收": S.ACCEPTED, "已揽收": S.ACCEPTED, "运输中": S.IN_TRANSIT, "在途": S.IN_TRANSIT,
        "疑难": S.HELD, "滞留": S.HELD, "派送中": S.OUT_FOR_DELIVERY, "派件中": S.OUT_FOR_DELIVERY,
        "已签收": S.DELIVERED, "签收": S.DELIVERED, "派送失败": S.FAILED,
        "地址错误": S.WRONG_ADDRESS,
        "拒收": S.REFUSED, "拒签": S.REFUSED, "丢失": S.LOST, "拦截": S.INTERCEPTED,
        "退回中": S.RETURNING, "退回": S.RETURNING, "已退回": S.RETURNED, "退签": S.RETURNED,
    } | {status.value: status for status in Status},
}  # fmt: skip


def status_of(dialect: str, *codes: str) -> Status | None:
    """The first code that this dialect knows (the finer one first); None where it knows none."""
    known = DIALECTS[dialect]
    return next((known[code] for code in codes if code in known), None)


# Tracking numbers ------------------------------------------------------------------------------

_S10 = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}$")
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def s10_check_digit(serial: str) -> int:
    """The check digit of a serial of eight digits. Source: UPU standard S10, annex A."""
    left = 11 - sum(w * int(d) for w, d in zip(_WEIGHTS, serial, strict=True)) % 11
    return {10: 0, 11: 5}.get(left, left)


def tracking_number(text: str) -> str:
    """The number in its one form: no blanks, capital letters.

    Raises BadTrackingNumber for one of the UPU's form (RR123456785CN) with a wrong check digit;
    numbers of any other form are the carrier's own affair.
    """
    plain = re.sub(r"[\s\-]+", "", text).upper() if _looks_international(text) else text.strip()
    if _S10.match(plain) and s10_check_digit(plain[2:10]) != int(plain[10]):
        raise BadTrackingNumber(field="tracking_no", reason="bad_check_digit")
    return plain


def _looks_international(text: str) -> bool:
    return bool(_S10.match(re.sub(r"[\s\-]+", "", text).upper()))
