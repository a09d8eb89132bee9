"""Writes who acts for an organisation: invitations, joining, leaving.

An invitation is a link that its maker hands over; it is shown once, kept as a hash, and good for
one person. So nobody learns from here who has an account, and nobody is put into an organisation.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import give_role
from dougong.accounts.rules import (
    INVITATION_LASTS,
    InvitationOver,
    LastMember,
    TooManyKept,
    name_of,
    new_token,
    token_hash,
)
from dougong.accounts.tables import grants, invitations, organisations
from dougong.base.access import Role
from dougong.base.errors import NotFound
from dougong.base.ids import OrgId, PersonId, new_id
from dougong.infra import events

MOST_INVITATIONS = 20


class Invitation(NamedTuple):
    """`token` stands in the link; it is told now and never again."""

    invitation_id: UUID
    token: str


class Joined(NamedTuple):
    org_id: OrgId
    role: Role


async def _lock(conn: AsyncConnection, org_id: OrgId) -> Role:
    """Changes of one organisation's members go one after the other. Raises NotFound."""
    found = select(organisations.c.kind).where(organisations.c.id == org_id).with_for_update()
    kind = await conn.scalar(found)
    if kind is None:
        raise NotFound
    return Role(kind)


async def invite(
    conn: AsyncConnection, *, org_id: OrgId, invited_by: PersonId, note: str, at: datetime
) -> Invitation:
    """A link with which one person joins, good for seven days by the wall clock (`at`).

    `note`: whom it is for, in the inviter's words. Raises BadName, NotFound, or TooManyKept (20
    that are open).
    """
    await _lock(conn, org_id)
    still = await conn.scalar(
        select(func.count()).select_from(invitations).where(*_open(at), _of(org_id))
    )
    if int(still or 0) >= MOST_INVITATIONS:
        raise TooManyKept(most=MOST_INVITATIONS)
    made = Invitation(new_id(), new_token())
    await conn.execute(
        insert(invitations).values(
            id=made.invitation_id,
            org_id=org_id,
            token_hash=token_hash(made.token),
            note=name_of(note, most=80, field="note"),
            invited_by=invited_by,
            created_at=at,
            expires_at=at + INVITATION_LASTS,
        )
    )
    return made


def _of(org_id: OrgId) -> Any:
    return invitations.c.org_id == org_id


def _open(at: datetime) -> tuple[Any, Any]:
    return invitations.c.closed_at.is_(None), invitations.c.expires_at > at


async def withdraw_invitation(
    conn: AsyncConnection, *, org_id: OrgId, invitation_id: UUID, at: datetime
) -> None:
    """The link is worth nothing any more. Raises NotFound for one that is not open."""
    change = (
        update(invitations)
        .where(_of(org_id), invitations.c.id == invitation_id, *_open(at))
        .values(closed_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


async def join(
    conn: AsyncConnection, *, token: str, person_id: PersonId, at: datetime, business_at: datetime
) -> Joined:
    """Use an invitation. `at`: wall clock. Raises InvitationOver (409)."""
    change = (
        update(invitations)
        .where(invitations.c.token_hash == token_hash(token), *_open(at))
        .values(closed_at=at, used_by=person_id)
        .returning(invitations.c.org_id)
    )
    org_id = await conn.scalar(change)
    if org_id is None:
        raise InvitationOver
    joined = Joined(OrgId(org_id), await _lock(conn, OrgId(org_id)))
    await give_role(
        conn, person_id=person_id, org_id=joined.org_id, role=joined.role, at=business_at
    )
    await _tell(conn, "accounts.member_joined", joined.org_id, person_id, business_at)
    return joined


async def remove_member(
    conn: AsyncConnection, *, org_id: OrgId, person_id: PersonId, at: datetime
) -> None:
    """Take a person's grants on an organisation away, from the next request on.

    Raises NotFound, or LastMember (409): nobody would be left to act for it.
    """
    await _lock(conn, org_id)
    there = select(grants.c.person_id).where(grants.c.org_id == org_id).distinct()
    members = set(await conn.scalars(there))
    if person_id not in members:
        raise NotFound
    if len(members) == 1:
        raise LastMember
    await conn.execute(
        delete(grants).where(grants.c.org_id == org_id, grants.c.person_id == person_id)
    )
    await _tell(conn, "accounts.member_left", org_id, person_id, at)


async def _tell(
    conn: AsyncConnection, kind: str, org_id: OrgId, person_id: PersonId, at: datetime
) -> None:
    facts = {"person_id": str(person_id)}
    await events.record(conn, kind, subject_id=org_id, at=at, facts=facts)
