"""Agreements with the demo's partner: a round of 2019 that has ended, the one of 2020 that was only
reported, one that runs, and its renewal on the table. Days count from today."""

from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import PLATFORM_BOOK, RoundId, derived_id
from dougong.cli.demo.market import Market
from dougong.cli.demo.marks import begin_piece
from dougong.flows.count_round import bill_advertising, count_round
from dougong.flows.end_round import finish
from dougong.flows.offer_terms import offer_terms, open_for
from dougong.flows.sign_round import sign_round
from dougong.infra.db import transaction
from dougong.infra.events import drop_deadline
from dougong.links.source_commands import SourceDraft, add_source, change_source
from dougong.links.source_queries import source_at
from dougong.partners.amount_commands import Said, report_amount
from dougong.partners.commands import Offered, accept, comment, take_back
from dougong.partners.dispute_commands import open_dispute
from dougong.partners.rules import (
    Component,
    ComponentKind,
    Exclusivity,
    FeeOverride,
    Grant,
    Side,
    Terms,
    Tier,
    Unit,
)
from dougong.reads.partner_rounds import proposals_of

OURS, THEIRS = Side.PLATFORM, Side.PARTNER
BILLION, YUAN = 100_000_000_000, 100
DAY = timedelta(days=1)
# What each twelfth of a year takes of the advertising: the June and November sales stand out.
SHAPE = (5, 4, 7, 7, 8, 13, 7, 7, 8, 9, 17, 8)
STARTS_2019 = datetime(2019, 8, 15, 16, tzinfo=UTC)
SHOPS = (("taobao", "淘宝", "Taobao", "*.taobao.com"), ("tmall", "天猫", "Tmall", "*.tmall.com"))


def _advertising(committed: int) -> Component:
    return Component(
        kind=ComponentKind.ADVERTISING,
        unit=Unit.SPEND,
        committed=committed,
        committed_by=THEIRS,
        shortfall_bp=3_000,
        tiers=(Tier(committed // 2, 200), Tier(committed, 500)),
    )


def _traffic(committed: int) -> Component:
    return Component(
        kind=ComponentKind.ECOMMERCE_TRAFFIC,
        unit=Unit.CLICKS,
        committed=committed,
        committed_by=OURS,
        unit_value_minor=60,
        shortfall_bp=10_000,
    )


class Desk:
    """The demo's people at the table, and the acts of a negotiation at their own dates."""

    def __init__(self, conn: AsyncConnection, market: Market) -> None:
        self.conn, self.partner_id = conn, market.orgs["partner"]
        people = market.people
        self.people = {OURS: people["operator"], THEIRS: people["partner"]}
        self.second = people["second-operator"]

    async def open(self, zh: str, en: str, at: datetime, last: RoundId | None) -> RoundId:
        return await open_for(
            self.conn, partner_id=self.partner_id, name_zh=zh, name_en=en, previous_id=last,
            person_id=self.people[OURS], at=at,
        )  # fmt: skip

    async def offer(
        self, round_id: RoundId, side: Side, terms: Terms, words: str, at: datetime
    ) -> Offered:
        return await offer_terms(
            self.conn, round_id=round_id, partner_id=None, side=side,
            author_id=self.people[side], terms=terms, message=words, expires_at=at + 14 * DAY,
            at=at,
        )  # fmt: skip

    async def agree(self, round_id: RoundId, number: int, at: datetime) -> None:
        """The partner's offer is accepted by one of us, and signed by another and by them."""
        await accept(
            self.conn, round_id=round_id, partner_id=None, number=number, side=OURS,
            person_id=self.people[OURS], at=at,
        )  # fmt: skip
        text = (await proposals_of(self.conn, round_id=round_id))[number - 1]
        for side, person, name, hours in (
            (THEIRS, self.people[THEIRS], "钱琳", 20),
            (OURS, self.second, "陈复核", 26),
        ):
            await sign_round(
                self.conn, round_id=round_id, partner_id=None, number=number, side=side,
                person_id=person, signer=name, hash=text.hash, at=at + timedelta(hours=hours),
            )  # fmt: skip

    async def bill(self, round_id: RoundId, starts: datetime, yuan: int, until: datetime) -> None:
        """A bill in the middle of each twelfth, as far as time has come."""
        for place, share in enumerate(SHAPE):
            at = starts + (place * 365 // 12 + 15) * DAY
            if at < until:
                await bill_advertising(
                    self.conn, round_id=round_id, amount_minor=yuan * share // 100 * YUAN,
                    currency="CNY", reference=f"AD-{at:%Y%m}",
                    key=derived_id(round_id, f"bill {place}"), at=at,
                )  # fmt: skip


async def write_agreements(market: Market, *, now: datetime) -> None:
    async with transaction() as conn:
        if not await begin_piece(conn, "agreements", at=now):
            return
        await _sources(conn, market, at=now)
        desk = Desk(conn, market)
        last = await _round_of_2019(desk)
        await _round_of_2020(desk, last)
        running = await _running(desk, last, now=now)
        await _renewal(desk, running, now=now)


async def _sources(conn: AsyncConnection, market: Market, *, at: datetime) -> None:
    """The partner stands behind Taobao and Tmall."""
    for code, zh, en, host in SHOPS:
        found = await source_at(conn, code=code, at=at)
        draft = SourceDraft(
            code=code,
            name_zh=zh,
            name_en=en,
            hosts=found.hosts if found else [host],
            adapter=found.adapter if found else "page",
            partner_id=market.orgs["partner"],
        )
        await (change_source if found else add_source)(conn, draft=draft, at=at)


async def _round_of_2019(desk: Desk) -> RoundId:
    """Signed, over, and stated: the partner fell a little short of what it had promised."""
    at = STARTS_2019 - 40 * DAY
    first = Terms(
        currency="CNY",
        starts=STARTS_2019,
        ends=STARTS_2019 + 365 * DAY,
        components=(_advertising(7 * BILLION),),
        exclusivity=Exclusivity.NONE,
        notice_days=60,
    )
    round_id = await desk.open("2019 框架协议", "Framework agreement 2019", at, None)
    await desk.offer(round_id, OURS, first, "以去年的增长为基础", at + DAY)
    answer = msgspec.structs.replace(first, components=(_advertising(6 * BILLION),))
    await desk.offer(round_id, THEIRS, answer, "七十亿过高，六十亿可以签", at + 9 * DAY)
    await desk.agree(round_id, 2, at + 15 * DAY)
    await desk.bill(round_id, STARTS_2019, 5_700_000_000, STARTS_2019 + 365 * DAY)
    ends = STARTS_2019 + 365 * DAY
    await finish(desk.conn, round_id=round_id, at=ends)
    await drop_deadline(
        desk.conn, store_id=PLATFORM_BOOK, kind="round_ends", subject_id=round_id, at=ends,
        why="acted",
    )  # fmt: skip
    return round_id


async def _round_of_2020(desk: Desk, last: RoundId) -> None:
    """What outsiders reported of it, and offers that were taken back: nothing is signed here."""
    at = datetime(2020, 7, 20, 4, tzinfo=UTC)
    round_id = await desk.open("2020 框架协议", "Framework agreement 2020", at, last)
    starts = datetime(2020, 8, 20, 16, tzinfo=UTC)
    terms = Terms(
        currency="CNY",
        starts=starts,
        ends=starts + 365 * DAY,
        components=(_advertising(16 * BILLION), _traffic(60_000_000)),
        grants=(Grant("taobao", "video"), Grant("tmall", "video")),
    )
    made = await desk.offer(round_id, OURS, terms, "广告一百六十亿，另保障电商流量", at + 2 * DAY)
    await take_back(
        desk.conn, round_id=round_id, partner_id=None, number=made.number, side=THEIRS,
        person_id=desk.people[THEIRS], reason="先谈直播间的口径", at=at + 6 * DAY,
    )  # fmt: skip
    said = Said(
        amount=20 * BILLION,
        currency="CNY",
        is_about=True,
        times_last_bp=30_000,
        source="媒体报道 / press reports",
        citation="双方均未确认 / unconfirmed by both sides",
        said_at=datetime(2020, 8, 21, 4, tzinfo=UTC),
    )
    await report_amount(
        desk.conn, round_id=round_id, said=said, author_id=desk.people[OURS],
        at=datetime(2020, 8, 22, 4, tzinfo=UTC),
    )  # fmt: skip


async def _running(desk: Desk, last: RoundId, *, now: datetime) -> RoundId:
    """Three times the last one; advertising comes as promised, and clicks do not."""
    starts = now.replace(hour=16, minute=0, second=0, microsecond=0) - 200 * DAY
    at = starts - 30 * DAY
    terms = Terms(
        currency="CNY",
        starts=starts,
        ends=starts + 365 * DAY,
        components=(_advertising(18 * BILLION), _traffic(60_000)),
        grants=(Grant("taobao", "video"), Grant("tmall", "video")),
        fee_overrides=(FeeOverride(kind="commission_cut", source="taobao", rate_bp=800),),
        notice_days=60,
        clauses="直播间规则另行约定 / live rooms are agreed on separately",
    )
    zh, en = f"{starts.year} 框架协议", f"Framework agreement {starts.year}"
    round_id = await desk.open(zh, en, at, last)
    await desk.offer(round_id, THEIRS, terms, "三倍于上一轮", at + DAY)
    await desk.agree(round_id, 1, at + 6 * DAY)
    await desk.bill(round_id, starts, 17_500_000_000, now)
    await count_round(desk.conn, round_id=round_id, at=now)
    await open_dispute(
        desk.conn, round_id=round_id, partner_id=None, component="ecommerce_traffic",
        subject="短视频点击少于我方统计 / fewer clicks than we count", side=THEIRS,
        body="我方九月统计高出两成，请核对口径。 / We count a fifth more for September.",
        person_id=desk.people[THEIRS], at=now - 4 * DAY,
    )  # fmt: skip
    return round_id


async def _renewal(desk: Desk, last: RoundId, *, now: datetime) -> None:
    """Three proposals; it is the operator's turn."""
    at = now - 12 * DAY
    year = (now + 180 * DAY).year
    round_id = await desk.open(f"{year} 续约", f"Renewal {year}", at, last)
    starts = now.replace(hour=16, minute=0, second=0, microsecond=0) + 165 * DAY
    first = Terms(
        currency="CNY",
        starts=starts,
        ends=starts + 365 * DAY,
        components=(_advertising(22 * BILLION), _traffic(80_000)),
        grants=(Grant("taobao", "video"), Grant("tmall", "video"), Grant("tmall", "live")),
        notice_days=60,
    )
    await desk.offer(round_id, OURS, first, "续约首个方案", at)
    second = msgspec.structs.replace(
        first, components=(_advertising(19 * BILLION), _traffic(120_000)), notice_days=90
    )
    await desk.offer(round_id, THEIRS, second, "广告增幅放缓，希望流量有保障", at + 3 * DAY)
    third = msgspec.structs.replace(
        second, components=(_advertising(20 * BILLION), _traffic(100_000))
    )
    await desk.offer(round_id, OURS, third, "各让一步", at + 6 * DAY)
    fourth = msgspec.structs.replace(
        third,
        components=(_advertising(20 * BILLION), _traffic(110_000)),
        grants=(*third.grants, Grant("taobao", "live")),
    )
    await desk.offer(round_id, THEIRS, fourth, "请再放开淘宝直播间", at + 9 * DAY)
    await comment(
        desk.conn, round_id=round_id, partner_id=None, side=THEIRS,
        author_id=desk.people[THEIRS], body="直播间是这一轮的关键。", number=4, term="",
        at=at + 9 * DAY,
    )  # fmt: skip
