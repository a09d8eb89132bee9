"""A restored backup holds the same books to the row, and the doctor finds them whole."""

import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.conftest import SERVER
from tests.reads.stories import Story, a_final_order, a_market, money

from dougong.flows.seal_books import published_heads, seal_book
from dougong.infra.clock import wall_now
from dougong.infra.db import transaction
from dougong.infra.embedded_postgres import POSTGRES_BIN_PATH
from dougong.reads.doctor import examine

pytestmark = pytest.mark.skipif(bool(SERVER), reason="dumps with the programs of the wheel")


def run(program: str, *args: str) -> None:
    done = subprocess.run(
        [str(POSTGRES_BIN_PATH / program), *args], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def digests(url: str) -> dict[str, tuple[object, ...]]:
    """Each table with its number of rows and a sum over all that stands in them."""
    with psycopg.connect(url) as conn:
        names = conn.execute("""
            SELECT table_name FROM information_schema.tables
            WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        """).fetchall()
        ask = SQL("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} t")
        return {
            str(name): conn.execute(ask.format(Identifier(str(name)))).fetchall()[0]
            for (name,) in names
        }


async def doctor_says(url: URL) -> dict[str, int]:
    """Each check's value; other tests have left in this database what they were about."""
    engine = create_async_engine(url.set(drivername="postgresql+psycopg"))
    now = wall_now()
    async with engine.connect() as conn:
        checks = await examine(conn, business_now=now, wall_now=now, published=published_heads())
    await engine.dispose()
    return {check.name: check.value for check in checks}


async def test_a_restored_backup_has_the_same_books(
    all_rights_url: str, empty_database: str, tmp_path: Path
) -> None:
    before = await doctor_says(make_url(all_rights_url))
    async with transaction() as conn:
        market = await a_market(conn)
        story = await a_final_order(conn, market, money(), money(platform_discount_minor=77))
        await story.refund({1: 4_567}, is_final=True)
        held = await (await Story(conn, market, [money()]).place()).pay()
        await held.refund({1: 123})
    assert await seal_book(market.store_id) == 1

    file = tmp_path / "backup"
    run("pg_dump", "-Fc", "-f", str(file), all_rights_url)
    name = make_url(empty_database).database
    restored = make_url(all_rights_url).set(database=name)
    run("pg_restore", "--exit-on-error", "-d", restored.render_as_string(), str(file))

    found = digests(restored.render_as_string())
    assert found == digests(all_rights_url)
    assert found["ledger_transfers"][0] != 0
    said = await doctor_says(restored)
    assert said == await doctor_says(make_url(all_rights_url))
    assert (said["trial_balance_minor"], said["broken_seals"]) == (0, before["broken_seals"])
