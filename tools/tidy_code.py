"""Checks on code: sizes, clocks, swallowed errors, addresses and paths that do not belong."""

import ast
import re
from collections.abc import Iterator

from tidy_files import Finding, SourceFile, meaning, python_files

MOST_LINES = 400
MOST_FUNCTION_LINES = 50
SIZED = (".py", ".js", ".css", ".html")
# These files speak about what they forbid.
SELF = ("tools/tidy", "tests/tools/test_tidy")

CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
}
# ids.py takes the milliseconds of a UUIDv7: an order of ids, not an instant of business.
MAY_ASK_THE_TIME = ("src/dougong/infra/clock.py", "src/dougong/base/ids.py")

ADDRESSES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.|registry\.yarnpkg|npmmirror|"
    r"cdn\.jsdelivr|unpkg\.com|cdnjs\.|deb\.debian\.org|/releases/download/|"
    r"\.whl\b|\.tgz\b|\"resolved\"|--(extra-)?index-url|--find-links"
)
# `--no-emit-index-url` and `--generate-hashes` are how the pins stay free of addresses.
MACHINE_PATHS = re.compile(r"(?<![\w.\-/:}])/(work|root|home|Users)/[\w.]")
OPEN_ENDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def sizes(files: list[SourceFile]) -> Iterator[Finding]:
    """Files of at most 400 lines, functions of at most 50."""
    for file in files:
        if file.path.endswith(SIZED) and len(file.lines) > MOST_LINES:
            what = f"{len(file.lines)} lines, at most {MOST_LINES}"
            yield Finding("file_lines", file.path, 1, what)
    for file in python_files(files):
        for node in file.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    what = f"{node.name} has {lines} lines, at most {MOST_FUNCTION_LINES}"
                    yield Finding("function_lines", file.path, node.lineno, what)


def one_clock(files: list[SourceFile]) -> Iterator[Finding]:
    """Only infra/clock.py asks for now."""
    for file in python_files(files, "src/dougong/"):
        if file.path in MAY_ASK_THE_TIME:
            continue
        for node in file.nodes:
            if isinstance(node, ast.Call) and meaning(file, node.func) in CLOCKS:
                yield Finding("clock", file.path, node.lineno, "asks for now outside the clock")


def no_swallowed_errors(files: list[SourceFile]) -> Iterator[Finding]:
    """No `except Exception: pass`, and no suppress(Exception)."""
    broad = {"Exception", "BaseException"}
    for file in python_files(files):
        for node in file.nodes:
            if isinstance(node, ast.ExceptHandler):
                caught = node.type is None or meaning(file, node.type) in broad
                if caught and all(_does_nothing(line) for line in node.body):
                    yield Finding("swallowed", file.path, node.lineno, "swallows every error")
            elif (
                isinstance(node, ast.Call)
                and meaning(file, node.func) == "contextlib.suppress"
                and any(meaning(file, arg) in broad for arg in node.args)
            ):
                yield Finding("swallowed", file.path, node.lineno, "swallows every error")


def _does_nothing(line: ast.stmt) -> bool:
    return isinstance(line, ast.Pass | ast.Continue) or (
        isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    )


def places(files: list[SourceFile]) -> Iterator[Finding]:
    """No download address, no path of somebody's machine, nothing left open."""
    for file in files:
        if file.path.startswith(SELF):
            continue
        for number, line in enumerate(file.lines, start=1):
            if ADDRESSES.search(line.replace("--no-emit-index-url", "")):
                yield Finding("address", file.path, number, "a download address")
            if MACHINE_PATHS.search(line):
                yield Finding("machine_path", file.path, number, "a path of one machine")
            if not file.path.endswith(".po") and OPEN_ENDS.search(line):
                yield Finding("open_end", file.path, number, "something left open")


CHECKS = [sizes, one_clock, no_swallowed_errors, places]
