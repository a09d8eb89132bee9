"""A link that a rule denies turns into our own offer of the same product, and back exactly."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, AStore, a_link_rule, a_store, an_outside_link, approved

from dougong.base.ids import LinkId, new_id
from dougong.flows.choose_instead import choose_instead
from dougong.flows.sweep_links import judge
from dougong.links.commands import remove_link
from dougong.links.rules import Instead, LinkGone, NotLinkable, WhenDenied
from dougong.policy.queries import rules_book
from dougong.policy.rules import Rule
from dougong.reads.feed_items import candidates
from dougong.reads.hand_off import link_behind
from dougong.reads.link_sweep import standing_links

DAY = timedelta(days=1)
BAN, BACK = T0 + 10 * DAY, T0 + 60 * DAY
GTIN = "6901234567892"


class Scene:
    """A creator's link to a product of a source, and a store of ours that sells the same one."""

    link: LinkId
    creator: UUID
    video: UUID
    source: str
    store: AStore
    ban: Rule


@pytest.fixture
async def scene(conn: AsyncConnection) -> Scene:
    made = Scene()
    made.source = f"s{new_id().hex[-12:]}"
    made.ban = a_link_rule(made.source, allowed=False, starts=BAN, ends=BACK)
    await approved(
        conn,
        made.ban,
        a_link_rule(made.source, allowed=True, starts=T0 - DAY, ends=BAN),
        a_link_rule(made.source, allowed=True, starts=BACK),
    )
    made.link, made.video = LinkId(await an_outside_link(conn, made.source)), new_id()
    made.store = await a_store(conn, prices=(8_800, 9_900))
    made.creator = await conn.scalar(
        text("SELECT creator_id FROM product_links WHERE id = :link"), {"link": made.link}
    )
    row = {"video": made.video, "creator": made.creator, "link": made.link, "at": T0}
    await conn.execute(
        text("""
            INSERT INTO videos (id, creator_id, state, media, created_at, published_at)
            VALUES (:video, :creator, 'published', 'videos/x', :at, :at)
        """),
        row,
    )
    await conn.execute(
        text("""
            UPDATE product_links SET video_id = :video, position = 2, terms = '{"commission_bp": 5}'
            WHERE id = :link
        """),
        row,
    )
    await conn.execute(
        text("UPDATE outside_products SET gtin = :gtin WHERE source = :source"),
        {"gtin": GTIN, "source": made.source},
    )
    await sells(conn, made.store, product=1, gtin="0" + GTIN)  # the same number as a GTIN-14
    return made


async def sells(conn: AsyncConnection, store: AStore, *, product: int, gtin: str | None) -> None:
    await conn.execute(
        text("UPDATE skus SET gtin = :gtin WHERE store_id = :store AND product_id = :product"),
        {"gtin": gtin, "store": store.store_id, "product": store.products[product]},
    )


async def judged(conn: AsyncConnection, scene: Scene, at: Any) -> tuple[int, int, int]:
    await rules_book(conn, fresh=True)
    page = await standing_links(conn, after=None, most=10_000)
    return await judge(conn, [one for one in page.links if one.creator_id == scene.creator], at=at)


async def stand_in(conn: AsyncConnection, scene: Scene) -> Any:
    found = await conn.execute(
        text("SELECT * FROM product_links WHERE converts_link = :id AND removed_at IS NULL"),
        {"id": scene.link},
    )
    return found.one_or_none()


async def frozen(conn: AsyncConnection, scene: Scene) -> Any:
    columns = text("SELECT * FROM product_links WHERE id = :id")
    return (await conn.execute(columns, {"id": scene.link})).one()


async def events(conn: AsyncConnection, scene: Scene) -> list[tuple[str, Any]]:
    found = await conn.execute(
        text("SELECT kind, facts FROM events WHERE subject_id = :creator ORDER BY at"),
        {"creator": scene.creator},
    )
    return [(row.kind, row.facts) for row in found if row.kind.startswith("links.links_")]


async def test_a_denied_link_turns_into_our_offer_of_the_same_product_and_back(
    conn: AsyncConnection, scene: Scene
) -> None:
    await choose_instead(
        conn,
        link_id=scene.link,
        creator_id=scene.creator,
        instead=Instead(WhenDenied.CONVERT),
        at=T0,
    )
    before = await frozen(conn, scene)
    assert await judged(conn, scene, BAN) == (1, 0, 1)
    ours = await stand_in(conn, scene)
    assert (ours.store_id, ours.product_id) == (scene.store.store_id, scene.store.products[1])
    assert (ours.video_id, ours.position, ours.source) == (scene.video, 2, "own")
    assert await judged(conn, scene, BAN + DAY) == (0, 0, 0)  # a repeat changes nothing

    assert await judged(conn, scene, BACK) == (0, 1, 0)
    assert await stand_in(conn, scene) is None
    assert await frozen(conn, scene) == before


async def test_what_stands_in_is_shown_and_taken_to(conn: AsyncConnection, scene: Scene) -> None:
    await choose_instead(
        conn,
        link_id=scene.link,
        creator_id=scene.creator,
        instead=Instead(WhenDenied.CONVERT),
        at=T0,
    )
    await judged(conn, scene, BAN)
    ours = await stand_in(conn, scene)
    (shown,) = await candidates(conn, at=BAN, ids=[scene.video])
    assert [card.link_id for card in shown.item.links] == [ours.id]
    assert shown.item.outside == []
    code = (await frozen(conn, scene)).code
    behind = await link_behind(conn, code=code, at=BAN)
    assert behind is not None
    assert (behind.link_id, behind.state, behind.url) == (ours.id, "shown", None)


async def test_owners_hear_of_conversion_and_return(conn: AsyncConnection, scene: Scene) -> None:
    await choose_instead(
        conn,
        link_id=scene.link,
        creator_id=scene.creator,
        instead=Instead(WhenDenied.CONVERT),
        at=T0,
    )
    await judged(conn, scene, BAN)
    await judged(conn, scene, BACK)
    assert await events(conn, scene) == [
        ("links.links_converted", {
            "links": 1, "rule_id": str(scene.ban.id), "reason_zh": "规则", "reason_en": "by rule",
        }),
        ("links.links_shown", {"links": 1}),
    ]  # fmt: skip


async def test_a_source_may_convert_by_default_and_its_creator_may_not(
    conn: AsyncConnection, scene: Scene
) -> None:
    await conn.execute(
        text("UPDATE sources SET when_denied = 'convert' WHERE code = :code"),
        {"code": scene.source},
    )
    assert await judged(conn, scene, BAN) == (1, 0, 1)
    await choose_instead(
        conn, link_id=scene.link, creator_id=scene.creator, instead=Instead(WhenDenied.HIDE), at=BAN
    )
    assert await stand_in(conn, scene) is None
    assert await judged(conn, scene, BAN + DAY) == (0, 0, 0)


async def test_the_offer_chosen_by_hand_goes_before_the_same_gtin(
    conn: AsyncConnection, scene: Scene
) -> None:
    by_hand = (UUID(str(scene.store.store_id)), UUID(str(scene.store.products[0])))
    await judged(conn, scene, BAN)  # hidden already: the choice acts at once
    instead = Instead(WhenDenied.CONVERT, by_hand)
    await choose_instead(
        conn, link_id=scene.link, creator_id=scene.creator, instead=instead, at=BAN
    )
    ours = await stand_in(conn, scene)
    assert (ours.store_id, ours.product_id) == by_hand


async def test_a_link_in_the_live_cart_is_converted_too(
    conn: AsyncConnection, scene: Scene
) -> None:
    await conn.execute(
        text("UPDATE product_links SET video_id = NULL, surface = 'live' WHERE id = :id"),
        {"id": scene.link},
    )
    instead = Instead(WhenDenied.CONVERT)
    await choose_instead(conn, link_id=scene.link, creator_id=scene.creator, instead=instead, at=T0)
    assert await judged(conn, scene, BAN) == (1, 0, 1)
    ours = await stand_in(conn, scene)
    assert (ours.video_id, ours.surface) == (None, "live")


async def test_without_an_offer_that_may_stand_there_the_link_is_only_hidden(
    conn: AsyncConnection, scene: Scene
) -> None:
    await choose_instead(
        conn,
        link_id=scene.link,
        creator_id=scene.creator,
        instead=Instead(WhenDenied.CONVERT),
        at=T0,
    )
    own_barred = a_link_rule("own", allowed=False, starts=BAN, party=str(scene.creator))
    await approved(conn, own_barred)
    assert await judged(conn, scene, BAN) == (1, 0, 0)
    assert await stand_in(conn, scene) is None


async def test_taking_the_offer_off_keeps_the_link_hidden(
    conn: AsyncConnection, scene: Scene
) -> None:
    await choose_instead(
        conn,
        link_id=scene.link,
        creator_id=scene.creator,
        instead=Instead(WhenDenied.CONVERT),
        at=T0,
    )
    await judged(conn, scene, BAN)
    ours = await stand_in(conn, scene)
    await remove_link(conn, link_id=ours.id, creator_id=scene.creator, at=BAN + DAY)
    assert await judged(conn, scene, BAN + 2 * DAY) == (0, 0, 0)
    assert (await frozen(conn, scene)).when_denied == "hide"


async def test_what_is_bought_elsewhere_or_of_another_creator_is_refused(
    conn: AsyncConnection, scene: Scene
) -> None:
    store, product = UUID(str(scene.store.store_id)), UUID(str(scene.store.products[0]))
    await conn.execute(
        text("""
            UPDATE products SET purchase_url = 'https://x.example/1', purchase_source = 'taobao'
            WHERE store_id = :store AND id = :product
        """),
        {"store": store, "product": product},
    )
    instead = Instead(WhenDenied.CONVERT, (store, product))
    with pytest.raises(NotLinkable):
        await choose_instead(
            conn, link_id=scene.link, creator_id=scene.creator, instead=instead, at=T0
        )
    hide = Instead(WhenDenied.HIDE)
    with pytest.raises(LinkGone):
        await choose_instead(conn, link_id=scene.link, creator_id=new_id(), instead=hide, at=T0)
