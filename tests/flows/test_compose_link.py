"""From a pasted text to a published link: what the creator sees is what is frozen."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.content.factories import AT, a_person, a_product, a_video, an_organisation
from tests.factories import the_rules
from tests.links.outside_shop import Shop, a_kept_source, a_shop, recorded, take_links_off

from dougong.base.ids import PersonId, RuleId, VideoId, new_id
from dougong.base.money import Money
from dougong.flows.compose_link import compose_link
from dougong.flows.publish_link import publish_outside_link
from dougong.flows.publish_video import link_product
from dougong.flows.purchase_address import save_purchase_address
from dougong.flows.resolve_link import UnlistedHost
from dougong.infra.db import transaction
from dougong.links.adapters.protocol import NoProductData
from dougong.links.paste_rules import NoAddress
from dougong.links.rules import LinkDenied, LinkedAlready
from dougong.links.source_commands import set_source_state
from dougong.links.source_rules import SourceNotOpen, SourceSettings, SourceState
from dougong.policy.commands import install_rules
from dougong.policy.rules import Rule

LATER = AT + timedelta(days=9)
TERMS = SourceSettings(commission_bp=2_000, alliance_fee_bp=1_000, refund_bp=500)


class World(NamedTuple):
    shop: Shop
    source: str
    creator: UUID
    video: VideoId
    url: str


def a_rule(source: str, *, kind: str = "link", value: int = 1, **changes: object) -> Rule:
    facts: dict[str, object] = {
        "id": RuleId(new_id()),
        "kind": kind,
        "source": source,
        "announced_at": AT - timedelta(days=9),
        "starts": AT - timedelta(days=9),
        "ends": None,
        "value": value,
        "reason_zh": "合作来源",
        "reason_en": "A partner's source",
    }
    return Rule(**facts | changes)  # type: ignore[arg-type]


async def in_force(*rules: Rule) -> None:
    async with transaction() as conn:
        await the_rules(conn)  # other tests of this database make them only where there are none
        people = [PersonId(await a_person(conn)) for _ in range(2)]
        author, approver = people
        await install_rules(conn, rules=rules, at=AT, author_id=author, approver_id=approver)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_shop("127.0.0.3") as shop:
        item = shop.puts("/item/88", recorded("page/json_ld.html"))
        async with transaction() as conn:
            source = await a_kept_source(conn, shop.host, settings=TERMS)
            creator = await an_organisation(conn)
            video = await a_video(conn, creator_id=creator)
        await in_force(
            a_rule(source),
            a_rule(
                source,
                value=0,
                surface="live",
                route="direct",
                starts=LATER,
                reason_zh="直播间不允许外链",
                reason_en="No outside links in live rooms",
            ),
            a_rule(source, kind="platform_service_fee", value=1_000),
        )
        yield World(shop, source, creator, video, shop.puts("/s/1", to=item))
    await take_links_off(creator)


async def test_everything_is_known_before_it_is_published(world: World) -> None:
    pasted = f"【青山】{world.url} 「竹篮」，复制打开"
    found = await compose_link(pasted, creator_id=world.creator, at=AT)
    assert found.resolved and [hop.status for hop in found.resolved.hops] == [302, 200]
    assert found.chosen and found.chosen.price == Money(12_850, "CNY")
    assert found.standing("video", "direct").verdict.allowed
    assert found.standing("video", "direct").change is None
    live = found.standing("live", "direct")
    assert live.verdict.allowed and live.change
    assert (live.change.at, live.change.verdict.allowed) == (LATER, False)
    assert live.change.verdict.reason_zh == "直播间不允许外链"
    assert found.standing("live", "task").change is None
    # 12 850 less 642 expected back; 20 % commission, 10 % of it the alliance's, 10 % the platform's
    landed = found.outside
    assert landed and landed.residual_minor == 0
    assert [landed.of(w) for w in ("refunds", "alliance_fee", "service_fee", "creator")] == [
        642,
        244,
        219,
        1_978,
    ]
    assert landed.merchant_minor == 12_850 - 642 - 2_441


async def test_an_own_offer_of_the_same_gtin_stands_beside_it(world: World) -> None:
    async with transaction() as conn:
        store_id, product_id = await a_product(conn, price_minor=11_900)
        await conn.execute(
            text("UPDATE skus SET gtin = '06901234567892' WHERE store_id = :store"),
            {"store": store_id},
        )
    found = await compose_link(world.url, creator_id=world.creator, at=AT)
    (beside,) = [one for one in found.offers if one.offer.product_id == product_id]
    assert beside.offer.orders == 0
    assert (beside.landed.price, beside.landed.residual_minor) == (Money(11_900, "CNY"), 0)
    assert (found.category, found.is_guessed) == ("content-test", False)
    by_hand = await compose_link(
        world.url, creator_id=world.creator, compare="Bamboo basket", at=AT
    )
    assert by_hand.offers


async def test_what_was_decided_is_frozen_on_the_link(world: World) -> None:
    found = await compose_link(world.url, creator_id=world.creator, at=AT)
    assert found.chosen
    link_id = await publish_outside_link(
        world.url,
        creator_id=world.creator,
        video_id=world.video,
        item_id=found.chosen.item_id,
        category="",
        at=AT,
    )
    async with transaction() as conn:
        row = (
            await conn.execute(
                text("""
                    SELECT l.source, l.route, l.asked_url, l.hops, l.verdict_rule_id, l.terms,
                      o.title, o.price_minor, o.seen_at
                    FROM product_links l JOIN outside_products o ON o.id = l.outside_product_id
                    WHERE l.id = :id
                """),
                {"id": link_id},
            )
        ).one()
    assert (row.source, row.route, row.asked_url) == (world.source, "direct", world.url)
    assert [hop["status"] for hop in row.hops] == [302, 200]
    verdict = found.standing("video", "direct").verdict
    assert verdict.rule and row.verdict_rule_id == verdict.rule.id
    rates = {name: row.terms[name] for name in row.terms if name.endswith("_bp")}
    assert rates == {
        "commission_bp": 2_000,
        "alliance_fee_bp": 1_000,
        "refund_bp": 500,
        "service_fee_bp": 1_000,
        "commission_cut_bp": 0,
    }
    assert row.terms["service_fee_rule_id"]
    assert (row.title, row.price_minor, row.seen_at) == ("手工竹篮 大号", 12_850, AT)


async def _publish(world: World, url: str = "", *, at: object = AT) -> UUID:
    return await publish_outside_link(
        url or world.url,
        creator_id=world.creator,
        video_id=world.video,
        item_id=f"{world.shop.host}/item/88",
        category="",
        at=at,  # type: ignore[arg-type]
    )


async def test_a_denied_link_is_refused_with_the_rules_reason(world: World) -> None:
    ban = a_rule(
        world.source, value=0, surface="video", reason_zh="不再允许", reason_en="Not any more"
    )
    await in_force(ban)
    with pytest.raises(LinkDenied) as refused:
        await _publish(world)
    assert refused.value.facts["reason_en"] == "Not any more"
    assert refused.value.facts["rule_id"] == str(ban.id)


async def test_bad_links_are_refused_and_nothing_is_written(world: World) -> None:
    elsewhere = world.shop.puts("/away", to="http://127.0.0.9:9/")
    nothing = world.shop.puts("/about", recorded("page/no_product.html"))
    found = await compose_link(nothing, creator_id=world.creator, at=AT)
    assert (found.chosen, found.outside) == (None, None)
    assert found.resolved and found.resolved.claims
    with pytest.raises(NoProductData):
        await _publish(world, nothing)
    with pytest.raises(Exception, match="link_unresolved"):
        await compose_link(elsewhere, creator_id=world.creator, at=AT)
    async with a_shop("127.0.0.4") as other:
        with pytest.raises(UnlistedHost):
            await compose_link(other.puts("/x", b"hello"), creator_id=world.creator, at=AT)
    with pytest.raises(NoAddress):
        await compose_link("竹篮", creator_id=world.creator, at=AT)
    await _publish(world)
    with pytest.raises(LinkedAlready):
        await _publish(world)


async def test_a_source_that_is_not_open_takes_no_links(world: World) -> None:
    async with transaction() as conn:
        await set_source_state(
            conn,
            source=world.source,
            state=SourceState.PAUSED,
            starts=AT,
            reason_zh="维护",
            reason_en="Maintenance",
            at=AT,
        )
    with pytest.raises(SourceNotOpen):
        await _publish(world)


async def test_a_share_code_and_an_own_page_mean_the_product_behind_them(world: World) -> None:
    link_id = await _publish(world)
    code = new_id().hex[-10:].upper()
    async with transaction() as conn:
        store_id, product_id = await a_product(conn)
        await conn.execute(
            text("""
                INSERT INTO share_channels (code, name_zh, name_en, created_at)
                VALUES ('copytest', '复制', 'Copy', :at) ON CONFLICT DO NOTHING
            """),
            {"at": AT},
        )
        await conn.execute(
            text("""
                INSERT INTO share_codes (code, video_id, link_id, channel, made_at)
                VALUES (:code, :video, :link, 'copytest', :at)
            """),
            {"code": code, "video": world.video, "link": link_id, "at": AT},
        )
    found = await compose_link(f"复制 {code} 打开斗拱", creator_id=world.creator, at=AT)
    assert found.resolved and found.resolved.url == world.shop.at("/item/88")
    own = f"http://127.0.0.1:8000/p/{store_id}/{product_id}?link=1"
    mine = await compose_link(own, creator_id=world.creator, at=AT)
    assert mine.own and mine.own.product_id == product_id
    assert (mine.source, mine.standing("live", "direct").verdict.allowed) == ("own", True)


async def test_an_own_product_bought_elsewhere_is_judged_as_what_it_leads_to(world: World) -> None:
    async with transaction() as conn:
        store_id, product_id = await a_product(conn)
        standing = await link_product(
            conn,
            video_id=world.video,
            creator_id=world.creator,
            store_id=store_id,
            product_id=product_id,
            at=AT,
        )
    await in_force(a_rule(world.source, value=0, surface="video", reason_en="Not any more"))
    place = {"store_id": store_id, "product_id": product_id}
    found = await save_purchase_address(world.url, **place, at=AT)
    assert found and found.url == world.shop.at("/item/88")

    async def state() -> tuple[str, str, bool]:
        async with transaction() as conn:
            row = (
                await conn.execute(
                    text("""
                        SELECT p.purchase_source, l.source, l.hidden_at IS NOT NULL AS is_hidden
                        FROM product_links l JOIN products p ON p.id = l.product_id
                        WHERE l.id = :id
                    """),
                    {"id": standing},
                )
            ).one()
            return row.purchase_source, row.source, row.is_hidden

    assert await state() == (world.source, world.source, True)
    async with transaction() as conn:
        other = await a_video(conn, creator_id=world.creator)
        with pytest.raises(LinkDenied):
            await link_product(conn, video_id=other, creator_id=world.creator, **place, at=AT)
    with pytest.raises(NoAddress):
        await save_purchase_address("竹篮", **place, at=AT)
    assert await save_purchase_address("", **place, at=AT) is None
    assert await state() == ("own", "own", False)
