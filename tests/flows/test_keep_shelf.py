"""The shelf of a room on air: what changes is a fact and is told; what the book denies goes, with a
grace for what is being explained."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_link_rule, a_store, approved
from tests.flows.test_pin_product import explanations, pin, told
from tests.live.rooms import MINUTE, ARoom, a_room

from dougong.flows.keep_shelf import keep_shelf
from dougong.flows.pin_product import unpin_product
from dougong.flows.sweep_links import judge
from dougong.policy.queries import rules_book
from dougong.reads.live_shelf import live_shelf
from dougong.supply.stock_commands import set_on_hand

__all__ = ["told"]

RULE_AT = T0 + 10 * MINUTE


async def tick(conn: AsyncConnection, room: ARoom, at: datetime) -> None:
    await rules_book(conn, fresh=True)
    await keep_shelf(conn, room_id=room.room_id, creator_id=room.creator_id, at=at)


async def facts(conn: AsyncConnection, room: ARoom) -> list[tuple[Any, ...]]:
    found = await conn.execute(
        text("""
            SELECT price_minor, stock, allowed, ended_at IS NULL FROM live_shelf_facts
            WHERE room_id = :r ORDER BY started_at, link_id
        """),
        {"r": room.room_id},
    )
    return [tuple(row) for row in found]


async def a_ban(conn: AsyncConnection, room: ARoom, *, ends: datetime | None = None) -> Any:
    rule = a_link_rule(
        "own", allowed=False, starts=RULE_AT, ends=ends, surface="live",
        party=str(room.creator_id),
    )  # fmt: skip
    await approved(conn, rule)
    return rule


async def swept(conn: AsyncConnection, room: ARoom, at: datetime) -> tuple[int, int, int]:
    """As the sweep judges this room's links."""
    await rules_book(conn, fresh=True)
    links = await live_shelf(conn, creator_id=room.creator_id)
    return await judge(conn, [link.standing_link() for link in links], at=at)


async def test_stock_and_price_are_facts_in_steps(conn: AsyncConnection, told: list[Any]) -> None:
    room = await a_room(conn, await a_store(conn, on_hand=25))
    sku = room.store.skus[0]
    for n, units in enumerate((25, 24, 9)):
        await set_on_hand(conn, store_id=room.store.store_id, levels={sku: units}, at=T0)
        await tick(conn, room, T0 + n * MINUTE)
        await tick(conn, room, T0 + n * MINUTE)
    await conn.execute(text("UPDATE skus SET price_minor = 8800 WHERE id = :s"), {"s": sku})
    await tick(conn, room, T0 + 3 * MINUTE)
    assert await facts(conn, room) == [
        (9_900, 20, True, False), (9_900, 9, True, False), (8_800, 9, True, True),
    ]  # fmt: skip
    link = str(room.links[0])
    kind, first = told.pop(0)
    assert (kind, first["place"], first["card"]["link_id"]) == ("shelf", 0, link)
    assert told == [
        ("price", {"link_id": link, "price_minor": 9_900, "stock": 9}),
        ("price", {"link_id": link, "price_minor": 8_800, "stock": 9}),
    ]


async def test_a_denied_link_goes_and_the_room_hears_why(
    conn: AsyncConnection, told: list[Any]
) -> None:
    room = await a_room(conn, await a_store(conn))
    await a_ban(conn, room, ends=T0 + 60 * MINUTE)
    await tick(conn, room, T0)
    await tick(conn, room, RULE_AT - timedelta(microseconds=1))
    assert [row[2] for row in await facts(conn, room)] == [True]
    await tick(conn, room, RULE_AT)
    assert [row[2:] for row in await facts(conn, room)] == [(True, False), (False, True)]
    kind, gone = told[-1]
    assert (kind, gone["reason_zh"], gone["reason_en"]) == ("link_gone", "规则", "by rule")
    await tick(conn, room, T0 + 60 * MINUTE)  # the reversal
    assert [row[2:] for row in await facts(conn, room)][-1] == (True, True)
    assert told[-1][0] == "shelf"


async def test_what_is_explained_stays_until_its_explanation_ends(
    conn: AsyncConnection, told: list[Any]
) -> None:
    room = await a_room(conn, await a_store(conn, prices=(9_900, 5_000)))
    await a_ban(conn, room)
    await pin(conn, room, 0, RULE_AT - MINUTE)
    assert await swept(conn, room, RULE_AT) == (1, 0, 0)  # the other one
    await tick(conn, room, RULE_AT + MINUTE)
    shelf = await live_shelf(conn, creator_id=room.creator_id)
    assert [link.is_hidden for link in shelf] == [False, True]
    await unpin_product(
        conn, room_id=room.room_id, creator_id=room.creator_id, at=RULE_AT + 2 * MINUTE
    )
    await tick(conn, room, RULE_AT + 2 * MINUTE)
    shelf = await live_shelf(conn, creator_id=room.creator_id)
    assert [link.is_hidden for link in shelf] == [True, True]


@pytest.mark.parametrize(("seconds", "want"), [(299, None), (300, "rule")])
async def test_the_grace_ends_by_its_term(
    conn: AsyncConnection, told: list[Any], seconds: int, want: str | None
) -> None:
    room = await a_room(conn, await a_store(conn))
    await a_ban(conn, room)
    await tick(conn, room, T0)
    await pin(conn, room, 0, RULE_AT - MINUTE)
    await tick(conn, room, RULE_AT + timedelta(seconds=seconds))
    (row,) = await explanations(conn, room)
    assert row.end_reason == want
    kinds = [kind for kind, _ in told]
    assert kinds[2:] == (["unpin", "link_gone"] if want else [])
