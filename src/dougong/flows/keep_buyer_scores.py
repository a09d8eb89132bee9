"""Each night the scores of all buyers with cases are counted: a hint for people, read by screens
only."""

from datetime import datetime, timedelta
from uuid import UUID

from dougong.aftersales.abuse_commands import forget_scores, formula_at, keep_scores
from dougong.aftersales.abuse_rules import score
from dougong.infra import clock
from dougong.infra.db import transaction
from dougong.infra.jobs import task
from dougong.reads.buyer_scores import buyer_counts

PAGE = 2_000


@task("aftersales.keep_buyer_scores", every="50 19 * * * 0", retries=3)
async def keep_buyer_scores() -> None:
    async with transaction() as conn:
        now = await clock.refresh(conn)
    await keep_buyer_scores_at(now)


async def keep_buyer_scores_at(now: datetime) -> int:
    """Of the formula's days before now; answers of how many buyers. A page is a transaction."""
    after, kept = UUID(int=0), 0
    async with transaction() as conn:
        dated = await formula_at(conn, at=now)
    since = now - timedelta(days=dated.formula.days)
    while True:
        async with transaction() as conn:
            counts = await buyer_counts(conn, since=since, at=now, after=after, most=PAGE)
            scores = {person: score(dated.formula, found) for person, found in counts.items()}
            await keep_scores(conn, scores=scores, since=since, formula_id=dated.id, at=now)
            if len(counts) < PAGE:
                await forget_scores(conn, before=now)
                return kept + len(counts)
        after, kept = max(counts), kept + len(counts)
