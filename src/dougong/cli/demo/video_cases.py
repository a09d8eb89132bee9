"""Videos that somebody has to look at: reported, taken down, unpublished, and one that failed."""

import random
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import VideoId
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.content.commands import create_ready_video, publish
from dougong.content.reaction_commands import report
from dougong.content.upload_commands import start_upload
from dougong.flows.process_video import process
from dougong.flows.publish_video import receive_chunk, resolve_reports
from dougong.infra.db import transaction
from dougong.infra.settings import settings

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLAIM = (
    "喝三天瘦十斤，不瘦退钱！！#减肥 #神茶",
    "Lose five kilos in three days or your money back!! #slimming",
)
DRAFT = (
    "新到的桂花乌龙，第一泡先闻再喝 #新茶 #开箱",
    "New osmanthus oolong: smell the first brew #newtea #unboxing",
)
WHY_REMOVED = "夸大减肥功效，违反食品宣传规范 / Claims a slimming effect that no tea has"
WHY_KEPT = "画面与商品一致，未见违规 / What is shown is what is sold"


async def write_reports(market: Market, *, now: datetime) -> None:
    """Two videos wait for a decision, one was kept, one was removed: each with its reason."""
    async with transaction() as conn:
        if not await begin_piece(conn, "reports", at=now):
            return
        fine = await _video_of(conn, market, "huahua_man")
        await _report(conn, market, fine, 71, "spam", "刷到好几次了", at=now - 9 * DAY)
        await _decide(conn, market, fine, "kept", WHY_KEPT, at=now - 8 * DAY)
        untrue = await _published(conn, market, "laozhou_tea", CLAIM, clip=2, at=now - 8 * DAY)
        for nth in range(4):
            note = ("三天瘦十斤是假的", "", "我买了，没有用", "This cannot be true")[nth]
            at = now - 7 * DAY + nth * HOUR
            await _report(conn, market, untrue, 60 + nth, "fake", note, at=at)
        await _decide(conn, market, untrue, "removed", WHY_REMOVED, at=now - 156 * HOUR)
        music = await _video_of(conn, market, "paobu_feng")
        await _report(conn, market, music, 81, "rights", "背景音乐是我的作品", at=now - 20 * HOUR)
        await _report(conn, market, music, 82, "rights", "", at=now - 7 * HOUR)
        toy = await _video_of(conn, market, "wanju_papa")
        note = "Small parts near a toddler"
        await _report(conn, market, toy, 83, "unsafe", note, at=now - 3 * HOUR)


async def _published(
    conn: AsyncConnection,
    market: Market,
    handle: str,
    caption: tuple[str, str],
    *,
    clip: int,
    at: datetime,
) -> VideoId:
    creator_id = market.orgs[handle]
    video_id = await _ready(conn, market, handle, caption, clip=clip, at=at)
    await publish(conn, video_id=video_id, creator_id=creator_id, at=at)
    return video_id


async def _ready(
    conn: AsyncConnection,
    market: Market,
    handle: str,
    caption: tuple[str, str],
    *,
    clip: int,
    at: datetime,
) -> VideoId:
    """A video of a clip that another one shows too."""
    media = f"videos/demo-{clip:02}"
    shape = await conn.execute(
        text("SELECT seconds, width, height FROM videos WHERE media = :media LIMIT 1"),
        {"media": media},
    )
    seconds, width, height = shape.one()
    return await create_ready_video(
        conn,
        creator_id=market.orgs[handle],
        caption_zh=caption[0],
        caption_en=caption[1],
        media=media,
        seconds=seconds,
        width=width,
        height=height,
        at=at,
    )


async def _video_of(conn: AsyncConnection, market: Market, handle: str) -> VideoId:
    """The creator's newest."""
    found = await conn.scalar(
        text("""
            SELECT id FROM videos WHERE creator_id = :id AND state = 'published'
            ORDER BY published_at DESC LIMIT 1
        """),
        {"id": market.orgs[handle]},
    )
    return VideoId(found)


async def _report(
    conn: AsyncConnection,
    market: Market,
    video_id: VideoId,
    by: int,
    reason: str,
    note: str,
    *,
    at: datetime,
) -> None:
    person_id = market.shoppers[by].person_id
    await report(conn, video_id=video_id, person_id=person_id, reason=reason, note=note, at=at)


async def _decide(
    conn: AsyncConnection,
    market: Market,
    video_id: VideoId,
    resolution: str,
    reason: str,
    *,
    at: datetime,
) -> None:
    await resolve_reports(
        conn,
        video_id=video_id,
        resolution=resolution,
        reason=reason,
        resolved_by=market.people["operator"],
        at=at,
    )


async def write_uploads(market: Market, *, now: datetime) -> None:
    """The creator's desk: one video ready to be published, and a file that is no video."""
    creator_id, at = market.orgs["chaxiaoman"], now - 2 * DAY
    broken = b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  " + random.Random(7).randbytes(60_000)
    async with transaction() as conn:
        if not await begin_piece(conn, "uploads", at=now):
            return
        await _ready(conn, market, "chaxiaoman", DRAFT, clip=1, at=now - 5 * HOUR)
        upload_id = await start_upload(
            conn,
            creator_id=creator_id,
            started_by=market.people["creator"],
            file_name="IMG_2041.MOV",
            bytes_total=len(broken),
            most_bytes=settings().upload_max_bytes,
            at=at,
        )
        video_id = await receive_chunk(
            conn, creator_id=creator_id, upload_id=upload_id, offset=0, data=broken, at=at
        )
    await process(video_id=str(video_id), creator_id=str(creator_id))
