"""In which order files go to test workers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.conftest import longest_first


def an_item(file: str, timeout_s: int | None = None) -> Any:
    mark = pytest.mark.timeout(timeout_s).mark if timeout_s else None
    return SimpleNamespace(path=Path(file), get_closest_marker=lambda name: mark)


def test_files_that_may_take_longest_go_first_and_stay_whole() -> None:
    items = [
        an_item("short"), an_item("long"), an_item("long", 300), an_item("other"),
        an_item("many", 300), an_item("many", 300), an_item("longest", 600),
    ]  # fmt: skip
    longest_first(items)
    assert [item.path.name for item in items] == [
        "longest", "many", "many", "long", "long", "short", "other",
    ]  # fmt: skip
