"""`dougong worker`: runs the jobs until it is told to stop."""

import asyncio

import click

from dougong.infra.jobs import make_app
from dougong.infra.logs import configure_logs
from dougong.infra.migrate import migrate

CONCURRENCY = 4


async def run() -> None:
    import dougong.flows.tasks  # noqa: F401 (registers every job)

    app = make_app()
    async with app.open_async():
        await app.run_worker_async(
            concurrency=CONCURRENCY,
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=10,
            delete_jobs="successful",
        )


@click.command()
@click.option("--skip-migrate", is_flag=True, hidden=True)
def command(skip_migrate: bool) -> None:
    """Run the jobs only."""
    if not skip_migrate:
        migrate()
    configure_logs()
    asyncio.run(run())
