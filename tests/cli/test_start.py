"""What a start loads: each heavy library less is time before the first page."""

import subprocess
import sys

import pytest

HEAVY = {"alembic", "av", "litestar", "rich", "sqlalchemy", "stripe"}


def loaded_by(module: str) -> set[str]:
    """Which of the heavy ones a process of its own has loaded with this module."""
    say = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("command", ["seed", "serve", "migrate"])
def test_a_command_that_finds_all_done_loads_nothing_heavy(command: str) -> None:
    assert loaded_by(f"dougong.cli.{command}_command") == set()


def test_the_pages_load_no_codecs_no_migrations_no_gateway_of_others() -> None:
    assert loaded_by("dougong.web.app") & {"alembic", "av", "stripe"} == set()
