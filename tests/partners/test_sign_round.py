"""A signature makes the round's rules, an amendment moves them, and its end is theirs."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.partners.factories import (
    AT,
    DAY,
    ENDS,
    OURS,
    STARTS,
    THEIRS,
    Table,
    a_component,
    a_signed_round,
    a_table,
    put,
    put_name,
    some_terms,
    take,
)
from tests.partners.test_negotiation import act_until_quiet

from dougong.base.ids import RuleId, new_id
from dougong.flows.end_round import notice
from dougong.partners.rules import FeeOverride, Grant
from dougong.partners.sign_commands import AT_ONCE
from dougong.policy.commands import install_rules
from dougong.policy.queries import rules_book
from dougong.policy.rules import Facts, Rule, RuleOverlaps
from dougong.reads.partner_rounds import proposals_of, rules_of_round, sources_of


def facts(source: str, at: datetime, **changes: Any) -> Facts:
    values: dict[str, Any] = {
        "kind": "link", "source": source, "surface": "video", "category": "beauty",
        "route": "direct", "party_class": "creator", "party": "c", "merchant_class": "", "at": at,
    }  # fmt: skip
    return Facts(**values | changes)


async def allowed(conn: AsyncConnection, source: str, at: datetime, **changes: Any) -> bool | None:
    """What the policy book says; None without a row."""
    book = await rules_book(conn, fresh=True)
    rule = book.decide(facts(source, at, **changes)).rule
    return None if rule is None else bool(rule.value)


async def test_grants_and_fees_are_announced_by_two_people(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    announced = await a_signed_round(conn, table)
    assert (len(announced.made), announced.ended) == (3, [])
    rows = await rules_of_round(conn, round_id=table.round_id)
    said = [(row.kind, row.surface, row.route, row.value, row.starts, row.ends) for row in rows]
    assert said == [
        ("platform_service_fee", "*", "task", 1_000, STARTS, ENDS),
        ("link", "live", "*", 1, STARTS, ENDS),
        ("link", "video", "*", 1, STARTS, ENDS),
    ]
    book = await rules_book(conn, fresh=True)
    rule = book.by_id[RuleId(rows[1].id)]
    assert (rule.round_id, rule.announced_at) == (table.round_id, AT)
    assert "Framework 2020" in rule.citation
    assert "2020 框架协议" in rule.reason_zh
    assert await allowed(conn, table.source, STARTS) is True
    assert await allowed(conn, table.source, ENDS) is None


async def test_a_grant_beats_a_ban_on_the_source_and_not_one_on_the_route(
    conn: AsyncConnection,
) -> None:
    table = await a_table(conn)
    ban = Rule(
        id=RuleId(new_id()), kind="link", source=table.source, announced_at=AT, starts=AT,
        ends=None, value=0, reason_zh="禁", reason_en="Banned",
    )  # fmt: skip
    route = msgspec.structs.replace(
        ban, id=RuleId(new_id()), surface="live", route="direct", starts=STARTS + 5 * DAY
    )
    await install_rules(
        conn, rules=[ban, route], at=AT, author_id=table.first, approver_id=table.second
    )
    await a_signed_round(conn, table)
    source = table.source
    assert await allowed(conn, source, STARTS - DAY) is False
    assert await allowed(conn, source, STARTS) is True
    assert await allowed(conn, source, STARTS, surface="search") is False
    assert await allowed(conn, source, STARTS + 5 * DAY, surface="live") is False
    assert await allowed(conn, source, STARTS + 5 * DAY, surface="live", route="task") is True
    assert await allowed(conn, source, ENDS) is False


async def test_who_proposed_for_us_is_the_author_whoever_signed_last(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await put(conn, table, THEIRS, some_terms(table.source))
    await take(conn, table, OURS, 1)
    assert await put_name(conn, table, OURS, 1) is None
    announced = await put_name(conn, table, THEIRS, 1)
    assert announced is not None
    found = await people_of(conn, announced.made[0])
    assert found == (table.first, table.second)


async def people_of(conn: AsyncConnection, rule_id: RuleId) -> tuple[Any, Any]:
    from sqlalchemy import text

    asked = text("""
        SELECT author_id, approver_id FROM link_rules WHERE id = :id
        UNION ALL SELECT author_id, approver_id FROM fee_rules WHERE id = :id
    """)
    row = (await conn.execute(asked, {"id": rule_id})).one()
    return row.author_id, row.approver_id


async def test_a_rule_of_somebody_else_in_the_way_leaves_the_text_unsigned(
    conn: AsyncConnection,
) -> None:
    table = await a_table(conn)
    other = Rule(
        id=RuleId(new_id()), kind="link", source=table.source, surface="video", announced_at=AT,
        starts=STARTS + 9 * DAY, ends=None, value=0, reason_zh="禁", reason_en="Banned",
    )  # fmt: skip
    await install_rules(conn, rules=[other], at=AT, author_id=table.first, approver_id=table.second)
    await put(conn, table, OURS, some_terms(table.source))
    await take(conn, table, THEIRS, 1)
    await put_name(conn, table, THEIRS, 1)
    with pytest.raises(RuleOverlaps):
        async with conn.begin_nested():
            await put_name(conn, table, OURS, 1)
    (found,) = await proposals_of(conn, round_id=table.round_id)
    assert (found.state, len(found.signatures)) == ("half_signed", 1)


async def amend(conn: AsyncConnection, table: Table, at: datetime, **changes: Any) -> Any:
    await put(conn, table, THEIRS, some_terms(table.source, **changes), at=at)
    await take(conn, table, OURS, 2, at=at)
    await put_name(conn, table, THEIRS, 2, at=at)
    return await put_name(conn, table, OURS, 2, at=at)


@pytest.mark.parametrize("at", [AT + DAY, STARTS + 30 * DAY], ids=["before", "in_force"])
async def test_an_amendment_keeps_what_it_repeats(conn: AsyncConnection, at: datetime) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    grants = (Grant(table.source, "video"), Grant(table.source, "search"))
    fee = FeeOverride(kind="platform_service_fee", source=table.source, route="task", rate_bp=800)
    announced = await amend(conn, table, at, grants=grants, fee_overrides=(fee,))
    assert (len(announced.made), len(announced.ended)) == (2, 2)
    since = max(STARTS, at + AT_ONCE)
    later = since + DAY
    assert await allowed(conn, table.source, later) is True
    assert await allowed(conn, table.source, later, surface="search") is True
    assert await allowed(conn, table.source, later, surface="live") is None
    book = await rules_book(conn, fresh=True)
    rate = facts(table.source, later, kind="platform_service_fee", route="task")
    rule = book.decide(rate).rule
    assert rule is not None
    assert rule.value == 800


async def test_an_amendment_can_shorten_the_period(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    await amend(conn, table, STARTS + DAY, ends=STARTS + 100 * DAY)
    assert await allowed(conn, table.source, STARTS + 99 * DAY) is True
    assert await allowed(conn, table.source, STARTS + 100 * DAY) is None
    await act_until_quiet(conn, STARTS + 100 * DAY)
    assert await state_of(conn, table) == "ended"


async def state_of(conn: AsyncConnection, table: Table) -> str:
    from dougong.partners.commands import lock_round

    return str((await lock_round(conn, round_id=table.round_id, partner_id=None)).state)


async def test_notice_ends_the_rules_at_its_instant(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table)
    told = STARTS + 40 * DAY
    ends = await notice(
        conn, round_id=table.round_id, partner_id=table.partner_id, side=THEIRS, reason="", at=told
    )
    assert ends == told + 30 * DAY
    rows = await rules_of_round(conn, round_id=table.round_id)
    assert {row.ends for row in rows} == {ends}
    await act_until_quiet(conn, ends - AT_ONCE)
    assert await state_of(conn, table) == "signed"
    await act_until_quiet(conn, ends)
    assert await state_of(conn, table) == "ended"


async def test_the_periods_end_comes_by_its_deadline(conn: AsyncConnection) -> None:
    table = await a_table(conn)
    await a_signed_round(conn, table, some_terms(table.source, components=(a_component(),)))
    await act_until_quiet(conn, ENDS - AT_ONCE)
    assert await state_of(conn, table) == "signed"
    await act_until_quiet(conn, ENDS + 90 * DAY)  # nobody worked for a while
    assert await state_of(conn, table) == "ended"
    assert [one.code for one in await sources_of(conn, partner_id=table.partner_id)]
