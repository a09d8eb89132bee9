"""A store's packages: what waits, what moves, what is stuck, and one package with its story."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId

# What the tabs of the board hold.
TABS: dict[str, tuple[str, ...]] = {
    "packed": ("packed",),
    "on_the_way": ("handed_over", "in_transit", "out_for_delivery"),
    "trouble": ("failed", "lost", "returning"),
    "delivered": ("delivered",),
    "returned": ("returned",),
}
NEWEST_FIRST = ("delivered", "returned")
MOST_COUNTED = 1_000
FIRST = UUID(int=0)
LAST = UUID(int=2**128 - 1)
EARLIEST = datetime.fromisoformat("0001-01-02T00:00:00+00:00")
LATEST = datetime.fromisoformat("9999-01-01T00:00:00+00:00")

# OFFSET 0: each package of the page is looked up by its key, whatever is known of the tables.
SHOWN = text("""
    SELECT p.id, p.state, p.state_at, p.heard_at, p.watch_at, p.carrier, p.tracking_no,
      p.shipped_at, p.weight_g, p.packed_at, o.id AS order_id, o.number,
      o.address->>'recipient' AS recipient, o.address->>'province' AS province,
      o.address->>'city' AS city,
      (SELECT count(DISTINCT l.order_id) FROM package_lines l
        WHERE l.store_id = p.store_id AND l.package_id = p.id) AS orders,
      (SELECT e.status FROM tracking_events e WHERE e.store_id = p.store_id AND e.package_id = p.id
        ORDER BY e.at DESC, e.key DESC LIMIT 1) AS last_status
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS page (id, n)
    CROSS JOIN LATERAL (SELECT * FROM packages
      WHERE store_id = :store_id AND id = page.id OFFSET 0) p
    CROSS JOIN LATERAL (SELECT id, number, address FROM orders
      WHERE store_id = :store_id AND id = p.order_id OFFSET 0) o
    ORDER BY page.n
""")
OLDEST = text("""
    SELECT n.id FROM unnest(CAST(:states AS text[])) AS w (state)
    CROSS JOIN LATERAL (
      SELECT id, state_at FROM packages
      WHERE store_id = :store_id AND state = w.state
        AND (state_at, id) > (:from_at, CAST(:from_id AS uuid))
      ORDER BY state_at, id LIMIT :most) n
    ORDER BY n.state_at, n.id LIMIT :most
""")
NEWEST = text("""
    SELECT n.id FROM unnest(CAST(:states AS text[])) AS w (state)
    CROSS JOIN LATERAL (
      SELECT id, state_at FROM packages
      WHERE store_id = :store_id AND state = w.state
        AND (state_at, id) < (:from_at, CAST(:from_id AS uuid))
      ORDER BY state_at DESC, id DESC LIMIT :most) n
    ORDER BY n.state_at DESC, n.id DESC LIMIT :most
""")
STUCK = text("""
    SELECT id FROM packages
    WHERE store_id = :store_id AND watch_at <= :now
      AND (watch_at, id) > (:from_at, CAST(:from_id AS uuid))
    ORDER BY watch_at, id LIMIT :most
""")
FOUND = text("""
    SELECT id FROM packages WHERE store_id = :store_id AND tracking_no = :words
    UNION
    SELECT l.package_id FROM orders o
    JOIN package_lines l ON l.store_id = o.store_id AND l.order_id = o.id
    WHERE o.store_id = :store_id AND o.number = :words
    ORDER BY id LIMIT :most
""")


async def package_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    tab: str,
    after: tuple[datetime, UUID] | None = None,
    most: int,
    now: datetime,
) -> Sequence[Any]:
    """The packages of a tab, or with "stuck" those without news for too long; what has waited
    longest comes first, of what is done the newest."""
    newest = tab in NEWEST_FIRST
    from_at, from_id = after or ((LATEST, LAST) if newest else (EARLIEST, FIRST))
    asked: dict[str, Any] = {"store_id": store_id, "from_at": from_at, "from_id": from_id}
    asked |= {"most": most}
    if tab == "stuck":
        found = await conn.execute(STUCK, asked | {"now": now})
    else:
        statement = NEWEST if newest else OLDEST
        found = await conn.execute(statement, asked | {"states": list(TABS[tab])})
    return await _shown(conn, store_id, list(found.scalars()))


async def _shown(conn: AsyncConnection, store_id: StoreId, ids: list[UUID]) -> Sequence[Any]:
    return (await conn.execute(SHOWN, {"store_id": store_id, "ids": ids})).all()


async def packages_found(
    conn: AsyncConnection, *, store_id: StoreId, words: str, most: int
) -> Sequence[Any]:
    """Packages by their whole tracking number, or by an order's number."""
    asked = {"store_id": store_id, "words": words, "most": most}
    found = await conn.execute(FOUND, asked)
    return await _shown(conn, store_id, list(found.scalars()))


COUNTS = text("""
    SELECT w.state, (SELECT count(*) FROM (SELECT FROM packages
      WHERE store_id = :store_id AND state = w.state LIMIT :most + 1) x) AS n
    FROM unnest(CAST(:states AS text[])) AS w (state)
    UNION ALL
    SELECT 'stuck', (SELECT count(*) FROM (SELECT FROM packages
      WHERE store_id = :store_id AND watch_at <= :now LIMIT :most + 1) x)
    UNION ALL
    SELECT 'due', (SELECT count(*) FROM (SELECT FROM ship_promises
      WHERE store_id = :store_id AND kept_at IS NULL LIMIT :most + 1) x)
    UNION ALL
    SELECT 'late', (SELECT count(*) FROM (SELECT FROM ship_promises
      WHERE store_id = :store_id AND kept_at IS NULL AND promised_by <= :now LIMIT :most + 1) x)
    UNION ALL
    SELECT 'stray', (SELECT count(*) FROM (SELECT FROM stray_events
      WHERE store_id = :store_id AND taken_at IS NULL LIMIT :most + 1) x)
""")
DUE = text("""
    SELECT o.id, o.number, o.state, o.currency, o.total_minor, o.paid_at, p.promised_by, p.late_at,
      o.address->>'recipient' AS recipient, o.address->>'province' AS province,
      o.address->>'city' AS city,
      l.units, l.at_supplier
    FROM (SELECT * FROM ship_promises
      WHERE store_id = :store_id AND kept_at IS NULL
        AND (promised_by, order_id) > (:from_at, CAST(:from_id AS uuid))
      ORDER BY promised_by, order_id LIMIT :most) p
    JOIN orders o ON o.store_id = p.store_id AND o.id = p.order_id
    CROSS JOIN LATERAL (
      SELECT sum(n.quantity - n.shipped_quantity - n.returned_quantity) AS units,
        sum(n.quantity - n.shipped_quantity - n.returned_quantity)
          FILTER (WHERE d.state IN ('waiting', 'sent')) AS at_supplier
      FROM order_lines n LEFT JOIN dropship_lines d ON d.store_id = n.store_id
        AND d.order_id = n.order_id AND d.line_no = n.line_no
      WHERE n.store_id = o.store_id AND n.order_id = o.id AND n.kind = 'goods') l
    ORDER BY p.promised_by, p.order_id
""")


async def due_rows(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    after: tuple[datetime, UUID] | None = None,
    most: int,
) -> Sequence[Any]:
    """Orders that have to be shipped, the nearest promise first."""
    from_at, from_id = after or (EARLIEST, FIRST)
    asked = {"store_id": store_id, "from_at": from_at, "from_id": from_id, "most": most}
    return (await conn.execute(DUE, asked)).all()


async def promise_of(conn: AsyncConnection, *, store_id: StoreId, order_id: UUID) -> Any:
    """An order's promise as it was frozen at its payment, or None."""
    asked = {"s": store_id, "o": order_id}
    statement = text("SELECT * FROM ship_promises WHERE store_id = :s AND order_id = :o")
    return (await conn.execute(statement, asked)).one_or_none()


COUNTED = ("packed", "on_the_way", "trouble")


async def board_counts(
    conn: AsyncConnection, *, store_id: StoreId, now: datetime
) -> dict[str, int]:
    """Tab to how many packages it holds; above MOST_COUNTED it says one more than that."""
    states = [state for tab in COUNTED for state in TABS[tab]]
    asked = {"store_id": store_id, "states": states, "now": now, "most": MOST_COUNTED}
    found = {row.state: int(row.n) for row in await conn.execute(COUNTS, asked)}
    tabs = {tab: sum(found[state] for state in TABS[tab]) for tab in COUNTED}
    return {**tabs, **{name: found[name] for name in ("stuck", "stray", "due", "late")}}


LINES = text("""
    SELECT l.order_id, l.line_no, l.quantity, o.number, d.title_zh, d.title_en, d.options,
      d.image_file, d.quantity AS ordered, d.shipped_quantity, d.returned_quantity,
      COALESCE(k.code, '') AS code
    FROM package_lines l
    JOIN orders o ON o.store_id = l.store_id AND o.id = l.order_id
    JOIN order_lines d ON d.store_id = l.store_id AND d.order_id = l.order_id
      AND d.line_no = l.line_no
    LEFT JOIN skus k ON k.store_id = d.store_id AND k.id = d.sku_id
    WHERE l.store_id = :store_id AND l.package_id = :id ORDER BY o.number, l.line_no
""")
EVENTS = text("""
    SELECT e.*, p.name AS by_name FROM tracking_events e LEFT JOIN people p ON p.id = e.by_id
    WHERE e.store_id = :store_id AND e.package_id = :id ORDER BY e.at DESC, e.key DESC
""")


async def package_story(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID
) -> dict[str, Any]:
    """`package`, `order`, `lines`, `events` (the newest first). Raises NotFound."""
    asked = {"store_id": store_id, "id": package_id}
    package = (
        await conn.execute(
            text("SELECT * FROM packages WHERE store_id = :store_id AND id = :id"), asked
        )
    ).one_or_none()
    if package is None:
        raise NotFound
    order = (
        await conn.execute(
            text("SELECT * FROM orders WHERE store_id = :store_id AND id = :id"),
            {"store_id": store_id, "id": package.order_id},
        )
    ).one()
    return {
        "package": package,
        "order": order,
        "lines": (await conn.execute(LINES, asked)).all(),
        "events": (await conn.execute(EVENTS, asked)).all(),
    }


STRAYS = text("""
    SELECT tracking_no, status, place, at, source, arrived_at FROM stray_events
    WHERE store_id = :store_id AND taken_at IS NULL ORDER BY arrived_at DESC LIMIT :most
""")


async def strays(conn: AsyncConnection, *, store_id: StoreId, most: int) -> Sequence[Any]:
    """What was told of numbers that no package has, the newest first."""
    return (await conn.execute(STRAYS, {"store_id": store_id, "most": most})).all()


WAYBILLS = text("""
    SELECT w.id, w.carrier, w.state, w.number, w.cost_minor, w.reason, w.asked_at, w.answered_at,
      s.currency
    FROM waybills w JOIN stores s ON s.id = w.store_id
    WHERE w.store_id = :store_id AND w.package_id = :id ORDER BY w.asked_at DESC, w.id DESC
""")


async def waybills_of(
    conn: AsyncConnection, *, store_id: StoreId, package_id: UUID
) -> Sequence[Any]:
    """Every waybill that was asked for a package, the newest first."""
    return (await conn.execute(WAYBILLS, {"store_id": store_id, "id": package_id})).all()
