"""Rows in binary COPY form: what a form has in common, and what is put into its gaps."""

from datetime import UTC, datetime

import pytest

from dougong.infra.copy_in import (
    GAP,
    ID_GAP,
    begun_text_column,
    bytes_column,
    form_of,
    instant_column,
    row_of,
    text_column,
)


def test_a_form_is_the_same_row_as_its_columns() -> None:
    form = form_of(row_of(3), text_column("100 %b"), ID_GAP, GAP)
    row = form % (b"%" * 16, text_column("50 %"))
    assert row == row_of(3) + text_column("100 %b") + bytes_column(b"%" * 16) + text_column("50 %")


def test_a_text_may_be_begun_in_a_form() -> None:
    form = form_of(begun_text_column("键:", gap_bytes=2), GAP)
    assert form % b"ab" == text_column("键:ab")


@pytest.mark.parametrize(
    ("at", "microseconds"),
    [
        (datetime(2000, 1, 1, tzinfo=UTC), 0),
        (datetime(2020, 2, 21, 0, 0, 0, 1, tzinfo=UTC), 635_558_400_000_001),
        (datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
    ],
)
def test_an_instant_is_exact(at: datetime, microseconds: int) -> None:
    assert instant_column(at) == b"\0\0\0\x08" + microseconds.to_bytes(8, "big", signed=True)
