"""Signing up, signing in and changing a password.

A hash takes a tenth of a second on purpose, so it is made between two short transactions: a flood
of tries waits for the two hashing threads, and holds no database connection meanwhile.
"""

from typing import NamedTuple

from dougong.accounts import commands, passwords, queries
from dougong.accounts.rules import (
    PASSWORD_AT_MOST,
    PasswordTooLong,
    Suspended,
    WrongPassword,
    WrongSignIn,
    check_password,
    email_of,
    name_of,
)
from dougong.base.errors import TooMany
from dougong.base.ids import PersonId
from dougong.infra import clock
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.limits import spend

QUARTER_S = 900
HOUR_S = 3_600


class Caller(NamedTuple):
    """Where a request comes from: for limits, the list of sessions and the audit log."""

    address: str
    user_agent: str
    request_id: str = ""


class SignedIn(NamedTuple):
    person_id: PersonId
    token: str


async def sign_in(*, email: str, password: str, caller: Caller) -> SignedIn:
    """Check and start a session. Raises WrongSignIn (401), Suspended (403) or TooMany (429):
    10 tries an e-mail and 60 an address in a quarter of an hour."""
    low = email.strip().lower()[:254]
    await spend(f"sign_in.address:{caller.address}", most=60, window_s=QUARTER_S)
    await _spend_on_email(low, caller)
    async with transaction() as conn:
        row = await queries.sign_in_row(conn, low)
    kept = row.password_hash if row else None
    if not await passwords.fits(kept, password[:PASSWORD_AT_MOST]) or row is None:
        await _note(caller, "accounts.sign_in_refused", low, row.id if row else None)
        raise WrongSignIn(field="password")
    if row.state != "active":
        await _note(caller, "accounts.sign_in_suspended", low, row.id)
        raise Suspended
    fresh = await passwords.make_hash(password) if passwords.is_outdated(row.password_hash) else ""
    async with transaction() as conn:
        if fresh:
            await commands.set_password_hash(conn, person_id=row.id, password_hash=fresh)
        await commands.audit(
            conn,
            at=await clock.refresh(conn),
            person_id=row.id,
            action="accounts.signed_in",
            owner_id=row.id,
            subject=low,
            facts={"address": caller.address},
            request_id=caller.request_id,
        )
        token = await commands.start_session(
            conn, person_id=row.id, at=wall_now(), user_agent=caller.user_agent
        )
    return SignedIn(row.id, token)


async def _spend_on_email(email: str, caller: Caller) -> None:
    try:
        await spend(f"sign_in.email:{email}", most=10, window_s=QUARTER_S)
    except TooMany:
        await _note(caller, "accounts.sign_in_limited", email, None)
        raise


async def _note(caller: Caller, action: str, email: str, person_id: PersonId | None) -> None:
    """A refused try, in the audit log of the person it was against (nobody did it)."""
    async with transaction() as conn:
        await commands.audit(
            conn,
            at=await clock.refresh(conn),
            person_id=None,
            action=action,
            owner_id=person_id,
            subject=email,
            facts={"address": caller.address},
            request_id=caller.request_id,
        )


async def sign_up(*, email: str, password: str, name: str, locale: str, caller: Caller) -> SignedIn:
    """Make a person and start a session. Raises what `accounts.commands.sign_up` raises, or
    TooMany: 20 an address in an hour."""
    email, name = email_of(email), name_of(name, most=80)
    check_password(password, email=email)
    await spend(f"sign_up.address:{caller.address}", most=20, window_s=HOUR_S)
    made = await passwords.make_hash(password)
    async with transaction() as conn:
        at = await clock.refresh(conn)
        person_id = await commands.add_person(
            conn, email=email, password_hash=made, name=name, locale=locale, at=at
        )
        await commands.audit(
            conn,
            at=at,
            person_id=person_id,
            action="accounts.signed_up",
            owner_id=person_id,
            subject=email,
            facts={"address": caller.address},
            request_id=caller.request_id,
        )
        token = await commands.start_session(
            conn, person_id=person_id, at=wall_now(), user_agent=caller.user_agent
        )
    return SignedIn(person_id, token)


async def change_password(
    *, person_id: PersonId, current: str, password: str, caller: Caller
) -> str:
    """Change it, end all sessions, and answer the token of a new one.

    Raises WrongPassword, a password refusal, or TooMany: 10 tries in a quarter of an hour.
    """
    await spend(f"password.person:{person_id}", most=10, window_s=QUARTER_S)
    if len(password) > PASSWORD_AT_MOST:
        raise PasswordTooLong(field="password", most=PASSWORD_AT_MOST)
    async with transaction() as conn:
        row = await queries.person(conn, person_id)
    if not await passwords.fits(row.password_hash, current[:PASSWORD_AT_MOST]):
        raise WrongPassword(field="current")
    check_password(password, email=row.email)
    made = await passwords.make_hash(password)
    async with transaction() as conn:
        await commands.set_password_hash(conn, person_id=person_id, password_hash=made)
        ended = await commands.end_sessions(conn, person_id=person_id, at=wall_now())
        await commands.audit(
            conn,
            at=await clock.refresh(conn),
            person_id=person_id,
            action="accounts.password_changed",
            owner_id=person_id,
            subject=row.email,
            facts={"ended_sessions": ended},
            request_id=caller.request_id,
        )
        return await commands.start_session(
            conn, person_id=person_id, at=wall_now(), user_agent=caller.user_agent
        )
