"""Messages and evidence of a case, from both sides, while it is open."""

import asyncio
import hashlib
from uuid import UUID

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
    """A message. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    _refuse_ended(case)
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
    """A picture, a film or a PDF as evidence: read apart, without a transaction, then noted.

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
    try:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            act = Act(
                store_id=store_id, case_id=case_id, person_id=person_id, at=at, buyer_id=buyer_id
            )
            return await note_evidence(conn, act, side, kind, kept, name, size, data)
    except BaseException:
        await asyncio.to_thread(evidence_files.remove, kept)
        raise


async def note_evidence(
    conn: AsyncConnection,
    act: Act,
    side: Side,
    kind: str,
    kept: str,
    name: str,
    size: int,
    data: bytes,
) -> UUID:
    """A file that is kept already. Raises CaseGone, CaseClosed, BadCase."""
    case = await case_for(conn, act)
    _refuse_ended(case)
    evidence_id = await write_evidence(
        conn,
        case=case,
        side=side.value,
        person_id=act.person_id,
        kind=kind,
        file=kept,
        name=name,
        size_bytes=size,
        sha256=hashlib.sha256(data).digest(),
        at=act.at,
    )
    facts = {"number": case.number, "side": side.value, "kind": kind}
    await record(
        conn, "case.evidence", store_id=case.store_id, subject_id=case.id, at=act.at, facts=facts
    )
    return evidence_id
