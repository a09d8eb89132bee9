"""Each night the score of the day before is counted for every open store, and kept."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from dougong.base.ids import StoreId
from dougong.base.time import start_of_day
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.infra.settings import settings
from dougong.reads.standing import counts, open_stores
from dougong.standing.commands import keep_score
from dougong.standing.queries import formula_at
from dougong.standing.rules import NoStandingRule, score


@task("standing.keep_scores", every="10 * * * * 0", retries=3)
async def keep_scores() -> None:
    """Those of yesterday that are not there yet: asked each hour, so that a night's stop does not
    lose a day."""
    async with transaction() as conn:
        now = await clock.refresh(conn)
    await keep_scores_before(now)


async def keep_scores_before(now: datetime) -> int:
    """For the last local day that is over; answers of how many stores. One transaction a piece."""
    zone = ZoneInfo(settings().timezone)
    today = now.astimezone(zone).date()
    day, midnight = today - timedelta(days=1), start_of_day(today, zone)
    after, kept = UUID(int=0), 0
    while True:
        async with transaction() as conn:
            try:
                rule, formula = await formula_at(conn, at=midnight)
            except NoStandingRule:
                return kept
            stores = await open_stores(conn, after=after, without_score_of=day)
            for store_id in map(StoreId, stores):
                found = await counts(conn, store_id=store_id, formula=formula, at=midnight)
                await keep_score(
                    conn, store_id=store_id, day=day, rule_id=rule.id,
                    score=score(formula, found), at=now,
                )  # fmt: skip
        if not stores:
            return kept
        after, kept = stores[-1], kept + len(stores)
