"""The days on which something happens, in order. What each does is what people would have done."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.access import Role
from dougong.base.errors import Refusal
from dougong.base.ids import OrgId, VideoId, derived_id
from dougong.base.money import Money, part_of
from dougong.cli.scenario import agreements, cast
from dougong.cli.scenario.cast import Cast, Creator, new_video, seen_at
from dougong.cli.scenario.told import yuan
from dougong.cli.scenario.traffic import shoppers
from dougong.flows.agree_task import agree_task
from dougong.flows.compose_link import Case
from dougong.flows.fill_live_cart import put_in_live_cart
from dougong.flows.publish_link import denial, frozen_terms
from dougong.flows.publish_video import link_product
from dougong.flows.purchase_address import lead_to
from dougong.infra.http import Hop
from dougong.links.outside_commands import add_outside_link, keep_outside_product
from dougong.links.share_commands import set_channel_state
from dougong.links.share_rules import ChannelState
from dougong.links.source_queries import source_at
from dougong.policy.queries import rules_book
from dougong.policy.rules import link_case

Act = Callable[[AsyncConnection, Cast, datetime], Awaitable[list[str]]]


class Day(msgspec.Struct, frozen=True):
    """`title`: what the day is known for. `act`: what people do; answers lines to print."""

    at: datetime
    title: str
    act: Act


def shanghai(text_: str) -> datetime:
    return datetime.fromisoformat(f"{text_}:00+08:00")


async def open_for_business(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    """The platform opens; its links are blocked inside Tencent's apps, so a code goes round."""
    await shoppers(conn, who)
    for channel, state, zh, en in (
        ("wechat", ChannelState.BLOCKED, "链接在微信内打不开", "Links do not open inside WeChat"),
        ("weibo", ChannelState.OPEN, "链接可以直接打开", "Links open as they are"),
    ):
        await set_channel_state(
            conn, channel=channel, state=state, starts=at, reason_zh=zh, reason_en=en, at=at
        )
    return ["share to WeChat: blocked, a code is handed out; to Weibo: open"]


async def taobao_joins(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    await cast.let_partner_in(conn, who, at=at)
    lines = []
    for creator in who.creators:
        video_id = await new_video(conn, creator, zh="今天的好物", en="Today's find", at=at)
        lines += await _publish(conn, creator, "taobao", 1, video_id, at)
        lines += await _publish(conn, creator, "tmall", 2, video_id, at)
        lines += await _go_live(conn, creator, "taobao", 3, at)
    said = f"{len(who.creators)} creators put Taobao and Tmall goods on videos and into live carts"
    return lines or [said]


async def jd_joins(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    await cast.open_source(conn, "jd", partner_id=None, at=at)
    lines = []
    some = who.creators[2:6]
    for creator in some:
        lines += await _publish(conn, creator, "jd", 4, creator.videos[0], at)
    return lines or [f"{len(some)} creators put JD goods on videos"]


async def first_round(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    ends = shanghai("2020-07-01T00:00")
    amounts = {"advertising": 5 * agreements.BILLION, "gmv": 2 * agreements.BILLION}
    agreed = agreements.terms(starts=at, ends=ends, surfaces=("video",), **amounts)
    first = agreements.terms(
        starts=at, ends=ends, surfaces=("video", "live"), advertising=3 * agreements.BILLION,
        gmv=4 * agreements.BILLION,
    )  # fmt: skip
    await agreements.negotiate(
        conn, who, name=("2019 框架协议", "Framework 2019"), first=first, agreed=agreed,
        previous=None, at=at,
    )  # fmt: skip
    return ["signed after one counter-offer: advertising 5 billion, traffic 2 billion yuan"]


async def mini_stores(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    """The closed loop: two stores; the flagship's purchase link leads to Tmall, as it says."""
    await cast.open_stores(conn, who, at=at)
    await _buys_at(conn, who, "https://huadian.tmall.com/rose", "tmall", at)
    for creator in who.creators:
        goods = [g for g in who.goods if g.category == creator.category]
        for one in goods:
            await link_product(
                conn, video_id=creator.videos[0], creator_id=creator.id, store_id=one.store_id,
                product_id=one.product_id, at=at,
            )  # fmt: skip
    spent = 4_900_000_000 * 100
    await agreements.advertised(conn, who, "Framework 2019", amount=spent, at=at)
    return [
        "2 mini-stores open; the flagship's goods are bought at Tmall, it says",
        f"advertising of the agreement of 2019 so far: {yuan(spent)} of 5 billion",
    ]


async def where_it_really_ends(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    """The flagship's purchase link is followed: it ends at Taobao, and is judged as that."""
    await _buys_at(conn, who, "https://item.taobao.com/item.htm?id=rose", "taobao", at)
    return ["huadian.tmall.com/rose redirects (302) to item.taobao.com: judged as Taobao"]


async def _buys_at(conn: AsyncConnection, who: Cast, url: str, source: str, at: datetime) -> None:
    flagship = who.goods[0]
    await rules_book(conn, fresh=True)
    await lead_to(
        conn, store_id=flagship.store_id, product_id=flagship.product_id, url=url, source=source,
        at=at,
    )  # fmt: skip


async def nothing_but_the_rule(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    return []


async def try_taobao(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    """After the ban somebody tries, and is told why not."""
    return await _publish(conn, who.creators[0], "taobao", 5, who.creators[0].videos[0], at)


async def beauty_by_task(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    """Beauty from JD into a live cart: not directly."""
    return await _go_live(conn, who.creators[0], "jd", 6, at)


async def a_task_before(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    who.orgs["advertiser"] = await cast.open_org(
        conn, who, "advertiser", Role.ADVERTISER, "玫瑰品牌", "Rose brand", at
    )
    return await _task(conn, who, "before", "jd", at)


async def tasks_after(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    lines = await _task(conn, who, "after", "jd", at)
    lines += await _task(conn, who, "own", "own", at)
    creator = who.creators[0]
    for name, number in (("before", 7), ("after", 8)):
        lines += await _go_live(conn, creator, "jd", number, at, task_id=who.tasks[name])
    return lines


async def second_round(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    """Signed by both over one text; its grants stand in the rule book from that instant on."""
    year = {"starts": at, "ends": shanghai("2021-08-21T00:00")}
    both = ("video", "live")
    agreed = agreements.terms(
        **year, surfaces=both, advertising=15 * agreements.BILLION, gmv=6 * agreements.BILLION
    )
    first = agreements.terms(
        **year, surfaces=both, advertising=12 * agreements.BILLION, gmv=9 * agreements.BILLION
    )
    await agreements.negotiate(
        conn, who, name=("2020 框架协议", "Framework 2020"), first=first, agreed=agreed,
        previous="Framework 2019", at=at,
    )  # fmt: skip
    await agreements.hear_of_twenty_billion(conn, who, at=at)
    return [
        "signed: advertising 15 billion, traffic 6 billion yuan (three times the last round)",
        "reported: about 20 billion yuan, three times the last round; confirmed by nobody",
    ]


async def advertising_delivered(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    spent = 15_300_000_000 * 100
    await agreements.advertised(conn, who, "Framework 2020", amount=spent, at=at)
    return [f"advertising of the agreement of 2020 so far: {yuan(spent)} of 15 billion"]


async def try_live(conn: AsyncConnection, who: Cast, at: datetime) -> list[str]:
    return await _go_live(conn, who.creators[5], "taobao", 9, at)


async def _publish(
    conn: AsyncConnection, creator: Creator, code: str, number: int, video_id: VideoId,
    at: datetime,
) -> list[str]:  # fmt: skip
    """Onto a video; what is refused says why."""
    seen, source = seen_at(code, creator, number), await source_at(conn, code=code, at=at)
    assert source is not None  # noqa: S101 (the story opens its sources first)
    book = await rules_book(conn, fresh=True)
    case = Case(source=source, category=creator.category, creator_id=creator.id, route="direct",
                at=at)  # fmt: skip
    facts = link_case(source=code, surface="video", category=creator.category, route="direct",
                      creator=str(creator.id), at=at)  # fmt: skip
    verdict = book.judge(facts)
    if not verdict.allowed:
        return [_refused(creator, code, "video", denial(verdict))]
    product_id = await keep_outside_product(
        conn, source=code, seen=seen, category=creator.category, at=at
    )
    await add_outside_link(
        conn, video_id=video_id, creator_id=creator.id, outside_product_id=product_id,
        source=code, category=creator.category, task_id=None, asked_url=seen.url,
        hops=[Hop(seen.url, 200)], verdict_rule_id=verdict.rule.id if verdict.rule else None,
        terms=frozen_terms(case, seen, None, book), at=at,
    )  # fmt: skip
    return []


async def _go_live(
    conn: AsyncConnection, creator: Creator, code: str, number: int, at: datetime,
    *, task_id: UUID | None = None,
) -> list[str]:  # fmt: skip
    await rules_book(conn, fresh=True)
    try:
        await put_in_live_cart(
            conn, creator_id=creator.id, source=code, seen=seen_at(code, creator, number),
            category=creator.category, task_id=task_id, at=at,
        )  # fmt: skip
    except Refusal as refusal:
        return [_refused(creator, code, "live cart", refusal)]
    return (
        [f"{creator.name_en} puts a {code} product into the live cart by task"] if task_id else []
    )


def _refused(creator: Creator, code: str, where: str, refusal: Refusal) -> str:
    why = refusal.facts.get("reason_en", refusal.code)
    return f"{creator.name_en} is refused a {code} link ({where}): {why}"


async def _task(
    conn: AsyncConnection, who: Cast, name: str, source: str, at: datetime
) -> list[str]:
    task_id = derived_id(who.orgs["advertiser"], f"task {name}")
    task = await agree_task(
        conn, task_id=task_id, brand_id=who.orgs["advertiser"],
        creator_id=OrgId(who.creators[0].id), surface="live", source=source, category="beauty",
        price=Money(1_000_000, "CNY"), agreed_at=at, ends_at=at + timedelta(days=40),
    )  # fmt: skip
    who.tasks[name] = task_id
    fee_bp = task.frozen.service_fee_bp
    fee = part_of(task.price_minor, fee_bp)
    said = f"a task of {yuan(task.price_minor)} with a {source} link is agreed"
    return [f"{said}: service fee {fee_bp / 100:g} %, {yuan(fee)}"]


DAYS = (
    Day(shanghai("2018-03-20T09:00"), "The platform opens", open_for_business),
    Day(shanghai("2018-03-21T09:00"), "Taobao joins", taobao_joins),
    Day(shanghai("2018-12-11T09:00"), "JD.com joins", jd_joins),
    Day(shanghai("2019-07-01T00:00"), "The framework agreement of 2019 is signed", first_round),
    Day(shanghai("2020-06-08T09:00"), "Mini-stores open", mini_stores),
    Day(shanghai("2020-06-18T00:00"), "A purchase link is judged by where it ends",
        where_it_really_ends),
    Day(shanghai("2020-07-01T00:00"), "No more links to Taobao and Tmall", try_taobao),
    Day(shanghai("2020-08-05T00:00"), "Beauty from outside goes live only by task",
        beauty_by_task),
    Day(shanghai("2020-08-19T12:00"), "A task is agreed a day before the new fees",
        a_task_before),
    Day(shanghai("2020-08-20T00:00"), "Tasks pay 20 % on links from outside", tasks_after),
    Day(shanghai("2020-08-21T10:00"), "The framework agreement of 2020 is signed", second_round),
    Day(shanghai("2020-09-06T00:00"), "Links from outside go live only by task", try_live),
    Day(shanghai("2020-10-09T00:00"), "Links from outside are barred from live carts", try_live),
    Day(shanghai("2021-06-18T09:00"), "What was promised is delivered", advertising_delivered),
    Day(shanghai("2021-08-21T00:00"), "The agreement of 2020 ends", nothing_but_the_rule),
    Day(
        shanghai("2021-11-01T00:00"),
        "Taobao and JD enter live rooms again, on trial",
        nothing_but_the_rule,
    ),
    Day(shanghai("2022-03-01T00:00"), "Links to Taobao and JD are cut", nothing_but_the_rule),
    Day(shanghai("2022-10-01T00:00"), "The first quarter of creators has them back",
        nothing_but_the_rule),
    Day(shanghai("2022-10-02T00:00"), "Half of the creators", nothing_but_the_rule),
    Day(shanghai("2022-10-03T00:00"), "Three quarters of the creators", nothing_but_the_rule),
    Day(shanghai("2022-10-04T00:00"), "All links are back", nothing_but_the_rule),
)  # fmt: skip
