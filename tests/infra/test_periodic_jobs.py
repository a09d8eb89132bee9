"""Periodic jobs tick evenly: a line with its seconds at the wrong end would tick in bursts."""

from datetime import UTC, datetime
from itertools import pairwise

import psycopg
import pytest
from croniter import croniter
from sqlalchemy.exc import OperationalError

import dougong.flows.tasks  # noqa: F401 (registers every job)
from dougong.infra.jobs import PERIODIC, is_away

TICKS = 130  # more than the seconds of two minutes


@pytest.mark.parametrize("name", sorted(PERIODIC))
def test_ticks_are_evenly_spaced(name: str) -> None:
    ticks = croniter(PERIODIC[name], datetime(2026, 1, 1, tzinfo=UTC))
    times = [ticks.get_next(datetime) for _ in range(TICKS)]
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert len(gaps) == 1


class _Lost(psycopg.OperationalError):
    sqlstate = "57P01"  # the server was told to go


class _Locked(psycopg.OperationalError):
    sqlstate = "55P03"


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.OperationalError("the connection is closed"), True),
        (_Lost("terminating connection"), True),
        (OperationalError("SELECT 1", {}, _Lost("terminating connection")), True),
        (ExceptionGroup("two", [_Lost("x"), psycopg.OperationalError("y")]), True),
        (_Locked("a lock is held"), False),
        (ExceptionGroup("two", [_Lost("x"), ValueError("y")]), False),
        (ValueError("ours"), False),
    ],
)
def test_a_tick_is_missed_only_while_the_database_is_away(error: Exception, away: bool) -> None:
    assert is_away(error) is away
