"""`dougong reconcile` as a person runs it: what it prints, how it ends, and what it leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.settlement.outside import ASource, a_source, an_order, both, rows_of

from dougong.infra.db import transaction

pytestmark = pytest.mark.slow

AUGUST = ("--from", "2020-08-01", "--to", "2020-08-31")
PAYMENTS = "收款流水号,订单编号,币种,收款金额,到账时间\n"
STATEMENT = "子订单编号,付款时间,订单状态,应结金额,结算时间\n"


def dougong(*args: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [Path(sys.executable).with_name("dougong"), "reconcile", *map(str, args)],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def two_orders() -> ASource:
    async with transaction() as conn:
        source = await a_source(conn)
        await both(conn, source, "agrees")
        await both(conn, source, "short")
    return source


def payments(folder: Path, *lines: str) -> Path:
    file = folder / "收款.csv"
    file.write_bytes((PAYMENTS + "".join(f"{line}\n" for line in lines)).encode("gb18030"))
    return file


async def test_it_takes_payments_and_says_what_does_not_agree(tmp_path: Path) -> None:
    source = await two_orders()
    file = payments(
        tmp_path,
        "P1,agrees,CNY,10.00,2020-09-05 10:00:00",
        "P1,short,CNY,9.50,2020-09-05 10:00:00",
        "P1,short,CNY,ten,2020-09-05 10:00:00",
    )
    asked = ("--source", source.code, *AUGUST, "--payments", file, "--json")
    code, out, _ = dougong(*asked)
    said: dict[str, Any] = json.loads(out)
    assert (code, said["state"], said["orders"], said["differences"]) == (0, "done", 2, 1)
    sums = {one["outcome"]: (one["orders"], one["gap_minor"]) for one in said["sums"]}
    assert sums == {"matched": (1, 0), "different": (1, -50)}
    taken = said["payments"]
    assert (taken["rows_taken"], taken["rows_refused"]) == (2, 1)
    assert (taken["problems"][0]["line"], taken["problems"][0]["reason"]) == (4, "bad_amount")
    again = json.loads(dougong(*asked)[1])
    assert (again["carried"], again["payments"]["rows_repeated"]) == (1, 2)
    async with transaction() as conn:
        cases = await conn.scalar(
            text("SELECT count(*) FROM reconciliation_cases WHERE source = :s"), {"s": source.code}
        )
    assert cases == 1


async def test_the_partners_statement_goes_before_its_reports(tmp_path: Path) -> None:
    source = await two_orders()
    async with transaction() as conn:
        await an_order(conn, source, "ours")
    statement = tmp_path / "对账单.csv"
    lines = [
        f"{ref},2020-08-10 12:00:00,已结算,{amount},2020-08-20 12:00:00\n"
        for ref, amount in (("agrees", "10.00"), ("short", "9.00"))
    ]
    statement.write_bytes((STATEMENT + "".join(lines)).encode("gb18030"))
    code, out, _ = dougong("--source", source.code, *AUGUST, "--report", statement, "--json")
    said = json.loads(out)
    assert (code, said["state"]) == (0, "done")
    rows = await rows_of(said["id"])
    assert rows["short"] == ("different", "amount", -100)
    assert rows["ours"] == ("only_ours", "not_in_report", -1_000)


async def test_without_json_it_says_it_in_lines() -> None:
    source = await two_orders()
    code, out, err = dougong("--source", source.code, *AUGUST)
    first, *sums = out.splitlines()
    assert (code, err) == (0, "")
    assert first.startswith(f"{source.code} done: 2 orders, 2 differences (0 carried over) in ")
    assert [line.split()[:3] for line in sums] == [["CNY", "unpaid", "2"]]


async def test_what_cannot_be_read_is_said_and_changes_nothing(tmp_path: Path) -> None:
    source = await two_orders()
    code, _, err = dougong("--source", "nowhere", *AUGUST)
    assert (code, json.loads(err)["code"]) == (1, "unknown_source")
    file = payments(tmp_path, "P1,agrees,CNY,10.00,2020-09-05 10:00:00")
    asked = ("--source", source.code, *AUGUST, "--payments", file, "--mapping", "nobodys")
    code, _, err = dougong(*asked)
    assert (code, json.loads(err)["code"]) == (1, "unknown_payment_mapping")
    statement = tmp_path / "x.csv"
    statement.write_bytes(b"a,b\n1,2\n")
    code, out, _ = dougong("--source", source.code, *AUGUST, "--report", statement, "--json")
    said = json.loads(out)
    assert (code, said["state"], said["failure"]) == (1, "failed", "missing_column")
    code, _, err = dougong("--source", source.code, "--from", "2020-09-01", "--to", "2020-08-31")
    assert code == 1
    assert json.loads(err)["code"] == "bad_input"
    async with transaction() as conn:
        cases = await conn.scalar(
            text("SELECT count(*) FROM reconciliation_cases WHERE source = :s"), {"s": source.code}
        )
    assert cases == 0
