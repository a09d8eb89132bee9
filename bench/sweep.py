"""A million links when a ban begins, and when it is reversed."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from tests.factories import a_link_rule, approved

from dougong.base.ids import new_id
from dougong.flows.sweep_links import sweep_due
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.infra.migrate import migrate

LINKS, CREATORS, RULES = 1_000_000, 5_000, 200
SOURCES = ("taobao", "tmall", "jd", "pdd")

CREATORS_MADE = text("""
    INSERT INTO organisations (id, kind, name, handle, created_at)
    SELECT gen_random_uuid(), 'creator', 'Creator ' || n, 'bench' || n, :at
    FROM generate_series(1, :creators) AS n
""")

LINKS_MADE = text("""
    WITH creators AS (SELECT id, row_number() OVER () AS n FROM organisations)
    INSERT INTO product_links (id, creator_id, outside_product_id, source, surface, category,
      position, published_at)
    SELECT gen_random_uuid(), c.id, p.id, p.source,
      CASE i % 3 WHEN 0 THEN 'profile' ELSE 'video' END,
      CASE i % 5 WHEN 0 THEN 'beauty/skincare' WHEN 1 THEN 'food' ELSE 'fashion' END, 0, :at
    FROM generate_series(1, :links) AS g (i)
    JOIN creators c ON c.n = 1 + i % :creators
    JOIN outside_products p ON p.item_id = (i % 4)::text
""")

BARE = text("UPDATE product_links SET position = 1 - position WHERE source = 'taobao'")


def sweep_times() -> tuple[float, float, float, dict[str, Any]]:
    """Seconds of the ban, of its reversal, and of one bare UPDATE of as many rows; what moved."""
    migrate()
    return asyncio.run(_measure())


async def _measure() -> tuple[float, float, float, dict[str, Any]]:
    now = clock.wall_now()
    ban, back = now - timedelta(hours=2), now + timedelta(hours=1)
    async with transaction(slow=True) as conn:
        await _fill(conn, at=now - timedelta(days=30))
        await approved(
            conn,
            a_link_rule("*", allowed=True, starts=now - timedelta(days=60)),
            a_link_rule("taobao", allowed=False, starts=ban, ends=back),
            *(_a_rule_of_a_party(n, starts=now - timedelta(days=9)) for n in range(RULES)),
        )
    banned_s = await _timed()
    async with transaction(slow=True) as conn:
        started = time.perf_counter()
        await conn.execute(BARE)
        bare_s = time.perf_counter() - started
        await clock.advance(conn, by=timedelta(hours=2))
    back_s = await _timed()
    async with transaction() as conn:
        rows = await conn.execute(
            text("SELECT looked, hidden, shown, converted FROM link_sweeps ORDER BY at")
        )
        moved = [tuple(row) for row in rows]
        left = await conn.scalar(
            text("SELECT count(*) FROM product_links WHERE hidden_at IS NOT NULL")
        )
    await dispose()
    if moved != [(LINKS, LINKS // 4, 0, 0), (LINKS, 0, LINKS // 4, 0)] or left:
        raise RuntimeError(f"the sweep went wrong: {moved}, {left} still hidden")
    return banned_s, back_s, bare_s, {"links": LINKS, "hidden": LINKS // 4}


def _a_rule_of_a_party(n: int, *, starts: Any) -> Any:
    return a_link_rule("taobao", allowed=False, starts=starts, party=str(new_id()), category="food")


async def _fill(conn: Any, *, at: Any) -> None:
    await conn.execute(CREATORS_MADE, {"creators": CREATORS, "at": at})
    for n, source in enumerate(SOURCES):
        row = {"id": new_id(), "source": source, "item": str(n), "at": at}
        await conn.execute(
            text("""
                INSERT INTO sources (code, name_zh, name_en, hosts, adapter, created_at)
                VALUES (:source, :source, :source, ARRAY[:source || '.example'], 'page', :at)
            """),
            row,
        )
        await conn.execute(
            text("""
                INSERT INTO outside_products (id, source, item_id, url, seen_at, checked_at,
                  check_after)
                VALUES (:id, :source, :item, 'https://x.example/', :at, :at, :at)
            """),
            row,
        )
    await conn.execute(LINKS_MADE, {"links": LINKS, "creators": CREATORS, "at": at})


async def _timed() -> float:
    started = time.perf_counter()
    await sweep_due()
    return time.perf_counter() - started
