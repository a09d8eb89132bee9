"""`dougong seed demo`: a market to look at, made on the spot."""

import click

from dougong.infra.settings import settings

# Beside the embedded database, and gone with it: whoever starts again need not ask the database.
DONE = "demo_seeded"


@click.group()
def command() -> None:
    """Fill an empty platform with the demo market."""


@command.command()
def demo() -> None:
    """About 20 stores, 300 products, 40 creators, 80 videos, 60 days of orders, no empty desk."""
    if settings().mode == "production":
        raise click.ClickException("The demo market needs DOUGONG_MODE=demo (or test).")
    done = settings().data_dir / "postgres" / DONE
    if done.exists() and not settings().database_url:
        click.echo("The demo market is already there.", err=True)
        return
    from dougong.cli.demo.seed import seed_demo

    seed_demo()
    if not settings().database_url:
        done.touch()
