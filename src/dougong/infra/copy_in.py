"""Rows in PostgreSQL's binary COPY form: the fastest way in, for whole histories at once.

A row is the number of its columns, then each column as its length and its bytes (PostgreSQL
manual, COPY, "Binary Format"). The functions here make one column each; whoever writes a table
puts them into a form of its rows, in the order of its column list.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg.sql import SQL
from sqlalchemy.ext.asyncio import AsyncConnection

NULL = b"\xff\xff\xff\xff"
# What a form leaves open: a column, the 16 bytes of a uuid.
GAP, ID_GAP = b"%b", b"\0\0\0\x10%b"
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
PIECE_BYTES = 128 * 1024
# From which PostgreSQL counts.
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
DAY_S = 86_400

_bigint = struct.Struct(">iq").pack
_integer = struct.Struct(">ii").pack
_smallint = struct.Struct(">ih").pack
_length = struct.Struct(">i").pack
_columns = struct.Struct(">h").pack


def row_of(columns: int) -> bytes:
    """What every row starts with."""
    return _columns(columns)


def form_of(*columns: bytes) -> bytes:
    """Rows that have most of their columns in common: `form_of(…) % (column, …)` is one of them."""
    gaps = (GAP, ID_GAP)
    return b"".join(one if one in gaps else one.replace(b"%", b"%%") for one in columns)


def uuid_column(value: UUID | None) -> bytes:
    return NULL if value is None else b"\0\0\0\x10" + value.bytes


def text_column(value: str | None) -> bytes:
    return NULL if value is None else bytes_column(value.encode())


def begun_text_column(begin: str, *, gap_bytes: int) -> bytes:
    """A text that begins so; as many bytes more follow in the row."""
    raw = begin.encode()
    return _length(len(raw) + gap_bytes) + raw


def bytes_column(raw: bytes) -> bytes:
    return _length(len(raw)) + raw


def jsonb_column(document: bytes) -> bytes:
    """`document`: JSON text; the byte before it is the version of the binary form."""
    return bytes_column(b"\x01" + document)


def bigint_column(value: int) -> bytes:
    return _bigint(8, value)


def integer_column(value: int) -> bytes:
    return _integer(4, value)


@lru_cache(maxsize=256)
def smallint_column(value: int) -> bytes:
    return _smallint(2, value)


def instant_column(at: datetime | None) -> bytes:
    """A timestamptz, exact to the microsecond."""
    if at is None:
        return NULL
    since = at - EPOCH
    return _bigint(8, (since.days * DAY_S + since.seconds) * 1_000_000 + since.microseconds)


async def copy_in(conn: AsyncConnection, statement: SQL, rows: Iterable[bytes]) -> None:
    """Send rows to `COPY … FROM STDIN (FORMAT binary)` in the transaction of `conn`.

    Raises what psycopg raises: nothing of the statement is written then.
    """
    data = b"".join((HEAD, *rows, END))
    if len(data) > len(HEAD) + len(END):
        await _send(conn, statement, memoryview(data))


async def copy_nothing(conn: AsyncConnection, statements: Iterable[SQL]) -> None:
    """Let a new connection's server open these tables and plan what their triggers ask: that takes
    as long as some hundred rows, and can be done before there are any."""
    for statement in statements:
        await _send(conn, statement, memoryview(HEAD + END))


async def _send(conn: AsyncConnection, statement: SQL, data: memoryview) -> None:
    driver: Any = (await conn.get_raw_connection()).driver_connection
    async with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, len(data), PIECE_BYTES):
            await copy.write(data[start : start + PIECE_BYTES])
