"""Who acts for an organisation: a link lets one person in, a removed one is out at once."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.web.accounts import AT, a_client, a_person, a_role, a_session, send

from dougong.accounts import member_commands
from dougong.accounts.rules import INVITATION_LASTS, InvitationOver, TooManyKept
from dougong.base.access import Role
from dougong.base.ids import OrgId, PersonId
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction

LINK = re.compile(r'id="fresh-link" readonly value="([^"]+)"')


async def a_team(role: Role = Role.MERCHANT) -> tuple[PersonId, OrgId]:
    owner = await a_person(name="Owner")
    return owner, await a_role(owner, role)


async def a_link(client: Any, org_id: OrgId, note: str = "Wang") -> str:
    """The path of a fresh invitation."""
    answer = await send(client, f"/organisations/{org_id}/invitations", note=note)
    assert answer.status_code == 200, answer.text[:500]
    found = LINK.search(answer.text)
    assert found
    parts = urlsplit(found[1])
    return f"{parts.path}?{parts.query}"


async def members(org_id: OrgId) -> set[PersonId]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT person_id FROM grants WHERE org_id = :id"), {"id": org_id}
        )
        return set(found.scalars())


async def invited(org_id: OrgId, owner: PersonId) -> str:
    async with transaction() as conn:
        made = await member_commands.invite(
            conn, org_id=org_id, invited_by=owner, note="Wang", at=wall_now()
        )
    return made.token


async def use(token: str, person_id: PersonId, *, late: timedelta = timedelta()) -> None:
    async with transaction() as conn:
        await member_commands.join(
            conn, token=token, person_id=person_id, at=wall_now() + late, business_at=AT
        )


async def audited(org_id: OrgId) -> list[str]:
    async with transaction() as conn:
        found = await conn.execute(
            text("SELECT action FROM audit_log WHERE owner_id = :id ORDER BY id"), {"id": org_id}
        )
        return list(found.scalars())


@pytest.mark.parametrize("role", [Role.MERCHANT, Role.CREATOR, Role.OPERATOR, Role.PARTNER])
async def test_an_invited_person_joins_acts_and_is_removed(role: Role) -> None:
    owner, org_id = await a_team(role)
    guest = await a_person(name="Guest")
    page = f"/organisations/{org_id}/members"
    async with a_client(await a_session(owner)) as one, a_client(await a_session(guest)) as two:
        assert (await two.get(page)).status_code == 404
        link = await a_link(one, org_id)
        assert "Lin &amp; Co" in (await two.get(link)).text
        token = link.split("=")[1]
        assert (await send(two, "/join", invitation=token)).headers["location"] == "/me/roles"
        assert await members(org_id) == {owner, guest}
        assert "Guest" in (await two.get(page)).text
        again = await send(two, "/join", invitation=token)
        assert again.status_code == 409
        removed = await send(one, f"{page}/{guest}/remove")
        assert removed.headers["location"] == page
        assert (await two.get(page)).status_code == 404
    assert (await audited(org_id))[-3:] == [
        "accounts.member_invited",
        "accounts.member_joined",
        "accounts.member_removed",
    ]


async def test_a_link_leads_over_signing_in_and_back() -> None:
    owner, org_id = await a_team()
    async with a_client(await a_session(owner)) as client:
        link = await a_link(client, org_id)
    async with a_client() as stranger:
        page = (await stranger.get(link)).text
        way = re.search(r'href="(/sign-in\?next=[^"]+)"', page)
        assert way
        form = (await stranger.get(way[1])).text
        assert f'name="next" value="{link}"' in form


async def test_the_last_member_stays() -> None:
    owner, org_id = await a_team()
    async with a_client(await a_session(owner)) as client:
        answer = await send(client, f"/organisations/{org_id}/members/{owner}/remove")
    assert answer.status_code == 409
    assert "Invite another person first" in answer.text
    assert await members(org_id) == {owner}


async def test_one_may_leave() -> None:
    owner, org_id = await a_team()
    guest = await a_person()
    await use(await invited(org_id, owner), guest)
    async with a_client(await a_session(guest)) as client:
        answer = await send(client, f"/organisations/{org_id}/members/{guest}/remove")
        assert answer.headers["location"] == "/me/roles"
    assert await members(org_id) == {owner}


async def test_two_who_leave_at_once_do_not_leave_it_empty() -> None:
    owner, org_id = await a_team()
    guest = await a_person()
    await use(await invited(org_id, owner), guest)

    async def leave(person_id: PersonId) -> None:
        async with transaction() as conn:
            await member_commands.remove_member(conn, org_id=org_id, person_id=person_id, at=AT)

    await asyncio.gather(leave(owner), leave(guest), return_exceptions=True)
    assert len(await members(org_id)) == 1


async def test_a_link_lets_one_person_in() -> None:
    owner, org_id = await a_team()
    token = await invited(org_id, owner)
    guests = [await a_person(), await a_person()]
    done = await asyncio.gather(*(use(token, g) for g in guests), return_exceptions=True)
    assert sorted(type(one) for one in done if one) == [InvitationOver]
    assert len(await members(org_id)) == 2


async def test_an_old_a_withdrawn_and_an_unknown_link_are_over() -> None:
    owner, org_id = await a_team()
    guest = await a_person()
    old = await invited(org_id, owner)
    with pytest.raises(InvitationOver):
        await use(old, guest, late=INVITATION_LASTS)
    with pytest.raises(InvitationOver):
        await use("nonsense", guest)
    async with a_client(await a_session(owner)) as client:
        page = (await client.get(f"/organisations/{org_id}/members")).text
        found = re.search(r"/invitations/([0-9a-f-]{36})/withdraw", page)
        assert found
        base = f"/organisations/{org_id}/invitations"
        assert (await send(client, f"{base}/{found[1]}/withdraw")).status_code == 303
        assert (await send(client, f"{base}/{found[1]}/withdraw")).status_code == 404
        assert (await send(client, f"{base}/{uuid4()}/withdraw")).status_code == 404
    with pytest.raises(InvitationOver):
        await use(old, guest)
    assert await members(org_id) == {owner}


async def test_an_invitation_needs_a_note_and_there_are_not_too_many() -> None:
    owner, org_id = await a_team()
    async with a_client(await a_session(owner)) as client:
        answer = await send(client, f"/organisations/{org_id}/invitations", note="  ")
        assert answer.status_code == 422
        assert 'id="error-note"' in answer.text
    for _ in range(member_commands.MOST_INVITATIONS):
        await invited(org_id, owner)
    with pytest.raises(TooManyKept):
        await invited(org_id, owner)
