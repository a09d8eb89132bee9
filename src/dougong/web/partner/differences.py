"""A partner's console: what did not agree in reconciliation, and its word on it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from dougong.accounts.commands import audit
from dougong.base.access import Permission
from dougong.base.errors import Refusal
from dougong.reads.partner_differences import difference_of, differences_of, said_by_partner
from dougong.settlement.case_commands import add_note
from dougong.settlement.case_rules import MOST_NOTE
from dougong.web.agreements.pages import AnyRequest, seat_page
from dougong.web.deps import Conn, Now, Who
from dougong.web.forms import Form, FormData
from dougong.web.operator.common import PAGE, see
from dougong.web.operator.reconciliation import shared_words
from dougong.web.paging import cursor_values, cut
from dougong.web.render import Page

READ: dict[str, Any] = {"permission": Permission.AGREEMENT_READ, "include_in_schema": False}
TALK: dict[str, Any] = {"permission": Permission.AGREEMENT_NEGOTIATE, "include_in_schema": False}
ALL = "/partner/{partner_id:uuid}/differences"
ONE = ALL + "/{case_id:uuid}"


class Word(Form):
    note: str = ""


@get(ALL, **READ)
async def differences_page(
    partner_id: FromPath[UUID], request: AnyRequest, conn: Conn, after: FromQuery[str] = ""
) -> Page:
    found = await differences_of(
        conn,
        partner_id=partner_id,
        before=cursor_values(after, tuple[datetime, UUID]),
        most=PAGE + 1,
    )
    rows, following = cut(found, lambda row: (row.opened_at, row.id), PAGE)
    return await seat_page(
        request, conn, "differences", rows=rows, following=following, **shared_words()
    )


@get(ONE, **READ)
async def difference_page(
    partner_id: FromPath[UUID], case_id: FromPath[UUID], request: AnyRequest, conn: Conn
) -> Page:
    return await _one(partner_id, case_id, request, conn)


async def _one(
    partner_id: UUID,
    case_id: UUID,
    request: AnyRequest,
    conn: Conn,
    *,
    given: str = "",
    refusal: Refusal | None = None,
) -> Page:
    return await seat_page(
        request,
        conn,
        "difference",
        case=await difference_of(conn, partner_id=partner_id, case_id=case_id),
        notes=await said_by_partner(conn, case_id=case_id),
        longest_note=MOST_NOTE,
        given=given,
        refusal=refusal,
        **shared_words(),
    )


@post(ONE + "/notes", **TALK)
async def dispute(
    partner_id: FromPath[UUID],
    case_id: FromPath[UUID],
    data: FormData[Word],
    request: AnyRequest,
    who: Who,
    conn: Conn,
    now: Now,
) -> Response[Any]:
    """The partner says why it sees the case otherwise; the operator's desk shows it there."""
    case = await difference_of(conn, partner_id=partner_id, case_id=case_id)
    try:
        async with conn.begin_nested():
            await add_note(
                conn, case_id=case.id, note=data.note, person_id=who.person_id, side="partner",
                at=now,
            )  # fmt: skip
    except Refusal as refusal:
        return await _one(partner_id, case_id, request, conn, given=data.note, refusal=refusal)
    await audit(
        conn, at=now, person_id=who.person_id, action="settlement.case_disputed",
        owner_id=partner_id, subject=str(case_id),
    )  # fmt: skip
    return see(f"/partner/{partner_id}/differences/{case_id}")


HANDLERS: list[HTTPRouteHandler] = [differences_page, difference_page, dispute]
