"""What a room tells of stock and of buyers."""

import pytest

from dougong.live.selling_rules import masked, stepped


@pytest.mark.parametrize(
    ("stock", "told"),
    [(0, 0), (19, 19), (20, 20), (29, 20), (199, 190), (200, 200), (299, 200), (1_999, 1_900),
     (2_000, 2_000), (12_345, 12_000)],
)  # fmt: skip
def test_stock_is_told_in_steps(stock: int, told: int) -> None:
    assert stepped(stock) == told


@pytest.mark.parametrize(("name", "told"), [("王小明", "王**"), (" Alice", "A**"), ("", "**")])
def test_a_name_is_told_by_its_first_sign(name: str, told: str) -> None:
    assert masked(name) == told
