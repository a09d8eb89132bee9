"""Checks on SQL: nothing is written in reads/, nothing is built from strings, no call is made
to the outside while a transaction is open."""

import ast
import re
from collections.abc import Iterator

from tidy_files import Finding, SourceFile, dotted, meaning, python_files

WRITES = re.compile(
    r"\b(INSERT\s+INTO|UPDATE\s+\w+\s+(AS\s+\w+\s+|\w+\s+)?SET|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO)\b",
    re.IGNORECASE,
)
SQL_NOW = re.compile(r"\b(now\(\)|current_timestamp|current_date|clock_timestamp\(\))", re.I)
WRITE_CALLS = {
    f"{module}.{name}"
    for module in ("sqlalchemy", "sqlalchemy.dialects.postgresql", "sqlalchemy.sql")
    for name in ("insert", "update", "delete")
}
RUNS_SQL = {"execute", "executemany", "exec_driver_sql", "scalar", "scalars", "stream"}
OPENS = {"dougong.infra.db.transaction", "dougong.infra.db.snapshot"}
OUTSIDE = re.compile(r"^(httpx|stripe|dougong\.infra\.http)\b|^dougong\.\w+\.adapters\b")
OUTSIDE_NAMES = {"gateway", "http_client"}


def no_writes_in_reads(files: list[SourceFile]) -> Iterator[Finding]:
    """A read writes nothing: neither by SQL text nor by SQLAlchemy."""
    for file in python_files(files, "src/dougong/reads/"):
        for node in file.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if WRITES.search(node.value):
                    yield Finding("reads_write", file.path, node.lineno, "a read writes")
            elif isinstance(node, ast.Call) and meaning(file, node.func) in WRITE_CALLS:
                yield Finding("reads_write", file.path, node.lineno, "a read writes")


def is_built(node: ast.AST) -> bool:
    """Whether a string is put together here: f-string, +, %, .format, .join, .replace."""
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            if any(isinstance(value, ast.FormattedValue) for value in part.values):
                return True
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add | ast.Mod):
            if any(_is_text(side) for side in (part.left, part.right)):
                return True
        elif (
            isinstance(part, ast.Call)
            and isinstance(part.func, ast.Attribute)
            and part.func.attr in {"format", "join", "replace"}
        ):
            return True
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _values(file: SourceFile) -> dict[str, list[ast.expr]]:
    """Name to everything that the file assigns to it."""
    found: dict[str, list[ast.expr]] = {}
    for node in file.nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        elif (
            isinstance(node, ast.AugAssign)
            and isinstance(node.target, ast.Name)
            and _is_text(node.value)
        ):
            joined = ast.JoinedStr(values=[ast.FormattedValue(node.value, -1)])
            found.setdefault(node.target.id, []).append(joined)
    return found


def no_sql_from_strings(files: list[SourceFile]) -> Iterator[Finding]:
    """SQL is a constant with bound parameters, or a SQLAlchemy expression."""
    for file in python_files(files):
        if file.path.startswith("tests/"):  # a test may try every table in turn
            continue
        values = _values(file)
        for node in file.nodes:
            if not isinstance(node, ast.Call) or not node.args:
                continue
            is_text = meaning(file, node.func) == "sqlalchemy.text"
            runs = isinstance(node.func, ast.Attribute) and node.func.attr in RUNS_SQL
            asked = node.args[0]
            if not (is_text or (runs and isinstance(asked, ast.JoinedStr | ast.BinOp | ast.Name))):
                continue
            built = is_built(asked)
            if isinstance(asked, ast.Name):
                # A statement made elsewhere is judged where its text() stands.
                built = any(
                    is_built(value) and _is_string_expression(value)
                    for value in values.get(asked.id, [])
                )
            if built:
                yield Finding("built_sql", file.path, node.lineno, "SQL is built from strings")


def _is_string_expression(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in {"format", "join", "replace"}
    return isinstance(node, ast.JoinedStr | ast.BinOp)


def no_outside_call_in_transaction(files: list[SourceFile]) -> Iterator[Finding]:
    """Gateways, adapters and HTTP are asked in jobs, after the commit."""
    for file in python_files(files, "src/dougong/"):
        for block in file.nodes:
            if not isinstance(block, ast.AsyncWith | ast.With):
                continue
            opened = (item.context_expr for item in block.items)
            if not any(
                isinstance(call, ast.Call) and meaning(file, call.func) in OPENS for call in opened
            ):
                continue
            for node in (inner for line in block.body for inner in ast.walk(line)):
                if isinstance(node, ast.Call) and _is_outside(file, node):
                    what = f"{dotted(node.func)} is called in a transaction"
                    yield Finding("outside_call", file.path, node.lineno, what)


def _is_outside(file: SourceFile, call: ast.Call) -> bool:
    """Who is given the connection works in the database; a class only makes a value."""
    name = dotted(call.func)
    if name.split(".")[-1][:1].isupper() or (call.args and dotted(call.args[0]) == "conn"):
        return False
    return bool(OUTSIDE.match(meaning(file, call.func))) or (
        name.split(".")[0] in OUTSIDE_NAMES and isinstance(call.func, ast.Attribute)
    )


def no_now_in_sql(files: list[SourceFile]) -> Iterator[Finding]:
    """The database's clock is not the business clock: pass the instant as a parameter."""
    for file in python_files(files, "src/dougong/"):
        for node in file.nodes:
            if not isinstance(node, ast.Call) or meaning(file, node.func) != "sqlalchemy.text":
                continue
            for part in ast.walk(node):
                if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
                    continue
                if SQL_NOW.search(part.value):
                    yield Finding("sql_now", file.path, part.lineno, "SQL asks for now")


CHECKS = [no_writes_in_reads, no_sql_from_strings, no_outside_call_in_transaction, no_now_in_sql]
