"""`dougong migrate`"""

import click

from dougong.infra.migrate import migrate


@click.command()
def command() -> None:
    """Bring the database to the newest revision."""
    click.echo(f"database is at revision {migrate()}")
