"""Many rows by one statement: they travel as one JSON document, and PostgreSQL reads it.

Less than COPY saves, but it is an INSERT like any other: it can pass over rows that are there, or
change them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import JSON, LargeBinary, Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection


@lru_cache(maxsize=64)
def insert_many(table: Table, names: tuple[str, ...]) -> Insert:
    """INSERT INTO table (names) of the rows that `rows_of` makes; ON CONFLICT may follow."""
    typed = [column(name, table.c[name].type) for name in names]
    document = cast(bindparam("rows", type_=Text), JSON)
    told = func.json_to_recordset(document).table_valued(*typed, name="told")
    told = told.render_derived(with_types=True)
    return insert(table).from_select(list(names), select(*(told.c[name] for name in names)))


def rows_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter of `insert_many`: every row has the same names, and bytes are hexadecimal."""
    binary = [c.name for c in table.c if isinstance(c.type, LargeBinary) and c.name in rows[0]]
    if binary:
        rows = [{**row, **{name: "\\x" + row[name].hex() for name in binary}} for row in rows]
    return {"rows": msgspec.json.encode(rows).decode()}


async def write_many(
    conn: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the names of the first one; nothing for none."""
    if rows:
        await conn.execute(insert_many(table, tuple(rows[0])), rows_of(table, rows))
