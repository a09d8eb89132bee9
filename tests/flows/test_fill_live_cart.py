"""Products in a live cart: as the book says, or as a task has agreed."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import T0, a_link_rule, a_store, an_org, approved
from tests.links.factories import a_source
from tests.referrals.world import a_task

from dougong.base.ids import LinkId, OrgId, ProductId, StoreId
from dougong.base.money import Money
from dougong.flows.fill_live_cart import put_in_live_cart, put_own_in_live_cart
from dougong.links.adapters.protocol import SeenProduct
from dougong.links.live_cart_commands import reorder_live_cart
from dougong.links.rules import LinkDenied, LinkedAlready, NotLinkable
from dougong.policy.queries import rules_book
from dougong.tasks.rules import TaskDoesNotCover

AT = T0 + timedelta(days=1)
SEEN = SeenProduct(
    item_id="7", url="https://item.example/7", title="面霜", price=Money(9_900, "CNY")
)


async def put(conn: AsyncConnection, creator: OrgId, source: str, **more: object) -> LinkId:
    await rules_book(conn, fresh=True)
    asked: dict[str, object] = {"category": "beauty", "task_id": None} | more
    return await put_in_live_cart(
        conn, creator_id=creator, source=source, seen=SEEN, at=AT, **asked,  # type: ignore[arg-type]
    )  # fmt: skip


async def put_own(conn: AsyncConnection, creator: OrgId, product: tuple[StoreId, object]) -> LinkId:
    await rules_book(conn, fresh=True)
    store_id, product_id = product
    return await put_own_in_live_cart(
        conn, creator_id=creator, store_id=store_id, product_id=ProductId(product_id),  # type: ignore[arg-type]
        task_id=None, at=AT,
    )  # fmt: skip


async def test_own_goods_enter_once_each_and_in_an_order(conn: AsyncConnection) -> None:
    creator = OrgId(await an_org(conn, kind="creator"))
    store = await a_store(conn, prices=(9_900, 5_000))
    one, two = [await put_own(conn, creator, (store.store_id, p)) for p in store.products]
    with pytest.raises(LinkedAlready):
        await put_own(conn, creator, (store.store_id, store.products[0]))
    with pytest.raises(NotLinkable):
        await put_own(conn, creator, (store.store_id, creator))
    await reorder_live_cart(conn, creator_id=creator, link_ids=[two, one])
    rows = await conn.execute(
        text("""
            SELECT id, surface, route, source, video_id FROM product_links
            WHERE creator_id = :c ORDER BY position
        """),
        {"c": creator},
    )
    assert [tuple(row) for row in rows] == [
        (two, "live", "direct", "own", None), (one, "live", "direct", "own", None),
    ]  # fmt: skip


async def test_own_goods_that_the_book_keeps_out(conn: AsyncConnection) -> None:
    creator = OrgId(await an_org(conn, kind="creator"))
    store = await a_store(conn)
    rule = a_link_rule("own", allowed=False, starts=T0, surface="live", party=str(creator))
    await approved(conn, rule)
    with pytest.raises(LinkDenied) as caught:
        await put_own(conn, creator, (store.store_id, store.products[0]))
    assert caught.value.facts["rule_id"] == str(rule.id)


async def test_directly_only_where_the_book_lets_it_in(conn: AsyncConnection) -> None:
    creator = OrgId(await an_org(conn, kind="creator"))
    source = await a_source(conn, hosts=["item.example"])
    with pytest.raises(LinkDenied):
        await put(conn, creator, source)
    await approved(conn, rule := a_link_rule(source, allowed=True, starts=T0))
    link = await put(conn, creator, source)
    with pytest.raises(LinkedAlready):
        await put(conn, creator, source)
    found = await conn.execute(text("SELECT * FROM product_links WHERE id = :id"), {"id": link})
    row = found.one()
    assert (row.surface, row.route, row.video_id) == ("live", "direct", None)
    assert row.verdict_rule_id == rule.id


async def test_by_task_as_it_was_agreed(conn: AsyncConnection) -> None:
    creator = OrgId(await an_org(conn, kind="creator"))
    source = await a_source(conn, hosts=["item.example"])
    await approved(conn, a_link_rule(source, allowed=False, starts=T0))
    task = await a_task(conn, creator_id=creator, source=source, service_fee_bp=500, agreed_at=T0)
    with pytest.raises(TaskDoesNotCover):
        await put(conn, creator, source, task_id=task, category="food")
    link = await put(conn, creator, source, task_id=task)
    terms = await conn.scalar(text("SELECT terms FROM product_links WHERE id = :i"), {"i": link})
    assert terms["service_fee_bp"] == 500
