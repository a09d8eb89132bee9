"""What decision tables share: of the rows that match, the most specific one wins, by a printed
order of columns. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar


class Row(Protocol):
    @property
    def id(self) -> Any: ...


R = TypeVar("R", bound=Row)


class AmbiguousRules(ValueError):
    """Two rows with the same columns in force at once: the exclusion constraint is broken."""


def ranked(
    rows: Iterable[R], *, specificity: Callable[[R], tuple[int, ...]], columns: Sequence[str]
) -> list[tuple[R, str]]:
    """The winner first, with no column; then every other row with the column, of `columns`, where
    the winner names more. `specificity` has a figure for each of them. Raises AmbiguousRules."""
    best, *others = sorted(rows, key=specificity, reverse=True)
    most = specificity(best)
    found = [(best, "")]
    for other in others:
        figures = zip(columns, most, specificity(other), strict=True)
        column = next((name for name, more, less in figures if more != less), None)
        if column is None:
            raise AmbiguousRules(best.id, other.id)
        found.append((other, column))
    return found
