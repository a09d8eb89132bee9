"""`dougong policy`: asks the rule book, for any instant; loads it from a file and saves it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
import msgspec

from dougong.base.errors import Refusal
from dougong.flows.load_rules import LoadReport, load_rules
from dougong.infra import clock
from dougong.infra.db import dispose, snapshot, transaction
from dougong.infra.db_server import ensure_server
from dougong.infra.migrate import migrate
from dougong.infra.settings import settings
from dougong.policy.answers import RuleShown, fee_answer, shown, verdict_answer
from dougong.policy.queries import rules_book
from dougong.policy.rule_file import write_book
from dougong.policy.rules import ANY, FEE_KINDS, PRECEDENCE, Facts, Rule, RuleKind, Verdict

T = TypeVar("T")
SURFACES = click.Choice(["video", "live", "profile", "search"])
ROUTES = click.Choice(["direct", "task"])


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant; without an offset it is in the platform's zone."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(settings().timezone))
        except ValueError:
            self.fail(f"{value!r} is no ISO 8601 instant", param, ctx)


def case_options(command: Callable[..., None]) -> Callable[..., None]:
    """What a case is about, beside its source, surface and route."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The whole answer as JSON."),
        click.option("--at", type=Instant(), help="Past or future [default: now]."),
        click.option("--merchant-class", default="", help="Of a store's own product."),
        click.option("--party-class", help="[default: creator of links and tasks, else merchant]"),
        click.option("--party", default="", help="Id of the organisation it is about."),
        click.option("--category", default=ANY, help="A path, as beauty/skincare [default: any]."),
        click.option("--route", type=ROUTES, default="direct", show_default=True),
        click.option("--surface", type=SURFACES, required=True),
        click.option("--source", required=True, help="own, or the code of another platform."),
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Ask the rule book what is allowed and what it costs; load and save it."""


@command.command()
@case_options
def verdict(as_json: bool, **case: Any) -> None:
    """Whether a product link may stand, by which rule, and why the other rules lost."""
    said, facts = _explained(RuleKind.LINK, **case)
    answer = verdict_answer(said, facts)
    if as_json:
        _print_json(answer)
        return
    click.echo("allowed" if answer.allowed else "denied")
    _print_rule(answer.rule, answer.reason_en)


@command.command()
@click.option("--kind", type=click.Choice(sorted(kind.value for kind in FEE_KINDS)), required=True)
@click.option("--base-minor", type=click.IntRange(min=0), required=True, help="In minor units.")
@case_options
def fee(kind: str, base_minor: int, as_json: bool, **case: Any) -> None:
    """What is taken of an amount, by which rule, and why the other rules lost."""
    said, facts = _explained(RuleKind(kind), **case)
    answer = fee_answer(said, facts, base_minor=base_minor)
    if as_json:
        _print_json(answer)
        return
    click.echo(f"{answer.fee_minor} of {base_minor} ({answer.rate_bp / 100:g} %)")
    _print_rule(answer.rule, answer.reason_en)


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--history", "is_history", is_flag=True, help="Rows may begin in the past.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def load(file: Path, is_history: bool, as_json: bool) -> None:
    """Take in the rows of a TOML file, all or none; a row that is there is left alone.

    Exit code 1 when a row is bad. The format: docs/how-to/rule-book-file.md.
    """
    migrate()
    try:
        report = asyncio.run(_run(lambda: _load(file.read_bytes(), is_history=is_history)))
    except Refusal as refusal:
        why = {"code": refusal.code, "field": refusal.field, **refusal.facts}
        click.echo(msgspec.json.encode(why).decode(), err=True)
        raise SystemExit(1) from refusal
    if as_json:
        _print_json(report)
    else:
        for bad in report.bad:
            where = f"line {bad.line}" if bad.line else f"[[{bad.table}]] {bad.number}"
            click.echo(f"{where}: {bad.field}: {bad.reason} {bad.other}".rstrip(), err=True)
        click.echo(f"rows {report.rows}, new {report.made}, bad {len(report.bad)}")
    sys.exit(1 if report.bad else 0)


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save(file: Path) -> None:
    """Write every approved row, past ones too, to a TOML file that loads to the same."""
    rules = _approved()
    file.write_text(write_book(rules, zone=ZoneInfo(settings().timezone)), encoding="utf-8")
    click.echo(f"{len(rules)} rows in {file}")


@command.command("list")
@click.option("--at", type=Instant(), help="Past or future [default: now].")
@click.option("--kind", type=click.Choice([kind.value for kind in RuleKind]), help="Only these.")
@click.option("--all", "every", is_flag=True, help="Announced and ended ones too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def list_rules(at: datetime | None, kind: str | None, every: bool, as_json: bool) -> None:
    """The approved rows in force at an instant."""
    ensure_server()
    moment = at or asyncio.run(_run(_now))
    rows = [shown(rule, at=moment) for rule in _approved() if kind in (None, rule.kind)]
    rows = [row for row in rows if every or row.state == "in_force"]
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        click.echo(f"{row.state:<9} {row.kind} {_columns(row)} = {row.value}  {row.reason_en}")


def _explained(kind: RuleKind, **case: Any) -> tuple[Verdict, Facts]:
    ensure_server()
    return asyncio.run(_run(lambda: _explain(kind, **case)))


async def _explain(
    kind: RuleKind, *, at: datetime | None, party_class: str | None, **columns: str
) -> tuple[Verdict, Facts]:
    is_creators = kind is RuleKind.LINK or columns["route"] == "task"
    async with snapshot() as conn:
        facts = Facts(
            kind=kind.value,
            at=at or await clock.refresh(conn),
            party_class=party_class or ("creator" if is_creators else "merchant"),
            **columns,
        )
        return (await rules_book(conn, fresh=True)).explain(facts), facts


async def _load(data: bytes, *, is_history: bool) -> LoadReport:
    async with transaction() as conn:
        at = await clock.refresh(conn)
        return await load_rules(conn, data=data, at=at, is_history=is_history)


def _approved() -> tuple[Rule, ...]:
    ensure_server()

    async def read() -> tuple[Rule, ...]:
        async with snapshot() as conn:
            return (await rules_book(conn, fresh=True)).rules

    return asyncio.run(_run(read))


async def _now() -> datetime:
    async with snapshot() as conn:
        return await clock.refresh(conn)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    finally:
        await dispose()


def _print_json(answer: Any) -> None:
    click.echo(msgspec.json.encode(answer).decode())


def _print_rule(rule: RuleShown | None, reason: str) -> None:
    click.echo(reason)
    if rule:
        ends = f" until {rule.ends.isoformat()}" if rule.ends else ""
        click.echo(f"rule {rule.id}: {_columns(rule)}")
        click.echo(f"in force from {rule.starts.isoformat()}{ends}; {rule.citation}".rstrip("; "))


def _columns(rule: RuleShown) -> str:
    said = [f"{name}={getattr(rule, name)}" for name in PRECEDENCE if getattr(rule, name) != ANY]
    return " ".join(said) or "any"
