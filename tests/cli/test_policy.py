"""`dougong policy` as a person runs it, on a database that was only migrated and given a book."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SERVER, create_database, drop_database

from dougong.infra.db_server import embedded
from dougong.infra.embedded_postgres import APP

pytestmark = pytest.mark.money
NAME = f"dougong_policy_{os.getpid()}"
STORY = Path(__file__).parents[2] / "src/dougong/cli/demo/douyin_taobao.toml"
CASE = ("--source", "taobao", "--surface", "live", "--route", "direct", "--category", "beauty")
FEE = ("--kind", "platform_service_fee", "--route", "task", "--surface", "live")


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    """The environment of a command that speaks to a database of its own."""
    owner = create_database(NAME)
    urls = {
        "DOUGONG_DATABASE_OWNER_URL": owner,
        "DOUGONG_DATABASE_URL": owner if SERVER else embedded().url(APP, NAME),
    }
    yield os.environ | urls
    drop_database(NAME)


def run(env: dict[str, str], *args: object) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("dougong"), "policy", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def answer(env: dict[str, str], *args: object) -> Any:
    done = run(env, *args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded(env: dict[str, str]) -> dict[str, str]:
    report = answer(env, "load", STORY)
    assert (report["rows"], report["made"], report["bad"]) == (41, 41, [])
    return env


def test_the_story_again_adds_nothing(loaded: dict[str, str]) -> None:
    again = answer(loaded, "load", STORY)
    assert (again["made"], again["kept"]) == (0, 41)


@pytest.mark.parametrize(
    ("at", "allowed", "reason"),
    [
        ("2020-06-30T00:00:00+08:00", True, "Taobao joins as a source of product links"),
        ("2020-07-01T00:00:00+08:00", False, "Links to Taobao are no longer supported"),
        ("2020-10-09T00:00:00+08:00", False, "Links from outside are barred from live carts"),
    ],
)
def test_a_verdict_names_its_rule(
    loaded: dict[str, str], at: str, allowed: bool, reason: str
) -> None:
    said = answer(loaded, "verdict", *CASE, "--at", at)
    assert (said["allowed"], said["reason_en"], said["rule"]["reason_en"]) == (
        allowed,
        reason,
        reason,
    )
    assert said["rule"]["state"] == "in_force"
    assert {one["why"] for one in said["considered"]} >= {"not_yet", "no_match"}
    ban = next(one for one in said["considered"] if one["why"] == "not_yet")
    assert ban["rule"]["id"] != said["rule"]["id"]


def test_video_stays_open_and_the_words_say_so_too(loaded: dict[str, str]) -> None:
    case = ("--source", "taobao", "--surface", "video", "--at", "2020-10-09")
    done = run(loaded, "verdict", *case)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["allowed", "Links from outside may still stand in short videos"]
    assert "surface=video source=outside" in lines[2]


def test_without_a_rule_outside_is_denied(loaded: dict[str, str]) -> None:
    said = answer(loaded, "verdict", "--source", "pdd", "--surface", "video", "--at", "2020-01-01")
    assert (said["allowed"], said["rule"], said["reason_en"]) == (
        False,
        None,
        "No rule lets this source in",
    )


@pytest.mark.parametrize(
    ("source", "at", "fee_minor", "rate_bp", "announced"),
    [
        ("taobao", "2020-08-20T00:00:00+08:00", 200_000, 2000, "2020-08-16T16:00:00Z"),
        ("own", "2020-08-20T00:00:00+08:00", 50_000, 500, "2020-08-16T16:00:00Z"),
        ("taobao", "2020-08-19T00:00:00+08:00", 50_000, 500, "2017-12-31T16:00:00Z"),
        ("own", "2020-08-19T00:00:00+08:00", 50_000, 500, "2017-12-31T16:00:00Z"),
    ],
)
def test_a_fee_names_its_rule(
    loaded: dict[str, str], source: str, at: str, fee_minor: int, rate_bp: int, announced: str
) -> None:
    said = answer(loaded, "fee", *FEE, "--source", source, "--base-minor", 1_000_000, "--at", at)
    assert (said["fee_minor"], said["rate_bp"]) == (fee_minor, rate_bp)
    assert (said["rule"]["value"], said["rule"]["announced_at"]) == (rate_bp, announced)


def test_what_is_saved_loads_to_the_same(loaded: dict[str, str], tmp_path: Path) -> None:
    first, second = tmp_path / "book.toml", tmp_path / "again.toml"
    assert run(loaded, "save", first).stdout == f"41 rows in {first}\n"
    assert answer(loaded, "load", first)["kept"] == 41
    run(loaded, "save", second)
    assert first.read_text() == second.read_text()


def test_the_list_is_as_of_an_instant(loaded: dict[str, str]) -> None:
    then = answer(loaded, "list", "--kind", "link", "--at", "2020-07-01")
    assert {row["source"] for row in then} == {"taobao", "tmall", "jd"}
    every = answer(loaded, "list", "--all", "--at", "2020-07-01")
    assert len(every) == 41
    assert {row["state"] for row in every} == {"announced", "in_force", "ended"}
    assert "in_force" in run(loaded, "list", "--at", "2020-07-01").stdout


def test_bad_rows_are_told_by_line_and_nothing_is_loaded(
    loaded: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(
        STORY.read_text()
        .replace('surface = "video"', 'surface = "radio"')
        .replace("ends = 2020-10-09", "ends = 2020-09-01")
    )
    done = run(loaded, "load", file)
    assert done.returncode == 1
    assert "surface: unknown" in done.stderr
    assert "ends: before_start" in done.stderr
    assert done.stderr.startswith("line ")
    file.write_text("[[link]\n")
    broken = run(loaded, "load", file)
    assert broken.returncode == 1
    assert json.loads(broken.stderr)["code"] == "bad_rule_file"
    assert run(loaded, "verdict", *CASE, "--at", "yesterday").returncode == 2
