"""Periodic jobs tick evenly: a line with its seconds at the wrong end would tick in bursts."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from croniter import croniter

import dougong.flows.tasks  # noqa: F401 (registers every job)
from dougong.infra.jobs import PERIODIC

TICKS = 130  # more than the seconds of two minutes


@pytest.mark.parametrize("name", sorted(PERIODIC))
def test_ticks_are_evenly_spaced(name: str) -> None:
    ticks = croniter(PERIODIC[name], datetime(2026, 1, 1, tzinfo=UTC))
    times = [ticks.get_next(datetime) for _ in range(TICKS)]
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert len(gaps) == 1
