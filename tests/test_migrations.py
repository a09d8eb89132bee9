"""The database that the migrations build is the one that the code and the promises speak of."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.sql import SQL, Identifier
from sqlalchemy.dialects import postgresql

from dougong.infra import db, db_server
from dougong.infra.embedded_postgres import APP
from dougong.infra.migrate import MIGRATIONS, head, migrate

pytestmark = pytest.mark.money

PACKAGE = Path(db.__file__).parents[1]
APPEND_ONLY = (
    "audit_log",
    "case_evidence",
    "case_holds",
    "case_lines",
    "case_messages",
    "case_moves",
    "case_rulings",
    "insurance_claims",
    "ledger_accounts",
    "ledger_entries",
    "ledger_rollups",
    "ledger_sealed_entries",
    "ledger_seals",
    "ledger_transfers",
    "live_coupon_claims",
    "live_coupon_drops",
    "live_draw_entries",
    "live_draws",
    "live_explanations",
    "live_messages",
    "live_offer_uses",
    "live_offers",
    "live_seals",
    "live_shelf_facts",
    "live_stream_keys",
    "live_visits",
    "package_lines",
    "partner_accruals",
    "partner_amounts",
    "partner_comments",
    "partner_deliveries",
    "partner_dispute_notes",
    "partner_signatures",
    "partner_statement_lines",
    "partner_statements",
    *("payout_file_problems", "payout_moves", "picks"),
    "receipt_problems",
    "receipts",
    "reconciliation_notes",
    "reconciliation_rows",
    "reconciliation_sums",
    "resend_lines",
    "referral_claims",
    "referral_losers",
    "referral_refunds",
    "referral_rulings",
    "refund_lines",
    "stock_moves",
    "stock_revaluations",
    "task_deliveries",
    "task_notes",
    "task_ratings",
    "tracking_events",
)
NEVER_DELETED = (
    "agency_contracts",
    "carrier_rates",
    "carriers",
    "case_rules",
    "case_units",
    "cases",
    "allocation_policies",
    "claim_rules",
    "events",
    "expiry_terms",
    "fee_rules",
    "foreign_refunds",
    "inbox",
    "insurance_policies", "insurance_products", "insured_stores",
    "order_lines",
    "live_minutes",
    "live_publishers",
    "live_rooms",
    "orders",
    "organisations",
    "packages",
    "partner_alarms",
    "partner_disputes",
    "partner_proposals",
    "partner_rounds",
    "payments",
    *("payout_accounts", "payout_files", "payout_runs", "payout_terms", "payouts"),
    "people",
    "receipt_files",
    "reconciliation_cases",
    "reconciliation_runs",
    "reconciliation_terms",
    "referral_orders",
    "referral_reports",
    "refunds",
    "report_rows",
    "ship_promises",
    "stock_allocations",
    "stock_batches",
    "stock_costs",
    "stock_counts",
    "stock_levels",
    "stock_quota_uses",
    "stock_quotas",
    "stock_transfers",
    "stores",
    "stray_events",
    "task_agreements",
    "task_applications",
    "task_briefs",
    "task_purses",
    "task_works",
    "term_rules",
    "unallocated_money",
    "warehouses",
    "wave_lines",
    "waves",
    "waybills",
    "write_offs",
)  # fmt: skip
OURS = """
    FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE s.nspname = 'public' AND c.relkind IN ('r', 'p')
      AND c.relname NOT LIKE 'procrastinate%%' AND c.relname <> 'alembic_version'
"""

Rows = list[tuple[Any, ...]]


@pytest.fixture
def owner() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection of the tables' owner; nothing of it is kept."""
    with psycopg.connect(db_server.owner_url()) as conn:
        yield conn
        conn.rollback()


def declared() -> dict[str, dict[str, tuple[str, bool]]]:
    """Table to column to (type, nullable), as all areas' tables.py say."""
    for file in PACKAGE.glob("*/*tables.py"):
        import_module(f"dougong.{file.parent.name}.{file.stem}")
    dialect = postgresql.dialect()
    return {
        name: {
            column.name: (_plain(column.type.compile(dialect)), bool(column.nullable))
            for column in table.columns
        }
        for name, table in db.metadata.tables.items()
    }


def _plain(kind: str) -> str:
    return kind.lower().replace("char(", "character(").replace("varcharacter", "varchar")


def built(conn: psycopg.Connection[tuple[Any, ...]]) -> dict[str, dict[str, tuple[str, bool]]]:
    """The same, as the database says."""
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    rows = conn.execute(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull" + OURS
    )
    for table, column, kind, nullable in rows:
        found.setdefault(table, {})[column] = (kind, nullable)
    return found


def test_tables_and_migrations_say_the_same(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    assert declared() == built(owner)


def test_primary_keys_are_the_same(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    declared()
    rows = owner.execute("""
        SELECT c.conrelid::regclass::text, array_agg(a.attname::text ORDER BY k.n)
        FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY AS k(attnum, n), pg_attribute a
        WHERE c.contype = 'p' AND a.attrelid = c.conrelid AND a.attnum = k.attnum
        GROUP BY 1
    """)
    keys = {name: columns for name, columns in rows if name in db.metadata.tables}
    assert keys == {
        name: [column.name for column in table.primary_key.columns]
        for name, table in db.metadata.tables.items()
    }


def test_app_owns_nothing(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    owned = owner.execute(
        """
        SELECT deptype, classid::regclass::text, objid FROM pg_shdepend
        WHERE refobjid = %s::regrole AND deptype = 'o'
        """,
        (APP,),
    ).fetchall()
    assert owned == []
    (can_create,) = owner.execute(
        "SELECT has_schema_privilege(%s, 'public', 'CREATE')", (APP,)
    ).fetchall()
    assert can_create == (False,)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("act", ["UPDATE", "DELETE", "TRUNCATE"])
def test_app_cannot_change_what_is_append_only(
    owner: psycopg.Connection[tuple[Any, ...]], table: str, act: str
) -> None:
    asked = "SELECT has_table_privilege(%s, %s, %s)"
    assert owner.execute(asked, (APP, table, act)).fetchone() == (False,)


@pytest.mark.parametrize("table", NEVER_DELETED)
@pytest.mark.parametrize("act", ["DELETE", "TRUNCATE"])
def test_app_cannot_delete_what_is_kept(
    owner: psycopg.Connection[tuple[Any, ...]], table: str, act: str
) -> None:
    asked = "SELECT has_table_privilege(%s, %s, %s)"
    assert owner.execute(asked, (APP, table, act)).fetchone() == (False,)


def test_app_is_refused_by_the_server_itself(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    with psycopg.connect(db_server.app_url(), options=db.session_options()) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("UPDATE ledger_transfers SET amount_minor = 1")
        conn.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("ALTER TABLE ledger_transfers DISABLE TRIGGER ALL")
        conn.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("TRUNCATE audit_log")
        conn.rollback()


def test_nothing_is_deleted_by_cascade(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    rows = owner.execute("""
        SELECT conrelid::regclass::text, conname FROM pg_constraint
        WHERE contype = 'f' AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r'))
          AND conrelid::regclass::text NOT LIKE 'procrastinate%'
    """)
    assert rows.fetchall() == []


def test_money_is_bigint(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    columns = {
        f"{table}.{column}": kind
        for table, kinds in built(owner).items()
        for column, (kind, _) in kinds.items()
        if column.endswith("_minor")
    }
    assert len(columns) > 15
    assert {name: kind for name, kind in columns.items() if kind != "bigint"} == {}


def test_rates_are_whole_basis_points(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    kinds = {
        kind
        for columns in built(owner).values()
        for column, (kind, _) in columns.items()
        if column.endswith("_bp")
    }
    assert kinds == {"integer"}


# Local days of the platform's zone, as figures have, and as people are born.
DAYS = {("day", "date"), ("month", "date"), ("born_on", "date"), ("expires_on", "date")}
DAYS = {(name, "date") for name in ("day", "month", "born_on", "expires_on", "expected_on",
                                   "billed_on", "due_on")}  # fmt: skip


def test_instants_have_a_zone(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    columns = built(owner)
    kinds = {
        (table, column): kind
        for table, found in columns.items()
        for column, (kind, _) in found.items()
        if column == "at" or column.endswith("_at") or kind.startswith(("timestamp", "date"))
        if (column, kind) not in DAYS
    }
    assert set(kinds.values()) == {"timestamp with time zone"}


def test_no_column_is_a_float_but_durations(owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    floats = {
        f"{table}.{column}"
        for table, found in built(owner).items()
        for column, (kind, _) in found.items()
        if kind in ("real", "double precision") or kind.startswith("numeric")
    }
    assert floats == {"business_clock.offset_s", "videos.seconds"}


def snapshot(url: str) -> tuple[Rows, Rows, Rows]:
    """Columns, constraints and grants of a database."""
    with psycopg.connect(url) as conn:
        return (
            conn.execute(
                "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull"
                + OURS + "ORDER BY 1, a.attnum"
            ).fetchall(),
            conn.execute(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"
            ).fetchall(),
            conn.execute("SELECT relname, relacl::text FROM pg_class ORDER BY 1, 2").fetchall(),
        )  # fmt: skip


def test_empty_to_head_twice_changes_nothing(empty_database: str) -> None:
    revision = migrate(empty_database)
    first = snapshot(empty_database)
    assert first[0] and migrate(empty_database) == revision
    assert snapshot(empty_database) == first


AND_SAY_WHAT_WAS_LOADED = """
import sys
from dougong.infra.migrate import migrate
print(migrate(sys.argv[1]), *sorted({"alembic", "sqlalchemy"} & set(sys.modules)))
"""


def migrate_elsewhere(url: str) -> list[str]:
    """The revision that a process of its own has reached, and which of the two it needed."""
    command = [sys.executable, "-c", AND_SAY_WHAT_WAS_LOADED, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_at_head_is_found_without_alembic(empty_database: str) -> None:
    assert migrate_elsewhere(empty_database) == [head(), "alembic", "sqlalchemy"]
    assert migrate_elsewhere(empty_database) == [head()]


def test_head_is_the_one_that_alembic_finds() -> None:
    folder = ScriptDirectory(str(MIGRATIONS))
    assert folder.get_current_head() == head()


def test_an_older_database_is_migrated(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = migrate(empty_database)
    newer = shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (newer / "versions/9998_next.py").write_text(
        "from alembic import op\n\n"
        f'revision = "9998"\ndown_revision = "{first}"\n\n'
        'def upgrade():\n    op.execute("CREATE TABLE came_later (id bigint)")\n'
    )
    monkeypatch.setattr("dougong.infra.migrate.MIGRATIONS", newer)
    assert migrate(empty_database) == "9998"
    with psycopg.connect(empty_database) as conn:
        assert conn.execute("SELECT count(*) FROM came_later").fetchone() == (0,)


def test_a_database_of_newer_code_is_refused(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CommandError, match="9999"):
        migrate(empty_database)


def test_two_migrations_at_once_take_turns(empty_database: str) -> None:
    script = "import sys; from dougong.infra.migrate import migrate; print(migrate(sys.argv[1]))"
    command = [sys.executable, "-c", script, empty_database]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60)[0].strip() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert said[0] == said[1] != ""
    with psycopg.connect(empty_database) as conn:
        assert conn.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_migration_gives_up_on_a_held_lock_after_two_seconds(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as holder:
        holder.execute(SQL("LOCK TABLE {}").format(Identifier("alembic_version")))
        with pytest.raises(Exception, match="lock timeout"):
            migrate(empty_database)
