"""`dougong ingest`: takes the pictures of live rooms until it is told to stop."""

import asyncio
import signal

import click

from dougong.infra.db import dispose
from dougong.infra.logs import configure_logs


async def run() -> None:
    import dougong.flows.tasks  # noqa: F401 (a room that ends queues a job)
    from dougong.flows.run_ingest import Ingest

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stopping.set)
    try:
        await Ingest().run(stopping)
    finally:
        await dispose()


@click.command()
def command() -> None:
    """Take the pictures of live rooms; `dougong serve` does it by itself."""
    configure_logs()
    asyncio.run(run())
