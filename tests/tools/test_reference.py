"""The reference says what the code does."""

from functools import cache

import pytest

import reference
from tidy_files import SourceFile, read_tree


@cache
def files() -> list[SourceFile]:
    return read_tree()


@pytest.mark.parametrize("name", reference.PAGES)
def test_reference_equals_the_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    made = reference.PAGES[name](files())
    assert (reference.HOME / name).read_text() == made, "run `make reference`"
