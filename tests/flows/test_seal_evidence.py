"""A room's evidence is sealed as it ends, and a touched fact shows."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_store
from tests.flows.test_keep_shelf import tick
from tests.flows.test_pin_product import pin
from tests.live.rooms import MINUTE, ARoom, a_room, an_offer

from dougong.flows.live_on_air import end_room
from dougong.infra.db import transaction
from dougong.live.evidence_rules import FIRST_HASH, broken_seals, chained
from dougong.live.rules import EndReason
from dougong.live.seal_commands import seal_room
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
    assert seals[0].hash == chained(FIRST_HASH, facts[:2])
    assert broken_seals(seals, facts) == []
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
    assert broken_seals(seals, await facts_of(conn, room_id=room.room_id)) == []


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
        broken = [one for one in await verify_evidence(conn) if one.room_id == room.room_id]
    assert [(one.number, one.why) for one in broken] == [(1, "contents")]
    with psycopg.connect(all_rights_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE live_explanations SET price_minor = 9900 WHERE room_id = %s", (room.room_id,)
        )


@pytest.mark.parametrize("statement", ["UPDATE", "DELETE"])
async def test_the_app_cannot_touch_what_has_ended(conn: AsyncConnection, statement: str) -> None:
    room = await a_room(conn, await a_store(conn))
    await pin(conn, room, 0, T0)
    await end(conn, room, 3)
    statements = {
        "UPDATE": text("UPDATE live_explanations SET ended_at = now() WHERE room_id = :r"),
        "DELETE": text("DELETE FROM live_explanations WHERE room_id = :r"),
    }
    with pytest.raises(Exception, match=r"evidence is kept|permission denied"):
        await conn.execute(statements[statement], {"r": room.room_id})
