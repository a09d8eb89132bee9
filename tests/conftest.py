"""One real PostgreSQL per test worker, built by the migrations; a test's writes are rolled back.

Tests of flows commit for real: they make their own store and people, so nobody sees another's.
"""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

KEPT = ("DOUGONG_TEST_", "DOUGONG_TORTURE")
for _name in [n for n in os.environ if n.startswith("DOUGONG_") and not n.startswith(KEPT)]:
    del os.environ[_name]
DATA_DIR = Path(tempfile.mkdtemp(prefix="dougong-test-"))
os.environ["DOUGONG_DATA_DIR"] = str(DATA_DIR)
os.environ["DOUGONG_MODE"] = "test"
os.environ["DOUGONG_ALLOW_LOOPBACK"] = "true"
NUMBERS = count(1)
DROP_TRIES = 50
# postgresql://… of a role that may create databases and roles, instead of the embedded server.
SERVER = os.environ.get("DOUGONG_TEST_DATABASE_URL", "")
DATABASE = f"dougong_test_{os.getpid()}"


def pytest_configure(config: pytest.Config) -> None:
    """Whole files go to workers (--dist loadfile) in the order of `longest_first`; xdist would put
    those with most tests first, and the longest files hold one test."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After pytest-randomly and after deselection, in workers: alone, everything is at random."""
    if hasattr(config, "workerinput"):
        longest_first(items)


def longest_first(items: list[pytest.Item]) -> None:
    """Files whose tests ask for the longest timeouts start first, so that no worker begins with
    one when the others are done; all others stay in random order after them."""
    asked: dict[Path, list[float]] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        asked.setdefault(item.path, []).append(mark.args[0] if mark else 0)
    items.sort(key=lambda item: (max(asked[item.path]), sum(asked[item.path])), reverse=True)


def address(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


if SERVER:
    os.environ["DOUGONG_DATABASE_URL"] = address(SERVER, DATABASE)

from hypothesis import HealthCheck, settings  # noqa: E402
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine  # noqa: E402

from dougong.infra import db  # noqa: E402
from dougong.infra.db_server import embedded, ensure_server  # noqa: E402
from dougong.infra.embedded_postgres import APP, OWNER  # noqa: E402
from dougong.infra.migrate import migrate  # noqa: E402

# How long an example takes depends on the machine: no test is timed.
settings.register_profile("dougong", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dougong")


def maintenance() -> psycopg.Connection[tuple[object, ...]]:
    """A connection that may create databases."""
    url = SERVER or embedded().url("postgres", "postgres")
    return psycopg.connect(url, autocommit=True)


def create_database(name: str, *, like: str = "template1") -> str:
    """A new database; its address for the role that owns its tables."""
    made = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(like))
    with maintenance() as conn:
        conn.execute(made)
        if not SERVER:
            conn.execute(
                SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(name), Identifier(OWNER))
            )
    return address(SERVER, name) if SERVER else embedded().url(OWNER, name)


@cache
def head() -> str:
    """Name of a database at head that nobody writes to."""
    name = f"dougong_head_{os.getpid()}"
    migrate(create_database(name))
    return name


def drop_database(name: str) -> None:
    """A vacuum worker of the server's own may be in it for a moment, and nobody ends that."""
    statement = SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name))
    with maintenance() as conn:
        for _ in range(DROP_TRIES):
            with suppress(InsufficientPrivilege):
                conn.execute(statement)
                return
            time.sleep(0.2)
        conn.execute(statement)


def without_waiting_for_the_disk() -> None:
    """What a test worker's server holds is thrown away: only crash tests, which have servers of
    their own, ask what a disk has kept."""
    ensure_server()
    with maintenance() as conn:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            conn.execute(SQL("ALTER SYSTEM SET {} = off").format(Identifier(name)))
        conn.execute("SELECT pg_reload_conf()")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Roles belong to the whole server: test workers must not make them at once."""
    create_database(DATABASE)
    with maintenance() as conn:
        conn.execute("SELECT pg_advisory_lock(7300002)")
        yield


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[None]:
    """The database of this test worker, at head; gone with its data afterwards."""
    atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)
    if SERVER:
        with one_at_a_time():
            migrate()
        yield
        drop_database(DATABASE)
        if head.cache_info().currsize:
            drop_database(head())
    else:
        without_waiting_for_the_disk()
        migrate()
        yield
        embedded().stop(mode="immediate")
        shutil.rmtree(embedded().socket_dir)


@pytest.fixture
def all_rights_url(database: None) -> str:
    """Address of this worker's database for somebody whom no grant and no trigger stops."""
    if SERVER:
        return make_url(db.app_url()).set(username="postgres").render_as_string()
    return embedded().url("postgres")


@pytest.fixture
def empty_database() -> Iterator[str]:
    """Address of a new database without a table, for the role that may own tables."""
    name = f"dougong_empty_{os.getpid()}_{next(NUMBERS)}"
    yield create_database(name)
    drop_database(name)


@pytest.fixture(scope="session", autouse=True)
async def connections(database: None) -> AsyncIterator[None]:
    yield
    await db.dispose()


@pytest.fixture(scope="session")
async def ruleless(connections: None) -> AsyncIterator[AsyncEngine]:
    """A database at head without any rule: elsewhere other tests have committed some."""
    name = f"dougong_ruleless_{os.getpid()}"
    url = create_database(name, like=head())
    engine = db.make_engine(url if SERVER else embedded().url(APP, name), pool_size=2)
    yield engine
    await engine.dispose()
    drop_database(name)


@pytest.fixture(scope="module")
async def own_database(connections: None) -> AsyncIterator[None]:
    """A database that is one harness's alone; afterwards the doctor must find it whole."""
    from tests.crash.invariants import doctor_finds

    name = f"dougong_own_{os.getpid()}_{next(NUMBERS)}"
    url = create_database(name, like=head())
    await db.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "app_url", lambda: url if SERVER else embedded().url(APP, name))
        yield
        await db.dispose()
        async with db.snapshot() as conn:
            assert await doctor_finds(conn) == {}
        await db.dispose()
    drop_database(name)


@pytest.fixture
async def conn(connections: None) -> AsyncIterator[AsyncConnection]:
    """A transaction that is rolled back at the end of the test."""
    async with db.engine().connect() as made:
        await made.begin()
        yield made
        await made.rollback()
