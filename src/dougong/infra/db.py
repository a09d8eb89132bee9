"""Connections: one engine per process, the app's role, timeouts on every session."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import Any, LiteralString

import psycopg
from sqlalchemy import MetaData, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from dougong.infra.db_server import app_url
from dougong.infra.embedded_postgres import APP
from dougong.infra.settings import settings

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 2_000
IDLE_TIMEOUT_MS = 10_000

# All areas' tables register here; migrations/ is compared with it (tests/test_migrations.py).
metadata = MetaData()

# The guarded HTTP client and the gateways refuse to work while this is above 0.
open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)
# A request's transaction is opened by a dependency, which may run in a task (and so a context) of
# its own: the list is shared by all tasks of one request and holds an item while it is open.
request_transactions: ContextVar[list[bool] | None] = ContextVar(
    "request_transactions", default=None
)


class OutsideCallInTransaction(RuntimeError):
    """An outside party was called while a transaction was open: do it in a job, after commit."""


def refuse_in_transaction() -> None:
    if open_transactions.get() > 0 or request_transactions.get():
        raise OutsideCallInTransaction


def session_options(statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> str:
    """libpq `options` of every app connection. `role` drops ownership where the login has it."""
    return (
        f"-c role={APP} -c timezone=UTC -c statement_timeout={statement_timeout_ms} "
        f"-c lock_timeout={LOCK_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
    )


def make_engine(
    url: str, *, pool_size: int, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
) -> AsyncEngine:
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=False,
        hide_parameters=True,  # an error that is logged tells the statement, not who or what
        execution_options={"preserve_rowcount": True},  # also after INSERT … ON CONFLICT
        connect_args={"options": session_options(statement_timeout_ms)},
    )


@cache
def engine() -> AsyncEngine:
    return make_engine(app_url(), pool_size=settings().pool_size)


@cache
def slow_engine() -> AsyncEngine:
    """For imports, exports and the doctor: few connections, ten minutes a statement."""
    return make_engine(app_url(), pool_size=4, statement_timeout_ms=600_000)


@cache
def side_engine() -> AsyncEngine:
    """For single statements outside a request's own transaction: limits, who asks."""
    return make_engine(app_url(), pool_size=2).execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def transaction(*, slow: bool = False) -> AsyncIterator[AsyncConnection]:
    """A transaction that commits at the end of the block, or not at all."""
    token = open_transactions.set(open_transactions.get() + 1)
    try:
        async with (slow_engine() if slow else engine()).begin() as conn:
            yield conn
    finally:
        with suppress(ValueError):  # closed in another task than opened: that context is gone
            open_transactions.reset(token)


@asynccontextmanager
async def snapshot(*, slow: bool = False) -> AsyncIterator[AsyncConnection]:
    """One consistent read-only view (REPEATABLE READ): reports and the doctor."""
    async with transaction(slow=slow) as conn:
        await conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield conn


async def fetch(
    conn: AsyncConnection, statement: LiteralString, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The rows of a hot path's statement (none for one that gives none), in this transaction.

    Asked of psycopg itself (`%(name)s`): SQLAlchemy takes longer over a short statement than
    PostgreSQL does. Raises what SQLAlchemy raises: IntegrityError, DataError, OperationalError …
    """
    session = conn.sync_connection
    assert session is not None  # noqa: S101 (it is open)
    driver: Any = session.connection.driver_connection
    try:
        cursor = await driver.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        if driver.closed:  # SQLAlchemy finds that out by itself, and then renews its pool
            await conn.exec_driver_sql("SELECT")
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, dialect=session.dialect
        ) from error


def like_literal(words: str) -> str:
    """Words that a LIKE pattern takes as they are."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def constraint_of(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a statement."""
    diagnosis: Any = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


async def dispose() -> None:
    for pool in (engine, slow_engine, side_engine):
        if pool.cache_info().currsize:
            await pool().dispose()
            pool.cache_clear()
