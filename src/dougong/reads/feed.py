"""The feed: "for you" from a snapshot in memory, "following" and a creator's videos from rows.

Every web worker keeps one snapshot of the newest videos. A snapshot belongs to an *epoch*: a whole
even second of business time. Scores, and what a person has already seen, are taken as of the
epoch, from rows that carry their instants; so every worker computes the same order for an epoch,
and a cursor (epoch, group, score, video) goes on exactly where it stopped, on any worker, while
new videos and new likes arrive.
"""

import asyncio
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.content.rules import feed_score
from dougong.infra import clock
from dougong.infra.db import engine
from dougong.reads.feed_cursor import Cursor, Place
from dougong.reads.feed_items import (
    Candidate,
    FeedItem,
    FeedPage,
    candidates,
    for_person,
    marked,
)

REFRESH_S = 2.0
# A refresh may use at most this share of the time of one worker's database connection.
REFRESH_SHARE = 0.1
# A snapshot older than this is not shown: nobody has asked for a while.
STALE_S = 10.0
EPOCH_S = 2
# How long a cursor can be continued; afterwards the feed starts again at the top.
CURSOR_LIFE_S = 3600
KEPT_ORDERS = 400
KEPT_PAGES = 2_000
MOST_ITEMS = 30

Order = list[tuple[float, UUID]]  # (-score, video), best first


class Snapshot:
    """The feed as of an epoch, and the pages of it that were already encoded."""

    def __init__(self, epoch: int, found: Sequence[Candidate]) -> None:
        self.epoch = epoch
        self.read_at = time.monotonic()
        self.items = {one.item.video_id: one.item for one in found}
        self.order = order_of(found, epoch)
        self.pages: dict[tuple[str, int], bytes] = {}


def order_of(found: Sequence[Candidate], epoch: int) -> Order:
    at = datetime.fromtimestamp(epoch, UTC)
    scored = (
        (-feed_score(one.engagement, published_at=one.item.published_at, at=at), one.item.video_id)
        for one in found
    )
    return sorted(scored)


class Feed:
    """One worker's snapshot, refreshed behind the requests that use it."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._refreshing: asyncio.Task[Snapshot] | None = None
        self._took_s = 0.0
        self._orders: OrderedDict[int, Order] = OrderedDict()
        self._past = asyncio.Lock()

    async def snapshot(self) -> Snapshot:
        """The last snapshot; a stale one is replaced first, an old one behind this request."""
        held = self._snapshot
        if held is None:
            return await self._refresh()
        age = time.monotonic() - held.read_at
        if age > STALE_S + self._pause_s():
            return await self._refresh()
        if age > self._pause_s():
            self._start()
        return held

    def _pause_s(self) -> float:
        return max(REFRESH_S, self._took_s / REFRESH_SHARE)

    async def _refresh(self) -> Snapshot:
        return await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[Snapshot]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._read())
            self._refreshing.add_done_callback(_collect)
        return self._refreshing

    async def _read(self) -> Snapshot:
        started = time.monotonic()
        async with engine().connect() as conn:
            epoch = epoch_of(await clock.refresh(conn))
            found = await candidates(conn, at=datetime.fromtimestamp(epoch, UTC))
        made = Snapshot(epoch, found)
        self._took_s = time.monotonic() - started
        self._snapshot = made
        self._keep(epoch, made.order)
        return made

    def _keep(self, epoch: int, order: Order) -> None:
        self._orders[epoch] = order
        while len(self._orders) > KEPT_ORDERS:
            self._orders.popitem(last=False)

    async def order(self, epoch: int) -> Order:
        """The order of an epoch that this worker may not have been asked for before."""
        if epoch not in self._orders:
            async with self._past:
                if epoch not in self._orders:
                    async with engine().connect() as conn:
                        at = datetime.fromtimestamp(epoch, UTC)
                        self._keep(epoch, order_of(await candidates(conn, at=at), epoch))
        return self._orders[epoch]

    async def start(self, cursor: str) -> tuple[Snapshot, Order, Cursor]:
        """Where to go on. Raises BadInput for what is no cursor of ours."""
        snapshot = await self.snapshot()
        if cursor:
            asked = Cursor.parse(cursor)
            age = clock.now().timestamp() - asked.epoch
            if -EPOCH_S <= age <= CURSOR_LIFE_S and asked.epoch % EPOCH_S == 0:
                return snapshot, await self.order(asked.epoch), asked
        return snapshot, snapshot.order, Cursor(snapshot.epoch, None)


def _collect(task: asyncio.Task[Snapshot]) -> None:
    if not task.cancelled():
        task.exception()  # a refresh behind a request has nobody to tell; the next one tries again


_feed = Feed()


def forget() -> None:
    """Drop this process's snapshot: for tests, and when its event loop changes."""
    global _feed
    _feed = Feed()


def epoch_of(at: datetime) -> int:
    """The epoch of an instant, in Unix seconds."""
    seconds = int(at.timestamp())
    return seconds - seconds % EPOCH_S


async def feed_json(*, cursor: str = "", limit: int = 10) -> bytes:
    """The JSON of an anonymous reader's page: encoded once per snapshot, no transaction."""
    limit = min(max(limit, 1), MOST_ITEMS)
    snapshot = await _feed.snapshot()
    page = snapshot.pages.get((cursor, limit))
    if page is None:
        page = msgspec.json.encode(await feed_page(person_id=None, cursor=cursor, limit=limit))
        if len(snapshot.pages) < KEPT_PAGES:
            snapshot.pages[cursor, limit] = page
    return page


async def feed_page(
    *,
    person_id: UUID | None,
    cursor: str = "",
    limit: int = 10,
    conn: AsyncConnection | None = None,
) -> FeedPage:
    """A page of "for you". `conn` is needed for a signed-in person only.

    What the person had seen before the feed began comes last, what it hid does not come.
    Raises BadInput(field="cursor").
    """
    limit = min(max(limit, 1), MOST_ITEMS)
    snapshot, order, start = await _feed.start(cursor)
    mine = await _mine(conn, person_id, start.epoch) if person_id and conn else NOBODY
    chosen, last = _choose(snapshot, order, start, mine, limit)
    items = [
        marked(item, liked=item.video_id in mine.likes, following=item.creator_id in mine.follows)
        for item in chosen
    ]
    return FeedPage(items, None if last is None else Cursor(start.epoch, last).text())


class Mine(msgspec.Struct, frozen=True):
    """What the feed knows of one person."""

    seen: frozenset[UUID]
    hidden: frozenset[UUID]
    likes: frozenset[UUID]
    follows: frozenset[UUID]


NOBODY = Mine(frozenset(), frozenset(), frozenset(), frozenset())

MINE = text("""
    SELECT 'seen' AS what, video_id AS id FROM video_views
      WHERE person_id = :person AND first_at <= :at
    UNION ALL SELECT 'hidden', video_id FROM hidden_videos WHERE person_id = :person
    UNION ALL SELECT 'follows', creator_id FROM follows WHERE person_id = :person
    UNION ALL SELECT 'likes', video_id FROM likes WHERE person_id = :person
""")


async def _mine(conn: AsyncConnection, person_id: UUID, epoch: int) -> Mine:
    sets: dict[str, set[UUID]] = {"seen": set(), "hidden": set(), "likes": set(), "follows": set()}
    asked = {"person": person_id, "at": datetime.fromtimestamp(epoch, UTC)}
    for row in await conn.execute(MINE, asked):
        sets[row.what].add(row.id)
    return Mine(**{name: frozenset(ids) for name, ids in sets.items()})


def _choose(
    snapshot: Snapshot, order: Order, start: Cursor, mine: Mine, limit: int
) -> tuple[list[FeedItem], Place | None]:
    """The next items, and the place of the last one when more may follow.

    Group 0 is what the person had not seen at the epoch, group 1 the rest.
    """
    chosen: list[FeedItem] = []
    last: Place | None = None
    first_group = start.after.group if start.after else 0
    for group in range(first_group, 2 if mine.seen else 1):
        goes_on = start.after is not None and group == first_group
        index = bisect_right(order, start.after.key()) if goes_on and start.after else 0
        for minus_score, video_id in order[index:]:
            item = snapshot.items.get(video_id)
            is_other = (video_id in mine.seen) != bool(group)
            if item is None or is_other or video_id in mine.hidden:
                continue
            if len(chosen) == limit:
                return chosen, last
            chosen.append(item)
            last = Place(group, minus_score, video_id)
    return chosen, None


FOLLOWING = text("""
    SELECT v.id, v.published_at FROM follows f
    JOIN videos v ON v.creator_id = f.creator_id AND v.state = 'published'
    WHERE f.person_id = :person AND v.published_at <= :at
      AND (v.published_at, v.id) < (:before, CAST(:before_id AS uuid))
      AND NOT EXISTS (
        SELECT FROM hidden_videos h WHERE h.person_id = f.person_id AND h.video_id = v.id)
    ORDER BY v.published_at DESC, v.id DESC LIMIT :limit
""")

OF_CREATOR = text("""
    SELECT v.id, v.published_at FROM videos v
    WHERE v.creator_id = :creator AND v.state = 'published' AND v.published_at <= :at
      AND (v.published_at, v.id) < (:before, CAST(:before_id AS uuid))
    ORDER BY v.published_at DESC, v.id DESC LIMIT :limit
""")


async def following_page(
    conn: AsyncConnection, *, person_id: UUID, cursor: str = "", limit: int = 10, at: datetime
) -> FeedPage:
    """Videos of the creators this person follows, newest first. Raises BadInput."""
    return await _by_time(
        conn, FOLLOWING, {"person": person_id}, person_id, cursor=cursor, limit=limit, at=at
    )


async def creator_page(
    conn: AsyncConnection,
    *,
    creator_id: UUID,
    person_id: UUID | None,
    cursor: str = "",
    limit: int = 12,
    at: datetime,
) -> FeedPage:
    """One creator's published videos, newest first. Raises BadInput."""
    return await _by_time(
        conn, OF_CREATOR, {"creator": creator_id}, person_id, cursor=cursor, limit=limit, at=at
    )


async def _by_time(
    conn: AsyncConnection,
    statement: object,
    of: dict[str, UUID],
    person_id: UUID | None,
    *,
    cursor: str,
    limit: int,
    at: datetime,
) -> FeedPage:
    from dougong.reads.feed_cursor import TimeCursor

    limit = min(max(limit, 1), MOST_ITEMS)
    start = TimeCursor.parse(cursor) if cursor else TimeCursor.newest(at)
    asked = of | {"at": at, "before": start.at, "before_id": start.video_id, "limit": limit + 1}
    found = (await conn.execute(statement, asked)).all()  # type: ignore[call-overload]
    rows = found[:limit]
    known = await candidates(conn, at=at, ids=[row.id for row in rows])
    items = await for_person(conn, [one.item for one in known], person_id=person_id)
    more = len(found) > limit
    last = TimeCursor(rows[-1].published_at, rows[-1].id).text() if more else None
    return FeedPage(items, last)


async def video_item(
    conn: AsyncConnection, *, video_id: UUID, person_id: UUID | None, at: datetime
) -> FeedItem | None:
    """One published video as the feed shows it."""
    known = await candidates(conn, at=at, ids=[video_id])
    items = await for_person(conn, [one.item for one in known], person_id=person_id)
    return items[0] if items else None
