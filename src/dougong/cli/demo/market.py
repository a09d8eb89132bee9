"""Writes the demo market: people, stores, goods, videos and links, in one transaction."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.accounts.commands import give_role, open_organisation, sign_up
from dougong.accounts.profile_commands import describe_organisation
from dougong.base.access import Role
from dougong.base.ids import (
    PLATFORM_BOOK,
    LinkId,
    OrgId,
    PersonId,
    ProductId,
    SkuId,
    StoreId,
    VideoId,
    derived_id,
)
from dougong.catalog.commands import CategoryRow, ensure_categories, open_store, set_logo
from dougong.catalog.coupon_commands import issue_coupon
from dougong.catalog.product_commands import ProductText, create_product
from dougong.catalog.rules import Variant
from dougong.cli.demo import story
from dougong.cli.demo.art import Art
from dougong.cli.demo.names import CATEGORY_NAMES, CITIES, GIVEN, SURNAMES
from dougong.content.commands import create_ready_video, publish
from dougong.content.reaction_commands import add_comment, follow, like, seen
from dougong.links.commands import add_link
from dougong.policy.commands import install_default_rules
from dougong.supply.stock_commands import set_on_hand

SHOPPERS = 240
OPENED_DAYS_AGO = 120
SHIPPING_MINOR, FREE_FROM_MINOR = 800, 9_900


class Shopper(msgspec.Struct):
    person_id: PersonId
    address_id: UUID


class Market(msgspec.Struct):
    """Who and what there is, by the story's own names."""

    shoppers: list[Shopper]
    people: dict[str, PersonId]
    orgs: dict[str, OrgId]
    stores: dict[str, StoreId]
    products: dict[str, tuple[StoreId, ProductId, dict[str, SkuId]]]
    links: list[tuple[LinkId, str, datetime]]


async def write_market(conn: AsyncConnection, *, art: Art, now: datetime) -> Market:
    """All but the orders. Raises what the areas refuse: the story must satisfy them."""
    opened = now - timedelta(days=OPENED_DAYS_AGO)
    market = Market([], {}, {}, {}, {}, [])
    await _people(conn, market, at=opened)
    await install_default_rules(
        conn,
        at=opened,
        author_id=market.people["operator"],
        approver_id=market.people["second-operator"],
    )
    await _stores(conn, market, art, at=opened)
    for product in story.PRODUCTS:
        await _product(conn, market, art, product, at=opened)
    await _creators(conn, market, art, at=opened)
    for video in story.VIDEOS:
        await _video(conn, market, art, video, now=now)
    for coupon in story.COUPONS:
        await _coupon(conn, market, coupon, at=opened, until=now + timedelta(days=180))
    await _reactions(conn, market, now=now)
    return market


async def _person(
    conn: AsyncConnection, login: str, name: str, at: datetime, demo: bool
) -> PersonId:
    return await sign_up(
        conn,
        email=f"{login}@demo.dougong.example",
        password=None,
        name=name,
        locale="zh",
        at=at,
        is_demo=demo,
    )


async def _people(conn: AsyncConnection, market: Market, *, at: datetime) -> None:
    chance = random.Random(1)
    for person in story.PEOPLE:
        made = await _person(conn, person.login, person.name.zh, at, demo=True)
        market.people[person.role] = made
        if person.role in ("advertiser", "partner", "operator"):
            market.orgs[person.role] = await open_organisation(
                conn,
                person_id=made,
                kind=Role(person.role),
                name=person.organisation.zh,
                name_en=person.organisation.en,
                handle=f"org-{person.role}",
                at=at,
            )
    second = await _person(conn, "second.operator", "陈复核", at, demo=True)
    market.people["second-operator"] = second
    await give_role(
        conn, person_id=second, org_id=market.orgs["operator"], role=Role.OPERATOR, at=at
    )
    market.people["stores"] = await _person(conn, "store.owners", "店主们", at, demo=False)
    market.people["creators"] = await _person(conn, "creators", "达人们", at, demo=False)
    for n in range(SHOPPERS):
        name = chance.choice(SURNAMES) + chance.choice(GIVEN)
        person_id = await _person(conn, f"shopper{n:03}", name, at, demo=False)
        market.shoppers.append(await _address(conn, chance, person_id, name))
    await _address(conn, chance, market.people["shopper"], "许佳")


async def _address(
    conn: AsyncConnection, chance: random.Random, person_id: PersonId, name: str
) -> Shopper:
    province, city, road = chance.choice(CITIES)
    address_id = derived_id(person_id, "home")
    await conn.execute(
        text("""
            INSERT INTO addresses (person_id, id, recipient, phone, province, city, line,
              is_default)
            VALUES (:person_id, :id, :name, :phone, :province, :city, :line, true)
        """),
        {
            "person_id": person_id,
            "id": address_id,
            "name": name,
            "phone": f"138{chance.randrange(10**8):08}",
            "province": province,
            "city": city,
            "line": f"{road} {chance.randrange(1, 400)} 号",
        },
    )
    return Shopper(person_id, address_id)


async def _stores(conn: AsyncConnection, market: Market, art: Art, *, at: datetime) -> None:
    await ensure_categories(
        conn, [CategoryRow(path, zh, en) for path, (zh, en) in CATEGORY_NAMES.items()]
    )
    for n, store in enumerate(story.STORES):
        owner = market.people["merchant" if n in (0, 2) else "stores"]
        org_id = await open_organisation(
            conn,
            person_id=owner,
            kind=Role.MERCHANT,
            name=store.name.zh,
            name_en=store.name.en,
            handle=store.code,
            at=at,
        )
        store_id = await open_store(
            conn,
            org_id=org_id,
            code=store.code,
            name_zh=store.name.zh,
            name_en=store.name.en,
            tagline_zh=store.tagline.zh,
            tagline_en=store.tagline.en,
            currency="CNY",
            at=at,
            shipping_fee_minor=SHIPPING_MINOR if n % 2 else 0,
            free_shipping_from_minor=FREE_FROM_MINOR if n % 2 else None,
        )
        await set_logo(conn, store_id=store_id, file=art.logos[store.code].file)
        market.orgs[store.code], market.stores[store.code] = org_id, store_id


async def _product(
    conn: AsyncConnection, market: Market, art: Art, product: story.Product, *, at: datetime
) -> None:
    store_id = market.stores[product.store_code]
    brand = next(s.name.zh for s in story.STORES if s.code == product.store_code)
    variants = [
        Variant(
            code=v.sku,
            price_minor=v.price_minor,
            options={"规格": f"{v.name.zh} | {v.name.en}"} if len(product.variants) > 1 else {},
            gtin=v.gtin,
            weight_g=v.weight_g,
        )
        for v in product.variants
    ]
    product_id, skus = await create_product(
        conn,
        store_id=store_id,
        words=ProductText(
            code=product.code,
            title_zh=product.name.zh,
            title_en=product.name.en,
            description_zh=product.description.zh,
            description_en=product.description.en,
            brand=brand,
            category=product.category,
            commission_bp=product.commission_bp,
        ),
        variants=variants,
        at=at,
        state="active",
        images=[art.products[product.code]],
    )
    levels = {skus[v.sku]: v.stock for v in product.variants}
    await set_on_hand(conn, store_id=store_id, levels=levels, at=at)
    market.products[product.code] = (store_id, product_id, skus)


async def _creators(conn: AsyncConnection, market: Market, art: Art, *, at: datetime) -> None:
    for n, creator in enumerate(story.CREATORS):
        owner = market.people["creator" if n == 0 else "creators"]
        org_id = await open_organisation(
            conn,
            person_id=owner,
            kind=Role.CREATOR,
            name=creator.name.zh,
            name_en=creator.name.en,
            handle=creator.handle,
            at=at,
        )
        await describe_organisation(
            conn,
            org_id=org_id,
            bio_zh=creator.bio.zh,
            bio_en=creator.bio.en,
            avatar_file=art.avatars[creator.handle].file,
        )
        market.orgs[creator.handle] = org_id


async def _video(
    conn: AsyncConnection, market: Market, art: Art, video: story.Video, *, now: datetime
) -> None:
    chance = random.Random(video.code)
    creator_id = market.orgs[video.creator]
    at = now - timedelta(days=video.published_days_ago, minutes=chance.randrange(30, 1_400))
    clip = art.clips[video.clip]
    video_id = await create_ready_video(
        conn,
        creator_id=creator_id,
        caption_zh=video.caption.zh,
        caption_en=video.caption.en,
        media=f"videos/demo-{video.clip:02}",
        seconds=clip.seconds,
        width=clip.width,
        height=clip.height,
        at=at,
    )
    await publish(conn, video_id=video_id, creator_id=creator_id, at=at)
    for position, code in enumerate(video.products):
        store_id, product_id, _ = market.products[code]
        link_id = await add_link(
            conn,
            video_id=video_id,
            creator_id=creator_id,
            store_id=store_id,
            product_id=product_id,
            position=position,
            at=at,
        )
        market.links.append((link_id, code, at))
    await _watched(conn, market, video, video_id, at=at, now=now)


async def _watched(
    conn: AsyncConnection,
    market: Market,
    video: story.Video,
    video_id: VideoId,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """Views, likes and the story's comments, more for some videos than for others."""
    chance = random.Random(f"watched {video.code}")
    crowd = chance.sample(market.shoppers, k=int(4 + 56 * chance.random() ** 2))
    for shopper in crowd:
        when = at + (now - at) * chance.random()
        await seen(
            conn,
            video_id=video_id,
            person_id=shopper.person_id,
            watched_ms=chance.randrange(900, 14_000),
            at=when,
        )
        if chance.random() < 0.4:
            await like(conn, video_id=video_id, person_id=shopper.person_id, at=when)
    for comment in story.COMMENTS:
        if comment.video == video.code:
            shopper = chance.choice(market.shoppers)
            await add_comment(
                conn,
                video_id=video_id,
                person_id=shopper.person_id,
                body=comment.text.zh if chance.random() < 0.7 else comment.text.en,
                at=at + (now - at) * chance.random(),
            )


async def _reactions(conn: AsyncConnection, market: Market, *, now: datetime) -> None:
    chance = random.Random(3)
    for shopper in market.shoppers:
        for creator in chance.sample(story.CREATORS, k=chance.randrange(0, 6)):
            await follow(
                conn,
                creator_id=market.orgs[creator.handle],
                person_id=shopper.person_id,
                at=now - timedelta(days=chance.randrange(1, 60)),
            )
    for creator in story.CREATORS[:5]:
        creator_id, person_id = market.orgs[creator.handle], market.people["shopper"]
        await follow(conn, creator_id=creator_id, person_id=person_id, at=now)


def _stores_of(coupon: story.Coupon) -> list[str]:
    """A merchant's coupon in its store; the platform's in all; a creator's where it shows goods."""
    if coupon.funder == "merchant":
        return [coupon.owner]
    if coupon.funder == "platform":
        return [store.code for store in story.STORES]
    return list(next(c.stores for c in story.CREATORS if c.handle == coupon.owner))


async def _coupon(
    conn: AsyncConnection, market: Market, coupon: story.Coupon, *, at: datetime, until: datetime
) -> None:
    owners: Mapping[str, UUID] = {**market.orgs, "platform": PLATFORM_BOOK}
    for code in _stores_of(coupon):
        await issue_coupon(
            conn,
            store_id=market.stores[code],
            code=coupon.code,
            name_zh=coupon.name.zh,
            name_en=coupon.name.en,
            funder=coupon.funder,
            funder_org_id=owners[coupon.owner],
            amount_off_minor=coupon.off_minor,
            percent_off_bp=None,
            min_spend_minor=coupon.threshold_minor,
            usable_from=at,
            usable_until=until,
            quota=coupon.quantity,
            at=at,
        )
