"""`dougong import report` as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.referrals.world import a_row, a_source, an_outside_link, csv_bytes, settled

from dougong.infra.db import transaction


def dougong(*args: object) -> tuple[int, Any]:
    done = subprocess.run(
        [Path(sys.executable).with_name("dougong"), *map(str, args), "--json"],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


async def test_a_report_is_taken_once_and_its_order_explained(tmp_path: Path) -> None:
    async with transaction() as conn:
        link = await an_outside_link(conn, source=await a_source(conn))
    file = tmp_path / "订单.csv"
    rows = [settled(a_row(link)), a_row(link, tk_status="99")]
    file.write_bytes(csv_bytes(rows, encoding="gb18030"))
    asked = ("import", "report", file, "--mapping", "taobao_alliance", "--source", link.source)
    code, said = dougong(*asked)
    assert (code, said["applied"], said["parked"], said["failure"]) == (0, 1, 1, "")
    assert said["bad"][0]["line"] == 3
    assert (said["bad"][0]["field"], said["bad"][0]["reason"]) == ("status", "unknown_status")
    code, again = dougong(*asked)
    assert (code, again["applied"], again["repeated"], again["parked"]) == (0, 0, 1, 1)
    async with transaction() as conn:
        from sqlalchemy import text

        order_id = await conn.scalar(
            text("SELECT id FROM referral_orders WHERE source = :s"), {"s": link.source}
        )
    code, tree = dougong("explain", order_id)
    assert (code, tree["residual_minor"], tree["amount_minor"]) == (0, 0, 3_980)


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    async with transaction() as conn:
        source = await a_source(conn)
    file = tmp_path / "x.csv"
    file.write_bytes(b"a,b\n1,2\n")
    asked = ("import", "report", file, "--source", source, "--mapping")
    code, said = dougong(*asked, "taobao_alliance")
    assert (code, said["failure"]) == (1, "missing_column")
    code, said = dougong(*asked, "nobodys")
    assert (code, said["code"]) == (2, "unknown_mapping")
    assert "taobao_alliance" in said["known"]
    code, said = dougong("import", "report", file, "--source", "nowhere", "--mapping",
                         "taobao_alliance")  # fmt: skip
    assert (code, said["code"], said["field"]) == (2, "not_found", "source")
