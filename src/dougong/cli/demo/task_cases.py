"""The task market: a brand that has paid in, briefs that can be taken, a task in every state."""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, OrgId, PersonId, derived_id, new_id
from dougong.base.money import Money
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.cli.demo.paying import pay_in_at_once
from dougong.flows import task_deadlines, work_on_task
from dougong.flows.take_brief import DELIVER_BY, decline, take_brief
from dougong.infra.db import transaction
from dougong.infra.events import Deadline, drop_deadline
from dougong.infra.settings import settings
from dougong.payments.rules import PayInPurpose
from dougong.tasks.brief_commands import close_brief, invite, post_brief, write_brief
from dougong.tasks.brief_rules import Brief, Measure, Model, Terms, Tier, Way
from dougong.tasks.work_commands import rate

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STAR = "chaxiaoman"
FUNDS_MINOR, PRICE_MINOR = 9_000_000, 300_000
PAID_IN = 40 * DAY  # ago

VIDEOS = text("""
    SELECT DISTINCT ON (v.creator_id, v.id) v.id AS video_id, v.creator_id, l.store_id,
      l.product_id, p.title_zh, p.title_en, p.category
    FROM videos v JOIN product_links l ON l.video_id = v.id AND l.removed_at IS NULL
    JOIN products p ON p.store_id = l.store_id AND p.id = l.product_id
    WHERE v.state = 'published' AND v.published_at < :before AND (v.creator_id = :star) = :is_star
    ORDER BY v.creator_id, v.id LIMIT 8
""")

Act = Literal["deliver", "accept", "redo", "part", "take", "dispute", "rule", "cancel", "lapse"]


class Case(NamedTuple):
    """A task by days before today: agreed, over, and what was done to it when."""

    agreed: float
    ends: float
    acts: tuple[tuple[float, Act], ...]
    by_star: bool


CASES = (
    Case(25, 20, ((21, "deliver"), (20, "part"), (19, "dispute"), (17, "rule")), True),
    Case(20, 14, ((16, "deliver"), (13, "accept")), True),
    Case(18, 13, ((14, "deliver"), (13, "part"), (12, "take")), False),
    Case(16, 12, ((9, "lapse"),), False),
    Case(11, 5, ((8, "cancel"),), False),
    Case(10, 4, ((6, "deliver"), (4, "part"), (2, "dispute")), True),
    Case(8, 3, ((3.5, "deliver"), (1, "part")), True),
    Case(7, -3, ((4, "deliver"), (2, "redo")), False),
    Case(5, -2, ((1, "deliver"),), True),
    Case(1, -6, (), True),
)
SAID = {
    "part": "只讲了一半卖点，按约定付一部分 / Half of what was agreed was said",
    "redo": "口播里请补上净含量 / Please say the net weight too",
    "dispute": "视频公开天数和内容都按约定完成 / All was done as agreed",
    "rule": "公开天数已满，内容略有缺失 / Public long enough, a little was left out",
    "cancel": "新品推迟上市 / The launch was put off",
}


async def write_tasks(market: Market, *, now: datetime) -> None:
    """What has happened comes before what can still be taken."""
    brand_id, person_id = market.orgs["advertiser"], market.people["advertiser"]
    async with transaction(slow=True) as conn:
        if not await begin_piece(conn, "tasks", at=now):
            return
        await pay_in_at_once(
            conn, purpose=PayInPurpose.FUNDS, owner_id=brand_id, payer_id=person_id,
            amount=Money(FUNDS_MINOR, settings().currency), key="demo-funds",
            return_url=f"/brand/{brand_id}/funds", at=now - PAID_IN,
        )  # fmt: skip
        asked = {"star": market.orgs[STAR], "before": now - 9 * DAY}
        ours = list((await conn.execute(VIDEOS, {**asked, "is_star": True})).all())
        theirs = list((await conn.execute(VIDEOS, {**asked, "is_star": False})).all())
        for nth, case in enumerate(CASES):
            videos = ours if case.by_star else theirs
            await _live(conn, market, case, videos[nth % len(videos)], nth=nth, now=now)
        await _write_open_ones(conn, market, ours[0], theirs, now=now)


def _terms(video: Any, *, at: datetime, ends: datetime, nth: int, **change: Any) -> Terms:
    values: dict[str, Any] = {
        "surface": "video",
        "source": "own",
        "category": video.category,
        "store_id": video.store_id,
        "product_id": video.product_id,
        "product_zh": video.title_zh,
        "product_en": video.title_en,
        "model": Model.ONE_PRICE,
        "currency": settings().currency,
        "price_minor": PRICE_MINOR + 50_000 * nth,
        "per_thousand_minor": 0,
        "most_minor": 0,
        "starts_at": at + 2 * HOUR,
        "ends_at": ends,
        "deliver_within_days": 3,
        "review_days": 5,
        "pinned_minutes": 0,
        "rooms": 0,
        "public_days": 7,
        "blacklist": ("最好", "第一", "根治"),
        "cancel_samples_bp": 1_000,
        "cancel_during_bp": 3_000,
        "cancel_delivered_bp": 8_000,
        "cancel_reached_bp": 10_000,
    }
    return Terms(**values | change)


async def _brief(
    conn: AsyncConnection, market: Market, terms: Terms, *, way: Way, at: datetime, places: int = 1
) -> UUID:
    """Posted."""
    brand_id = market.orgs["advertiser"]
    is_live = terms.surface == "live"
    brief = Brief(
        id=new_id(),
        brand_id=brand_id,
        way=way,
        title_zh=f"{'直播讲解' if is_live else '短视频种草'}：{terms.product_zh}"[:120],
        title_en=f"{'Live' if is_live else 'Short video'}: {terms.product_en}"[:120],
        body_zh="真实使用，讲清三个卖点，不夸大功效。",
        body_en="Use it for real, name three strengths, claim no more than is true.",
        terms=terms,
        budget_minor=max(terms.price_minor, terms.most_minor) * places,
        places=places,
        apply_until=terms.ends_at - HOUR,
    )
    await write_brief(conn, brief=brief, person_id=market.people["advertiser"], at=at)
    await post_brief(conn, brief_id=brief.id, brand_id=brand_id, at=at)
    return brief.id


async def _live(
    conn: AsyncConnection, market: Market, case: Case, video: Any, *, nth: int, now: datetime
) -> None:
    """One task from its brief to its last act."""
    at, ends = now - case.agreed * DAY, now - case.ends * DAY
    terms = _terms(video, at=at, ends=ends, nth=nth)
    brief_id = await _brief(conn, market, terms, way=Way.RECRUITING, at=at - DAY)
    creator_id = OrgId(video.creator_id)
    taken = await take_brief(
        conn, brief_id=brief_id, creator_id=creator_id, note="",
        person_id=_person_of(market, creator_id), at=at,
    )  # fmt: skip
    assert taken.task_id is not None  # noqa: S101 (recruiting: agreed at once)
    await close_brief(conn, brief_id=brief_id, brand_id=market.orgs["advertiser"], at=at + HOUR)
    for days, act in case.acts:
        await _act(conn, market, act, taken.task_id, video, at=now - days * DAY)


def _person_of(market: Market, creator_id: UUID) -> PersonId:
    return market.people["creator" if creator_id == market.orgs[STAR] else "creators"]


async def _act(
    conn: AsyncConnection, market: Market, act: Act, task_id: UUID, video: Any, *, at: datetime
) -> None:
    brand: dict[str, Any] = {
        "brand_id": market.orgs["advertiser"],
        "person_id": market.people["advertiser"],
    }
    person_id = _person_of(market, video.creator_id)
    creator = {"creator_id": video.creator_id, "person_id": person_id}
    said = SAID.get(act, "")
    of: dict[str, Any] = {"task_id": task_id, "at": at}
    match act:
        case "deliver":
            note = "已发布，评论区置顶了商品 / Published, with the product on top of the comments"
            await work_on_task.deliver(conn, video_id=video.video_id, note=note, **creator, **of)
        case "accept":
            await work_on_task.accept(conn, **brand, **of)
            await _rate_each_other(conn, market, task_id, video, at=at + HOUR)
        case "redo":
            await work_on_task.ask_again(conn, reason=said, **brand, **of)
        case "part":
            await work_on_task.offer_part(conn, share_bp=6_000, reason=said, **brand, **of)
        case "take":
            await work_on_task.take_part(conn, **creator, **of)
        case "dispute":
            await work_on_task.dispute(
                conn, party_id=video.creator_id, statement=said, person_id=person_id, **of
            )
        case "rule":
            operator = market.people["operator"]
            await work_on_task.rule(conn, share_bp=9_000, reason=said, person_id=operator, **of)
        case "cancel":
            await work_on_task.cancel(
                conn, party_id=brand["brand_id"], reason=said, person_id=brand["person_id"], **of
            )
        case "lapse":
            deadline = Deadline(PLATFORM_BOOK, DELIVER_BY, task_id)
            why = await task_deadlines.act(conn, deadline, at=at)
            await drop_deadline(
                conn, store_id=PLATFORM_BOOK, kind=DELIVER_BY, subject_id=task_id, at=at, why=why
            )


async def _rate_each_other(
    conn: AsyncConnection, market: Market, task_id: UUID, video: Any, *, at: datetime
) -> None:
    for party_id, person_id, stars, words in (
        (market.orgs["advertiser"], market.people["advertiser"], 5, "准时，内容扎实"),
        (video.creator_id, _person_of(market, video.creator_id), 4, "沟通顺畅"),
    ):
        await rate(
            conn, task_id=task_id, party_id=party_id, stars=stars, words=words,
            person_id=person_id, at=at,
        )  # fmt: skip


async def _write_open_ones(
    conn: AsyncConnection, market: Market, ours: Any, theirs: list[Any], *, now: datetime
) -> None:
    """A draft, one with creators who wait and one who was told no, one that names its creator,
    and one in live rooms that pays by result."""
    brand_id, person_id = market.orgs["advertiser"], market.people["advertiser"]
    at, ends = now - 2 * DAY, now + 10 * DAY
    opened = await _brief(
        conn, market, _terms(theirs[0], at=at, ends=ends, nth=3), way=Way.OPEN, at=at, places=3
    )
    told_no = None
    for creator_id in dict.fromkeys(one.creator_id for one in theirs):
        taken = await take_brief(
            conn, brief_id=opened, creator_id=creator_id, note="粉丝多为宝妈，历史转化稳定",
            person_id=market.people["creators"], at=at + 3 * HOUR,
        )  # fmt: skip
        told_no = told_no or taken.application_id
    if told_no is not None:
        await decline(
            conn, application_id=told_no, party_id=brand_id, person_id=person_id, at=at + DAY
        )
    named = await _brief(
        conn, market, _terms(ours, at=at, ends=ends, nth=6), way=Way.ASSIGNED, at=at
    )
    await invite(
        conn, brief_id=named, brand_id=brand_id, creator_id=market.orgs[STAR],
        note="想请您讲一讲", at=at + HOUR,
    )  # fmt: skip
    tiers = (Tier(100, 100_000), Tier(500, 400_000), Tier(2_000, 1_200_000))
    live = _terms(
        ours, at=at, ends=ends, nth=0, surface="live", model=Model.TIERED, price_minor=0,
        tiers=tiers, measure=Measure.ORDERS, most_minor=1_200_000, public_days=0,
        pinned_minutes=15, rooms=1,
    )  # fmt: skip
    await _brief(conn, market, live, way=Way.OPEN, at=at + 2 * HOUR, places=2)
    draft = Brief(
        id=derived_id(brand_id, "demo draft"), brand_id=brand_id, way=Way.OPEN,
        title_zh="秋季新品试用", title_en="Trying what is new this autumn", body_zh="", body_en="",
        terms=_terms(theirs[-1], at=now, ends=now + 20 * DAY, nth=1), budget_minor=2_000_000,
        places=4, apply_until=now + 15 * DAY,
    )  # fmt: skip
    await write_brief(conn, brief=draft, person_id=person_id, at=now - 3 * HOUR)
