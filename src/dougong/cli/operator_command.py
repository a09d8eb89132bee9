"""`dougong operator EMAIL`: makes somebody who has signed up an operator of this platform."""

import asyncio

import click

from dougong.accounts.rules import BadEmail, NoSuchPerson
from dougong.flows.manage_people import make_operator
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.infra.migrate import migrate


async def run(email: str) -> None:
    try:
        async with transaction() as conn:
            await make_operator(conn, email=email, at=await clock.refresh(conn))
    finally:
        await dispose()


@click.command()
@click.argument("email")
def command(email: str) -> None:
    """Make somebody who has signed up an operator: the first one, or one more."""
    migrate()
    try:
        asyncio.run(run(email))
    except BadEmail as error:
        raise click.ClickException(f"{email} is no e-mail address") from error
    except NoSuchPerson as error:
        raise click.ClickException(f"nobody has signed up as {email}: do that first") from error
    click.echo(f"{email.strip().lower()} is an operator from the next page on.")
