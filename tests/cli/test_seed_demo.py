"""`dougong seed demo` makes the whole market, also after a stop in the middle, and only once."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.browser.market import DemoServer

from dougong.infra.embedded_postgres import APP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SEED = ("-m", "dougong", "seed", "demo")
FIND = {
    "stores": "SELECT count(*) FROM stores",
    "products": "SELECT count(*) FROM products WHERE state = 'active'",
    "creators": "SELECT count(*) FROM organisations WHERE kind = 'creator'",
    "videos": "SELECT count(*) FROM videos WHERE state = 'published'",
    "clips": "SELECT count(DISTINCT media) FROM videos WHERE state = 'published'",
    "days": "SELECT extract(day FROM max(placed_at) - min(placed_at))::int FROM orders",
}
AT_LEAST = {"stores": 20, "products": 300, "creators": 40, "videos": 80, "clips": 24, "days": 55}
STATES = {
    *("placed", "paid", "part_shipped", "shipped", "received", "final", "cancelled", "refunded"),
}


@pytest.fixture
def market(tmp_path: Path) -> Iterator[DemoServer]:
    server = DemoServer(tmp_path)
    yield server
    server.postgres.stop(mode="immediate")


def ask(server: DemoServer, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.postgres.url(APP)) as conn:
        return conn.execute(question).fetchall()


def orders_so_far(server: DemoServer) -> int:
    try:
        return int(str(ask(server, "SELECT count(*) FROM orders")[0][0]))
    except psycopg.Error:  # the database, or the table, is not there yet
        return 0


def kill_in_the_middle(server: DemoServer) -> None:
    """Start the seeding, and kill it when some orders are there."""
    seeding = subprocess.Popen([sys.executable, *SEED], env=server.environment())
    try:
        while orders_so_far(server) < 100:
            assert seeding.poll() is None, "done before anybody could stop it"
            time.sleep(0.2)
    finally:
        seeding.kill()
        seeding.wait()


def test_a_market_is_whole_also_after_a_stop(market: DemoServer) -> None:
    kill_in_the_middle(market)
    done = market.run(*SEED)
    assert done.returncode == 0, done.stderr[-4000:]

    found = {name: ask(market, question)[0][0] for name, question in FIND.items()}
    assert {name: found[name] for name in found if int(str(found[name])) < AT_LEAST[name]} == {}
    assert {row[0] for row in ask(market, "SELECT DISTINCT state FROM orders")} == STATES
    assert market.doctor_finds() == {}

    orders = orders_so_far(market)
    again = market.run(*SEED)
    assert (again.returncode, orders_so_far(market)) == (0, orders)
    assert "already there" in again.stderr
