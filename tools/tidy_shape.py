"""Checks on shape: areas have the same few files, routes a permission, refusals a text."""

import ast
import re
from collections.abc import Iterator

from messages import Catalogue, chinese, missing, untranslated_text
from tidy_files import Finding, SourceFile, dotted, meaning, python_files

NOT_AREAS = {"analytics", "base", "cli", "flows", "infra", "reads", "web"}
AREA_FILES = re.compile(
    r"^(README\.md|__init__\.py|(\w+_)?(rules|tables|commands|queries|jobs)\.py|adapters/.+)$"
)
ROUTES = {f"litestar.{name}" for name in ("get", "post", "put", "patch", "delete", "route", "head")}


def areas(files: list[SourceFile]) -> Iterator[Finding]:
    """Every area has a README and only files whose names say what is in them, or the README."""
    found: dict[str, set[str]] = {}
    readmes: dict[str, str] = {}
    for file in files:
        if file.area and file.area not in NOT_AREAS:
            name = file.path.split("/", 3)[3]
            found.setdefault(file.area, set()).add(name)
            if name == "README.md":
                readmes[file.area] = file.text
    for area, names in sorted(found.items()):
        home = f"src/dougong/{area}"
        if "README.md" not in names:
            yield Finding("area_files", home, 1, "has no README.md")
        for name in sorted(names):
            if not AREA_FILES.match(name) and f"`{name}`" not in readmes.get(area, ""):
                what = "neither rules, tables, commands, queries, jobs nor named in the README"
                yield Finding("area_files", f"{home}/{name}", 1, what)


def permissions(files: list[SourceFile]) -> Iterator[Finding]:
    """Every handler names the permission it needs."""
    for file in python_files(files, "src/dougong/web/"):
        shared = _dicts_with_permission(file)
        for node in file.nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                called = mark.func if isinstance(mark, ast.Call) else mark
                if meaning(file, called) not in ROUTES:
                    continue
                words = mark.keywords if isinstance(mark, ast.Call) else []
                if not any(
                    word.arg == "permission" or (word.arg is None and dotted(word.value) in shared)
                    for word in words
                ):
                    what = f"{node.name} names no permission"
                    yield Finding("permission", file.path, node.lineno, what)


def _dicts_with_permission(file: SourceFile) -> set[str]:
    """Names of a file's own dicts that carry a permission: `@get("/x", **OPEN)`."""
    found = set()
    for node in file.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            keys = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
            if "permission" in keys:
                found.add(dotted(target))
    return found


def refusal_codes(files: list[SourceFile]) -> dict[str, tuple[str, int]]:
    """Code to the file and line of the Refusal that has it."""
    classes = [
        (file, node)
        for file in python_files(files, "src/dougong/")
        for node in file.nodes
        if isinstance(node, ast.ClassDef)
    ]
    known = {"Refusal"}
    while True:
        more = {
            node.name
            for _, node in classes
            if any(dotted(base).split(".")[-1] in known for base in node.bases)
        }
        if more <= known:
            break
        known |= more
    return {
        line.value.value: (file.path, line.lineno)
        for file, node in classes
        if node.name in known and node.name != "Refusal"
        for line in node.body
        if isinstance(line, ast.Assign)
        and isinstance(line.targets[0], ast.Name)
        and line.targets[0].id == "code"
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    }


def refusal_texts(files: list[SourceFile]) -> dict[str, str]:
    """Code to English text, as web/words.py has them."""
    found: dict[str, str] = {}
    for file in python_files(files, "src/dougong/web/words.py"):
        for node in file.nodes:
            if not isinstance(node, ast.Dict):
                continue
            for key, value in zip(node.keys, node.values, strict=True):
                if (
                    isinstance(key, ast.Constant)
                    and isinstance(key.value, str)
                    and isinstance(value, ast.Call)
                    and value.args
                    and isinstance(value.args[0], ast.Constant)
                ):
                    found[key.value] = str(value.args[0].value)
    return found


def refusals(files: list[SourceFile]) -> Iterator[Finding]:
    """Every code has an English text in web/words.py (and so, by `translations`, a Chinese)."""
    texts = refusal_texts(files)
    for code, (path, line) in sorted(refusal_codes(files).items()):
        if code not in texts:
            yield Finding("refusal_text", path, line, f"{code} has no text in web/words.py")


def translations(files: list[SourceFile]) -> Iterator[Finding]:
    """Every text of a page has a Chinese translation, and none stands outside the catalogue."""
    words: Catalogue = chinese((file.path, file.text) for file in files)
    pairs = [(file.path, file.text) for file in files]
    for message in missing(pairs, words):
        what = f"no Chinese for {message.id!r}"
        yield Finding("translation", message.path, message.line, what)
    for path, line, text in untranslated_text(pairs):
        yield Finding("bare_text", path, line, f"{text!r} stands outside the catalogue")


CHECKS = [areas, permissions, refusals, translations]
