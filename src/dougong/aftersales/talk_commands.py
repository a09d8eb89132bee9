"""Writes what is said in cases and shown as evidence, and a merchant's own rows for its desk."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case
from dougong.aftersales.rules import About, BadCase, CaseGone, Side, check_words
from dougong.aftersales.tables import (
    case_evidence,
    case_messages,
    reply_templates,
    return_addresses,
)
from dougong.base.ids import PersonId, StoreId, new_id

MOST_FILES = 12  # of one case
MOST_MESSAGES = 500


async def write_message(
    conn: AsyncConnection, *, case: Case, side: str, person_id: PersonId, body: str, at: datetime
) -> UUID:
    """Raises BadCase for nothing, too much, or too many in one case."""
    words = check_words(body, field="body")
    count = select(func.count()).where(
        case_messages.c.store_id == case.store_id, case_messages.c.case_id == case.id
    )
    if int(await conn.scalar(count) or 0) >= MOST_MESSAGES:
        raise BadCase(field="body", reason="too_many")
    message_id = new_id()
    row = {"store_id": case.store_id, "id": message_id, "case_id": case.id, "side": side,
           "person_id": person_id, "body": words, "at": at}  # fmt: skip
    await conn.execute(insert(case_messages).values(row))
    return message_id


async def write_about_time(
    conn: AsyncConnection,
    *,
    case: Case,
    side: Side,
    person_id: PersonId,
    about: About,
    note: str,
    due_at: datetime,
    at: datetime,
) -> UUID:
    """More time was asked for, given or declined, with words or without. `due_at`: the deadline
    from now on. Raises BadCase for too many words."""
    words = check_words(note, field="note") if note.strip() else ""
    message_id = new_id()
    row = {"store_id": case.store_id, "id": message_id, "case_id": case.id, "side": side.value,
           "person_id": person_id, "body": words, "about": about.value, "due_at": due_at,
           "at": at}  # fmt: skip
    await conn.execute(insert(case_messages).values(row))
    return message_id


async def write_evidence(
    conn: AsyncConnection,
    *,
    case: Case,
    side: str,
    person_id: PersonId,
    kind: str,
    file: str,
    name: str,
    size_bytes: int,
    sha256: bytes,
    at: datetime,
) -> UUID:
    """A file that is kept already; the case is locked. Raises BadCase when it has enough."""
    if await count_evidence(conn, case=case) >= MOST_FILES:
        raise BadCase(field="file", reason="too_many")
    evidence_id = new_id()
    row = {"store_id": case.store_id, "id": evidence_id, "case_id": case.id, "side": side,
           "person_id": person_id, "kind": kind, "file": file, "name": name[:120] or kind,
           "size_bytes": size_bytes, "sha256": sha256, "at": at}  # fmt: skip
    await conn.execute(insert(case_evidence).values(row))
    return evidence_id


async def count_evidence(conn: AsyncConnection, *, case: Case) -> int:
    count = select(func.count()).where(
        case_evidence.c.store_id == case.store_id, case_evidence.c.case_id == case.id
    )
    return int(await conn.scalar(count) or 0)


async def add_template(
    conn: AsyncConnection, *, store_id: StoreId, name: str, body: str, at: datetime
) -> UUID:
    """Raises BadCase."""
    row = {"store_id": store_id, "id": new_id(), "made_at": at}
    row |= {"name": check_words(name, field="name", most=60)}
    row |= {"body": check_words(body, field="body")}
    await conn.execute(insert(reply_templates).values(row))
    return UUID(str(row["id"]))


async def remove_template(
    conn: AsyncConnection, *, store_id: StoreId, template_id: UUID, at: datetime
) -> None:
    """Raises CaseGone."""
    c = reply_templates.c
    change = update(reply_templates).where(
        c.store_id == store_id, c.id == template_id, c.removed_at.is_(None)
    )
    if (await conn.execute(change.values(removed_at=at))).rowcount != 1:
        raise CaseGone(field="template_id")


async def set_return_address(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    recipient: str,
    phone: str,
    province: str,
    city: str,
    line: str,
    at: datetime,
) -> UUID:
    """The address that buyers ship back to from now on. Raises BadCase."""
    row = {"store_id": store_id, "id": new_id(), "is_default": True, "made_at": at}
    row |= {"recipient": check_words(recipient, field="recipient", most=80)}
    row |= {"phone": check_words(phone, field="phone", most=30)}
    row |= {"line": check_words(line, field="line", most=200)}
    row |= {"province": province.strip()[:60], "city": city.strip()[:60]}
    if len(str(row["phone"])) < 5:
        raise BadCase(field="phone", reason="too_short")
    await conn.execute(
        text("""
            UPDATE return_addresses SET is_default = false
            WHERE store_id = :store_id AND is_default
        """),
        {"store_id": store_id},
    )
    await conn.execute(insert(return_addresses).values(row))
    return UUID(str(row["id"]))
