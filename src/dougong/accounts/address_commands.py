"""Writes a person's addresses. One is the default; a removed one stays for the orders it named."""

import re
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.rules import TooManyKept
from dougong.accounts.tables import addresses, people
from dougong.base.errors import BadInput, NotFound
from dougong.base.ids import PersonId, new_id

MOST_ADDRESSES = 30
PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}")
COUNTRY = re.compile(r"[A-Z]{2}")
LONGEST = {"recipient": 80, "province": 60, "city": 60, "district": 60, "line": 200, "postcode": 12}


class AddressFields(NamedTuple):
    """Where to send something. `country`: ISO 3166-1 alpha-2; district and postcode may be ''."""

    recipient: str
    phone: str
    country: str
    province: str
    city: str
    district: str
    line: str
    postcode: str


def checked(fields: AddressFields) -> AddressFields:
    """The fields with white space folded. Raises BadInput with the field at fault."""
    clean = {name: " ".join(value.split()) for name, value in fields._asdict().items()}
    for name, most in LONGEST.items():
        if not clean[name] and name not in {"district", "postcode"}:
            raise BadInput(field=name, reason="empty")
        if len(clean[name]) > most:
            raise BadInput(field=name, reason="too_long")
        if not clean[name].isprintable():
            raise BadInput(field=name, reason="control_character")
    if not PHONE.fullmatch(clean["phone"]):
        raise BadInput(field="phone", reason="not_a_phone_number")
    clean["country"] = clean["country"].upper()
    if not COUNTRY.fullmatch(clean["country"]):
        raise BadInput(field="country", reason="not_a_country")
    return AddressFields(**clean)


async def _lock(conn: AsyncConnection, person_id: PersonId) -> None:
    """Changes of one person's addresses go one after the other: exactly one stays the default."""
    await conn.execute(select(people.c.id).where(people.c.id == person_id).with_for_update())


async def add_address(
    conn: AsyncConnection, *, person_id: PersonId, fields: AddressFields, is_default: bool
) -> UUID:
    """Keep an address; the first one is the default anyhow. Raises BadInput or TooManyKept."""
    row = checked(fields)._asdict()
    await _lock(conn, person_id)
    kept = await conn.execute(
        select(addresses.c.is_default).where(
            addresses.c.person_id == person_id, addresses.c.removed_at.is_(None)
        )
    )
    there = kept.scalars().all()
    if len(there) >= MOST_ADDRESSES:
        raise TooManyKept(most=MOST_ADDRESSES)
    address_id = new_id()
    await conn.execute(
        insert(addresses).values(person_id=person_id, id=address_id, is_default=False, **row)
    )
    if is_default or not there:
        await _make_default(conn, person_id, address_id)
    return address_id


async def change_address(
    conn: AsyncConnection,
    *,
    person_id: PersonId,
    address_id: UUID,
    fields: AddressFields,
    is_default: bool,
) -> None:
    """Write the fields anew. `is_default` False leaves the default where it is.

    Raises BadInput or NotFound.
    """
    row = checked(fields)._asdict()
    await _lock(conn, person_id)
    change = (
        update(addresses)
        .where(addresses.c.person_id == person_id, addresses.c.id == address_id)
        .where(addresses.c.removed_at.is_(None))
        .values(**row)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    if is_default:
        await _make_default(conn, person_id, address_id)


async def make_default(conn: AsyncConnection, *, person_id: PersonId, address_id: UUID) -> None:
    """Raises NotFound."""
    await _lock(conn, person_id)
    await _make_default(conn, person_id, address_id)


async def _make_default(conn: AsyncConnection, person_id: PersonId, address_id: UUID) -> None:
    mine = (addresses.c.person_id == person_id, addresses.c.removed_at.is_(None))
    await conn.execute(
        update(addresses).where(*mine, addresses.c.is_default).values(is_default=False)
    )
    change = update(addresses).where(*mine, addresses.c.id == address_id).values(is_default=True)
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound


async def remove_address(
    conn: AsyncConnection, *, person_id: PersonId, address_id: UUID, at: datetime
) -> None:
    """Take an address away; the newest of the others becomes the default where this was it.

    Raises NotFound.
    """
    await _lock(conn, person_id)
    change = (
        update(addresses)
        .where(addresses.c.person_id == person_id, addresses.c.id == address_id)
        .where(addresses.c.removed_at.is_(None))
        .values(removed_at=at, is_default=False)
    )
    if (await conn.execute(change)).rowcount != 1:
        raise NotFound
    left = await conn.execute(
        select(addresses.c.id, addresses.c.is_default)
        .where(addresses.c.person_id == person_id, addresses.c.removed_at.is_(None))
        .order_by(addresses.c.id.desc())
    )
    rows = left.all()
    if rows and not any(row.is_default for row in rows):
        await _make_default(conn, person_id, rows[0].id)
