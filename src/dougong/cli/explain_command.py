"""`dougong explain`: shows where every fen of an order went."""

import asyncio
import sys
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.tree import Tree

from dougong.base.errors import NotFound
from dougong.base.money import decimal_text
from dougong.infra.db import dispose, ensure_server, snapshot
from dougong.reads.explain import explain_line, explain_order, find_order
from dougong.reads.explain_tree import Node


async def run(order_id: UUID, line_no: int | None) -> Node:
    try:
        async with snapshot() as conn:
            store_id = await find_order(conn, order_id=order_id)
            if line_no is None:
                return await explain_order(conn, store_id=store_id, order_id=order_id)
            return await explain_line(conn, store_id=store_id, order_id=order_id, line_no=line_no)
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
    for child in node.children:
        drawn(child, made)
    return made


@click.command()
@click.argument("order_id", type=click.UUID)
@click.option("--line", "line_no", type=int, help="Only this line.")
@click.option("--json", "as_json", is_flag=True, help="The whole tree as JSON.")
def command(order_id: UUID, line_no: int | None, as_json: bool) -> None:
    """Show where every fen of an order went. Exit code 1 when something is not explained."""
    ensure_server()
    try:
        tree = asyncio.run(run(order_id, line_no))
    except NotFound:
        raise click.ClickException(f"no order {order_id}") from None
    if as_json:
        click.echo(msgspec.json.encode(tree).decode())
    else:
        Console().print(drawn(tree))
        Console().print(f"unexplained: {tree.residual_minor}")
    sys.exit(1 if tree.residual_minor else 0)
