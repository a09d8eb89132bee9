"""A partner with a source, its people and ours, and terms with named defaults."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, an_org

from dougong.base.ids import OrgId, PersonId, RoundId, new_id
from dougong.flows.offer_terms import offer_terms, open_for
from dougong.flows.sign_round import Announced, sign_round
from dougong.infra.clock import wall_now
from dougong.partners.commands import Offered, accept
from dougong.partners.rules import (
    Component,
    ComponentKind,
    FeeOverride,
    Grant,
    Side,
    Terms,
    Tier,
    Unit,
)
from dougong.reads.partner_rounds import proposals_of

YUAN, DAY = 100, timedelta(days=1)
# Rules end in the future of the database's own clock, so the tests live in the present.
AT = wall_now().replace(hour=4, minute=0, second=0, microsecond=0) + DAY
STARTS = AT + 20 * DAY
ENDS = STARTS + 365 * DAY
OURS, THEIRS = Side.PLATFORM, Side.PARTNER


class Table(msgspec.Struct):
    """Who sits at it: `first` and `second` for us, `theirs` and `other` for the partner."""

    partner_id: OrgId
    source: str
    round_id: RoundId
    first: PersonId
    second: PersonId
    theirs: PersonId
    other: PersonId

    def person(self, side: Side, *, is_second: bool = False) -> PersonId:
        if side is OURS:
            return self.second if is_second else self.first
        return self.other if is_second else self.theirs

    def partner(self, side: Side) -> UUID | None:
        return None if side is OURS else self.partner_id


async def a_source(conn: AsyncConnection, partner_id: OrgId) -> str:
    code = f"s{new_id().hex[-12:]}"
    await conn.execute(
        text("""
            INSERT INTO sources (code, name_zh, name_en, hosts, adapter, partner_id, created_at)
            VALUES (:code, '来源', 'Source', ARRAY['shop.example'], 'page', :partner, :at)
        """),
        {"code": code, "partner": partner_id, "at": AT},
    )
    return code


async def a_table(conn: AsyncConnection, *, previous_id: RoundId | None = None) -> Table:
    partner_id = await an_org(conn, kind="partner")
    source = await a_source(conn, partner_id)
    people = [await a_person(conn, name=name) for name in ("罗安", "陈复核", "钱琳", "周副总")]
    round_id = await a_round(conn, partner_id, people[0], previous_id=previous_id)
    return Table(partner_id, source, round_id, *people)


async def a_round(
    conn: AsyncConnection,
    partner_id: OrgId,
    person_id: PersonId,
    *,
    previous_id: RoundId | None = None,
    at: datetime = AT,
) -> RoundId:
    return await open_for(
        conn,
        partner_id=partner_id,
        name_zh="2020 框架协议",
        name_en="Framework 2020",
        previous_id=previous_id,
        person_id=person_id,
        at=at,
    )


def a_component(**changes: Any) -> Component:
    values: dict[str, Any] = {
        "kind": ComponentKind.ADVERTISING,
        "unit": Unit.SPEND,
        "committed": 1_000_000 * YUAN,
        "committed_by": THEIRS,
        "shortfall_bp": 5_000,
        "tiers": (Tier(200_000 * YUAN, 200), Tier(800_000 * YUAN, 500)),
    }
    return Component(**values | changes)


def some_terms(source: str, **changes: Any) -> Terms:
    fee = FeeOverride(kind="platform_service_fee", source=source, route="task", rate_bp=1_000)
    values: dict[str, Any] = {
        "currency": "CNY",
        "starts": STARTS,
        "ends": ENDS,
        "components": (a_component(),),
        "grants": (Grant(source, "video"), Grant(source, "live")),
        "fee_overrides": (fee,),
    }
    return Terms(**values | changes)


async def put(
    conn: AsyncConnection,
    table: Table,
    side: Side,
    terms: Terms,
    *,
    at: datetime = AT,
    days: int = 7,
) -> Offered:
    return await offer_terms(
        conn,
        round_id=table.round_id,
        partner_id=table.partner(side),
        side=side,
        author_id=table.person(side),
        terms=terms,
        message="请看",
        expires_at=at + days * DAY,
        at=at,
    )


async def take(
    conn: AsyncConnection, table: Table, side: Side, number: int, *, at: datetime = AT
) -> None:
    await accept(
        conn,
        round_id=table.round_id,
        partner_id=table.partner(side),
        number=number,
        side=side,
        person_id=table.person(side),
        at=at,
    )


async def hash_on(conn: AsyncConnection, table: Table, number: int) -> bytes:
    found = await proposals_of(conn, round_id=table.round_id)
    return found[number - 1].hash


async def put_name(
    conn: AsyncConnection,
    table: Table,
    side: Side,
    number: int,
    *,
    at: datetime = AT,
    hash: bytes | None = None,
    person_id: PersonId | None = None,
) -> Announced | None:
    """Sign by the side's second person, who may, unless another is named."""
    return await sign_round(
        conn,
        round_id=table.round_id,
        partner_id=table.partner(side),
        number=number,
        side=side,
        person_id=person_id or table.person(side, is_second=True),
        signer="签字人",
        hash=hash or await hash_on(conn, table, number),
        at=at,
    )


async def a_signed_round(
    conn: AsyncConnection, table: Table, terms: Terms | None = None, *, at: datetime = AT
) -> Announced:
    """Offered by us, accepted by them, signed by both."""
    made = await put(conn, table, OURS, terms or some_terms(table.source), at=at)
    await take(conn, table, THEIRS, made.number, at=at)
    assert await put_name(conn, table, THEIRS, made.number, at=at) is None
    announced = await put_name(conn, table, OURS, made.number, at=at)
    assert announced is not None
    return announced
