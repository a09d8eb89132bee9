"""Agreements with partners, as the operator sees them: every round."""

from typing import Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from dougong.base.access import Permission
from dougong.web.agreements import acts, pages, record_acts

READ: dict[str, Any] = {"permission": Permission.PARTNER_READ, "include_in_schema": False}
TALK: dict[str, Any] = {"permission": Permission.PARTNER_NEGOTIATE, "include_in_schema": False}
SIGN: dict[str, Any] = {"permission": Permission.PARTNER_SIGN, "include_in_schema": False}
ALL = "/operator/rounds"
ONE = ALL + "/{round_id:uuid}"

HANDLERS: list[HTTPRouteHandler] = [
    get(ALL, **READ)(pages.rounds_page),
    post(ALL, **TALK)(acts.open_round),
    get(ONE, **READ)(pages.round_page),
    get(ONE + "/offer", **TALK)(pages.offer_page),
    post(ONE + "/offer", **TALK)(acts.make_offer),
    post(ONE + "/accept", **TALK)(acts.accept),
    post(ONE + "/take-back", **TALK)(acts.take_back),
    post(ONE + "/sign", **SIGN)(acts.sign),
    post(ONE + "/comments", **TALK)(acts.say),
    post(ONE + "/end", **SIGN)(acts.end),
    get(ONE + "/progress", **READ)(pages.progress_page),
    post(ONE + "/deliveries", **TALK)(record_acts.add_delivery),
    get(ONE + "/statement", **READ)(pages.statement_page),
    get(ONE + "/amounts", **READ)(pages.amounts_page),
    post(ONE + "/amounts", **TALK)(record_acts.add_amount),
    get(ONE + "/disputes", **READ)(pages.disputes_page),
    post(ONE + "/disputes", **TALK)(record_acts.open_dispute),
    post(ONE + "/disputes/{dispute_id:uuid}/notes", **TALK)(record_acts.add_note),
    post(ONE + "/disputes/{dispute_id:uuid}/close", **TALK)(record_acts.close_dispute),
]
