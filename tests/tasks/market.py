"""A market of tasks for tests: a brand with money, creators, a book of 2020, rooms and videos."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import a_person, a_store, an_org

from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, new_id
from dougong.flows.take_brief import Taken, take_brief
from dougong.ledger.commands import book
from dougong.ledger.rules import AccountName, Entry, EntryKind, Part, Purpose, moved, platform
from dougong.tasks.brief_commands import post_brief, write_brief
from dougong.tasks.brief_rules import Brief, Model, Terms, Way

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
T0 = datetime(2020, 8, 20, 2, tzinfo=UTC)  # 10:00 in Shanghai


async def paid_in(
    conn: AsyncConnection, brand_id: UUID, minor: int, *, at: datetime = T0, currency: str = "CNY"
) -> None:
    """As if a gateway had brought it."""
    clearing, funds = (
        platform(Purpose.GATEWAY_CLEARING),
        AccountName(brand_id, Purpose.ADVERTISER_FUNDS),
    )
    entry = Entry(
        kind=EntryKind.FUNDS_PAID_IN,
        key=f"pay_in:{new_id()}",
        counts_at=at,
        transfers=tuple(moved(clearing, funds, minor, Part.FUNDS)),
    )
    await book(conn, store_id=PLATFORM_BOOK, currency=currency, entries=[entry], written_at=at)


@dataclass
class AMarket:
    """`own`: a product of a mini-store; `outside`: one of another platform."""

    conn: AsyncConnection
    brand: OrgId
    creator: OrgId
    person: PersonId
    source: str
    own: tuple[UUID, UUID]
    outside: UUID
    terms: dict[str, Any] = field(default_factory=dict)

    def a_terms(self, *, at: datetime = T0, **change: Any) -> Terms:
        surface = change.get("surface", "live")
        is_live = surface == "live"
        values: dict[str, Any] = {
            "surface": surface,
            "source": "own",
            "category": "beauty/skincare",
            "model": Model.ONE_PRICE,
            "currency": "CNY",
            "price_minor": 100_001,
            "per_thousand_minor": 0,
            "most_minor": 0,
            "starts_at": at + DAY,
            "ends_at": at + 10 * DAY,
            "deliver_within_days": 3,
            "review_days": 5,
            "pinned_minutes": 30 if is_live else 0,
            "rooms": 1 if is_live else 0,
            "public_days": 0 if is_live else 7,
            "cancel_samples_bp": 1_000,
            "cancel_during_bp": 5_000,
            "cancel_delivered_bp": 8_000,
            "cancel_reached_bp": 10_000,
        }
        values |= change
        if values["source"] == "own" and "store_id" not in change:
            values |= {"store_id": self.own[0], "product_id": self.own[1]}
        elif "outside_product_id" not in change and values["source"] != "own":
            values["outside_product_id"] = self.outside
        return Terms(**values)

    async def a_brief(
        self,
        *,
        at: datetime = T0,
        way: Way = Way.RECRUITING,
        places: int = 1,
        budget_minor: int | None = None,
        posted: bool = True,
        **terms: Any,
    ) -> UUID:
        asked = self.a_terms(at=at, **terms)
        brief = Brief(
            id=new_id(),
            brand_id=self.brand,
            way=way,
            title_zh="秋季面霜",
            title_en="Autumn cream",
            body_zh="真实试用",
            body_en="Try it for real",
            terms=asked,
            budget_minor=(
                budget_minor
                if budget_minor is not None
                else max(asked.price_minor, asked.most_minor) * places
            ),
            places=places,
            apply_until=asked.starts_at,
        )
        await write_brief(self.conn, brief=brief, person_id=self.person, at=at)
        if posted:
            await post_brief(self.conn, brief_id=brief.id, brand_id=self.brand, at=at)
        return brief.id

    async def take(self, brief_id: UUID, *, at: datetime = T0, creator: Any = None) -> Taken:
        return await take_brief(
            self.conn,
            brief_id=brief_id,
            creator_id=creator or self.creator,
            note="",
            person_id=self.person,
            at=at,
        )

    async def a_task(self, *, at: datetime = T0, **terms: Any) -> UUID:
        """Agreed at once, by a creator that is recruited."""
        taken = await self.take(await self.a_brief(at=at, **terms), at=at)
        assert taken.task_id is not None
        return taken.task_id

    async def a_link(
        self, *, task_id: UUID | None, surface: str, video_id: UUID | None = None, is_own: bool
    ) -> UUID:
        link_id = new_id()
        row = {
            "id": link_id, "creator": self.creator, "video": video_id, "surface": surface,
            "route": "task" if task_id else "direct", "task": task_id, "at": T0,
            "store": self.own[0] if is_own else None, "product": self.own[1] if is_own else None,
            "outside": None if is_own else self.outside,
            "source": "own" if is_own else self.source,
        }  # fmt: skip
        await self.conn.execute(
            text("""
                INSERT INTO product_links (id, video_id, creator_id, store_id, product_id,
                  outside_product_id, source, surface, route, task_id, position, published_at)
                VALUES (:id, :video, :creator, :store, :product, :outside, :source, :surface,
                  :route, :task, 0, :at)
            """),
            row,
        )
        return link_id

    async def a_room(
        self,
        *spans: tuple[datetime, timedelta],
        link_id: UUID,
        task_id: UUID | None,
        is_own: bool = True,
        title_zh: str = "今晚面霜专场",
        viewers: int = 0,
    ) -> UUID:
        """A room that has ended, in which the product was pinned for each span."""
        room_id, starts = new_id(), min(at for at, _ in spans)
        ends = max(at + span for at, span in spans)
        await self.conn.execute(
            text("""
                INSERT INTO live_rooms (id, creator_id, title_zh, state, announced_for, started_at,
                  ended_at, end_reason, keep_until, made_at)
                VALUES (:id, :creator, :title, 'ended', :starts, :starts, :ends, 'creator',
                  CAST(:ends AS timestamptz) + interval '3 years', :starts)
            """),
            {"id": room_id, "creator": self.creator, "title": title_zh, "starts": starts,
             "ends": ends},
        )  # fmt: skip
        for at, span in spans:
            await self.conn.execute(
                text("""
                    INSERT INTO live_explanations (id, room_id, link_id, source, store_id,
                      product_id, outside_product_id, route, task_id, viewers, started_at, ended_at,
                      end_reason)
                    VALUES (:id, :room, :link, :source, :store, :product, :outside, :route, :task,
                      0, :starts, :ends, 'unpinned')
                """),
                {
                    "id": new_id(), "room": room_id, "link": link_id,
                    "source": "own" if is_own else self.source,
                    "store": self.own[0] if is_own else None,
                    "product": self.own[1] if is_own else None,
                    "outside": None if is_own else self.outside,
                    "route": "task" if task_id else "direct", "task": task_id,
                    "starts": at, "ends": at + span,
                },
            )  # fmt: skip
        for number in range(viewers):
            await self.conn.execute(
                text("""
                    INSERT INTO live_visits (room_id, id, visitor, came_from, joined_at)
                    VALUES (:room, :id, :visitor, 'feed', :at)
                """),
                {"room": room_id, "id": new_id(), "visitor": f"v{number}", "at": starts},
            )
        return room_id

    async def a_video(
        self, *, published_at: datetime, task_id: UUID | None = None, caption: str = "真好用"
    ) -> UUID:
        """Published, with the own product's link."""
        video_id = new_id()
        await self.conn.execute(
            text("""
                INSERT INTO videos (id, creator_id, state, media, caption_zh, created_at,
                  published_at)
                VALUES (:id, :creator, 'published', 'videos/x', :caption, :at, :at)
            """),
            {"id": video_id, "creator": self.creator, "caption": caption, "at": published_at},
        )
        await self.a_link(task_id=task_id, surface="video", video_id=video_id, is_own=True)
        return video_id

    async def shown_live(
        self, task_id: UUID, *spans: tuple[datetime, timedelta], is_own: bool = True, **room: Any
    ) -> UUID:
        """Pinned through a link that names the task."""
        link_id = await self.a_link(task_id=task_id, surface="live", is_own=is_own)
        return await self.a_room(*spans, link_id=link_id, task_id=task_id, is_own=is_own, **room)

    async def money(self) -> dict[str, int]:
        """What each account of the platform's book holds, by purpose, of this market's people."""
        rows = await self.conn.execute(
            text("""
                SELECT a.purpose, sum(CASE WHEN t.dst = a.id THEN t.amount_minor
                  ELSE -t.amount_minor END)::bigint AS held
                FROM ledger_accounts a
                JOIN ledger_transfers t ON t.store_id = a.store_id AND a.id IN (t.src, t.dst)
                WHERE a.store_id = :book AND a.purpose <> 'gateway_clearing'
                  AND (a.owner_id IN (:brand, :creator)
                    OR a.purpose IN ('platform_service_fee', 'agency_payable'))
                GROUP BY 1
            """),
            {"book": PLATFORM_BOOK, "brand": self.brand, "creator": self.creator},
        )
        return {row.purpose: row.held for row in rows if row.held}

    async def row(self, task_id: UUID) -> Any:
        asked = text("SELECT * FROM task_works WHERE task_id = :id")
        return (await self.conn.execute(asked, {"id": task_id})).one()


async def a_task_market(
    conn: AsyncConnection, *, source: str = "jd", funds_minor: int = 10_000_000
) -> AMarket:
    store = await a_store(conn)
    outside = new_id()
    await conn.execute(
        text("""
            INSERT INTO sources (code, name_zh, name_en, hosts, adapter, created_at)
            VALUES (:source, '来源', 'Source', ARRAY[:source || '.example'], 'page', :at)
            ON CONFLICT DO NOTHING
        """),
        {"source": source, "at": T0},
    )
    await conn.execute(
        text("""
            INSERT INTO outside_products (id, source, item_id, url, category, seen_at, checked_at,
              check_after)
            VALUES (:id, :source, CAST(:id AS text), 'https://x.example/', 'beauty/skincare', :at,
              :at, :at)
        """),
        {"id": outside, "source": source, "at": T0},
    )
    brand = await an_org(conn, kind="advertiser")
    made = AMarket(
        conn=conn,
        brand=brand,
        creator=await an_org(conn, kind="creator"),
        person=await a_person(conn),
        source=source,
        own=(store.store_id, store.products[0]),
        outside=outside,
    )
    if funds_minor:
        await paid_in(conn, brand, funds_minor)
    return made
