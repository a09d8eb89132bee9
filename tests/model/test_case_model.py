"""The first half of the random sequences of cases: see `case_runs.py`."""

import pytest
from tests.model.case_runs import EXAMPLES, run_sequences


@pytest.mark.slow
@pytest.mark.money
@pytest.mark.timeout(1_800 + EXAMPLES)
def test_the_first_half_of_all_sequences_leaves_the_books_whole(own_database: None) -> None:
    run_sequences(1)
