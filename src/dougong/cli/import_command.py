"""`dougong import feed`, `orders` and `report`: the last two load their files when asked for."""

import asyncio
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from dougong.base.errors import Refusal

if TYPE_CHECKING:
    from dougong.flows.import_feed import FeedReport


LATER = ("orders", "report")


class Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["feed", *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "feed":
            return feed_command
        if cmd_name not in LATER:
            return None
        found = getattr(import_module(f"dougong.cli.import_{cmd_name}"), f"{cmd_name}_command")
        assert isinstance(found, click.Command)  # noqa: S101 (a fault of ours, not of input)
        return found


@click.group(cls=Lazy)
def command() -> None:
    """Load a product feed, a history of orders, or another platform's report."""


@click.command("feed")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--store", "code", required=True, help="The store's code.")
@click.option("--all-or-nothing", is_flag=True, help="One bad row leaves everything as it was.")
@click.option(
    "--assume-quantity",
    type=click.IntRange(0, 10_000_000),
    default=0,
    help='Units of a new SKU that is "in stock" without a quantity.',
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def feed_command(
    file: Path, code: str, all_or_nothing: bool, assume_quantity: int, as_json: bool
) -> None:
    """Load a Google Merchant feed (TSV, CSV or RSS XML). Bad rows are reported, good ones load.

    Pictures may be files beside the feed. The same feed again changes nothing.
    """
    from dougong.infra.migrate import migrate

    migrate()
    try:
        report = asyncio.run(_run(file, code, all_or_nothing, assume_quantity))
    except Refusal as refusal:
        why = {"code": refusal.code, "field": refusal.field, **refusal.facts}
        click.echo(json.dumps(why, ensure_ascii=False), err=True)
        raise SystemExit(1) from refusal
    found = msgspec.to_builtins(report)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else _words(found))
    raise SystemExit(1 if report.refused else 0)


def _words(report: dict[str, object]) -> str:
    names = ("rows", "created", "updated", "unchanged", "bad_rows", "pictures")
    lines = [f"{name.replace('_', ' '):<10} {report[name]}" for name in names]
    bad = report["bad"]
    assert isinstance(bad, list)  # noqa: S101 (our own report)
    lines += [f"line {p['line']}: {p['field']}: {p['reason']} {p['value']}" for p in bad]
    return "\n".join(lines)


async def _run(file: Path, code: str, all_or_nothing: bool, assumed: int) -> "FeedReport":
    import dougong.flows.tasks  # noqa: F401 (registers every job)
    from dougong.base.ids import StoreId
    from dougong.catalog.queries import store_by_code
    from dougong.flows.import_feed import import_feed
    from dougong.infra import clock
    from dougong.infra.db import dispose, transaction

    data = await asyncio.to_thread(file.read_bytes)
    try:
        async with transaction() as conn:
            at = await clock.refresh(conn)
            store = await store_by_code(conn, code=code)
        return await import_feed(
            data,
            store_id=StoreId(store.id),
            at=at,
            all_or_nothing=all_or_nothing,
            assumed_quantity=assumed,
            beside=file.parent,
        )
    finally:
        await dispose()
