"""What a room explains is evidence: one at a time, with what stood on its card."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_store
from tests.live.rooms import MINUTE, ARoom, a_room

from dougong.base.ids import OrgId
from dougong.flows.live_on_air import end_room
from dougong.flows.pin_product import pin_product, unpin_product
from dougong.infra import broadcast
from dougong.links.commands import remove_link
from dougong.links.rules import LinkGone
from dougong.live.rules import EndReason, RoomGone, WrongRoomState


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was said, beside the real saying of it."""
    heard: list[tuple[str, dict[str, Any]]] = []
    say = broadcast.say

    async def listen(conn: AsyncConnection, topic: Any, kind: str, facts: Any) -> None:
        heard.append((kind, dict(facts)))
        await say(conn, topic, kind, facts)

    monkeypatch.setattr(broadcast, "say", listen)
    return heard


async def explanations(conn: AsyncConnection, room: ARoom) -> list[Any]:
    found = await conn.execute(
        text("SELECT * FROM live_explanations WHERE room_id = :r ORDER BY started_at, id"),
        {"r": room.room_id},
    )
    return list(found.all())


async def pin(conn: AsyncConnection, room: ARoom, n: int, at: datetime) -> Any:
    return await pin_product(
        conn, room_id=room.room_id, creator_id=room.creator_id, link_id=room.links[n], at=at
    )


async def test_one_at_a_time_with_what_stood_on_the_card(
    conn: AsyncConnection, told: list[Any]
) -> None:
    room = await a_room(conn, await a_store(conn, prices=(9_900, 5_000), on_hand=7))
    first = await pin(conn, room, 0, T0 + MINUTE)
    assert await pin(conn, room, 0, T0 + 2 * MINUTE) == first
    await pin(conn, room, 1, T0 + 3 * MINUTE)
    one, two = await explanations(conn, room)
    assert (one.price_minor, one.currency, one.stock, one.viewers) == (9_900, "CNY", 7, 0)
    assert (one.started_at, one.ended_at, one.end_reason) == (
        T0 + MINUTE, T0 + 3 * MINUTE, "next",
    )  # fmt: skip
    assert (two.link_id, two.ended_at, two.route, two.source) == (
        room.links[1], None, "direct", "own",
    )  # fmt: skip
    assert [kind for kind, _ in told] == ["pin", "pin"]
    card = told[1][1]["explanation"]
    assert (card["link_id"], card["price_minor"], card["title_en"]) == (
        str(room.links[1]), 5_000, "Face cream",
    )  # fmt: skip


async def test_unpinned_and_the_rooms_end(conn: AsyncConnection, told: list[Any]) -> None:
    room = await a_room(conn, await a_store(conn))
    await pin(conn, room, 0, T0 + MINUTE)
    await unpin_product(conn, room_id=room.room_id, creator_id=room.creator_id, at=T0 + 2 * MINUTE)
    await pin(conn, room, 0, T0 + 3 * MINUTE)
    await end_room(
        conn, room_id=room.room_id, creator_id=room.creator_id, reason=EndReason.CREATOR,
        at=T0 + 4 * MINUTE,
    )  # fmt: skip
    rows = await explanations(conn, room)
    assert [(row.end_reason, row.ended_at - T0) for row in rows] == [
        ("unpinned", 2 * MINUTE), ("room_ended", 4 * MINUTE),
    ]  # fmt: skip
    assert [kind for kind, _ in told] == ["pin", "unpin", "pin", "room", "unpin"]
    with pytest.raises(WrongRoomState):
        await pin(conn, room, 0, T0 + 5 * MINUTE)


async def test_only_what_stands_in_ones_own_cart(conn: AsyncConnection) -> None:
    room = await a_room(conn, await a_store(conn))
    other = await a_room(conn, await a_store(conn))
    with pytest.raises(LinkGone):
        await pin_product(
            conn, room_id=room.room_id, creator_id=room.creator_id, link_id=other.links[0], at=T0
        )
    with pytest.raises(RoomGone):
        await pin_product(
            conn, room_id=room.room_id, creator_id=OrgId(other.creator_id),
            link_id=other.links[0], at=T0,
        )  # fmt: skip
    await remove_link(conn, link_id=room.links[0], creator_id=room.creator_id, at=T0)
    with pytest.raises(LinkGone):
        await pin(conn, room, 0, T0)
