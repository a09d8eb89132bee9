"""`dougong payouts`: make a day's payouts, and see where they stand."""

import asyncio
import json
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from dougong.base.errors import Refusal

DAY = click.DateTime(["%Y-%m-%d"])
STATES = ("booked", "held", "sent", "confirmed", "returned")


@click.group()
def command() -> None:
    """Payouts to merchants, creators, agencies and buyers."""


@command.command()
@click.option("--day", type=DAY, help="Of that day, platform's zone; else today.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
def run(day: datetime | None, as_json: bool) -> None:
    """Make the payouts of a day; what was made before is not made again."""
    _say(lambda: _run(day), as_json, _run_words)


@command.command("list")
@click.option("--day", type=DAY, help="Of that day only.")
@click.option("--state", type=click.Choice(STATES), help="Those that stand there only.")
@click.option("--most", default=50, show_default=True, help="So many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_them(day: datetime | None, state: str | None, most: int, as_json: bool) -> None:
    """List payouts."""
    _say(lambda: _list(day, state or "", most), as_json, _list_words)


def _say(ask: Any, as_json: bool, words: Any) -> None:
    from dougong.infra.migrate import migrate

    migrate()
    try:
        found = asyncio.run(ask())
    except Refusal as refusal:
        why = {"code": refusal.code, "field": refusal.field, **refusal.facts}
        click.echo(json.dumps(why, ensure_ascii=False), err=True)
        sys.exit(1)
    click.echo(msgspec.json.encode(found).decode() if as_json else words(found))


async def _run(day: datetime | None) -> list[Any]:
    import dougong.flows.tasks  # noqa: F401 (what runs put into the queue must be known)
    from dougong.base.time import local_day
    from dougong.flows.payout_runs import make_run, start_day
    from dougong.infra import clock
    from dougong.infra.db import dispose, transaction
    from dougong.infra.settings import settings
    from dougong.reads.payouts import run_of

    try:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            chosen = day.date() if day else local_day(at, ZoneInfo(settings().timezone))
            runs = await start_day(conn, day=chosen, started_by=None, at=at)
        for run_id in runs:
            await make_run(run_id)
        async with transaction() as conn:
            return [await run_of(conn, run_id=run_id) for run_id in runs]
    finally:
        await dispose()


async def _list(day: datetime | None, state: str, most: int) -> list[Any]:
    from dougong.infra.db import dispose, transaction
    from dougong.reads.payouts import PayoutFilter, payout_rows

    chosen = day.date() if day else None
    try:
        async with transaction() as conn:
            asked = PayoutFilter(state=state, since=chosen, until=chosen)
            return list(await payout_rows(conn, asked, most=most))
    finally:
        await dispose()


def _run_words(runs: list[Any]) -> str:
    return "\n".join(
        f"{run.day} {run.purpose:<17} {run.state:<9} {run.payouts:>7} payouts "
        f"{run.total_minor:>14} {run.currency}, {run.unpaid} without an account "
        f"({run.unpaid_minor})"
        for run in runs
    )


def _list_words(rows: list[Any]) -> str:
    return "\n".join(
        f"{row.day} {row.id} {row.state:<9} {row.amount_minor:>12} {row.currency} "
        f"{row.payee or ''} {row.bank_ref or ''} {row.why}".rstrip()
        for row in rows
    )
