"""What the import contracts cannot check. `python tools/tidy.py` fails with a list.

tools/tidy_exceptions.toml counts, per check and file, what is known and not yet put right. A count
that is too high fails as well, so the list can only shrink.
"""

import gc
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import tidy_code
import tidy_shape
import tidy_sql
from tidy_files import Finding, SourceFile, read_tree

Check = Callable[[list[SourceFile]], Iterable[Finding]]
CHECKS: list[Check] = [*tidy_sql.CHECKS, *tidy_code.CHECKS, *tidy_shape.CHECKS]
EXCEPTIONS = Path(__file__).with_name("tidy_exceptions.toml")

Excused = dict[str, dict[str, int]]


def findings(files: list[SourceFile]) -> list[Finding]:
    return [finding for check in CHECKS for finding in check(files)]


def excused() -> Excused:
    """Check to path to how many findings are known there."""
    return tomllib.loads(EXCEPTIONS.read_text())


def after_exceptions(found: list[Finding], known: Excused) -> Iterator[str]:
    """What remains to be said: findings beyond the known, and known ones that are gone."""
    counts = Counter((one.check, one.path) for one in found)
    for one in found:
        if counts[one.check, one.path] > known.get(one.check, {}).get(one.path, 0):
            yield str(one)
    for check, paths in known.items():
        for path, count in paths.items():
            if counts[check, path] < count:
                left = f"{counts[check, path]} of {check} left"
                yield f"{path}: {left}: lower it in {EXCEPTIONS.name}"


def main() -> int:
    said = list(after_exceptions(findings(read_tree()), excused()))
    for line in said:
        print(line)
    if said:
        print(f"{len(said)} things are not tidy", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    gc.disable()  # millions of nodes, and all of them stay: a quarter of the time
    sys.exit(main())
