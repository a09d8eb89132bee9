"""Writes docs/reference/*.md from the code: `python tools/reference.py` (or `check`, in tests)."""

import ast
import os
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

import dougong
from dougong.base.access import ROLE_PERMISSIONS, Permission
from dougong.base.errors import Refusal
from dougong.cli.main import COMMANDS
from dougong.cli.main import main as cli
from dougong.infra.db import metadata
from tidy_files import ROOT, SourceFile, meaning, python_files, read_tree
from tidy_shape import refusal_texts

HOME = ROOT / "docs/reference"
MADE = "<!-- Written by tools/reference.py. Change the code, then run `make reference`. -->"
NOT_LOADED = ("dougong.web", "dougong.cli", "dougong.__main__", "dougong.infra.media_worker")


def page(title: str, intro: str, body: str) -> str:
    return f"{MADE}\n# {title}\n\n{intro}\n\n{body.rstrip()}\n"


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in row)} |" for row in cells)


def settings_page(files: list[SourceFile]) -> str:
    """From the comments and types of infra/settings.py."""
    file = next(file for file in files if file.path == "src/dougong/infra/settings.py")
    body = next(n for n in file.tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")

    def rows() -> Iterator[tuple[str, ...]]:
        for node in body.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                said: list[str] = []
                at = node.lineno - 2
                while file.lines[at].strip().startswith("#"):
                    said.insert(0, file.lines[at].strip().lstrip("# "))
                    at -= 1
                kind, default = ast.unparse(node.annotation), ast.unparse(node.value)
                name = node.target.id
                variable = f"`DOUGONG_{name.upper()}`"
                yield f"`{name}`", variable, f"`{kind}`", f"`{default}`", " ".join(said)

    intro = (
        "A TOML file (`./dougong.toml`, or the one that `DOUGONG_CONFIG` names), overridden by the "
        "environment. Unknown names and values that do not fit stop the start."
    )
    head = ("Name", "Variable", "Type", "Default", "What")
    return page("Settings", intro, table(head, rows()))


def permissions_page(files: list[SourceFile]) -> str:
    """From base/access.py."""

    def rows() -> Iterator[tuple[str, ...]]:
        for one in Permission:
            roles = [role.value for role, has in ROLE_PERMISSIONS.items() if one in has]
            if one.startswith("own:"):
                roles = ["everyone, on themselves"]
            if one is Permission.PUBLIC:
                roles = ["everyone"]
            yield f"`{one.value}`", f"`{one.name}`", ", ".join(roles)

    intro = (
        "Each route names one permission (`scope:resource:action`), and one guard checks it. "
        "`org:` ones hold on the organisation of a grant and its stores, `platform:` ones need "
        "no owner. "
        "What one may not touch looks like what does not exist (404)."
    )
    return page("Permissions", intro, table(("Permission", "Name", "Who"), rows()))


def load_all() -> None:
    for found in pkgutil.walk_packages(dougong.__path__, "dougong."):
        if not found.name.startswith(NOT_LOADED):
            import_module(found.name)


def refusals_page(files: list[SourceFile]) -> str:
    """Every Refusal below base/errors.py, with its text in web/words.py."""
    load_all()
    texts = refusal_texts(files)
    found: dict[str, int] = {}
    waiting = Refusal.__subclasses__()
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if one.__module__.startswith("dougong."):
            found[one.code] = one.status
    intro = (
        "Every clear “no” has a stable code; nothing has changed when it comes. The API answers "
        '`{"code", "message", "field", "facts", "request_id"}`; a page shows the message, in a '
        "form at the field."
    )
    rows = ((f"`{code}`", str(found[code]), texts.get(code, "")) for code in sorted(found))
    return page("Refusals", intro, table(("Code", "Status", "Text"), rows))


# Which argument says the kind: of what writes events, and of what says one with its audit line.
WHERE_KIND = {"events.record": 2, "events.record_many": 2, "events.Happened": 1,
              "penalise._said": 3}  # fmt: skip


def last_words(file: SourceFile, function: ast.expr) -> str:
    said = meaning(file, function)
    if said == "_said" and file.path.endswith("flows/penalise.py"):
        return "penalise._said"
    return ".".join(said.split(".")[-2:])


def events_page(files: list[SourceFile]) -> str:
    """Every kind that is given to infra.events.record or record_many."""
    found: dict[str, set[str]] = {}
    for file in python_files(files, "src/dougong/"):
        for node in file.nodes:
            if isinstance(node, ast.Call) and (at := WHERE_KIND.get(last_words(file, node.func))):
                for part in node.args[at - 1 : at]:
                    for said in ast.walk(part):
                        if isinstance(said, ast.Constant) and "." in str(said.value):
                            where = file.path.removeprefix("src/dougong/")
                            found.setdefault(str(said.value), set()).add(where)
    intro = (
        "Written in the transaction of the change, delivered to webhooks at least once; the "
        "event's id tells a repeat."
    )
    rows = (
        (f"`{kind}`", ", ".join(f"`{w}`" for w in sorted(found[kind]))) for kind in sorted(found)
    )
    return page("Events", intro, table(("Kind", "Recorded by"), rows))


def kind_of(column: Column[object]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return column.type.compile(dialect).lower() + ("?" if column.nullable else "")


def tables_page(files: list[SourceFile]) -> str:
    """Every table by its area, as tables.py has it (drift from the database is tested)."""
    parts = []
    for file in sorted((ROOT / "src/dougong").glob("*/*tables.py")):
        module = import_module(f"dougong.{file.parent.name}.{file.stem}")
        own = {id(value) for value in vars(module).values()}
        tables = [one for one in metadata.tables.values() if id(one) in own]
        parts.append(f"## {file.parent.name}\n")
        for one in sorted(tables, key=lambda found: found.name):
            columns = ", ".join(
                f"{'**' if c.primary_key else ''}{c.name}{'**' if c.primary_key else ''} "
                f"{kind_of(c)}"
                for c in one.columns
            )
            parts.append(f"- `{one.name}`: {columns}")
        parts.append("")
    intro = (
        "Bold: primary key; `?`: may be empty. Constraints, grants and triggers stand in "
        "`migrations/versions/*.sql`; `_minor` is whole minor units, `_bp` basis points."
    )
    return page("Tables", intro, "\n".join(parts))


def cli_page(files: list[SourceFile]) -> str:
    """The help of every command."""
    parts = []

    def add(command: click.Command, name: str) -> None:
        context = click.Context(command, info_name=name, terminal_width=90, max_content_width=90)
        parts.append(f"## {name}\n\n```\n{command.get_help(context)}\n```\n")
        if isinstance(command, click.Group) and name != "dougong":
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                if found:
                    add(found, f"{name} {inner}")

    add(cli, "dougong")
    for name in COMMANDS:
        if (ROOT / f"src/dougong/cli/{name}_command.py").exists():
            add(import_module(f"dougong.cli.{name}_command").command, f"dougong {name}")
    return page("Commands", "`.venv/bin/dougong`, or `python -m dougong`.", "\n".join(parts))


def machines_page(files: list[SourceFile]) -> str:
    """Every `MOVES` of an area, drawn as a Mermaid state diagram."""
    drawn = []
    for name, moves in machines():
        lines = [f"  {one} --> {after}" for one, found in moves for after in found]
        ends = [f"  {one} --> [*]" for one, found in moves if not found]
        diagram = [f"  [*] --> {moves[0][0]}", *lines, *ends]
        drawn.append(f"## {name}\n\n```mermaid\nstateDiagram-v2\n" + "\n".join(diagram) + "\n```\n")
    intro = "The states of what has a life, and which may follow which: drawn from `MOVES`."
    return page("State machines", intro, "\n".join(drawn))


def machines() -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Name to its states, in their order, each with the states that may follow."""
    from dougong.aftersales.rules import MOVES as CASES
    from dougong.orders.rules import MOVES as ORDERS
    from dougong.tasks.work_rules import WORK_MOVES

    known: list[tuple[str, Any]] = [("Order", ORDERS), ("Task", WORK_MOVES)]
    known += [(f"After-sales case: {kind.replace('_', ' ')}", CASES[kind]) for kind in CASES]
    for name, moves in known:
        states = [(str(one), sorted(str(after) for after in moves[one])) for one in moves]
        yield name, states


PAGES = {
    "settings.md": settings_page,
    "permissions.md": permissions_page,
    "refusals.md": refusals_page,
    "events.md": events_page,
    "tables.md": tables_page,
    "cli.md": cli_page,
    "state-machines.md": machines_page,
}


def pages() -> dict[Path, str]:
    """File to what should stand in it."""
    os.environ.setdefault("NO_COLOR", "1")
    files = read_tree()
    return {HOME / name: write(files) for name, write in PAGES.items()}


def main(arguments: list[str]) -> int:
    stale = [
        path for path, text in pages().items() if not path.exists() or path.read_text() != text
    ]
    if arguments == ["check"]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} differs from the code: run `make reference`")
        return 1 if stale else 0
    HOME.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
