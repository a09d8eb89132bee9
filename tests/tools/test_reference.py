"""The reference says what the code does."""

from pathlib import Path

import pytest

import reference

PAGES = reference.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_reference_equals_the_code(path: Path) -> None:
    assert path.read_text() == PAGES[path], "run `make reference`"
