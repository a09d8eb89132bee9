"""`dougong live open`: a room to publish into, with any WHIP publisher, and to watch."""

import asyncio
import json
from datetime import datetime

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from dougong.base.errors import Refusal
from dougong.flows.plan_room import plan_room
from dougong.flows.publish_live import give_key
from dougong.infra import clock
from dougong.infra.db import dispose, transaction
from dougong.infra.migrate import migrate
from dougong.infra.rtmp_nginx import nginx_config
from dougong.infra.settings import BadSetting, local_url, serving_url, settings
from dougong.reads.live_creators import creator_named


async def opened(conn: AsyncConnection, *, name: str, title: str, at: datetime) -> dict[str, str]:
    """Raises click.ClickException where no creator or several are called so."""
    found = await creator_named(conn, name=name)
    if len(found) != 1:
        what = "no creator is" if not found else "several creators are"
        raise click.ClickException(f"{what} called {name}: give the handle")
    creator = found[0]
    room_id = await plan_room(
        conn,
        creator_id=creator.id,
        title_zh=title or creator.name,
        title_en=title or creator.name,
        announced_for=at,
        at=at,
    )
    made = await give_key(
        conn, room_id=room_id, creator_id=creator.id, made_by=creator.person_id, at=at
    )
    site = serving_url().rstrip("/")
    return {
        "room_id": str(room_id),
        "whip_url": f"{site}/whip/{room_id}",
        "stream_key": made.key,
        "playlist_url": f"{site}/media/live/{room_id}/index.m3u8",
        "room_url": f"{site}/live/{room_id}",
    }


async def run(name: str, title: str) -> dict[str, str]:
    try:
        async with transaction() as conn:
            return await opened(conn, name=name, title=title, at=await clock.refresh(conn))
    finally:
        await dispose()


@click.group()
def command() -> None:
    """Live rooms."""


@command.command("open")
@click.option("--creator", required=True, help="Name or handle of the creator.")
@click.option("--title", default="", help="Title of the room; else the creator's name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def open_room(creator: str, title: str, as_json: bool) -> None:
    """Make a room that begins as soon as pictures come. `dougong serve` takes them."""
    migrate()
    try:
        said = asyncio.run(run(creator, title))
    except Refusal as refusal:
        raise click.ClickException(f"{refusal.code} {refusal.facts}") from refusal
    if as_json:
        click.echo(json.dumps(said))
        return
    for field, value in said.items():
        click.echo(f"{field:13} {value}")


@command.command("nginx-config")
@click.option("--site", default="", help="Where nginx reaches us, by http.  [default: here]")
@click.option(
    "--reader", default="127.0.0.1", show_default=True, help="Our address, as nginx sees it."
)
def print_nginx_config(site: str, reader: str) -> None:
    """Print what nginx with libnginx-mod-rtmp needs to take RTMP streams for us."""
    try:
        found = nginx_config(chosen=settings(), site=site or local_url(), reader=reader)
    except BadSetting as error:
        raise click.ClickException(str(error)) from error
    click.echo(found, nl=False)
