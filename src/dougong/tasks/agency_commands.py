"""Contracts of agencies with creators: a share of what tasks earn, with dates. An agency is an
organisation of a creator's kind."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import BadInput, Conflict, NotFound
from dougong.base.ids import PersonId, new_id
from dougong.infra import events
from dougong.infra.db import constraint_of
from dougong.tasks.tables import agency_contracts
from dougong.tasks.work_rules import AgencyShare

MOST_SHARE_BP = 9_000


class BadContract(BadInput):
    code = "bad_agency_contract"
    status = 422


class ContractClosed(Conflict):
    """Answered before, or ended."""

    code = "agency_contract_closed"


class ContractOverlaps(Conflict):
    """Another agency has a share in part of that time."""

    code = "agency_contract_overlaps"


async def offer_contract(
    conn: AsyncConnection,
    *,
    agency_id: UUID,
    creator_id: UUID,
    share_bp: int,
    starts: datetime,
    ends: datetime | None,
    person_id: PersonId,
    at: datetime,
) -> UUID:
    """In force in [starts, ends) once the creator says yes. Raises BadContract."""
    if agency_id == creator_id:
        raise BadContract(field="creator", reason="same")
    if not 1 <= share_bp <= MOST_SHARE_BP:
        raise BadContract(field="share", reason="out_of_range")
    if ends is not None and ends <= starts:
        raise BadContract(field="ends", reason="before_start")
    contract_id = new_id()
    row = {"id": contract_id, "agency_id": agency_id, "creator_id": creator_id}
    said = {"share_bp": share_bp, "in_force": Range(starts, ends, bounds="[)")}
    await conn.execute(
        insert(agency_contracts).values(**row, **said, offered_by=person_id, offered_at=at)
    )
    facts = {"agency_id": str(agency_id), "creator_id": str(creator_id), "share_bp": share_bp}
    await events.record(conn, "tasks.contract_offered", subject_id=contract_id, at=at, facts=facts)
    return contract_id


async def answer_contract(
    conn: AsyncConnection,
    *,
    contract_id: UUID,
    creator_id: UUID,
    accept: bool,
    person_id: PersonId,
    at: datetime,
) -> None:
    """The creator says yes or no. A yes counts from now on at the earliest: what is agreed already
    is shared with nobody new. Raises NotFound, ContractClosed, ContractOverlaps."""
    found = await _of(conn, contract_id)
    if found.creator_id != creator_id:
        raise NotFound
    values: dict[str, Any] = {"state": "accepted" if accept else "declined"}
    if accept:
        if found.ends is not None and found.ends <= at:
            raise ContractClosed(field="contract_id", state="over")
        values["in_force"] = Range(max(found.starts, at), found.ends, bounds="[)")
    change = (
        update(agency_contracts)
        .where(agency_contracts.c.id == contract_id, agency_contracts.c.state == "offered")
        .values(**values, answered_by=person_id, answered_at=at)
    )
    try:
        async with conn.begin_nested():
            done = await conn.execute(change)
    except IntegrityError as error:
        if constraint_of(error) != "agency_contracts_one_at_a_time":
            raise
        raise ContractOverlaps(field="contract_id") from error
    if done.rowcount != 1:
        raise ContractClosed(field="contract_id", state=found.state)
    kind = "tasks.contract_accepted" if accept else "tasks.contract_declined"
    await events.record(conn, kind, subject_id=contract_id, at=at, facts={})


async def end_contract(
    conn: AsyncConnection,
    *,
    contract_id: UUID,
    party_id: UUID,
    at: datetime,
    last: datetime | None = None,
) -> None:
    """Either side ends it: now, or at the instant `last`, earlier than was agreed; tasks that are
    agreed keep the share. The agency may take an offer back, and either side what has not begun.

    Raises NotFound, ContractClosed, BadContract.
    """
    found = await _of(conn, contract_id)
    if party_id not in (found.agency_id, found.creator_id):
        raise NotFound
    is_offer = found.state == "offered" and party_id == found.agency_id
    if found.state != "accepted" and not is_offer:
        raise ContractClosed(field="contract_id", state=found.state)
    change = update(agency_contracts).where(agency_contracts.c.id == contract_id)
    if is_offer:
        change = change.where(agency_contracts.c.state == "offered")
        change = change.values(state="withdrawn", answered_at=at, answered_by=found.offered_by)
    elif found.starts >= at:
        change = change.where(agency_contracts.c.state == "accepted").values(state="withdrawn")
    elif last is not None:
        if last <= at or (found.ends is not None and last > found.ends):
            raise BadContract(field="last", reason="out_of_range")
        change = change.where(agency_contracts.c.state == "accepted")
        change = change.values(in_force=Range(found.starts, last, bounds="[)"))
    else:
        running = or_(
            func.upper(agency_contracts.c.in_force).is_(None),
            func.upper(agency_contracts.c.in_force) > at,
        )
        change = change.where(agency_contracts.c.state == "accepted", running)
        change = change.where(func.lower(agency_contracts.c.in_force) < at)
        change = change.values(state="ended", in_force=Range(found.starts, at, bounds="[)"))
    if (await conn.execute(change)).rowcount != 1:
        raise ContractClosed(field="contract_id", state=found.state)
    facts = {"by": str(party_id), "last": (last or at).isoformat()}
    await events.record(conn, "tasks.contract_ended", subject_id=contract_id, at=at, facts=facts)


async def contract_at(conn: AsyncConnection, *, creator_id: UUID, at: datetime) -> Row[Any] | None:
    """The contract in force: `id`, `agency_id`, `share_bp`."""
    asked = select(agency_contracts).where(
        agency_contracts.c.creator_id == creator_id,
        agency_contracts.c.state.in_(["accepted", "ended"]),
        agency_contracts.c.in_force.contains(at),
    )
    return (await conn.execute(asked)).one_or_none()


async def shares_of(conn: AsyncConnection, *, creator_id: UUID) -> list[AgencyShare]:
    """What agencies take of a creator's tasks, now, before and later; oldest first."""
    in_force = agency_contracts.c.in_force
    asked = select(func.lower(in_force), func.upper(in_force), agency_contracts.c.share_bp).where(
        agency_contracts.c.creator_id == creator_id,
        agency_contracts.c.state.in_(["accepted", "ended"]),
        ~func.isempty(in_force),
    )
    return [AgencyShare(*row) for row in await conn.execute(asked.order_by(func.lower(in_force)))]


async def _of(conn: AsyncConnection, contract_id: UUID) -> Row[Any]:
    starts, ends = (
        func.lower(agency_contracts.c.in_force).label("starts"),
        func.upper(agency_contracts.c.in_force).label("ends"),
    )
    asked = select(agency_contracts, starts, ends).where(agency_contracts.c.id == contract_id)
    found = (await conn.execute(asked.with_for_update(of=agency_contracts))).one_or_none()
    if found is None:
        raise NotFound
    return found
