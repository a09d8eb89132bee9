"""`dougong recount`: figures by day made anew from the books."""

import asyncio

import click

from dougong.flows.recount_days import recount_days
from dougong.infra.db import dispose
from dougong.infra.db_server import ensure_server


async def _run() -> int:
    try:
        return await recount_days()
    finally:
        await dispose()


@click.command()
def command() -> None:
    """Count the figures by day anew: after DOUGONG_TIMEZONE has changed."""
    ensure_server()
    click.echo(f"{asyncio.run(_run())} books")
