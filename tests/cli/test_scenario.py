"""The story of links to Taobao comes out as its golden file says, and only in a fresh market."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dougong.infra.embedded_postgres import EmbeddedPostgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Played:
    """A data directory in which the story has been played."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        plain = {k: v for k, v in os.environ.items() if not k.startswith("DOUGONG_")}
        return subprocess.run(
            [sys.executable, "-m", "dougong", *command],
            env=plain | {"DOUGONG_MODE": "demo", "DOUGONG_DATA_DIR": str(self.home)},
            capture_output=True, text=True,
        )  # fmt: skip

    def answer(self, *command: str) -> Any:
        done = self.run(*command, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    home = tmp_path_factory.mktemp("story")
    home.chmod(0o755)
    made = Played(home)
    done = made.run("scenario", "douyin-taobao")
    assert done.returncode == 0, done.stderr[-4_000:]
    assert "as the golden file says" in done.stderr
    yield made
    EmbeddedPostgres(home).stop(mode="immediate")


def test_the_story_is_played_once(played: Played) -> None:
    again = played.run("scenario", "douyin-taobao")
    assert again.returncode == 1
    assert "Play it in a fresh one" in again.stderr


def test_its_books_are_whole(played: Played) -> None:
    said = played.answer("doctor")
    assert (said["trial_balance_minor"], said["unexplained_minor"]) == (0, 0)
    assert said["examples"] == {}


@pytest.mark.parametrize(
    ("at", "surface", "category", "allowed"),
    [
        ("2020-06-30T23:59:59+08:00", "live", "beauty", True),
        ("2020-07-01T00:00:00+08:00", "live", "beauty", False),
        ("2020-08-25T00:00:00+08:00", "video", "beauty", True),
        ("2020-08-25T00:00:00+08:00", "live", "food", True),
        ("2020-09-06T00:00:00+08:00", "live", "food", False),
        ("2020-10-09T00:00:00+08:00", "live", "beauty", False),
        ("2020-10-09T00:00:00+08:00", "video", "beauty", True),
    ],
)
def test_verdicts_name_their_rule(
    played: Played, at: str, surface: str, category: str, allowed: bool
) -> None:
    said = played.answer(
        "policy", "verdict", "--source", "taobao", "--surface", surface, "--route", "direct",
        "--category", category, "--at", at,
    )  # fmt: skip
    assert said["allowed"] is allowed
    assert said["rule"]["reason_en"]


@pytest.mark.parametrize(
    ("source", "day", "fee"),
    [("taobao", "19", 50_000), ("taobao", "20", 200_000), ("own", "20", 50_000)],
)
def test_fees_of_tasks(played: Played, source: str, day: str, fee: int) -> None:
    said = played.answer(
        "policy", "fee", "--kind", "platform_service_fee", "--route", "task", "--surface", "live",
        "--source", source, "--base-minor", "1000000", "--at", f"2020-08-{day}T00:00:00+08:00",
    )  # fmt: skip
    assert (said["fee_minor"], said["rate_bp"]) == (fee, fee // 100)
    assert said["rule"]["reason_en"]
