"""Amounts that are not signed: what outsiders report, and what a side confirms."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import PersonId, RoundId, new_id
from dougong.infra import events
from dougong.partners.commands import lock_round
from dougong.partners.rules import MOST_AMOUNT, BadTerms, Side, Unit
from dougong.partners.tables import partner_amounts

WHOLE = "all"  # said of the round as a whole
MOST_TIMES_BP = 10_000_000


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in whole units (minor units for money), and where it is said.

    `times_last_bp`: how often the last round, where that was said (30 000: three times).
    """

    component: str = WHOLE
    unit: Unit = Unit.SPEND
    amount: int
    currency: str
    is_about: bool = False
    times_last_bp: int | None = None
    source: str
    citation: str = ""
    said_at: datetime


async def report_amount(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    said: Said,
    author_id: PersonId,
    at: datetime,
    replaces: UUID | None = None,
) -> UUID:
    """Write down what somebody outside says. Raises BadTerms, NotFound."""
    return await _write(
        conn, round_id, None, said, kind="reported", side=None, author_id=author_id, at=at,
        replaces=replaces,
    )  # fmt: skip


async def confirm_amount(
    conn: AsyncConnection,
    *,
    round_id: RoundId,
    partner_id: UUID | None,
    said: Said,
    side: Side,
    author_id: PersonId,
    at: datetime,
    replaces: UUID | None = None,
) -> UUID:
    """One side says that an amount is so; it binds nobody as a signature does.

    Raises BadTerms, NotFound.
    """
    return await _write(
        conn, round_id, partner_id, said, kind="confirmed", side=side, author_id=author_id, at=at,
        replaces=replaces,
    )  # fmt: skip


async def _write(
    conn: AsyncConnection,
    round_id: RoundId,
    partner_id: UUID | None,
    said: Said,
    *,
    kind: str,
    side: Side | None,
    author_id: PersonId,
    at: datetime,
    replaces: UUID | None,
) -> UUID:
    await lock_round(conn, round_id=round_id, partner_id=partner_id)
    if not 0 < said.amount <= MOST_AMOUNT:
        raise BadTerms(field="amount", reason="out_of_range")
    if said.times_last_bp is not None and not 0 < said.times_last_bp <= MOST_TIMES_BP:
        raise BadTerms(field="times_last", reason="out_of_range")
    if not said.source.strip():
        raise BadTerms(field="source", reason="empty")
    if len(said.source) > 300 or len(said.citation) > 1_000:
        raise BadTerms(field="citation", reason="too_long")
    if said.said_at > at:
        raise BadTerms(field="said_at", reason="future")
    if replaces is not None:
        asked = select(partner_amounts.c.id).where(partner_amounts.c.id == replaces)
        asked = asked.where(partner_amounts.c.round_id == round_id, partner_amounts.c.kind == kind)
        if await conn.scalar(asked) is None:
            raise NotFound
    amount_id = new_id()
    row = {"id": amount_id, "round_id": round_id, "kind": kind, "side": side, "at": at}
    row |= msgspec.structs.asdict(said) | {"author_id": author_id, "replaces": replaces}
    await conn.execute(insert(partner_amounts).values(row))
    facts = {"kind": kind, "component": said.component}
    await events.record(conn, "partners.amount_said", subject_id=round_id, at=at, facts=facts)
    return amount_id
