"""`dougong explain`: shows where every fen of an order went, or of what a payee has earned."""

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console
from rich.tree import Tree

from dougong.base.errors import NotFound
from dougong.base.money import decimal_text
from dougong.infra.db import dispose, snapshot
from dougong.infra.db_server import ensure_server
from dougong.infra.settings import settings
from dougong.reads.explain import explain_line, explain_order, find_order
from dougong.reads.explain_payee import explain_payee
from dougong.reads.explain_tree import Node
from dougong.reads.operator_money import names_of

DAYS = ["%Y-%m-%d"]


async def order_or_line(order_id: UUID, line_no: int | None) -> Node:
    async with snapshot() as conn:
        store_id = await find_order(conn, order_id=order_id)
        if line_no is None:
            return await explain_order(conn, store_id=store_id, order_id=order_id)
        return await explain_line(conn, store_id=store_id, order_id=order_id, line_no=line_no)


async def payee(owner_id: UUID, currency: str, since: datetime, until: datetime) -> Node:
    async with snapshot() as conn:
        if not await names_of(conn, [owner_id]):
            raise NotFound
        return await explain_payee(
            conn, owner_id=owner_id, currency=currency, since=since, until=until
        )


async def run(asked: Coroutine[Any, Any, Node]) -> Node:
    try:
        return await asked
    finally:
        await dispose()


def line_of(node: Node) -> str:
    """One node for people: amount, what it is, and why."""
    amount = decimal_text(node.amount_minor, node.currency)
    why = ""
    if node.rule and node.base_minor is not None:
        base = decimal_text(node.base_minor, node.currency)
        why = f"  [dim]{base} × {node.rule.rate_bp / 100:g} %, rounded down"
        why += f" · {node.rule.reason_en or 'the offer of the merchant'}[/dim]"
    mark = "" if node.status == "booked" else "  [yellow](expected)[/yellow]"
    wrong = f"  [red]unexplained {node.residual_minor}[/red]" if node.residual_minor else ""
    return f"[bold]{amount:>12}[/bold]  {node.label} {node.name_en}{mark}{why}{wrong}"


def drawn(node: Node, tree: Tree | None = None) -> Tree:
    made = tree.add(line_of(node)) if tree else Tree(line_of(node))
    for child in (*node.children, *node.cases):
        drawn(child, made)
    return made


@click.command()
@click.argument("subject_id", type=click.UUID)
@click.option("--line", "line_no", type=int, help="Only this line of the order.")
@click.option("--payee", "is_payee", is_flag=True, help="SUBJECT_ID is an organisation.")
@click.option("--since", type=click.DateTime(DAYS), default="2000-01-01", show_default=True)
@click.option("--until", type=click.DateTime(DAYS), default="2100-01-01", show_default=True)
@click.option("--currency", help="Of the payee's account [default: the platform's].")
@click.option("--json", "as_json", is_flag=True, help="The whole tree as JSON.")
def command(
    subject_id: UUID,
    line_no: int | None,
    is_payee: bool,
    since: datetime,
    until: datetime,
    currency: str | None,
    as_json: bool,
) -> None:
    """Show where every fen of an order went, or (--payee) why an organisation has earned what it
    has, by what counts from --since until before --until, days of the platform's zone.

    Exit code 1 when something is not explained.
    """
    ensure_server()
    zone = ZoneInfo(settings().timezone)
    window = [day.replace(tzinfo=zone) for day in (since, until)]
    asked = (
        payee(subject_id, currency or settings().currency, window[0], window[1])
        if is_payee
        else order_or_line(subject_id, line_no)
    )
    try:
        tree = asyncio.run(run(asked))
    except NotFound:
        what = "organisation" if is_payee else "order or line"
        raise click.ClickException(f"no {what} {subject_id}") from None
    if as_json:
        click.echo(msgspec.json.encode(tree).decode())
    else:
        Console().print(drawn(tree))
        Console().print(f"unexplained: {tree.residual_minor}")
    sys.exit(1 if tree.residual_minor else 0)
