"""Writes API keys: shown once, kept as a hash, narrowed to scopes."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.rules import (
    TooManyKept,
    name_of,
    new_key,
    scopes_of,
    shown_prefix,
    token_hash,
)
from dougong.accounts.tables import api_keys, people
from dougong.base.access import Access
from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, new_id

MOST_KEYS = 20


class MadeKey(NamedTuple):
    """`key` is told now and never again."""

    key_id: UUID
    key: str
    shown: str


async def make_key(
    conn: AsyncConnection,
    *,
    access: Access,
    name: str,
    scopes: Iterable[str],
    at: datetime,
    expires_at: datetime | None,
) -> MadeKey:
    """A key for the person of `access`. Both instants by the wall clock; None: until revoked.

    Raises BadName, ScopesNotHeld, or TooManyKept (20 that are not revoked).
    """
    chosen = scopes_of(scopes, access)
    # The person's row makes two makers wait for each other, so that the count is right.
    await conn.execute(select(people.c.id).where(people.c.id == access.person_id).with_for_update())
    kept = await conn.scalar(
        select(func.count())
        .select_from(api_keys)
        .where(api_keys.c.person_id == access.person_id, api_keys.c.revoked_at.is_(None))
    )
    if int(kept or 0) >= MOST_KEYS:
        raise TooManyKept(most=MOST_KEYS)
    made = MadeKey(new_id(), key := new_key(), shown_prefix(key))
    await conn.execute(
        insert(api_keys).values(
            id=made.key_id,
            person_id=access.person_id,
            name=name_of(name, most=80),
            prefix=made.shown,
            key_hash=token_hash(key),
            scopes=[str(scope) for scope in chosen],
            created_at=at,
            expires_at=expires_at,
        )
    )
    return made


async def revoke_key(
    conn: AsyncConnection, *, person_id: PersonId, key_id: UUID, at: datetime
) -> None:
    """End a key for good. Raises NotFound when it is not this person's, or ended already."""
    change = (
        update(api_keys)
        .where(api_keys.c.person_id == person_id, api_keys.c.id == key_id)
        .where(api_keys.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
