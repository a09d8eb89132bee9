"""A shopper's cart and orders with all that their screens show."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.infra import clock
from dougong.reads.shopper_products import Seller, store_names

PAGE = 20


class CartLine(msgspec.Struct, frozen=True):
    """One SKU in the cart, as it would be sold now; amounts in minor units. `offer_id`: the flash
    offer whose price it has."""

    store_id: UUID
    sku_id: UUID
    product_id: UUID
    quantity: int
    link_id: UUID | None
    title_zh: str
    title_en: str
    options: dict[str, str]
    image_file: str | None
    price_minor: int
    list_price_minor: int | None
    free: int
    is_on_sale: bool
    offer_id: UUID | None = None

    @property
    def can_be_bought(self) -> bool:
        return self.is_on_sale and self.free >= self.quantity


class CartStore(msgspec.Struct, frozen=True):
    store: Seller
    lines: list[CartLine]

    @property
    def goods_minor(self) -> int:
        """What can be bought of it, before coupons and shipping."""
        return sum(one.price_minor * one.quantity for one in self.lines if one.can_be_bought)


CART = text("""
    SELECT w.store_id, w.sku_id, s.product_id, w.quantity, w.link_id, p.title_zh, p.title_en,
      s.options, i.file AS image_file, s.price_minor, s.list_price_minor,
      CASE WHEN k.quotas > 0 THEN units_for_link(w.store_id, w.sku_id, k.on_hand - k.reserved,
        w.link_id, 'shop', :at) ELSE COALESCE(k.on_hand - k.reserved, 0) END AS free,
      s.state = 'active' AND p.state = 'active' AND st.state = 'open' AS is_on_sale
    FROM (
      SELECT store_id, sku_id, quantity, link_id, added_at FROM cart_items
      WHERE person_id = :person_id AND CAST(:skus AS uuid[]) IS NULL
      UNION ALL
      SELECT x.store_id, x.sku_id, x.quantity, x.link_id, CAST(NULL AS timestamptz)
      FROM unnest(CAST(:stores AS uuid[]), CAST(:skus AS uuid[]), CAST(:quantities AS int[]),
        CAST(:links AS uuid[])) AS x (store_id, sku_id, quantity, link_id)
    ) w
    JOIN skus s ON s.store_id = w.store_id AND s.id = w.sku_id
    JOIN products p ON p.store_id = s.store_id AND p.id = s.product_id
    JOIN stores st ON st.id = w.store_id
    LEFT JOIN product_images i ON i.store_id = p.store_id AND i.product_id = p.id
      AND i.position = 0
    LEFT JOIN stock k ON k.store_id = w.store_id AND k.sku_id = w.sku_id
    ORDER BY max(w.added_at) OVER (PARTITION BY w.store_id) DESC, w.store_id, w.added_at DESC
""")


async def cart_view(conn: AsyncConnection, *, person_id: UUID) -> list[CartStore]:
    """The cart by store, the store last touched first."""
    nothing = {"stores": None, "skus": None, "quantities": None, "links": None}
    return await _by_store(conn, {"person_id": person_id} | nothing)


async def bought_now(
    conn: AsyncConnection,
    *,
    person_id: UUID,
    store_id: UUID,
    sku_id: UUID,
    quantity: int,
    link_id: UUID | None,
    offer_id: UUID | None = None,
) -> list[CartStore]:
    """One SKU seen as a cart: what "buy now" brings to the checkout. Empty for an unknown SKU.

    `offer_id`: shown with the flash offer's price; whether it can be had is judged in pricing.
    """
    asked = {"stores": [store_id], "skus": [sku_id], "quantities": [quantity], "links": [link_id]}
    made = await _by_store(conn, {"person_id": person_id} | asked)
    if offer_id is None:
        return made
    price_minor = await conn.scalar(OFFER_PRICE, {"s": store_id, "o": offer_id, "k": sku_id})
    return [CartStore(one.store, [_at_offer(li, offer_id, price_minor) for li in one.lines])
            for one in made]  # fmt: skip


OFFER_PRICE = text("""
    SELECT price_minor FROM live_offers WHERE store_id = :s AND id = :o AND sku_id = :k
""")


def _at_offer(line: CartLine, offer_id: UUID, price_minor: int | None) -> CartLine:
    prices = {"price_minor": price_minor, "list_price_minor": line.price_minor}
    return msgspec.structs.replace(line, offer_id=offer_id, **(prices if price_minor else {}))


async def _by_store(conn: AsyncConnection, asked: dict[str, Any]) -> list[CartStore]:
    lines = [
        CartLine(**row._mapping) for row in await conn.execute(CART, asked | {"at": clock.now()})
    ]
    stores = await store_names(conn, store_ids=list({line.store_id for line in lines}))
    made: dict[UUID, CartStore] = {}
    for line in lines:
        made.setdefault(line.store_id, CartStore(stores[line.store_id], [])).lines.append(line)
    return list(made.values())


async def cart_count(conn: AsyncConnection, *, person_id: UUID) -> int:
    return int(
        await conn.scalar(
            text("SELECT COALESCE(sum(quantity), 0) FROM cart_items WHERE person_id = :person_id"),
            {"person_id": person_id},
        )
        or 0
    )


# orders ---------------------------------------------------------------------------------------

GROUPS = {
    "": None,
    "to_pay": ["placed"],
    "to_ship": ["paid", "part_shipped"],
    "on_the_way": ["shipped"],
    "done": ["received", "final"],
    "closed": ["cancelled", "refunded"],
}

ORDERS = text("""
    SELECT o.store_id, o.id, o.number, o.checkout_id, o.state, o.currency, o.total_minor,
      o.placed_at, o.pay_by, o.close_reason, st.name_zh, st.name_en, st.code, st.logo_file,
      l.lines, l.units, l.refunded_minor
    FROM orders o
    JOIN stores st ON st.id = o.store_id
    JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('title_zh', l.title_zh, 'title_en', l.title_en,
          'options', l.options, 'image_file', l.image_file, 'quantity', l.quantity)
          ORDER BY l.line_no) FILTER (WHERE l.kind = 'goods') AS lines,
        COALESCE(sum(l.quantity) FILTER (WHERE l.kind = 'goods'), 0) AS units,
        COALESCE(sum(l.refunded_minor), 0) AS refunded_minor
      FROM order_lines l WHERE l.store_id = o.store_id AND l.order_id = o.id
    ) l ON true
    WHERE o.buyer_id = :buyer_id
      AND (CAST(:states AS text[]) IS NULL OR o.state = ANY(CAST(:states AS text[])))
      AND (CAST(:before AS timestamptz) IS NULL OR o.placed_at < :before)
      AND (CAST(:checkout_id AS uuid) IS NULL OR o.checkout_id = :checkout_id)
      AND (CAST(:words AS text) = ''
        OR strpos(lower(concat_ws(' ', o.number, st.name_zh, st.name_en)), lower(:words)) > 0
        OR EXISTS (SELECT FROM order_lines w WHERE w.store_id = o.store_id AND w.order_id = o.id
          AND strpos(lower(concat_ws(' ', w.title_zh, w.title_en)), lower(:words)) > 0))
    ORDER BY o.placed_at DESC, o.id DESC LIMIT :most
""")


async def order_cards(
    conn: AsyncConnection,
    *,
    buyer_id: UUID,
    group: str = "",
    before: datetime | None = None,
    checkout_id: UUID | None = None,
    words: str = "",
    most: int = PAGE + 1,
) -> Sequence[Any]:
    """Newest first; `group`: a key of GROUPS, an unknown one shows all.

    `words` are looked for, as they are written, in the number, the store's name and the titles.
    """
    asked: dict[str, Any] = {"buyer_id": buyer_id, "states": GROUPS.get(group), "before": before}
    asked |= {"checkout_id": checkout_id, "words": words}
    rows = await conn.execute(ORDERS, asked | {"most": most})
    return rows.all()


class Step(msgspec.Struct, frozen=True):
    """A point on an order's timeline; `at` is None for what is still to come."""

    name: str
    at: datetime | None
    due_at: datetime | None = None
    is_now: bool = False


class OrderDetail(msgspec.Struct, frozen=True):
    """An order as its buyer follows it. Rows are those of the tables, amounts in minor units."""

    order: Any
    store: Seller
    lines: Sequence[Any]
    packages: Sequence[Any]
    news: Sequence[Any]  # tracking events of all its packages, the newest first
    refunds: Sequence[Any]
    payments: Sequence[Any]
    deadlines: dict[str, datetime]
    ships_by: datetime | None  # promised at the payment, while something is left to ship

    @property
    def refunded_minor(self) -> int:
        return sum(line.refunded_minor for line in self.lines)

    def steps(self) -> list[Step]:
        """Placed, paid, shipped, received, completed; or how it was closed."""
        order = self.order
        due = self.deadlines
        steps = [Step("placed", order.placed_at)]
        if order.state == "cancelled":
            return [*steps, Step("cancelled", order.closed_at, is_now=True)]
        reached = [
            ("paid", order.paid_at, order.pay_by if order.paid_at is None else None),
            ("shipped", order.shipped_at if order.state != "part_shipped" else None, None),
            ("received", order.received_at, due.get("receive_by")),
            ("final", order.final_at, due.get("final_at")),
        ]
        if order.state == "refunded":
            done = [Step(name, at) for name, at, _ in reached if at]
            return [*steps, *done, Step("refunded", order.closed_at, is_now=True)]
        steps += [Step(name, at, None if at else due_at) for name, at, due_at in reached]
        last = max(i for i, step in enumerate(steps) if step.at)
        steps[last] = msgspec.structs.replace(steps[last], is_now=True)
        return steps


ORDER = text("""
    SELECT o.*, u.code AS coupon_code, u.funder AS coupon_funder
    FROM orders o LEFT JOIN coupons u ON u.store_id = o.store_id AND u.id = o.coupon_id
    WHERE o.store_id = :store_id AND o.id = :order_id AND o.buyer_id = :buyer_id
""")
LINES = text("""
    SELECT * FROM order_lines WHERE store_id = :store_id AND order_id = :order_id
    ORDER BY kind, line_no
""")
PACKAGES = text("""
    SELECT k.id, k.carrier, k.tracking_no, k.shipped_at, k.state, k.state_at,
      (SELECT jsonb_agg(jsonb_build_object('title_zh', l.title_zh, 'title_en', l.title_en,
          'options', l.options, 'image_file', l.image_file, 'quantity', m.quantity)
          ORDER BY m.line_no)
       FROM package_lines m JOIN order_lines l ON l.store_id = m.store_id
         AND l.order_id = m.order_id AND l.line_no = m.line_no
       WHERE m.store_id = k.store_id AND m.package_id = k.id AND m.order_id = :order_id) AS lines
    FROM packages k WHERE k.store_id = :store_id AND k.shipped_at IS NOT NULL AND k.id IN (
      SELECT package_id FROM package_lines WHERE store_id = :store_id AND order_id = :order_id)
    ORDER BY k.shipped_at
""")
NEWS = text("""
    SELECT package_id, at, status, place, province FROM tracking_events
    WHERE store_id = :store_id AND package_id IN (
      SELECT package_id FROM package_lines WHERE store_id = :store_id AND order_id = :order_id)
    ORDER BY at DESC, key DESC
""")
REFUNDS = text("""
    SELECT id, amount_minor, currency, state, reason, asked_at, done_at FROM refunds
    WHERE store_id = :store_id AND order_id = :order_id ORDER BY asked_at
""")
PAYMENTS = text("""
    SELECT p.id, p.gateway, p.state, p.captured_at, q.amount_minor, q.outcome
    FROM payment_parts q JOIN payments p ON p.id = q.payment_id
    WHERE q.store_id = :store_id AND q.order_id = :order_id ORDER BY p.started_at
""")
DEADLINES = text("""
    SELECT kind, due_at FROM deadlines
    WHERE store_id = :store_id AND subject_id = :order_id AND done_at IS NULL
""")


SHIPS_BY = text("""
    SELECT promised_by FROM ship_promises
    WHERE store_id = :store_id AND order_id = :order_id AND kept_at IS NULL
""")


async def order_detail(
    conn: AsyncConnection, *, buyer_id: UUID, store_id: UUID, order_id: UUID
) -> OrderDetail:
    """Raises NotFound unless it is this buyer's."""
    asked = {"store_id": store_id, "order_id": order_id}
    order = (await conn.execute(ORDER, asked | {"buyer_id": buyer_id})).one_or_none()
    if order is None:
        raise NotFound
    stores = await store_names(conn, store_ids=[store_id])
    return OrderDetail(
        order=order,
        store=stores[store_id],
        lines=(await conn.execute(LINES, asked)).all(),
        packages=(await conn.execute(PACKAGES, asked)).all(),
        news=(await conn.execute(NEWS, asked)).all(),
        refunds=(await conn.execute(REFUNDS, asked)).all(),
        payments=(await conn.execute(PAYMENTS, asked)).all(),
        deadlines={row.kind: row.due_at for row in await conn.execute(DEADLINES, asked)},
        ships_by=await conn.scalar(SHIPS_BY, asked),
    )


async def last_payment_state(
    conn: AsyncConnection, *, buyer_id: UUID, checkout_id: UUID
) -> str | None:
    """How this buyer's newest payment of the checkout stands; None where none was started."""
    found: str | None = await conn.scalar(
        text("""
            SELECT state FROM payments WHERE checkout_id = :checkout_id AND payer_id = :buyer_id
            ORDER BY started_at DESC, id DESC LIMIT 1
        """),
        {"checkout_id": checkout_id, "buyer_id": buyer_id},
    )
    return found


async def order_counts(conn: AsyncConnection, *, buyer_id: UUID) -> dict[str, int]:
    """How many orders of each group of GROUPS wait; for the badges of the account page."""
    rows = await conn.execute(
        text("SELECT state, count(*) AS n FROM orders WHERE buyer_id = :buyer_id GROUP BY state"),
        {"buyer_id": buyer_id},
    )
    by_state = {row.state: int(row.n) for row in rows}
    return {
        group: sum(by_state.get(state, 0) for state in states)
        for group, states in GROUPS.items()
        if states
    }
