"""A creator announces a live room: how long its evidence is kept is frozen on it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import RoomId
from dougong.live.commands import make_room
from dougong.policy.queries import rules_book
from dougong.policy.rules import ANY, TERM_WITHOUT_RULE, Facts, RuleKind


async def plan_room(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    title_zh: str,
    title_en: str,
    announced_for: datetime,
    at: datetime,
    cover_file: str | None = None,
) -> RoomId:
    """`announced_for`: now for a room that begins as soon as pictures come.

    Raises BadTitle, BadRoomTime, TooManyRooms.
    """
    kept = await _kept(conn, creator_id=creator_id, at=at)
    return await make_room(
        conn, creator_id=creator_id, title_zh=title_zh, title_en=title_en,
        announced_for=announced_for, cover_file=cover_file, kept=kept, at=at,
    )  # fmt: skip


async def _kept(conn: AsyncConnection, *, creator_id: UUID, at: datetime) -> timedelta:
    kind = RuleKind.EVIDENCE_KEPT_S
    facts = Facts(
        kind=kind, source="own", surface="live", category=ANY, route="direct",
        party_class="creator", party=str(creator_id), merchant_class="", at=at,
    )  # fmt: skip
    rule = (await rules_book(conn)).decide(facts).rule
    return timedelta(seconds=rule.value if rule else TERM_WITHOUT_RULE[kind])
