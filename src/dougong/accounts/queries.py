"""Reads people, their sessions, keys, addresses and organisations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.tables import (
    addresses,
    api_keys,
    grants,
    invitations,
    organisations,
    people,
    sessions,
)
from dougong.base.access import Role
from dougong.base.errors import NotFound
from dougong.base.ids import OrgId, PersonId


async def person(conn: AsyncConnection, person_id: PersonId) -> Row[Any]:
    """id, email, name, locale, state, password_hash, created_at. Raises NotFound."""
    found = (await conn.execute(select(people).where(people.c.id == person_id))).one_or_none()
    if found is None:
        raise NotFound
    return found


async def sign_in_row(conn: AsyncConnection, email: str) -> Any:
    """id, state and password_hash of the person with this e-mail, if there is one."""
    chosen = select(people.c.id, people.c.state, people.c.password_hash, people.c.locale)
    return (await conn.execute(chosen.where(people.c.email == email))).one_or_none()


async def open_sessions(
    conn: AsyncConnection, person_id: PersonId, *, at: datetime
) -> Sequence[Row[Any]]:
    """token_hash, created_at, expires_at, user_agent; newest first. `at`: wall clock."""
    found = await conn.execute(
        select(sessions)
        .where(sessions.c.person_id == person_id, sessions.c.ended_at.is_(None))
        .where(sessions.c.expires_at > at)
        .order_by(sessions.c.created_at.desc())
        .limit(100)
    )
    return found.all()


async def keys_of(conn: AsyncConnection, person_id: PersonId) -> Sequence[Row[Any]]:
    """Keys that are not revoked, newest first: id, name, prefix, scopes, created_at, expires_at."""
    found = await conn.execute(
        select(api_keys)
        .where(api_keys.c.person_id == person_id, api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.id.desc())
    )
    return found.all()


async def addresses_of(conn: AsyncConnection, person_id: PersonId) -> Sequence[Row[Any]]:
    """The default first, then the newest."""
    found = await conn.execute(
        select(addresses)
        .where(addresses.c.person_id == person_id, addresses.c.removed_at.is_(None))
        .order_by(addresses.c.is_default.desc(), addresses.c.id.desc())
    )
    return found.all()


async def address(conn: AsyncConnection, person_id: PersonId, address_id: UUID) -> Row[Any]:
    """One of the person's addresses that is still there. Raises NotFound."""
    found = await conn.execute(
        select(addresses)
        .where(addresses.c.person_id == person_id, addresses.c.id == address_id)
        .where(addresses.c.removed_at.is_(None))
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def organisations_of(conn: AsyncConnection, person_id: PersonId) -> Sequence[Any]:
    """What a person acts for: id, kind, name, name_en, handle, role, granted_at."""
    found = await conn.execute(
        select(
            organisations.c.id,
            organisations.c.kind,
            organisations.c.name,
            organisations.c.name_en,
            organisations.c.handle,
            grants.c.role,
            grants.c.granted_at,
        )
        .join(grants, grants.c.org_id == organisations.c.id)
        .where(grants.c.person_id == person_id)
        .order_by(grants.c.granted_at, organisations.c.id)
    )
    return found.all()


DEMO_PEOPLE = text("""
    WITH demo AS (
      SELECT DISTINCT ON (role, p.id) p.id, p.name, COALESCE(g.role, 'shopper') AS role,
        o.name AS org_name, o.name_en AS org_name_en, g.granted_at
      FROM people p LEFT JOIN grants g ON g.person_id = p.id
      LEFT JOIN organisations o ON o.id = g.org_id
      WHERE p.is_demo AND p.state = 'active' AND NOT EXISTS (
        SELECT FROM grants real JOIN people r ON r.id = real.person_id
        WHERE real.role = 'operator' AND NOT r.is_demo)
      ORDER BY role, p.id, g.granted_at
    ), ranked AS (
      SELECT *, row_number() OVER (PARTITION BY role ORDER BY granted_at NULLS LAST, id) AS nth
      FROM demo
    )
    SELECT id, name, role, org_name, org_name_en, nth FROM ranked
    WHERE nth = 1 OR (role = 'operator' AND nth = 2)
    ORDER BY role, nth
""")


async def demo_people(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """One demo person of each role that has one, and a second operator, who approves what the first
    drafts: id, name, role, org_name, org_name_en, nth.

    Nobody at all where a real operator is at work: that is no demo market, whatever the mode.
    """
    return (await conn.execute(DEMO_PEOPLE)).all()


MEMBERS = text("""
    SELECT p.id, p.name, p.email, p.state, min(g.granted_at) AS since
    FROM grants g JOIN people p ON p.id = g.person_id
    WHERE g.org_id = :org_id GROUP BY p.id ORDER BY min(g.granted_at), p.id
""")


async def members_of(conn: AsyncConnection, org_id: UUID) -> Sequence[Row[Any]]:
    """Who acts for an organisation, the oldest grant first: id, name, email, state, since."""
    return (await conn.execute(MEMBERS, {"org_id": org_id})).all()


async def open_invitations(conn: AsyncConnection, org_id: UUID, *, at: datetime) -> Sequence[Any]:
    """id, note, expires_at of those that can still be used. `at`: wall clock."""
    found = await conn.execute(
        select(invitations.c.id, invitations.c.note, invitations.c.expires_at)
        .where(invitations.c.org_id == org_id, invitations.c.closed_at.is_(None))
        .where(invitations.c.expires_at > at)
        .order_by(invitations.c.created_at, invitations.c.id)
    )
    return found.all()


async def organisation(conn: AsyncConnection, org_id: UUID) -> Row[Any]:
    """id, kind, name, name_en, handle. Raises NotFound."""
    found = await conn.execute(select(organisations).where(organisations.c.id == org_id))
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return row


async def operators_organisation(conn: AsyncConnection) -> OrgId | None:
    """The oldest organisation of operators, if there is one."""
    asked = select(organisations.c.id).where(organisations.c.kind == Role.OPERATOR)
    found = await conn.scalar(asked.order_by(organisations.c.created_at, organisations.c.id))
    return None if found is None else OrgId(found)


async def invited_to(conn: AsyncConnection, token: bytes, *, at: datetime) -> Row[Any] | None:
    """The organisation that a link's token (its hash) still leads to. `at`: wall clock."""
    found = await conn.execute(
        select(organisations)
        .join(invitations, invitations.c.org_id == organisations.c.id)
        .where(invitations.c.token_hash == token, invitations.c.closed_at.is_(None))
        .where(invitations.c.expires_at > at)
    )
    return found.one_or_none()
