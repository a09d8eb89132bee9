"""Writes people, sessions, organisations, grants and the audit log.

Sessions and keys live by the wall clock; what people did (`at` elsewhere) by the business clock.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts import passwords
from dougong.accounts.rules import (
    NO_PASSWORD,
    SESSION_LASTS,
    EmailTaken,
    HandleTaken,
    check_password,
    email_of,
    handle_of,
    name_of,
    new_token,
    token_hash,
)
from dougong.accounts.tables import audit_log, grants, organisations, people, sessions
from dougong.base.access import Role
from dougong.base.errors import NotFound
from dougong.base.ids import OrgId, PersonId, new_id
from dougong.infra import events


async def audit(
    conn: AsyncConnection,
    *,
    at: datetime,
    person_id: PersonId | None,
    action: str,
    subject: str,
    owner_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
    request_id: str = "",
) -> None:
    """Write one line of the audit log, in the transaction of the act.

    `action` is `area.verb`; `owner_id` the store, organisation or person it was done to; `subject`
    names the thing. The log is append-only and holds no secret and no password.
    """
    row = {"at": at, "person_id": person_id, "action": action, "owner_id": owner_id}
    await conn.execute(
        insert(audit_log).values(
            **row, subject=subject, facts=dict(facts or {}), request_id=request_id
        )
    )


async def sign_up(
    conn: AsyncConnection,
    *,
    email: str,
    password: str | None,
    name: str,
    locale: str,
    at: datetime,
    is_demo: bool = False,
) -> PersonId:
    """Make a person. `password` None: nobody can sign in with one (demo people).

    Raises BadEmail, BadName, a password refusal, or EmailTaken (409).
    """
    email = email_of(email)
    kept = NO_PASSWORD
    if password is not None:
        check_password(password, email=email)
        kept = await passwords.make_hash(password)
    return await add_person(
        conn, email=email, password_hash=kept, name=name, locale=locale, at=at, is_demo=is_demo
    )


async def add_person(
    conn: AsyncConnection,
    *,
    email: str,
    password_hash: str,
    name: str,
    locale: str,
    at: datetime,
    is_demo: bool = False,
) -> PersonId:
    """Make a person with a hash made before the transaction. Raises BadName or EmailTaken."""
    person_id = PersonId(new_id())
    row = {"id": person_id, "email": email, "password_hash": password_hash, "locale": locale}
    made = await conn.execute(
        upsert(people)
        .values(**row, name=name_of(name, most=80), is_demo=is_demo, created_at=at)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(people.c.id)
    )
    if made.first() is None:
        raise EmailTaken(field="email")
    await events.record(
        conn, "accounts.person_signed_up", subject_id=person_id, at=at, facts={"locale": locale}
    )
    return person_id


async def start_session(
    conn: AsyncConnection, *, person_id: PersonId, at: datetime, user_agent: str
) -> str:
    """A new session's token, shown once; the database keeps its hash. `at`: wall clock."""
    token = new_token()
    row = {"token_hash": token_hash(token), "person_id": person_id, "created_at": at}
    await conn.execute(
        insert(sessions).values(**row, expires_at=at + SESSION_LASTS, user_agent=user_agent[:300])
    )
    return token


async def end_session(conn: AsyncConnection, *, token: str, at: datetime) -> None:
    """End the session of this token, if there is one. `at`: wall clock."""
    await conn.execute(
        update(sessions)
        .where(sessions.c.token_hash == token_hash(token), sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )


async def end_named_session(
    conn: AsyncConnection, *, person_id: PersonId, session: bytes, at: datetime
) -> None:
    """End one of the person's sessions, named by its token's hash. Raises NotFound."""
    change = (
        update(sessions)
        .where(sessions.c.person_id == person_id, sessions.c.token_hash == session)
        .where(sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


async def end_sessions(
    conn: AsyncConnection, *, person_id: PersonId, at: datetime, but_token: str = ""
) -> int:
    """Sign the person out everywhere, except at `but_token`. Answers how many ended."""
    ended = await conn.execute(
        update(sessions)
        .where(sessions.c.person_id == person_id, sessions.c.ended_at.is_(None))
        .where(sessions.c.token_hash != token_hash(but_token))
        .values(ended_at=at)
    )
    return ended.rowcount


async def set_password_hash(
    conn: AsyncConnection, *, person_id: PersonId, password_hash: str
) -> None:
    """Replace the hash (a new password, or the same one with today's parameters)."""
    await conn.execute(
        update(people).where(people.c.id == person_id).values(password_hash=password_hash)
    )


async def set_locale(conn: AsyncConnection, *, person_id: PersonId, locale: str) -> None:
    await conn.execute(update(people).where(people.c.id == person_id).values(locale=locale))


async def set_suspended(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    suspended: bool,
    at: datetime,
    wall_at: datetime,
) -> None:
    """Suspend a person, who is out with the next request, or let them in again.

    Raises NotFound when the person is not there or is so already.
    """
    before, after = ("active", "suspended") if suspended else ("suspended", "active")
    change = (
        update(people).where(people.c.id == person_id, people.c.state == before).values(state=after)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    if suspended:
        await end_sessions(conn, person_id=person_id, at=wall_at)
    await events.record(conn, f"accounts.person_{after}", subject_id=person_id, at=at, facts={})


async def open_organisation(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    kind: Role,
    name: str,
    handle: str,
    at: datetime,
    name_en: str = "",
    org_id: OrgId | None = None,
) -> OrgId:
    """Make an organisation of a kind and give the person its role. `org_id`: for history that must
    come out the same whenever it is played; rollouts go by it.

    Whether the person may is the caller's question (`rules.SELF_SERVICE`). Raises BadName,
    BadHandle or HandleTaken (409).
    """
    org_id = org_id or OrgId(new_id())
    made = await conn.execute(
        upsert(organisations)
        .values(
            id=org_id,
            kind=kind,
            name=name_of(name, most=120),
            name_en=name_en,
            handle=handle_of(handle),
            created_at=at,
        )
        .on_conflict_do_nothing(index_elements=["handle"])
    )
    if made.rowcount != 1:
        raise HandleTaken(field="handle")
    await give_role(conn, person_id=person_id, org_id=org_id, role=kind, at=at)
    await events.record(
        conn, "accounts.organisation_opened", subject_id=org_id, at=at, facts={"kind": str(kind)}
    )
    return org_id


async def give_role(
    conn: AsyncConnection, *, person_id: PersonId, org_id: OrgId, role: Role, at: datetime
) -> None:
    """Grant a role on an organisation; having it already is no error."""
    row = {"person_id": person_id, "org_id": org_id, "role": role, "granted_at": at}
    await conn.execute(upsert(grants).values(**row).on_conflict_do_nothing())
