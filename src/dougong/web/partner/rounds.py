"""A partner's console: its own rounds from its own side of the table, its traffic and orders."""

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from dougong.accounts.queries import organisations_of
from dougong.base.access import Permission
from dougong.web.agreements import acts, pages, record_acts
from dougong.web.agreements.pages import AnyRequest
from dougong.web.deps import Conn, Who
from dougong.web.operator.common import see
from dougong.web.render import page

READ: dict[str, Any] = {"permission": Permission.AGREEMENT_READ, "include_in_schema": False}
TALK: dict[str, Any] = {"permission": Permission.AGREEMENT_NEGOTIATE, "include_in_schema": False}
SIGN: dict[str, Any] = {"permission": Permission.AGREEMENT_SIGN, "include_in_schema": False}
ALL = "/partner/{partner_id:uuid}/rounds"
ONE = ALL + "/{round_id:uuid}"


@get("/partner", any_org=True, **READ)
async def partner_home(request: AnyRequest, who: Who, conn: Conn) -> Response[Any]:
    """Where a partner's person starts: its organisation, or a choice among several."""
    ids = who.orgs_with(Permission.AGREEMENT_READ)
    mine = [one for one in await organisations_of(conn, who.person_id) if one.id in ids]
    if len(mine) == 1:
        return see(f"/partner/{mine[0].id}/rounds")
    return page(request, "agreements/partners.html", partners=mine)


HANDLERS: list[HTTPRouteHandler] = [
    partner_home,
    get(ALL, **READ)(pages.rounds_page),
    get(ONE, **READ)(pages.round_page),
    get(ONE + "/offer", **TALK)(pages.offer_page),
    post(ONE + "/offer", **TALK)(acts.make_offer),
    post(ONE + "/accept", **TALK)(acts.accept),
    post(ONE + "/take-back", **TALK)(acts.take_back),
    post(ONE + "/sign", **SIGN)(acts.sign),
    post(ONE + "/comments", **TALK)(acts.say),
    post(ONE + "/end", **SIGN)(acts.end),
    get(ONE + "/progress", **READ)(pages.progress_page),
    get(ONE + "/statement", **READ)(pages.statement_page),
    get(ONE + "/amounts", **READ)(pages.amounts_page),
    post(ONE + "/amounts", **TALK)(record_acts.add_amount),
    get(ONE + "/disputes", **READ)(pages.disputes_page),
    post(ONE + "/disputes", **TALK)(record_acts.open_dispute),
    post(ONE + "/disputes/{dispute_id:uuid}/notes", **TALK)(record_acts.add_note),
    post(ONE + "/disputes/{dispute_id:uuid}/close", **TALK)(record_acts.close_dispute),
    get("/partner/{partner_id:uuid}/traffic", **READ)(pages.traffic_page),
]
