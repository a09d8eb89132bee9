"""Rate limits: fixed windows in the database, so that they hold over all workers."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from dougong.base.errors import TooMany
from dougong.infra.clock import wall_now
from dougong.infra.db import side_engine
from dougong.infra.jobs import task

LONGEST_WINDOW_S = 86_400

SPEND = text("""
    INSERT INTO rate_windows AS w (bucket, window_at, hits) VALUES (:bucket, :window_at, 1)
    ON CONFLICT (bucket, window_at) DO UPDATE SET hits = LEAST(w.hits, 1000000) + 1
    RETURNING hits
""")


async def spend(bucket: str, *, most: int, window_s: int) -> None:
    """Count one act in a bucket such as `sign_in.email:li@example.org`.

    At most `most` in each window of `window_s` seconds (up to a day), by the wall clock. Raises
    TooMany (429) with `retry_after_s`. Counted on its own connection: what happens to the caller's
    transaction does not matter. A refused act counts too, but does not lengthen the wait.
    """
    if not 1 <= window_s <= LONGEST_WINDOW_S:
        raise ValueError(window_s)
    at = wall_now().timestamp()
    start_s = int(at // window_s) * window_s
    row = {"bucket": bucket[:300], "window_at": datetime.fromtimestamp(start_s, tz=UTC)}
    async with side_engine().connect() as conn:
        hits = await conn.scalar(SPEND, row)
    if int(hits or 0) > most:
        raise TooMany(retry_after_s=max(1, int(start_s + window_s - at) + 1))


# Longer than any window in use.
KEPT = timedelta(days=2)


@task("infra.drop_old_windows", every="*/10 * * * * 0")
async def drop_old_windows() -> None:
    """Forget windows that are over for long."""
    async with side_engine().connect() as conn:
        await conn.execute(
            text("DELETE FROM rate_windows WHERE window_at < :before"),
            {"before": wall_now() - KEPT},
        )
