"""API: a partner's agreement rounds, what is signed in them, and how far they have come."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from dougong.base.access import Permission
from dougong.base.errors import NotFound
from dougong.partners.rules import Terms
from dougong.reads import partner_progress as progress
from dougong.reads import partner_rounds as rounds
from dougong.web.deps import Conn, Now

BASE = "/api/v1/partners/{partner_id:uuid}/rounds"
ROUTE: dict[str, Any] = {"permission": Permission.AGREEMENT_READ, "tags": ["agreements"]}
ALL = "/api/v1/rounds"
OPERATOR: dict[str, Any] = {"permission": Permission.PARTNER_READ, "tags": ["agreements"]}


class Round(msgspec.Struct):
    """`state`: negotiating, signed, ended or given_up. `ends_at`: of the signed text, or earlier
    once notice was given."""

    id: UUID
    partner_id: UUID
    name_zh: str
    name_en: str
    state: str
    previous_id: UUID | None
    opened_at: datetime
    signed_at: datetime | None
    ends_at: datetime | None
    notice_by: str | None
    ended_at: datetime | None


class Rounds(msgspec.Struct):
    items: list[Round]


class Offer(msgspec.Struct):
    """A proposal: its full terms, the hash (SHA-256, in hex) that is signed, and its fate."""

    number: int
    side: str
    state: str
    offered_at: datetime
    expires_at: datetime
    hash: str
    terms: Terms


class Amount(msgspec.Struct):
    """Something that was said and is not signed. `kind`: reported or confirmed."""

    kind: str
    component: str
    unit: str
    amount: int
    currency: str
    is_about: bool
    source: str
    citation: str
    said_at: datetime


class Delivered(msgspec.Struct):
    """A signed component and what has come of it, in its unit; forecasts for the whole period."""

    kind: str
    unit: str
    committed: int
    delivered: int
    straight_line: int | None
    seasonal: int | None
    rebate_minor: int
    is_alarmed: bool


class RoundDetail(msgspec.Struct):
    """Reported, confirmed and signed amounts stand apart: `amounts` are never part of `signed`."""

    round: Round
    on_table: Offer | None
    signed: Offer | None
    amounts: list[Amount]
    progress: list[Delivered]


def _round(row: rounds.RoundNames) -> Round:
    same = {name: getattr(row, name) for name in Round.__struct_fields__ if name != "id"}
    return Round(id=row.round_id, **same)


def _offer(one: rounds.Proposal | None) -> Offer | None:
    if one is None:
        return None
    return Offer(
        one.number, one.side, one.state, one.offered_at, one.expires_at, one.hash.hex(), one.terms()
    )


@get(BASE, summary="Rounds of a partner", **ROUTE)
async def list_rounds(partner_id: FromPath[UUID], conn: Conn) -> Rounds:
    """The newest first."""
    return Rounds([_round(row) for row in await rounds.rounds_named(conn, partner_id=partner_id)])


@get(BASE + "/{round_id:uuid}", summary="One round", **ROUTE)
async def read_round(
    partner_id: FromPath[UUID], round_id: FromPath[UUID], conn: Conn, now: Now
) -> RoundDetail:
    """With what is on the table, what is signed, and its progress once it is."""
    return await _detail(conn, round_id, partner_id, now)


@get(ALL, summary="Rounds of all partners", **OPERATOR)
async def list_all_rounds(conn: Conn) -> Rounds:
    """The newest first; for operators."""
    return Rounds([_round(row) for row in await rounds.rounds_named(conn)])


@get(ALL + "/{round_id:uuid}", summary="One round of any partner", **OPERATOR)
async def read_any_round(round_id: FromPath[UUID], conn: Conn, now: Now) -> RoundDetail:
    """As its partner reads it; for operators."""
    return await _detail(conn, round_id, None, now)


async def _detail(
    conn: Conn, round_id: UUID, partner_id: UUID | None, now: datetime
) -> RoundDetail:
    found = await rounds.round_names(conn, round_id=round_id, partner_id=partner_id)
    if found is None:
        raise NotFound
    proposals = await rounds.proposals_of(conn, round_id=round_id)
    state = await progress.progress_of(conn, round_id=round_id, at=now)
    said = await rounds.amounts_of(conn, round_ids=[round_id])
    return RoundDetail(
        round=_round(found),
        on_table=_offer(next((one for one in proposals if one.is_live()), None)),
        signed=_offer(next((one for one in proposals if one.state == "signed"), None)),
        amounts=[Amount(*(getattr(row, n) for n in Amount.__struct_fields__)) for row in said],
        progress=[
            Delivered(*(getattr(one, n) for n in Delivered.__struct_fields__))
            for one in (state.components if state else [])
        ],
    )


HANDLERS: list[HTTPRouteHandler] = [
    list_rounds,
    read_round,
    list_all_rounds,
    read_any_round,
]
