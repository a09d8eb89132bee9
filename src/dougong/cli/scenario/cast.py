"""Who plays: the platform's people, the partner behind Taobao and Tmall, creators, two stores.

Ids of organisations are derived from their handles: a staged rollout goes by them, so the story
comes out the same whenever it is played.
"""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import give_role, open_organisation, sign_up
from dougong.base.access import Role
from dougong.base.ids import (
    PLATFORM_BOOK,
    OrgId,
    PersonId,
    ProductId,
    SkuId,
    StoreId,
    VideoId,
    derived_id,
)
from dougong.base.money import Money
from dougong.catalog.commands import CategoryRow, ensure_categories, open_store
from dougong.catalog.product_commands import ProductText, create_product
from dougong.catalog.rules import Variant
from dougong.content.commands import create_ready_video, publish
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.source_commands import SourceDraft, add_source, set_source_state
from dougong.links.source_rules import SourceSettings, SourceState
from dougong.supply.stock_commands import set_on_hand

ZONE = ZoneInfo("Asia/Shanghai")
CREATORS = (
    ("chen-beauty", "陈小美美妆", "Chen on beauty", "beauty"),
    ("lin-skin", "林老师护肤", "Teacher Lin's skincare", "beauty"),
    ("da-peng-eats", "大鹏吃四方", "Da Peng eats", "food"),
    ("ayi-kitchen", "阿姨的厨房", "Auntie's kitchen", "food"),
    ("xiao-yu-wears", "小雨穿搭", "Xiao Yu wears", "fashion"),
    ("lao-wang-tools", "老王好物", "Lao Wang's finds", "home"),
    ("dou-dou-home", "豆豆的家", "Dou Dou's home", "home"),
    ("mei-li-style", "美丽日记", "Mei Li's diary", "fashion"),
)
CATEGORIES = {
    "beauty": ("美妆", "Beauty"),
    "food": ("食品", "Food"),
    "fashion": ("服饰", "Fashion"),
    "home": ("家居", "Home"),
}
SOURCES = {
    "taobao": ("淘宝", "Taobao", ("*.taobao.com",)),
    "tmall": ("天猫", "Tmall", ("*.tmall.com",)),
    "jd": ("京东", "JD.com", ("*.jd.com",)),
}
GOODS = {
    "beauty": ("玫瑰面霜", 19_900),
    "food": ("手工牛肉干", 6_900),
    "fashion": ("亚麻衬衫", 15_900),
    "home": ("珐琅铸铁锅", 32_900),
}
ALLIANCE_BP, MEDIA_BP = 1_000, 100  # what the alliance keeps of a commission, and for content
COMMISSION_BP = 2_000


class Creator(msgspec.Struct):
    id: OrgId
    name_zh: str
    name_en: str
    category: str
    videos: list[VideoId] = []


class Goods(msgspec.Struct):
    """One product of an own store."""

    store_id: StoreId
    product_id: ProductId
    sku_id: SkuId
    price_minor: int
    category: str


class Cast(msgspec.Struct):
    people: dict[str, PersonId] = {}
    orgs: dict[str, OrgId] = {}
    creators: list[Creator] = []
    goods: list[Goods] = []
    tasks: dict[str, UUID] = {}
    rounds: dict[str, UUID] = {}
    shoppers: list[tuple[PersonId, UUID]] = []


def org_id(handle: str) -> OrgId:
    return OrgId(derived_id(PLATFORM_BOOK, f"douyin-taobao {handle}"))


async def open_platform(conn: AsyncConnection, *, at: datetime) -> Cast:
    """The platform with its creators; nobody sells anything yet."""
    cast = Cast(people={}, orgs={}, creators=[], goods=[], tasks={}, rounds={}, shoppers=[])
    for role, name in (("operator", "罗安"), ("second", "陈复核"), ("partner", "钱琳"),
                       ("partner-second", "周副总"), ("merchant", "店主"),
                       ("advertiser", "品牌方"), ("creators", "达人们")):  # fmt: skip
        cast.people[role] = await sign_up(
            conn, email=f"{role}@story.dougong.example", password=None, name=name, locale="zh",
            at=at, is_demo=True,
        )  # fmt: skip
    cast.orgs["operator"] = await open_org(
        conn, cast, "operator", Role.OPERATOR, "平台", "Platform", at
    )
    await give_role(
        conn, person_id=cast.people["second"], org_id=cast.orgs["operator"], role=Role.OPERATOR,
        at=at,
    )  # fmt: skip
    await ensure_categories(conn, [CategoryRow(p, *names) for p, names in CATEGORIES.items()])
    for handle, zh, en, category in CREATORS:
        made = await open_organisation(
            conn, person_id=cast.people["creators"], kind=Role.CREATOR, name=zh, name_en=en,
            handle=handle, at=at, org_id=org_id(handle),
        )  # fmt: skip
        cast.creators.append(Creator(made, zh, en, category, []))
    return cast


async def open_org(
    conn: AsyncConnection, cast: Cast, who: str, role: Role, zh: str, en: str, at: datetime
) -> OrgId:
    return await open_organisation(
        conn, person_id=cast.people[who], kind=role, name=zh, name_en=en, handle=f"story-{who}",
        at=at, org_id=org_id(f"story-{who}"),
    )  # fmt: skip


async def let_partner_in(conn: AsyncConnection, cast: Cast, *, at: datetime) -> None:
    """The partner behind Taobao and Tmall gets an organisation; its sources open."""
    cast.orgs["partner"] = await open_org(conn, cast, "partner", Role.PARTNER, "淘宝", "Taobao", at)
    await give_role(
        conn, person_id=cast.people["partner-second"], org_id=cast.orgs["partner"],
        role=Role.PARTNER, at=at,
    )  # fmt: skip
    for code in ("taobao", "tmall"):
        await open_source(conn, code, partner_id=cast.orgs["partner"], at=at)


async def open_source(
    conn: AsyncConnection, code: str, *, partner_id: UUID | None, at: datetime
) -> None:
    zh, en, hosts = SOURCES[code]
    terms = SourceSettings(
        commission_bp=COMMISSION_BP, alliance_fee_bp=ALLIANCE_BP, sub_id_parameter="sub"
    )
    draft = SourceDraft(
        code=code, name_zh=zh, name_en=en, hosts=hosts, adapter="page", settings=terms,
        partner_id=partner_id,
    )  # fmt: skip
    await add_source(conn, draft=draft, at=at)
    await set_source_state(
        conn, source=code, state=SourceState.OPEN, starts=at, reason_zh=f"{zh}接入",
        reason_en=f"{en} joins", at=at,
    )  # fmt: skip


async def new_video(
    conn: AsyncConnection, creator: Creator, *, zh: str, en: str, at: datetime
) -> VideoId:
    """A published video; its pictures are those of the demo market, where that was made."""
    video_id = await create_ready_video(
        conn, creator_id=creator.id, caption_zh=zh, caption_en=en,
        media=f"videos/demo-{len(creator.videos) % 8:02}", seconds=14.0, width=540, height=960,
        at=at,
    )  # fmt: skip
    await publish(conn, video_id=video_id, creator_id=creator.id, at=at)
    creator.videos.append(video_id)
    return video_id


def seen_at(source: str, creator: Creator, number: int) -> SeenProduct:
    """What a source shows at one of its addresses."""
    title, price_minor = GOODS[creator.category]
    host = {"taobao": "item.taobao.com", "tmall": "detail.tmall.com", "jd": "item.jd.com"}[source]
    item_id = f"{creator.name_en.split()[0].lower()}-{number}"
    return SeenProduct(
        item_id=item_id, url=f"https://{host}/item.htm?id={item_id}", title=f"{title} {number}",
        price=Money(price_minor, "CNY"), commission_bp=COMMISSION_BP,
    )  # fmt: skip


async def open_stores(conn: AsyncConnection, cast: Cast, *, at: datetime) -> None:
    """The mini-stores: one of a brand whose purchase link leads elsewhere, one that sells here."""
    for code, zh, en, merchant_class, paths in (
        ("huadian", "花颠旗舰店", "Huadian flagship store", "flagship", ("beauty",)),
        ("shanhai", "山海小店", "Shanhai mini-store", "standard", ("food", "home", "fashion")),
    ):
        owner = await open_organisation(
            conn, person_id=cast.people["merchant"], kind=Role.MERCHANT, name=zh, name_en=en,
            handle=f"story-{code}", at=at, org_id=org_id(f"story-{code}"),
        )  # fmt: skip
        store_id = await open_store(
            conn, org_id=owner, code=code, name_zh=zh, name_en=en, currency="CNY", at=at,
            merchant_class=merchant_class,
        )  # fmt: skip
        cast.orgs[code] = owner
        for path in paths:
            cast.goods.append(await _goods(conn, store_id, path, at=at))


async def _goods(conn: AsyncConnection, store_id: StoreId, path: str, *, at: datetime) -> Goods:
    title, price_minor = GOODS[path]
    product_id, skus = await create_product(
        conn,
        store_id=store_id,
        words=ProductText(
            code=f"{path}-1", title_zh=title, title_en=CATEGORIES[path][1], description_zh="",
            description_en="", brand="", category=path, commission_bp=COMMISSION_BP,
        ),
        variants=[Variant(code=f"{path}-1-1", price_minor=price_minor, options={}, gtin="",
                          weight_g=400)],
        at=at, state="active",
    )  # fmt: skip
    (sku_id,) = skus.values()
    await set_on_hand(conn, store_id=store_id, levels={sku_id: 5_000}, at=at)
    return Goods(store_id, product_id, sku_id, price_minor, path)
