"""Who acts for an organisation: its members, invitations by link, joining, leaving."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts import member_commands, queries
from dougong.accounts.commands import audit
from dougong.accounts.rules import InvitationOver, LastMember, token_hash
from dougong.base.access import Access, Permission
from dougong.base.errors import Refusal
from dougong.base.ids import OrgId, PersonId
from dougong.infra.clock import wall_now
from dougong.infra.limits import spend
from dougong.infra.settings import settings
from dougong.web.account.common import AnyRequest, form_page, go, request_id
from dougong.web.deps import Actor, Conn, Now, Who
from dougong.web.forms import Form, FormData

ORG = "/organisations/{org_id:uuid}"
MANAGE: dict[str, Any] = {"permission": Permission.MEMBERS_MANAGE, "include_in_schema": False}
JOIN = "/join"
DAY_S = 86_400
MOST_INVITATIONS_A_DAY = 50


class Invite(Form):
    note: str


class Join(Form):
    invitation: str


class Nothing(Form):
    """A button."""


def members_url(org_id: UUID) -> str:
    return f"/organisations/{org_id}/members"


async def _page(
    request: AnyRequest,
    conn: AsyncConnection,
    who: Access,
    org_id: UUID,
    *,
    refusal: Refusal | None = None,
    note: str = "",
    link: str = "",
) -> Response[str]:
    made = form_page(
        request,
        "account/members.html",
        refusal=refusal,
        org=await queries.organisation(conn, org_id),
        members=await queries.members_of(conn, org_id),
        invitations=await queries.open_invitations(conn, org_id, at=wall_now()),
        me=who.person_id,
        note=note,
        link=link,
    )
    made.headers["Cache-Control"] = "no-store"
    return made


@get(f"{ORG}/members", **MANAGE)
async def members_page(
    org_id: FromPath[UUID], request: AnyRequest, conn: Conn, who: Who
) -> Response[str]:
    return await _page(request, conn, who, org_id)


@post(f"{ORG}/invitations", status_code=200, **MANAGE)
async def invite(
    org_id: FromPath[UUID],
    data: FormData[Invite],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    who: Who,
) -> Response[str]:
    """The page again, with the link that is shown only now."""
    try:
        await spend(f"invite:{org_id}", most=MOST_INVITATIONS_A_DAY, window_s=DAY_S)
        made = await member_commands.invite(
            conn,
            org_id=OrgId(org_id),
            invited_by=who.person_id,
            note=data.note,
            at=wall_now(),
        )
    except Refusal as refusal:
        return await _page(request, conn, who, org_id, refusal=refusal, note=data.note)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.member_invited",
        owner_id=org_id,
        subject=data.note[:80],
        facts={"invitation": str(made.invitation_id)},
        request_id=request_id(request),
    )
    link = f"{settings().public_url.rstrip('/')}{JOIN}?invitation={quote(made.token)}"
    return await _page(request, conn, who, org_id, link=link)


@post(ORG + "/invitations/{invitation_id:uuid}/withdraw", status_code=303, **MANAGE)
async def withdraw(
    org_id: FromPath[UUID],
    invitation_id: FromPath[UUID],
    data: FormData[Nothing],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    who: Who,
) -> Response[str]:
    await member_commands.withdraw_invitation(
        conn, org_id=OrgId(org_id), invitation_id=invitation_id, at=wall_now()
    )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.invitation_withdrawn",
        owner_id=org_id,
        subject=str(invitation_id),
        request_id=request_id(request),
    )
    return go(members_url(org_id))


@post(ORG + "/members/{person_id:uuid}/remove", status_code=303, **MANAGE)
async def remove(
    org_id: FromPath[UUID],
    person_id: FromPath[UUID],
    data: FormData[Nothing],
    request: AnyRequest,
    conn: Conn,
    now: Now,
    who: Who,
) -> Response[str]:
    """Another member, or oneself: that is leaving."""
    try:
        await member_commands.remove_member(
            conn, org_id=OrgId(org_id), person_id=PersonId(person_id), at=now
        )
    except LastMember as refusal:
        return await _page(request, conn, who, org_id, refusal=refusal)
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.member_removed",
        owner_id=org_id,
        subject=str(person_id),
        request_id=request_id(request),
    )
    return go("/me/roles" if person_id == who.person_id else members_url(org_id))


@get(JOIN, permission=Permission.PUBLIC, include_in_schema=False)
async def join_page(
    request: AnyRequest, conn: Conn, actor: Actor, invitation: FromQuery[str] = ""
) -> Response[str]:
    """To whom the link leads; who is not signed in does that first and comes back."""
    org = await queries.invited_to(conn, token_hash(invitation), at=wall_now())
    made = form_page(
        request,
        "account/join.html",
        refusal=None if org else InvitationOver(),
        org=org,
        invitation=invitation,
        here=quote(f"{JOIN}?invitation={quote(invitation)}"),
    )
    made.headers["Cache-Control"] = "no-store"
    return made


@post(JOIN, permission=Permission.SELF_WRITE, include_in_schema=False, status_code=200)
async def join(
    request: AnyRequest, conn: Conn, now: Now, who: Who, data: FormData[Join]
) -> Response[str]:
    try:
        joined = await member_commands.join(
            conn,
            token=data.invitation,
            person_id=who.person_id,
            at=wall_now(),
            business_at=now,
        )
    except InvitationOver as refusal:
        return form_page(
            request, "account/join.html", refusal=refusal, org=None, invitation="", here=""
        )
    await audit(
        conn,
        at=now,
        person_id=who.person_id,
        action="accounts.member_joined",
        owner_id=joined.org_id,
        subject=who.name,
        facts={"role": str(joined.role)},
        request_id=request_id(request),
    )
    return go("/me/roles")


HANDLERS: list[HTTPRouteHandler] = [members_page, invite, withdraw, remove, join_page, join]
