"""`dougong explain` as a person runs it: an order, one line of it, a payee."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.reads.stories import a_final_order, a_market, money

from dougong.base.ids import new_id
from dougong.infra.db import transaction

pytestmark = pytest.mark.money


def explain(*args: object) -> tuple[int, Any]:
    """Exit code, and the tree (or what it said instead)."""
    done = subprocess.run(
        [Path(sys.executable).with_name("dougong"), "explain", *map(str, args), "--json"],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_of_a_payee_that_nobody_knows() -> None:
    code, said = explain(new_id(), "--payee")
    assert code == 1
    assert "no organisation" in said


async def test_an_order_a_line_and_its_payees(connections: None) -> None:
    async with transaction() as conn:
        market = await a_market(conn)
        lines = [money(creator_discount_minor=500), money(gross_minor=3_333)]
        story = await a_final_order(conn, market, *lines)
        await story.refund({1: 1_111, 2: 7}, is_final=True)
    code, order = explain(story.order_id)
    assert (code, order["residual_minor"], order["amount_minor"]) == (0, 0, 13_333)
    code, line = explain(story.order_id, "--line", 2)
    assert (code, line["residual_minor"], line["amount_minor"]) == (0, 0, 3_333)
    code, earned = explain(market.creator_id, "--payee", "--since", "2026-03-01")
    assert (code, earned["residual_minor"]) == (0, 0)
    assert [part["label"] for part in earned["children"][0]["children"]]
    assert earned["amount_minor"] == sum(one["amount_minor"] for one in earned["children"]) > 0
