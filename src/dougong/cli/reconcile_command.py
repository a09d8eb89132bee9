"""`dougong reconcile`: what we know, what a partner reports, and the money that came, for days."""

import asyncio
import json
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from dougong.base.errors import Refusal

DAY = click.DateTime(["%Y-%m-%d"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--source", required=True, help="The partner's source, as in `sources`: taobao.")
@click.option("--from", "first", type=DAY, required=True, help="The first day, platform's zone.")
@click.option("--to", "last", type=DAY, required=True, help="The last day, included.")
@click.option("--report", type=FILE, help="The partner's own statement, in place of its reports.")
@click.option("--payments", type=FILE, help="A list of payments to take first.")
@click.option("--mapping", default="payments", help="How its columns are named: a mapping.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
def command(
    source: str,
    first: datetime,
    last: datetime,
    report: Path | None,
    payments: Path | None,
    mapping: str,
    as_json: bool,
) -> None:
    """Reconcile with a partner. Differences are no failure; a file that cannot be read is."""
    from dougong.infra.migrate import migrate

    migrate()
    started = time.monotonic()
    try:
        said = asyncio.run(_run(source, first.date(), last.date(), report, payments, mapping))
    except Refusal as refusal:
        why = {"code": refusal.code, "field": refusal.field, **refusal.facts}
        click.echo(json.dumps(why, ensure_ascii=False), err=True)
        sys.exit(1)
    said["seconds"] = round(time.monotonic() - started, 2)
    click.echo(json.dumps(said, ensure_ascii=False, default=str) if as_json else _words(said))
    sys.exit(0 if said["state"] == "done" else 1)


async def _run(
    source: str,
    first: date,
    last: date,
    report: Path | None,
    payments: Path | None,
    mapping: str,
) -> dict[str, Any]:
    import dougong.flows.tasks  # noqa: F401 (a run is also a job, which must be known)
    from dougong.base.time import start_of_day
    from dougong.flows.import_receipts import import_receipts, start_receipts
    from dougong.flows.reconcile import reconcile, start_run
    from dougong.infra import clock
    from dougong.infra.db import dispose, transaction
    from dougong.infra.settings import settings
    from dougong.reads.operator_reconciliation import payment_file, told_run

    zone = ZoneInfo(settings().timezone)
    said: dict[str, Any] = {}
    try:
        if payments is not None:
            data = await asyncio.to_thread(payments.read_bytes)
            async with transaction() as conn:
                file_id = await start_receipts(
                    conn, source=source, mapping=mapping, file_name=payments.name, data=data,
                    started_by=None, at=await clock.refresh(conn), is_queued=False,
                )  # fmt: skip
            await import_receipts(file_id)
            async with transaction() as conn:
                said["payments"] = msgspec.to_builtins(await payment_file(conn, file_id=file_id))
        statement = None
        if report is not None:
            statement = (report.name, await asyncio.to_thread(report.read_bytes))
        async with transaction() as conn:
            run_id = await start_run(
                conn, source=source, starts=start_of_day(first, zone),
                ends=start_of_day(last + timedelta(days=1), zone), started_by=None,
                at=await clock.refresh(conn), statement=statement,
                is_queued=False,
            )  # fmt: skip
        await reconcile(run_id)
        async with transaction() as conn:
            return {**await told_run(conn, run_id=run_id), **said}
    finally:
        await dispose()


def _words(said: dict[str, Any]) -> str:
    lines = [
        (
            f"{said['source']} {said['state']}: {said['orders']} orders, {said['differences']} "
            f"differences ({said['carried']} carried over) in {said['seconds']} s"
        )
    ]
    if said["failure"]:
        lines.append(f"why: {said['failure']}")
    for one in said["sums"]:
        lines.append(
            f"{one['currency']} {one['outcome']:<12} {one['orders']:>9}  ours "
            f"{one['ours_minor']:>14}  theirs {one['theirs_minor']:>14}  received "
            f"{one['received_minor']:>14}  gap {one['gap_minor']:>12}"
        )
    return "\n".join(lines)
