"""What the checks of tidy look at: the files of the tree, parsed once."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Finding(NamedTuple):
    """One thing that is not tidy: `check: path:line: what`."""

    check: str
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what} [{self.check}]"


class SourceFile:
    """A text file of the tree. `path` is relative to the root, with slashes."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file, if it is Python. Raises SyntaxError."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree. Each check looks at all of them: one walk for all checks."""
        return list(ast.walk(self.tree))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to the dotted name it was imported from: `{"text": "sqlalchemy.text"}`."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    names[one.asname or one.name.split(".")[0]] = one.name
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    names[one.asname or one.name] = f"{node.module}.{one.name}"
        return names

    @property
    def area(self) -> str | None:
        """`orders` for src/dougong/orders/rules.py."""
        parts = self.path.split("/")
        return parts[2] if parts[:2] == ["src", "dougong"] and len(parts) > 3 else None


def listed(root: Path) -> list[str]:
    """Committed files and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return sorted({path for path in done.stdout.split("\0") if path})


def read_tree(root: Path = ROOT) -> list[SourceFile]:
    """Every text file of the tree, in the order of their paths."""
    found = []
    for path in listed(root):
        file = root / path
        if file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            if b"\0" not in data[:8000]:
                found.append(SourceFile(path, data.decode("utf-8", errors="replace")))
    return found


def python_files(files: list[SourceFile], under: str = "") -> Iterator[SourceFile]:
    return (file for file in files if file.path.endswith(".py") and file.path.startswith(under))


def dotted(node: ast.expr) -> str:
    """`datetime.now` of a name or attribute chain; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def meaning(file: SourceFile, node: ast.expr) -> str:
    """The dotted name with its first part replaced by what it was imported as."""
    first, _, rest = dotted(node).partition(".")
    whole = file.imported.get(first, first)
    return f"{whole}.{rest}" if rest else whole
