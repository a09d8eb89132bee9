"""Writes deliveries: fanned out from events, claimed with a lease, finished once.

An event is delivered at least once: a worker that dies in a call leaves a lease that runs out, and
the same delivery goes out again under the same id.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import NotFound
from dougong.base.ids import StoreId
from dougong.webhooks.rules import (
    LEASE,
    TEST_KIND,
    NotReplayable,
    is_given_up,
    kept_answer,
    next_try,
)

FAN_OUT = text("""
    WITH batch AS (
      SELECT id, store_id, kind FROM events WHERE fanned_out_at IS NULL
      ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED
    ),
    made AS (
      INSERT INTO webhook_deliveries (store_id, id, endpoint_id, event_id, next_at)
      SELECT b.store_id, gen_random_uuid(), e.id, b.id, :at
      FROM batch b JOIN webhook_endpoints e ON e.store_id = b.store_id
      WHERE e.removed_at IS NULL AND e.disabled_at IS NULL
        AND e.kinds && ARRAY[b.kind, '*']
      ON CONFLICT (store_id, endpoint_id, event_id) DO NOTHING
    )
    UPDATE events SET fanned_out_at = :at FROM batch WHERE events.id = batch.id
""")

# In order per subject: nothing goes out while an earlier event of its subject waits there.
CLAIM = text("""
    WITH due AS (
      SELECT d.store_id, d.id, row_number() OVER (
        PARTITION BY d.store_id, d.endpoint_id ORDER BY d.event_id) AS nth
      FROM webhook_deliveries d
      JOIN webhook_endpoints w ON w.store_id = d.store_id AND w.id = d.endpoint_id
      JOIN events e ON e.id = d.event_id
      WHERE d.done_at IS NULL AND d.next_at <= :at
        AND w.disabled_at IS NULL AND w.removed_at IS NULL
        AND NOT EXISTS (
          SELECT FROM webhook_deliveries b JOIN events f ON f.id = b.event_id
          WHERE b.store_id = d.store_id AND b.endpoint_id = d.endpoint_id AND b.done_at IS NULL
            AND b.event_id < d.event_id AND f.subject_id = e.subject_id)
    ),
    taken AS (
      UPDATE webhook_deliveries d
      SET attempts = d.attempts + 1, next_at = :lease_until, last_at = :at
      FROM (SELECT store_id, id FROM due WHERE nth <= :most_each ORDER BY nth LIMIT :most) t
      WHERE d.store_id = t.store_id AND d.id = t.id AND d.done_at IS NULL AND d.next_at <= :at
      RETURNING d.store_id, d.id, d.endpoint_id, d.event_id, d.attempts
    )
    SELECT t.store_id, t.id, t.attempts, w.url, w.secret,
      CASE WHEN w.previous_until > :at THEN w.previous_secret END AS previous_secret,
      e.kind, e.subject_id, e.at, e.facts
    FROM taken t
    JOIN webhook_endpoints w ON w.store_id = t.store_id AND w.id = t.endpoint_id
    JOIN events e ON e.id = t.event_id
""")

FINISH = text("""
    UPDATE webhook_deliveries SET last_status = :status, last_error = :error,
      last_answer = :answer, delivered = :ok,
      done_at = CASE WHEN :over THEN :at ELSE NULL END, next_at = COALESCE(:next_at, next_at)
    WHERE store_id = :store_id AND id = :id AND done_at IS NULL AND attempts = :attempts
    RETURNING endpoint_id
""")

NOTE = text("""
    UPDATE webhook_endpoints
    SET failing_since = CASE WHEN :ok THEN NULL ELSE COALESCE(failing_since, :at) END
    WHERE store_id = :store_id AND id = :id
    RETURNING failing_since
""")

SWITCH_OFF = text("""
    UPDATE webhook_endpoints SET disabled_at = :at, disabled_why = :why
    WHERE store_id = :store_id AND id = :id AND disabled_at IS NULL
    RETURNING id, url
""")

REPLAY = text("""
    UPDATE webhook_deliveries d SET done_at = NULL, delivered = false, attempts = 0, next_at = :at
    FROM webhook_endpoints w
    WHERE d.store_id = :store_id AND d.id = :id AND d.done_at IS NOT NULL
      AND w.store_id = d.store_id AND w.id = d.endpoint_id
      AND w.disabled_at IS NULL AND w.removed_at IS NULL
""")

TEST_SEND = text("""
    WITH there AS (
      SELECT store_id, id FROM webhook_endpoints
      WHERE store_id = :store_id AND id = :id AND removed_at IS NULL
    ),
    told AS (
      INSERT INTO events (kind, store_id, subject_id, at, facts, fanned_out_at)
      SELECT :kind, store_id, id, :at, '{"test": true}', :at FROM there
      RETURNING id
    )
    INSERT INTO webhook_deliveries (store_id, id, endpoint_id, event_id, next_at)
    SELECT there.store_id, gen_random_uuid(), there.id, told.id, :at FROM there, told
    RETURNING id
""")


class SwitchedOff(NamedTuple):
    """An endpoint that was switched off; `why`: failing, or gone."""

    endpoint_id: UUID
    url: str
    why: str


async def fan_out(conn: AsyncConnection, *, at: datetime, most: int) -> int:
    """Make deliveries of up to `most` events that nobody else has; answers how many events."""
    return (await conn.execute(FAN_OUT, {"at": at, "most": most})).rowcount


async def claim(
    conn: AsyncConnection, *, at: datetime, most: int, most_each: int
) -> Sequence[Row[Any]]:
    """Take up to `most` due deliveries, `most_each` an endpoint, for a minute.

    Rows: store_id, id, attempts, url, secret, previous_secret, kind, subject_id, at, facts.
    """
    found = await conn.execute(
        CLAIM,
        {"at": at, "lease_until": at + LEASE, "most": most, "most_each": most_each},
    )
    return found.all()


async def finish(
    conn: AsyncConnection,
    *,
    store_id: StoreId,
    delivery_id: UUID,
    attempts: int,
    status: int | None,
    error: str | None,
    answer: str | None = None,
    at: datetime,
) -> SwitchedOff | None:
    """Write what came of a try: done on 2xx, over on 410 or after the last try, else later again.

    `answer`: what the endpoint said, of which the first 500 characters are kept. A try that another
    one has overtaken (its lease ran out) changes nothing. An endpoint that answers 410, or has
    failed for days, is switched off: then, and only the first time, that is answered.
    """
    ok = status is not None and 200 <= status < 300
    gone = status == 410
    again = None if ok or gone else next_try(attempts, at)
    endpoint_id = await conn.scalar(
        FINISH,
        {
            "store_id": store_id,
            "id": delivery_id,
            "attempts": attempts,
            "status": status,
            "error": error[:200] if error else None,
            "answer": kept_answer(answer),
            "ok": ok,
            "over": again is None,
            "next_at": again,
            "at": at,
        },
    )
    if endpoint_id is None:
        return None
    key = {"store_id": store_id, "id": endpoint_id, "at": at}
    since = await conn.scalar(NOTE, key | {"ok": ok})
    if gone or (since is not None and is_given_up(since, at)):
        why = "gone" if gone else "failing"
        off = (await conn.execute(SWITCH_OFF, key | {"why": why})).one_or_none()
        return SwitchedOff(off.id, off.url, why) if off else None
    return None


async def replay(
    conn: AsyncConnection, *, store_id: StoreId, delivery_id: UUID, at: datetime
) -> None:
    """Send a finished delivery again, under its id. Raises NotFound or NotReplayable (409)."""
    key = {"store_id": store_id, "id": delivery_id}
    if (await conn.execute(REPLAY, key | {"at": at})).rowcount == 1:
        return
    found = await conn.scalar(
        text("SELECT 1 FROM webhook_deliveries WHERE store_id = :store_id AND id = :id"), key
    )
    raise NotReplayable if found else NotFound


async def send_test(
    conn: AsyncConnection, *, store_id: StoreId, endpoint_id: UUID, at: datetime
) -> UUID:
    """Send a test event to one endpoint; answers the delivery. Raises NotFound."""
    made = await conn.scalar(
        TEST_SEND, {"store_id": store_id, "id": endpoint_id, "kind": TEST_KIND, "at": at}
    )
    if made is None:
        raise NotFound
    return UUID(str(made))
