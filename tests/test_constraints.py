"""Every constraint and trigger on money, stock and rules bites, and bites alone (H9).

A wrong row is refused by the constraint's own name; with that constraint dropped, in the same
transaction, the same row goes in. So each one is needed, and each one is known here.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Placeholder
from tests.constraint_fulfilment import EVIDENCE, FACTS, FRESH, KEPT_CASES, WRONG, world
from tests.constraint_live import FOR_ITS_TIME
from tests.constraint_shapes import ONE, Ids, Row

from dougong.infra import db_server

pytestmark = [pytest.mark.slow, pytest.mark.money]

Connection = psycopg.Connection[tuple[Any, ...]]
# Trigger to statements that it refuses. keep* keep rows, or their keys, as they are.
CHANGES = {
    "keep": ("UPDATE {} SET store_id = store_id WHERE store_id = %s",
             "DELETE FROM {} WHERE store_id = %s"),
    "keep_all": ("TRUNCATE {}",),
    "keep_rows": ("DELETE FROM {} WHERE {key} = %s",),
    "keep_key": ("UPDATE {} SET {key} = {key} WHERE {key} = %s",),
    "keep_fact": ("UPDATE {} SET id = id WHERE id = %s", "DELETE FROM {} WHERE id = %s"),
    "keep_proposal": ("UPDATE {} SET message = message || 'x' WHERE id = %s",),
    "keep_terms": ("UPDATE {} SET reason = reason || '.' WHERE id = %s",),
    "keep_evidence": ("UPDATE {} SET price_minor = price_minor + 1 WHERE id = %s",),
    "keep_until_its_time": ("DELETE FROM {} WHERE room_id = %s",),
    "keep_seal": ("UPDATE {} SET room_id = room_id WHERE room_id = %s",
                  "DELETE FROM {} WHERE room_id = %s"),
    "keep_rating": ("UPDATE {} SET stars = 1 WHERE task_id = %s",
                    "DELETE FROM {} WHERE task_id = %s"),
    "keep_penalty": ("UPDATE {} SET fine_minor = fine_minor + 1 WHERE id = %s",
                     "DELETE FROM {} WHERE id = %s"),
    "keep_case_rule": ("UPDATE {} SET up_to_minor = up_to_minor + 1 WHERE id = %s",
                       "DELETE FROM {} WHERE id = %s"),
    "keep_correction": ("UPDATE {} SET reason = reason || '.' WHERE id = %s",),
    "keep_rule": ("UPDATE {} SET announced_at = announced_at - interval '1 day' WHERE id = %s",),
}  # fmt: skip


class World(NamedTuple):
    """Good rows, and the open transaction that they are written in."""

    conn: Connection
    ids: Ids


@pytest.fixture(scope="module")
def good() -> Iterator[World]:
    with psycopg.connect(db_server.owner_url()) as conn:
        made = Ids()
        for table, row in world(made):
            put(conn, table, row)
            made.rows[table] = row
        yield World(conn, made)
        conn.rollback()


@pytest.fixture
def owner(good: World) -> Iterator[Connection]:
    """The owner's connection, inside the world; what a test does there is undone after it."""
    with good.conn.transaction(force_rollback=True):
        yield good.conn


@pytest.fixture
def ids(good: World) -> Ids:
    return good.ids


def put(conn: Connection, table: str, row: Row) -> None:
    conn.execute(
        SQL("INSERT INTO {} ({}) VALUES ({})").format(
            Identifier(table),
            SQL(", ").join(map(Identifier, row)),
            SQL(", ").join([Placeholder()] * len(row)),
        ),
        list(row.values()),
    )


def drop(conn: Connection, table: str, name: str) -> None:
    """Drop a constraint, or an index or trigger that is one."""
    found = conn.execute("SELECT FROM pg_constraint WHERE conname = %s", (name,)).fetchone()
    if (table, name) in references_in_database(conn):
        conn.execute(SQL("DROP TRIGGER {} ON {}").format(Identifier(name), Identifier(table)))
    elif found is None:
        conn.execute(SQL("DROP INDEX {}").format(Identifier(name)))
    else:
        alter = SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE")
        conn.execute(alter.format(Identifier(table), Identifier(name)))


def wrong_row(ids: Ids, table: str, name: str) -> Row:
    wrong = WRONG[table][name]
    same = {column: ids.rows[table][column] for column in wrong.same}
    row = FRESH[table](ids) | same | wrong.change
    return {column: ids.account if value is ONE else value for column, value in row.items()}


def guarded(conn: Connection) -> list[str]:
    """The tables that are looked at: a new table of the ledger is among them at once."""
    rows = conn.execute("SELECT tablename::text FROM pg_tables WHERE tablename LIKE 'ledger%'")
    return sorted({name for (name,) in rows.fetchall()} | set(FRESH))


def names_in_database(conn: Connection) -> set[tuple[str, str]]:
    rows = conn.execute(
        """
        SELECT conrelid::regclass::text, conname::text FROM pg_constraint
        WHERE conrelid::regclass::text = ANY(%(tables)s) AND contype <> 'n'
        UNION ALL
        SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index
        WHERE indisunique AND indrelid::regclass::text = ANY(%(tables)s)
          AND NOT EXISTS (SELECT FROM pg_constraint c
            WHERE c.conindid = indexrelid AND c.conrelid = indrelid)
        """,
        {"tables": guarded(conn)},
    )
    return {(table, name) for table, name in rows.fetchall()} | references_in_database(conn)


def references_in_database(conn: Connection) -> set[tuple[str, str]]:
    """References that are checked once per statement: triggers that read the new rows."""
    rows = conn.execute(
        """
        SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger
        WHERE NOT tgisinternal AND tgnewtable IS NOT NULL AND tgrelid::regclass::text = ANY(%s)
        """,
        (guarded(conn),),
    )
    return {(table, name) for table, name in rows.fetchall()}


def triggers_in_database(conn: Connection) -> set[tuple[str, str]]:
    rows = conn.execute(
        """
        SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger
        WHERE NOT tgisinternal AND tgnewtable IS NULL AND tgrelid::regclass::text = ANY(%s)
        """,
        (sorted({*guarded(conn), "stores"}),),
    )
    return {(table, name) for table, name in rows.fetchall()}


def drop_references(conn: Connection, table: str) -> None:
    """Drop every foreign key that points at a table: they would refuse its DELETE too."""
    rows = conn.execute(
        """
        SELECT conrelid::regclass::text, conname::text FROM pg_constraint
        WHERE contype = 'f' AND confrelid = CAST(%s AS regclass)
        """,
        (table,),
    )
    for referring, name in rows.fetchall():
        drop(conn, referring, name)


def test_every_constraint_has_a_row_that_it_refuses(owner: Connection) -> None:
    known = {(table, name) for table, wrongs in WRONG.items() for name in wrongs}
    assert known == names_in_database(owner)


def test_every_trigger_has_a_statement_that_it_refuses(owner: Connection) -> None:
    assert {name for _, name in triggers_in_database(owner)} == set(CHANGES)
    assert triggers_in_database(owner) == TRIGGERS


@pytest.mark.parametrize(
    ("table", "name"), [(table, name) for table, wrongs in WRONG.items() for name in wrongs]
)
def test_constraint_refuses_and_nothing_else_does(
    owner: Connection, ids: Ids, table: str, name: str
) -> None:
    for other in WRONG[table][name].without:
        drop(owner, table, other)
    row = wrong_row(ids, table, name)
    with pytest.raises(psycopg.IntegrityError) as refused, owner.transaction():
        put(owner, table, row)
    assert refused.value.diag.constraint_name == name
    drop(owner, table, name)
    put(owner, table, row)


@pytest.mark.parametrize("table", sorted(FRESH))
def test_good_row_goes_in(owner: Connection, ids: Ids, table: str) -> None:
    put(owner, table, FRESH[table](ids))


# What is unsealed is a list of work: its rows go as they are sealed; ledger_days are sums.
LEDGER = sorted(
    table
    for table in FRESH
    if table.startswith("ledger_") or table == "refund_lines"
    if table not in ("ledger_unsealed", "ledger_unsealed_ranges", "ledger_days")
)
# Columns of a key that is referred to, or that refers, in tables whose other columns may change.
KEYS = {
    "stores": ("id", "currency"),
    "orders": ("id", "store_id", "currency"),
    "order_lines": ("order_id", "store_id"),
    "refunds": ("id", "store_id", "order_id"),
    "ledger_unsealed": ("entry_id", "store_id"),
}
KEPT = ("stores", "orders", "refunds")
RULES = ("fee_rules", "term_rules", "link_rules", "claim_rules", "standing_rules")
TRIGGERS = (
    {(table, name) for table in LEDGER for name in ("keep", "keep_all")}
    | {(table, name) for table in KEPT_CASES for name in ("keep", "keep_all")}
    | {(table, "keep_rule") for table in RULES}
    | {(table, "keep_key") for table in KEYS}
    | {(table, name) for table in KEPT for name in ("keep_rows", "keep_all")}
    | {(table, "keep_terms") for table in ("reconciliation_terms", "payout_terms")}
    | {(table, name) for table in FACTS for name in ("keep_fact", "keep_all")}
    | {("partner_proposals", "keep_proposal"), ("stock_value_corrections", "keep_correction")}
    | {(table, name) for table in EVIDENCE for name in ("keep_evidence", "keep_all")}
    | {(table, "keep_until_its_time") for table in FOR_ITS_TIME}
    | {("live_seals", name) for name in ("keep_seal", "keep_all")}
    | {("case_rules", "keep_case_rule")}
    | {("penalties", name) for name in ("keep_penalty", "keep_all")}
    | {("task_ratings", name) for name in ("keep_rating", "keep_all")}
)
# What the statements find their row by, where it is not the store.
FOUND_BY = {
    "keep_rule": "id", "keep_fact": "id", "keep_proposal": "id", "keep_terms": "id",
    "keep_evidence": "id", "keep_until_its_time": "room_id", "keep_seal": "room_id",
    "keep_rating": "task_id",
    "keep_penalty": "id", "keep_case_rule": "id", "keep_correction": "id",
}  # fmt: skip
REFUSED = [
    (table, name, statement, key)
    for table, name in sorted(TRIGGERS)
    for statement in CHANGES[name]
    for key in (KEYS[table] if name == "keep_key" else KEYS.get(table, ("store_id",))[:1])
]


@pytest.mark.parametrize(("table", "name", "statement", "key"), REFUSED)
def test_trigger_refuses_its_owner_and_nothing_else_does(
    owner: Connection, ids: Ids, table: str, name: str, statement: str, key: str
) -> None:
    drop_references(owner, table)
    change = SQL(statement).format(Identifier(table), key=Identifier(key))
    of = FOUND_BY.get(name, key)
    values = (ids.rows[table][of],) if "%s" in statement else ()
    with pytest.raises(psycopg.IntegrityError, match=f"on {table} is refused"):  # noqa: SIM117
        with owner.transaction():
            owner.execute(change, values)
    owner.execute(SQL("DROP TRIGGER {} ON {}").format(Identifier(name), Identifier(table)))
    owner.execute(change, values)


def test_a_reference_is_checked_of_every_row_and_by_copy_too(owner: Connection, ids: Ids) -> None:
    """Of many rows one is wrong; and none when there are none."""
    put = "INSERT INTO ledger_unsealed SELECT %s, x FROM unnest(CAST(%s AS uuid[])) AS u (x)"
    with pytest.raises(psycopg.errors.ForeignKeyViolation), owner.transaction():
        owner.execute(put, (ids.store, [ids.reversal, UUID(int=7)]))
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation),
        owner.transaction(),
        owner.cursor().copy("COPY ledger_unsealed FROM STDIN") as copy,
    ):
        copy.write_row((ids.store, ids.reversal))
        copy.write_row((ids.store, UUID(int=7)))
    owner.execute(put, (ids.store, []))
    owner.execute(put, (ids.store, [ids.reversal]))


# As many rows in one statement as are looked up as a list.
MANY = 1_500


def copy_many(conn: Connection, table: str, rows: list[Row]) -> None:
    names = SQL(", ").join(map(Identifier, rows[0]))
    into = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), names)
    with conn.cursor().copy(into) as copy:
        for row in rows:
            copy.write_row(list(row.values()))


def many_of(ids: Ids, table: str, key: str, number: str, of: tuple[str, ...]) -> list[Row]:
    """Rows of one table that refer to these in turn."""
    row = FRESH[table](ids)
    at = [getattr(ids, name) for name in of]
    return [row | {key: at[n % len(at)], number: 10 + n} for n in range(MANY)]


LISTS = [
    ("ledger_transfers", "entry_id", "n", ("entry",)),
    ("ledger_transfers", "entry_id", "n", ("entry", "reversal")),
    ("order_lines", "order_id", "line_no", ("order",)),
]


@pytest.mark.parametrize(("table", "key", "number", "of"), LISTS)
def test_of_many_rows_one_refers_to_nothing(
    owner: Connection, ids: Ids, table: str, key: str, number: str, of: tuple[str, ...]
) -> None:
    """Whether rows that refer to the same come one after the other, or in turn."""
    rows = many_of(ids, table, key, number, of)
    wrong = [*rows[:-1], rows[-1] | {key: UUID(int=7)}]
    with pytest.raises(psycopg.errors.ForeignKeyViolation), owner.transaction():
        copy_many(owner, table, wrong)
    copy_many(owner, table, rows)


def test_of_many_rows_one_is_of_another_book(owner: Connection, ids: Ids) -> None:
    """The order that it names is in the first row's book only."""
    rows = many_of(ids, "order_lines", "order_id", "line_no", ("order",))
    wrong = [*rows[:-1], rows[-1] | {"store_id": UUID(int=7)}]
    with pytest.raises(psycopg.errors.ForeignKeyViolation), owner.transaction():
        copy_many(owner, "order_lines", wrong)
