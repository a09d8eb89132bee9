"""`dougong bench`: speed, each figure beside its floor. The measurements are in bench/."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[3]


@click.command()
@click.argument(
    "name",
    type=click.Choice(
        [
            *("flash_sale", "feed", "sheet", "import", "consoles", "sweep", "policy"),
            *("reconcile", "sockets", "live", "all"),
        ]
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(name: str, as_json: bool) -> None:
    """Measure speed beside its floor."""
    sys.path.insert(0, str(ROOT))  # bench/ stands beside the package, not in it
    from bench.measure import FIGURES, save

    names = list(FIGURES) if name == "all" else [name]
    figures = [FIGURES[one]() for one in names]
    save(figures)
    if as_json:
        click.echo(msgspec.json.encode(figures).decode())
        return
    table = Table("figure", "per second", "floor", "ratio", "target", "p99 ms", "p99 at half load")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.per_second:,.0f}",
            f"{figure.floor_per_second:,.0f}",
            f"{figure.ratio:.0%}",
            f"{figure.target:.0%}",
            f"{figure.p99_ms:.1f}",
            "" if figure.p99_half_load_ms is None else f"{figure.p99_half_load_ms:.1f}",
        )
    Console().print(table)
    for figure in figures:
        if "screens_ms" in figure.facts:
            Console().print(_screens(figure.facts))


def _screens(facts: dict[str, Any]) -> Table:
    """Every screen's median beside an empty page, the slowest first."""
    table = Table("screen", "ms", f"an empty page: {facts['floor_ms']} ms")
    screens: dict[str, float] = facts["screens_ms"]
    for name, ms in sorted(screens.items(), key=lambda one: -one[1]):
        table.add_row(name, f"{ms:.1f}", f"{ms / facts['floor_ms']:.1f} ×")
    return table
