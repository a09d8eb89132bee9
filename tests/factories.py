"""Plain factories with named defaults. They write rows as the app's own role would find them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.ids import OrgId, PersonId, RuleId, SkuId, StoreId, new_id
from dougong.flows.place_orders import PlaceOrder
from dougong.flows.price_orders import Wanted, WantedLine
from dougong.policy.commands import install_default_rules, install_rules
from dougong.policy.queries import forget_book
from dougong.policy.rules import Rule
from dougong.supply.quota_rules import Channel
from dougong.supply.stock_commands import set_on_hand

T0 = datetime(2020, 8, 20, 4, 0, tzinfo=UTC)
CATEGORY = "beauty/skincare"


@dataclass(frozen=True)
class AStore:
    """A store with its SKUs, all in one category."""

    store_id: StoreId
    org_id: OrgId
    skus: list[SkuId]
    products: list[UUID]
    prices: list[int]


@dataclass(frozen=True)
class ABuyer:
    person_id: PersonId
    address_id: UUID


async def the_rules(conn: AsyncConnection) -> None:
    """The default rules, once per database."""
    usual = text("SELECT count(*) FROM fee_rules WHERE kind = 'payment_cost' AND party = '*'")
    if not await conn.scalar(usual):
        author, approver = await a_person(conn), await a_person(conn)
        await install_default_rules(conn, at=T0, author_id=author, approver_id=approver)
    forget_book()


async def a_person(conn: AsyncConnection, *, name: str = "王小明") -> PersonId:
    person_id = PersonId(new_id())
    await conn.execute(
        text("""
            INSERT INTO people (id, email, name, password_hash, locale, created_at)
            VALUES (:id, :email, :name, '-', 'zh', :at)
        """),
        {"id": person_id, "email": f"{person_id.hex}@example.com", "name": name, "at": T0},
    )
    return person_id


async def an_org(conn: AsyncConnection, *, kind: str, person_id: PersonId | None = None) -> OrgId:
    org_id = OrgId(new_id())
    await conn.execute(
        text("""
            INSERT INTO organisations (id, kind, name, handle, created_at)
            VALUES (:id, :kind, :name, :handle, :at)
        """),
        {"id": org_id, "kind": kind, "name": kind, "handle": f"{kind[:3]}{org_id.hex}", "at": T0},
    )
    if person_id:
        await conn.execute(
            text("INSERT INTO grants VALUES (:person, :org, :kind, :at)"),
            {"person": person_id, "org": org_id, "kind": kind, "at": T0},
        )
    return org_id


async def a_buyer(conn: AsyncConnection) -> ABuyer:
    person_id, address_id = await a_person(conn), uuid4()
    await conn.execute(
        text("""
            INSERT INTO addresses (person_id, id, recipient, phone, province, city, line)
            VALUES (:person_id, :id, '王小明', '13800000000', '上海', '上海', '南京东路 1 号')
        """),
        {"person_id": person_id, "id": address_id},
    )
    return ABuyer(person_id, address_id)


async def buyers(conn: AsyncConnection, count: int) -> list[ABuyer]:
    return [await a_buyer(conn) for _ in range(count)]


async def a_store(
    conn: AsyncConnection,
    *,
    prices: Sequence[int] = (9_900,),
    on_hand: int = 100,
    shipping_fee_minor: int = 0,
    free_from_minor: int | None = None,
    commission_bp: int | None = 2_000,
    owner_id: PersonId | None = None,
    currency: str = "CNY",
) -> AStore:
    """An open store with one product per price, each with one SKU."""
    org_id = await an_org(conn, kind="merchant", person_id=owner_id)
    store_id = StoreId(new_id())
    await conn.execute(
        text("""
            INSERT INTO categories (path, name_zh, name_en) VALUES
            ('beauty', '美妆', 'Beauty'), ('beauty/skincare', '护肤', 'Skincare')
            ON CONFLICT DO NOTHING
        """)
    )
    await conn.execute(
        text("""
            INSERT INTO stores (id, org_id, code, name_zh, name_en, currency, shipping_fee_minor,
              free_shipping_from_minor, created_at)
            VALUES (:id, :org, :code, '测试店', 'Test store', :currency, :fee, :free, :at)
        """),
        {
            "id": store_id,
            "org": org_id,
            "code": f"s-{store_id.hex}",
            "currency": currency,
            "fee": shipping_fee_minor,
            "free": free_from_minor,
            "at": T0,
        },
    )
    skus: list[SkuId] = []
    products: list[UUID] = []
    for n, price in enumerate(prices):
        sku_id = await _a_sku(conn, store_id, n, price, on_hand, commission_bp)
        skus.append(SkuId(sku_id[1]))
        products.append(sku_id[0])
    return AStore(store_id, org_id, skus, products, list(prices))


async def _a_sku(
    conn: AsyncConnection,
    store_id: StoreId,
    n: int,
    price_minor: int,
    on_hand: int,
    commission_bp: int | None,
) -> tuple[UUID, UUID]:
    product_id, sku_id = new_id(), new_id()
    row = {"store": store_id, "product": product_id, "sku": sku_id, "at": T0}
    await conn.execute(
        text("""
            INSERT INTO products (store_id, id, code, title_zh, title_en, category, state,
              commission_bp, created_at, updated_at)
            VALUES (:store, :product, :code, '面霜', 'Face cream', :category, 'active',
              :commission, :at, :at)
        """),
        {**row, "code": f"P{n}", "category": CATEGORY, "commission": commission_bp},
    )
    await conn.execute(
        text("""
            INSERT INTO skus (store_id, id, product_id, code, price_minor)
            VALUES (:store, :sku, :product, :code, :price)
        """),
        {**row, "code": f"P{n}-1", "price": price_minor},
    )
    await set_on_hand(conn, store_id=store_id, levels={SkuId(sku_id): on_hand}, at=T0)
    return product_id, sku_id


async def a_link(conn: AsyncConnection, store: AStore, *, product: int = 0) -> tuple[UUID, OrgId]:
    """A published video's link to a product; answers the link and its creator."""
    creator_id = await an_org(conn, kind="creator")
    video_id, link_id = new_id(), new_id()
    await conn.execute(
        text("""
            INSERT INTO videos (id, creator_id, state, media, created_at, published_at)
            VALUES (:id, :creator, 'published', 'videos/x', :at, :at)
        """),
        {"id": video_id, "creator": creator_id, "at": T0},
    )
    await conn.execute(
        text("""
            INSERT INTO product_links (id, video_id, creator_id, store_id, product_id, position,
              published_at)
            VALUES (:id, :video, :creator, :store, :product, 0, :at)
        """),
        {
            "id": link_id,
            "video": video_id,
            "creator": creator_id,
            "store": store.store_id,
            "product": store.products[product],
            "at": T0,
        },
    )
    return link_id, creator_id


async def a_coupon(
    conn: AsyncConnection,
    store: AStore,
    *,
    funder: str,
    funder_org_id: UUID,
    amount_off_minor: int = 1_000,
    quota: int = 100,
    code: str = "SAVE10",
) -> str:
    from dougong.catalog.coupon_commands import issue_coupon

    await issue_coupon(
        conn,
        store_id=store.store_id,
        code=code,
        name_zh="立减",
        name_en="Money off",
        funder=funder,
        funder_org_id=funder_org_id,
        amount_off_minor=amount_off_minor,
        percent_off_bp=None,
        min_spend_minor=0,
        usable_from=T0 - timedelta(days=3_650),
        usable_until=T0 + timedelta(days=36_500),
        quota=quota,
        at=T0,
    )
    return code


@dataclass
class ARequest:
    """Builds a PlaceOrder; the total is given, as a client gives what it was shown."""

    store: AStore
    buyer: ABuyer
    total_minor: int
    quantities: dict[int, int] = field(default_factory=lambda: {0: 1})
    key: str = ""
    coupon_code: str | None = None
    link_id: Any = None
    straight: Channel = Channel.SHOP

    def build(self) -> PlaceOrder:
        lines = tuple(
            WantedLine(self.store.skus[n], quantity, self.link_id)
            for n, quantity in self.quantities.items()
        )
        wanted = Wanted(
            self.buyer.person_id, lines, self.coupon_code, self.buyer.address_id, self.straight
        )
        key = self.key or uuid4().hex
        return PlaceOrder(self.store.store_id, uuid4(), key, wanted, self.total_minor)


def a_link_rule(source: str, *, allowed: bool, starts: datetime, **more: Any) -> Rule:
    """A row that lets links of a source in, or keeps them out."""
    return Rule(
        id=RuleId(new_id()), kind="link", source=source, announced_at=min(T0, starts),
        starts=starts, ends=more.pop("ends", None), value=int(allowed), reason_zh="规则",
        reason_en="by rule", **more,
    )  # fmt: skip


async def approved(conn: AsyncConnection, *rules: Rule) -> None:
    """Put rows into the book, drafted by one person and approved by another."""
    author, approver = await a_person(conn), await a_person(conn)
    await install_rules(conn, rules=rules, at=T0, author_id=author, approver_id=approver)


async def an_outside_link(
    conn: AsyncConnection, source: str, *, route: str = "direct", surface: str = "video"
) -> UUID:
    """A published link of a creator of its own to a product of a source."""
    creator_id, product_id, link_id = await an_org(conn, kind="creator"), new_id(), new_id()
    row = {"id": link_id, "creator": creator_id, "product": product_id, "source": source, "at": T0}
    await conn.execute(
        text("""
            INSERT INTO sources (code, name_zh, name_en, hosts, adapter, created_at)
            VALUES (:source, '来源', 'Source', ARRAY[:source || '.example'], 'page', :at)
            ON CONFLICT DO NOTHING
        """),
        row,
    )
    await conn.execute(
        text("""
            INSERT INTO outside_products (id, source, item_id, url, seen_at, checked_at,
              check_after)
            VALUES (:product, :source, CAST(:product AS text), 'https://x.example/', :at, :at, :at)
        """),
        row,
    )
    task_id = None
    if route == "task":
        task_id = new_id()
        await conn.execute(
            text("""
                INSERT INTO task_agreements (id, brand_id, creator_id, surface, source, category,
                  price_minor, currency, service_fee_bp, service_fee_rule_id, agreed_at, ends_at)
                VALUES (:task, :brand, :creator, 'live', :source, '*', 100000, 'CNY', 500, :task,
                  :at, CAST(:at AS timestamptz) + interval '90 days')
            """),
            row | {"task": task_id, "brand": await an_org(conn, kind="advertiser")},
        )
    await conn.execute(
        text("""
            INSERT INTO product_links (id, creator_id, outside_product_id, source, surface, route,
              task_id, position, published_at)
            VALUES (:id, :creator, :product, :source, :surface, :route, :task, 0, :at)
        """),
        row | {"surface": surface, "route": route, "task": task_id},
    )
    return link_id


async def hidden_links(conn: AsyncConnection) -> dict[UUID, UUID | None]:
    """Links that a sweep has hidden, each with the rule that denies it."""
    rows = await conn.execute(
        text("SELECT id, hidden_rule_id FROM product_links WHERE hidden_at IS NOT NULL")
    )
    return {row.id: row.hidden_rule_id for row in rows}
