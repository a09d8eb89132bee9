"""A year of a platform: a million orders with their books, written with a few statements.

The rows are those that buying, shipping, refunding and finishing would have left, so the doctor
finds nothing wrong with them; payments, events and deadlines that are done are left out.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import text
from tests.factories import AStore, a_link, a_person, a_store, an_org, the_rules

from bench import goods
from bench.parcels import fill_parcels
from dougong.base.ids import LinkId, OrgId, PersonId, ProductId, StoreId
from dougong.flows.fill_live_cart import put_own_in_live_cart
from dougong.flows.live_on_air import media_arrived
from dougong.flows.plan_room import plan_room
from dougong.flows.seal_books import seal_and_count
from dougong.infra.clock import wall_now
from dougong.infra.db import dispose, make_engine, transaction
from dougong.infra.db_server import embedded
from dougong.infra.migrate import migrate
from dougong.ledger import seal_commands
from dougong.ledger.history_commands import open_accounts
from dougong.ledger.rules import AccountName, Purpose, account_id, platform

STORES, CREATORS, BUYERS = 20, 40, 20_000
PRICES = (990, 1_990, 2_900, 4_900, 6_900, 9_900, 12_900, 19_900)
FILLED = ("orders", "order_lines", "refunds", "refund_lines", "deadlines", "ledger_entries",
          "ledger_transfers", "ledger_unsealed")  # fmt: skip
SHARES = (
    Purpose.PLATFORM_SERVICE_FEE, Purpose.PLATFORM_COMMISSION_CUT, Purpose.PLATFORM_PAYMENT_COST,
)  # fmt: skip


class Platform(msgspec.Struct):
    """Whom the consoles are asked for: everybody's session, the largest store and creator."""

    token: str
    store_id: UUID
    merchant_id: UUID
    creator_id: UUID
    room_id: UUID
    orders: int


# One row an order. The first store has three orders of ten; the first link of each store's eight
# has as many as the next three; four orders of ten came by a link.
ORDERS = """
CREATE UNLOGGED TABLE made AS
WITH drawn AS (
  SELECT n, %(now)s::timestamptz - interval '365 days' * (1 - n::float8 / %(orders)s) AS placed_at,
    hashint8extended(n, 1) & 1048575 AS a, hashint8extended(n, 2) & 1048575 AS b,
    hashint8extended(n, 3) & 1048575 AS c
  FROM generate_series(1, %(orders)s) n
), facts AS (
  SELECT d.*, CASE WHEN a %% 10 < 3 THEN 1 ELSE 2 + (a / 10) %% %(others)s END AS store_no,
    b %% 100 AS luck, 1 + c %% 3 AS quantity, 1 + (c / 3) %% 8 AS product_no,
    %(now)s::timestamptz - placed_at AS age, 1 + b %% %(buyers)s AS buyer_no
  FROM drawn d
), lived AS (
  SELECT f.*, CASE WHEN luck < 14 THEN CASE WHEN age < interval '15 min' THEN 'placed'
        ELSE 'cancelled' END
      WHEN luck < 17 AND age > interval '1 day' THEN 'refunded'
      WHEN age < interval '1 day' THEN 'paid' WHEN age < interval '5 days' THEN 'shipped'
      WHEN age < interval '12 days' THEN 'received' ELSE 'final' END AS state,
    luck BETWEEN 17 AND 19 AND age > interval '1 day' AS is_part_refunded
  FROM facts f
)
SELECT l.n, s.store_id, s.merchant_id, s.product_id, s.sku_id, l.quantity, l.placed_at, l.state,
  ('00000000-0000-4000-8000-' || lpad(to_hex(l.buyer_no), 12, '0'))::uuid AS buyer_id,
  (lpad(to_hex((extract(epoch FROM l.placed_at) * 1000)::bigint), 12, '0') || '7'
    || lpad(to_hex(l.n & 4095), 3, '0') || '8' || lpad(to_hex(l.n), 15, '0'))::uuid AS id,
  s.price * l.quantity AS paid, s.price,
  CASE WHEN l.state = 'refunded' THEN s.price * l.quantity
    WHEN l.is_part_refunded THEN s.price * l.quantity / 2 ELSE 0 END AS refunded,
  CASE WHEN l.c %% 10 < 4 THEN s.creator_id END AS creator_id,
  CASE WHEN l.c %% 10 < 4 THEN s.link_id END AS link_id,
  CASE WHEN l.c %% 10 < 4 THEN 2000 ELSE 0 END AS commission_bp,
  CASE WHEN luck >= 14 THEN l.placed_at + interval '2 min' END AS paid_at
FROM lived l JOIN known s ON s.store_no = l.store_no AND s.product_no = l.product_no
ORDER BY l.n
"""

ROWS = (
    """
    INSERT INTO people (id, email, name, password_hash, locale, created_at)
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n || '@bench.example',
      'Buyer ' || n, '-', 'en', %(now)s::timestamptz - interval '366 days'
    FROM generate_series(1, %(buyers)s) n
    """,
    """
    INSERT INTO orders (store_id, id, number, checkout_id, buyer_id, idempotency_key, request_hash,
      state, currency, goods_minor, discount_minor, shipping_minor, total_minor, address,
      receive_within_s, after_sales_window_s, placed_at, pay_by, paid_at, shipped_at, received_at,
      final_at, closed_at)
    SELECT store_id, id, 'D' || lpad(n::text, 12, '0'), id, buyer_id, 'bench-' || n, '\\x00', state,
      'CNY', paid, 0, 0, paid, jsonb_build_object('recipient', '王小明' || (n %% 10000), 'phone',
        (13800000000 + n)::text, 'province', '上海', 'city', '上海', 'line', '南京东路 1 号'),
      864000, 604800, placed_at, placed_at + interval '15 min', paid_at,
      CASE WHEN state IN ('shipped', 'received', 'final') THEN placed_at + interval '1 day' END,
      CASE WHEN state IN ('received', 'final') THEN placed_at + interval '5 days' END,
      CASE WHEN state = 'final' THEN placed_at + interval '12 days' END,
      CASE WHEN state IN ('cancelled', 'refunded') THEN placed_at + interval '1 day' END FROM made
    """,
    """
    INSERT INTO order_lines (store_id, order_id, line_no, kind, product_id, sku_id, title_zh,
      title_en, category, quantity, unit_price_minor, gross_minor, paid_minor, refunded_minor,
      shipped_quantity, returned_quantity, link_id, creator_id, service_fee_bp, commission_bp,
      commission_cut_bp, payment_cost_bp)
    SELECT store_id, id, 1, 'goods', product_id, sku_id, '面霜', 'Face cream', 'beauty/skincare',
      quantity, price, paid, paid, refunded,
      CASE WHEN state IN ('shipped', 'received', 'final') THEN quantity ELSE 0 END,
      CASE WHEN state = 'refunded' THEN quantity ELSE 0 END, link_id, creator_id, 500,
      commission_bp, 1000, 60 FROM made
    """,
    """
    INSERT INTO refunds (store_id, id, order_id, payment_id, currency, amount_minor, state,
      asked_at, idempotency_key, request_hash, done_at)
    SELECT store_id, id, id, id, 'CNY', refunded, 'done', placed_at + interval '1 day',
      'bench-' || n, '\\x00', placed_at + interval '1 day' FROM made WHERE refunded > 0
    """,
    """
    INSERT INTO refund_lines (store_id, refund_id, line_no, amount_minor, quantity)
    SELECT store_id, id, 1, refunded, 0 FROM made WHERE refunded > 0
    """,
    """
    INSERT INTO deadlines (store_id, kind, subject_id, due_at)
    SELECT store_id, CASE state WHEN 'placed' THEN 'pay_by' WHEN 'shipped' THEN 'receive_by'
        ELSE 'final_at' END, id, placed_at + CASE state WHEN 'placed' THEN interval '15 min'
        WHEN 'shipped' THEN interval '11 days' ELSE interval '12 days' END
    FROM made WHERE state IN ('placed', 'shipped', 'received')
    """,
)

# Captures, refunds before final, finals; an entry's id is its order's with the kind in front of
# the time, so that entries of a kind are in the order of their times.
BOOKS = (
    """
    CREATE UNLOGGED TABLE booked AS
    SELECT m.*, e.kind, e.key, e.counts_at,
      overlay(m.id::text PLACING e.mark FROM 20 FOR 1)::uuid AS entry_id
    FROM made m CROSS JOIN LATERAL (VALUES
      ('capture', 'capture:' || m.id, '8', m.paid_at, true),
      ('refund', 'refund:' || m.id, '9', m.placed_at + interval '1 day', m.refunded > 0),
      ('final', 'final:' || m.id, 'a', m.placed_at + interval '12 days', m.state = 'final')
    ) AS e (kind, key, mark, counts_at, is_there)
    WHERE m.paid_at IS NOT NULL AND e.is_there
    """,
    """
    INSERT INTO ledger_entries (store_id, id, kind, key, order_id, counts_at, written_at)
    SELECT store_id, entry_id, kind, key, id, counts_at, counts_at FROM booked
    """,
    "ANALYZE booked",
    "INSERT INTO ledger_unsealed SELECT store_id, entry_id FROM booked",
    """
    INSERT INTO ledger_transfers (store_id, entry_id, n, src, dst, currency, amount_minor, part,
      line_no)
    SELECT b.store_id, b.entry_id, m.n, s.id, d.id, 'CNY', m.amount, m.part, 1
    FROM (
      SELECT *, paid - refunded AS kept, (paid - refunded) * commission_bp / 10000 AS commission
      FROM booked) b
    CROSS JOIN LATERAL (VALUES
      (1, 'capture', 'gateway_clearing', 'escrow', b.paid, 'paid'),
      (1, 'refund', 'escrow', 'gateway_clearing', b.refunded, 'paid'),
      (1, 'final', 'escrow', 'platform_service_fee', b.kept * 500 / 10000, 'service_fee'),
      (2, 'final', 'escrow', 'platform_commission_cut', b.commission * 1000 / 10000,
        'commission_cut'),
      (3, 'final', 'escrow', 'platform_payment_cost', b.kept * 60 / 10000, 'payment_cost'),
      (4, 'final', 'escrow', 'creator_payable', b.commission - b.commission * 1000 / 10000,
        'creator'),
      (5, 'final', 'escrow', 'merchant_payable', b.kept - b.kept * 500 / 10000 - b.commission
        - b.kept * 60 / 10000, 'merchant')
    ) AS m (n, kind, src, dst, amount, part)
    JOIN places s ON s.store_id = b.store_id AND s.purpose = m.src AND s.owner_id IS NULL
    JOIN places d ON d.store_id = b.store_id AND d.purpose = m.dst
      AND d.owner_id IS NOT DISTINCT FROM CASE m.dst WHEN 'creator_payable' THEN b.creator_id END
    WHERE m.kind = b.kind AND m.amount > 0
    """,
)


def a_year(*, orders: int = 1_000_000) -> Platform:
    """Fill the database of this data directory; its books are sealed afterwards."""
    migrate()
    return asyncio.run(_a_year(orders))


async def _a_year(orders: int) -> Platform:
    now = wall_now()
    async with transaction(slow=True) as conn:
        await the_rules(conn)
        keeper = await a_person(conn)
        await an_org(conn, kind="operator", person_id=keeper)
        stores = [
            await a_store(conn, prices=PRICES, owner_id=keeper, on_hand=10_000)
            for _ in range(STORES)
        ]
        links = [
            [await a_link(conn, store, product=n) for n in range(len(PRICES))] for store in stores
        ]
        creators = [links[n // 8][n % 8][1] for n in range(CREATORS)]
        room_id, carts = await _on_air(conn, creators[0], stores, now)
        token = await _signed_in(conn, keeper, creators, now)
        places = [place for store in stores for place in await _accounts(conn, store, creators)]
    known = [
        (n + 1, p + 1, store.store_id, store.org_id, product, store.skus[p], store.prices[p],
         carts[n] if p == 1 else links[n][p][0], creators[_creator_no(n, p)])
        for n, store in enumerate(stores)
        for p, product in enumerate(store.products)
    ]  # fmt: skip
    _fill(known, places, {"orders": orders, "now": now, "others": STORES - 1, "buyers": BUYERS})
    await _sealed([store.store_id for store in stores])
    await dispose()
    with psycopg.connect(embedded().url("postgres"), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        fill_parcels(owner, store_id=stores[0].store_id, now=now)
        owner.execute("VACUUM (ANALYZE)")
    return Platform(token, stores[0].store_id, stores[0].org_id, creators[0], room_id, orders)


def _creator_no(store: int, product: int) -> int:
    """The first creator sells two products of every store."""
    return 0 if product < 2 else (store * 8 + product) % CREATORS


async def _on_air(
    conn: Any, creator_id: OrgId, stores: list[AStore], now: datetime
) -> tuple[UUID, list[LinkId]]:
    """A room of the largest creator, for two hours now, with the second product of every store in
    its cart, and who came to it."""
    began = now - timedelta(hours=2)
    room_id = await plan_room(
        conn, creator_id=creator_id, title_zh="", title_en="Bench", announced_for=began, at=began
    )
    await media_arrived(conn, room_id=room_id, at=began)
    carts = [
        await put_own_in_live_cart(
            conn, creator_id=creator_id, store_id=store.store_id,
            product_id=ProductId(store.products[1]), task_id=None, at=began,
        )
        for store in stores
    ]  # fmt: skip
    await conn.execute(
        text("""
            INSERT INTO live_visits (room_id, id, visitor, came_from, joined_at)
            SELECT :room_id, gen_random_uuid(), CAST(n AS text), 'feed', :at
            FROM generate_series(1, :visits) n
        """),
        {"room_id": room_id, "at": began, "visits": BUYERS},
    )
    return room_id, carts


async def _signed_in(conn: Any, person_id: PersonId, creators: list[OrgId], now: datetime) -> str:
    """A session of a person who acts for every creator, too."""
    token = uuid4().hex
    await conn.execute(
        text("INSERT INTO sessions VALUES (:hash, :person, :at, :until)"),
        {
            "hash": hashlib.sha256(token.encode()).digest(),
            "person": person_id,
            "at": now,
            "until": now + timedelta(days=1),
        },
    )
    await conn.execute(
        text("""
            INSERT INTO grants SELECT :person, org, 'creator', :at
            FROM unnest(CAST(:orgs AS uuid[])) AS g (org)
        """),
        {"person": person_id, "orgs": creators, "at": now},
    )
    return token


async def _accounts(
    conn: Any, store: AStore, creators: list[OrgId]
) -> list[tuple[UUID, str, UUID | None, UUID]]:
    """(store, purpose, creator, account) of every account that a store's book needs."""
    names = [
        AccountName(store.store_id, Purpose.ESCROW),
        AccountName(store.org_id, Purpose.MERCHANT_PAYABLE),
        platform(Purpose.GATEWAY_CLEARING),
        *map(platform, SHARES),
    ]
    payable = [AccountName(creator, Purpose.CREATOR_PAYABLE) for creator in creators]
    await open_accounts(conn, store_id=store.store_id, currency="CNY", names=[*names, *payable])
    return [
        (
            store.store_id,
            name.purpose.value,
            name.owner_id if name in payable else None,
            account_id(store.store_id, name, "CNY"),
        )
        for name in (*names, *payable)
    ]


async def _sealed(store_ids: list[StoreId]) -> None:
    """What the job does, a whole book at a time, and sure of what it points at."""
    quick = make_engine(embedded().url("postgres"), pool_size=1, statement_timeout_ms=600_000)
    seal_commands.MOST_IN_SEAL = 10_000_000
    async with quick.connect() as conn:
        await conn.execute(text("SET ROLE NONE"))
        await conn.execute(text("SET session_replication_role = replica"))
        await conn.execute(text("SET work_mem = '128MB'"))
        for store_id in store_ids:
            await seal_and_count(conn, store_id=store_id, at=wall_now())
            await conn.commit()
    await quick.dispose()


def _fill(
    known: list[tuple[Any, ...]], places: list[tuple[Any, ...]], values: dict[str, Any]
) -> None:
    url = embedded().url("postgres")
    # Values in the text of a statement: CREATE TABLE … AS takes no parameters.
    binds = psycopg.ClientCursor[Any]
    with psycopg.connect(url, autocommit=True, cursor_factory=binds) as owner:
        owner.execute("SET synchronous_commit = off")
        owner.execute("SET session_replication_role = replica")  # rows that are known to be whole
        owner.execute("SET work_mem = '128MB'")
        owner.execute("SET maintenance_work_mem = '512MB'")
        owner.execute("""
            CREATE TABLE known (store_no int, product_no int, store_id uuid, merchant_id uuid,
              product_id uuid, sku_id uuid, price bigint, link_id uuid, creator_id uuid)
        """)
        owner.execute("""
            CREATE TABLE places (store_id uuid, purpose text, owner_id uuid, id uuid)
        """)
        with owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO known VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", known
            )
            cursor.executemany("INSERT INTO places VALUES (%s, %s, %s, %s)", places)
        owner.execute("ANALYZE known, places")
        with _indexed_afterwards(owner):
            owner.execute(ORDERS, values)
            for statement in (*ROWS, *goods.STATEMENTS, *BOOKS):
                owner.execute(statement, values)
        owner.execute("DROP TABLE made, booked, known, places")


@contextmanager
def _indexed_afterwards(owner: "psycopg.Connection[Any]") -> Iterator[None]:
    """Rows come in without their indexes, which are built once at the end."""
    owner.execute(
        "UPDATE pg_index SET indisready = false WHERE indrelid = ANY(%s::regclass[])",
        [list(FILLED)],
    )
    yield
    for table in FILLED:
        owner.execute(sql.SQL("REINDEX TABLE {}").format(sql.Identifier(table)))
