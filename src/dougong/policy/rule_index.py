"""Rules laid out for look-up: a tree by the columns in order of PRECEDENCE, the named value before
`*`, so that the first row in force on the way down is the most specific one.

Pure. A level at which no row names a value is left out of the tree, and a leaf holds the rows of
the same columns by their start: a look-up meets only rows that fit, whatever else the book holds.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from dougong.base.decisions import AmbiguousRules
from dougong.base.money import FULL_BP
from dougong.policy.rules import (
    ANY,
    OUTSIDE,
    OWN,
    PRECEDENCE,
    Facts,
    Rule,
    in_rollout,
)

CATEGORY, SOURCE = PRECEDENCE.index("category"), PRECEDENCE.index("source")


class Branch(NamedTuple):
    """Rows by what they name in one column of PRECEDENCE; `rest`: those that name nothing."""

    column: int
    named: "dict[str, Branch | Leaf]"
    rest: "Branch | Leaf | None"


class Leaf(NamedTuple):
    """Rows with the same columns, none of which overlap, by their start."""

    starts: list[datetime]
    rules: list[Rule]


class RuleIndex:
    """Raises AmbiguousRules when two rows with the same columns overlap in time."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        by_kind: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            by_kind[rule.kind].append(rule)
        self._roots = {kind: _grown(rows, 0) for kind, rows in by_kind.items()}

    def find(self, facts: Facts) -> Rule | None:
        """The most specific row in force for these facts."""
        root = self._roots.get(facts.kind)
        if root is None:
            return None
        at = facts.at
        values = (
            facts.party,
            facts.merchant_class,
            facts.party_class,
            facts.category,
            facts.route,
            facts.surface,
            facts.source,
        )
        waiting = [root]  # what is looked at next stands last
        while waiting:
            node = waiting.pop()
            if isinstance(node, Leaf):
                found = _in_force(node, at)
                if found and (found.rollout_bp == FULL_BP or in_rollout(found, facts.party)):
                    return found
                continue
            if node.rest is not None:
                waiting.append(node.rest)
            value = values[node.column]
            if node.column == CATEGORY:
                waiting += _on_the_path(node.named, value)
                continue
            if node.column == SOURCE and value not in (OWN, OUTSIDE) and OUTSIDE in node.named:
                waiting.append(node.named[OUTSIDE])
            if value in node.named:
                waiting.append(node.named[value])
        return None


def _on_the_path(named: "dict[str, Branch | Leaf]", path: str) -> "list[Branch | Leaf]":
    """What is named for the category or anything above it, the deepest last."""
    found = [named[path]] if path in named else []
    end = path.rfind("/")
    while end > 0:
        if path[:end] in named:
            found.append(named[path[:end]])
        end = path.rfind("/", 0, end)
    found.reverse()
    return found


def _in_force(leaf: Leaf, at: datetime) -> Rule | None:
    """At most one row of a leaf is in force: the last that has begun."""
    begun = bisect_right(leaf.starts, at)
    if not begun:
        return None
    rule = leaf.rules[begun - 1]
    return rule if rule.ends is None or at < rule.ends else None


def _grown(rules: Sequence[Rule], column: int) -> "Branch | Leaf":
    """The tree of these rows from a column of PRECEDENCE on."""
    while column < len(PRECEDENCE):
        name = PRECEDENCE[column]
        groups: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            groups[getattr(rule, name)].append(rule)
        if groups.keys() != {ANY}:
            rest = groups.pop(ANY, None)
            return Branch(
                column,
                {value: _grown(rows, column + 1) for value, rows in groups.items()},
                _grown(rest, column + 1) if rest else None,
            )
        column += 1
    return _leaf(rules)


def _leaf(rules: Sequence[Rule]) -> Leaf:
    rows = sorted(rules, key=lambda rule: rule.starts)
    for earlier, later in pairwise(rows):
        if earlier.ends is None or earlier.ends > later.starts:
            raise AmbiguousRules(earlier.id, later.id)
    return Leaf([rule.starts for rule in rows], rows)
