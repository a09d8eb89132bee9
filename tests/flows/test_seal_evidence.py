"""A room's evidence is sealed as it ends, and a touched fact shows."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_person, a_store
from tests.flows.test_keep_shelf import tick
from tests.flows.test_pin_product import pin
from tests.live.rooms import MINUTE, ARoom, a_room, an_offer, visits

from dougong.flows.live_on_air import end_room
from dougong.flows.room_deadlines import act
from dougong.flows.seal_books import published_heads
from dougong.flows.seal_evidence import publish_head, published_room_heads
from dougong.infra.db import transaction
from dougong.live.commands import FORGETS
from dougong.live.evidence_rules import (
    FIRST_HASH,
    BrokenSeal,
    RoomHead,
    broken_seals,
    chained,
    contents_of,
)
from dougong.live.rules import EndReason, WrongRoomState
from dougong.live.seal_commands import forget_room, seal_room
from dougong.live.seal_queries import facts_of, seals_of, verify_evidence


async def end(conn: AsyncConnection, room: ARoom, minute: int) -> None:
    await end_room(
        conn, room_id=room.room_id, creator_id=room.creator_id, reason=EndReason.CREATOR,
        at=T0 + minute * MINUTE,
    )  # fmt: skip


async def seal(conn: AsyncConnection, room: ARoom, minute: int) -> Any:
    upto = T0 + minute * MINUTE
    return await seal_room(conn, room_id=room.room_id, upto=upto, sealed_at=upto)


async def test_a_chain_from_the_first_fact_to_the_rooms_end(conn: AsyncConnection) -> None:
    room = await a_room(conn, await a_store(conn, prices=(9_900, 5_000)))
    await tick(conn, room, T0)
    await an_offer(conn, room, lasts=2 * MINUTE)
    await pin(conn, room, 0, T0 + MINUTE)
    assert await seal(conn, room, 1) is None  # nothing has ended
    await pin(conn, room, 1, T0 + 3 * MINUTE)
    first = await seal(conn, room, 4)
    assert (first.number, first.facts) == (1, 2)  # the explanation and the offer
    assert await seal(conn, room, 4) is None
    await conn.execute(
        text("INSERT INTO live_minutes (room_id, minute, viewers) VALUES (:r, :m, 7)"),
        {"r": room.room_id, "m": T0 + 9 * MINUTE},
    )
    await end(conn, room, 10)
    assert [s.facts for s in await seals_of(conn, room_id=room.room_id)] == [2, 3]
    assert (await seal(conn, room, 11)).facts == 1  # the last minute
    seals = await seals_of(conn, room_id=room.room_id)
    facts = await facts_of(conn, room_id=room.room_id)
    assert seals[0].hash == chained(FIRST_HASH, contents_of(facts[:2]))
    assert broken_seals(seals, facts, is_forgotten=False) == []
    kinds = [fact.kind for fact in facts]
    assert kinds == ["offer", "explanation", "explanation", "shelf", "shelf", "minute"]


async def test_a_request_that_waited_for_the_seal_writes_behind_it(conn: AsyncConnection) -> None:
    room = await a_room(conn, await a_store(conn, prices=(9_900, 5_000)))
    await pin(conn, room, 0, T0)
    await pin(conn, room, 1, T0 + MINUTE)
    await seal(conn, room, 5)
    await pin(conn, room, 0, T0 + 2 * MINUTE)  # it was asked before the seal
    await seal(conn, room, 9)
    seals = await seals_of(conn, room_id=room.room_id)
    assert [one.facts for one in seals] == [1, 1]
    facts = await facts_of(conn, room_id=room.room_id)
    assert broken_seals(seals, facts, is_forgotten=False) == []


async def test_a_fact_that_somebody_changed_shows(connections: None, all_rights_url: str) -> None:
    async with transaction() as conn:
        room = await a_room(conn, await a_store(conn))
        await pin(conn, room, 0, T0)
        await end(conn, room, 3)
    with psycopg.connect(all_rights_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE live_explanations SET price_minor = 1 WHERE room_id = %s", (room.room_id,)
        )
    async with transaction() as conn:
        broken = [
            one for one in await verify_evidence(conn, published=[]) if one.room_id == room.room_id
        ]
    assert [(one.number, one.why) for one in broken] == [(1, "contents")]
    with psycopg.connect(all_rights_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE live_explanations SET price_minor = 9900 WHERE room_id = %s", (room.room_id,)
        )


@pytest.mark.parametrize("statement", ["UPDATE", "DELETE", "FORGET"])
async def test_the_app_cannot_touch_what_has_ended(conn: AsyncConnection, statement: str) -> None:
    room = await a_room(conn, await a_store(conn))
    await pin(conn, room, 0, T0)
    await end(conn, room, 3)
    later = text("UPDATE live_rooms SET keep_until = now() + interval '1 day' WHERE id = :r")
    await conn.execute(later, {"r": room.room_id})
    statements = {
        "UPDATE": text("UPDATE live_explanations SET ended_at = now() WHERE room_id = :r"),
        "DELETE": text("DELETE FROM live_explanations WHERE room_id = :r"),
        "FORGET": text("SELECT forget_live_room(:r)"),
    }
    with pytest.raises(Exception, match=r"evidence is kept|permission denied"):
        await conn.execute(statements[statement], {"r": room.room_id})


async def a_room_that_is_over(conn: AsyncConnection) -> ARoom:
    room = await a_room(conn, await a_store(conn, prices=(9_900, 5_000)))
    await tick(conn, room, T0)
    await an_offer(conn, room, lasts=2 * MINUTE)
    await pin(conn, room, 0, T0 + MINUTE)
    await visits(conn, room, [await a_person(conn)])
    await end(conn, room, 3)
    return room


LEFT = text("""
    SELECT (SELECT count(*) FROM live_explanations WHERE room_id = :r)
      + (SELECT count(*) FROM live_shelf_facts WHERE room_id = :r)
      + (SELECT count(*) FROM live_visits WHERE room_id = :r) AS evidence,
      (SELECT count(*) FROM live_offers WHERE room_id = :r) AS offers,
      (SELECT sum(facts) FROM live_seals WHERE room_id = :r) AS sealed
""")


async def test_when_its_time_is_over_a_room_is_forgotten_and_its_chain_holds(
    conn: AsyncConnection,
) -> None:
    room = await a_room_that_is_over(conn)
    before = (await conn.execute(LEFT, {"r": room.room_id})).one()
    due = await conn.scalar(
        text("SELECT due_at FROM deadlines WHERE kind = 'live_forgets' AND subject_id = :r"),
        {"r": room.room_id},
    )
    assert due == T0 + timedelta(days=3 * 365)
    await act(conn, kind=FORGETS, room_id=room.room_id, at=due)
    after = (await conn.execute(LEFT, {"r": room.room_id})).one()
    assert (before.evidence, before.offers, before.sealed) == (4, 1, 4)
    assert (after.evidence, after.offers, after.sealed) == (0, 1, 4)
    broken = await verify_evidence(conn, published=[])
    assert [one for one in broken if one.room_id == room.room_id] == []


async def test_nothing_is_forgotten_before_its_time(conn: AsyncConnection) -> None:
    room = await a_room_that_is_over(conn)
    early = T0 + timedelta(days=3 * 365, seconds=-1)
    with pytest.raises(WrongRoomState):
        await forget_room(conn, room_id=room.room_id, at=early)


async def test_a_head_that_was_published_otherwise_shows(conn: AsyncConnection) -> None:
    room = await a_room_that_is_over(conn)
    (seal,) = await seals_of(conn, room_id=room.room_id)
    good = RoomHead(room.room_id, 1, seal.hash)
    wrong, missing = good._replace(hash=bytes(32)), good._replace(number=2)
    found = await verify_evidence(conn, published=[good, wrong, missing])
    ours = [one for one in found if one.room_id == room.room_id]
    assert ours == [
        BrokenSeal(room.room_id, 1, "published"), BrokenSeal(room.room_id, 2, "published"),
    ]  # fmt: skip


async def test_a_head_is_published_beside_those_of_the_books(conn: AsyncConnection) -> None:
    room_id, hash_hex = str(uuid4()), "ab" * 32
    said = {"sealed_at": T0.isoformat(), "room_id": room_id, "number": 3, "hash": hash_hex}
    await publish_head(**said)
    heads = [one for one in published_room_heads() if str(one.room_id) == room_id]
    assert heads == [RoomHead(UUID(room_id), 3, bytes.fromhex(hash_hex))]
    assert room_id not in {str(one.store_id) for one in published_heads()}


async def test_a_seal_leaves_a_job_that_publishes_its_head(conn: AsyncConnection) -> None:
    room = await a_room_that_is_over(conn)
    (seal,) = await seals_of(conn, room_id=room.room_id)
    waiting = await conn.scalar(
        text("""
            SELECT args->>'hash' FROM procrastinate_jobs
            WHERE task_name = 'live.publish_head' AND args->>'room_id' = :r
        """),
        {"r": str(room.room_id)},
    )
    assert waiting == seal.hash.hex()
