"""`dougong doctor`: checks every promise that SQL can check; exit code 1 when one is broken."""

import asyncio
import json
import sys
import time

import click

from dougong.flows.seal_books import published_heads
from dougong.flows.seal_evidence import published_room_heads
from dougong.infra import clock
from dougong.infra.db import dispose, snapshot
from dougong.infra.db_server import ensure_server
from dougong.reads.doctor import Check, examine


async def run() -> list[Check]:
    try:
        # Before the snapshot: what was published must be in it.
        heads, room_heads = published_heads(), published_room_heads()
        async with snapshot(slow=True) as conn:
            business_now = await clock.refresh(conn)
            wall_now = clock.wall_now()
            return await examine(
                conn,
                business_now=business_now,
                wall_now=wall_now,
                published=heads,
                published_of_rooms=room_heads,
            )
    finally:
        await dispose()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, name to number.")
def command(as_json: bool) -> None:
    """Check every promise that SQL can check."""
    ensure_server()
    started = time.monotonic()
    checks = asyncio.run(run())
    seconds = time.monotonic() - started
    if as_json:
        values = {check.name: check.value for check in checks}
        examples = {check.name: check.examples for check in checks if check.value}
        click.echo(json.dumps({**values, "examples": examples, "seconds": round(seconds, 2)}))
    else:
        for check in checks:
            good = check.value == 0
            click.secho(f"{'ok ' if good else 'BAD'} ", fg="green" if good else "red", nl=False)
            click.echo(f"{check.name:<28}{check.value:>12}")
            for example in check.examples:
                click.echo(f"      {example}")
        click.echo(f"{len(checks)} checks in {seconds:.1f} s")
    sys.exit(1 if any(check.value for check in checks) else 0)
