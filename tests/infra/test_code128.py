"""Barcodes as scanners read them."""

import pytest

from dougong.infra.code128 import _PATTERNS, NotEncodable, values, widths
from dougong.infra.labels import Label, labels_file


def test_the_check_symbol_is_that_of_the_standard() -> None:
    assert values("PJJ123C") == [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]


def test_digits_in_pairs_take_half_the_room() -> None:
    assert values("1234") == [105, 12, 34, (105 + 12 + 68) % 103, 106]
    assert len(widths("123456")) < len(widths("A23456"))


def test_every_symbol_is_eleven_modules_with_an_even_number_of_dark_ones() -> None:
    for pattern in _PATTERNS[:-1]:
        assert sum(map(int, pattern)) == 11
        assert sum(map(int, pattern[::2])) % 2 == 0
    assert len(set(_PATTERNS)) == 107 and sum(map(int, _PATTERNS[-1])) == 13


@pytest.mark.parametrize("text", ["", "顺丰", "a\tb"])
def test_what_cannot_be_a_barcode_is_refused(text: str) -> None:
    with pytest.raises(NotEncodable):
        values(text)


def test_a_batch_of_labels_is_one_document() -> None:
    one = Label(
        "顺丰速运", "SF1234567890", "2026112600000001", "王小明", "138", "上海", "店", "2 件"
    )
    made = labels_file([one, one, one])
    assert made.startswith(b"%PDF") and b"/Count 3" in made
