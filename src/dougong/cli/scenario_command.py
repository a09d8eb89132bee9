"""`dougong scenario`: plays history over the real mechanisms, and checks what came out."""

import asyncio
import difflib
import os
import sys

import click

from dougong.infra.settings import settings


@click.group()
def command() -> None:
    """Play history on the business clock, in an empty market."""


@command.command("douyin-taobao")
@click.option("--write-golden", is_flag=True, help="Keep what is told as what must come out.")
def douyin_taobao(write_golden: bool) -> None:
    """March 2018 to October 2022: links let in, limited, barred and let in again.

    Exits 1 when the story comes out otherwise than its golden file says.
    """
    os.environ.setdefault("DOUGONG_MODE", "demo")  # nobody plays history by accident elsewhere
    if settings().mode == "production":
        raise click.ClickException("History is played with DOUGONG_MODE=demo (or test).")
    from dougong.cli.scenario.play import GOLDEN, AlreadyLived, play_douyin_taobao
    from dougong.infra.migrate import migrate

    migrate()
    try:
        lines = asyncio.run(play_douyin_taobao(on_day=lambda day: click.echo(day, err=True)))
    except AlreadyLived:
        raise click.ClickException(
            "Something has happened on this platform already. Play it in a fresh one: "
            "DOUGONG_DATA_DIR=… dougong scenario douyin-taobao"
        ) from None
    told = "\n".join(lines).strip() + "\n"
    click.echo(told)
    if write_golden:
        GOLDEN.write_text(told, "utf-8")
        return
    golden = GOLDEN.read_text("utf-8")
    if told != golden:
        diff = difflib.unified_diff(golden.splitlines(), told.splitlines(), "golden", "told",
                                    lineterm="")  # fmt: skip
        click.echo("\n".join(diff), err=True)
        sys.exit(1)
    click.echo("as the golden file says", err=True)
