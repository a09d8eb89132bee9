"""Savepoints, and whole transactions that are never kept, said to libpq itself.

At every ROLLBACK that psycopg sees, also to a savepoint, it forgets each statement that it has
prepared: then the server plans all of them anew, which costs it twice what it takes to run them.
Nothing here makes or changes a table, so nothing that was prepared goes stale.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import OperationalError, waiting
from psycopg.pq import ExecStatus
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_PREPARED = 1_000


def _driver(conn: AsyncConnection) -> Any:
    session = conn.sync_connection
    assert session is not None
    return session.connection.driver_connection


def alone(conn: AsyncConnection) -> None:
    """A connection beside which nothing else happens: each statement is prepared when it is first
    run, and kept; and its answer is waited for without going through the event loop, which has
    nothing else to do."""
    driver = _driver(conn)
    driver.prepare_threshold, driver.prepared_max = 0, MOST_PREPARED

    async def wait(steps: Any, interval: float = 0.1) -> Any:
        return waiting.wait(steps, driver.pgconn.socket, interval)

    driver.wait = wait


def say(conn: AsyncConnection, command: bytes) -> None:
    """Raises OperationalError where the server refuses."""
    found = _driver(conn).pgconn.exec_(command)
    if found.status != ExecStatus.COMMAND_OK:
        raise OperationalError(found.get_error_message())


@contextmanager
def savepoint(conn: AsyncConnection) -> Iterator[None]:
    """What an exception leaves is undone."""
    say(conn, b"SAVEPOINT act")
    try:
        yield
    except BaseException:
        say(conn, b"ROLLBACK TO SAVEPOINT act")
        raise
    finally:
        say(conn, b"RELEASE SAVEPOINT act")


@contextmanager
def undone(conn: AsyncConnection) -> Iterator[None]:
    """A transaction of which nothing is kept."""
    say(conn, b"BEGIN")
    try:
        yield
    finally:
        say(conn, b"ROLLBACK")
