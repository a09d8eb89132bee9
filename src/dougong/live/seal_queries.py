"""Reads what has ended in rooms, as it is sealed, and the seals; checks one by the other."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.live.evidence_rules import BrokenSeal, Fact, RoomHead, Seal, broken_seals
from dougong.live.tables import live_seals

# Instants as microseconds since 1970; nothing as an empty field. What may still change is left out:
# how much of an offer was sold is in the books.
FACTS = text("""
    WITH facts AS (
      SELECT e.room_id, e.ended_at, 'explanation' AS kind, e.id::text AS id,
        ARRAY[e.link_id::text, e.source, e.store_id::text, e.product_id::text,
          e.outside_product_id::text, e.route, e.task_id::text, e.verdict_rule_id::text,
          e.price_minor::text, e.currency, e.stock::text, e.viewers::text,
          (extract(epoch FROM e.started_at) * 1000000)::bigint::text, e.end_reason] AS said
      FROM live_explanations e WHERE e.room_id = :room_id
      UNION ALL
      SELECT s.room_id, s.ended_at, 'shelf', s.id::text,
        ARRAY[s.link_id::text, s.allowed::text, s.verdict_rule_id::text, s.price_minor::text,
          s.currency, s.stock::text, (extract(epoch FROM s.started_at) * 1000000)::bigint::text]
      FROM live_shelf_facts s WHERE s.room_id = :room_id
      UNION ALL
      SELECT m.room_id, m.minute + interval '2 minutes', 'minute',
        (extract(epoch FROM m.minute))::bigint::text,
        ARRAY[m.viewers::text, m.joined::text, m.messages::text, m.likes::text]
      FROM live_minutes m WHERE m.room_id = :room_id
      UNION ALL
      SELECT o.room_id, LEAST(o.ends_at, o.stopped_at), 'offer', o.id::text,
        ARRAY[o.store_id::text, o.link_id::text, o.product_id::text, o.sku_id::text,
          o.price_minor::text, o.currency, o.quota::text, o.per_buyer::text,
          (extract(epoch FROM o.starts_at) * 1000000)::bigint::text,
          (extract(epoch FROM o.ends_at) * 1000000)::bigint::text]
      FROM live_offers o WHERE o.room_id = :room_id
      UNION ALL
      SELECT d.room_id, d.drawn_at, 'draw', d.id::text,
        ARRAY[d.prize_zh, d.prize_en, d.winners::text, encode(d.seed_hash, 'hex'),
          encode(d.seed, 'hex'), encode(d.entropy, 'hex'),
          (extract(epoch FROM d.opens_at) * 1000000)::bigint::text,
          (extract(epoch FROM d.closes_at) * 1000000)::bigint::text, d.entrants::text,
          (SELECT string_agg(n.person_id::text, ',' ORDER BY n.person_id)
           FROM live_draw_entries n WHERE n.draw_id = d.id AND n.won)]
      FROM live_draws d WHERE d.room_id = :room_id
    )
    SELECT room_id, ended_at, kind, id, array_to_string(said, chr(30), '') || chr(30)
      || (extract(epoch FROM ended_at) * 1000000)::bigint AS said
    FROM facts
    WHERE ended_at IS NOT NULL AND (CAST(:since AS timestamptz) IS NULL OR ended_at > :since)
      AND (CAST(:upto AS timestamptz) IS NULL OR ended_at <= :upto)
    ORDER BY ended_at, kind, id
""")


async def facts_of(
    conn: AsyncConnection,
    *,
    room_id: UUID,
    since: datetime | None = None,
    upto: datetime | None = None,
) -> Sequence[Fact]:
    """What has ended in a room after `since` and up to `upto`; None: without such a bound."""
    rows = await conn.execute(FACTS, {"room_id": room_id, "since": since, "upto": upto})
    return [Fact(*row) for row in rows]


async def seals_of(conn: AsyncConnection, *, room_id: UUID) -> Sequence[Seal]:
    names = ("room_id", "number", "upto", "facts", "contents", "hash")
    asked = select(*(live_seals.c[name] for name in names)).where(live_seals.c.room_id == room_id)
    return [Seal(*row) for row in await conn.execute(asked.order_by(live_seals.c.number))]


async def last_seal(conn: AsyncConnection, *, room_id: UUID) -> Seal | None:
    names = ("room_id", "number", "upto", "facts", "contents", "hash")
    asked = select(*(live_seals.c[name] for name in names)).where(live_seals.c.room_id == room_id)
    row = (await conn.execute(asked.order_by(live_seals.c.number.desc()).limit(1))).one_or_none()
    return Seal(*row) if row else None


SEALED = text("""
    SELECT id, forgotten_at IS NOT NULL AS is_forgotten FROM live_rooms r
    WHERE EXISTS (SELECT FROM live_seals s WHERE s.room_id = r.id) ORDER BY id
""")
UNLIKE_PUBLISHED = text("""
    SELECT p.room_id, p.number FROM unnest(CAST(:rooms AS uuid[]), CAST(:numbers AS int[]),
      CAST(:hashes AS bytea[])) AS p (room_id, number, hash)
    LEFT JOIN live_seals s ON s.room_id = p.room_id AND s.number = p.number
    WHERE s.hash IS DISTINCT FROM p.hash ORDER BY 1, 2
""")


async def verify_evidence(
    conn: AsyncConnection, *, published: Sequence[RoomHead]
) -> list[BrokenSeal]:
    """Every seal of every room that does not hold, the rooms one after the other, and every one
    that was published otherwise."""
    broken: list[BrokenSeal] = []
    for room in (await conn.execute(SEALED)).all():
        seals = await seals_of(conn, room_id=room.id)
        facts = await facts_of(conn, room_id=room.id)
        broken += broken_seals(seals, facts, is_forgotten=room.is_forgotten)
    asked = {
        "rooms": [one.room_id for one in published],
        "numbers": [one.number for one in published],
        "hashes": [one.hash for one in published],
    }
    found = await conn.execute(UNLIKE_PUBLISHED, asked)
    return broken + [BrokenSeal(row.room_id, row.number, "published") for row in found]
