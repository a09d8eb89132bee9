"""`dougong import orders FILE --format tmall --store CODE`"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from dougong.base.errors import Refusal
from dougong.flows.import_orders import MOST_BYTES, Report, import_orders
from dougong.infra import db
from dougong.infra.migrate import migrate
from dougong.orders.history_rules import FORMATS

MOST_SHOWN = 20


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


async def run(data: bytes, *, store: str, may_open_store: bool, all_or_nothing: bool) -> Report:
    try:
        with progress(len(data), "orders") as on_progress:
            return await import_orders(
                data=data,
                store_code=store,
                may_open_store=may_open_store,
                all_or_nothing=all_or_nothing,
                on_progress=on_progress,
            )
    finally:
        await db.dispose()


@click.command("orders")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="Whose list.")
@click.option("--store", required=True, help="The store's code.")
@click.option(
    "--create-store/--no-create-store",
    default=True,
    help="Open a store for an unknown code (the report says so).",
)
@click.option("--all-or-nothing", is_flag=True, help="One bad row keeps the whole file out.")
@click.option("--json", "as_json", is_flag=True, help="The whole report, for machines.")
def orders_command(
    file: Path, form: str, store: str, create_store: bool, all_or_nothing: bool, as_json: bool
) -> None:
    """Load a history of orders from FILE into a store; a repeat changes nothing."""
    if file.stat().st_size > MOST_BYTES:
        raise click.ClickException(f"{file.name} is too big")
    migrate()
    try:
        report = asyncio.run(
            run(
                file.read_bytes(),
                store=store,
                may_open_store=create_store,
                all_or_nothing=all_or_nothing,
            )
        )
    except Refusal as refusal:
        if as_json:
            click.echo(_json({"code": refusal.code, "field": refusal.field, **refusal.facts}))
        else:
            facts = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
            click.echo(f"refused: {refusal.code} ({facts})", err=True)
        sys.exit(2)
    click.echo(_json(report) if as_json else _for_people(report))
    if not report.loaded:
        sys.exit(1)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _for_people(report: Report) -> str:
    """The figures, then the first bad rows."""
    names = ("orders", "created", "unchanged", "bad_rows", "paid", "unpaid", "refunded")
    figures = [*names, "partly_refunded", "lines_per_second"]
    lines = [f"{name.replace('_', ' '):<17} {getattr(report, name)}" for name in figures]
    if report.store_created:
        lines.append(f"opened the store {report.store}")
    if not report.loaded:
        lines.append("nothing was loaded, as asked: there are bad rows")
    lines += [f"  line {bad.line}: {bad.field}: {bad.reason}" for bad in report.bad[:MOST_SHOWN]]
    if report.bad_rows > MOST_SHOWN:
        lines.append(f"  and {report.bad_rows - MOST_SHOWN} more (--json lists them)")
    return "\n".join(lines)
