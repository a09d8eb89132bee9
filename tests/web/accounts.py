"""Subjects for tests of pages and the API: people with roles, sessions and keys, committed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.web.site import Client

from dougong.accounts import commands
from dougong.base.access import Role
from dougong.base.ids import OrgId, PersonId, new_id
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.web.security import SESSION_COOKIE

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_email() -> str:
    return f"{new_id().hex}@example.org"


async def a_person(
    *, email: str | None = None, password: str | None = None, name: str = "Li", demo: bool = False
) -> PersonId:
    async with transaction() as conn:
        return await commands.sign_up(
            conn,
            email=email or an_email(),
            password=password,
            name=name,
            locale="en",
            at=AT,
            is_demo=demo,
        )


async def a_role(person_id: PersonId, role: Role) -> OrgId:
    async with transaction() as conn:
        return await commands.open_organisation(
            conn,
            person_id=person_id,
            kind=role,
            name="Lin & Co",
            handle=f"o{new_id().hex}",
            at=AT,
        )


async def a_session(person_id: PersonId) -> str:
    async with transaction() as conn:
        return await commands.start_session(
            conn, person_id=person_id, at=wall_now(), user_agent="tests"
        )


@asynccontextmanager
async def a_client(token: str = "") -> AsyncIterator[Client]:
    """A browser; signed in with the session's token, if one is given."""
    async with Client() as client:
        if token:
            client.cookies.set(SESSION_COOKIE, token)
        yield client


def said(answer: Any) -> tuple[int, dict[str, Any]]:
    """An answer without the id that only this request has."""
    return answer.status_code, answer.json() | {"request_id": ""}


async def send(client: Client, path: str, /, **fields: Any) -> Any:
    """Post a form as a page would, CSRF token and all; redirects are not followed."""
    if "csrftoken" not in client.cookies:
        await client.get("/sign-in", follow_redirects=False)
    token = client.cookies["csrftoken"]
    return await client.post(path, data={"_csrf_token": token, **fields}, follow_redirects=False)
