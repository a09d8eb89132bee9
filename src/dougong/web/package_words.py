"""What pages call the states of a package and the events of its way."""

from dougong.web.i18n import gettext, mark

STATES = {
    "packed": mark("Packed"),
    "unpacked": mark("Unpacked"),
    "handed_over": mark("Handed over"),
    "in_transit": mark("On its way"),
    "out_for_delivery": mark("Out for delivery"),
    "delivered": mark("Delivered"),
    "failed": mark("Not delivered"),
    "returning": mark("On its way back"),
    "returned": mark("Came back"),
    "lost": mark("Lost"),
}
TONES = {
    "packed": "azure", "handed_over": "blue", "in_transit": "blue", "out_for_delivery": "indigo",
    "delivered": "green", "failed": "red", "lost": "red", "returning": "orange",
    "returned": "orange", "unpacked": "secondary",
}  # fmt: skip
STATUSES = {
    "registered": mark("The carrier expects it"),
    "accepted": mark("Picked up"),
    "in_transit": mark("On its way"),
    "held": mark("Held up"),
    "out_for_delivery": mark("Out for delivery"),
    "delivered": mark("Delivered"),
    "failed": mark("Nobody was there"),
    "wrong_address": mark("The address is wrong"),
    "refused": mark("The receiver refused it"),
    "lost": mark("Lost"),
    "intercepted": mark("Stopped on its way"),
    "returning": mark("On its way back"),
    "returned": mark("Came back"),
}
SOURCES = {
    "typed": mark("typed"),
    "file": mark("from a file"),
    "carrier": mark("from the carrier"),
    "aggregator": mark("from a tracking service"),
}


def state_words(state: str) -> str:
    return gettext(STATES.get(state, state))


def status_words(status: str) -> str:
    return gettext(STATUSES.get(status, status))


def source_words(source: str) -> str:
    return gettext(SOURCES.get(source, source))


def tone(state: str) -> str:
    return TONES.get(state, "secondary")
