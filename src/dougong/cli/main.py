"""`dougong`: one command per file; each loads only what it needs."""

from importlib import import_module

import click

COMMANDS = {
    "migrate": "Bring the database to the newest revision.",
    "seed": "Fill an empty platform with the demo market.",
    "serve": "Serve the site and run the jobs.",
    "worker": "Run the jobs only.",
    "ingest": "Take the pictures of live rooms only.",
    "carrier-sandbox": "Serve a carrier for demonstrations and tests.",
    "live": "Open a live room for any publisher.",
    "operator": "Make somebody who has signed up an operator.",
    "doctor": "Check every promise that SQL can check.",
    "import": "Load a product feed, a history of orders, or another platform's report.",
    "payouts": "Make the payouts of a day, and see where they stand.",
    "bank-sandbox": "Serve a bank for demonstrations and tests.",
    "reconcile": "Compare our books with a partner's report and the money that came.",
    "recount": "Make the figures by day anew from the books.",
    "explain": "Show where every fen of an order went.",
    "policy": "Ask the rule book what is allowed and what it costs; load and save it.",
    "scenario": "Play history on the business clock, and check what comes out.",
    "ucp": "Discover a shop of the Universal Commerce Protocol, and buy there.",
    "bench": "Measure speed beside its floor.",
}


class Lazy(click.Group):
    """Imports a command's file when it is asked for: `dougong --help` stays instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"dougong.cli.{cmd_name.replace('-', '_')}_command")
        found = module.command
        assert isinstance(found, click.Command)  # noqa: S101 (a fault of ours, not of input)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy)
@click.version_option(package_name="dougong")
def main() -> None:
    """Dougong: open, self-hosted content commerce."""
