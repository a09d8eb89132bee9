"""Live rooms: two that are over, with what was explained, said, given and bought in them and a
replay of what was shown, and two that are announced."""

import asyncio
import itertools
import random
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import LinkId, RoomId, SkuId, StoreId, derived_id
from dougong.cli.demo.acts import Plan, pay, place, ship
from dougong.cli.demo.market import Market, Shopper
from dougong.cli.demo.marks import begin_piece
from dougong.content import commands as content
from dougong.flows.fill_live_cart import put_own_in_live_cart
from dougong.flows.flash_offer import open_offer
from dougong.flows.keep_shelf import keep_shelf
from dougong.flows.live_on_air import end_room, media_arrived
from dougong.flows.pin_product import pin_product
from dougong.flows.place_orders import Placed
from dougong.flows.plan_room import plan_room
from dougong.flows.price_orders import WantedLine
from dougong.flows.run_draw import draw_one, open_draw
from dougong.flows.say_in_room import Asked, say_many
from dougong.flows.send_gift import send_gift
from dougong.infra import clock, files
from dougong.infra.db import transaction
from dougong.infra.live_processes import finish_recording, room_folder
from dougong.infra.live_segments import POSTER, Recorder, copy_recording
from dougong.infra.settings import settings
from dougong.live.commands import keep_replay
from dougong.live.draw_commands import enter_draw
from dougong.live.presence_commands import Visit, count, join
from dougong.live.reminder_commands import remind
from dougong.live.rules import EndReason
from dougong.live.seal_commands import seal_room
from dougong.reads.order_books import lines_of

SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{one: 1}) for one in ("seconds", "minutes", "hours", "days")
)
STAR, SECOND_STAR = "chaxiaoman", "laozhou_tea"
FIRST_ORDER = 90_000
CAME_FROM = ("follow", "feed", "feed", "feed", "search", "share", "unknown")
SAID = (
    "小满晚上好！", "这款是今年的新茶吗？", "Does it ship to Chengdu?", "上次买的很香，回购了",
    "一泡放几克？", "价格已经拍下了", "可以冷泡吗", "First time here, looks lovely", "包装能送人吗",
    "主播讲得很细", "抢到了！", "Thank you for the tasting notes",
)  # fmt: skip


class Show(NamedTuple):
    """A room that is over: on the evening so many days ago, for so many minutes. `gifts`: who of
    the shoppers gave what, how often, after how many minutes."""

    handle: str
    title: tuple[str, str]
    days: int
    minutes: int
    products: int
    viewers: int
    buyers: int
    gifts: tuple[tuple[int, str, int, int], ...]


SHOWS = (
    Show(SECOND_STAR, ("老周的周末茶会", "Zhou's weekend tea table"), 9, 5, 2, 34, 0,
         ((0, "rose", 5, 1), (1, "heart", 2, 2), (3, "star", 1, 4))),
    Show(STAR, ("小满夜场：桂花乌龙上新", "Xiaoman late show: new osmanthus oolong"), 1, 8, 3, 86,
         9,
         ((0, "rose", 9, 1), (1, "star", 1, 2), (2, "heart", 3, 3), (4, "rocket", 1, 5),
          (5, "rose", 20, 6), (0, "heart", 2, 7), (3, "star", 2, 7))),
)  # fmt: skip
# Who announces what, how many days from now, at which hour; how many want to be reminded.
ANNOUNCED = (
    (STAR, ("小满夜场：秋茶专场", "Xiaoman late show: autumn tea"), 1, 20, 12),
    ("huahua_man", ("慢慢的阳台：秋天种什么", "On the balcony: what to plant in autumn"), 3, 19, 5),
)  # fmt: skip
# Of the stores whose goods a creator shows in videos, those of which most are there; not what a
# supplier sends itself.
GOODS = text("""
    SELECT p.store_id, p.id AS product_id, f.free FROM products p
    JOIN LATERAL (
      SELECT min(s.on_hand - s.reserved) AS free FROM skus k
      JOIN stock s ON s.store_id = k.store_id AND s.sku_id = k.id
      WHERE k.store_id = p.store_id AND k.product_id = p.id
    ) f ON f.free >= 8
    WHERE p.state = 'active' AND p.store_id IN (
      SELECT l.store_id FROM product_links l JOIN videos v ON v.id = l.video_id
      WHERE v.creator_id = :creator AND l.removed_at IS NULL)
      AND NOT EXISTS (SELECT FROM skus k JOIN supplier_items i
        ON i.store_id = k.store_id AND i.sku_id = k.id AND i.is_dropship
        WHERE k.store_id = p.store_id AND k.product_id = p.id)
    ORDER BY f.free DESC, p.id LIMIT :most
""")
CLIPS = text("""
    SELECT DISTINCT media FROM videos WHERE creator_id = :creator AND state = 'published'
    ORDER BY media LIMIT 6
""")
SKU = text("""
    SELECT id, price_minor FROM skus WHERE store_id = :store AND product_id = :product
    ORDER BY price_minor, id LIMIT 1
""")


class Ware(NamedTuple):
    """A product of the live cart, with its cheapest variant."""

    link_id: LinkId
    store_id: StoreId
    sku_id: SkuId
    price_minor: int


class Stage(NamedTuple):
    """A room while its show runs."""

    conn: AsyncConnection
    market: Market
    show: Show
    room_id: RoomId
    creator_id: UUID
    began_at: datetime
    chance: random.Random

    def guest(self, nth: int) -> Shopper:
        return self.market.shoppers[nth % len(self.market.shoppers)]


def evening(now: datetime, *, days: int, hour: int = 20) -> datetime:
    """An hour of the platform's clock, so many days from today."""
    zone = ZoneInfo(settings().timezone)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(hour), zone).astimezone(now.tzinfo)


async def write_live(market: Market, *, now: datetime) -> None:
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "live", at=now):
            return
        for nth, show in enumerate(SHOWS):
            began_at = evening(now, days=-show.days)
            stage = await _open(conn, market, show, at=began_at, chance=random.Random(nth))
            await _play(stage)
            await _end(stage)
        for handle, title, days, hour, wanted in ANNOUNCED:
            room_id = await plan_room(
                conn, creator_id=market.orgs[handle], title_zh=title[0], title_en=title[1],
                announced_for=evening(now, days=days, hour=hour), at=now - 5 * HOUR,
                cover_file=await _cover(conn, market.orgs[handle]),
            )  # fmt: skip
            for nth, shopper in enumerate(market.shoppers[20 : 20 + wanted]):
                at = now - 5 * HOUR + nth * 9 * MINUTE
                await remind(conn, room_id=room_id, person_id=shopper.person_id, at=at)


async def _clips(conn: AsyncConnection, creator_id: UUID) -> list[str]:
    return [str(one) for one in await conn.scalars(CLIPS, {"creator": creator_id})]


async def _cover(conn: AsyncConnection, creator_id: UUID) -> str:
    return f"{(await _clips(conn, creator_id))[-1]}/poster.jpg"


async def _open(
    conn: AsyncConnection, market: Market, show: Show, *, at: datetime, chance: random.Random
) -> Stage:
    creator_id = market.orgs[show.handle]
    room_id = await plan_room(
        conn, creator_id=creator_id, title_zh=show.title[0], title_en=show.title[1],
        announced_for=at, at=at - 20 * HOUR, cover_file=await _cover(conn, creator_id),
    )  # fmt: skip
    for nth in range(6):
        guest = market.shoppers[nth]
        await remind(conn, room_id=room_id, person_id=guest.person_id, at=at - 3 * HOUR)
    await media_arrived(conn, room_id=room_id, at=at)
    return Stage(conn, market, show, room_id, creator_id, at, chance)


async def _fill(stage: Stage) -> list[Ware]:
    asked = {"creator": stage.creator_id, "most": stage.show.products}
    found = []
    for store_id, product_id, _ in (await stage.conn.execute(GOODS, asked)).all():
        link_id = await put_own_in_live_cart(
            stage.conn, creator_id=stage.creator_id, store_id=store_id, product_id=product_id,
            task_id=None, at=stage.began_at,
        )  # fmt: skip
        asked = {"store": store_id, "product": product_id}
        sku = (await stage.conn.execute(SKU, asked)).one()
        found.append(Ware(link_id, store_id, sku.id, sku.price_minor))
    return found


async def _play(stage: Stage) -> None:
    """Minute by minute: people come, the next product is explained, they talk, buy and give."""
    wares = await _fill(stage)
    conn, show, room_id, creator_id = stage.conn, stage.show, stage.room_id, stage.creator_id
    lines, buyers, flash = itertools.cycle(SAID), iter(range(show.buyers)), None
    for minute in range(show.minutes):
        at = stage.began_at + minute * MINUTE
        await _come(stage, minute, at=at)
        await keep_shelf(conn, room_id=room_id, creator_id=creator_id, at=at + 2 * SECOND)
        ware = wares[minute * len(wares) // show.minutes]
        at = at + 4 * SECOND
        await pin_product(conn, room_id=room_id, creator_id=creator_id, link_id=ware.link_id, at=at)
        if minute == 3 and show.buyers:
            flash = await _flash(stage, ware, at=at)
            await _draw(stage, at=at)
        asked = [
            Asked(room_id, stage.guest(7 * minute + nth).person_id, f"demo-{minute}-{nth}", body)
            for nth, body in enumerate(itertools.islice(lines, 3))
        ]
        await say_many(conn, asked, at=at + 10 * SECOND)
        bought_at = at + 20 * SECOND
        for nth in itertools.islice(buyers, 0 if minute < 2 else 2):
            await _buy(stage, ware, nth, flash=flash if minute in (3, 4) else None, at=bought_at)
        for nth, gift, times, when in show.gifts:
            if when == minute:
                await _give(stage, nth, gift, times, at=at + 40 * SECOND)


async def _come(stage: Stage, minute: int, *, at: datetime) -> None:
    show, chance = stage.show, stage.chance
    share = min(1.0, (minute + 1) / 4)
    inside = round(show.viewers * share * chance.uniform(0.85, 1.0))
    new = inside if minute == 0 else round(show.viewers * chance.uniform(0.08, 0.2))
    visits = []
    for nth in range(new):
        number = minute * 200 + nth
        person_id = stage.guest(nth).person_id if nth < 12 and minute == 0 else None
        own = derived_id(stage.room_id, f"visit {number}")
        came_from = chance.choice(CAME_FROM)
        visits.append(Visit(stage.room_id, own, own.hex[:24], person_id, came_from, at))
    await join(stage.conn, visits)
    room: UUID = stage.room_id
    likes = {room: chance.randrange(inside, inside * 6)}
    await count(stage.conn, viewers={room: inside}, likes=likes, at=at)


async def _flash(stage: Stage, ware: Ware, *, at: datetime) -> UUID:
    made = await open_offer(
        stage.conn, room_id=stage.room_id, creator_id=stage.creator_id, link_id=ware.link_id,
        sku_id=ware.sku_id, price_minor=ware.price_minor * 8 // 10, quota=6, per_buyer=1,
        lasts=2 * MINUTE, at=at,
    )  # fmt: skip
    return UUID(str(made.id))


async def _draw(stage: Stage, *, at: datetime) -> None:
    conn, room_id = stage.conn, stage.room_id
    draw_id = await open_draw(
        conn, room_id=room_id, creator_id=stage.creator_id, prize_zh="小满手作茶杯一只",
        prize_en="A cup that Xiaoman made", winners=2, lasts=MINUTE, at=at,
    )  # fmt: skip
    for nth in range(8):
        person_id = stage.guest(nth).person_id
        await enter_draw(
            conn, room_id=room_id, draw_id=draw_id, person_id=person_id, at=at + nth * SECOND
        )
    await draw_one(conn, room_id=room_id, draw_id=draw_id, at=at + MINUTE)


async def _buy(stage: Stage, ware: Ware, nth: int, *, flash: UUID | None, at: datetime) -> None:
    """Paid at once, and shipped the next morning."""
    lines = (WantedLine(ware.sku_id, 1, ware.link_id, flash),)
    number = FIRST_ORDER + nth
    plan = Plan(number, stage.guest(nth), ware.store_id, lines, None, at, stage.chance)
    if not (placed := await place(stage.conn, plan)):
        raise LookupError(f"no order {number}")
    await pay(stage.conn, plan, placed, at=at + 9 * SECOND)
    await _ship(stage, placed, at=at + 3 * HOUR)


async def _ship(stage: Stage, placed: Placed, *, at: datetime) -> None:
    lines = await lines_of(stage.conn, store_id=placed.store_id, order_id=placed.order_id)
    units = {line.line_no: line.quantity for line in lines}
    await ship(stage.conn, placed, units, chance=stage.chance, at=at)


async def _give(stage: Stage, nth: int, gift: str, times: int, *, at: datetime) -> None:
    guest = stage.guest(nth)
    name = await stage.conn.scalar(
        text("SELECT name FROM people WHERE id = :id"), {"id": guest.person_id}
    )
    await send_gift(
        stage.conn, room_id=stage.room_id, person_id=guest.person_id, name=str(name), gift=gift,
        count=times, key=f"demo-{stage.room_id.hex[-8:]}-{gift}-{at:%M}", at=at,
    )  # fmt: skip


async def _end(stage: Stage) -> None:
    """The room is over and sealed, its last figures too; what was shown becomes a replay."""
    conn, room_id = stage.conn, stage.room_id
    over = stage.began_at + stage.show.minutes * MINUTE
    await end_room(
        conn, room_id=room_id, creator_id=stage.creator_id, reason=EndReason.CREATOR, at=over
    )
    await seal_room(conn, room_id=room_id, upto=over + 5 * MINUTE, sealed_at=clock.wall_now())
    folder = f"replays/{room_id.hex}/{derived_id(room_id, 'replay').hex}"
    clips = await _clips(conn, stage.creator_id)
    recording = await asyncio.to_thread(_record, stage, clips, files.media_path(folder))
    video_id = await content.create_ready_video(
        conn, creator_id=stage.creator_id, caption_zh=stage.show.title[0],
        caption_en=stage.show.title[1], media=folder, seconds=recording.seconds,
        width=recording.width, height=recording.height, at=over + MINUTE,
    )  # fmt: skip
    at = over + 2 * MINUTE
    await content.publish(conn, video_id=video_id, creator_id=stage.creator_id, at=at)
    await keep_replay(conn, room_id=room_id, video_id=video_id)


def _record(stage: Stage, clips: list[str], target: Path) -> Any:
    """The creator's clips one after the other, over and over, as long as the room was on air."""
    folder = room_folder(stage.room_id)
    recorder = Recorder(folder)
    first = files.media_path(clips[0])
    (folder / POSTER).write_bytes((first / "poster.jpg").read_bytes())
    for clip in itertools.cycle(clips):
        place = files.media_path(clip)
        for nth, line in enumerate(_durations(place / "index.m3u8")):
            if recorder.seconds >= stage.show.minutes * 60:
                finish_recording(stage.room_id)
                recording = copy_recording(folder, target)
                assert recording is not None  # noqa: S101 (there are segments)
                return recording
            at = stage.began_at + timedelta(seconds=recorder.seconds)
            data = (place / line[0]).read_bytes()
            recorder.add(data, duration_ms=line[1], is_new=nth == 0, started_at=at)
    raise LookupError("no clips")


def _durations(playlist: Path) -> list[tuple[str, int]]:
    """The segments of a clip, each with its milliseconds."""
    lines = playlist.read_text().splitlines()
    return [
        (after, round(float(line.removeprefix("#EXTINF:").rstrip(",")) * 1000))
        for line, after in itertools.pairwise(lines)
        if line.startswith("#EXTINF:")
    ]
