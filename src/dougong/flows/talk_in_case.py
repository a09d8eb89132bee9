"""Messages and evidence of a case, from both sides, while it is open."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.aftersales.queries import Case, case_of
from dougong.aftersales.rules import ENDED, BadCase, CaseClosed, CaseGone, Side
from dougong.aftersales.talk_commands import (
    MOST_FILES,
    count_evidence,
    write_evidence,
    write_message,
)
from dougong.base.ids import PersonId, StoreId, new_id
from dougong.flows.answer_case import Act, case_for
from dougong.infra import clock, evidence_files
from dougong.infra.db import transaction
from dougong.infra.events import record
from dougong.infra.media import MediaRefused


async def say(conn: AsyncConnection, act: Act, *, side: Side, body: str) -> UUID:
    """A message; the platform's only while it is to rule. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    _refuse_ended(case)
    if side is Side.OPERATOR and case.waiting_for != side.value:
        raise CaseClosed(field="case_id", state=case.state.value)
    message_id = await write_message(
        conn, case=case, side=side.value, person_id=act.person_id, body=body, at=act.at
    )
    facts = {"number": case.number, "side": side.value, "message_id": str(message_id)}
    await record(
        conn, "case.message", store_id=case.store_id, subject_id=case.id, at=act.at, facts=facts
    )
    return message_id


def _refuse_ended(case: Case) -> None:
    if case.state in ENDED:
        raise CaseClosed(field="case_id", state=case.state.value)


class ShownFile(msgspec.Struct):
    """A file that is kept, and whether a case knows of it."""

    kind: str
    kept: str
    name: str
    size: int
    data: bytes
    is_noted: bool = False


@asynccontextmanager
async def shown_file(
    *, store_id: StoreId, case_id: UUID, buyer_id: PersonId | None, name: str, data: bytes
) -> AsyncIterator[ShownFile]:
    """A picture, a film or a PDF, read apart and without a transaction; taken away again unless it
    is noted in the end.

    Raises CaseGone, CaseClosed, and BadCase for a file that is not taken.
    """
    async with transaction() as conn:
        case = await case_of(conn, store_id=store_id, case_id=case_id)
        if buyer_id is not None and case.buyer_id != buyer_id:
            raise CaseGone(field="case_id")
        _refuse_ended(case)
        if await count_evidence(conn, case=case) >= MOST_FILES:
            raise BadCase(field="file", reason="too_many")
    kept = f"{store_id.hex}/{new_id().hex}"
    try:
        kind, size = await evidence_files.keep(data, kept)
    except MediaRefused as refused:
        raise BadCase(field="file", reason=refused.code) from refused
    file = ShownFile(kind, kept, name, size, data)
    try:
        yield file
    except BaseException:
        file.is_noted = False
        raise
    finally:
        if not file.is_noted:
            await asyncio.to_thread(evidence_files.remove, kept)


async def show(
    *,
    store_id: StoreId,
    case_id: UUID,
    person_id: PersonId,
    buyer_id: PersonId | None,
    side: Side,
    name: str,
    data: bytes,
) -> UUID:
    """A file as evidence. Raises CaseGone, CaseClosed, and BadCase for one that is not taken."""
    named: dict[str, Any] = {"store_id": store_id, "case_id": case_id, "buyer_id": buyer_id}
    async with shown_file(**named, name=name, data=data) as file, transaction() as conn:
        at = await clock.refresh(conn)
        return await note_evidence(conn, Act(**named, person_id=person_id, at=at), side, file)


async def note_evidence(conn: AsyncConnection, act: Act, side: Side, file: ShownFile) -> UUID:
    """A file that is kept already. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    _refuse_ended(case)
    evidence_id = await write_evidence(
        conn,
        case=case,
        side=side.value,
        person_id=act.person_id,
        kind=file.kind,
        file=file.kept,
        name=file.name,
        size_bytes=file.size,
        sha256=hashlib.sha256(file.data).digest(),
        at=act.at,
    )
    facts = {"number": case.number, "side": side.value, "kind": file.kind}
    await record(
        conn, "case.evidence", store_id=case.store_id, subject_id=case.id, at=act.at, facts=facts
    )
    file.is_noted = True
    return evidence_id
