"""`dougong import report FILE --mapping NAME --source CODE`"""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from dougong.base.errors import Refusal
from dougong.cli.import_orders import MOST_SHOWN, progress
from dougong.flows.report_arrived import ReportResult, import_report
from dougong.infra import db
from dougong.infra.migrate import migrate
from dougong.referrals.mappings import mapping_names


async def run(file: Path, *, source: str, mapping: str) -> ReportResult:
    import dougong.flows.tasks  # noqa: F401 (registers every job)

    data = await asyncio.to_thread(file.read_bytes)
    try:
        with progress(max(data.count(b"\n"), 1), "rows") as on_progress:
            return await import_report(
                source=source,
                mapping=mapping,
                file_name=file.name,
                data=data,
                on_progress=on_progress,
            )
    finally:
        await db.dispose()


@click.command("report")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mapping", required=True, help="Whose report it is; a wrong name lists them.")
@click.option("--source", required=True, help="The source's code.")
@click.option("--json", "as_json", is_flag=True, help="The whole result, for machines.")
def report_command(file: Path, mapping: str, source: str, as_json: bool) -> None:
    """Take a report of orders at another platform (CSV or XLSX); a repeat changes nothing.

    Exit code 1 when the file cannot be read at all, 2 for an unknown source or mapping. Bad rows
    are listed and kept, the good ones are taken.
    """
    migrate()
    try:
        result = asyncio.run(run(file, source=source, mapping=mapping))
    except Refusal as refusal:
        facts = {"code": refusal.code, "field": refusal.field, **refusal.facts}
        if refusal.code == "unknown_mapping":
            facts["known"] = mapping_names()
        click.echo(msgspec.json.encode(facts).decode(), err=not as_json)
        sys.exit(2)
    click.echo(_json(result) if as_json else _for_people(result))
    sys.exit(1 if result.failure else 0)


def _json(result: ReportResult) -> str:
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode()


def _for_people(result: ReportResult) -> str:
    if result.failure:
        return f"not read: {result.failure} {result.field}".rstrip()
    names = ("rows", "applied", "repeated", "stale", "parked", "refused")
    lines = [f"{name:<9} {getattr(result, name)}" for name in names]
    lines += [
        f"  line {bad.line}: {bad.outcome}: {bad.field}: {bad.reason} {bad.value}".rstrip()
        for bad in result.bad[:MOST_SHOWN]
    ]
    if len(result.bad) > MOST_SHOWN:
        lines.append(f"  and {len(result.bad) - MOST_SHOWN} more (--json lists them)")
    return "\n".join(lines)
