"""A room moves scheduled → live → paused → ended, as pictures, people and deadlines say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, an_org

from dougong.base.ids import OrgId, RoomId, new_id
from dougong.flows import room_deadlines
from dougong.flows.live_on_air import end_room, media_arrived, media_lost
from dougong.flows.plan_room import plan_room
from dougong.live.commands import REMINDS, SILENT, change_plan, pause_room
from dougong.live.reminder_commands import forget, remind, tell_reminders
from dougong.live.rules import (
    MOVES,
    BadRoomTime,
    BadTitle,
    EndReason,
    OnAirAlready,
    RoomGone,
    RoomState,
    WrongRoomState,
    holds_keyword,
)

AT = datetime(2020, 8, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def creator(conn: AsyncConnection) -> OrgId:
    return await an_org(conn, kind="creator")


async def planned(conn: AsyncConnection, creator: OrgId, **more: Any) -> RoomId:
    asked: dict[str, Any] = {"title_zh": "晚间好物", "title_en": "", "announced_for": AT, "at": AT}
    return await plan_room(conn, creator_id=creator, **asked | more)


async def on_air(conn: AsyncConnection, creator: OrgId) -> RoomId:
    room_id = await planned(conn, creator)
    await media_arrived(conn, room_id=room_id, at=AT)
    return room_id


async def column(conn: AsyncConnection, room_id: UUID, name: str) -> Any:
    found = await conn.execute(text("SELECT * FROM live_rooms WHERE id = :id"), {"id": room_id})
    return found.mappings().one()[name]


async def waits(conn: AsyncConnection, room_id: UUID) -> dict[str, datetime]:
    """The deadlines that have not acted."""
    found = await conn.execute(
        text("SELECT kind, due_at FROM deadlines WHERE subject_id = :id AND done_at IS NULL"),
        {"id": room_id},
    )
    return {row.kind: row.due_at for row in found}


async def told(conn: AsyncConnection, room_id: UUID) -> list[str]:
    found = await conn.scalars(
        text("SELECT kind FROM events WHERE subject_id = :id ORDER BY id"), {"id": room_id}
    )
    return list(found)


async def test_a_planned_room_reminds_and_waits_for_two_hours(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await planned(conn, creator, announced_for=AT + 60 * MINUTE)
    assert await waits(conn, room_id) == {
        "live_reminds": AT + 50 * MINUTE,
        "live_never_comes": AT + 180 * MINUTE,
    }


async def test_evidence_is_kept_three_years_where_no_rule_says_anything(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await planned(conn, creator)
    assert await column(conn, room_id, "keep_until") == AT + timedelta(days=1_096)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"title_zh": " "}, BadTitle),
        ({"title_zh": "长" * 121}, BadTitle),
        ({"announced_for": AT - 6 * MINUTE}, BadRoomTime),
        ({"announced_for": AT + timedelta(days=61)}, BadRoomTime),
    ],
)
async def test_a_bad_plan_is_refused(
    conn: AsyncConnection, creator: OrgId, change: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await planned(conn, creator, **change)


async def test_a_title_loses_its_markup(conn: AsyncConnection, creator: OrgId) -> None:
    room_id = await planned(conn, creator, title_zh="<b>好</b>物<script>x()</script>")
    assert await column(conn, room_id, "title_zh") == "好物"


async def test_pictures_start_a_room_and_its_deadlines_are_done(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await on_air(conn, creator)
    assert await column(conn, room_id, "state") == RoomState.LIVE
    assert await column(conn, room_id, "started_at") == AT
    assert await waits(conn, room_id) == {}
    assert await told(conn, room_id) == ["live.room_planned", "live.room_started"]


async def test_pictures_that_stop_pause_a_room_and_new_ones_bring_it_back(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await on_air(conn, creator)
    await media_lost(conn, room_id=room_id, at=AT + MINUTE)
    assert await column(conn, room_id, "state") == RoomState.PAUSED
    assert await waits(conn, room_id) == {SILENT: AT + 1.5 * MINUTE}
    await media_arrived(conn, room_id=room_id, at=AT + 2 * MINUTE)
    assert await column(conn, room_id, "state") == RoomState.LIVE
    assert await column(conn, room_id, "started_at") == AT
    assert await waits(conn, room_id) == {}


async def test_a_second_silence_has_a_deadline_of_its_own(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await on_air(conn, creator)
    for minute in (1, 20):
        await media_lost(conn, room_id=room_id, at=AT + minute * MINUTE)
        await media_arrived(conn, room_id=room_id, at=AT + (minute + 1) * MINUTE)
    await media_lost(conn, room_id=room_id, at=AT + 30 * MINUTE)
    assert await waits(conn, room_id) == {SILENT: AT + 30.5 * MINUTE}


async def test_a_break_of_the_creator_may_last_half_an_hour(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await on_air(conn, creator)
    await pause_room(conn, room_id=room_id, creator_id=creator, at=AT)
    assert await waits(conn, room_id) == {SILENT: AT + 30 * MINUTE}


async def test_silence_ends_a_room(conn: AsyncConnection, creator: OrgId) -> None:
    room_id = await on_air(conn, creator)
    await media_lost(conn, room_id=room_id, at=AT)
    done = await room_deadlines.act(conn, kind=SILENT, room_id=room_id, at=AT + 5 * MINUTE)
    assert done == "acted"
    assert await column(conn, room_id, "end_reason") == EndReason.SILENT


async def test_what_never_began_is_cancelled_by_its_creator(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await planned(conn, creator)
    await end_room(conn, room_id=room_id, creator_id=creator, reason=EndReason.CREATOR, at=AT)
    assert await column(conn, room_id, "end_reason") == EndReason.CANCELLED
    assert set(await waits(conn, room_id)) == {"live_forgets"}


async def test_an_ended_room_takes_no_pictures_and_does_not_end_twice(
    conn: AsyncConnection, creator: OrgId
) -> None:
    room_id = await on_air(conn, creator)
    await end_room(conn, room_id=room_id, creator_id=creator, reason=EndReason.CREATOR, at=AT)
    with pytest.raises(WrongRoomState):
        await media_arrived(conn, room_id=room_id, at=AT)
    with pytest.raises(WrongRoomState):
        await end_room(conn, room_id=room_id, creator_id=None, reason=EndReason.OPERATOR, at=AT)
    await media_lost(conn, room_id=room_id, at=AT)
    assert await column(conn, room_id, "state") == RoomState.ENDED


async def test_one_room_of_a_creator_is_on_air_at_a_time(
    conn: AsyncConnection, creator: OrgId
) -> None:
    first = await on_air(conn, creator)
    second = await planned(conn, creator)
    with pytest.raises(OnAirAlready) as refused:
        await media_arrived(conn, room_id=second, at=AT)
    assert refused.value.facts == {"room_id": first}
    assert await column(conn, second, "state") == RoomState.SCHEDULED


async def test_another_creator_cannot_end_a_room(conn: AsyncConnection, creator: OrgId) -> None:
    room_id = await on_air(conn, creator)
    other = await an_org(conn, kind="creator")
    with pytest.raises(RoomGone):
        await end_room(conn, room_id=room_id, creator_id=other, reason=EndReason.CREATOR, at=AT)


async def test_a_new_time_moves_the_deadlines(conn: AsyncConnection, creator: OrgId) -> None:
    room_id = await planned(conn, creator)
    later = AT + 60 * MINUTE
    await change_plan(
        conn, room_id=room_id, creator_id=creator, title_zh="改期", title_en="",
        announced_for=later, at=AT,
    )  # fmt: skip
    assert (await waits(conn, room_id))["live_reminds"] == AT + 50 * MINUTE


async def test_who_asked_is_reminded_once(conn: AsyncConnection, creator: OrgId) -> None:
    room_id = await planned(conn, creator, announced_for=AT + 60 * MINUTE)
    person_id, other = await a_person(conn), await a_person(conn)
    for one in (person_id, person_id, other):
        await remind(conn, room_id=room_id, person_id=one, at=AT)
    await forget(conn, room_id=room_id, person_id=other)
    assert await room_deadlines.act(conn, kind=REMINDS, room_id=room_id, at=AT) == "acted"
    assert await tell_reminders(conn, room_id=room_id, at=AT) == 0
    facts = await conn.scalar(
        text("SELECT facts FROM events WHERE subject_id = :id AND kind = 'live.reminder_due'"),
        {"id": room_id},
    )
    assert facts["person_id"] == str(person_id)


async def test_nobody_is_reminded_of_what_has_begun(conn: AsyncConnection, creator: OrgId) -> None:
    room_id = await on_air(conn, creator)
    with pytest.raises(WrongRoomState):
        await remind(conn, room_id=room_id, person_id=await a_person(conn), at=AT)
    with pytest.raises(RoomGone):
        await remind(conn, room_id=RoomId(new_id()), person_id=await a_person(conn), at=AT)


def test_every_state_but_the_end_leads_somewhere() -> None:
    assert {state for state, after in MOVES.items() if not after} == {RoomState.ENDED}
    assert all(RoomState.ENDED in after for state, after in MOVES.items() if after)


@pytest.mark.parametrize(
    ("body", "is_held"),
    [("加V信聊", True), ("加 v 信", True), ("加-V-信", True), ("信用", False), ("好看", False)],
)
def test_keywords_are_found_whatever_stands_between_their_letters(body: str, is_held: bool) -> None:
    assert holds_keyword(body, frozenset({"加v信"})) == is_held
