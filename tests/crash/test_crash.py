"""Kill and freeze a real server while 64 buyers buy: what was answered is there, once, and whole.

DOUGONG_TORTURE_KILLS says how often (40); DOUGONG_TORTURE_SEED repeats a run's choices.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.crash.buyers import Ack, Buyer, Plan
from tests.crash.invariants import violations
from tests.crash.server import Server, a_server
from tests.factories import AStore, a_store, buyers, the_rules

from dougong.accounts.rules import token_hash
from dougong.infra.clock import wall_now
from dougong.infra.db import make_engine
from dougong.infra.embedded_postgres import APP

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "var/torture.jsonl"
KILLS = int(os.environ.get("DOUGONG_TORTURE_KILLS", "40"))
SEED = int(os.environ.get("DOUGONG_TORTURE_SEED", str(random.randrange(10**6))))
BUYERS = 64
PRICE = 9_900
UNITS_A_SKU = 60 * max(KILLS, 10)
FREEZE_EVERY = 13
FROZEN_S = 5
BACK_WITHIN_S = 120  # two seconds on an idle machine, much more on one that is shared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200 + 8 * KILLS)]


async def a_market(conn: AsyncConnection) -> tuple[AStore, list[Buyer]]:
    """A store with two hot SKUs, and 64 buyers who are signed in."""
    await the_rules(conn)
    store = await a_store(conn, prices=(PRICE, PRICE), on_hand=UNITS_A_SKU)
    people = []
    for buyer in await buyers(conn, BUYERS):
        token = uuid4().hex
        await conn.execute(
            text("""
                INSERT INTO sessions (token_hash, person_id, created_at, expires_at)
                VALUES (:hash, :person, :at, CAST(:at AS timestamptz) + interval '20 days')
            """),
            {"hash": token_hash(token), "person": buyer.person_id, "at": wall_now()},
        )
        people.append(Buyer(token, buyer.address_id))
    return store, people


def the_ways(server: Server) -> tuple[list[tuple[str, Callable[[], None]]], list[int]]:
    ways = [
        ("one web worker", server.kill_web_worker),
        ("job worker", server.kill_job_worker),
        ("whole database", server.kill_postgres),
        ("postmaster alone", server.kill_postmaster),
        ("whole server", server.kill_all_and_start),
    ]
    return ways, [35, 15, 25, 10, 15]


def hurt(server: Server, run: "subprocess.Popen[bytes]") -> Counter[str]:
    """KILLS kills at random moments, and a freeze now and then; answers what was done."""
    ways, weights = the_ways(server)
    done: Counter[str] = Counter()
    for n in range(KILLS):
        if random.random() < 0.7:  # else while it is still getting up
            server.wait_ready(BACK_WITHIN_S)
        time.sleep(random.uniform(0.1, 2.5))
        assert run.poll() is None, "the buyers have left"
        name, way = random.choices(ways, weights)[0]
        way()
        done[name] += 1
        if n % FREEZE_EVERY == FREEZE_EVERY - 1:
            server.freeze(random.choice(server.freezable())())
            time.sleep(FROZEN_S)
            server.thaw()
            done["frozen"] += 1
    return done


def test_nothing_answered_is_lost(tmp_path: Path) -> None:
    random.seed(SEED)
    print(f"seed {SEED}, {KILLS} kills")
    with a_server(tmp_path / "shop") as server:
        engine = make_engine(server.postgres.url(APP), pool_size=1)
        with asyncio.Runner() as runner:
            store, people = runner.run(_made(engine))
            plan = Plan(
                url=server.url, store_id=store.store_id, skus=list(store.skus),
                price_minor=PRICE, buyers=people, acks=str(tmp_path / "acks"),
                hurry=str(tmp_path / "hurry"), think_s=1.5, seed=SEED,
            )  # fmt: skip
            (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
            run = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.buyers", str(tmp_path / "plan.json")],
                env=server.environment(), stdin=subprocess.DEVNULL,
            )  # fmt: skip
            started = time.monotonic()
            try:
                done = hurt(server, run)
                back_s = server.wait_ready(BACK_WITHIN_S)
                (tmp_path / "hurry").touch()
                assert run.wait(timeout=150) == 0
            finally:
                run.kill()
                run.wait()
            seconds = time.monotonic() - started
            acks = read_acks(tmp_path / "acks")
            runner.run(engine.dispose())  # its connection has died with the database
            try:
                runner.run(settled(engine, store.store_id))
                runner.run(check(engine, store, acks, ended_early=seconds < 800))
            finally:
                runner.run(engine.dispose())
        assert server.doctor_finds() == {}
    report(acks, done, seconds, back_s)


async def _made(engine: AsyncEngine) -> tuple[AStore, list[Buyer]]:
    async with engine.begin() as conn:
        return await a_market(conn)


async def settled(engine: AsyncEngine, store_id: UUID) -> None:
    """Wait until the job worker has finished what a kill left half done."""
    for _ in range(150):
        async with engine.connect() as conn:
            left = await conn.scalar(
                text("""
                    SELECT (SELECT count(*) FROM inbox WHERE done_at IS NULL)
                      + (SELECT count(*) FROM payment_parts x
                         JOIN payments p ON p.id = x.payment_id
                         WHERE x.store_id = :s AND p.state = 'captured' AND x.booked_at IS NULL)
                """),
                {"s": store_id},
            )
        if not left:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{left} events from the gateway were never finished")


def read_acks(path: Path) -> list[Ack]:
    return [msgspec.json.decode(line, type=Ack) for line in path.read_bytes().splitlines()]


async def check(engine: AsyncEngine, store: AStore, acks: list[Ack], *, ended_early: bool) -> None:
    """The shop's books against what it has answered."""
    assert [a.note for a in acks if a.what == "fault"] == []
    assert sorted(a.buyer for a in acks if a.what == "done") == list(range(BUYERS))
    async with engine.begin() as conn:
        found = {row.key: row for row in await orders_of(conn, store.store_id)}
        free = await conn.scalar(
            text("SELECT sum(on_hand - reserved) FROM stock WHERE store_id = :s"),
            {"s": store.store_id},
        )
        assert await violations(conn, [store.store_id]) == {}
    placed = [a for a in acks if a.what == "placed"]
    assert len({a.key for a in placed}) == len(placed)
    assert {a.key: (a.order_id, a.number, a.total_minor, a.quantity) for a in placed} == {
        key: (row.id, row.number, row.total_minor, row.quantity) for key, row in found.items()
    }
    states = {row.id: row.state for row in found.values()}
    paid = {a.order_id for a in acks if a.what == "paid"}
    cancelled = {a.order_id for a in acks if a.what == "cancelled"}
    assert {states[i] for i in paid if i} <= {"paid"}
    assert {states[i] for i in cancelled if i} <= {"cancelled"}
    if ended_early:  # later, unpaid orders end by their deadline: a longer run gives units back
        assert free == 0
        assert {i for i, state in states.items() if state == "paid"} == paid
        assert {i for i, state in states.items() if state == "cancelled"} == cancelled


async def orders_of(conn: AsyncConnection, store_id: UUID) -> list[Any]:
    rows = await conn.execute(
        text("""
            SELECT o.id, o.idempotency_key AS key, o.number, o.total_minor, o.state,
              sum(l.quantity) AS quantity
            FROM orders o JOIN order_lines l ON l.store_id = o.store_id AND l.order_id = o.id
            WHERE o.store_id = :s GROUP BY o.store_id, o.id
        """),
        {"s": store_id},
    )
    return list(rows.all())


def report(acks: list[Ack], done: Counter[str], seconds: float, back_s: float) -> None:
    """Print the run's figures; a long run's are kept, with what it takes to repeat it."""
    tries = [a.tries for a in acks if a.what == "placed"]
    figures = {
        "seed": SEED,
        "kills": KILLS,
        "commit": commit(),
        "at": wall_now().isoformat(timespec="seconds"),
        "done": dict(done),
        "answers": dict(Counter(a.what for a in acks)),
        "seconds": round(seconds),
        "tries_median": median(tries),
        "tries_most": max(tries),
        "back_s": round(back_s, 1),
    }
    print(json.dumps(figures))
    if "DOUGONG_TORTURE_KILLS" in os.environ:
        RESULTS.parent.mkdir(exist_ok=True)
        with RESULTS.open("a") as results:
            results.write(json.dumps(figures) + "\n")


def commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT
    )
    return asked.stdout.strip()
