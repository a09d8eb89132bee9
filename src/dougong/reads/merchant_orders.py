"""A store's orders and refunds: the lists, and one order with everything that happened to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import OrderId, StoreId
from dougong.reads.merchant_stock import like

# What the tabs of the list hold; "" is every order.
TABS: dict[str, tuple[str, ...]] = {
    "to_ship": ("paid", "part_shipped"),
    "to_pay": ("placed",),
    "shipped": ("shipped",),
    "done": ("received", "final"),
    "closed": ("cancelled", "refunded"),
    "": (),
}
LATEST = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
LAST = UUID(int=2**128 - 1)

# By state where states are asked for, as each state's newest lie together in an index; all states
# have one index, too.
LIST = text("""
    WITH page AS (
      (SELECT n.id, n.placed_at FROM unnest(CAST(:states AS text[])) AS w (state)
        CROSS JOIN LATERAL (
          SELECT o.id, o.placed_at FROM orders o
          WHERE o.store_id = :store_id AND o.state = w.state
            AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
            AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
            AND (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid))
          ORDER BY o.placed_at DESC, o.id DESC LIMIT :most) n)
      UNION ALL
      (SELECT o.id, o.placed_at FROM orders o
        WHERE o.store_id = :store_id AND CAST(:states AS text[]) = '{}'
          AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
          AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
          AND (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid))
        ORDER BY o.placed_at DESC, o.id DESC LIMIT :most)
      ORDER BY placed_at DESC, id DESC LIMIT :most
    )
    SELECT o.id, o.number, o.state, o.currency, o.total_minor, o.placed_at, o.paid_at, o.pay_by,
      o.address->>'recipient' AS recipient, o.address->>'city' AS city,
      l.lines, l.units, l.refunded_minor, l.title_zh, l.title_en, l.image_file
    FROM page
    JOIN orders o ON o.store_id = :store_id AND o.id = page.id
    CROSS JOIN LATERAL (
      SELECT count(*) AS lines, sum(quantity)::bigint AS units,
        sum(refunded_minor)::bigint AS refunded_minor,
        (array_agg(title_zh ORDER BY line_no))[1] AS title_zh,
        (array_agg(title_en ORDER BY line_no))[1] AS title_en,
        (array_agg(image_file ORDER BY line_no))[1] AS image_file
      FROM order_lines WHERE store_id = o.store_id AND order_id = o.id AND kind = 'goods'
    ) l
    ORDER BY o.placed_at DESC, o.id DESC
""")

# Words are looked for in the newest `look` orders before the cursor; a whole number of an order is
# found wherever it lies. `last_at`, `last_id`: where looking stopped, when there is more behind.
FOUND = text("""
    WITH seen AS MATERIALIZED (
      SELECT o.id, o.placed_at, o.state, o.number, o.address FROM orders o
      WHERE o.store_id = :store_id
        AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
        AND (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid))
      ORDER BY o.placed_at DESC, o.id DESC LIMIT :look
    ), page AS (
      SELECT s.id, s.placed_at FROM seen s
      WHERE (CAST(:states AS text[]) = '{}' OR s.state = ANY(CAST(:states AS text[])))
        AND (s.number ILIKE :pattern OR s.address->>'recipient' ILIKE :pattern
          OR s.address->>'phone' = :words)
      UNION
      SELECT o.id, o.placed_at FROM orders o
      WHERE o.store_id = :store_id AND o.number = :words
        AND (CAST(:states AS text[]) = '{}' OR o.state = ANY(CAST(:states AS text[])))
        AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
        AND (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid))
      ORDER BY placed_at DESC, id DESC LIMIT :most
    )
    SELECT o.id, o.number, o.state, o.currency, o.total_minor, o.placed_at, o.paid_at, o.pay_by,
      o.address->>'recipient' AS recipient, o.address->>'city' AS city,
      l.lines, l.units, l.refunded_minor, l.title_zh, l.title_en, l.image_file
    FROM page
    JOIN orders o ON o.store_id = :store_id AND o.id = page.id
    CROSS JOIN LATERAL (
      SELECT count(*) AS lines, sum(quantity)::bigint AS units,
        sum(refunded_minor)::bigint AS refunded_minor,
        (array_agg(title_zh ORDER BY line_no))[1] AS title_zh,
        (array_agg(title_en ORDER BY line_no))[1] AS title_en,
        (array_agg(image_file ORDER BY line_no))[1] AS image_file
      FROM order_lines WHERE store_id = o.store_id AND order_id = o.id AND kind = 'goods'
    ) l
    ORDER BY o.placed_at DESC, o.id DESC
""")

LOOKED_TO = text("""
    SELECT o.placed_at, o.id FROM orders o
    WHERE o.store_id = :store_id
      AND (CAST(:since AS timestamptz) IS NULL OR o.placed_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR o.placed_at < :until)
      AND (o.placed_at, o.id) < (:before_at, CAST(:before_id AS uuid))
    ORDER BY o.placed_at DESC, o.id DESC OFFSET :look - 1 LIMIT 1
""")

# Orders that one page of a search looks at; "look further" goes on behind them.
LOOK = 10_000


class OrderFilter(NamedTuple):
    """`tab`: one of TABS; `words`: an order number, the recipient or the phone; half-open `since`
    to `until` is when they were placed."""

    tab: str = ""
    words: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def order_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    chosen: OrderFilter,
    before: tuple[datetime, UUID] | None = None,
    most: int,
    look: int | None = None,
) -> Sequence[Any]:
    """The newest first. Words are looked for in the newest `look` (else LOOK) of the orders."""
    asked = _asked(store_id, chosen, before) | {"most": most}
    if not chosen.words:
        return (await conn.execute(LIST, asked)).all()
    return (await conn.execute(FOUND, asked | {"look": look or LOOK})).all()


async def looked_to(
    conn: AsyncConnection,
    found: Sequence[Any],
    *,
    store_id: StoreId,
    chosen: OrderFilter,
    before: tuple[datetime, UUID] | None = None,
) -> tuple[datetime, UUID] | None:
    """The last order that a search has looked at, when it goes on behind it; None for a list
    without words, and where `found` has the order of that number."""
    if not chosen.words or any(row.number == chosen.words for row in found):
        return None
    row = (await conn.execute(LOOKED_TO, _asked(store_id, chosen, before) | {"look": LOOK})).first()
    return (row.placed_at, row.id) if row else None


def _asked(
    store_id: StoreId, chosen: OrderFilter, before: tuple[datetime, UUID] | None
) -> dict[str, Any]:
    before_at, before_id = before or (LATEST, LAST)
    return {
        "store_id": store_id,
        "states": list(TABS.get(chosen.tab, ())),
        "words": chosen.words,
        "pattern": like(chosen.words),
        "since": chosen.since,
        "until": chosen.until,
        "before_at": before_at,
        "before_id": before_id,
    }


async def tab_counts(conn: AsyncConnection, *, store_id: StoreId) -> dict[str, int]:
    """Orders that wait for something, by tab."""
    found = await conn.execute(
        text("""
            SELECT state, count(*) AS n FROM orders
            WHERE store_id = :id AND state IN ('placed', 'paid', 'part_shipped') GROUP BY state
        """),
        {"id": store_id},
    )
    by_state = {row.state: row.n for row in found}
    return {
        tab: sum(by_state.get(state, 0) for state in TABS[tab]) for tab in ("to_ship", "to_pay")
    }


LINES = text("""
    SELECT l.*, l.paid_minor - l.refunded_minor AS left_minor,
      l.quantity - l.shipped_quantity - l.returned_quantity AS left_units, g.name AS creator
    FROM order_lines l LEFT JOIN organisations g ON g.id = l.creator_id
    WHERE l.store_id = :store_id AND l.order_id = :order_id ORDER BY l.line_no
""")
PACKAGES = text("""
    SELECT p.id, p.carrier, p.tracking_no, p.shipped_at, p.state, p.state_at,
      (SELECT jsonb_agg(jsonb_build_object('line_no', n.line_no, 'quantity', n.quantity)
        ORDER BY n.line_no) FROM package_lines n
        WHERE n.store_id = p.store_id AND n.package_id = p.id AND n.order_id = :order_id) AS lines
    FROM packages p WHERE p.store_id = :store_id AND p.shipped_at IS NOT NULL AND p.id IN (
      SELECT package_id FROM package_lines WHERE store_id = :store_id AND order_id = :order_id)
    ORDER BY p.shipped_at
""")
REFUNDS = text("""
    SELECT r.*, q.name AS asked_by_name FROM refunds r LEFT JOIN people q ON q.id = r.asked_by
    WHERE r.store_id = :store_id AND r.order_id = :order_id ORDER BY r.asked_at
""")


async def order_to_work_on(
    conn: AsyncConnection, *, store_id: StoreId, order_id: OrderId
) -> dict[str, Any]:
    """`order`, `lines`, `packages`, `refunds`, `deadlines` (kind to instant). Raises NotFound."""
    asked = {"store_id": store_id, "order_id": order_id}
    order = (
        await conn.execute(
            text("SELECT * FROM orders WHERE store_id = :store_id AND id = :order_id"), asked
        )
    ).one_or_none()
    if order is None:
        raise NotFound
    deadlines = await conn.execute(
        text("""
            SELECT kind, due_at FROM deadlines
            WHERE store_id = :store_id AND subject_id = :order_id AND done_at IS NULL
            UNION ALL
            SELECT 'ship_by', promised_by FROM ship_promises
            WHERE store_id = :store_id AND order_id = :order_id AND kept_at IS NULL
        """),
        asked,
    )
    return {
        "order": order,
        "lines": (await conn.execute(LINES, asked)).all(),
        "packages": (await conn.execute(PACKAGES, asked)).all(),
        "refunds": (await conn.execute(REFUNDS, asked)).all(),
        "deadlines": {row.kind: row.due_at for row in deadlines},
    }


# OFFSET 0: each refund's order is looked up by its key, whichever words are asked for.
REFUND_LIST = text("""
    SELECT r.id, r.order_id, r.amount_minor, r.currency, r.state, r.reason, r.asked_at, r.done_at,
      r.failure, o.number, o.total_minor, o.recipient
    FROM refunds r
    CROSS JOIN LATERAL (
      SELECT number, total_minor, address->>'recipient' AS recipient FROM orders
      WHERE store_id = r.store_id AND id = r.order_id OFFSET 0) o
    WHERE r.store_id = :store_id
      AND (CAST(:state AS text) = '' OR r.state = :state)
      AND (CAST(:words AS text) = '' OR o.number ILIKE :pattern OR r.reason ILIKE :pattern)
      AND (r.asked_at, r.id) < (:before_at, CAST(:before_id AS uuid))
    ORDER BY r.asked_at DESC, r.id DESC LIMIT :most
""")


async def refund_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    state: str = "",
    words: str = "",
    before: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest first."""
    before_at, before_id = before or (LATEST, LAST)
    found = await conn.execute(
        REFUND_LIST,
        {
            "store_id": store_id,
            "state": state,
            "words": words,
            "pattern": like(words),
            "before_at": before_at,
            "before_id": before_id,
            "most": most,
        },
    )
    return found.all()
