"""Makes the demo market, step by step; what an earlier run has done stays done."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import click
import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from dougong.cli.demo import story
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.infra.migrate import migrate

if TYPE_CHECKING:
    from dougong.cli.demo.market import Market

ALREADY = "The demo market is already there."
DRAWINGS = len(story.PRODUCTS) + len(story.CREATORS) + len(story.STORES) + 30


def seed_demo() -> None:
    """Bring the database to head and fill it, unless that is done."""
    migrate()
    if asyncio.run(_is_seeded()):
        click.echo(ALREADY, err=True)
        return
    # The story has a file that is refused: that is no news here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        asyncio.run(_seed(progress))


async def _is_seeded() -> bool:
    """Whether the last step was done: the history's events are there, and the mark after them."""
    try:
        async with transaction() as conn:
            return bool(
                await conn.scalar(
                    text("SELECT true FROM events WHERE kind = 'demo.seeded' LIMIT 1")
                )
            )
    finally:
        await dispose()


def _bar(progress: Progress, what: str, total: int) -> Callable[[], None]:
    bar = progress.add_task(what, total=total)
    return lambda: progress.advance(bar)


async def _seed(progress: Progress) -> None:
    import dougong.flows.tasks  # noqa: F401 (registers every job)
    from dougong.cli.demo.history import MINE, ORDERS, write_history
    from dougong.cli.demo.marks import read_market, write_mark
    from dougong.cli.demo.pieces import PIECES, write_pieces

    async with transaction() as conn:
        now = await clock.refresh(conn)
        market = await read_market(conn)
    if market is None:
        market = await _open(progress, now)
    await write_history(
        market, now=now, done=_bar(progress, "Living sixty days", ORDERS + len(MINE))
    )
    done = _bar(progress, "Filling every desk", len(PIECES))
    await write_pieces(market, now=now, done=done)
    async with transaction() as conn:
        await write_mark(conn, market, at=now, is_last=True)
    await dispose()


async def _open(progress: Progress, now: datetime) -> "Market":
    from dougong.cli.demo.art import draw_all
    from dougong.cli.demo.market import write_market
    from dougong.cli.demo.marks import write_mark
    from dougong.cli.demo.rule_cases import write_past_rules, write_story_rules
    from dougong.cli.demo.shop_cases import write_access

    drawn = _bar(progress, "Drawing pictures and clips", DRAWINGS)
    art = await asyncio.to_thread(draw_all, drawn)
    opened = _bar(progress, "Opening the market", 1)
    async with transaction(slow=True) as conn:
        market = await write_market(conn, art=art, now=now)
        await write_access(conn, market, now=now)
        await write_story_rules(conn, market, now=now)
        await write_past_rules(conn, market, now=now)
        await write_mark(conn, market, at=now)
    opened()
    return market
